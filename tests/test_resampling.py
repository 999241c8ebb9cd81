"""Errors from halves, limits in 1/n, and conditional information: against what repeated sampling and counting say."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest

import infoplane as ip
from infoplane.errors import Refusal
from infoplane.estimators import KSG, Binned, Estimator, Gaussian, Plugin, WeightedKL
from infoplane.resampling import Groups
from infoplane.samples import Variable


def correlated(seed: int, n: int = 400, r: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.standard_normal(n)
    return x, r * x + math.sqrt(1 - r * r) * random.standard_normal(n)


def test_the_spread_over_halves_is_the_spread_over_samples() -> None:
    """60 fresh samples know the spread to 9 %, the mean of 5 pairs' variances over 20 of them to about 7 %."""
    values = [ip.mutual_information(*correlated(seed), KSG()).value for seed in range(60)]
    errors = [ip.mutual_information(*correlated(seed), KSG(), subsamples=10).stderr for seed in range(20)]
    ratio = math.sqrt(np.mean(np.square(errors))) / np.std(values, ddof=1)
    assert abs(ratio - 1.0) < 4 * math.hypot(0.09, 0.07)


def test_groups_that_repeat_one_another_do_not_shrink_the_error() -> None:
    """Every sample eight times: eight times as many rows and not a bit more known."""
    random = np.random.default_rng(0)
    x = random.integers(0, 3, 200)
    y = np.where(random.random(200) < 0.5, x, random.integers(0, 3, 200))
    once = ip.mutual_information(x, y, Plugin()).stderr
    eight = ip.mutual_information(np.repeat(x, 8), np.repeat(y, 8), Plugin()).stderr
    grouped = ip.mutual_information(np.repeat(x, 8), np.repeat(y, 8), Plugin(), groups=np.repeat(np.arange(200), 8))
    assert eight < once / 2.5
    assert 0.5 * once < grouped.stderr < 1.6 * once  # 20 halves know their spread to 22 %
    assert "20 random halves of the groups, in complementary pairs" in grouped.notes[-1]


@dataclass(frozen=True)
class Mean(Estimator):
    """The mean of x, whose standard error is known."""

    def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> ip.Estimate:
        return ip.Estimate(float(x.values.mean()), n_samples=x.n)


@pytest.mark.parametrize("halves", [2, 4, 20])
def test_halves_give_the_variance_of_a_mean_and_know_it_as_well_as_they_say(halves: int) -> None:
    """The variance from p pairs has the relative spread sqrt(2 / p); 400 samples know its mean twenty times better."""
    random, n = np.random.default_rng(0), 200
    pairs = halves // 2
    errors = [ip.mutual_information(*random.standard_normal((2, n)), Mean(), subsamples=halves) for _ in range(400)]
    errors = np.array([found.stderr for found in errors])
    assert np.mean(errors**2) * n == pytest.approx(1.0, abs=4 * math.sqrt(2 / pairs / 400))
    if halves == 20:
        assert errors.std() / errors.mean() == pytest.approx(0.22, abs=4 * 0.22 / math.sqrt(800))


def test_unequal_halves_are_weighed_and_odd_numbers_rounded_up() -> None:
    """Three groups split as two and one: over the three splits the weighed squares average to the variance / 3."""
    effects = np.array([0.0, 1.0, 5.0])
    x, groups = np.repeat(effects, 10), np.repeat(np.arange(3), 10)
    found = ip.mutual_information(x, x, Mean(), groups=groups, subsamples=2000)
    assert found.stderr == pytest.approx(effects.std(ddof=1) / math.sqrt(3), rel=0.1)
    x, y = np.random.default_rng(0).standard_normal((2, 50))
    three, four = (ip.mutual_information(x, y, Mean(), subsamples=halves) for halves in (3, 4))
    assert three.stderr == four.stderr
    assert "from 4 random halves" in three.notes[-1]


@dataclass(frozen=True)
class Picky(Mean):
    """Refuses parts of the whole of 100 whose mean is above a limit, or calls them infinite."""

    limit: float
    infinite: bool = False

    def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> ip.Estimate:
        found = super().estimate(x, y, seed=seed)
        if x.n == 100 or found.value <= self.limit:
            return found
        if self.infinite:
            return ip.Estimate(math.inf, n_samples=x.n)
        raise Refusal("Picky has seen enough; bring less.")


