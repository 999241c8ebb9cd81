"""Dense networks: published and recomputed numbers, identities between the kernels, and inputs that are hard or bad."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from infinite_networks import ENTRIES, POINTS, SIN, correlated, derivatives

import infoplane as ip
from infoplane.infinite import Dense, Dual, dense, tiles

ERF, RELU = ("erf", 1.5, 0.1), ("relu", 2**0.5, 0.05)
NUMBERS = [
    (1, ERF, (1.5590288967, 0.9607738303, 1.2744024451), (4.2485707052, 2.0811297633, 3.0167455894),
     (14.8612946570, 2.9261097716, 6.0626440088)),
    (3, ERF, (1.1463876914, 0.6786359901, 1.1174175733), (7.9105518480, 3.1041103583, 6.7404130725),
     (94.6080208940, 13.9708235111, 60.3827398378)),
    (1, RELU, (3.3383333333, 1.7590351245, 1.5050000000), (6.6741666667, 3.0406616891, 3.0075000000), None),
    (3, RELU, (3.3433333333, 1.8859654040, 1.5100000000), (13.3583333333, 5.2787077385, 6.0250000000), None),
]  # fmt: skip


def random_points(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d))


@pytest.mark.parametrize(("depth", "settings_", "nngp", "ntk", "curvature"), NUMBERS)
def test_reference_numbers(depth: int, settings_: tuple, nngp: tuple, ntk: tuple, curvature: tuple | None) -> None:
    net = Dense(depth, *settings_)
    for x2 in (None, POINTS):
        found = net.covariances(POINTS, x2, curvature=True)
        np.testing.assert_allclose(found.nngp[ENTRIES], nngp, rtol=1e-8)
        np.testing.assert_allclose(found.ntk[ENTRIES], ntk, rtol=1e-8)
        assert (found.curvature is None) == (curvature is None) == (not net.curved)
        if found.curvature is not None:
            np.testing.assert_allclose(found.curvature[ENTRIES], curvature, rtol=1e-8)


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize(("activation", "depth"), [("erf", 0), ("erf", 1), ("erf", 3), ("linear", 2), (SIN, 2)])
def test_kernels_are_derivatives_in_the_correlation_of_parameters(
    activation: str | Dual, depth: int, residual: bool
) -> None:
    """K = K_rho, T = dK_rho / d rho and Q = d2K_rho / d rho2 at rho = 1."""
    x, net = random_points(5, 3), Dense(depth, activation, 1.2, 0.3, residual)
    k, t, q = net.covariances(x, curvature=True)
    np.testing.assert_allclose(correlated(net, x, 1.0), k, rtol=1e-12)
    first, second = derivatives(lambda rho: correlated(net, x, rho))
    np.testing.assert_allclose(first, t, rtol=1e-4, atol=1e-5)
    assert q is not None
    np.testing.assert_allclose(second, q, rtol=1e-4, atol=1e-4 * (np.abs(q).max() + k.max()))


@given(st.integers(0, 1000), st.floats(0.3, 3), st.floats(0.01, 2), st.integers(1, 4), st.booleans())
@settings(max_examples=25, deadline=None)
def test_orders_between_the_kernels(seed: int, weight: float, bias: float, depth: int, residual: bool) -> None:
    """T - K and T + Q - T K^-1 T are positive semi-definite, and so is each kernel, to rounding."""
    x = random_points(8, 3, seed)
    for activation in ("erf", "relu", "linear"):
        k, t, q = Dense(depth, activation, weight, bias, residual).covariances(x, curvature=True)
        scale = np.abs(t).max()
        for matrix in (k, t, t - k, *([q] if q is not None else [])):
            assert np.linalg.eigvalsh(matrix).min() > -1e-12 * np.abs(matrix).max() - 1e-13 * scale
        if q is not None:
            ridge = k + 1e-9 * np.abs(k).max() * np.eye(len(k))  # (K + r)^-1 is below K^-1
            order = t + q - t @ np.linalg.solve(ridge, t)
            assert np.linalg.eigvalsh(order).min() > -1e-6 * np.abs(order).max()


def scalar_relu(square: float, depth: int, w: float, b: float) -> tuple[float, float]:
    """K and T of one point, by the scalar recursion."""
    k = t = w * square + b
    for _ in range(depth):
        k, t = w * k / 2 + b, w * k / 2 + b + w * t / 2
    return k, t


@pytest.mark.parametrize("depth", [1, 3, 10])
def test_relu_diagonals_are_exact(depth: int) -> None:
    x = random_points(300, 17)
    net = Dense(depth, "relu", 1.3, 0.2)
    expected = np.array([scalar_relu(float(row @ row) / 17, depth, 1.3**2, 0.2**2) for row in x])
    k, t = net.kernels(x)
    np.testing.assert_allclose(np.diag(k), expected[:, 0], rtol=1e-13)
    np.testing.assert_allclose(np.diag(t), expected[:, 1], rtol=1e-12)
    other = net.kernels(x, x)[1]  # not known to be the same points: equal all the same
    np.testing.assert_allclose(np.diag(other), expected[:, 1], rtol=1e-12)


@pytest.mark.parametrize(
    "net", [Dense(3), Dense(3, "relu", 2**0.5, 0.0), Dense(2, "linear"), Dense(3, SIN, residual=True)]
)
def test_tiles_are_the_pairs(net: Dense, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any size of tile, any number of threads, one set or two: the same numbers, symmetric, those of pairs alone."""
    x = random_points(37, 5)
    whole = net.covariances(x, curvature=True)
    monkeypatch.setattr(dense, "_SIDE", 8)
    monkeypatch.setattr(dense, "_STRIP", 24)
    tiled, two = net.covariances(x, curvature=True), net.covariances(x, x[:20].copy(), curvature=True)
    monkeypatch.setattr(tiles, "workers", lambda: 1)
    alone = net.covariances(x[3:4], x[9:10], curvature=True)
    diagonal = net.diagonals(x, curvature=True)
    for a, b, c, d, e in zip(whole, tiled, two, alone, diagonal, strict=True):
        if a is None:
            assert b is c is d is e is None
            continue
        assert b is not None
        assert c is not None
        assert d is not None
        np.testing.assert_array_equal(a, a.T)
        np.testing.assert_array_equal(b, b.T)
        np.testing.assert_allclose(a, b, rtol=1e-12)
        np.testing.assert_allclose(a[:, :20], c, rtol=1e-12)
        np.testing.assert_allclose(a[3, 9], d[0, 0], rtol=1e-12)
        np.testing.assert_array_equal(np.diag(a), e)


