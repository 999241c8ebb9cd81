"""Bounds on I(X;Z) without training: identities that hold sample by sample, twins that are slow, and inequalities."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import norm

import infoplane as ip
from infoplane.variational import bounds, terms

v = ip.variational


def encoder(seed: int, n: int = 60, d: int = 3, classes: int = 3, scale: float = 0.7) -> dict[str, Any]:
    """Encoders of n inputs of some classes, a draw from each, and priors that are not the best ones."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    mean = rng.normal(size=(classes, d))[labels] * 2 + rng.normal(size=(n, d))
    scales = scale * rng.uniform(0.5, 1.5, (n, d))
    return {
        "labels": labels,
        "mean": mean,
        "scale": scales,
        "z": mean + scales * rng.normal(size=(n, d)),
        "priors": (rng.normal(size=(classes, d)), rng.uniform(0.5, 3, (classes, d))),
        "p_y": np.bincount(labels) / n,
    }


@pytest.mark.parametrize("draws", [None, 3])
def test_the_identity_of_the_mixture_prior(draws: int | None) -> None:
    """R(m_b) = R_c + H(Y) - CE of the generative classifier, of the same draws, to rounding."""
    e = encoder(0)
    with jax.enable_x64(True):
        z = e["z"] if draws is None else e["mean"] + e["scale"] * np.random.default_rng(1).normal(size=(draws, 60, 3))
        z = jnp.asarray(z)
        rate = v.mixture_rate(z, e["mean"], e["scale"], e["priors"], e["p_y"]).mean()
        own = tuple(p[e["labels"]] for p in e["priors"])
        conditional = v.sampled_kl(z, e["mean"], e["scale"], own).mean()
        generative = v.generative_cross_entropy(z, e["priors"], e["p_y"], e["labels"])
        entropy = -(e["p_y"] * np.log(e["p_y"])).sum()
        assert generative.shape == (60,)
        assert float(rate) == pytest.approx(float(conditional + entropy - generative.mean()), abs=1e-12)
        assert float(rate) <= float(conditional) + entropy + 1e-12


def test_the_mixture_rate_against_a_slow_twin() -> None:
    e = encoder(2)
    with jax.enable_x64(True):
        found = np.asarray(v.mixture_rate(jnp.asarray(e["z"]), e["mean"], e["scale"], e["priors"], e["p_y"]))
    for i in (0, 17, 59):
        z, own = e["z"][i], norm.logpdf(e["z"][i], e["mean"][i], e["scale"][i]).sum()
        mixture = sum(p * norm.pdf(z, m, s).prod() for p, m, s in zip(e["p_y"], *e["priors"], strict=True))
        assert found[i] == pytest.approx(own - math.log(mixture), abs=1e-12)


def test_the_sandwich_against_a_slow_twin() -> None:
    e = encoder(3)
    found = v.sandwich(e["z"], e["mean"], e["scale"])
    scores = norm.logpdf(e["z"][:, None], e["mean"], e["scale"]).sum(axis=2)
    for i in range(60):
        others = np.delete(scores[i], i)
        assert found.lower[i] == pytest.approx(scores[i, i] - logsumexp(scores[i]) + math.log(60), abs=1e-12)
        assert found.upper[i] == pytest.approx(scores[i, i] - logsumexp(others) + math.log(59), abs=1e-10)


@given(st.integers(0, 10_000), st.floats(0.05, 3.0))
def test_inequalities_of_the_sandwich(seed: int, scale: float) -> None:
    e = encoder(seed, scale=scale)
    found = v.sandwich(e["z"], e["mean"], e["scale"])
    assert (found.lower <= math.log(60) + 1e-12).all()
    assert found.lower.mean() <= found.upper.mean()


