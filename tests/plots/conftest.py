"""A small plane and a small table of depths."""

import pytest
from plot_planes import make_plane, make_table


@pytest.fixture
def plane():
    return make_plane()


@pytest.fixture
def table():
    return make_table()