def test_residual_layers_add_what_they_were_given() -> None:
    """Linear, by hand: K_1 = w g, K_2 = K_1 + w K_1, T_2 = T_1 + (w K_1 + w T_1), then the output layer."""
    x, w = random_points(4, 3), 1.5**2
    k1 = w * x @ x.T / 3
    k2, t2 = k1 + w * k1, k1 + w * k1 + w * k1
    k, t = Dense(2, "linear", 1.5, 0.0, residual=True).kernels(x)
    np.testing.assert_allclose(k, w * k2, rtol=1e-12)
    np.testing.assert_allclose(t, w * k2 + w * t2, rtol=1e-12)
    plain, residual = Dense(1), Dense(1, residual=True)  # no hidden layer before the first
    np.testing.assert_array_equal(plain.kernels(x), residual.kernels(x))


@pytest.mark.parametrize("activation", ["erf", "relu"])
def test_duplicates_and_zeros(activation: str) -> None:
    """Copies of a point have its kernels to rounding; a point at 0 without biases has 0."""
    x = random_points(30, 784)
    x = np.concatenate([x, x[:10], np.zeros((2, 784))])
    k, t = Dense(3, activation, 1.4, 0.0).kernels(x)
    np.testing.assert_allclose(t[:10], t[30:40], rtol=1e-11, atol=1e-13)
    assert np.linalg.eigvalsh(t).min() > -1e-12 * np.abs(t).max() * len(x)
    assert np.linalg.eigvalsh(k).min() > -1e-12 * np.abs(k).max() * len(x)
    assert not k[40:].any()
    assert not t[40:].any()
    assert np.isfinite(t).all()


