"""The verbs: what they choose, what they refuse, and permutation tests that hold their level."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import infoplane as ip
from infoplane.channels import AdditiveGaussian, Quantize
from infoplane.estimators import Binned, Estimator, PairwiseBounds, Plugin
from infoplane.samples import Variable


def test_discrete_data_are_counted_with_the_correction_and_the_note_says_why() -> None:
    random = np.random.default_rng(0)
    x = random.integers(0, 3, 500)
    y = (x + (random.random(500) < 0.3)) % 3
    found = ip.mutual_information(x, y)
    assert found.method == "Automatic(compress=True), here Plugin(correction='miller-madow')"
    assert "both variables are discrete" in found.notes[0]
    assert found.value == ip.mutual_information(x, y, Plugin("miller-madow")).value


def test_the_default_sees_dependence_and_independence() -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal(2000)
    y = 0.9 * x + math.sqrt(1 - 0.81) * random.standard_normal(2000)
    for other, truth in ((y, -math.log(1 - 0.81) / 2), (random.standard_normal(2000), 0.0)):
        found = ip.mutual_information(x, other)
        assert abs(found.value - truth) < 4 * found.stderr < 0.2
        assert found.method.startswith("Automatic(")


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (Binned, r"Pass an estimator, not its class: Binned\(\)"),
        (Quantize(8), "is a channel, not an estimator"),
        (AdditiveGaussian(0.1), "is a channel, not an estimator"),
        ("binned", "must be an object such as Binned"),
        (30, "must be an object such as Binned"),
    ],
)
def test_what_is_no_estimator_is_refused(estimator: Any, message: str) -> None:
    for verb in (lambda: ip.mutual_information([0, 1], [0, 1], estimator), lambda: ip.entropy([0, 1], estimator)):
        with pytest.raises(ip.InputError, match=message):
            verb()


def test_entropy_is_that_of_the_counts() -> None:
    found = ip.entropy(["a", "b", "b", "c"])
    assert found.value == pytest.approx(1.5 * math.log(2))
    assert (found.quantity, found.n_samples) == ("H(X)", 4)
    assert ip.entropy([1, 1, 1]).value == 0.0
    with pytest.raises(ip.InputError, match="Binned estimates no entropy"):
        ip.entropy([0.5, 1.5], Binned())


def test_without_shuffles_there_is_no_p_value() -> None:
    found = ip.mutual_information([0, 1, 0, 1], [0, 1, 1, 0])
    assert math.isnan(found.p_value)
    assert math.isnan(found.null)


def test_a_shuffle_that_reaches_the_value_counts_against_it() -> None:
    """Any order of two samples tells as much: nothing but ties, so nothing is found."""
    assert ip.mutual_information([0, 1], [0, 1], Plugin(), null=9).p_value == 1.0


@pytest.mark.parametrize("null", [-1, 2.5, "20", None])
def test_the_number_of_shuffles_is_a_count(null: Any) -> None:
    with pytest.raises(ip.InputError, match="null needs a whole number, 0 or more, got"):
        ip.mutual_information([0, 1, 0, 1], [0, 1, 1, 0], null=null)


@pytest.mark.parametrize("estimator", [Plugin(), Binned(4), PairwiseBounds(0.3)])
def test_dependence_is_found_against_the_null(estimator: Estimator) -> None:
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 100)
    x = y if isinstance(estimator, Plugin) else y + 0.3 * random.standard_normal(100)
    found = ip.mutual_information(x, y, estimator, null=19)
    assert found.p_value == 1 / 20
    assert 0 <= found.null < found.value / 2


def assert_uniform(p_values: np.ndarray, shuffles: int) -> None:
    """P(p <= a) = a for every reachable a, to four standard errors."""
    reachable = np.arange(1, shuffles + 1) / (shuffles + 1)
    share = (p_values[:, None] <= reachable + 1e-9).mean(axis=0)
    assert (np.abs(share - reachable) <= 4 * np.sqrt(reachable * (1 - reachable) / len(p_values))).all()


def test_under_independence_every_p_value_is_equally_likely() -> None:
    random = np.random.default_rng(0)
    found = [
        ip.mutual_information(random.integers(0, 9, 80), random.integers(0, 7, 80), Plugin(), seed=k, null=19).p_value
        for k in range(300)
    ]
    assert_uniform(np.array(found), 19)


def test_the_null_is_the_mean_over_shuffles() -> None:
    """For independent variables the value is itself one draw of the null: the means agree to four standard errors."""
    random = np.random.default_rng(0)
    found = [
        ip.mutual_information(random.integers(0, 4, 100), random.integers(0, 4, 100), Plugin(), seed=k, null=10)
        for k in range(200)
    ]
    gap = np.array([e.value - e.null for e in found])
    assert abs(gap.mean()) < 4 * gap.std() / math.sqrt(len(gap))


def sequences(random: np.random.Generator, groups: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tokens of sequences: x and y each almost constant within a sequence, and independent of one another."""
    labels = np.repeat(np.arange(groups), size)
    x, y = (random.integers(0, 4, groups)[labels] for _ in range(2))
    x, y = (np.where(random.random(len(v)) < 0.1, random.integers(0, 4, len(v)), v) for v in (x, y))
    order = random.permutation(len(labels))
    return x[order], y[order], labels[order]


