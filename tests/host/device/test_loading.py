"""Loading is clean: small heaps, sharing an arena, loads and unloads without end. On the unix port."""

import pytest

from tests.helpers.runners import run_unix
from tests.helpers.small_networks import many_weights, packed_case, public_case

# What a heap of 110 kB is on a 64-bit machine: the package's objects (34 kB on a 32-bit board) and a network's twice.
HEAP_BYTES_64 = 110_000 + 45_000


@pytest.mark.parametrize("name", ("ad_autoencoder", "vww_mobilenet", "ic_resnet8", "kws_dscnn"))
def test_every_network_runs_on_a_heap_of_110_kb(name, tmp_path):
    network, x, y = public_case(name, placing="flash", prefer="ram")
    files = {"net.fxnn": network.data, "input.bin": x, "output.bin": y}
    assert run_unix("large.py", files, tmp_path, HEAP_BYTES_64).endswith("ok\n")


@pytest.mark.slow
def test_a_hundred_loads_and_ten_thousand_invokes_leave_the_heap_as_it_was(tmp_path):
    network, x, y = packed_case(many_weights(3, 4), "small", placing="flash")
    other = packed_case(many_weights(4, 6), "other", placing="ram")[0]
    files = {"net.fxnn": network.data, "other.fxnn": other.data, "input.bin": x, "output.bin": y}
    printed = run_unix("loading.py", files, tmp_path, 1_000_000, ROUNDS=100, INVOKES=10_000)
    assert printed.endswith("ok\n"), printed


def test_a_rom_filesystem_is_used_in_place(tmp_path):
    """mpremote's own image writer; its files start anywhere, so some names make them start at a multiple of 4."""
    writer = pytest.importorskip("mpremote.romfs").VfsRomWriter
    network, x, y = packed_case(many_weights(5), "small", placing="flash")
    files = {"input.bin": x, "output.bin": y}
    for length in range(1, 5):
        image = writer()
        image.mkfile("n" * length, network.data)
        files[f"rom{length}.img"] = image.finalise()
    printed = run_unix("rom.py", files, tmp_path, 1_000_000)
    assert printed.endswith("ok\n")
    assert set(printed.split()[:-1]) == {"in-place", "RAM"}
