"""The table of boards: what each row says is known elsewhere, and the Pico's heap is what its firmware says."""

import pytest

from host_tools.emulators.virtual_pico import run_script
from host_tools.fileformat.packed import FAST_TARGETS
from host_tools.package.boards import BOARDS, FLASHED, kind_for
from host_tools.package.mpy import ARCHITECTURES

# What `--place auto` goes by decides bytes of packed files.
BUDGETS = {
    "pico": 196_000,
    "esp32": 74_000,
    "esp32s3": 74_000,
    "esp32c3": 140_000,
    "rp2350-riscv": 440_000,
    "any": 196_000,
}

HEAP = """\
import gc, os
gc.collect()
low, high = 0, gc.mem_free()
print(high)
while high - low > 64:
    middle = (low + high) // 2
    try:
        bytearray(middle)
        low = middle
    except MemoryError:
        high = middle
    gc.collect()
print(low)
_, size, blocks = os.statvfs('/')[:3]
print(size * blocks)
"""


@pytest.mark.parametrize("kind", BOARDS.values(), ids=list(BOARDS))
def test_a_row_is_complete(kind):
    assert kind.fast_target in FAST_TARGETS.values() and (kind.arch is None or kind.arch in ARCHITECTURES.values())
    assert kind.block_bytes <= kind.heap_bytes and bool(kind.heap_bytes) == bool(kind.heap_source)
    assert not kind.heap_bytes or (kind.chip and kind.clock_hz)
    assert not kind.firmware or (kind.chip and kind.heap_bytes)
    assert kind.budget_bytes == BUDGETS.get(kind.name, kind.budget_bytes)


def test_a_board_that_says_its_architecture_is_found():
    found = {
        "armv6m": "pico",
        "armv7emsp": "pico",
        "xtensawin": "esp32",
        "rv32imc": "esp32c3",
        "x64": "any",
        None: "any",
    }
    assert {arch: kind_for(arch).name for arch in found} == found


def test_esptools_ids_are_distinct():
    ids = [kind.image_id for kind in FLASHED.values() if kind.esp]
    assert len(set(ids)) == len(ids) >= 3


@pytest.mark.pico
def test_the_picos_heap_and_filesystem():
    free, block, filesystem = map(int, run_script({}, HEAP, 120).split())
    pico = BOARDS["pico"]
    assert filesystem == pico.filesystem_bytes
    # another release, or the official build, may differ a little
    assert free == pytest.approx(pico.heap_bytes, rel=0.02) and block == pytest.approx(pico.block_bytes, rel=0.02)
