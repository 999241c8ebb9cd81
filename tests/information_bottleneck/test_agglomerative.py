"""The merge tree against a twin that weighs every pair anew, against definitions, and as a start for the solver."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from bottleneck_problems import BETAS, THREE, informations, random_joint, tables
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.cluster import hierarchy

from infoplane.bottleneck import IB, Agglomerative, Joint, agglomerative, curve, merge_tree, solve
from infoplane.bottleneck.clusters import Prices
from infoplane.bottleneck.merging import Merging
from infoplane.errors import InputError

MULTIPLIERS = st.sampled_from([np.inf, 20.0, 3.0, 1.0, 0.4, 0.0])


def entropy(p: np.ndarray) -> float:
    return -sum(v * np.log(v) for v in p if v > 0)


def pair(joint: Joint, one: list[int], other: list[int]) -> tuple[float, float]:
    """(I(T;Y), I(X;T)) lost by merging two groups of merged inputs, by the definition with Jensen and Shannon."""
    merged = joint.sufficient
    masses, laws = [], []
    for members in (one, other):
        mass = merged.p_x[members]
        masses.append(mass.sum())
        laws.append(mass @ merged.rows[members] / mass.sum())
    share = np.array(masses) / sum(masses)
    mixture = entropy(share @ np.array(laws)) - share[0] * entropy(laws[0]) - share[1] * entropy(laws[1])
    return sum(masses) * mixture, sum(masses) * entropy(share)


def twin(joint: Joint, beta: float) -> tuple[list[tuple[list[int], list[int]]], list[float]]:
    """Groups merged and I(T;Y) lost, all pairs weighed at every step."""
    of_target, of_rate = (1.0, 1 / beta) if beta > 1 else (beta, 1.0)
    groups = [[x] for x in range(len(joint.sufficient.p_x))]
    merges, losses = [], []
    while len(groups) > 1:
        pairs = list(combinations(range(len(groups)), 2))
        lost = [pair(joint, groups[i], groups[j]) for i, j in pairs]
        price = np.array([of_target * target - of_rate * rate for target, rate in lost])
        which = int(np.flatnonzero(price <= price.min() + 1e-14)[0])
        i, j = pairs[which]
        merges.append((groups[i], groups[j]))
        losses.append(lost[which][0])
        groups[i] = sorted(groups[i] + groups.pop(j))  # keeps the order of first members
    return merges, losses


def merged_groups(tree) -> list[tuple[list[int], list[int]]]:
    """The groups of merged inputs that each row of the linkage joins."""
    groups = [[x] for x in range(tree.most)]
    found = []
    for a, b, _, size in tree.merges:
        one, other = sorted((groups[int(a)], groups[int(b)]))
        found.append((one, other))
        groups.append(sorted(one + other))
        assert len(groups[-1]) == size
    return found


def together(labels: np.ndarray) -> np.ndarray:
    return labels[:, None] == labels


def test_first_losses_of_three_rows():
    costs = Merging(THREE.sufficient, Prices.at(np.inf)).cost
    assert_allclose([costs[0, 1], costs[1, 2], costs[0, 2]], [0.064014, 0.088377, 0.149962], atol=1e-6)
    tree = merge_tree(THREE)
    assert tree.merges[:, :2].tolist() == [[0, 1], [2, 3]]
    assert_allclose(tree.losses[0], 0.064014, atol=1e-6)


@given(tables(most=9), MULTIPLIERS)
def test_merges_are_those_of_the_slow_twin(table, beta):
    joint = Joint(table)
    merges, losses = twin(joint, beta)
    tree = merge_tree(joint, beta)
    assert merged_groups(tree) == merges
    assert_allclose(tree.losses, losses, atol=1e-14)


@pytest.mark.parametrize("beta", [np.inf, 4.0])
def test_larger_trees_are_those_of_the_slow_twin(beta):
    generator = np.random.default_rng(5)
    joint = Joint(generator.gamma(0.4, size=(26, 5)) * np.exp(1.5 * generator.normal(size=(26, 1))))
    merges, losses = twin(joint, beta)
    tree = merge_tree(joint, beta)
    assert merged_groups(tree) == merges
    assert_allclose(tree.losses, losses, atol=1e-14)


@given(tables(), MULTIPLIERS)
def test_every_level_has_the_informations_of_its_encoder(table, beta):
    joint = Joint(table)
    tree = merge_tree(joint, beta)
    for step in range(tree.most):
        k = tree.most - step
        assert_allclose(tree.encoder(k), np.eye(k)[tree.labels(k)])
        merged = np.eye(k)[tree.leaf_labels(k)]
        rate, relevant = informations(joint.sufficient.p_x, joint.sufficient.rows, merged)
        assert_allclose((tree.mi_input[step], tree.mi_target[step]), (rate, relevant), atol=1e-13)
        assert_allclose(tree.losses[:step].sum(), joint.mutual_information - relevant, atol=1e-13)
    assert tree.mi_target[-1] == tree.mi_input[-1] == 0
    assert (tree.losses >= 0).all()
    assert (np.diff(tree.mi_input) <= 0).all()


def test_clusters_are_numbered_from_the_heaviest():
    tree = merge_tree(random_joint(30, 5))
    for k in (2, 5, 11):
        mass = np.bincount(tree.labels(k)) / 30
        assert (np.diff(mass) <= 1e-14).all()
        assert len(mass) == k


def test_duplicates_split_rows_and_rows_without_weight_change_nothing():
    plain = random_joint(12, 4, seed=3)
    rows = plain.table
    wide = Joint(np.vstack([rows[:5], np.zeros(4), 0.3 * rows[5], rows[6:], 0.7 * rows[5]]))
    tree, again = merge_tree(plain), merge_tree(wide)
    assert_allclose(again.losses, tree.losses, atol=1e-14)
    assert (again.merges[:, :2] == tree.merges[:, :2]).all()
    place = [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12]
    for k in (1, 3, 7, 12):
        labels, encoder = again.labels(k), again.encoder(k)
        assert (labels[place] == tree.labels(k)).all()
        assert labels[5] == -1
        assert labels[6] == labels[13]
        assert_allclose(encoder[5], plain.p_x @ tree.encoder(k), atol=1e-15)
        assert (encoder[place] == tree.encoder(k)).all()


@pytest.mark.parametrize("beta", [np.inf, 5.0])
def test_the_order_of_inputs_does_not_matter(beta):
    joint = random_joint(40, 6, seed=1)
    order = np.random.default_rng(0).permutation(40)
    tree, other = merge_tree(joint, beta), merge_tree(Joint(joint.table[order]), beta)
    assert_allclose(other.losses, tree.losses, atol=1e-14)
    for k in (2, 5, 17):
        assert (together(other.labels(k)) == together(tree.labels(k)[order])).all()


def test_equal_costs_go_to_the_lowest_inputs():
    assert merge_tree(Joint(np.eye(4))).merges[:, :2].tolist() == [[0, 1], [2, 3], [4, 5]]
    ring = Joint([np.roll([0.6, 0.23, 0.05, 0.07, 0.05], x) for x in range(5)])
    first = Merging(ring.sufficient, Prices.at(np.inf)).cost
    near = [first[0, 1], first[1, 2], first[2, 3], first[3, 4], first[0, 4]]
    assert np.ptp(near) < 1e-14
    assert merge_tree(ring).merges[0, :2].tolist() == [0, 1]


def test_scipy_reads_the_tree():
    tree = merge_tree(random_joint(20, 4))
    assert hierarchy.is_valid_linkage(tree.merges)
    assert hierarchy.is_monotonic(tree.merges)
    drawn = hierarchy.dendrogram(tree.merges, no_plot=True)
    assert sorted(drawn["leaves"]) == list(range(20))
    assert_allclose(tree.merges[-1, 2], tree.joint.mutual_information, rtol=1e-13)
    for k in (1, 4, 13):
        cut = hierarchy.fcluster(tree.merges, k, criterion="maxclust")
        assert (together(cut) == together(tree.labels(k))).all()


def test_one_row_independence_and_a_function():
    one = merge_tree(Joint([[1, 2, 3]]))
    assert one.merges.shape == (0, 4)
    assert one.labels(1).tolist() == [0]
    assert merge_tree(Joint(np.ones((5, 3)))).most == 1
    certain = merge_tree(Joint([[0.2, 0], [0.3, 0], [0, 0.1], [0, 0.4]]))
    assert certain.labels(2).tolist() == [0, 0, 1, 1]
    assert_allclose(certain.mi_target, [np.log(2), 0], atol=1e-15)


def test_inputs_with_next_to_no_weight():
    tree = merge_tree(Joint([[1e-300, 2e-300], [3, 1], [1, 5]]))
    assert np.isfinite(tree.merges).all()
    assert tree.merges[0, 0] == 0  # the one that costs nothing
    found = solve(tree.joint, 3.0, Agglomerative(3))
    assert np.isfinite(found.decoder).all()
    assert_allclose(found.decoder[2], [1 / 3, 2 / 3])


@pytest.mark.parametrize("beta", [0.0, 0.8, 3.0, 6.0, 200.0])
def test_the_method_takes_the_level_of_least_cost(beta):
    joint = random_joint(24, 5, seed=2)
    tree = merge_tree(joint)
    found = solve(joint, beta, Agglomerative())
    assert_allclose(found.objective, tree.costs(beta).min(), atol=1e-12 * (1 + beta))
    assert found.n_clusters == tree.best(beta)
    assert (found.encoder == tree.encoder(found.n_clusters)).all()
    assert_allclose(found.objective, found.mi_input - beta * found.mi_target, atol=1e-12)
    assert_allclose(found.free_energy - beta * joint.mutual_information, found.objective, atol=1e-12 * (1 + beta))
    assert_allclose(found.entropy, found.mi_input, atol=1e-13)
    assert_allclose(found.decoder, found.chain_decoder, atol=1e-14)


@pytest.mark.parametrize("method", [Agglomerative(), Agglomerative(5)])
def test_the_gap_is_the_distance_to_the_best_encoder(method):
    joint = random_joint(24, 5, seed=2)
    for beta in (2.0, 3.3, 7.0):
        found, best = solve(joint, beta, method), solve(joint, beta)
        assert best.gap < 1e-7
        assert_allclose(found.gap, found.objective - best.objective, atol=2e-7)
        assert found.starts == best.starts
    assert np.isnan(solve(joint, 3.0, method, certify=False).gap)


def test_converged_means_that_no_single_input_would_better_move():
    seen = set()
    for seed in range(12):
        joint = Joint(np.random.default_rng(seed).gamma(0.6, size=(14, 4)))
        found = merge_tree(joint).solution(4, 4.0)
        labels = found.encoder.argmax(axis=1)
        gains = []
        for x in np.flatnonzero(np.bincount(labels)[labels] > 1):
            for t in range(4):
                moved = labels.copy()
                moved[x] = t
                rate, relevant = informations(joint.p_x, joint.p_y_given_x, np.eye(4)[moved])
                gains.append((found.objective - rate + 4.0 * relevant, x, t))
        gain, x, t = max(gains)
        seen.add(found.converged)
        assert found.converged == (gain < 1e-12)
        shares = (1 - joint.p_x[x] / found.marginal[labels[x]], 1 + joint.p_x[x] / found.marginal[t])
        assert_allclose(found.residual, 0 if found.converged else np.abs(np.log(shares)).max(), rtol=1e-10)
    assert seen == {True, False}


@pytest.mark.parametrize(("n_x", "n_y"), [(16, 4), (32, 8)])
@pytest.mark.parametrize("beta", [2.0, 4.0, 4.73, 10.0])
def test_levels_start_the_solver(n_x, n_y, beta):
    joint = random_joint(n_x, n_y, seed=1)
    tree, best = merge_tree(joint), solve(joint, beta)
    for k in (2, 4, n_x // 2):
        found = solve(joint, beta, IB(), start=tree.solution(k, beta))
        assert found.gap < 1e-7
        assert_allclose(found.objective, best.objective, atol=2e-7)


def test_one_tree_gives_a_whole_curve():
    joint = random_joint(32, 8)
    found = curve(joint, BETAS, Agglomerative(), certify=False)
    assert (np.diff(found.n_clusters) >= 0).all()
    assert (np.diff(found.mi_target) >= 0).all()
    assert np.isnan(found.gap).all()
    assert found.attrs["method"] == "Agglomerative()"
    fixed = curve(joint, [2.0, 9.0], Agglomerative(3), certify=False)
    assert fixed.n_clusters.values.tolist() == [3, 3]
    assert fixed.mi_input[0] == fixed.mi_input[1]


def test_a_tree_of_its_own_can_only_help():
    better = 0
    for seed in range(6):
        joint = random_joint(32, 8, seed=seed)
        for beta in (2.0, 4.0, 8.0):
            common, own = (solve(joint, beta, Agglomerative(own_tree=b), certify=False) for b in (False, True))
            assert own.objective <= common.objective
            better += own.objective < common.objective - 1e-6
    assert better >= 3


def test_unseen_inputs_get_one_cluster():
    found = solve(random_joint(24, 5), 4.0, Agglomerative(4), certify=False)
    given = found.encode(np.vstack([found.decoder, np.eye(5)]))
    assert (given.sum(axis=1) == 1).all()
    assert set(np.unique(given)) == {0.0, 1.0}
    assert (given[0] == np.eye(4)[0]).all()  # the heaviest cluster's own law


@pytest.mark.parametrize("k", [0, 4, -1, 2.0, True, "2"])
def test_numbers_of_clusters_that_do_not_exist(k):
    tree = merge_tree(THREE)
    for call in (
        tree.labels,
        tree.encoder,
        lambda k: tree.solution(k, 2.0),
        lambda k: solve(THREE, 2.0, Agglomerative(k)),
    ):
        with pytest.raises(InputError, match="n_clusters from 1 to 3, the number of distinct rows"):
            call(k)


def test_other_errors(monkeypatch):
    with pytest.raises(InputError, match="merge_tree needs a finite beta >= 0"):
        merge_tree(THREE, -1.0)
    with pytest.raises(InputError, match="costs needs a finite beta >= 0"):
        merge_tree(THREE).costs(np.inf)
    monkeypatch.setattr(agglomerative, "_MOST", 2)
    with pytest.raises(InputError, match=r"at most 2 rows, got 3.*Sequential\(n_clusters\)"):
        merge_tree(THREE)