def test_groups_shuffled_whole_hold_the_level_where_single_samples_do_not() -> None:
    random = np.random.default_rng(0)
    whole, single = [], []
    for seed in range(200):
        x, y, groups = sequences(random, 30, 6)
        whole.append(ip.mutual_information(x, y, Plugin(), seed=seed, null=19, groups=groups).p_value)
        single.append(ip.mutual_information(x, y, Plugin(), seed=seed, null=19).p_value)
    # Within a sequence the order of the rows stays, so the p-values are uniform as they are for single samples.
    assert_uniform(np.array(whole), 19)
    assert np.mean(np.array(single) <= 0.05) > 0.5


@dataclass(frozen=True)
class Witness(Estimator):
    """Keeps the y it is shown."""

    seen: list[np.ndarray] = field(default_factory=list, hash=False)

    def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> ip.Estimate:
        self.seen.append(y.values[:, 0].copy())
        return ip.Estimate(0.0)


def test_groups_move_as_one_and_keep_their_inner_order() -> None:
    random = np.random.default_rng(0)
    groups = random.permutation(np.repeat(["a", "b", "c", "d", "e"], 4))
    rank = np.array([(groups[:k] == g).sum() for k, g in enumerate(groups)])
    y = np.array([f"{g}{r}" for g, r in zip(groups, rank, strict=True)])
    witness = Witness()
    ip.mutual_information(np.arange(20), y, witness, null=50, groups=groups)
    shuffled = witness.seen[1:51]  # the halves of groups that give the standard error come after them
    arrangements = set()
    for shown in shuffled:
        assert sorted(shown) == sorted(y)
        goes_to = {g: {v[0] for v in shown[groups == g]} for g in "abcde"}
        assert all(len(source) == 1 for source in goes_to.values())  # one group takes the place of one group
        np.testing.assert_array_equal([int(v[1]) for v in shown], rank)
        arrangements.add(tuple(next(iter(goes_to[g])) for g in "abcde"))
    assert len(arrangements) > 20  # 50 draws of 120 arrangements


@pytest.mark.parametrize("null", [0, 3])
@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([0, 0, 1, 1, 2], "one label a sample, got 5 for 6 samples"),
        ([0, 0, 0, 0, 0, 0], "at least 2 groups, got 1"),
        ([0, 0, 1, 1, np.nan, 2], "groups has nan"),
    ],
)
def test_groups_that_are_none_are_refused(groups: list, message: str, null: int) -> None:
    with pytest.raises(ip.InputError, match=message):
        ip.mutual_information([0, 1, 0, 1, 0, 1], [0, 1, 1, 0, 1, 0], null=null, groups=groups)


def test_groups_of_unequal_size_can_be_subsampled_but_not_shuffled() -> None:
    random = np.random.default_rng(0)
    x, y, groups = random.integers(0, 2, 60), random.integers(0, 2, 60), np.arange(60) // 7
    assert ip.mutual_information(x, y, Plugin(), groups=groups).stderr > 0
    with pytest.raises(ip.InputError, match="one size to be shuffled whole, got sizes 4 to 7"):
        ip.mutual_information(x, y, Plugin(), groups=groups, null=3)


def test_the_shuffles_depend_on_the_seed_and_on_nothing_else() -> None:
    random = np.random.default_rng(0)
    x, y = random.integers(0, 5, 60), random.integers(0, 5, 60)
    nulls = [ip.mutual_information(x, y, Plugin(), seed=s, null=5).null for s in (0, 0, 1)]
    assert nulls[0] == nulls[1] != nulls[2]


@pytest.mark.parametrize("seed", [-1, 0.5, "a", None, True])
def test_a_seed_is_a_whole_number_from_0_on(seed: Any) -> None:
    for measure in (lambda: ip.mutual_information([0, 1], [0, 1], seed=seed), lambda: ip.entropy([0, 1], seed=seed)):
        with pytest.raises(ip.InputError, match="seed needs a whole number, 0 or more, got"):
            measure()
    assert ip.mutual_information([0, 1] * 9, [0, 1] * 9, seed=np.int64(3), null=3).value > 0
