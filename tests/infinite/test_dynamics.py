"""Moments of the ensemble: acceptance numbers, limits, simulation, and forms that never lose digits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infoplane.infinite import At, Dense, Ensemble, Kernels
from infoplane.infinite.dynamics import Evaluation, Root, Spectrum

K = np.array([[1, 0.3], [0.3, 1.2]])
T = np.array([[2, 0.5], [0.5, 3]])
Q = np.array([[3, 0.6], [0.6, 5]])
Y = np.array([1.0, -0.5])
STAR = At(Kernels(np.array([[0.4, 0.2]]), np.array([[0.7, 0.6]])), np.array([[1.1]]))
TIMES = np.array([0.0, 1e-6, 1e-2, 1.0, 30.0, 1e4, 1e12, np.inf])


def points(n: int, seed: int, d: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d))


def trained(n: int = 20, m: int = 7, net: Dense | None = None, outputs: int = 2):
    x, y = points(n, 0), points(n, 1, outputs)
    return Ensemble(net or Dense(2, "erf"), x, y), points(m, 2)


@pytest.mark.parametrize(
    ("time", "mean", "variance"),
    [(0.5, 0.13735847, 0.96238602), (3, 0.23793471, 0.94256201), (np.inf, 0.23913043, 0.94241966)],
)
def test_the_worked_example(time, mean, variance):
    found = Ensemble.from_kernels(Kernels(K, T, Q), Y).predict(STAR, time)
    assert found[0].item() == pytest.approx(mean, abs=6e-9)
    assert found[1].item() == pytest.approx(variance, abs=6e-9)


def test_the_worked_example_on_its_training_points():
    mean, covariance = Ensemble.from_kernels(Kernels(K, T, Q), Y).predict(None, 0.5)
    np.testing.assert_allclose(mean[:, 0], [0.58570970, -0.31113679], atol=6e-9)
    np.testing.assert_allclose(covariance[[0, 0, 1], [0, 1, 1]], [0.13252108, -0.02010053, 0.05948603], atol=6e-9)


def test_a_trained_readout_ends_at_the_bayesian_posterior():
    found = Ensemble.from_kernels(Kernels(K, T), Y, kernel="nngp")
    mean, variance = found.predict(STAR, np.inf)
    assert (mean.item(), variance.item()) == pytest.approx((0.34234234, 0.93423423), abs=6e-9)
    star, tau = STAR.cross.nngp, 0.7
    values, vectors = np.linalg.eigh(K)
    late = star @ vectors @ np.diag(-np.expm1(-2 * tau * values) / values) @ vectors.T @ star.T
    assert found.predict(STAR, tau)[1].item() == pytest.approx(1.1 - late.item(), rel=1e-12)


@pytest.mark.parametrize("activation", ["erf", "relu"])
def test_moments_are_those_of_the_plain_form_at_every_time(activation):
    """The triangular, settled-once product against the covariance as it is written down."""
    ensemble, x = trained(90, 11, Dense(2, activation))
    at = ensemble.at(x, joint=True)
    mean, variance = ensemble.evaluation(at).moments(ensemble.spectrum.modes(TIMES))
    k, t = ensemble._net.kernels(ensemble._x)
    values, vectors = np.linalg.eigh(t)
    for i, time in enumerate(TIMES):
        gain = -np.expm1(-np.where(time > 0, time * values, 0)) / values
        g = at.cross.ntk @ (vectors * gain) @ vectors.T
        plain = at.nngp + g @ k @ g.T - g @ at.cross.nngp.T - at.cross.nngp @ g.T
        np.testing.assert_allclose(mean[i], g @ ensemble.targets.values, rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(variance[i], np.diag(plain), rtol=1e-9, atol=1e-10)
        joint = ensemble.predict(x, time)
        np.testing.assert_allclose(joint[1], plain, rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(joint[0], mean[i], rtol=1e-9, atol=1e-10)
        assert np.linalg.eigvalsh(joint[1]).min() > -1e-12


def test_moments_do_not_depend_on_blocks(monkeypatch):
    ensemble, x = trained(60, 25)
    evaluation, modes = ensemble.evaluation(ensemble.at(x, joint=False)), ensemble.spectrum.modes(TIMES)
    whole = evaluation.moments(modes)
    monkeypatch.setattr("infoplane.infinite.dynamics._BLOCK", 7)
    monkeypatch.setattr("infoplane.infinite.dynamics._ROWS", 4)
    for a, b in zip(whole, evaluation.moments(modes), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


def test_training_points_as_evaluation_points_agree():
    ensemble, _ = trained()
    for time in TIMES:
        exact, other = ensemble.predict(None, time), ensemble.predict(ensemble._x, time)
        np.testing.assert_allclose(exact[0], other[0], atol=1e-9)
        np.testing.assert_allclose(exact[1], other[1], atol=1e-9)


@pytest.mark.parametrize("scales", [np.ones(6), np.array([0.2, 3.0, 1.0, 0.5, 2.0, 0.1])], ids=["K = T", "K and T"])
def test_moments_agree_with_simulated_linear_networks(scales):
    """Random starts of a model linear in its parameters, each trained by Euler's steps, against the closed form.

    Parameters that start with deviations of their own have K = F S^2 F' and T = F F', which do not commute.
    """
    rng = np.random.default_rng(3)
    features, star = rng.standard_normal((3, 6)), rng.standard_normal((2, 6))
    y, tau, steps, draws = np.array([1.0, -0.5, 0.3]), 0.6, 2000, 20_000
    parameters = scales * rng.standard_normal((draws, 6))
    for _ in range(steps):
        parameters -= tau / steps * (parameters @ features.T - y) @ features
    outputs = parameters @ star.T
    started, start = features * scales, star * scales
    train = Kernels(started @ started.T, features @ features.T)
    assert (np.abs(train.nngp @ train.ntk - train.ntk @ train.nngp).max() < 1e-9) == (scales == 1).all()
    at = At(Kernels(start @ started.T, star @ features.T), start @ start.T)
    mean, covariance = Ensemble.from_kernels(train, y).predict(at, tau)
    error = np.sqrt(np.diag(covariance) / draws)
    assert (np.abs(outputs.mean(axis=0) - mean[:, 0]) < 4 * error + 2e-3).all()
    products = (outputs - outputs.mean(axis=0)).T @ (outputs - outputs.mean(axis=0)) / draws
    scale = np.sqrt((np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2) / draws)
    assert (np.abs(products - covariance) < 4 * scale + 2e-3).all()


def test_infinite_time_is_kernel_regression_and_zero_time_the_prior():
    ensemble, x = trained()
    k, t = ensemble._net.kernels(ensemble._x)
    at = ensemble.at(x, joint=True)
    mean, _ = ensemble.predict(x, np.inf)
    np.testing.assert_allclose(mean, at.cross.ntk @ np.linalg.solve(t, ensemble.targets.values), rtol=1e-8)
    mean, covariance = ensemble.predict(x, 0)
    assert not mean.any()
    np.testing.assert_allclose(covariance, at.nngp, rtol=1e-12, atol=1e-13)
    mean, covariance = ensemble.predict(None, np.inf)
    np.testing.assert_allclose(mean, ensemble.targets.values, atol=1e-12)
    assert not covariance.any()
    np.testing.assert_allclose(ensemble.predict(None, 0)[1], k, rtol=1e-12)


def test_ridge_is_ridge_regression():
    x, y = points(12, 0), points(12, 1, 1)
    net, ridge = Dense(1, "relu"), 0.3
    found = Ensemble(net, x, y, ridge=ridge)
    _, t = net.kernels(x)
    expected = t @ np.linalg.solve(t + ridge * np.eye(12), y)
    np.testing.assert_allclose(found.predict(None, np.inf)[0], expected, rtol=1e-9)
    np.testing.assert_allclose(found.predict(x, np.inf)[0], expected, rtol=1e-9)


@given(st.integers(0, 10_000), st.floats(-6, 12))
@settings(max_examples=25, deadline=None)
def test_covariance_is_positive_and_no_larger_than_finite(seed, exponent):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((9, 2))
    ensemble = Ensemble(Dense(1, "erf"), x, rng.standard_normal(9))
    mean, covariance = ensemble.predict(rng.standard_normal((5, 2)), 10.0**exponent)
    assert np.isfinite(mean).all()
    assert np.linalg.eigvalsh(covariance).min() > -1e-10 * np.trace(covariance)


def test_duplicates_change_nothing_that_they_should_not():
    """Twice the same point with the same target: as one point that learns twice as fast; the end is the same."""
    x, y, test = points(10, 0), points(10, 1, 1), points(6, 2)
    once = Ensemble(Dense(2, "erf"), x, y)
    twice = Ensemble(Dense(2, "erf"), np.concatenate([x, x[:4]]), np.concatenate([y, y[:4]]))
    assert twice.spectrum.at_floor == 4
    assert twice.spectrum.root.rank == 10
    assert "4 of 14 modes" in twice.notes[0]
    for time in (1e12, np.inf):
        for a, b in zip(once.predict(test, time), twice.predict(test, time), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8)


def test_modes_never_overflow_and_keep_small_numbers():
    spectrum = Spectrum.of(K, T, Y[:, None])
    modes = spectrum.modes(np.array([0.0, 1e-300, 1e-12, 1e300, np.inf]))
    assert all(np.isfinite(part).all() for part in (modes.learned, modes.decay, modes.gain))
    np.testing.assert_allclose(modes.gain[2], 1e-12, rtol=1e-11)
    np.testing.assert_allclose(modes.gain[-1] * spectrum.values, 1)


@pytest.mark.parametrize("rank", [6, 3])
def test_a_root_is_lower_and_inverts_itself(rank):
    part = points(6, 4, rank)
    covariance = part @ part.T
    root = Root.of(covariance)
    assert root.rank == rank
    assert not np.triu(root.lower, 1).any()
    np.testing.assert_allclose(root.lower @ root.lower.T, covariance, atol=1e-12)
    rows = points(2, 5, 6) @ covariance
    np.testing.assert_allclose(root.whiten(rows) @ root.lower.T, rows, rtol=1e-8)


def test_an_evaluation_point_without_variance_is_served():
    found = Evaluation.of(Spectrum.of(K, T, Y[:, None]), np.zeros((1, 2)), np.zeros((1, 2)), np.zeros(1))
    assert found.base[0] == 0
