"""Joint distributions: what is accepted, what is refused, and the minimal sufficient statistic."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_problems import tables
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import infoplane as ip
from infoplane.bottleneck import Joint


@pytest.mark.parametrize(
    "table",
    [[[6, 3, 1], [2, 8, 2]], ((6, 3, 1), (2, 8, 2)), np.array([[6, 3, 1], [2, 8, 2]], dtype=np.uint8)]
    + [np.array([[6, 3, 1], [2, 8, 2]], dtype=kind) for kind in (np.int64, np.float32, np.float64)],
)
def test_integers_lists_and_floats_make_the_same_joint(table):
    joint = Joint(table)
    assert_allclose(joint.table, np.array([[6, 3, 1], [2, 8, 2]]) / 22, rtol=1e-15)
    assert joint.table.dtype == np.float64
    assert joint.shape == (2, 3)


def test_the_array_given_is_left_as_it_was():
    table = np.array([[6.0, 3.0], [0.0, 8.0]])
    before = table.copy()
    ip.bottleneck.solve(Joint(table), 3.0)
    assert (table == before).all()
    assert table.flags.writeable


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([[1, -2], [3, 4]], r"got -2.0 at \(0, 1\)"),
        ([[1, np.nan], [3, 4]], r"got nan at \(0, 1\)"),
        ([[1, 2], [np.inf, 4]], r"got inf at \(1, 0\)"),
        ([[0, 0], [0, 0]], "table of zeros"),
        ([1, 2, 3], r"two dimensions, rows x and columns y, got shape \(3,\)"),
        (np.ones((2, 2, 2)), "two dimensions"),
        (np.ones((0, 2)), "two dimensions"),
        ([[1, 2], [3]], "all of one length"),
        ([["a", "b"]], "table of numbers"),
        (None, "Joint needs a table"),
    ],
)
def test_what_is_no_joint_is_refused_in_words(table, message):
    with pytest.raises(ip.InputError, match=message):
        Joint(table)


def test_from_samples_counts_pairs():
    x = np.array(["b", "a", "b", "b"])
    joint = Joint.from_samples(x, [1, 0, 1, 0])
    assert_allclose(joint.table, [[0.25, 0.0], [0.25, 0.5]])
    rows = Joint.from_samples([[0, 1], [0, 1], [1, 1]], [True, False, False])
    assert_allclose(rows.table, np.array([[1, 1], [1, 0]]) / 3)
    with pytest.raises(ip.InputError, match="got floats for x"):
        Joint.from_samples([0.5, 0.1], [0, 1])
    with pytest.raises(ip.InputError, match="got 3 of x and 2 of y"):
        Joint.from_samples([0, 1, 2], [0, 1])
    with pytest.raises(ip.InputError, match="needs samples"):
        Joint.from_samples(np.array([], dtype=int), np.array([], dtype=int))


def test_from_conditional_weighs_its_rows():
    joint = Joint.from_conditional([[1, 3], [2, 2]], [1, 3])
    assert_allclose(joint.p_x, [0.25, 0.75])
    assert_allclose(joint.p_y_given_x, [[0.25, 0.75], [0.5, 0.5]])
    assert_allclose(Joint.from_conditional([[1, 3], [2, 2]]).p_x, [0.5, 0.5])
    with pytest.raises(ip.InputError, match="row 1 has none"):
        Joint.from_conditional([[1, 2], [0, 0]])
    with pytest.raises(ip.InputError, match="2 weights"):
        Joint.from_conditional([[1, 2], [2, 1]], [1, 2, 3])


def test_smoothing_keeps_the_marginals():
    joint = Joint([[3, 0, 1], [0, 2, 0]])
    smooth = joint.smoothed(0.1)
    assert (smooth.p_y_given_x > 0).all()
    assert_allclose(smooth.p_x, joint.p_x)
    assert_allclose(smooth.p_y, joint.p_y)
    with pytest.raises(ip.InputError, match="weight in"):
        joint.smoothed(0.0)


def test_informations_of_a_known_table():
    joint = Joint([[0.45, 0.05], [0.05, 0.45]])
    assert_allclose(joint.mutual_information, np.log(2) + 0.9 * np.log(0.9) + 0.1 * np.log(0.1), rtol=1e-14)
    assert_allclose([joint.entropy_x, joint.entropy_y], np.log(2), rtol=1e-15)
    assert Joint([[2, 0], [3, 0], [0, 1]]).deterministic
    assert not joint.deterministic


def test_states_without_mass_are_dropped_and_put_back():
    joint = Joint([[3, 0, 1], [0, 0, 0], [1, 0, 2]])
    assert joint.sufficient.rows.shape == (2, 2)
    solution = ip.bottleneck.solve(joint, 1e4)
    assert solution.encoder.shape == (3, 2)
    assert_allclose(solution.encoder[1], solution.marginal)
    assert (solution.decoder[:, 1] == 0).all()
    assert_allclose(solution.encoder.sum(axis=1), 1, atol=1e-12)


@given(table=tables(), parts=st.lists(st.floats(0.05, 1.0), min_size=2, max_size=4), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_splitting_a_row_into_proportional_parts_is_undone(table, parts, seed):
    """Also where the parts' ratios are not exact in floating point."""
    row = seed % len(table)
    split = np.vstack([table, *[part * table[row] for part in parts]])
    split = np.delete(split, row, axis=0) * (1 / 3)
    once, twice = Joint(table).sufficient, Joint(split).sufficient
    distinct = len(once.p_x)
    assert len(twice.p_x) == distinct
    assert len(set(twice.group[len(table) - 1 :])) == 1


def test_rows_that_differ_only_in_a_tiny_entry_stay_apart():
    """For the dual a label of probability 1e-13 is not one of 1e-12."""
    joint = Joint.from_conditional([[1 - 1e-12, 1e-12], [1 - 1e-13, 1e-13], [0.5, 0.5]])
    assert len(joint.sufficient.p_x) == 3


def test_many_rows_are_merged_quickly_and_in_order():
    generator = np.random.default_rng(0)
    distinct = generator.dirichlet(np.ones(3), size=40)
    which = generator.permutation(np.concatenate([np.arange(40), generator.integers(40, size=4000)]))
    merged = Joint.from_conditional(distinct[which]).sufficient
    assert len(merged.p_x) == 40
    _, first = np.unique(which, return_index=True)
    assert (np.diff([merged.group[i] for i in np.sort(first)]) == 1).all()  # numbered by first appearance
    assert_allclose(merged.p_x.sum(), 1)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([["1", "2"]], "got the type <U1"),
        (np.array([[1 + 1j, 2]]), "got the type complex128"),
        (np.ma.masked_array([[1, 2]], [[0, 1]]), "masked values"),
        (np.array([["2020-01-01"]], dtype="datetime64[D]"), "got the type datetime64"),
    ],
)
def test_what_is_no_number_is_refused(table, message):
    with pytest.raises(ip.InputError, match=message):
        Joint(table)


def test_tables_of_other_packages():
    import pandas as pd

    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    table = [[6, 3, 1], [2, 8, 2]]
    for other in (pd.DataFrame(table), torch.tensor(table), torch.tensor(table, dtype=torch.float32), [[True, True]]):
        assert Joint(other).shape[1] == len(other[0] if isinstance(other, list) else other.T)
