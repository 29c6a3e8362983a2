"""device/fxnn as its users see it, on CPython, on the unix port and on the virtual Pico; the scripts are in tests/micropython."""

import os
import struct
import subprocess
import sys

import pytest

from tests.helpers.fxnn_networks import every_kernel, malformed, tiny, two
from tests.helpers.paths import DEVICE, STUBS
from tests.helpers.runners import run_cpython, run_pico, run_unix_sources


@pytest.fixture(scope="session")
def files() -> dict[str, bytes]:
    bad = [piece for text, file in malformed() for piece in (text.encode(), file)]
    return {
        "tiny.fxnn": tiny(),
        "two.fxnn": two(),
        "all.fxnn": every_kernel(),
        "errors.bin": b"".join(struct.pack("<I", len(piece)) + piece for piece in bad),
    }


def without_memory_errors(files):
    """CPython cannot run out of memory by 1 GB: the last file is left out."""
    data, cut = files["errors.bin"], b"MemoryError"
    return files | {"errors.bin": data[: data.rindex(cut) - 4]}


def test_api_on_cpython(files, tmp_path):
    assert run_cpython("api.py", files, tmp_path) == "ok\n"


def test_api_on_unix(files, tmp_path):
    assert run_unix_sources("api.py", files, tmp_path) == "ok\n"


def test_errors_on_cpython(files, tmp_path):
    assert run_cpython("errors.py", without_memory_errors(files), tmp_path).startswith("errors ")


def test_errors_on_unix(files, tmp_path):
    assert run_unix_sources("errors.py", files, tmp_path) == f"errors {len(list(malformed()))}\n"


def test_memory_on_unix(files, tmp_path):
    assert run_unix_sources("memory.py", files, tmp_path) == f"kernels {list(range(1, 12))}\nok\n"


@pytest.mark.pico
def test_api_errors_and_memory_on_the_pico(files):
    assert run_pico("api.py", files) == "ok\n"
    assert run_pico("errors.py", files, EVERY=5) == f"errors {len(list(malformed()))}\n"
    assert run_pico("memory.py", files, ROUNDS=8) == f"kernels {list(range(1, 12))}\nok\n"


@pytest.mark.pico
def test_import_heap_on_the_pico():
    """`import fxnn` and viper's kernels 1 to 11: their families' files, with all kernels of these (reduce beside mean).

    26,624 bytes. A network has fewer: with viper alone, beside arena and file and with the network's own objects, digits
    takes 24,020, DS-CNN 24,456, ResNet-8 22,980."""
    used = int(run_pico("import_heap.py", {}))
    assert used < 27_000, used


def test_nothing_is_imported_by_importing_the_package():
    code = "import sys, fxnn; print(sorted(n for n in sys.modules if n.startswith('fxnn')))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (DEVICE, STUBS)))}
    assert subprocess.check_output([sys.executable, "-c", code], env=environment, text=True) == "['fxnn']\n"


def test_package_json_lists_every_module():
    """But for the xtensa and rv32 kernels: no board assembles those sources, `fxnn deploy` brings them compiled."""
    import json

    package = json.loads((DEVICE / "package.json").read_text())
    assert [to for to, _ in package["urls"]] == [
        name
        for p in sorted((DEVICE / "fxnn").rglob("*.py"))
        if not (name := p.relative_to(DEVICE).as_posix()).startswith(("fxnn/xtensa/", "fxnn/rv32/"))
    ]
