"""Nearest neighbours for partly discrete data: its three limits, closed forms, ties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from entropy_cases import correlated, is_one_sentence
from estimator_twins import information_by_counting
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import digamma, gammaln

import infoplane as ip
from infoplane.errors import Refusal
from infoplane.estimators import KozachenkoLeonenko, Mixture

FAR = 1e9


def estimate(x: np.ndarray, y: np.ndarray, k: int = 3) -> ip.Estimate:
    return ip.mutual_information(x, y, Mixture(k))


def slow_twin(x: np.ndarray, y: np.ndarray, k: int) -> float:
    """The definition, pair by pair; discrete columns come multiplied by FAR."""
    n, total = len(x), 0.0
    dx, dy = (np.abs(v[:, None] - v[None]).reshape(n, n, -1).max(axis=2) for v in (x, y))
    joint = np.maximum(dx, dy)
    for i in range(n):
        rest = np.arange(n) != i
        near = np.sort(joint[i][rest])
        used = min(k, int((near < FAR / 2).sum()))
        radius = near[used - 1]
        open_x, open_y = ((v[i][rest] < radius).sum() for v in (dx, dy))
        m, closed_x, closed_y = ((v[i][rest] <= radius).sum() for v in (joint, dx, dy))
        if radius == 0:
            total += math.log((m + 1) * n / ((closed_x + 1) * (closed_y + 1)))
        elif m > used or closed_x > open_x + 1 or closed_y > open_y + 1:
            total += digamma(m) + digamma(n) - digamma(closed_x + 1) - digamma(closed_y + 1)
        else:
            total += digamma(used) + digamma(n) - digamma(open_x + 1) - digamma(open_y + 1)
    return total / n


def scaled(x: np.ndarray) -> np.ndarray:
    """By the power of two that brings the largest deviation of a column into [1/2, 1)."""
    return x / 2.0 ** (math.floor(math.log2(x.std(axis=0).max())) + 1)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 5), st.sampled_from([0.02, 0.3, 1.0]), st.integers(1, 2))
def test_equals_its_slow_twin_on_lattices_and_atoms(seed: int, k: int, step: float, dim: int) -> None:
    random = np.random.default_rng(seed)
    x = random.standard_normal((40, dim))
    y = x[:, :1] + random.standard_normal((40, 1))
    x, y = np.round(x / step), np.maximum(np.round(y / step), 0.0)
    often = [np.unique(column, return_counts=True)[1].max() for column in np.hstack([x, y]).T]
    if (x == x[0]).all() or (y == y[0]).all() or max(often) >= 30:
        return  # nothing to know, or an atom, which Mixture moves and the twin does not
    assert estimate(x, y, k).value == pytest.approx(slow_twin(scaled(x), scaled(y), k), abs=1e-9)


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_continuous_data_are_kraskovs(seed: int, k: int) -> None:
    x, y = correlated(1.0, 2, seed, n=50)
    a, b = scaled(x), scaled(y)
    dx, dy = (np.abs(v[:, None] - v[None]).max(axis=2) + np.diag(np.full(50, np.inf)) for v in (a, b))
    radius = np.sort(np.maximum(dx, dy), axis=1)[:, k - 1 : k]
    inside = digamma((dx < radius).sum(axis=1) + 1) + digamma((dy < radius).sum(axis=1) + 1)
    assert estimate(x, y, k).value == pytest.approx(digamma(k) + digamma(50) - inside.mean(), abs=1e-9)


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_labels_are_ross(seed: int, k: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, 60)
    x = labels + random.standard_normal(60)
    terms = []
    for i in range(60):
        same = np.sort(np.abs(x[labels == labels[i]] - x[i]))[1:]
        used = min(k, len(same))
        closer = (np.abs(x - x[i]) < same[used - 1]).sum()  # itself, and those strictly inside
        terms.append(digamma(used) + digamma(60) - digamma(closer) - digamma(len(same) + 1))
    assert estimate(x, labels, k).value == pytest.approx(np.mean(terms), abs=1e-9)
    assert estimate(labels, x, k).value == pytest.approx(np.mean(terms), abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), min_size=8, max_size=60))
def test_discrete_data_are_counted(pairs: list[tuple[int, int]]) -> None:
    x, y = np.array(pairs).T
    if len(set(x)) > 1 and len(set(y)) > 1:
        assert estimate(x, y).value == pytest.approx(information_by_counting(x.tolist(), y.tolist()), abs=1e-9)


def test_integers_passed_as_floats_are_nearly_counted() -> None:
    random = np.random.default_rng(1)
    x = random.poisson(6, 5000)
    y = x + random.poisson(3, 5000)
    joint = np.array([[_poisson(a, 6) * _poisson(b - a, 3) for b in range(60)] for a in range(40)])
    truth = float(np.nansum(joint * np.log(joint / (joint.sum(1, keepdims=True) * joint.sum(0)))))
    found = estimate(x.astype(float), y.astype(float))
    assert found.value == pytest.approx(truth, abs=5 * found.stderr)


def _poisson(at: int, mean: float) -> float:
    return math.exp(at * math.log(mean) - mean - gammaln(at + 1)) if at >= 0 else 1e-300


@pytest.mark.parametrize("m", [2, 5])
def test_overlapping_uniforms(m: int) -> None:
    """X uniform on [y, y + 2]: all but the two outer steps leave two classes open, I = ln m - (m - 1) ln 2 / m."""
    random = np.random.default_rng(m)
    labels = random.integers(0, m, 4000)
    x = labels + 2 * random.random(4000)
    for y in (labels, labels.astype(float), labels.astype(str)):
        found = estimate(x, y)
        assert found.value == pytest.approx(math.log(m) - (m - 1) * math.log(2) / m, abs=6 * found.stderr + 0.005)


def test_zero_inflated_poisson() -> None:
    """X exponential; Y is 0 with probability p, else Poisson(X): an atom beside a mixture."""
    p, random = 0.15, np.random.default_rng(2)
    x = random.exponential(1.0, 5000)
    y = np.where(random.random(5000) < p, 0.0, random.poisson(x))
    grid = np.linspace(1e-9, 60, 200_001)
    given_x = [(1 - p) * np.exp(k * np.log(grid) - grid - gammaln(k + 1)) + (p if k == 0 else 0) for k in range(60)]
    marginal = [np.trapezoid(np.exp(-grid) * q, grid) for q in given_x]
    truth = sum(
        np.trapezoid(np.exp(-grid) * q * np.log(np.maximum(q, 1e-300) / m), grid)
        for q, m in zip(given_x, marginal, strict=True)
    )
    found = estimate(x, y)
    assert found.value == pytest.approx(truth, abs=5 * found.stderr + 0.02)


def test_a_rectified_unit() -> None:
    """Y = max(Z, 0) of a normal pair: what is lost is what the sign of a negative half would still say."""
    random = np.random.default_rng(3)
    rho, n = 0.9, 6000
    x = random.standard_normal(n)
    z = rho * x + math.sqrt(1 - rho**2) * random.standard_normal(n)
    found = estimate(x, np.maximum(z, 0.0))
    grid = np.linspace(-8, 8, 4001)
    normal = np.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi)
    spread = math.sqrt(1 - rho**2)
    below = np.array([0.5 * math.erfc(rho * a / spread / math.sqrt(2)) for a in grid])
    atom = np.trapezoid(normal * below * np.log(np.maximum(below, 1e-300) / 0.5), grid)
    positive = grid[grid > 0]
    pair = np.exp(-((positive[None] - rho * grid[:, None]) ** 2) / (2 * spread**2)) / spread / math.sqrt(2 * math.pi)
    ratio = np.log(np.maximum(pair, 1e-300)) - np.log(normal[grid > 0])[None]
    rest = np.trapezoid(normal * np.trapezoid(pair * ratio, positive, axis=1), grid)
    assert found.value == pytest.approx(atom + rest, abs=6 * found.stderr)


def test_ranks_and_rounding_change_little() -> None:
    x, y = correlated(0.5, 1, 4, n=2000)
    ranks = [v[:, 0].argsort().argsort().astype(float) for v in (x, y)]
    for pair in ((x, y), ranks, (x.round(2), y.round(2)), (x.round(1), y)):
        assert estimate(*pair).value == pytest.approx(0.5, abs=0.1)


def test_units_of_measurement_change_nothing() -> None:
    x, y = correlated(1.0, 2, 5, n=300)
    assert estimate(2.0**20 * x, y / 2.0**9).value == estimate(x, y).value
    assert estimate(1e6 * x, y / 300).value == pytest.approx(1.0, abs=0.25)


def test_duplicated_rows_and_dead_columns() -> None:
    x, y = correlated(1.0, 1, 6, n=400)
    wide = np.column_stack([x, np.full(400, 0.1)])
    assert estimate(wide, y).value == estimate(x, y).value
    found = estimate(np.repeat(x, 4, axis=0), np.repeat(y, 4, axis=0))
    assert found.value == pytest.approx(math.log(400), abs=1e-9)  # 400 atoms seen four times each: all is known


def test_rare_classes_use_what_they_have() -> None:
    random = np.random.default_rng(7)
    labels = np.repeat([0, 1, 2], [100, 2, 1])
    x = labels + random.standard_normal(103)
    found = estimate(x, labels)
    assert any("1 of 103 samples are alone" in w for w in found.warnings)
    with pytest.raises(Refusal, match="every sample is a class of its own") as caught:
        estimate(x, np.arange(103))
    assert is_one_sentence(caught.value)


def test_too_few_samples() -> None:
    with pytest.raises(Refusal, match="more than 3 samples"):
        estimate(np.random.default_rng(8).random(3), np.arange(3.0))
    with pytest.raises(ip.InputError, match="1 or more"):
        Mixture(0)


def test_agrees_with_entropies_on_labels() -> None:
    random = np.random.default_rng(9)
    labels = random.integers(0, 4, 2000)
    x = labels[:, None] + random.standard_normal((2000, 2))
    one, other = estimate(x, labels), ip.mutual_information(x, labels, KozachenkoLeonenko())
    assert one.value == pytest.approx(other.value, abs=5 * math.hypot(one.stderr, other.stderr))
