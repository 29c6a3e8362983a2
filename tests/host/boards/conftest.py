"""What the tests of `fxnn deploy` share."""

from types import SimpleNamespace

import pytest

from host_tools.compiler.convert import convert_bytes
from tests.helpers.small_networks import small_network


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """Two networks under the same file name: what lies on the board, and what is to replace it."""
    folder = tmp_path_factory.mktemp("deploy")
    paths = {}
    for name, weight in (("old", 0), ("new", -90)):
        paths[name] = folder / name / "net.fxnn"
        paths[name].parent.mkdir()
        paths[name].write_bytes(convert_bytes(small_network(weight), name))
    return SimpleNamespace(**paths)
