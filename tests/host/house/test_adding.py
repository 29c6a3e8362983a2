"""docs/ADDING.md's examples, performed: its marked blocks are written into a temporary copy of the tree, and its commands run.

A block is marked by a comment before it: `<!-- in FILE, before: TEXT -->` puts it in front of the line of FILE that holds
TEXT, `after: TEXT` after that line, `in place of: TEXT` instead of it; `<!-- new FILE -->` makes the file, `<!-- run -->` runs its lines.
"""

import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest

from tests.helpers import pages
from tests.helpers.tflite_builder import Builder

ROOT = pages.ROOT
PAGE = ROOT / "docs/ADDING.md"
_MARKED = re.compile(r"<!-- (?P<how>[^>]+?) -->\n```\w+\n(?P<block>.*?)```", re.S)
_COPIED = ("host_tools", "device", "models", "boot.py", "main.py", "pyproject.toml")


def steps(title: str) -> list[tuple[str, str]]:
    """(how, block) of every marked block of a section, in order."""
    section = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.M | re.S)
    assert section, f"no section '{title}'"
    return [(found["how"], found["block"]) for found in _MARKED.finditer(section[1])]


def write(tree, how: str, block: str) -> None:
    """Puts a block where its mark says."""
    file, _, where = re.sub(r"^(in|new) ", "", how).partition(", ")
    path = tree / file
    if how.startswith("new "):
        path.write_text(block)
        return
    lines = path.read_text().splitlines(keepends=True)
    relation, _, text = where.partition(": ")
    found = [i for i, line in enumerate(lines) if text in line]
    assert text and len(found) == 1, f"{how}: in {len(found)} lines"
    first, last = {"before": (0, 0), "after": (1, 1), "in place of": (0, 1)}[relation]
    lines[found[0] + first : found[0] + last] = [block]
    path.write_text("".join(lines))


def run(tree, line: str) -> subprocess.CompletedProcess:
    """One command of the page, by the copy's own host_tools."""
    program, *arguments = shlex.split(line)
    assert program == "fxnn" or line.startswith("python -m "), line
    arguments = ["-m", "host_tools", *arguments] if program == "fxnn" else arguments
    return subprocess.run([sys.executable, *arguments], cwd=tree, capture_output=True, text=True, timeout=300)


@pytest.fixture
def tree(tmp_path):
    """A copy of what runs; commands in it find its host_tools first, and its device package next to that."""
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


def perform(tree, title: str) -> list[subprocess.CompletedProcess]:
    """Writes and runs a section's blocks in their order."""
    done = []
    for how, block in steps(title):
        if how != "run":
            write(tree, how, block)
            continue
        for line in block.splitlines():
            done.append(run(tree, line.removeprefix("$ ")))
            assert done[-1].returncode == 0, f"{line}\n{done[-1].stdout}\n{done[-1].stderr}"
    return done


