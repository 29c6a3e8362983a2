"""Options of the whole suite."""

import os
from collections import Counter

import pytest
from hypothesis import settings

# With FXNN_SEED set, as .ci/run does, Hypothesis draws the same examples in every run.
settings.register_profile("repeatable", derandomize=True)
if "FXNN_SEED" in os.environ:
    settings.load_profile("repeatable")


def pytest_collection_modifyitems(items):
    """Modules with the most tests on the virtual Pico come first, so that none is left to one worker at the end.

    (pytest -n hands out whole modules; --no-loadscope-reorder keeps this order.)
    """
    pico = Counter(item.path for item in items if item.get_closest_marker("pico"))
    items.sort(key=lambda item: -pico[item.path])


def pytest_addoption(parser):
    parser.addoption(
        "--port", default=None, help="serial port of a real board for tests/board (else: the virtual Pico)"
    )


@pytest.fixture(scope="module")  # an idle emulated board still takes a whole core
def board_port(request, tmp_path_factory):
    """A serial port with a board behind it: the one of --port, or a virtual Pico with an empty flash."""
    port = request.config.getoption("--port")
    if port:
        yield port
        return
    from host_tools.emulators.virtual_pico import VirtualPico

    with VirtualPico(image=tmp_path_factory.mktemp("board") / "pico.img") as pico:
        yield pico.port


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of a littlefs small enough that the networks of tests/draw are cut."""
    from host_tools.fileformat import littlefs
    from host_tools.memory import place
    from tests.helpers.cut_networks import SMALL_BLOCK

    monkeypatch.setattr(littlefs, "BLOCK_BYTES", SMALL_BLOCK)
    monkeypatch.setattr(place, "SAFE_BYTES", SMALL_BLOCK - 44)
    monkeypatch.setattr(place, "_LEAST_BYTES", 0)
