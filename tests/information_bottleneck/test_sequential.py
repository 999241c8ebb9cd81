"""Hard clusters moved one by one: against all partitions, a slow twin, and as a start for the solver."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_problems import THREE, informations, random_joint, tables
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from infoplane.bottleneck import IB, Joint, Sequential, curve, merge_tree, sequential, solve
from infoplane.bottleneck.clusters import Prices
from infoplane.bottleneck.sequential import sequential_clusters
from infoplane.errors import InputError

MULTIPLIERS = st.sampled_from([np.inf, 20.0, 3.0, 1.0, 0.4, 0.0])


def price(joint: Joint, labels: np.ndarray, beta: float) -> float:
    """I(X;T) - beta I(T;Y) by the definition, divided by beta where that exceeds 1."""
    rate, relevant = informations(joint.sufficient.p_x, joint.sufficient.rows, np.eye(labels.max() + 1)[labels])
    return rate / beta - relevant if beta > 1 else rate - beta * relevant


def partitions(m: int, k: int, start: tuple[int, ...] = ()):
    """All labels of m inputs in exactly k clusters, numbered by first member."""
    if len(start) == m:
        if max(start) + 1 == k:
            yield np.array(start)
        return
    for label in range(min(max(start, default=-1) + 2, k)):
        yield from partitions(m, k, (*start, label))


def twin(joint: Joint, labels: np.ndarray, beta: float, order: np.ndarray) -> np.ndarray:
    """One sweep, every candidate's cost computed in full."""
    labels = labels.copy()
    k = labels.max() + 1
    for x in order:
        if (labels == labels[x]).sum() == 1:
            continue
        costs = []
        for t in range(k):
            labels_t = labels.copy()
            labels_t[x] = t
            costs.append(price(joint, labels_t, beta))
        if costs[labels[x]] > min(costs) + 1e-13:
            labels[x] = int(np.argmin(costs))
    return labels


def random_labels(m: int, k: int, generator: np.random.Generator) -> np.ndarray:
    """Clusters of very different sizes, none empty."""
    labels = generator.choice(k, size=m, p=generator.dirichlet(np.ones(k)))
    labels[generator.permutation(m)[:k]] = np.arange(k)
    return labels


@given(tables(most=9), MULTIPLIERS, st.integers(0, 1000))
def test_a_sweep_is_that_of_the_slow_twin(table, beta, seed):
    joint = Joint(table)
    generator = np.random.default_rng(seed)
    m = len(joint.sufficient.p_x)
    k = int(generator.integers(1, m + 1))
    labels = np.stack([random_labels(m, k, generator) for _ in range(3)])
    orders = np.stack([generator.permutation(m) for _ in range(3)])
    found, moves = sequential._sweep(joint.sufficient, labels, k, Prices.at(beta), orders)
    for run in range(3):
        slow = twin(joint, labels[run], beta, orders[run])
        # Where two clusters cost the same up to rounding either may be taken.
        if not (found[run] == slow).all():
            assert_allclose(price(joint, found[run], beta), price(joint, slow, beta), atol=1e-12)
        assert moves[run] >= (found[run] != labels[run]).sum()


@given(tables(most=12), MULTIPLIERS, st.integers(0, 1000))
def test_no_sweep_raises_the_cost_or_empties_a_cluster(table, beta, seed):
    joint = Joint(table)
    generator = np.random.default_rng(seed)
    m = len(joint.sufficient.p_x)
    k = int(generator.integers(1, m + 1))
    labels = random_labels(m, k, generator)[None]
    cost = price(joint, labels[0], beta)
    for _ in range(3):
        labels, moves = sequential._sweep(joint.sufficient, labels, k, Prices.at(beta), generator.permutation(m)[None])
        before, cost = cost, price(joint, labels[0], beta)
        assert cost <= before + 1e-13
        assert (np.bincount(labels[0], minlength=k) > 0).all()
        assert moves[0] > 0 or cost == before


def test_against_all_partitions():
    """Never below the optimum; at it in nearly all cases with ten restarts, and in all with a hundred."""
    hits = {10: 0, 100: 0}
    for seed in range(20):
        m, k = 5 + seed % 3, 2 + seed % 3
        joint = Joint(np.random.default_rng([3, seed]).gamma(0.5, size=(m, 4)))
        for beta in (np.inf, 10.0, 3.0):
            least = min(price(joint, labels, beta) for labels in partitions(m, k))
            for restarts in hits:
                found = sequential_clusters(joint.sufficient, k, beta, restarts, 15, seed)
                cost = price(joint, found.labels, beta)
                assert cost >= least - 1e-13
                hits[restarts] += cost <= least + 1e-13
    assert hits[10] >= 57
    assert hits[100] == 60


@pytest.mark.parametrize("beta", [0.0, 0.7, 3.0, 12.0])
def test_the_solution_is_a_local_optimum_with_its_own_cost(beta):
    joint = random_joint(30, 5, seed=4)
    found = solve(joint, beta, Sequential(4))
    labels = found.encoder.argmax(axis=1)
    assert found.converged
    assert found.residual == 0
    assert found.n_clusters == 4
    assert (np.diff(found.marginal) <= 1e-14).all()
    assert_allclose(
        (found.mi_input, found.mi_target), informations(joint.p_x, joint.p_y_given_x, found.encoder), atol=1e-13
    )
    assert_allclose(found.objective, found.mi_input - beta * found.mi_target, atol=1e-12)
    assert_allclose(found.free_energy - beta * joint.mutual_information, found.objective, atol=1e-12)
    assert (twin(joint, labels, beta, np.arange(30)) == labels).all()
    best = solve(joint, beta)
    assert_allclose(found.gap, found.objective - best.objective, atol=2e-7)


