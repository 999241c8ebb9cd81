"""The committee machine: votes counted one by one, exact balance, and its errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infoplane as ip
from infoplane.data import committee_machine, committee_weights, twelve_bit


@given(st.sampled_from([1, 3, 5]), st.integers(2, 7), st.integers(0, 10_000))
def test_the_label_is_the_majority_counted_vote_by_vote(units: int, inputs: int, seed: int) -> None:
    task = committee_machine(units, inputs=inputs, seed=seed)
    weights = committee_weights(units, inputs, False, seed).tolist()
    for row, label in zip(task.x.tolist(), task.y.tolist(), strict=True):
        yes = sum(math.fsum(w * v for w, v in zip(voter, row, strict=True)) > 0 for voter in weights)
        assert label == (yes > units - yes)


@given(st.sampled_from([1, 3, 5]), st.integers(1, 2), st.integers(0, 10_000))
def test_in_a_tree_every_unit_votes_on_a_part_of_its_own(units: int, each: int, seed: int) -> None:
    inputs = max(2, units * each)
    task = committee_machine(units, inputs=inputs, tree=True, seed=seed)
    weights = committee_weights(units, inputs, True, seed)
    part = inputs // units
    assert (np.count_nonzero(weights, axis=1) == part).all()
    votes = np.zeros(len(task.y), int)
    for unit in range(units):
        seen = slice(unit * part, (unit + 1) * part)
        votes += np.where(task.x[:, seen].astype(float) @ weights[unit, seen] > 0, 1, -1)
    np.testing.assert_array_equal(task.y, votes > 0)


@given(st.sampled_from([1, 3, 5, 7]), st.integers(2, 9), st.integers(0, 10_000))
def test_both_labels_are_equally_likely_and_a_turned_pattern_has_the_other(units: int, inputs: int, seed: int) -> None:
    task = committee_machine(units, inputs=inputs, seed=seed)
    np.testing.assert_array_equal(task.x, -task.x[::-1])
    np.testing.assert_array_equal(task.y, 1 - task.y[::-1])
    assert task.y.mean() == 0.5


def test_the_patterns_are_all_of_them_once_in_counting_order() -> None:
    task = committee_machine()
    assert task.x.shape == (4096, 12)
    assert task.x.dtype == np.float32
    np.testing.assert_array_equal((task.x > 0) @ 2 ** np.arange(11, -1, -1), np.arange(4096))
    assert set(np.unique(task.x)) == {-1.0, 1.0}
    assert task.enumerated
    assert task.name == "committee of 3 on 12 inputs, rule 0"
    assert committee_machine(tree=True, seed=4).name == "tree committee of 3 on 12 inputs, rule 4"
    assert task.p_y_given_x is not None
    np.testing.assert_array_equal(task.p_y_given_x, np.eye(2)[task.y])
    assert ip.mutual_information(task.x.astype(int), task.y, ip.estimators.Plugin()).to("bits").value == pytest.approx(
        1.0, abs=1e-12
    )


def test_the_seed_decides_the_rule() -> None:
    np.testing.assert_array_equal(committee_machine(seed=3).y, committee_machine(seed=3).y)
    assert 0.1 < (committee_machine(seed=3).y != committee_machine(seed=4).y).mean() < 0.9
    np.testing.assert_array_equal(committee_machine(1, tree=True).y, committee_machine(1).y)


def linear_accuracy(x: np.ndarray, y: np.ndarray) -> float:
    """Share of labels that logistic regression gets right, by Newton's method with a slight penalty."""
    a, w = np.c_[x, np.ones(len(x))].astype(float), np.zeros(x.shape[1] + 1)
    for _ in range(15):
        p = 1 / (1 + np.exp(-np.clip(a @ w, -30, 30)))
        w -= np.linalg.solve(a.T @ (a * (p * (1 - p))[:, None]) + 0.1 * np.eye(len(w)), a.T @ (p - y) + 0.1 * w)
    return float(((a @ w > 0) == y).mean())


def test_three_voters_are_no_linear_rule_and_one_is() -> None:
    task = committee_machine()
    assert round(100 * linear_accuracy(task.x, task.y)) == 83
    assert linear_accuracy(twelve_bit().x, twelve_bit().y) == 0.875
    assert linear_accuracy(task.x, committee_machine(1).y) > 0.99


@pytest.mark.parametrize("units", [0, 2, 4, -1, 1.5, "3", None, True])
def test_an_even_committee_could_be_tied(units: Any) -> None:
    with pytest.raises(ip.InputError, match=r"committee_machine\(units\) needs an odd number of voters"):
        committee_machine(units)


@pytest.mark.parametrize("inputs", [1, 17, 0, -3, 12.0, "a", None])
def test_all_patterns_must_be_few_enough_to_list(inputs: Any) -> None:
    with pytest.raises(ip.InputError, match=r"committee_machine\(inputs\) needs a whole number from 2 to 16"):
        committee_machine(inputs=inputs)


def test_a_tree_divides_the_inputs_evenly() -> None:
    with pytest.raises(ip.InputError, match="12 inputs are not divisible by 5 units"):
        committee_machine(5, tree=True)
    with pytest.raises(ip.InputError, match=r"committee_machine\(tree\) is True or False, got 'yes'"):
        committee_machine(tree="yes")  # pyright: ignore


@pytest.mark.parametrize("seed", [-1, 0.5, "a", None])
def test_a_rule_has_a_whole_number(seed: Any) -> None:
    with pytest.raises(ip.InputError, match=r"committee_machine\(seed\) needs a whole number, 0 or more, got"):
        committee_machine(seed=seed)
