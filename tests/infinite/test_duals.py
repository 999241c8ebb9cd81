"""Closed-form expectations against numerical integration, their derivatives, and what goes wrong with a user's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from infinite_networks import SIN
from scipy.special import erf

import infoplane as ip
from infoplane.infinite import Dense, Dual
from infoplane.infinite.duals import Activation, Moments, Room, activation_of

NAMES = ["erf", "relu", "linear", SIN]
FUNCTIONS = {
    "erf": (
        erf,
        lambda u: 2 / np.sqrt(np.pi) * np.exp(-u * u),
        lambda u: -4 / np.sqrt(np.pi) * u * np.exp(-u * u),
    ),
    "linear": (lambda u: u, np.ones_like, np.zeros_like),
    "sin": (np.sin, np.cos, lambda u: -np.sin(u)),
}


def moments(dual: Activation, k11: float, k12: float, k22: float) -> Moments:
    k = np.full((1, 1), k12)
    room = Room(np.empty_like(k), np.empty_like(k), np.empty_like(k))
    return dual.moments(k, np.full((1, 1), k11), np.full((1, 1), k22), room, dual.curved)


def integral(function, k11: float, k12: float, k22: float) -> float:
    """E[f(u) f(v)] by Gauss-Hermite sums in two independent normals."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    u = np.sqrt(k11) * nodes[:, None]
    v = k12 / np.sqrt(k11) * nodes[:, None] + np.sqrt(k22 - k12**2 / k11) * nodes[None]
    return float(weights @ (function(u) * function(v)) @ weights) / (2 * np.pi)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("k", [(1.0, 0.3, 0.7), (0.5, -0.6, 0.9), (0.2, 0.0, 0.3), (0.4, 0.4 - 1e-9, 0.4)])
def test_smooth_duals_are_the_expectations(name: str, k: tuple[float, float, float]) -> None:
    dual = activation_of(SIN if name == "sin" else name, "test")
    for found, function in zip(moments(dual, *k), FUNCTIONS[name], strict=True):
        assert found is not None
        assert float(found[0, 0]) == pytest.approx(integral(function, *k), rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("correlation", [-1.0, -0.9, 0.0, 0.4, 0.99, 1.0])
def test_relu_is_the_expectation(correlation: float) -> None:
    """In polar coordinates: the radius integrates to 2 in A and to 1 in B, over the angles where both are positive."""
    angles = np.linspace(-np.pi, np.pi, 2_000_001)
    u = np.cos(angles)
    v = correlation * np.cos(angles) + np.sqrt(1 - correlation**2) * np.sin(angles)
    both = (u > 1e-12) & (v > 1e-12)
    scale = np.sqrt(2 * 3)
    found = moments(activation_of("relu", "test"), 2.0, scale * correlation, 3.0)
    assert float(found.values[0, 0]) == pytest.approx(scale * np.mean(u * v * both) * 2, abs=1e-5)
    assert float(found.slopes[0, 0]) == pytest.approx(np.mean(both), abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
@given(st.floats(0.01, 50), st.floats(0.01, 50), st.floats(-0.99, 0.99))
@settings(max_examples=30, deadline=None)
def test_slopes_are_derivatives(name: str | Dual, k11: float, k22: float, correlation: float) -> None:
    """B = dA/dK12 and B' = dB/dK12, by central differences."""
    dual = activation_of(name, "test")
    scale = np.sqrt(k11 * k22)
    k12, step = correlation * scale, 1e-5 * scale
    low, here, high = (moments(dual, k11, k, k22) for k in (k12 - step, k12, k12 + step))
    # sin is damped by exp(-(K11 + K22)/2), so errors are judged beside its largest value
    size = np.exp(-(k11 + k22) / 2 + scale) if isinstance(name, Dual) else 1.0
    slope = (high.values - low.values) / (2 * step)
    np.testing.assert_allclose(here.slopes, slope, rtol=1e-5, atol=1e-6 * size)
    if here.bends is not None and high.slopes is not None:
        bend = (high.slopes - low.slopes) / (2 * step)
        np.testing.assert_allclose(here.bends, bend, rtol=1e-4, atol=1e-6 * size)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("k", [0.0, 1e-8, 0.3, 5.0, 300.0])
def test_diagonals_agree_with_pairs_of_equal_points(name: str | Dual, k: float) -> None:
    dual = activation_of(name, "test")
    exact, pair = dual.diagonal(np.array([k]), dual.curved), moments(dual, k, k, k)
    np.testing.assert_allclose(pair.values.ravel(), exact.values, rtol=1e-12, atol=1e-300)
    if k > 0 or name != "relu":  # at variance 0 the slope of ReLU multiplies a tangent kernel of 0
        np.testing.assert_allclose(pair.slopes.ravel(), exact.slopes, rtol=1e-12)
    if exact.bends is not None and pair.bends is not None:
        np.testing.assert_allclose(pair.bends.ravel(), exact.bends, rtol=1e-10)


def test_a_users_own_erf_is_the_built_in_one() -> None:
    def root(left: np.ndarray, k: np.ndarray, right: np.ndarray) -> np.ndarray:
        return np.sqrt((1 + 2 * left) * (1 + 2 * right) - 4 * k**2)

    own = Dual(
        lambda left, k, right: 2 / np.pi * np.arcsin(2 * k / np.sqrt((1 + 2 * left) * (1 + 2 * right))),
        lambda left, k, right: 4 / np.pi / root(left, k, right),
        lambda left, k, right: 16 / np.pi * k / root(left, k, right) ** 3,
    )
    x = np.random.default_rng(0).standard_normal((9, 4))
    for mine, theirs in zip(
        Dense(3, own).covariances(x, curvature=True), Dense(3).covariances(x, curvature=True), strict=True
    ):
        assert mine is not None
        assert theirs is not None
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)


def test_without_its_second_derivative_there_is_no_curvature() -> None:
    plain = Dual(SIN.value, SIN.slope)
    assert not Dense(2, plain).curved
    assert Dense(2, plain).covariances(np.eye(3), curvature=True).curvature is None
    assert Dense(2, SIN).covariances(np.eye(3), curvature=True).curvature is not None


def test_bad_duals_are_refused() -> None:
    with pytest.raises(ip.InputError, match="slope as a function"):
        Dual(SIN.value, 1.0)  # pyright: ignore
    with pytest.raises(ip.InputError, match=r"'odd' gave nan or infinity"):
        Dense(1, Dual(lambda a, k, b: np.full_like(k, np.nan), SIN.slope, name="odd")).kernels(np.eye(2))
    with pytest.raises(ip.InputError, match="functions that take arrays"):
        Dense(1, Dual(lambda k: k, SIN.slope)).kernels(np.eye(2))  # pyright: ignore
    with pytest.raises(ip.InputError, match="did you mean 'relu'"):
        Dense(1, "reul")
    with pytest.raises(ip.InputError, match="no activation 3"):
        Dense(1, 3)  # pyright: ignore
