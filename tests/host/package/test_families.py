"""What host_tools/package/families.py says a network needs is what the board's package imports for it, no more and no less."""

import sys
from types import SimpleNamespace

import pytest

from host_tools.assembler.targets import TARGETS, runs_in
from host_tools.compiler import convert
from host_tools.emulators.unix_port import unix_micropython
from host_tools.fileformat import packed
from host_tools.package import families
from host_tools.package.mpy import ARCHITECTURES
from host_tools.record import KERNELS, RECORD, WORDS, variants
from host_tools.targets.unix import arch_of
from tests import draw
from tests.helpers import batch, runners
from tests.helpers.paths import DIGITS, ROOT

DIGITS_TFLITE = DIGITS / "digits.tflite"
SCRIPT = """\
import parameters, struct, sys
import fxnn
with open('cases.bin', 'rb') as f:
    while True:
        size = f.read(4)
        if not size:
            break
        net = fxnn.load(f.read(struct.unpack('<I', size)[0]), backend=parameters.BACKEND)
        f.read(struct.unpack('<I', f.read(4))[0])
        net = None
        print(' '.join(sorted([n[5:] for n in sys.modules if n[:5] == 'fxnn.'])))
        for n in [n for n in sys.modules if n[:5] == 'fxnn.']:
            fxnn.forget(n[5:])
"""


@pytest.fixture(scope="module")
def networks():
    """One of every op, one with weights of four bits, one with the layouts of each assembler: every family is asked for."""
    made = [
        convert.convert_bytes(draw.build(op, draw.RandomSource(f"families/{op}"), op).tflite, selftest=0)
        for op in (*draw.OPS, *draw.STATEFUL)
    ]
    four = next(data for case in draw.generate("conv_2d", 20, 5) if (data := draw.four_bits(case)))
    return [*made, four if four[:4] == packed.MAGIC else convert.convert_bytes(four, selftest=0),
            *(convert.convert_bytes(DIGITS_TFLITE.read_bytes(), selftest=0, board=board, prefer="speed") for board in ("pico", "esp32", "esp32c3", "any"))]  # fmt: skip


@pytest.mark.parametrize("backend", ("ref", "viper"))
def test_the_board_imports_what_the_host_says(networks, backend, tmp_path):
    arch = arch_of(str(unix_micropython()))
    files = {"cases.bin": batch.cases_file([(n, []) for n in networks])}
    printed = runners.run_unix(SCRIPT, files, tmp_path, BACKEND=backend)
    common = families.needed([], arch, backend=backend) - {backend}
    every = set()
    for data, line in zip(networks, printed.splitlines(), strict=True):
        network = packed.read(data)
        found = set(line.split()) - common
        assert found == families.needed([network], arch, backend=backend) - common, [op.kernel for op in network.ops]
        every |= found
    assert every == {name for name in families.all_modules() if name.partition(".")[0] == backend}


def test_digits_on_every_architecture():
    """A third of the package on a Pico; the packed variants of one architecture are asked for by a file made for it."""
    made = {
        board: packed.read(convert.convert_bytes(DIGITS_TFLITE.read_bytes(), selftest=0, board=board))
        for board in ("pico", "esp32", "esp32c3")
    }
    for board, arch, own in (
        ("pico", "armv6m", {"thumb.conv", "thumb.depthwise", "thumb.dense", "thumb.pool"}),
        ("esp32", "xtensawin", {"xtensa.conv", "xtensa.depthwise"}),
        ("esp32c3", "rv32imc", {"rv32.conv", "rv32.dense", "rv32.depthwise"}),
    ):
        backend = families.picked(arch)
        names = families.needed([made[board]], arch)
        assert {n for n in names if n.startswith(f"{backend}.")} >= own, names
        assert {"viper", backend, "viper.softmax", "loader"} <= names and "ref" not in names
        assert names <= set(families.all_modules())
        assert not any(n.startswith("thumb") for n in names) or backend == "thumb"
    assert {"viper.conv", "viper.dense_pairs"} <= families.needed([made["pico"]], "xtensawin")
    portable = {n for n in families.needed([made["pico"]], None) if n.startswith(families.BACKENDS)}
    assert portable == {"ref", "ref.conv", "ref.dense", "ref.depthwise", "ref.pool", "ref.softmax"}


def test_a_kernel_is_in_its_familys_file():
    """In ref always; in viper but for what its docstring names."""
    own = {"fully_connected": "conv", "binary": "binary", "select": "binary", "transpose_conv": "transpose_conv",
           "conv_2d_16": "int16_conv", "depthwise_conv_2d_16": "int16_conv"}  # fmt: skip
    for kernel in KERNELS:
        words = [kernel.id, *[0] * (WORDS - 1)]
        words[RECORD.variants] = variants.variants(kernel.name, words, "none")
        assert variants.module("ref", kernel.name, words) == f"ref.{kernel.family}"
        assert variants.module("viper", kernel.name, words) == f"viper.{own.get(kernel.name, kernel.family)}"


def test_families_bring_what_they_import():
    assert {"ref", "ref.int16"} <= families.with_imports({"ref.recurrent"}) and "viper" in families.with_imports(
        {"rv32"}
    )


def board_picks(monkeypatch, number: int | None, machine: str, source: bool) -> str:
    """What device/fxnn/__init__.py takes where sys.implementation says so."""
    fields = {"_machine": machine} | ({} if number is None else {"_mpy": number << 10})
    monkeypatch.setitem(sys.modules, "sys", SimpleNamespace(implementation=SimpleNamespace(**fields)))
    names = {"__file__": "__init__.py" if source else "__init__.mpy", "__name__": "fxnn"}
    try:
        exec((ROOT / "device/fxnn/__init__.py").read_text(), names)  # noqa: S102
    finally:
        monkeypatch.undo()
    return names["backend"]


def test_the_backend_is_the_one_that_the_board_picks(monkeypatch):
    picked = set()
    for number, arch in (*ARCHITECTURES.items(), (None, None)):
        for machine in ("", "Generic ESP32S2 module with ESP32S2"):
            for source in (False, True):
                ours = families.picked(arch, machine, source)
                assert ours == board_picks(monkeypatch, number, machine, source), (arch, machine, source)
                picked.add(ours)
    assert picked == set(families.BACKENDS)
    assert families.picked("armv6m") == "thumb" and families.picked("x64") == "viper"


def test_inspect_names_the_backends_that_the_boards_take(networks):
    seen = set()
    for network in map(packed.read, networks):
        for op in network.ops:
            named = runs_in(network.fast_target, op.kernel, op.words, op.constants)[0].split(", ")
            for target in (network.fast_target,) if network.fast_target in TARGETS else TARGETS:
                family = variants.module(target, op.kernel, op.words)
                assert (target in named) == family.startswith(f"{target}."), (
                    op.kernel,
                    network.fast_target,
                    named,
                    family,
                )
                seen.add((network.fast_target, target in named))
    assert seen >= {(target, True) for target in (*TARGETS, "none")}
