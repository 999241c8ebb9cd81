"""Table encoders trained by gradient on the variational losses reach the certified discrete optima."""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

import infoplane as ip
from infoplane.variational import exact

v, b = ip.variational, ip.bottleneck
A = b.Joint([[0.45, 0.05], [0.05, 0.45]])
B = b.Joint(np.array([[6, 3, 1], [2, 8, 2], [1, 4, 9]]) / 36)
TERMS = jax.jit(exact.table_terms)
TOLERANCE = 1e-5
POINTS = [(A, beta) for beta in (1.6, 2, 3, 5)] + [(B, beta) for beta in (3, 4, 5, 10)]
# Sets A and B of the plain bottleneck: I(X;T), I(T;Y).
KNOWN = [
    (0.089224, 0.056454), (0.482730, 0.282273), (0.657763, 0.358076), (0.691648, 0.367795),
    (0.0, 0.0), (0.290060, 0.085003), (0.470072, 0.124778), (1.016364, 0.209952),
]  # fmt: skip


def check(objective: Any, joint: Any, solution: Any, known: tuple[float, float]) -> Any:
    """The table model has the informations of the solver's solution, and bounds that are tight."""
    found = v.table_solution(objective, joint)
    assert found.mi_input == pytest.approx(solution.mi_input, abs=TOLERANCE)
    assert found.mi_target == pytest.approx(solution.mi_target, abs=TOLERANCE)
    assert (found.mi_input, found.mi_target) == pytest.approx(known, abs=TOLERANCE)
    assert found.terms.rate == pytest.approx(found.mi_input, abs=1e-7)
    assert found.terms.rate_conditional == pytest.approx(found.mi_input - found.mi_target, abs=1e-7)
    assert found.slope < 1e-6
    return found


def entropy(joint: Any) -> float:
    return float(-(joint.p_y * np.log(joint.p_y)).sum())


def test_one_point_of_each_objective() -> None:
    solution = b.solve(A, 2)
    for objective in (v.VIB(2), v.CEB(2)):
        found = check(objective, A, solution, KNOWN[1])
        assert entropy(A) - found.terms.distortion == pytest.approx(solution.mi_target, abs=TOLERANCE)
    assert v.table_solution(v.VIB(2), A, starts=1).loss == pytest.approx(entropy(A) + solution.objective / 2, abs=1e-9)


@given(st.integers(0, 10_000), st.floats(0.1, 4.0))
def test_every_bound_is_a_bound(seed: int, spread: float) -> None:
    """Of any encoder with any decoder and priors, trained or not, on any joint; exact sums, so to rounding."""
    rng = np.random.default_rng(seed)
    joint = b.Joint(rng.dirichlet(np.full(12, 0.5)).reshape(4, 3) + 1e-6)
    tables = exact.Tables(*(spread * rng.normal(size=shape) for shape in ((4, 5), (5, 3), (5,), (3, 5))))
    rows = joint.p_y_given_x
    with jax.enable_x64(True):
        terms = v.Terms(*map(float, TERMS(tables, joint.table, exact.Targets(rows, np.log(rows)))[:5]))
    mi_input, mi_target = exact._informations(joint, np.asarray(softmax(tables.encoder, axis=1)))
    slack = 1e-12
    assert entropy(joint) - terms.distortion <= mi_target + slack
    assert mi_target <= mi_input + slack
    assert mi_input <= terms.rate + slack
    assert entropy(joint) - terms.distortion <= terms.rate + slack
    assert mi_input - mi_target <= terms.rate_conditional + slack
    assert mi_input <= terms.rate_conditional + entropy(joint) + slack
    assert terms.divergence >= -slack


@pytest.mark.slow
@pytest.mark.parametrize("kind", [v.VIB, v.CEB])
@pytest.mark.parametrize("point", range(len(POINTS)))
def test_the_plain_bottleneck(kind: Any, point: int) -> None:
    joint, beta = POINTS[point]
    solution = b.solve(joint, beta)
    found = check(kind(beta), joint, solution, KNOWN[point])
    assert entropy(joint) - found.terms.distortion == pytest.approx(solution.mi_target, abs=TOLERANCE)
    lagrangian = found.mi_input - beta * found.mi_target
    assert lagrangian == pytest.approx(solution.objective, abs=TOLERANCE)
    assert lagrangian > solution.objective - 1e-9  # the solver's optimum is certified