@pytest.mark.parametrize("scale", [0.05, 0.5, 2.0])
def test_the_batch_as_prior_is_below_the_rates(scale: float) -> None:
    """The average of the batch's own encoders is the best prior for it: R is larger, for any m(z), up to sampling."""
    e = encoder(4, n=300, scale=scale)
    z, mean, spread = e["z"], e["mean"], e["scale"]
    lower = v.sandwich(z, mean, spread).lower
    with jax.enable_x64(True):
        for prior in ((np.zeros(3), np.ones(3)), v.fitted_prior(mean, spread)):
            excess = np.asarray(v.sampled_kl(jnp.asarray(z), mean, spread, prior)) - lower
            assert excess.mean() > -4 * excess.std() / math.sqrt(300)
        mixture = np.asarray(v.mixture_rate(jnp.asarray(z), mean, spread, e["priors"], e["p_y"])) - lower
        assert mixture.mean() > -4 * mixture.std() / math.sqrt(300)


def test_the_sandwich_holds_a_known_information() -> None:
    """X normal, Z = X + noise: I(X;Z) = d/2 ln(1 + 1 / s^2) = 1.609 nats, between the bounds."""
    n, s = 4000, 0.5
    rng = np.random.default_rng(5)
    mean = rng.normal(size=(n, 2))
    found = v.sandwich(mean + s * rng.normal(size=(n, 2)), mean, s)
    known = math.log(1 + 1 / s**2)
    assert found.lower.mean() - 4 * found.lower.std() / math.sqrt(n) < known
    assert found.upper.mean() + 4 * found.upper.std() / math.sqrt(n) > known
    assert found.upper.mean() - found.lower.mean() < 0.05


def test_narrow_encoders_far_from_the_origin_lose_no_digits() -> None:
    """In float32 the squares, 1e9 here, would leave nothing of scores near 1."""
    rng = np.random.default_rng(6)
    mean, scale = 30 + rng.normal(size=(50, 64)), np.full((50, 64), 1e-3)
    found = v.sandwich((mean + scale * rng.normal(size=mean.shape)).astype(np.float64), mean, scale)
    assert found.lower == pytest.approx(np.full(50, math.log(50)), abs=1e-9)


@pytest.mark.slow
def test_parts_of_rows_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    e = encoder(7)
    whole = v.sandwich(e["z"], e["mean"], e["scale"])
    kernel = v.kernel_bounds(e["mean"], 0.5)
    scores = np.asarray(bounds.class_scores(jnp.asarray(e["z"]), e["priors"], e["p_y"]))
    monkeypatch.setattr(bounds, "_CELLS", 7 * 60)
    for one, other in zip(v.sandwich(e["z"], e["mean"], e["scale"]), whole, strict=True):
        assert one == pytest.approx(other, abs=1e-12)
    for one, other in zip(v.kernel_bounds(e["mean"], 0.5), kernel, strict=True):
        assert one == pytest.approx(other, abs=1e-12)
    assert np.asarray(bounds.class_scores(jnp.asarray(e["z"]), e["priors"], e["p_y"])) == pytest.approx(scores)


# --- Priors by moments -----------------------------------------------------------------------------------------------


def test_the_fitted_priors_are_the_best() -> None:
    """The gradient of the average divergence vanishes there, and any change costs."""
    e = encoder(8)
    with jax.enable_x64(True):
        mean, scale = jnp.asarray(e["mean"]), jnp.asarray(e["scale"])
        prior = v.fitted_prior(mean, scale)
        slope = jax.jit(jax.grad(lambda p: v.kl_diagonal(mean, scale, p).mean()))(prior)
        priors = v.fitted_priors(mean, scale, e["labels"], 3)
        slopes = jax.jit(jax.grad(lambda p: v.kl_classes(mean, scale, p, e["labels"]).mean()))(priors)
        for one in (*slope, *slopes):
            assert np.asarray(one) == pytest.approx(np.zeros(one.shape), abs=1e-12)
        best = float(v.kl_classes(mean, scale, priors, e["labels"]).mean())
        assert best < float(v.kl_classes(mean, scale, e["priors"], e["labels"]).mean())
        assert best <= float(v.kl_diagonal(mean, scale, prior).mean())


