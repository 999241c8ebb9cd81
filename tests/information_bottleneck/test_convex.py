"""Costs convex in the rate: closed forms, linear pieces, bounds that hold, invariances, sharp cases."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
from bottleneck_problems import SYMMETRIC, THREE, informations, random_joint, tables
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import brentq

import infoplane as ip
from infoplane.bottleneck import (
    IB,
    ConvexIB,
    Exponential,
    Joint,
    Power,
    SquaredIB,
    by_name,
    curve,
    solve,
)
from infoplane.bottleneck.convex_search import ConvexSearch, Point, where_slope_is

METHODS = [SquaredIB(), ConvexIB(Power(1.3)), ConvexIB(Exponential(2.0))]
CERTAIN = Joint([[0.2, 0], [0.3, 0], [0, 0.1], [0, 0.4]])
ERASED = Joint([[0.14, 0, 0, 0.06], [0, 0.21, 0, 0.09], [0, 0, 0.35, 0.15]])  # Y is X, or lost with probability 0.3


def h(a: float) -> float:
    return -a * math.log(a) - (1 - a) * math.log(1 - a)


def gerber(a: float) -> tuple[float, float, float]:
    """(I(X;T), I(T;Y), beta) of the symmetric channel with crossover 0.1 where T flips X with probability a."""
    s = 0.9 * a + 0.1 * (1 - a)
    return math.log(2) - h(a), math.log(2) - h(s), math.log((1 - a) / a) / (0.8 * math.log((1 - s) / s))


@pytest.mark.parametrize(
    ("b", "rate", "relevant"), [(0.5, 0.493735, 0.287741), (1, 0.289157, 0.177116), (2, 0.153098, 0.095983)]
)
def test_acceptance_numbers(b, rate, relevant):
    found = solve(SYMMETRIC, 1 / b, SquaredIB())
    assert_allclose([found.mi_input, found.mi_target], [rate, relevant], atol=1e-6)
    assert_allclose(found.objective, found.mi_input**2 - found.mi_target / b, atol=1e-14)
    assert 0 <= found.gap < 1e-9
    assert found.converged


def test_the_symmetric_channel_against_its_closed_form():
    betas = np.geomspace(0.1, 20, 12)
    found = curve(SYMMETRIC, betas, SquaredIB())
    for beta, rate, relevant in zip(betas, found.mi_input.values, found.mi_target.values, strict=True):

        def excess(a: float, beta: float = beta) -> float:
            exact, _, multiplier = gerber(a)
            return multiplier * 2 * exact - beta

        exact = gerber(brentq(excess, 1e-14, 0.5 - 1e-7, xtol=1e-16))
        assert_allclose([rate, relevant], exact[:2], atol=1e-8)
    assert found.gap.max() < 1e-9


@pytest.mark.parametrize("joint", [CERTAIN, Joint(np.diag([1.0, 2.0, 3.0, 4.0]))])
def test_certain_labels_reach_every_point(joint):
    betas = np.linspace(0, 2.5 * joint.entropy_y, 26)
    found = curve(joint, betas, SquaredIB())
    exact = np.minimum(betas / 2, joint.entropy_y)
    assert_allclose(found.mi_input, exact, atol=1e-12)
    assert_allclose(found.mi_target, exact, atol=1e-12)
    assert_allclose(found.gap, 0, atol=1e-12)
    assert found.converged.all()
    exponential = curve(joint, betas[1:], ConvexIB(Exponential(0.5)))
    exact = np.clip(np.log(betas[1:] / 0.5) / 0.5, 0, joint.entropy_y)
    assert_allclose(exponential.mi_input, exact, atol=1e-12)


def test_a_linear_curve_that_is_not_at_beta_one():
    """Of an erased label I(T;Y) is 0.7 I(X;T): all of the curve is optimal at 1 / 0.7."""
    betas = np.linspace(0, 4, 17)
    found = curve(ERASED, betas, SquaredIB())
    exact = np.minimum(0.35 * betas, ERASED.entropy_x)
    assert_allclose(found.mi_input, exact, atol=1e-10)
    assert_allclose(found.mi_target, 0.7 * exact, atol=1e-10)
    assert_allclose(found.gap, 0, atol=1e-10)


def test_a_linear_piece_and_then_a_bend():
    """One bit known for certain, and one through the symmetric channel, which is worth less."""
    joint = Joint(np.kron(np.eye(2), SYMMETRIC.table))
    betas = np.linspace(0.2, 6, 15)
    found = curve(joint, betas, SquaredIB())
    for beta, rate, relevant, gap in zip(
        betas, *(found[v].values for v in ("mi_input", "mi_target", "gap")), strict=True
    ):

        def excess(a: float, beta: float = beta) -> float:
            extra, _, multiplier = gerber(a)
            return multiplier * 2 * (math.log(2) + extra) - beta

        if beta <= 2 * math.log(2):
            exact = (beta / 2, beta / 2)
        elif excess(0.5 - 1e-7) >= 0:
            exact = (math.log(2), math.log(2))
        else:
            extra = gerber(brentq(excess, 1e-14, 0.5 - 1e-7, xtol=1e-16))
            exact = (math.log(2) + extra[0], math.log(2) + extra[1])
        assert_allclose([rate, relevant], exact, atol=1e-7)
        assert gap < 1e-9


def test_time_is_shared_and_clusters_of_one_law_are_one():
    found = solve(ERASED, 2.6, SquaredIB())
    blank = 1 - 0.35 * 2.6 / ERASED.entropy_x  # how often T says nothing
    assert found.n_clusters == 4
    assert_allclose(np.sort(found.marginal), np.sort([blank, *(1 - blank) * ERASED.p_x]), atol=1e-9)
    assert (np.diff(found.marginal) <= 0).all()
    assert found.marginal[0] > blank > found.marginal[-1]
    assert_allclose(found.encode(ERASED.p_y_given_x), found.encoder, atol=1e-12)
    assert_allclose(found.chain_decoder, found.decoder, atol=1e-12)
    assert "linear piece" in found.notes[0]
    assert_allclose(informations(ERASED.p_x, ERASED.p_y_given_x, found.encoder), (found.mi_input, found.mi_target))


@pytest.mark.parametrize("seed", range(5))
def test_random_joints_are_certified(seed):
    joint = random_joint(8, 8, seed)
    for method in METHODS if seed == 0 else METHODS[:1]:
        found = curve(joint, np.geomspace(0.05, 60, 5), method)
        assert found.gap.max() <= 1e-7
        assert found.converged.all()
        assert found.attrs["violations"] == 0
        u = np.array([method.cost(float(rate)) for rate in found.mi_input])
        assert_allclose(found.objective, u - found.beta * found.mi_target, atol=1e-12)


@settings(max_examples=12)
@given(tables(), st.sampled_from(METHODS), st.sampled_from([0.1, 1.0, 4.0, 30.0]), st.integers(0, 1000))
def test_no_encoder_undercuts_the_bound(table, method, beta, seed):
    joint = Joint(table)
    found = solve(joint, beta, method)
    assert 0 <= found.gap <= 1e-6
    generator = np.random.default_rng(seed)
    encoders = [generator.dirichlet(np.full(4, c), size=joint.shape[0]) for c in (0.05, 0.3, 1.0, 5.0)]
    near = found.encoder + 1e-3 * generator.uniform(size=found.encoder.shape)
    encoders += [near / near.sum(axis=1, keepdims=True)]
    encoders += [solve(joint, b).encoder for b in (1.5, 3.0, 10.0)]
    for encoder in encoders:
        rate, relevant = informations(joint.p_x, joint.p_y_given_x, encoder)
        assert method.cost(rate) - beta * relevant >= found.objective - found.gap - 1e-12


def test_no_grid_point_undercuts_the_bound():
    """All encoders of three inputs into two clusters, on a grid."""
    along = np.linspace(0, 1, 17)
    shares = np.stack(np.meshgrid(along, along, along), axis=-1).reshape(-1, 3)
    pairs = [informations(THREE.p_x, THREE.p_y_given_x, np.column_stack([q, 1 - q])) for q in shares]
    rates, relevants = np.array(pairs).T
    for beta in (0.3, 1.0, 3.0, 6.0):
        found = solve(THREE, beta, SquaredIB())
        assert (rates**2 - beta * relevants).min() >= found.objective - found.gap - 1e-12
    low = solve(THREE, 0.3, SquaredIB())  # two clusters are enough here: the grid comes close
    assert low.n_clusters == 2
    assert (rates**2 - 0.3 * relevants).min() <= low.objective + 1e-3


@pytest.mark.parametrize("method", METHODS)
def test_any_solution_of_the_plain_bottleneck_bounds_the_cost(method):
    """However far its multiplier is from the right one, and the right one gives the optimum itself."""
    joint = random_joint(8, 4)
    plain = {b: solve(joint, b) for b in np.geomspace(1.2, 60, 12)}
    search = ConvexSearch(method.cost, joint.entropy_x, lambda b, warm: solve(joint, b))
    for beta in (1.0, 5.0, 20.0):
        best = solve(joint, beta, method)
        bounds = [search._floor(beta, [Point.of(s)]) for s in plain.values()]
        assert max(bounds) <= best.objective + 1e-10
        assert max(bounds) > min(bounds)
        if best.mi_input > 0:
            at = solve(joint, beta / method.cost.slope(best.mi_input))
            assert_allclose(search._floor(beta, [Point.of(at)]), best.objective, atol=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_the_effective_multiplier_is_that_of_the_plain_bottleneck(method):
    joint = random_joint(8, 4, seed=1)
    for beta in (2.0, 8.0):
        found = solve(joint, beta, method)
        plain = solve(joint, beta / method.cost.slope(found.mi_input))
        assert_allclose([found.mi_input, found.mi_target], [plain.mi_input, plain.mi_target], atol=1e-6)


def test_the_first_power_is_the_plain_bottleneck():
    for beta in (1.4, 2.0, 3.0):
        found, plain = solve(SYMMETRIC, beta, ConvexIB(Power(1))), solve(SYMMETRIC, beta)
        assert_allclose([found.mi_input, found.objective], [plain.mi_input, plain.objective], atol=1e-9)
        assert found.gap < 1e-9
    assert_allclose(
        [solve(THREE, 20.0, method).objective for method in (SquaredIB(), ConvexIB(Power(2)))],
        solve(THREE, 20.0, SquaredIB()).objective,
    )


def test_solutions_one_by_one_and_along_a_curve_agree():
    joint = random_joint(10, 4, seed=3)
    betas = np.geomspace(0.1, 30, 4)
    along = curve(joint, betas, SquaredIB())
    alone = [solve(joint, beta, SquaredIB()) for beta in betas]
    assert_allclose(along.mi_input, [s.mi_input for s in alone], atol=1e-5)
    assert_allclose(along.objective, [s.objective for s in alone], atol=1e-7)


def test_relabelling_splitting_and_empty_rows_change_nothing():
    order = np.random.default_rng(0).permutation(3)
    split = np.vstack([THREE.table[0] * 0.3, THREE.table[1:], THREE.table[0] * 0.7, np.zeros(3)])
    wide = np.column_stack([split, np.zeros(5)])
    for beta in (0.5, 4.0):
        plain = solve(THREE, beta, SquaredIB())
        for other in (Joint(THREE.table[order][:, order]), Joint(wide)):
            found = solve(other, beta, SquaredIB())
            assert_allclose([found.mi_input, found.objective], [plain.mi_input, plain.objective], atol=1e-9)
        assert found.encoder.shape == (5, plain.n_clusters)
        assert_allclose(found.encoder[0], found.encoder[3])
    shared = Joint(np.vstack([ERASED.table, np.zeros(4)]))
    found = solve(shared, 1.0, SquaredIB())
    assert_allclose(found.encoder[-1], found.marginal)
    assert_allclose(found.mi_input, 0.35, atol=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_sharp_cases(method):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for joint in (Joint([[1, 2, 3]]), Joint([[1], [2]]), Joint(np.outer([1, 2, 3], [2, 1])), SYMMETRIC, CERTAIN):
            found = solve(joint, 0, method)
            assert (found.n_clusters, found.mi_input, found.gap) == (1, 0, 0)
            assert found.objective == method.cost(0.0)
        for joint in (Joint([[1, 2, 3]]), Joint(np.outer([1, 2, 3], [2, 1]))):
            assert solve(joint, 1e4, method).n_clusters == 1
        for joint in (SYMMETRIC, THREE, CERTAIN, ERASED, Joint([[5, 0, 2], [0, 0, 0], [1, 3, 0]])):
            for beta in (1e-4, 1e4):
                found = solve(joint, beta, method)
                assert found.converged
                assert found.gap < 1e-7
                assert np.isfinite([found.mi_input, found.mi_target, found.objective, found.residual]).all()
                assert_allclose(found.encoder.sum(axis=1), 1)
            assert_allclose(found.mi_target, joint.mutual_information, rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_nearly_independent_keeps_nothing(method):
    joint = Joint([[0.5, 0.5], [0.25 + 1e-8, 0.25]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for beta in (1.0, 1e4):
            found = solve(joint, beta, method)
            assert (found.n_clusters, found.mi_input) == (1, 0)
            assert_allclose(found.gap, beta * joint.mutual_information, atol=1e-15)


def test_below_the_slope_at_nothing_nothing_is_kept():
    """exp(r) costs 1 a nat from the start, and the first nat of the symmetric channel brings 0.64."""
    onset = 1 / 0.8**2
    for beta, kept in ((0.999 * onset, False), (1.01 * onset, True)):
        found = solve(SYMMETRIC, beta, ConvexIB(Exponential(1.0)))
        assert (found.mi_input > 1e-4) == kept
        assert found.gap < 1e-9


def test_without_certificates():
    found = solve(THREE, 4.0, SquaredIB(), certify=False)
    assert np.isnan(found.gap)
    assert_allclose(found.objective, solve(THREE, 4.0, SquaredIB()).objective, atol=1e-9)


def test_a_start_of_another_joint_is_refused():
    with pytest.raises(ip.InputError, match="the same joint with 2 inputs, got one of"):
        solve(SYMMETRIC, 2.0, SquaredIB(), start=solve(THREE, 5.0, IB()))


def test_inverse_slopes():
    assert_allclose(where_slope_is(Power(3), 0.75, 0.0, 2.0), 0.5, rtol=1e-12)
    assert where_slope_is(Power(3), 100.0, 0.0, 2.0) == 2.0
    assert where_slope_is(Exponential(2.0), 1.0, 0.0, 2.0) == 0.0


def test_names():
    assert by_name("squared") == SquaredIB()
    assert by_name("ConvexIB(u=Power(exponent=1.5))") == ConvexIB(Power(1.5))
    assert ConvexIB(Exponential(2.0)).name == "ConvexIB(u=Exponential(scale=2.0))"


@dataclass(frozen=True)
class Made:
    """A cost made of two functions."""

    values: object
    slopes: object

    def __call__(self, rate: float) -> float:
        return self.values(rate)

    def slope(self, rate: float) -> float:
        return self.slopes(rate)


def test_any_cost_will_do():
    own = Made(lambda r: r**2, lambda r: 2 * r)
    assert_allclose(solve(THREE, 2.0, ConvexIB(own)).objective, solve(THREE, 2.0, SquaredIB()).objective)


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        (Made(lambda r: -r, lambda r: -1.0), "increases and is convex"),
        (Made(math.sqrt, lambda r: 0.5 / math.sqrt(r + 1e-3)), "increases and is convex"),
        (Made(lambda r: 0.0, lambda r: 0.0), "increases and is convex"),
        (Made(lambda r: r**2, lambda r: r), "to be the derivative"),
        (Made(lambda r: r**2, lambda r: 4 * r), "to be the derivative"),
        (Exponential(1e4), "a finite u up to"),
    ],
)
def test_costs_that_are_none(cost, words):
    with pytest.raises(ip.InputError, match=words):
        solve(THREE, 2.0, ConvexIB(cost))


@pytest.mark.parametrize("what", [2, math.exp, "squared", Power])
def test_what_is_no_cost(what):
    with pytest.raises(ip.InputError, match="ConvexIB needs a cost"):
        ConvexIB(what)


@pytest.mark.parametrize("value", [0.5, -1, math.inf, math.nan, "2", True])
def test_exponents_and_scales(value):
    with pytest.raises(ip.InputError, match="exponent of at least 1"):
        Power(value)
    if value != 0.5:
        with pytest.raises(ip.InputError, match="positive scale"):
            Exponential(value)
