"""Counting many samples at once: exact keys for rows of any width, and entropies equal to a plain count."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from estimator_twins import entropy_by_counting, information_by_counting, information_of_table, rows
from hypothesis import given
from hypothesis import strategies as st

from infoplane.estimators.counting import count, information_from_law, keys_of, relabel

EDGE = 2**62  # where keys stop fitting


def same_partition(keys: np.ndarray, codes: np.ndarray) -> bool:
    """Whether (n,) keys are equal exactly where the (n, d) rows of codes are."""
    pairs = set(zip(keys.tolist(), rows(codes), strict=True))
    return len(pairs) == len(set(keys.tolist())) == len(set(rows(codes)))


@pytest.mark.parametrize(("dim", "bins"), [(1, 2), (12, 30), (13, 30), (40, 100), (300, 2), (62, 2), (61, 2)])
def test_the_keys_of_wide_layers_are_exact(dim: int, bins: int) -> None:
    random = np.random.default_rng(dim)
    codes = random.integers(0, bins, (2, 400, dim))
    codes[:, 200:] = codes[:, :200][:, random.permutation(200)]  # every row twice, ...
    codes[:, 300:, -1] = (codes[:, 300:, -1] + 1) % bins  # ... or once but for the last unit
    codes[0, 0], codes[0, 1] = bins - 1, 0  # both ends of the range of keys
    keys = keys_of(codes)
    assert keys.min() >= 0
    assert all(same_partition(k, c) for k, c in zip(keys, codes, strict=True))


@given(
    st.lists(
        st.sampled_from([1, 2, 2**20, 2**31 - 1, 2**31, 2**31 + 1, EDGE - 1, EDGE, 2**63 - 1]), min_size=1, max_size=5
    ),
    st.integers(0, 2**32 - 1),
)
def test_keys_are_exact_on_both_sides_of_the_overflow(sizes: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    few = [np.array([0, 1 % size, size // 2, size - 1]) for size in sizes]
    codes = np.stack([random.choice(values, 60) for values in few], axis=1)[None]
    keys = keys_of(codes)
    assert keys.min() >= 0
    assert same_partition(keys[0], codes[0])


def test_counting_is_exact_where_keys_and_labels_together_overflow() -> None:
    keys = np.array([[0, 1, EDGE - 1, EDGE - 1, EDGE - 2, 0]])
    labels = np.array([[0, 1, 2, 2, 1, 2]])
    found = count(keys, labels)
    assert found.information[0] == pytest.approx(information_by_counting(*keys.tolist(), *labels.tolist()), abs=1e-12)
    assert (found.n_codes[0], found.n_classes[0], found.n_pairs[0]) == (4, 3, 5)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=40))
def test_relabelled_keys_are_small_and_equal_where_the_old_were(values: list[int]) -> None:
    keys = np.array([values, values[::-1]])
    ranks = relabel(keys)
    assert ranks.min() == 0
    assert ranks.max() == len(set(values)) - 1
    assert all(same_partition(r, k[:, None]) for r, k in zip(ranks, keys, strict=True))


tables = st.integers(1, 60).flatmap(
    lambda n: st.tuples(*(st.lists(st.integers(0, top), min_size=n, max_size=n) for top in (6, 3)))
)


@given(tables)
def test_entropies_equal_a_plain_count(table: tuple[list[int], list[int]]) -> None:
    x, y = table
    found = count(np.array([x]), np.array([y]))
    assert found.entropy[0] == pytest.approx(entropy_by_counting(x), abs=1e-12)
    assert found.information[0] == pytest.approx(information_by_counting(x, y), abs=1e-12)
    assert found.n_codes[0] == len(set(x))
    assert found.n_classes[0] == len(set(y))
    assert found.n_pairs[0] == len(set(zip(x, y, strict=True)))


def test_samples_counted_together_are_counted_as_if_alone() -> None:
    random = np.random.default_rng(0)
    keys, labels = random.integers(0, 9, (20, 50)), random.integers(0, 4, (20, 50))
    labels[3], keys[4:6], keys[6] = 0, 7, np.arange(50)  # one class; one code, twice in a row; all codes distinct
    together = count(keys, labels)
    for cell, name in itertools.product(range(20), vars(together)):
        alone = count(keys[cell : cell + 1], labels[cell : cell + 1])
        assert getattr(together, name)[cell] == pytest.approx(getattr(alone, name)[0], abs=1e-12)


@pytest.mark.parametrize("classes", [2, 5])
def test_a_random_label_enters_through_its_law(classes: int) -> None:
    random = np.random.default_rng(classes)
    keys = random.integers(0, 12, (3, 200))
    law = random.dirichlet(np.full(classes, 0.4), (3, 200))
    law[:, :50] = np.eye(classes)[random.integers(0, classes, (3, 50))]  # some labels are certain
    found = information_from_law(keys, law)
    for cell in range(3):
        table = np.zeros((12, classes))
        for key, p in zip(keys[cell], law[cell], strict=True):
            table[key] += p / 200
        assert found[cell] == pytest.approx(information_of_table(table), abs=1e-12)


def test_a_certain_label_is_the_special_case_of_a_law() -> None:
    random = np.random.default_rng(0)
    keys, labels = random.integers(0, 8, (1, 300)), random.integers(0, 3, (1, 300))
    assert information_from_law(keys, np.eye(3)[labels]) == pytest.approx(count(keys, labels).information, abs=1e-12)


def test_standard_errors_are_the_spread_over_samples() -> None:
    """Over R samples the spread is known to 1/sqrt(2R); the standard error itself is right to order 1/n."""
    repeats, n = 600, 2000
    table = np.array([[0.25, 0.05, 0.02], [0.05, 0.2, 0.03], [0.02, 0.08, 0.3]])
    drawn = np.random.default_rng(0).choice(9, p=table.ravel(), size=(repeats, n))
    found = count(drawn // 3, drawn % 3)
    for values, errors in (
        (found.information, found.information_stderr),
        (found.entropy, found.entropy_stderr),
    ):
        assert errors.mean() / values.std() == pytest.approx(1.0, abs=4 / math.sqrt(2 * repeats))
