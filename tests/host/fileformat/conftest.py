"""Fixtures of this room."""

import pytest

from tests.helpers import attacks


@pytest.fixture(scope="session")
def bases() -> attacks.Bases:
    return attacks.bases()
