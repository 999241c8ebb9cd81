"""The 12-bit task under its soft rule: the optima that its reference tables, and a curve that merges 4096 inputs."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from infoplane.bottleneck import Joint, critical_betas, solve
from infoplane.data import twelve_bit

BITS = np.log(2)
JOINTS = {gamma: Joint.from_conditional(twelve_bit(gamma).p_y_given_x) for gamma in (0.1, 1, 8.254)}

# (I(X;T), I(T;Y)) in bits by gamma and beta, computed independently, to 1e-3.
OPTIMA = {
    (0.1, 2): (0, 0),
    (0.1, 2.5): (0.173, 0.073),
    (0.1, 5): (0.717, 0.243),
    (0.1, 20): (1.608, 0.341),
    (1, 2): (0.936, 0.775),
    (1, 2.5): (0.958, 0.785),
    (1, 5): (1.276, 0.889),
    (1, 20): (1.341, 0.896),
    **{(8.254, beta): (0.999, 0.985) for beta in (2, 2.5, 5, 20, 50)},
}


@pytest.mark.parametrize(("gamma", "beta"), OPTIMA)
def test_optima_of_the_soft_rule(gamma, beta):
    found = solve(JOINTS[gamma], beta)
    assert_allclose(np.array([found.mi_input, found.mi_target]) / BITS, OPTIMA[gamma, beta], atol=1e-3)
    assert found.gap < 1e-7
    assert found.converged
    assert found.encoder.shape == (4096, found.n_clusters)


@pytest.mark.parametrize(("gamma", "bits"), [(0.1, 0.3775), (1, 0.906), (8.254, 0.990)])
def test_what_the_input_tells_of_the_label(gamma, bits):
    assert_allclose(JOINTS[gamma].mutual_information / BITS, bits, atol=6e-4)


@pytest.mark.parametrize(("gamma", "beta"), [(0.1, 2.274), (1, 1.092), (8.254, 1.005)])
def test_where_the_trivial_solution_loses_its_stability(gamma, beta):
    """For two labels 1 / rho^2 with rho^2 = Var p(1|X) / (p (1 - p))."""
    one = JOINTS[gamma].p_y_given_x[:, 1]
    closed = one.mean() * (1 - one.mean()) / one.var()
    assert_allclose(closed, beta, atol=1e-3)
    assert solve(JOINTS[gamma], closed * 1.01).n_clusters > 1


def test_the_first_critical_beta_is_that_of_the_closed_form():
    joint = JOINTS[8.254]
    one = joint.p_y_given_x[:, 1]
    found = critical_betas(joint)
    assert_allclose(found.first, one.mean() * (1 - one.mean()) / one.var(), rtol=1e-10)
    assert found.onset <= found.first


def test_equal_laws_are_merged():
    assert [len(JOINTS[gamma].sufficient.p_x) for gamma in (0.1, 1)] == [44, 43]  # beyond 1 - 1e-16 laws are one


def test_the_hard_rule_is_cut_at_its_entropy():
    joint = Joint.from_conditional(twelve_bit().p_y_given_x)
    assert joint.deterministic
    for beta in (1.5, 20):
        found = solve(joint, beta)
        assert_allclose(np.array([found.mi_input, found.mi_target]) / BITS, 0.999157, atol=1e-6)
