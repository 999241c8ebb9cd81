"""Samples that are copies of others, in any order, tied by chance: what the automatic choice makes of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

import infoplane as ip
from infoplane.estimators.automatic.copies import Distinct
from infoplane.estimators.doubts import distinct_rows
from infoplane.samples import variable


def normal(n: int, mi: float = 0.5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    return ip.laws.correlated_normal(mi).sample(n, seed)


@pytest.mark.parametrize("times", [2, 4])
def test_copies_are_left_out_and_are_no_evidence(times: int) -> None:
    x, y = np.random.default_rng(1).standard_normal((2, 400, 1))
    found = ip.mutual_information(np.tile(x, (times, 1)), np.tile(y, (times, 1)), null=99)
    once = ip.mutual_information(x, y, null=99)
    assert found.value == pytest.approx(once.value, abs=0.02)
    assert found.n_samples == 400
    assert found.p_value > 0.05
    assert any(f"{400 * (times - 1)} of {400 * times} rows are exact copies" in w for w in found.warnings)


def test_a_bootstrap_sample_has_the_information_of_its_law() -> None:
    x, y = normal(4000)
    rows = np.random.default_rng(0).integers(4000, size=4000)
    found = ip.mutual_information(x[rows], y[rows])
    assert abs(found.value - 0.5) < 4 * found.stderr


@pytest.mark.parametrize("kind", ["labels", "continuous"])
def test_estimators_of_distinct_samples_shuffle_these_only(kind: str) -> None:
    x, y = normal(60)
    y = (y > 0).astype(int) if kind == "labels" else y
    a, b = variable(np.tile(x, (2, 1))), variable(np.tile(y, (2, 1)), "y")
    method = Distinct(ip.estimators.Mixture())
    assert list(distinct_rows(a, b)) == list(range(60))  # pyright: ignore
    order = np.random.default_rng(0).permutation(120)
    kept = np.argsort(np.argsort(order[:60]))
    expected = ip.mutual_information(x, y[kept], ip.estimators.Mixture()).value
    assert method.shuffled(a, b, order[None], seed=0)[0] == pytest.approx(expected, abs=1e-12)
    same = Distinct(ip.estimators.Mixture()).estimate(variable(x), variable(y, "y"), seed=0)
    assert not same.warnings


def test_atoms_are_no_copies() -> None:
    x, y = ip.laws.zero_inflated_normal(0.5).sample(1000, 0)
    assert distinct_rows(variable(x), variable(y, "y")) is None


def test_one_repeated_row_hides_no_exact_relation() -> None:
    x = np.random.default_rng(0).standard_normal(1000)
    x[1] = x[0]
    for y in (2 * x + 1, np.c_[np.random.default_rng(1).standard_normal(1000), -x]):
        assert math.isinf(ip.mutual_information(x, y).value)


@pytest.mark.parametrize("mi", [11.0, 12.5])
def test_high_information_is_no_exact_relation(mi: float) -> None:
    for method in (None, ip.estimators.WeightedKL(), ip.estimators.Gaussian()):
        found = ip.mutual_information(*ip.laws.correlated_normal(mi).sample(3000, 0), method)
        assert abs(found.value - mi) < 0.3


@pytest.mark.parametrize(
    ("law", "n"),
    [
        (ip.laws.correlated_normal(1.0), 8000),
        pytest.param(ip.laws.gaussian_images(0.0, 16), 2500, marks=pytest.mark.slow),
    ],
)
def test_the_order_of_the_rows_is_no_information(law: ip.laws.Law, n: int) -> None:
    x, y = law.sample(n, 0)
    order = np.argsort(x[:, x.shape[1] // 2 - 1])
    mixed, in_order = ip.mutual_information(x, y), ip.mutual_information(x[order], y[order])
    assert in_order.value == pytest.approx(mixed.value, abs=4 * mixed.stderr)
    assert len(in_order.warnings) == len(mixed.warnings)
