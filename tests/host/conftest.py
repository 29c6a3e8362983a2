"""Fixtures of several rooms."""

import pytest


@pytest.fixture(scope="session")
def digits_data():
    """The digits' test data: 360 images and their labels."""
    from host_tools.measure import datasets
    from tests.helpers.paths import DIGITS

    return datasets.read(DIGITS / "test.npz", [(1, 8, 8, 1)])