@pytest.mark.slow
@pytest.mark.parametrize(
    ("joint", "beta", "known", "cost"),
    [
        (A, 2, (0.550121, 0.314573), 0.662168),
        (A, 5, (0.691654, 0.367796), 0.692995),
        (B, 5, (0.548045, 0.137498), 0.939634),
        (B, 10, (1.016924, 0.209631), 1.076526),
    ],
)
def test_the_dual_with_the_marginal_rate(joint: Any, beta: float, known: tuple[float, float], cost: float) -> None:
    found = check(v.DualVIB(beta, rate="marginal"), joint, b.solve(joint, beta, b.DualIB()), known)
    assert found.loss == pytest.approx(cost, abs=TOLERANCE)
    # The decoder of the pure dual is a geometric mean: H(Y) - D of it is a loose bound.
    assert entropy(joint) - found.terms.distortion < found.mi_target + 1e-12
    if beta == 2:
        assert entropy(joint) - found.terms.distortion < found.mi_target - 5e-4


@pytest.mark.slow
@pytest.mark.parametrize("beta", [0.5, 1, 2])
def test_the_squared_functional(beta: float) -> None:
    """The published coefficients b = 2, 1, 0.5 of the squared rate are beta = 1 / b."""
    known = {2: (0.493735, 0.287741), 1: (0.289157, 0.177116), 0.5: (0.153098, 0.095983)}[beta]
    found = v.table_solution(v.SquaredVIB(beta), A)
    assert (found.mi_input, found.mi_target) == pytest.approx(known, abs=TOLERANCE)
    solution = b.solve(A, beta, b.SquaredIB())
    assert (found.mi_input, found.mi_target) == pytest.approx((solution.mi_input, solution.mi_target), abs=TOLERANCE)


@pytest.mark.slow
def test_the_released_rate_keeps_more_than_the_dual_bottleneck() -> None:
    """R_c leaves I(Z;Y) free, so that at one beta the optimum keeps more; and it has no I(X;Z) bound of its own."""
    marginal, conditional = (v.table_solution(v.DualVIB(1.2, rate=rate), A) for rate in ("marginal", "conditional"))
    assert conditional.mi_input > marginal.mi_input + 0.05
    assert conditional.objective.bounds == "I(X;Z|Y)"
    assert conditional.terms.rate_conditional < conditional.mi_input - 0.05


@pytest.mark.slow
def test_labels_in_place_of_the_law() -> None:
    """With a label's noise model, the law at x is the average of logarithms: by hand for one cluster."""
    found = v.table_solution(v.DualVIB(1e-3, labels=v.Smooth(0.1), rate="marginal"), A, law="labels", clusters=1)
    logs = A.p_y_given_x @ np.log(np.array([[0.95, 0.05], [0.05, 0.95]]))
    geometric = np.exp(A.p_x @ logs)
    assert found.decoder[0] == pytest.approx(geometric / geometric.sum(), abs=1e-5)
    assert found.loss == pytest.approx(-1e-3 * math.log(geometric.sum()), abs=1e-9)
    assert found.mi_input == pytest.approx(0, abs=1e-12)


@pytest.mark.slow
def test_noisy_targets_and_the_baseline() -> None:
    """A decoder of smoothed labels is p(y|t) mixed with the uniform law, so that H(Y) - D is loose."""
    found = v.table_solution(v.VIB(5, labels=v.Smooth(0.2)), A, law="labels")
    chain = (found.encoder * A.p_x[:, None]).T @ A.p_y_given_x
    chain /= chain.sum(axis=1, keepdims=True)
    assert found.decoder == pytest.approx(0.8 * chain + 0.1, abs=1e-5)
    assert entropy(A) - found.terms.distortion < found.mi_target - 1e-3
    plain = v.table_solution(v.CrossEntropy(), A)
    assert entropy(A) - plain.terms.distortion == pytest.approx(A.mutual_information, abs=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: v.table_solution(v.VIB(2), [[1, 2], [2, 1]]), r"needs a Joint, got list"),
        (lambda: v.table_solution(v.NonlinearIB(2), A), "an objective such as VIB"),
        (lambda: v.table_solution(v.VIB, A), "an objective such as VIB"),
        (lambda: v.table_solution(v.DualVIB(2), b.Joint([[1, 0], [0, 1]])), r"needs p\(y\|x\) > 0"),
        (lambda: v.table_solution(v.DualVIB(2, labels=v.Gaussian()), A, law="labels"), "draws nothing"),
        (lambda: v.table_solution(v.VIB(2), A, law="none"), "law 'joint' or 'labels'"),
        (lambda: v.table_solution(v.VIB(2), A, clusters=0), "clusters"),
        (lambda: v.table_solution(v.VIB(2), A, starts=0), "starts"),
    ],
)
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ip.InputError, match=message):
        call()