def test_a_class_without_samples_has_the_prior_of_all() -> None:
    e = encoder(9)
    with jax.enable_x64(True):
        found = v.fitted_priors(jnp.asarray(e["mean"]), jnp.asarray(e["scale"]), e["labels"], 4)
        overall = v.fitted_prior(e["mean"], e["scale"])
        for one, all_of_them in zip(found, overall, strict=True):
            assert np.asarray(one[3]) == pytest.approx(np.asarray(all_of_them))


# --- Pairwise kernels ------------------------------------------------------------------------------------------------


def test_kernel_bounds_by_hand() -> None:
    """Two points at distance 2, s = 1: ln 2 - ln(1 + e^-2) above, ln 2 - ln(1 + e^-1/2) below."""
    found = v.kernel_bounds(np.array([[0.0], [2.0]]), 1.0)
    assert found.upper == pytest.approx([math.log(2) - math.log1p(math.exp(-2))] * 2)
    assert found.lower == pytest.approx([math.log(2) - math.log1p(math.exp(-0.5))] * 2)


@pytest.mark.slow
def test_kernel_bounds_against_the_estimator_of_the_package() -> None:
    rng = np.random.default_rng(10)
    mean = rng.normal(size=(200, 3))
    found = v.kernel_bounds(mean, 0.4)
    peer = ip.mutual_information(mean, np.arange(200), ip.estimators.PairwiseBounds(sigma=0.4))
    assert found.upper.mean() == pytest.approx(peer.value, abs=1e-5)
    assert found.lower.mean() == pytest.approx(peer.lower, abs=1e-5)
    with jax.enable_x64(True):
        trained = np.asarray(terms.kernel_rate(jnp.asarray(mean), 0.4))
    assert trained == pytest.approx(found.upper, abs=1e-10)


def test_kernel_bounds_hold_the_information_and_saturate() -> None:
    """X uniform on the samples, as a sandwich of the same encoder must be consistent with; ln n where all are apart."""
    rng = np.random.default_rng(11)
    mean = rng.normal(size=(500, 2))
    for s in (0.1, 0.5, 2.0):
        z = mean + s * rng.normal(size=mean.shape)
        exact = v.sandwich(z, mean, s).lower  # the mixture over all n is the marginal itself for this X
        error = 4 * exact.std() / math.sqrt(500)
        kernel = v.kernel_bounds(mean, s)
        assert kernel.lower.mean() - error < exact.mean() < kernel.upper.mean() + error
        assert (kernel.lower <= kernel.upper + 1e-12).all()
        assert (kernel.upper <= math.log(500) + 1e-12).all()
    assert v.kernel_bounds(1e3 * mean, 1e-3).upper.mean() == pytest.approx(math.log(500), abs=1e-9)


def test_the_kernel_has_a_gradient_for_its_scale() -> None:
    mean = np.random.default_rng(12).normal(size=(20, 2)).astype(np.float32)
    slopes = jax.jit(jax.grad(lambda m, s: terms.kernel_rate(m, s).mean(), argnums=(0, 1)))(mean, 0.5)
    assert np.isfinite(slopes[0]).all()
    assert float(slopes[1]) < 0  # more noise, less information


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: v.sandwich(np.ones((1, 2)), np.ones((1, 2)), 1.0), "two samples or more"),
        (lambda: v.sandwich(np.ones((3, 2)), np.ones((4, 2)), 1.0), r"got \(3, 2\) and \(4, 2\)"),
        (lambda: v.sandwich(np.ones((3, 2)), np.ones((3, 2)), np.ones(3)), "scale that fits"),
        (lambda: v.sandwich(np.ones((3, 2)), np.ones((3, 2)), 0.0), "positive scales"),
        (lambda: v.sandwich(np.full((3, 2), np.nan), np.ones((3, 2)), 1.0), "finite z"),
        (lambda: v.kernel_bounds(np.ones((3, 2)), np.ones((3, 2))), "one scale for all samples"),
        (lambda: v.kernel_bounds(np.ones((3, 2)), -1.0), "positive scales"),
    ],
)
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ip.InputError, match=message):
        call()