@pytest.mark.parametrize("infinite", [False, True])
def test_halves_that_cannot_be_measured_are_left_out_with_a_note(infinite: bool) -> None:
    """Of two halves one has the larger mean, so a limit above the whole's spoils some pairs, and one below it all."""
    x = np.random.default_rng(0).standard_normal((100, 1))
    some = ip.mutual_information(x, x, Picky(x.mean() + 0.05, infinite), subsamples=40)
    none = ip.mutual_information(x, x, Picky(x.mean() - 0.01, infinite), subsamples=40)
    assert 0.0 < some.stderr < 0.1
    assert "of 20 pairs of halves could not be measured: Picky" in some.notes[-2]
    assert "in complementary pairs" in some.notes[-1]
    assert math.isnan(none.stderr)
    assert "no standard error over halves of the samples, since 20 of 20 pairs" in none.notes[-1]


def test_halves_too_small_for_the_method_leave_the_value_without_an_error() -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 6))
    found = ip.mutual_information(x, y, KSG(), subsamples=4)
    assert math.isnan(found.stderr)
    assert found.notes[-1].endswith("KSG(k=3) needs more than 3 samples, got 3.")


@pytest.mark.parametrize("how", [{"groups": np.arange(200) // 4}, {"subsamples": 10}])
def test_an_infinite_value_has_no_error_and_no_halves(how: dict) -> None:
    """Warnings are errors in these tests: a difference of infinities would be one."""
    x = np.random.default_rng(0).standard_normal((200, 1))
    found = ip.mutual_information(x, 2 * x, Gaussian(), **how)
    assert found.value == math.inf
    assert math.isnan(found.stderr)
    assert "An infinite value has no standard error" in found.notes[-1]


def test_shuffles_come_one_at_a_time() -> None:
    """200 orders of 10,000 samples would take 16 MB together; none is kept."""
    groups = Groups(None, 10_000)
    tracemalloc.start()
    assert sum(order.size for order in groups.orders(200, 0)) == 2_000_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6


def test_progress_is_told_shuffle_by_shuffle() -> None:
    told: list[tuple] = []
    x, y = np.random.default_rng(0).integers(0, 3, (2, 50))
    ip.mutual_information(x, y, Plugin(), null=7, progress=lambda *state: told.append(state))
    shuffling = [done for what, done, total in told if what == "shuffling" and total == 7]
    assert shuffling == list(range(8))


def test_extrapolation_removes_the_bias_of_counts() -> None:
    """Plain counts of 10 x 10 values are high by 81 / 2n; the limit in 1/n is not, to four errors of 40 samples."""
    random = np.random.default_rng(1)
    plain, limit = [], []
    for seed in range(40):
        x, y = random.integers(0, 10, 500), random.integers(0, 10, 500)
        plain.append(ip.mutual_information(x, y, Plugin(), seed=seed).value)
        limit.append(ip.mutual_information(x, y, Plugin(), seed=seed, extrapolate=True).value)
    assert np.mean(plain) == pytest.approx(81 / 1000, rel=0.1)
    # n / 4 = 125 samples of 100 cells are no longer on the line, so a fifth of the bias may stay.
    assert abs(np.mean(limit)) < 0.2 * 81 / 1000 + 4 * np.std(limit, ddof=1) / math.sqrt(40)
    found = ip.mutual_information(x, y, Plugin(), extrapolate=True)
    assert set(found.details["extrapolation"]) == {"1", "2", "4"}
    assert "Extrapolated to 1/n = 0" in " ".join(found.notes)


@pytest.mark.parametrize("value", [1, -1, 2.5, "10", True])
def test_the_number_of_halves_is_a_count_of_two_or_more(value: object) -> None:
    with pytest.raises(ip.InputError, match="subsamples needs"):
        ip.mutual_information([0, 1, 0, 1], [0, 1, 1, 0], subsamples=value)


def chain(seed: int, n: int = 3000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x -> z -> y, all normal: dependent, and independent once z is known."""
    random = np.random.default_rng(seed)
    x = random.standard_normal(n)
    z = x + random.standard_normal(n)
    return x, z + random.standard_normal(n), z


@pytest.mark.parametrize("estimator", [None, KSG(), WeightedKL()])
def test_a_chain_is_independent_given_its_middle(estimator: ip.estimators.Estimator | None) -> None:
    x, y, z = chain(0)
    between = ip.mutual_information(x, y, estimator)
    assert between.value == pytest.approx(-0.5 * math.log(1 - 1 / 3), abs=5 * between.stderr)
    given = ip.conditional_mutual_information(x, y, z, estimator)
    assert abs(given.value) < 0.1 < between.value
    assert given.quantity == "I(X;Y|Z)"


def test_conditional_information_of_normal_data_is_that_of_the_partial_correlation() -> None:
    random = np.random.default_rng(1)
    z = random.standard_normal(4000)
    x = z + random.standard_normal(4000)
    y = z + 0.9 * (x - z) + math.sqrt(1 - 0.81) * random.standard_normal(4000)
    found = ip.conditional_mutual_information(x, y, z)
    assert found.value == pytest.approx(-0.5 * math.log(1 - 0.81), abs=0.1)


def test_a_discrete_condition_is_taken_class_by_class() -> None:
    """The exclusive or: nothing without z, all of it with z."""
    random = np.random.default_rng(0)
    x, z = random.integers(0, 2, 4000), random.integers(0, 2, 4000)
    assert ip.mutual_information(x, x ^ z).value < 0.01
    assert ip.conditional_mutual_information(x, x ^ z, z).value == pytest.approx(math.log(2), abs=0.01)


def test_the_error_over_classes_is_that_of_fresh_samples_with_their_shares() -> None:
    """Two classes of which one knows nothing: 200 samples know the spread to 5 %, of 0.040; without shares 0.022."""
    found = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        z = random.integers(0, 2, 1000)
        x, noise = random.standard_normal((2, 1000))
        r = np.where(z, 0.99, 0.0)
        found.append(ip.conditional_mutual_information(x, r * x + np.sqrt(1 - r**2) * noise, z, Gaussian()))
    spread = np.std([one.value for one in found], ddof=1)
    stated = math.sqrt(np.mean([one.stderr**2 for one in found]))
    assert spread == pytest.approx(0.040, rel=0.2)
    assert stated == pytest.approx(spread, rel=0.2)


def test_the_chain_rule_of_counts_is_exact() -> None:
    random = np.random.default_rng(0)
    x, y, z = (random.integers(0, 3, 500) for _ in range(3))
    by_class = ip.conditional_mutual_information(x, y, z, Plugin()).value
    both = ip.mutual_information(x, np.stack([y, z], axis=1), Plugin()).value
    assert by_class == pytest.approx(both - ip.mutual_information(x, z, Plugin()).value, abs=1e-12)


def test_what_cannot_be_conditioned_on_is_refused() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 50)
    with pytest.raises(ip.InputError, match="pass z as classes"):
        ip.conditional_mutual_information(labels, labels[::-1], random.standard_normal(50), Binned(5))
    with pytest.raises(ip.InputError, match="at least 2 samples in every class of z"):
        ip.conditional_mutual_information([0, 1, 0, 1], [0, 1, 1, 0], [0, 0, 0, 1])
    with pytest.raises(ip.InputError, match="z has nan"):
        ip.conditional_mutual_information([0, 1, 0], [0, 1, 1], [0.0, np.nan, 1.0])


def test_an_infinite_value_has_no_limit_and_few_samples_none_either() -> None:
    x = np.random.default_rng(0).standard_normal((200, 2))
    assert ip.mutual_information(x, x, extrapolate=True).value == math.inf
    with pytest.raises(ip.InputError, match="at least 20, got 3"):
        ip.mutual_information([0, 1, 0], [0, 1, 1], Plugin(), extrapolate=True)
    with pytest.raises(Refusal, match="is infinite on 50 of the 100 samples"):
        ip.mutual_information(x[:100], x[:100], Picky(-1.0, infinite=True), extrapolate=True)


def test_the_misfit_of_the_line_is_added_to_the_error_of_the_groups() -> None:
    random = np.random.default_rng(0)
    x, y, groups = random.integers(0, 10, 400), random.integers(0, 10, 400), np.repeat(np.arange(100), 4)
    plain = ip.mutual_information(x, y, Plugin(), groups=groups)
    limit = ip.mutual_information(x, y, Plugin(), groups=groups, extrapolate=True)
    assert limit.stderr > plain.stderr


def test_few_groups_make_a_rough_error() -> None:
    random = np.random.default_rng(0)
    x, y = random.integers(0, 2, (2, 60))
    assert any(
        "few to halve" in warning for warning in ip.mutual_information(x, y, groups=np.arange(60) // 10).warnings
    )
    assert not ip.mutual_information(x, y, groups=np.arange(60) // 2).warnings


def test_a_difference_of_infinite_numbers_is_refused() -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 200))
    with pytest.raises(ip.InputError, match="difference of infinite numbers"):
        ip.conditional_mutual_information(x, y, x, ip.estimators.Gaussian())