def test_unseen_inputs_go_where_the_seen_ones_like_them_are():
    """No single move helps, and by convexity neither does the rule for one input of no weight."""
    joint = random_joint(40, 5, seed=2)
    for beta in (5.0, 9.0):
        found = solve(joint, beta, Sequential(4), certify=False)
        assert (found.encoder.sum(axis=0) > 1).all()
        assert (found.encode(joint.p_y_given_x) == found.encoder).all()


def test_ended_by_the_cap_it_says_so():
    joint = random_joint(64, 16)
    short, full = (solve(joint, 9.0, Sequential(8, restarts=1, sweeps=s), certify=False) for s in (1, 50))
    assert not short.converged
    assert 0 < short.residual < np.inf
    assert short.sweeps == 2
    assert full.converged
    assert full.objective < short.objective


def test_more_restarts_find_no_worse_and_beat_the_tree():
    joint = random_joint(64, 16)
    one, ten = (solve(joint, 20.0, Sequential(8, restarts=r), certify=False) for r in (1, 10))
    assert ten.mi_target > one.mi_target
    assert ten.mi_target > merge_tree(joint).mi_target[-8]


def test_a_start_is_never_made_worse():
    joint = random_joint(40, 6, seed=1)
    tree = merge_tree(joint)
    for k in (2, 5, 9):
        start = tree.solution(k, 6.0)
        found = solve(joint, 6.0, Sequential(k, restarts=1), start=start, certify=False)
        assert found.objective <= start.objective + 1e-13
    soft = solve(joint, 3.2)
    hard = len(np.unique(soft.encoder.argmax(axis=1)))
    assert solve(joint, 3.2, Sequential(hard, restarts=1), start=soft, certify=False).n_clusters == hard


def test_starts_that_do_not_fit():
    joint = random_joint(20, 4)
    start = merge_tree(joint).solution(4, 3.0)
    with pytest.raises(InputError, match=r"Sequential\(n_clusters=3\) needs a start with as many clusters.* are 4"):
        solve(joint, 3.0, Sequential(3), start=start)
    with pytest.raises(InputError, match=r"same joint with 3 inputs, got one of Joint\(20"):
        solve(THREE, 3.0, Sequential(2), start=start)


@pytest.mark.parametrize(("n_x", "n_y"), [(16, 4), (32, 8), (64, 16)])
@pytest.mark.parametrize("beta", [2.0, 4.73, 6.0, 10.0])
def test_it_starts_the_solver(n_x, n_y, beta):
    joint = random_joint(n_x, n_y, seed=1)
    found = solve(joint, beta, IB(), start=solve(joint, beta, Sequential(4), certify=False))
    assert found.gap < 1e-7
    assert_allclose(found.objective, solve(joint, beta).objective, atol=2e-7)


def test_the_same_seed_gives_the_same_clusters():
    joint = random_joint(64, 16)
    first, again, other = (solve(joint, 9.0, Sequential(8), certify=False, seed=s) for s in (0, 0, 1))
    assert (first.encoder == again.encoder).all()
    assert first.objective == again.objective
    assert not np.array_equal(first.encoder, other.encoder)


def test_duplicates_and_rows_without_weight():
    plain = random_joint(12, 4, seed=3)
    rows = plain.table
    wide = Joint(np.vstack([rows[:5], np.zeros(4), 0.3 * rows[5], rows[6:], 0.7 * rows[5]]))
    a, b = (solve(joint, 5.0, Sequential(3), certify=False) for joint in (plain, wide))
    assert_allclose(b.objective, a.objective, atol=1e-13)
    assert (b.encoder[6] == b.encoder[13]).all()
    assert_allclose(b.encoder[5], b.marginal)


def test_as_few_and_as_many_clusters_as_can_be():
    joint = random_joint(9, 4)
    one, all_own = (solve(joint, 3.0, Sequential(k)) for k in (1, 9))
    assert one.objective == one.mi_input == one.mi_target == 0
    assert_allclose(all_own.objective, joint.entropy_x - 3 * joint.mutual_information, atol=1e-13)
    assert one.converged
    assert all_own.converged
    single = solve(Joint([[1, 2, 3]]), 3.0, Sequential(1))
    assert single.objective == single.gap == 0


def test_a_whole_curve():
    found = curve(random_joint(24, 5), [1.0, 3.0, 8.0, 1e4], Sequential(3))
    assert found.n_clusters.values.tolist() == [3] * 4
    assert found.converged.all()
    assert (found.gap > 0).all()
    assert (np.diff(found.mi_target) >= -1e-13).all()
    assert found.attrs["method"] == "Sequential(n_clusters=3)"


@pytest.mark.parametrize("k", [0, 4, 2.0, True])
def test_numbers_of_clusters_that_do_not_exist(k):
    with pytest.raises(InputError, match="Sequential needs n_clusters from 1 to 3, the number of distinct rows"):
        solve(THREE, 2.0, Sequential(k))


def test_settings_that_do_not_exist():
    for name in ("restarts", "sweeps"):
        for value in (0, 2.5, True):
            with pytest.raises(InputError, match=f"{name} to be a whole number of at least 1"):
                Sequential(2, **{name: value})