@pytest.mark.parametrize("activation", ["erf", "relu"])
def test_no_hidden_layer_is_the_linear_model(activation: str) -> None:
    x = random_points(4, 3)
    k, t, q = Dense(0, activation, 1.5, 0.1).covariances(x, curvature=True)
    np.testing.assert_allclose(k, 1.5**2 * x @ x.T / 3 + 0.1**2, rtol=1e-12)
    np.testing.assert_array_equal(t, k)
    np.testing.assert_array_equal(q, np.zeros((4, 4)))


def test_what_numpy_can_take() -> None:
    x = random_points(4, 6).astype(np.float32)
    expected = Dense(2).kernels(x.astype(float))
    for same in (x, x.tolist(), x.reshape(4, 2, 3)):
        np.testing.assert_array_equal(Dense(2).kernels(same), expected)
    np.testing.assert_array_equal(Dense(1).kernels([0, 1]), Dense(1).kernels([[0.0], [1.0]]))
    torch = pytest.importorskip("torch")
    np.testing.assert_array_equal(Dense(2).kernels(torch.tensor(x, requires_grad=True)), expected)


@pytest.mark.parametrize(
    ("x1", "x2", "message"),
    [
        ([[1.0, np.nan]], None, "nan or infinite"),
        ([["a", "b"]], None, "got text"),
        (np.ones((2, 3)), np.ones((2, 4)), "one width, got points of 3 and of 4"),
        (np.empty((0, 3)), None, "needs samples"),
        (np.full((2, 3), 1e200), None, "squares overflow. Standardise"),
        (np.ones((2, 3)), np.full((2, 3), np.inf), "nan or infinite"),
    ],
)
def test_bad_points_are_refused(x1: Any, x2: Any, message: str) -> None:
    with pytest.raises(ip.InputError, match=message):
        Dense(2).kernels(x1, x2)


def test_unscaled_points_bring_advice() -> None:
    raw = 255.0 * np.random.default_rng(0).random((5, 784))
    with pytest.warns(UserWarning, match="saturate .* pixels by 255"):
        k, _ = Dense(2).kernels(raw)
    assert np.isfinite(k).all()
    with (
        pytest.warns(UserWarning, match="saturate"),
        pytest.raises(ip.InputError, match=r"kernel values up to .* Standardise"),
    ):
        Dense(2).kernels(1e6 * raw)
    with pytest.raises(ip.InputError, match="fewer layers"):
        Dense(400, "relu", 3.0).kernels(np.eye(3))


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"depth": -1}, "depth as a whole number"),
        ({"depth": 1.5}, "depth as a whole number"),
        ({"depth": 1, "weight_std": -1.0}, "weight_std as a standard deviation"),
        ({"depth": 1, "bias_std": np.nan}, "bias_std as a standard deviation"),
        ({"depth": 1, "weight_std": "big"}, "weight_std as a standard deviation"),
        ({"depth": 1, "residual": "yes"}, "residual as True or False"),
    ],
)
def test_bad_settings_are_refused(settings_: dict, message: str) -> None:
    with pytest.raises(ip.InputError, match=message):
        Dense(**settings_)


def test_too_many_points_are_refused_before_memory_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "_memory", lambda: 1e6)
    with pytest.raises(ip.InputError, match=r"1,000 x 1,000 points needs 0.016 GB"):
        Dense(1).kernels(np.zeros((1000, 2)))