def modules(tree, network: str) -> list[str]:
    """The modules of viper that run a network's records, as the copy's table reads them from its file."""
    code = (
        "import sys; from host_tools.fileformat import packed; from host_tools.record import variants\n"
        "print(*(variants.module('viper', op.kernel, op.words) for op in packed.read_file(sys.argv[1]).ops))"
    )
    done = subprocess.run([sys.executable, "-c", code, network], cwd=tree, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def outputs(tree, name: str) -> np.ndarray:
    with np.load(tree / name) as found:
        return found["y0"]


ROWS, DEPTH, DECAY = 3, 40, 7


def envelope_model(options: bytes, y_scale: float = 0.1) -> bytes:
    """One op: a custom one, int8 [1, ROWS, DEPTH]."""
    b = Builder()
    x = b.input((1, ROWS, DEPTH), scale=0.1, zero_point=-3)
    y = b.output(x, (1, ROWS, DEPTH), scale=y_scale, zero_point=-3)
    return b.finish(b.custom("Envelope", [x], [y], options))


def envelope(x: np.ndarray) -> np.ndarray:
    """y[..., i] = max(x[..., i], y[..., i - 1] - DECAY) of raw int8."""
    y = x.astype(int)
    for i in range(1, x.shape[-1]):
        y[..., i] = np.maximum(y[..., i], y[..., i - 1] - DECAY)
    return y.astype(np.int8)


@pytest.mark.slow  # it builds the unix port where there is none, which make check does not wait for
def test_an_op(tree):
    (tree / "envelope.tflite").write_bytes(envelope_model(bytes([DECAY])))
    x = np.random.default_rng(0).integers(-128, 128, (6, ROWS, DEPTH), np.int8)
    x[1:4] //= 16  # what decays from element to element shows
    x[4], x[5] = np.int8(-128), np.int8(127)
    x[4, :, 0] = 127  # decays through the whole range, and ends where x is
    np.savez(tree / "in.npz", x0=x)
    unknown = run(tree, "fxnn convert envelope.tflite -o envelope.fxnn")
    assert (
        unknown.returncode == 1
        and "CUSTOM:Envelope" in unknown.stderr + unknown.stdout
        and not (tree / "envelope.fxnn").exists()
    )

    written, converted, on_unix = perform(tree, "An op")
    assert "device/fxnn/viper/integer.py" in written.stdout and "models/FORMAT.md" in written.stdout
    expected = envelope(x)
    assert (expected != x).any((1, 2))[:5].all()
    assert "on unix (viper)" in on_unix.stdout
    for target in ("host", "ref"):
        done = run(tree, f"fxnn run envelope.fxnn --on {target} --input in.npz --output {target}.npz")
        assert done.returncode == 0 and f"on {target}" in done.stdout, done.stderr
    for target in ("host", "ref", "unix"):
        np.testing.assert_array_equal(outputs(tree, f"{target}.npz"), expected, target)
    assert modules(tree, "envelope.fxnn") == ["viper.integer"]
    # nothing else is to be written, and what the tables feed knows the kernel
    assert run(tree, "python -m host_tools.record --check").returncode == 0
    assert "| 10 | decay |" in (tree / "models/FORMAT.md").read_text()
    assert "envelope" in run(tree, "fxnn inspect envelope.fxnn").stdout
    # what its lowering refuses
    for options, y_scale, why in ((b"", 0.1, "its options are not one byte"), (b"\7", 0.2, "different scales")):
        (tree / "envelope.tflite").write_bytes(envelope_model(options, y_scale))
        refused = run(tree, "fxnn convert envelope.tflite -o envelope.fxnn")
        assert refused.returncode == 1 and why in " ".join((refused.stdout + refused.stderr).split())


def tanh_model(count: int) -> bytes:
    b = Builder()
    x = b.input((1, count), scale=0.02)
    return b.finish(b.op("TANH", [x], [b.output(x, (1, count), scale=1 / 128, zero_point=0)]))


@pytest.mark.slow  # likewise
def test_a_kernel_variant(tree):
    """The record names it, and the unix port runs it, which shows when the module is damaged."""
    x = np.arange(-128, 128, dtype=np.int8).reshape(2, 128)
    np.savez(tree / "in.npz", x0=x)
    for name, count in (("tanh", 128), ("odd", 127)):
        (tree / f"{name}.tflite").write_bytes(tanh_model(count))
    again = "fxnn run tanh.fxnn --on unix --input in.npz --output out.npz"
    for line in ("fxnn convert tanh.tflite -o tanh.fxnn", again):
        assert run(tree, line).returncode == 0
    assert modules(tree, "tanh.fxnn") == ["viper.lookup"]
    before = outputs(tree, "out.npz")
    (tree / "out.npz").unlink()

    perform(tree, "A kernel variant")
    assert modules(tree, "tanh.fxnn") == ["viper.lookup_fours"]
    np.testing.assert_array_equal(outputs(tree, "out.npz"), before)
    assert len(np.unique(before)) > 100
    assert "fxnn/viper/lookup_fours.py" in (tree / "device/package.json").read_text()
    assert run(tree, "fxnn convert odd.tflite -o odd.fxnn").returncode == 0
    assert modules(tree, "odd.fxnn") == ["viper.lookup"]
    # a package of before it says what to do
    older = run(ROOT, f"fxnn inspect {tree / 'tanh.fxnn'}")
    assert older.returncode == 1 and "variant 22 of kernel 11 unknown, update fxnn" in " ".join(older.stderr.split())

    module = tree / "device/fxnn/viper/lookup_fours.py"
    module.write_text(module.read_text().replace("y[3] = table[x[3]]", "y[3] = table[x[3]] ^ 1"))
    assert run(tree, again).returncode == 0
    wrong = (outputs(tree, "out.npz") != before).reshape(-1, 4)
    assert wrong[:, 3].all() and not wrong[:, :3].any()


def test_a_board(tree):
    pico = run(tree, "fxnn convert models/digits/digits.tflite -o pico.fxnn --name digits")
    assert pico.returncode == 0, pico.stderr
    unknown = run(tree, "fxnn convert models/digits/digits.tflite -o digits.fxnn --board mine")
    assert unknown.returncode == 2 and not (tree / "digits.fxnn").exists()
    converted, verified = perform(tree, "A board")
    assert "digits.fxnn" in converted.stdout and verified.stdout
    # the same processor: the same kernels, and digits fits in less RAM as well
    assert (tree / "digits.fxnn").read_bytes() == (tree / "pico.fxnn").read_bytes()
    assert "mine" in run(tree, "fxnn convert --help").stdout
