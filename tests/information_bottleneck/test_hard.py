"""The deterministic bottleneck and its way to the soft one: brute force, local optima, bounds, sharp cases."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator

import numpy as np
import pytest
from bottleneck_problems import SYMMETRIC, THREE, informations, random_joint, tables
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import entr

import infoplane as ip
from infoplane.bottleneck import DIB, IB, GeneralizedIB, Joint, by_name, curve, solve
from infoplane.bottleneck.base import Effort
from infoplane.bottleneck.exact_partitions import ALONG, FEW, best_partitions, by_intervals, by_subsets
from infoplane.bottleneck.geometry import Arithmetic, Atoms
from infoplane.bottleneck.partition_search import searched
from infoplane.bottleneck.partitions import Clustering, line, updated
from infoplane.bottleneck.softened import atoms_of, settled, update

BETAS = np.geomspace(60, 1.05, 25)


def partitions(n: int) -> Iterator[np.ndarray]:
    """All set partitions of n inputs as labels."""
    labels = np.zeros(n, dtype=int)

    def grown(i: int, k: int) -> Iterator[np.ndarray]:
        if i == n:
            yield labels.copy()
            return
        for t in range(k + 1):
            labels[i] = t
            yield from grown(i + 1, max(k, t + 1))

    yield from grown(0, 0)


def cost(joint: Joint, encoder: np.ndarray, beta: float, alpha: float) -> float:
    """H(T) - alpha H(T|X) - beta I(T;Y) by its definition."""
    _, relevant = informations(joint.p_x, joint.p_y_given_x, encoder)
    return float(entr(joint.p_x @ encoder).sum() - alpha * joint.p_x @ entr(encoder).sum(axis=1) - beta * relevant)


def hardened(encoder: np.ndarray) -> np.ndarray:
    return np.eye(encoder.shape[1])[encoder.argmax(axis=1)]


def weights_of(joint: Joint) -> np.ndarray:
    return joint.sufficient.p_x[:, None] * joint.sufficient.rows


def joint_of(n_x: int, n_y: int, concentration: float, seed: int) -> Joint:
    generator = np.random.default_rng(seed)
    rows = generator.dirichlet(np.full(n_y, concentration), size=n_x)
    return Joint.from_conditional(rows + 1e-6, generator.dirichlet(np.ones(n_x)))


def test_the_symmetric_channel_switches_where_both_encoders_cost_the_same():
    switch = np.log(2) / SYMMETRIC.mutual_information
    assert_allclose(switch, 1.883224, atol=1e-6)
    below, above = (solve(SYMMETRIC, switch * (1 + side * 1e-9), DIB()) for side in (-1, 1))
    assert (below.n_clusters, above.n_clusters) == (1, 2)
    assert_allclose([above.mi_input, above.entropy], np.log(2))
    assert_allclose(above.mi_target, SYMMETRIC.mutual_information)


@pytest.mark.parametrize(("n_x", "n_y", "seed"), [(5, 2, 0), (6, 3, 1), (7, 3, 2), (7, 5, 3), (4, 4, 4)])
def test_no_partition_is_better(n_x, n_y, seed):
    joint = joint_of(n_x, n_y, 1.0, seed)
    lines = np.array([line(weights_of(joint), labels) for labels in partitions(n_x)])
    least = (lines[:, 0] + np.outer(BETAS, lines[:, 1])).min(axis=1)
    found = curve(joint, BETAS, DIB()).sortby("beta", ascending=False)
    assert_allclose(found.objective, least - BETAS * joint.entropy_y, rtol=0, atol=1e-12 * BETAS.max())
    assert_allclose(found.gap, 0, atol=1e-12)


@pytest.mark.parametrize("seed", range(6))
def searched_alone(joint: Joint) -> np.ndarray:
    """(b,) least H(T) + beta H(Y|T) that the search finds; solve() takes exact methods where there are any."""
    betas = BETAS.tolist()
    offers = [(s.beta, s.encoder.argmax(axis=1)) for s in IB().descend(joint, betas, Effort(certify=False))]
    search = searched(weights_of(joint), betas, offers, dict.fromkeys(betas, -np.inf), restarts=6, seed=0)
    return search.pool.costs(BETAS).min(axis=0)


@pytest.mark.parametrize("seed", range(6))
def test_the_search_finds_what_brute_force_finds(seed):
    joint = joint_of(7, 3, 1.0, 10 + seed)
    lines = np.array([line(weights_of(joint), labels) for labels in partitions(7)])
    least = (lines[:, 0] + np.outer(BETAS, lines[:, 1])).min(axis=1)
    assert_allclose(searched_alone(joint), least, rtol=0, atol=1e-12 * BETAS.max())


def test_the_search_finds_what_intervals_prove():
    joint = joint_of(40, 2, 1.0, 0)
    lines = np.array([line(weights_of(joint), labels) for labels in by_intervals(weights_of(joint), BETAS)])
    assert_allclose(searched_alone(joint), lines[:, 0] + BETAS * lines[:, 1], rtol=0, atol=1e-12 * BETAS.max())


@pytest.mark.parametrize("seed", range(4))
def test_intervals_and_subsets_agree(seed):
    weights = weights_of(joint_of(9, 2, 0.7, seed))
    by_either = [
        np.array([line(weights, labels) for labels in method(weights, BETAS)]) for method in (by_intervals, by_subsets)
    ]
    costs = [lines[:, 0] + BETAS * lines[:, 1] for lines in by_either]
    assert_allclose(*costs, rtol=0, atol=1e-12 * BETAS.max())


def test_exact_methods_only_where_they_are_affordable():
    assert best_partitions(np.ones((FEW + 1, 3)), BETAS) is None
    assert best_partitions(np.ones((ALONG + 1, 2)), BETAS) is None
    assert len(best_partitions(np.ones((FEW + 1, 2)), BETAS)) == len(BETAS)


@pytest.fixture(scope="module")
def searched_curve() -> tuple[Joint, list]:
    joint = joint_of(16, 4, 1.0, 0)
    return joint, list(DIB().descend(joint, BETAS.tolist(), Effort()))


def test_no_merge_and_no_move_is_better(searched_curve):
    joint, solutions = searched_curve
    weights = weights_of(joint)

    def value(labels: np.ndarray, beta: float) -> float:
        of_t, noise = line(weights, labels)
        return of_t + beta * noise

    for s in solutions:
        labels = s.encoder.argmax(axis=1)
        least, k = value(labels, s.beta), s.n_clusters
        for t in range(k):
            for u in range(t):
                assert value(np.where(labels == t, u, labels), s.beta) >= least - 1e-11 * s.beta
        for x in range(len(labels)):
            for t in range(k + 1):
                moved = labels.copy()
                moved[x] = t
                assert value(moved, s.beta) >= least - 1e-11 * s.beta
        assert s.converged


def test_no_encoder_of_another_beta_is_better(searched_curve):
    joint, solutions = searched_curve
    for s in solutions:
        costs = [cost(joint, other.encoder, s.beta, 0.0) for other in solutions]
        assert s.objective <= min(costs) + 1e-12 * s.beta
        assert_allclose(s.objective, cost(joint, s.encoder, s.beta, 0.0), atol=1e-12 * s.beta)


def test_the_rule_gives_the_encoder_back(searched_curve):
    joint, solutions = searched_curve
    for s in solutions:
        assert_allclose(s.encode(joint.p_y_given_x), s.encoder)
        assert s.residual < 1e-14
        assert set(np.unique(s.encoder)) <= {0.0, 1.0}
        assert_allclose(s.mi_input, s.entropy, atol=1e-12)


def test_what_is_kept_of_changes_is_what_a_fresh_start_computes():
    weights = weights_of(joint_of(20, 3, 1.0, 0))
    search = Clustering(weights, np.random.default_rng(0).integers(12, size=20), 40.0)
    assert search.settle() > 5
    assert search.at(12.0).settle() > 0
    order = np.concatenate([np.flatnonzero(search.sizes), np.flatnonzero(search.sizes == 0)])
    labels = np.argsort(order)[search.labels]
    first = np.array([np.flatnonzero(labels == t)[0] for t in range(labels.max() + 1)])
    order[: len(first)] = order[np.argsort(first)]
    fresh = Clustering(weights, labels, 12.0)
    k = len(first)
    assert_allclose(search.terms[order[:k]], fresh.terms[:k], atol=1e-14)
    assert_allclose(search.unions[np.ix_(order[:k], order[:k])], fresh.unions[:k, :k], atol=1e-14)
    assert_allclose(search.joined[:, order[:k]], fresh.joined[:, :k], atol=1e-14)
    assert_allclose(search.left, fresh.left, atol=1e-14)


def test_updates_at_once_never_raise_the_cost():
    for seed in range(10):
        weights = weights_of(joint_of(25, 4, 1.0, seed))
        labels = np.random.default_rng(seed).integers(6, size=25)
        costs = []
        for steps in range(5):
            of_t, noise = line(weights, updated(weights, labels, 8.0, steps))
            costs.append(of_t + 8.0 * noise)
        assert (np.diff(costs) <= 1e-13).all()
        assert costs[-1] < costs[0]


@settings(max_examples=30)
@given(tables(), st.sampled_from([0.5, 1.5, 3.0, 8.0, 40.0]))
def test_each_wins_under_its_own_cost(table, beta):
    joint = Joint(table)
    soft, hard = solve(joint, beta), solve(joint, beta, DIB())
    assert hard.objective <= cost(joint, soft.encoder, beta, 0.0) + 1e-9
    assert hard.objective <= cost(joint, hardened(soft.encoder), beta, 0.0) + 1e-9
    assert soft.objective <= cost(joint, hard.encoder, beta, 1.0) + soft.gap + 1e-9


@settings(max_examples=15)
@given(tables(most=6), st.sampled_from([0.2, 0.5, 0.9]), st.sampled_from([1.5, 4.0, 20.0]), st.integers(0, 1000))
def test_between_soft_and_hard(table, alpha, beta, seed):
    joint = Joint(table)
    found = solve(joint, beta, GeneralizedIB(alpha))
    assert_allclose(found.objective, cost(joint, found.encoder, beta, alpha), atol=1e-11 * (1 + beta))
    soft, hard = solve(joint, beta), solve(joint, beta, DIB())
    for other in (soft, hard):
        assert found.objective <= cost(joint, other.encoder, beta, alpha) + 1e-9
    floor = alpha * (soft.objective - soft.gap) + (1 - alpha) * hard.objective
    assert_allclose(found.gap, max(found.objective - floor, 0), atol=1e-7)
    generator = np.random.default_rng(seed)
    for _ in range(5):
        encoder = generator.dirichlet(np.full(4, 0.5), size=joint.shape[0])
        at = settled(*_merged(joint, alpha, beta, encoder))
        assert found.objective <= at.cost(alpha, beta) - beta * joint.entropy_y + 1e-9
        assert found.objective - found.gap <= cost(joint, encoder, beta, alpha) + 1e-9


def _merged(joint: Joint, alpha: float, beta: float, encoder: np.ndarray) -> tuple:
    merged = joint.sufficient
    geometry = Arithmetic(merged.p_x, merged.rows)
    return geometry, alpha, beta, atoms_of(geometry, encoder[: len(merged.p_x)])


@pytest.mark.parametrize("alpha", [0.1, 0.5, 0.95])
def test_updates_between_soft_and_hard_never_raise_the_cost(alpha):
    joint = random_joint(20, 6, seed=2)
    geometry = Arithmetic(joint.sufficient.p_x, joint.sufficient.rows)
    atoms = Atoms(np.full(8, 1 / 8), np.random.default_rng(0).dirichlet(np.ones(6), size=8))
    costs = []
    for _ in range(60):
        found = update(geometry, alpha, 6.0, atoms)
        costs.append(found.cost)
        atoms = atoms_of(geometry, found.encoder)
    assert (np.diff(costs) <= 1e-13).all()
    assert costs[0] - costs[-1] > 0.1


@pytest.mark.parametrize("alpha", [0.2, 0.6, 0.9])
def test_no_merge_and_no_move_of_a_soft_encoder_is_better(alpha):
    """With at most five clusters all places an input may move to are looked at."""
    joint = joint_of(14, 3, 1.0, 3)
    seen = set()
    for beta in (4.0, 8.0, 14.0):
        for seed in range(4):
            q = np.random.default_rng(seed).dirichlet(np.ones(6), size=14)
            before = cost(joint, q, beta, alpha)
            geometry, *_, atoms = _merged(joint, alpha, beta, q)
            found = settled(geometry, alpha, beta, atoms).encoder
            least, k = cost(joint, found, beta, alpha), found.shape[1]
            assert least <= before + 1e-12
            if k > 5:
                continue
            seen.add(k)
            wide = np.column_stack([found, np.zeros(14)])
            others = [np.column_stack([found[:, :t], found[:, t + 1 :]]) for t in range(k)]
            for t, other in enumerate(others):
                for u in range(k - 1):
                    joined = other.copy()
                    joined[:, u] += found[:, t]
                    assert cost(joint, joined, beta, alpha) >= least - 1e-10
            for x, own in enumerate(found.argmax(axis=1)):
                for t in range(k + 1):
                    moved = wide.copy()
                    moved[x, own] = 0
                    moved[x, t] += wide[x, own]
                    assert cost(joint, moved, beta, alpha) >= least - 1e-10
    assert len(seen) > 1


def test_the_ends_are_ib_and_dib():
    joint = random_joint(12, 4)
    for beta in (2.0, 5.0, 20.0):
        for alpha, method in ((1, IB()), (0, DIB())):
            ours, theirs = solve(joint, beta, GeneralizedIB(alpha)), solve(joint, beta, method)
            assert_allclose(ours.encoder, theirs.encoder, atol=1e-12)
            assert (ours.objective, ours.gap) == (theirs.objective, theirs.gap)
            assert ours.method == GeneralizedIB(alpha)


def test_the_cost_is_concave_in_alpha_and_encoders_harden():
    """A least of functions linear in alpha is concave, and H(T|X) of the best encoder grows with alpha."""
    joint = random_joint(12, 4)
    alphas = np.linspace(0, 1, 6)
    found = [solve(joint, 6.0, GeneralizedIB(float(alpha))) for alpha in alphas]
    objectives = np.array([s.objective for s in found])
    noise = np.array([float(joint.p_x @ entr(s.encoder).sum(axis=1)) for s in found])
    assert (np.diff(objectives) <= 1e-9).all()
    assert (np.diff(objectives, 2) <= 1e-9).all()
    assert (np.diff(noise) >= -1e-6).all()
    assert noise[-1] > noise[0] == 0


def test_a_soft_solution_is_a_fixed_point_and_its_rule_gives_it_back():
    joint = random_joint(20, 6)
    for beta in (3.0, 6.0, 15.0):
        s = solve(joint, beta, GeneralizedIB(0.5))
        assert_allclose(s.encode(joint.p_y_given_x), s.encoder, atol=1e-8)
        assert s.converged
        assert s.residual < 1e-7


@pytest.mark.parametrize("method", [DIB(), GeneralizedIB(0.5)])
def test_gaps_count_from_what_no_encoder_undercuts(method):
    joint = joint_of(16, 4, 1.0, 0)
    alpha = getattr(method, "alpha", 0.0)
    s = solve(joint, 8.0, method)
    assert 0 < s.gap < 0.3
    assert s.starts > 0
    assert "lower bound" in s.notes[0]
    floor = s.objective - s.gap
    for other in (IB(), DIB(), GeneralizedIB(0.5)):
        assert cost(joint, solve(joint, 8.0, other).encoder, 8.0, alpha) >= floor - 1e-9
    quick = solve(joint, 8.0, method, certify=False)
    assert np.isnan(quick.gap)
    assert quick.notes == ()


@pytest.mark.parametrize("method", [DIB(), GeneralizedIB(0.6)])
@pytest.mark.parametrize("n_x", [6, 14])
def test_relabelling_splitting_and_empty_rows_change_nothing(method, n_x):
    joint = joint_of(n_x, 3, 1.0, 5)
    generator = np.random.default_rng(0)
    order, columns = generator.permutation(n_x), generator.permutation(3)
    table = joint.table[order][:, columns]
    split = np.vstack([joint.table[0] * 0.3, joint.table[1:], joint.table[0] * 0.7, np.zeros(3)])
    wide = np.column_stack([split, np.zeros(len(split))])
    for beta in (3.0, 10.0):
        plain = solve(joint, beta, method)
        for other in (Joint(table), Joint(wide)):
            found = solve(other, beta, method)
            assert_allclose(found.objective, plain.objective, atol=1e-9)
            assert_allclose(found.marginal, plain.marginal, atol=1e-7)
        assert found.encoder.shape == (n_x + 2, plain.n_clusters)
        assert_allclose(found.encoder[0], found.encoder[n_x])
        assert_allclose(found.encoder[-1], found.marginal)
        assert (found.decoder[:, -1] == 0).all()


@pytest.mark.parametrize("method", [DIB(), GeneralizedIB(0.5), GeneralizedIB(0.05)])
def test_sharp_cases(method):
    certain = Joint([[0.2, 0], [0.3, 0], [0, 0.1], [0, 0.4]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for joint in (Joint([[1, 2, 3]]), Joint([[1], [2]]), Joint(np.outer([1, 2, 3], [2, 1])), THREE):
            found = solve(joint, 0, method)
            assert (found.n_clusters, found.mi_input, found.objective, found.gap) == (1, 0, 0, 0)
        for joint in (Joint([[1, 2, 3]]), Joint(np.outer([1, 2, 3], [2, 1]))):
            assert solve(joint, 1e4, method).n_clusters == 1
        below, above = (solve(certain, beta, method) for beta in (0.99, 1.01))
        assert (below.n_clusters, above.n_clusters) == (1, 2)
        assert_allclose([above.mi_input, above.mi_target], np.log(2))
        assert "SquaredIB" in above.notes[0]
        for joint in (
            SYMMETRIC,
            THREE,
            certain,
            random_joint(12, 3),
            Joint(np.eye(4)),
            Joint([[5, 0], [0, 0], [1, 3]]),
        ):
            found = solve(joint, 1e4, method)
            assert found.n_clusters == len(joint.sufficient.p_x)
            assert_allclose(found.mi_target, joint.mutual_information, rtol=1e-9)
            assert np.isfinite([found.objective, found.residual, found.gap]).all()
            assert_allclose(found.encoder.sum(axis=1), 1)


@pytest.mark.parametrize("alpha", [0.0, 1e-300, 1e-7, 0.5])
def test_inputs_that_hardly_occur_and_laws_that_hardly_differ(alpha):
    rare = Joint([[0.5, 0.1, 0.2], [1e-14, 3e-14, 0], [0.1, 0.3, 0.2], [2e-13, 0, 1e-13]])
    alike = Joint([[0.5, 0.5, 0.1], [0.25 + 1e-10, 0.25, 0.05], [0.1, 0.1, 0.02 + 1e-9]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for joint in (rare, alike):
            for beta in (1.0, 5.0, 1e4):
                found = solve(joint, beta, GeneralizedIB(alpha))
                assert np.isfinite([found.mi_input, found.objective, found.gap]).all()
                assert_allclose(found.encode(joint.p_y_given_x), found.encoder, atol=1e-6)
    assert found.mi_target < 1e-15


def test_too_many_inputs_to_weigh_in_pairs():
    generator = np.random.default_rng(0)
    joint = Joint(generator.uniform(size=(3001, 3)))
    with pytest.raises(ip.InputError, match="takes 3000, got 3001"):
        solve(joint, 2.0, DIB())


def test_a_start_is_used():
    joint = joint_of(16, 4, 1.0, 0)
    best = solve(joint, 8.0, DIB())
    again = solve(joint, 8.0, DIB(restarts=0), start=best)
    assert again.objective <= best.objective + 1e-12
    with pytest.raises(ip.InputError, match=r"the same joint with 2 inputs, got one of Joint\(16"):
        solve(SYMMETRIC, 2.0, DIB(), start=best)


def test_as_a_curve():
    found = curve(THREE, [1.0, 5.0, 20.0], DIB())
    assert (found.attrs["method"], found.attrs["kind"]) == ("DIB()", "curve")
    assert_allclose(found.objective, found.mi_input - found.beta * found.mi_target, atol=1e-12)
    assert json.loads(found.attrs["notes"]) == []
    assert found.n_clusters.values.tolist() == [1, 2, 3]


def test_names():
    assert by_name("dib") == DIB()
    assert by_name("GeneralizedIB(alpha=0.5)") == GeneralizedIB(0.5)
    assert GeneralizedIB(0.5, restarts=2).name == "GeneralizedIB(alpha=0.5, restarts=2)"


@pytest.mark.parametrize("alpha", [-0.1, 1.5, np.nan, "soft", True])
def test_alpha_outside_its_range(alpha):
    with pytest.raises(ip.InputError, match="alpha"):
        GeneralizedIB(alpha)


@pytest.mark.parametrize("method", [DIB, lambda restarts: GeneralizedIB(0.5, restarts)])
def test_restarts_are_a_whole_number(method):
    with pytest.raises(ip.InputError, match="whole number of restarts"):
        method(-1)
    with pytest.raises(ip.InputError, match="whole number of restarts"):
        method(1.5)
