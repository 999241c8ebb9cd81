"""An estimate less its value on shuffled pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from entropy_cases import correlated, is_one_sentence

import infoplane as ip
from infoplane.errors import Refusal
from infoplane.estimate import Direction
from infoplane.estimators import Debiased, Estimator, KozachenkoLeonenko, Mixture, PairwiseBounds, WeightedKL
from infoplane.samples import Variable


@dataclass(frozen=True)
class Offset(Estimator):
    """Reads the squared correlation of the first columns, and 3 too much."""

    direction: ClassVar[Direction] = "estimate"

    def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> ip.Estimate:
        return ip.Estimate(3.0 + np.corrcoef(x.values[:, 0], y.values[:, 0])[0, 1] ** 2, 0.01, n_samples=x.n)


def estimate(x: np.ndarray, y: np.ndarray, estimator: Debiased, seed: int = 0) -> ip.Estimate:
    return ip.mutual_information(x, y, estimator, seed=seed)


@pytest.mark.parametrize(("mi", "reference"), [(0, 0.00), (2, 2.01), (6, 6.01), (10, 10.02)])
def test_reference_uniform_four_and_four(mi: float, reference: float) -> None:
    found = estimate(*correlated(mi, 4, 0, uniform=True), Debiased())
    assert found.value == pytest.approx(reference, abs=0.12)  # three seed spreads of 0.04
    assert found.details["raw"] < mi - 0.5
    assert not found.warnings  # the offset of plain neighbours is gone
    assert any("reads about 0 at independence by construction" in n for n in found.notes)


def test_it_is_the_value_less_the_mean_of_the_null() -> None:
    x, y = correlated(1.0, 2, 1, n=300)
    found = estimate(x, y, Debiased(WeightedKL(), permutations=4))
    raw = ip.mutual_information(x, y, WeightedKL())
    assert found.details["raw"] == raw.value
    assert found.value == pytest.approx(raw.value - found.details["null_mean"], abs=1e-12)
    assert found.stderr == pytest.approx(math.hypot(raw.stderr, found.details["null_sd"] / 2), abs=1e-12)
    assert found.method == str(Debiased(WeightedKL(), permutations=4))


def test_any_estimator_may_be_wrapped() -> None:
    x, y = correlated(1.0, 1, 2, n=1000)
    truth = np.corrcoef(x[:, 0], y[:, 0])[0, 1] ** 2
    assert estimate(x, y, Debiased(Offset())).value == pytest.approx(truth, abs=0.01)  # a null r^2 has mean 0.001
    mixture = estimate(x, y, Debiased(Mixture()))
    assert mixture.value == pytest.approx(1.0, abs=6 * mixture.stderr)


def test_labels_lose_their_offset() -> None:
    random = np.random.default_rng(3)
    labels = random.integers(0, 3, 900)
    x = random.random((900, 5))
    plain, found = (ip.mutual_information(x, labels, e) for e in (KozachenkoLeonenko(), Debiased()))
    assert abs(plain.value) > 0.1  # a class has fewer samples, so it is smoothed more
    assert found.value == pytest.approx(0.0, abs=5 * found.stderr)


def test_the_seed_decides_the_shuffles() -> None:
    x, y = correlated(1.0, 2, 4, n=200)
    one, again, other = (estimate(x, y, Debiased(), seed=s) for s in (1, 1, 2))
    assert one == again
    assert one.value != other.value
    assert one.details["raw"] == other.details["raw"]


def test_its_shuffles_are_those_of_the_method_less_the_one_mean_that_the_value_loses() -> None:
    """So value and null stand on one footing, and the p-value is the wrapped method's."""
    x, y = (ip.samples.variable(v) for v in correlated(0.1, 2, 3, n=200))
    orders = [np.arange(200), *(np.random.default_rng(seed).permutation(200) for seed in range(3))]
    debiased = Debiased(WeightedKL(), permutations=4)
    found, inner = debiased.shuffled(x, y, orders, seed=1), WeightedKL().shuffled(x, y, orders, seed=1)
    assert found == pytest.approx(inner - debiased.estimate(x, y, seed=1).details["null_mean"], abs=1e-12)
    assert found[0] == pytest.approx(debiased.estimate(x, y, seed=1).value, abs=1e-12)
    both = [ip.mutual_information(x, y, one, null=19, seed=1).p_value for one in (debiased, WeightedKL())]
    assert both[0] == both[1]


def test_a_null_costs_one_more_mean_and_not_one_for_every_shuffle() -> None:
    calls = []

    @dataclass(frozen=True)
    class Counted(Offset):
        def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> ip.Estimate:
            calls.append(seed)
            return super().estimate(x, y, seed=seed)

    x, y = correlated(1.0, 1, 2, n=50)
    ip.mutual_information(x, y, Debiased(Counted(), permutations=6), null=20)
    assert len(calls) == 1 + 6 + 6 + 20


def test_infinity_stays_infinite() -> None:
    x, _ = correlated(1.0, 2, 5, n=100)
    found = estimate(x, x, Debiased())
    assert found.value == math.inf
    assert found.method == str(Debiased())


def test_refusals_are_passed_on() -> None:
    random = np.random.default_rng(6)
    with pytest.raises(Refusal, match="14 dimensions"):
        estimate(random.standard_normal((100, 7)), random.standard_normal((100, 7)), Debiased())


def test_settings_are_checked() -> None:
    cases = (
        ({"estimator": "ksg"}, "wraps an estimator"),
        ({"estimator": PairwiseBounds()}, "gives a bound"),
        ({"permutations": 1}, "2 or more"),
        ({"permutations": 2.0}, "2 or more"),
    )
    for wrong, words in cases:
        with pytest.raises(ip.InputError, match=words) as caught:
            Debiased(**wrong)  # pyright: ignore
        assert is_one_sentence(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("mi", [0, 2, 6, 10])
def test_bias_and_spread_uniform_four_and_four(mi: float) -> None:
    found = [estimate(*correlated(mi, 4, seed, uniform=True), Debiased(), seed=seed) for seed in range(6)]
    values = [e.value for e in found]
    assert np.mean(values) == pytest.approx(mi, abs=0.05)
    assert np.std(values, ddof=1) < 0.07  # 0.015 to 0.04 in the reference, whose six seeds leave it uncertain by 30 %
