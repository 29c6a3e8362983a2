"""README's table of RAM and flash, TensorFlow Lite Micro's column measured here by its own package."""

import pytest

from tests import memory_table

pytest.importorskip("tflite_micro", reason="the oracle: pip install --pre tflite-micro")


@pytest.mark.slow
@pytest.mark.parametrize("name", memory_table.NETWORKS)
def test_readme_says_what_networks_take(name):
    if not memory_table.NETWORKS[name].exists():
        pytest.skip(f"{memory_table.NETWORKS[name].name} is not here")
    text = (memory_table.ROOT / "README.md").read_text()
    written = text[text.index(memory_table.START) : text.index(memory_table.END)]
    assert memory_table.HEAD in written
    line = memory_table.row(name)
    assert line in written, line
    # With constants in the flash, or streamed, no network takes more RAM than TFLM's arena of the same network, but
    # for the smallest, whose records weigh more than its tensors.
    _, _, _, _, in_flash, least, tflm, *_ = (cell.strip().replace(",", "") for cell in line.split("|"))
    if int(tflm) > 10_000:
        assert int(least) < int(tflm) and int(in_flash) < int(tflm), line
