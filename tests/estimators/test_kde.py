"""Kernel densities: a slow twin, bandwidths against a wide grid, closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from entropy_cases import cholesky_whitened, correlated, is_one_sentence
from scipy.special import gamma

import infoplane as ip
from infoplane.errors import Refusal
from infoplane.estimators import KDE
from infoplane.estimators.kde import best_bandwidth
from infoplane.samples import variable

KERNELS = ("gaussian", "tophat", "epanechnikov")


def densities(x: np.ndarray, b: float, kernel: str) -> np.ndarray:
    """Each sample's density from the others, as defined."""
    n, d = x.shape
    ball = math.pi ** (d / 2) / gamma(d / 2 + 1)
    square = ((x[:, None] - x[None]) ** 2).sum(axis=2) / b**2
    weight = {
        "gaussian": np.exp(-square / 2) / (2 * math.pi) ** (d / 2),
        "tophat": (square < 1) / ball,
        "epanechnikov": np.maximum(1 - square, 0) * (d + 2) / (2 * ball),
    }[kernel]
    np.fill_diagonal(weight, 0.0)
    return weight.sum(axis=1) / b**d / (n - 1)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("n", [60, 512, 513])
def test_equals_its_slow_twin(kernel: str, n: int) -> None:
    x = np.random.default_rng(n).standard_normal((n, 3)) * [1, 5, 0.1]
    values, half_log_det = cholesky_whitened(x)
    truth = -np.log(densities(values, 2.5, kernel)).mean() + half_log_det
    assert ip.entropy(x, KDE(kernel, 2.5)).value == pytest.approx(truth, abs=1e-9)  # pyright: ignore


@pytest.mark.parametrize("rule", ["loo_ml", "loo_lsq"])
@pytest.mark.parametrize("dim", [1, 3])
def test_the_bandwidth_is_the_best_of_a_wide_grid(rule: str, dim: int) -> None:
    x = cholesky_whitened(np.random.default_rng(dim).gamma(2.0, size=(150, dim)))[0]
    square = ((x[:, None] - x[None]) ** 2).sum(axis=2)

    def score(b: float) -> float:
        f = densities(x, b, "gaussian")
        if rule == "loo_ml":
            return float(np.log(np.maximum(f, 1e-300)).mean())
        return float(2 * f.mean() - np.exp(-square / (4 * b**2)).mean() / (2 * b * math.sqrt(math.pi)) ** dim)

    grid = np.geomspace(0.02, 5, 600)
    best = grid[np.argmax([score(b) for b in grid])]
    settled, notes = KDE(bandwidth=rule).settled(150, dim, x)  # pyright: ignore
    assert settled.bandwidth == pytest.approx(best, rel=0.015)  # one per cent, and the grid's step
    assert rule in notes[0]


def test_the_search_moves_outward_and_knows_when_to_stop() -> None:
    for best in (0.01, 3.0, 40.0):
        assert best_bandwidth(lambda b, best=best: -(math.log(b / best) ** 2), 0.5, 1.0) == pytest.approx(
            best, rel=0.01
        )
    assert best_bandwidth(lambda b: -b, 0.5, 1.0) is None
    assert best_bandwidth(lambda b: b, 0.5, 1.0) is None


def test_one_bandwidth_serves_all_three() -> None:
    x, y = correlated(1.0, 2, 0, n=300)
    found = ip.mutual_information(x, y, KDE())
    pair = np.hstack([x, y])
    shared = KDE().settled(300, 4, cholesky_whitened(pair)[0])[0]
    h = [ip.entropy(v, shared).value for v in (x, y, pair)]
    assert found.value == pytest.approx(h[0] + h[1] - h[2], abs=1e-3)  # the search ends within a per cent
    assert any("on all 4 dimensions together" in n for n in found.notes)


@pytest.mark.parametrize(("mi", "uniform", "tolerance"), [(0, False, 0.08), (2, False, 0.08), (2, True, 0.2)])
def test_information_of_known_laws(mi: float, uniform: bool, tolerance: float) -> None:
    found = ip.mutual_information(*correlated(mi, 2, 1, n=2000, uniform=uniform), KDE())
    assert found.value == pytest.approx(mi, abs=tolerance)  # the smoothing of edges costs about 0.1


def test_entropy_of_a_normal() -> None:
    x = 3 * np.random.default_rng(2).standard_normal(2000)
    for rule in ("loo_ml", "loo_lsq"):
        found = ip.entropy(x, KDE(bandwidth=rule))  # pyright: ignore
        assert found.value == pytest.approx(0.5 * math.log(2 * math.pi * math.e * 9), abs=6 * found.stderr)


def test_affine_maps_change_nothing() -> None:
    x, y = correlated(1.0, 2, 3, n=200)
    mapped = x @ np.array([[1e3, 2.0], [0.0, 0.1]]) + 5, -y
    one, other = (ip.mutual_information(*pair, KDE(bandwidth=0.4)).value for pair in ((x, y), mapped))
    assert abs(one - other) < 1e-8


def test_labels() -> None:
    random = np.random.default_rng(4)
    labels = random.integers(0, 2, 1500)
    x = 50.0 * labels + random.standard_normal(1500)
    found = ip.mutual_information(x, labels, KDE())
    assert found.value == pytest.approx(math.log(2), abs=0.05)
    assert ip.mutual_information(labels, x, KDE()).value == pytest.approx(found.value, abs=1e-9)


def test_lonely_samples_are_dropped_and_counted_where_a_kernel_ends() -> None:
    x = np.append(np.random.default_rng(5).standard_normal(300), [40.0, 60.0])
    values = (x - x.mean()) / x.std()
    found = ip.entropy(x, KDE("tophat", 0.2))
    f = densities(values[:, None], 0.2, "tophat")
    assert (f == 0).sum() == 2
    assert any("2 of 302 samples" in w for w in found.warnings)
    assert found.value == pytest.approx(-np.log(f[f > 0]).mean() + math.log(x.std()), abs=1e-9)
    assert math.isfinite(ip.entropy(x, KDE(bandwidth=0.01)).value)  # a gaussian never ends


def test_bandwidths_of_nothing() -> None:
    x = np.random.default_rng(6).standard_normal(60)
    with pytest.raises(Refusal, match="no sample within the bandwidth") as caught:
        ip.entropy(x, KDE("tophat", 1e-9))
    assert is_one_sentence(caught.value)
    with pytest.raises(Refusal, match="duplicated rows") as caught:
        ip.entropy(np.repeat(x, 3), KDE())
    assert is_one_sentence(caught.value)


def test_shuffled_pairs_have_bandwidths_of_their_own() -> None:
    x, y = correlated(3.0, 1, 7, n=100)
    order = np.random.default_rng(8).permutation(100)
    value = KDE().shuffled(variable(x), variable(y), order[None], seed=0)
    assert value == pytest.approx(ip.mutual_information(x, y[order], KDE()).value, abs=1e-12)


def test_settings_are_checked() -> None:
    for wrong in (
        {"kernel": "cosine"},
        {"bandwidth": "scott"},
        {"bandwidth": 0.0},
        {"bandwidth": True},
        {"kernel": "tophat", "bandwidth": "loo_lsq"},
    ):
        with pytest.raises(ip.InputError) as caught:
            KDE(**wrong)  # pyright: ignore
        assert is_one_sentence(caught.value)
