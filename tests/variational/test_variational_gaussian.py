"""Two correlated normals, linear Gaussian encoder, decoder and priors: every bound is tight, and the optima are known.

The averages over x, y and the encoder's noise are those of quadratics, so two nodes for each variable, -1 and 1, give
them without error.
"""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm, qmc

import infoplane as ip
from infoplane.variational.terms import kl_diagonal, log_density, sampled_kl

v = ip.variational
RHO = 0.8
NODES = np.array(list(itertools.product([-1.0, 1.0], repeat=3)))  # x, y less its mean given x, noise of the encoder
# objective, I(X;Z), I(Z;Y), minimum
EXACT = (
    (v.VIB(3), 0.634256, 0.308093, 1.322264),
    (v.CEB(3), 0.634256, 0.308093, 2.547854),
    (v.DualVIB(2, rate="marginal"), 0.634256, 0.308093, 1.134256),
    (v.DualVIB(2), 0.790208, 0.354873, 0.801361),
)
NAMES = [objective.name for objective, *_ in EXACT]


def terms_at(p: Any, drawn: np.ndarray, sampled: bool) -> Any:
    """Averages of all terms; p: slope and ln scale of encoder, decoder and b(z|y), ln scale of m(z)."""
    a, s, c, w, d, u, m = p[0], jnp.exp(p[1]), p[2], jnp.exp(p[3]), p[4], jnp.exp(p[5]), jnp.exp(p[6])
    x, rest, noise = drawn.T[:, :, None]
    y = RHO * x + np.sqrt(1 - RHO**2) * rest
    z = a * x + s * noise
    law, marginal, conditional = (c * z, w), (0.0 * x, m), (d * y, u)
    if sampled:
        rate = sampled_kl(z, a * x, s, marginal)
        rate_conditional = sampled_kl(z, a * x, s, conditional)
    else:
        rate, rate_conditional = kl_diagonal(a * x, s, marginal), kl_diagonal(a * x, s, conditional)
    distortion = -log_density(y, *law)
    divergence = kl_diagonal(*law, (RHO * x, np.sqrt(1 - RHO**2)))
    return v.averaged(v.Terms(distortion, distortion, rate, rate_conditional, divergence))


def solved(objective: Any, drawn: np.ndarray, sampled: bool) -> tuple[float, float, float, Any]:
    """(I(X;Z), I(Z;Y)) of the encoder found, the minimum, and the terms there."""
    weights = objective.weights()
    with jax.enable_x64(True):
        cost = jax.jit(jax.value_and_grad(lambda p: v.loss(terms_at(p, drawn, sampled), weights)))
        start = np.array([0.5, -0.3, 0.3, -0.1, 0.2, 0.1, 0.1])
        found = minimize(lambda p: tuple(map(np.asarray, cost(p))), start, jac=True, method="L-BFGS-B",
                         options={"ftol": 0, "gtol": 1e-9})  # fmt: skip
        terms = v.Terms(*map(float, terms_at(jnp.asarray(found.x), drawn, sampled)[:5]))
    signal, noise = found.x[0] ** 2, np.exp(2 * found.x[1])
    mi_input = 0.5 * np.log1p(signal / noise)
    mi_target = -0.5 * np.log1p(-(RHO**2) * signal / (signal + noise))
    return float(mi_input), float(mi_target), float(found.fun), terms


@pytest.mark.parametrize(("objective", "mi_input", "mi_target", "least"), EXACT, ids=NAMES)
def test_the_exact_loss(objective: Any, mi_input: float, mi_target: float, least: float) -> None:
    found_input, found_target, cost, terms = solved(objective, NODES, sampled=False)
    assert cost == pytest.approx(least, abs=1e-6)
    assert found_input == pytest.approx(mi_input, abs=2e-6)
    assert found_target == pytest.approx(mi_target, abs=2e-6)
    if objective.prior == "marginal":
        assert terms.rate == pytest.approx(found_input, abs=1e-6)
    else:
        assert terms.rate_conditional == pytest.approx(found_input - found_target, abs=1e-6)
        assert objective.bounds == "I(X;Z|Y)"
    if not objective.uses_divergence:
        entropy = 0.5 * np.log(2 * np.pi * np.e)
        assert entropy - terms.distortion == pytest.approx(found_target, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("objective", "mi_input", "mi_target", "least"), EXACT, ids=NAMES)
def test_the_loss_of_samples(objective: Any, mi_input: float, mi_target: float, least: float) -> None:
    """65,536 evenly spread samples: random ones would move the optimum by 4e-3, the standard error of a correlation."""
    drawn = norm.ppf(qmc.Sobol(3, seed=0).random_base2(16))
    found_input, found_target, cost, _ = solved(objective, drawn, sampled=True)
    assert found_input == pytest.approx(mi_input, abs=2e-3)
    assert found_target == pytest.approx(mi_target, abs=2e-3)
    assert cost == pytest.approx(least, abs=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("objective", [v.VIB(1 / 0.65), v.CEB(1.56)], ids=["VIB", "CEB"])
def test_below_the_onset_nothing_is_kept(objective: Any) -> None:
    """R is 0 for b >= 0.64, R_c for g <= 0.5625."""
    assert solved(objective, NODES, sampled=False)[0] < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("objective", [v.VIB(1 / 0.63), v.CEB(1.57)], ids=["VIB", "CEB"])
def test_above_the_onset_something_is(objective: Any) -> None:
    assert solved(objective, NODES, sampled=False)[0] > 1e-3


def test_the_standard_prior_costs_nothing_here() -> None:
    """z may be scaled freely, so that N(0, 1) is as good a marginal as any."""
    with jax.enable_x64(True):
        a = np.sqrt(1 - np.exp(-2 * 0.634256))
        x = np.array([[-1.0], [1.0]])
        rate = v.kl_standard(jnp.asarray(a * x), jnp.asarray(np.sqrt(1 - a**2))).mean()
    assert float(rate) == pytest.approx(0.634256, abs=1e-6)
