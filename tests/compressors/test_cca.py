"""Canonical directions."""

from __future__ import annotations

import numpy as np
import pytest

import infoplane as ip
from infoplane.compressors import CCA


def correlated(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Six and five columns, two pairs of which are correlated by .9 and .6, both sides turned."""
    random = np.random.default_rng(seed)
    x, y = random.standard_normal((n, 6)), random.standard_normal((n, 5))
    for k, r in enumerate((0.9, 0.6)):
        y[:, k] = r * x[:, k] + np.sqrt(1 - r * r) * y[:, k]
    turn = np.random.default_rng(99)
    return x @ turn.standard_normal((6, 6)), y @ turn.standard_normal((5, 5))


def test_it_finds_the_canonical_correlations_and_they_hold_on_other_samples() -> None:
    x, y = correlated(4000)
    u, v = CCA(2).fit(x, other=y), CCA(2).fit(y, other=x)
    # Standard error of a correlation: (1 - r^2) / sqrt(n), .003 and .010; four of them.
    np.testing.assert_allclose(u.correlations, [0.9, 0.6], atol=0.04)
    a, b = correlated(4000, seed=1)
    found = [abs(np.corrcoef(u.encode(a)[:, k], v.encode(b)[:, k])[0, 1]) for k in (0, 1)]
    np.testing.assert_allclose(found, [0.9, 0.6], atol=0.04)


def test_on_its_own_samples_it_finds_what_is_not_there() -> None:
    random = np.random.default_rng(0)
    x, y = random.standard_normal((2, 200, 40))
    assert CCA(1).fit(x, other=y).correlations[0] > 0.6


def test_both_sides_are_needed() -> None:
    x, y = correlated(50)
    with pytest.raises(ip.InputError, match="both sides"):
        CCA(1).fit(x)
    with pytest.raises(ip.InputError, match="at most 5"):
        CCA(6).fit(x, other=y)
    with pytest.raises(ip.InputError, match="no way back"):
        CCA(1).fit(x, other=y).decode(np.ones((2, 1)))
