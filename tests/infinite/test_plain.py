"""The plain NumPy kernels that benchmarks compare with are those of this library."""

from __future__ import annotations

import numpy as np
import pytest

from infoplane.infinite import Conv, Dense

plain_infinite = pytest.importorskip("benchmarks.plain_infinite")  # beside the package, not in it


@pytest.mark.parametrize("activation", ["erf", "relu"])
@pytest.mark.parametrize("net", [Dense, Conv])
def test_plain_kernels_agree(net: type[Dense | Conv], activation: str) -> None:
    shape = (7, 30) if net is Dense else (5, 6, 5, 2)
    x = np.random.default_rng(0).random(shape)
    plain = plain_infinite.dense_kernels if net is Dense else plain_infinite.conv_kernels
    for ours, theirs in zip(net(3, activation, 1.4, 0.2).kernels(x), plain(x, 3, activation, 1.4, 0.2), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7)  # the plain ReLU form loses digits on the diagonal
