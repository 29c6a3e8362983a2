"""One network on each QEMU target with the newer QEMUs in the cache: the host's bits, and the machine's own QEMU's counts.

`make test-qemu` fetches them (host_tools/emulators/newer_qemu.py) and runs this.
"""

import numpy as np
import pytest

from host_tools.assembler.targets import runs_in
from host_tools.compiler import convert
from host_tools.emulators import newer_qemu, qemu
from host_tools.emulators.qemu_rv32 import why_not
from host_tools.exact import run as exact
from host_tools.fileformat import packed
from host_tools.record import view
from host_tools.targets import open_target
from tests.helpers.paths import DIGITS
from tests.xtensa import kernels

NEWER = newer_qemu.cached()


@pytest.fixture(params=NEWER or [None], ids=lambda folder: folder.parent.name if folder else "none")
def newer(request):
    """A folder for FXNN_QEMU."""
    if request.param is None:
        pytest.skip("no newer QEMU in the cache: make test-qemu fetches them where it can")
    return str(request.param)


def digits(board: str) -> tuple[packed.Packed, np.ndarray]:
    network = packed.read(
        convert.convert_bytes((DIGITS / "digits.tflite").read_bytes(), "digits", selftest=0, board=board)
    )
    x = np.random.default_rng(1).integers(-128, 128, (2, *network.inputs[0].shape[1:])).astype(np.int8)
    return network, x


def on_rv32() -> tuple[bytes, dict[str, int]]:
    """(outputs, instructions of each op, called from bytecode) of the digits on MicroPython."""
    network, x = digits("esp32c3")
    with open_target("qemu-rv32") as target:
        (y,), stats = target.run(network, [x])
        profile = target.profile(network)
    assert stats.backend == "rv32" and qemu.release("qemu-rv32") in profile.board
    want = [exact.run(network, [x[i : i + 1]])[0].tobytes() for i in range(len(x))]
    assert y.tobytes() == b"".join(want)
    return y.tobytes(), {op.name: op.time_us for op in profile.ops}


def on_xtensa() -> dict[int, int]:
    """Instructions of each op of the digits that has an assembler kernel, started from the host's arena before it."""
    network, x = digits("esp32")
    arenas = [np.full(network.arena_bytes, exact.UNWRITTEN, np.uint8)]
    t = network.inputs[0]
    arenas[0][t.arena_offset : t.arena_offset + t.bytes] = x[0].reshape(-1).view(np.uint8)
    exact.run(network, [x[:1]], lambda _, arena: arenas.append(arena.copy()))
    run, done = kernels.Run(), []
    for index, op in enumerate(network.ops):
        if runs_in("xtensa", op.kernel, op.words, op.constants)[0] == "xtensa":
            run.add(op.kernel, op.words, op.constants, arenas[index].tobytes())
            done.append(index)
    counts = {}
    for index, (arena, guards, count, same) in zip(done, run.go()):
        r = view(network.ops[index].kernel, network.ops[index].words)
        y = slice(r.y_offset, r.y_offset + r.batches * r.out_h * r.out_w * r.out_c)
        assert arena[y] == arenas[index + 1][y].tobytes() and set(guards) == {0xA5} and same, index
        counts[index] = count
    assert len(counts) >= 3
    return counts


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")
def test_rv32(newer, monkeypatch):
    monkeypatch.delenv("FXNN_QEMU", raising=False)
    own, release = on_rv32(), qemu.release("qemu-rv32")
    monkeypatch.setenv("FXNN_QEMU", newer)
    assert on_rv32() == own and qemu.release("qemu-rv32") != release


@pytest.mark.skipif(bool(qemu.why_not("qemu-xtensa")), reason=qemu.why_not("qemu-xtensa") or "-")
def test_xtensa(newer, monkeypatch):
    monkeypatch.delenv("FXNN_QEMU", raising=False)
    own, release = on_xtensa(), qemu.release("qemu-xtensa")
    monkeypatch.setenv("FXNN_QEMU", newer)
    assert on_xtensa() == own and qemu.release("qemu-xtensa") != release
