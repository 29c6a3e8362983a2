"""Every kernel, every backend, the same bytes: random and extreme cases of tests/micropython/cases.py."""

import pytest

from host_tools.record import RECORD
from tests.helpers.runners import run_pico, run_unix_sources
from tests.micropython.cases import KERNELS, bundle, device_module


@pytest.mark.parametrize("kernel", KERNELS)
def test_viper_equals_ref_on_unix(kernel, tmp_path):
    """64-bit machine words; `ref` both as computed here and as computed by MicroPython."""
    files = {"cases.bin": bundle(hash_seed(kernel), 100, (kernel,))}
    assert run_unix_sources("kernels.py", files, tmp_path) == "cases 100 failed 0\n"


@pytest.mark.pico
def test_viper_equals_ref_on_the_pico():
    """32-bit machine words, on the real firmware."""
    printed = run_pico("kernels.py", {"cases.bin": bundle(1, 8)}, BACKENDS=("viper",))
    assert printed == f"cases {8 * len(KERNELS)} failed 0\n"


@pytest.mark.pico
def test_ref_on_the_pico():
    printed = run_pico("kernels.py", {"cases.bin": bundle(3, 1)}, BACKENDS=("ref",))
    assert printed == f"cases {len(KERNELS)} failed 0\n"


def hash_seed(kernel: str) -> int:
    """A seed that differs by kernel and not by run."""
    return sum(kernel.encode())


def test_a_wrong_kernel_is_noticed(tmp_path):
    """The harness itself: a self-test vector changed by one bit fails on both backends."""
    data = bytearray(bundle(1, 1, ("lut",)))
    from zlib import crc32

    data[-1] ^= 1
    data[16:20] = crc32(data[20:]).to_bytes(4, "little")
    printed = run_unix_sources("kernels.py", {"cases.bin": bytes(data)}, tmp_path)
    assert printed.count("FAIL") == 2 and printed.endswith("cases 1 failed 2\n")


REQUANTIZE = (
    (0, 2**31 - 1, 0, 0, 0),
    (1, 2**30, 0, 0, 1),  # 0.5: high_mul rounds halves up
    (-1, 2**30, 0, 0, 0),
    (3, 2**31 - 1, 0, 1, 2),  # 1.5: RoundingDivideByPOT rounds halves away from zero
    (-3, 2**31 - 1, 0, 1, -2),
    (2**31 - 1, 2**31 - 1, 0, 31, 1),
    (-(2**31), 2**31 - 1, 0, 0, -(2**31) + 1),
    (-(2**31), 2**31 - 1, 0, 31, -1),
    (2**31, 2**30, 0, 0, -(2**30)),  # the accumulator is taken modulo 2^32
    (1, 2**30, 31, 0, -(2**30)),
    (12345, 0, 0, 3, 0),
)


@pytest.mark.parametrize("acc, multiplier, left, right, y", REQUANTIZE)
def test_requantize_by_hand(acc, multiplier, left, right, y):
    assert device_module("ref").requantize(acc, multiplier, left, right) == y


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_hosts_exact_kernels_equal_ref(kernel):
    """The two readings of FORMAT.md, on the same cases; scratch, which numpy does not write, is left out."""
    import numpy as np

    from host_tools.exact import run as exact
    from host_tools.fileformat import packed

    data = bundle(hash_seed(kernel) + 1, 40, (kernel,))
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "little")
        net = packed.read(data[at + 4 : at + 4 + size])
        at += 4 + size
        vector = np.frombuffer(net.selftest[0], np.int8).reshape(2, -1)
        (got,) = exact.run(net, [vector[0]])
        (op,) = net.ops
        words = op.words
        scratch = slice(words[RECORD.scratch_offset], words[RECORD.y_offset])
        skip = scratch if op.kernel in ("conv_2d", "fully_connected", "rows") else slice(0, 0)
        wrong = got.reshape(-1) != vector[1]
        wrong[skip] = False
        where = np.flatnonzero(wrong)
        assert not where.size, (words, where[0], got.reshape(-1)[where[0]], vector[1][where[0]])
