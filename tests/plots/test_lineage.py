"""Which cluster comes from which, and where the branches of a tree stand."""

import numpy as np
import pytest
from plot_curves import BETAS, make_curve
from scipy.stats import entropy

from infoplane import bottleneck, plots
from infoplane.plots.lineage import lineage, nearest_laws, placed


def test_the_nearest_law_is_that_of_least_kl_divergence():
    random = np.random.default_rng(0)
    laws, others = random.dirichlet(np.ones(4), 30), random.dirichlet(np.ones(4), 7)
    expected = [int(np.argmin([entropy(law, other) for other in others])) for law in laws]
    np.testing.assert_array_equal(nearest_laws(laws, others), expected)
    backwards = [int(np.argmin([entropy(other, law) for other in others])) for law in laws]
    assert expected != backwards  # so that the direction is tested too


def test_where_all_distances_are_infinite_the_least_missing_mass_decides():
    laws = np.array([[0.6, 0.3, 0.1]])
    others = np.array([[0.0, 0.5, 0.5], [0.5, 0.5, 0.0], [0.5, 0.0, 0.5]])
    assert nearest_laws(laws, others).tolist() == [1]  # misses 0.1; the others 0.6 and 0.3
    assert nearest_laws(np.array([[0.0, 1.0, 0.0]]), others).tolist() == [0]  # 0 ln 0 is nothing; of equals the first


def test_chords_and_padding_are_left_out():
    found = lineage(make_curve(interpolated=True))
    assert found.beta.tolist() == BETAS
    assert [len(w) for w in found.weights] == [1, 2, 2, 3, 3]
    assert [p.tolist() for p in found.parents] == [[], [0, 0], [0, 1], [0, 1, 1], [0, 1, 2]]


def test_a_cluster_stands_among_its_children_and_branches_do_not_cross():
    parents = [np.array([], int), np.array([0, 0]), np.array([1, 0, 1, 0])]
    keys = [np.array([0.5]), np.array([0.7, 0.2]), np.array([0.3, 0.9, 0.1, 0.6])]
    forest = placed(parents, keys)
    assert forest.places[2].tolist() == [1, 3, 0, 2]  # below: the children of 0.2, in order 0.1, 0.3; above 0.6, 0.9
    assert forest.places[1].tolist() == [2.5, 0.5]
    assert forest.places[0].tolist() == [1.5]
    assert forest.ends == [(2, 2), (2, 0), (2, 3), (2, 1)]


def test_a_cluster_from_which_none_comes_ends_its_branch_and_long_curves_do_no_harm():
    forest = placed([np.array([], int), np.array([0])], [np.array([0.2, 0.8]), np.array([0.3])])
    assert forest.ends == [(1, 0), (0, 1)]
    assert forest.places[0].tolist() == [0, 1]
    many = 5000  # more than Python's stack
    long = placed([np.array([], int), *[np.array([0])] * (many - 1)], [np.zeros(1)] * many)
    assert long.ends == [(many - 1, 0)]


def test_the_tree_of_a_curve_leads_from_the_first_beta_to_three_ends():
    ax = plots.cluster_tree(make_curve())
    branches = np.array(ax.collections[0].get_segments())
    assert branches.shape == (10, 4, 2)  # every cluster but the first, around a corner
    np.testing.assert_allclose(branches[0][:, 0], [1, 2**0.5, 2**0.5, 2])
    ends = branches[np.isclose(branches[:, -1, 0], BETAS[-1])][:, -1, 1]
    assert sorted(ends) == [0, 1, 2]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["p(t) = 0.500", "p(t) = 0.300", "p(t) = 0.200"]
    (bar,) = [one for one in ax.figure.axes if one is not ax]
    assert bar.get_ylabel() == "p(y = 1 | t)"
    widths = ax.collections[0].get_linewidths()
    assert widths[-3] > widths[-2] > widths[-1]  # p(t) = 0.5, 0.3, 0.2


@pytest.mark.parametrize("unit", ["bits", "nats"])
def test_the_tree_of_merges_forks_at_what_is_left(unit):
    tree = bottleneck.merge_tree(bottleneck.Joint([[6, 3, 1], [2, 8, 2], [1, 4, 9]]))
    ax = plots.cluster_tree(tree, unit=unit)
    factor = {"bits": 1 / np.log(2), "nats": 1.0}[unit]
    whole, first = 0.215978, 0.215978 - 0.064014  # nats, of this table: I(X;Y), and what the merge of rows 0, 1 leaves
    forks = np.array(ax.collections[0].get_segments())
    np.testing.assert_allclose(forks[0][:, 0], np.array([whole, first, first, whole]) * factor, atol=2e-6)
    np.testing.assert_allclose(forks[1][1:3, 0], 0, atol=1e-12)
    assert {text.get_text() for text in ax.get_yticklabels()} == {"x = 0", "x = 1", "x = 2"}
    assert abs(np.diff([forks[0][0, 1], forks[0][3, 1]])[0]) == 1  # the two are neighbours
    assert f"({unit})" in ax.get_xlabel()


def test_inputs_with_one_law_share_a_leaf_and_many_leaves_have_no_names():
    tree = bottleneck.merge_tree(bottleneck.Joint([[2, 1], [4, 2], [1, 3]]))
    names = {text.get_text() for text in plots.cluster_tree(tree).get_yticklabels()}
    assert names == {"x = 0, 1", "x = 2"}
    many = bottleneck.merge_tree(bottleneck.Joint(np.random.default_rng(0).dirichlet(np.ones(3), 30)))
    assert plots.cluster_tree(many).get_ylabel() == "30 distinct inputs"
    alone = plots.cluster_tree(bottleneck.merge_tree(bottleneck.Joint([[1, 1]])))
    assert [text.get_text() for text in alone.get_yticklabels()] == ["x = 0"]
