"""Closed forms against hand, against Monte Carlo within four standard errors, and against each other."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

import infoplane as ip
from infoplane.variational import terms as t

v = ip.variational
RNG = np.random.default_rng(0)
LABELS = np.array([0, 1, 2, 1])
MEAN, SCALE = RNG.normal(size=(4, 3)), RNG.uniform(0.3, 2, (4, 3))
PRIOR = (RNG.normal(size=3), RNG.uniform(0.5, 2, 3))
PRIORS = (RNG.normal(size=(3, 3)), RNG.uniform(0.5, 2, (3, 3)))
LOGITS = RNG.normal(size=(4, 3))
LAW = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.3, 0.4, 0.3]])


def test_divergences_of_gaussians_by_hand() -> None:
    """One dimension: KL(N(1, 4) || N(0, 1)) = (1 + 4 - 1) / 2 - ln 2; KL(N(1, 4) || N(3, 9)) = ln 1.5 + 8/18 - 1/2."""
    with jax.enable_x64(True):
        mean, scale = jnp.asarray([[1.0]]), jnp.asarray([[2.0]])
        assert float(v.kl_standard(mean, scale)[0]) == pytest.approx(2 - math.log(2), abs=1e-14)
        prior = (jnp.asarray([3.0]), jnp.asarray([3.0]))
        assert float(v.kl_diagonal(mean, scale, prior)[0]) == pytest.approx(math.log(1.5) + 8 / 18 - 0.5, abs=1e-14)
        priors = tuple(jnp.stack([jnp.zeros(1), p]) for p in prior)
        assert v.kl_classes(mean, scale, priors, jnp.asarray([1])) == v.kl_diagonal(mean, scale, prior)


def test_divergences_of_gaussians_against_sampling() -> None:
    n = 20_000
    with jax.enable_x64(True):
        z = MEAN + SCALE * np.random.default_rng(1).normal(size=(n, 4, 3))
        own = norm.logpdf(z, MEAN, SCALE).sum(axis=2)
        for prior, exact in (
            ((np.zeros(3), np.ones(3)), v.kl_standard(MEAN, SCALE)),
            (PRIOR, v.kl_diagonal(MEAN, SCALE, PRIOR)),
            ((PRIORS[0][LABELS], PRIORS[1][LABELS]), v.kl_classes(MEAN, SCALE, PRIORS, LABELS)),
        ):
            ratios = own - norm.logpdf(z, *prior).sum(axis=2)
            errors = ratios.std(axis=0) / math.sqrt(n)
            assert (abs(ratios.mean(axis=0) - np.asarray(exact)) < 4 * errors).all()
            sampled = t.sampled_kl(jnp.asarray(z), MEAN, SCALE, prior)
            assert np.asarray(sampled) == pytest.approx(ratios.mean(axis=0), abs=1e-10)


@given(st.floats(-5, 5), st.floats(0.01, 10), st.floats(-5, 5), st.floats(0.01, 10))
def test_a_divergence_is_never_negative(mean: float, scale: float, centre: float, width: float) -> None:
    with jax.enable_x64(True):
        one = [jnp.full((1, 1), value) for value in (mean, scale)]
        prior = (jnp.full((1,), centre), jnp.full((1,), width))
        found = float(v.kl_diagonal(*one, prior)[0])
        assert found >= -1e-12
        assert float(v.kl_standard(*one)[0]) == pytest.approx(
            float(v.kl_diagonal(*one, (jnp.zeros(1), jnp.ones(1)))[0]), abs=1e-12
        )
        assert float(v.kl_diagonal(*one, (one[0][0], one[1][0]))[0]) == 0.0


def test_one_scale_for_all() -> None:
    wide = np.full_like(MEAN, 0.5)
    assert np.asarray(v.kl_standard(MEAN, 0.5)) == pytest.approx(np.asarray(v.kl_standard(MEAN, wide)))
    assert np.asarray(v.kl_diagonal(MEAN, 0.5, PRIOR)) == pytest.approx(np.asarray(v.kl_diagonal(MEAN, wide, PRIOR)))


# --- The decoder -----------------------------------------------------------------------------------------------------


def test_distortion_by_hand() -> None:
    """In nats: a decoder that gives 1/4 to the label costs ln 4 = 1.386, not 2 bits."""
    logits = jnp.log(jnp.asarray([[0.25, 0.5, 0.25], [0.1, 0.2, 0.7]])) + 3.0
    assert np.asarray(v.distortion(logits, np.array([0, 2]))) == pytest.approx([math.log(4), -math.log(0.7)], rel=1e-6)
    law = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    expected = [(math.log(4) + math.log(2)) / 2, -math.log(0.7)]
    assert np.asarray(v.distortion(logits, law)) == pytest.approx(expected, rel=1e-6)


def test_draws_average_the_logarithm_and_predictions_the_probability() -> None:
    """-E ln c is the distortion; -ln E c is smaller, and belongs to the averaged prediction."""
    logits = jnp.log(jnp.asarray([[[0.9, 0.1]], [[0.1, 0.9]]]))  # two draws of one sample
    label = np.array([0])
    assert float(v.distortion(logits, label)[0]) == pytest.approx(-(math.log(0.9) + math.log(0.1)) / 2, rel=1e-6)
    assert np.exp(v.predictive(logits)) == pytest.approx(np.array([[0.5, 0.5]]), rel=1e-6)
    assert np.asarray(v.predictive(logits[0])) == pytest.approx(np.asarray(jax.nn.log_softmax(logits[0])))


def test_the_divergence_is_over_the_law_of_the_decoder() -> None:
    """sum c ln(c / p~), arguments swapped against a cross-entropy; and a sum with minus the entropy, not plus."""
    c = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
    found = np.asarray(v.divergence(LOGITS.astype(np.float32), LAW.astype(np.float32)))
    assert found == pytest.approx((c * np.log(c / LAW)).sum(axis=1), abs=1e-5)
    swapped = (LAW * np.log(LAW / c)).sum(axis=1)
    assert (abs(found - swapped) > 1e-3).all()
    same = np.asarray(v.divergence(np.log(LAW), LAW))
    assert same == pytest.approx(np.zeros(4), abs=1e-6)


def test_a_zero_costs_what_clipping_says() -> None:
    """16.1 nats for all the mass: ln(1 / 1e-7), finite, which is why one-hot laws are refused."""
    found = float(v.divergence(jnp.asarray([[50.0, -50.0]]), jnp.asarray([[0.0, 1.0]]))[0])
    assert found == pytest.approx(-math.log(1e-7), abs=1e-3)


@pytest.mark.slow
def test_the_kind_of_float_is_kept() -> None:
    with jax.enable_x64(True):
        for kind in (np.float32, np.float64):
            mean, scale, logits = (jnp.asarray(a, dtype=kind) for a in (MEAN, SCALE, LOGITS))
            conditional = tuple(jnp.asarray(p, dtype=kind) for p in PRIORS)
            found = v.batch_terms(v.DualVIB(1), mean, scale, logits, LABELS, conditional=conditional)
            assert {one.dtype for one in found[:5]} == {np.dtype(kind)}
            kernel = v.batch_terms(v.NonlinearIB(1), mean, jnp.asarray(0.5, kind), logits, LABELS).kernel
            assert kernel.dtype == kind


# --- A batch ---------------------------------------------------------------------------------------------------------


def terms_of(objective: Any, **more: Any) -> Any:
    with jax.enable_x64(True):
        return v.batch_terms(objective, MEAN, SCALE, jnp.asarray(LOGITS), LABELS, conditional=PRIORS, **more)


def test_what_each_objective_is_given() -> None:
    plain = terms_of(v.VIB(1))
    assert all(one.shape == (4,) for one in plain[:4])
    assert plain.divergence == plain.kernel == 0.0
    assert plain.cross_entropy is plain.distortion
    assert np.asarray(plain.rate) == pytest.approx(np.asarray(v.kl_standard(MEAN, SCALE)), rel=1e-5)
    assert np.asarray(terms_of(v.VIB(1), prior=PRIOR).rate) == pytest.approx(
        np.asarray(v.kl_diagonal(MEAN, SCALE, PRIOR)), rel=1e-5
    )


def test_a_noisy_target_leaves_the_reported_distortion_alone() -> None:
    noisy = terms_of(v.VIB(1, labels=v.Smooth(0.3)))
    assert noisy.distortion == pytest.approx(terms_of(v.VIB(1)).distortion)
    law = 0.7 * np.eye(3)[LABELS] + 0.1
    logs = LOGITS - np.log(np.exp(LOGITS).sum(axis=1, keepdims=True))
    assert np.asarray(noisy.cross_entropy) == pytest.approx(-(law * logs).sum(axis=1), abs=1e-12)
    dual = terms_of(v.DualVIB(1, labels=v.Smooth(0.3)))
    assert dual.cross_entropy is dual.distortion
    assert dual.divergence == pytest.approx(np.asarray(v.divergence(LOGITS, law)), abs=1e-5)


def test_nothing_is_nan_for_a_network_without_noise() -> None:
    found = v.batch_terms(v.CrossEntropy(), MEAN, None, jnp.asarray(LOGITS), LABELS)
    assert np.isfinite(v.loss(v.averaged(found), v.CrossEntropy().weights()))


@pytest.mark.parametrize(
    "objective",
    [v.VIB(1000), v.CEB(1000), v.DualVIB(1000, labels=v.Smooth(1e-6)), v.SquaredVIB(1e-3), v.NonlinearIB(1, power=2)],
    ids=lambda one: type(one).__name__,
)
def test_all_is_finite_at_the_edges(objective: Any) -> None:
    """A decoder that is sure and wrong, encoders as narrow and as wide as networks give them, in single precision."""
    sharp = jnp.asarray([[200.0, -200.0, 0.0]] * 4)
    conditional = tuple(p.astype(np.float32) for p in PRIORS)

    def cost(parts: Any) -> Any:
        mean, scale, logits = parts
        found = v.batch_terms(objective, mean, scale, logits, LABELS, conditional=conditional)
        return v.loss(v.averaged(found), objective.weights())

    step = jax.jit(jax.value_and_grad(cost))
    for scale in (1e-3, 1e3):
        value, slopes = step((jnp.asarray(30 * MEAN, jnp.float32), jnp.float32(scale), sharp))
        assert np.isfinite(value)
        assert all(np.isfinite(slope).all() for slope in slopes)


def test_parts_that_are_missing() -> None:
    for objective in (v.CEB(2), v.DualVIB(2)):
        with pytest.raises(ip.InputError, match="needs the conditional prior"):
            v.batch_terms(objective, MEAN, SCALE, jnp.asarray(LOGITS), LABELS)
    with pytest.raises(ip.InputError, match="needs a noisy encoder"):
        v.batch_terms(v.VIB(2), MEAN, None, jnp.asarray(LOGITS), LABELS)


def test_a_compiled_step_over_many_trade_offs() -> None:
    """One gradient for all, equal to each alone."""
    objectives = [v.VIB(beta) for beta in (1, 10, 1000)]

    def cost(mean: Any, weights: Any) -> Any:
        logits = mean @ jnp.ones((3, 3)) * LOGITS
        return v.loss(v.averaged(v.batch_terms(objectives[0], mean, SCALE, logits, LABELS)), weights)

    means = jnp.asarray(np.stack([MEAN * k for k in (1, 2, 3)]), dtype=jnp.float32)
    slope = jax.grad(cost)
    together = jax.jit(jax.vmap(slope))(means, v.stacked(objectives, 0))
    alone = jax.jit(slope)
    for one, mean, objective in zip(together, means, objectives, strict=True):
        assert np.asarray(one) == pytest.approx(np.asarray(alone(mean, objective.weights())), abs=1e-6)
