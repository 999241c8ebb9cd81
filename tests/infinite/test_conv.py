"""Convolutional networks: reference numbers, a slow twin that keeps every pair of positions, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from infinite_networks import ENTRIES, IMAGES, POINTS, SIN, derivatives, empty

import infoplane as ip
from infoplane.infinite import Conv, Dense, Kernels, conv
from infoplane.infinite.duals import activation_of

RELU = ("relu", 2**0.5, 0.05)
NUMBERS = [
    (Conv(2, *RELU), (0.6109908547, 0.3034488904, 0.6078713790), (1.8254725640, 0.4247023140, 1.8161141370)),
    (Conv(2, padding="VALID"), (1.0992885761, 0.0014077826, 1.0992858939), (4.1593455371, -0.0257224511, 4.1593253849)),
    (Conv(2, *RELU, readout="pool"), (0.2957899729, 0.2714342002, 0.2937678997),
     (0.4809692884, 0.3630878979, 0.4770445692)),
]  # fmt: skip


@pytest.mark.parametrize(("net", "nngp", "ntk"), NUMBERS)
def test_reference_numbers(net: Conv, nngp: tuple, ntk: tuple) -> None:
    for x2 in (None, IMAGES):
        k, t = net.kernels(IMAGES, x2)
        np.testing.assert_allclose(k[ENTRIES], nngp, rtol=1e-8)
        np.testing.assert_allclose(t[ENTRIES], ntk, rtol=1e-8)
    found = net.diagonals(IMAGES)
    np.testing.assert_allclose(found.nngp, [nngp[0], nngp[2]], rtol=1e-8)
    np.testing.assert_allclose(found.ntk, [ntk[0], ntk[2]], rtol=1e-8)


def averaged(values: np.ndarray, net: Conv) -> np.ndarray:
    """Patch averages at a common shift of (h, w, h, w) covariances, number by number; a slow twin."""
    h, w = values.shape[:2]
    q, back = net.filter, 0 if net.padding == "VALID" else (net.filter - 1) // 2
    rows, cols = (h - q + 1, w - q + 1) if net.padding == "VALID" else (h, w)
    total = np.zeros((rows, cols, rows, cols))
    for i, j, k, m in np.ndindex(total.shape):
        for di in range(-back, q - back):
            for dj in range(-back, q - back):
                at = [i + di, j + dj, k + di, m + dj]
                if net.padding == "CIRCULAR":
                    at = [at[0] % h, at[1] % w, at[2] % h, at[3] % w]
                if all(0 <= place < side for place, side in zip(at, (h, w, h, w), strict=True)):
                    total[i, j, k, m] += values[tuple(at)]
    return total / q**2


def twin(net: Conv, x: np.ndarray) -> np.ndarray:
    """Kernels (2 or 3, n, n) with every pair of positions kept for both readouts."""
    n, dual, var, bias = len(x), activation_of(net.activation, "twin"), net.weight_std**2, net.bias_std**2
    products = np.einsum("ahwc,bklc->abhwkl", x, x) / x.shape[3]
    k = np.array([[var * averaged(products[a, b], net) + bias for b in range(n)] for a in range(n)])
    t, q = k.copy(), np.zeros_like(k)
    for layer in range(net.depth):
        own = np.einsum("aaijij->aij", k)
        left, right = own[:, None, :, :, None, None], own[None, :, None, None]
        a_, b_, c_ = dual.moments(k, left, right, empty(k), net.curved)
        parts = [a_, t * b_] + ([2 * b_ * t + c_ * t**2 + b_ * q] if c_ is not None else [])
        if layer == net.depth - 1:
            axes = "abijkl->ab" if net.readout == "pool" else "abijij->ab"
            count = np.prod(k.shape[2:4]) ** (2 if net.readout == "pool" else 1)
            means = [np.einsum(axes, part) / count for part in parts]
        else:
            means = [np.array([[averaged(part[a, b], net) for b in range(n)] for a in range(n)]) for part in parts]
        new = [var * means[0] + bias]
        new += [new[0] + var * means[1], *(var * mean for mean in means[2:])]
        if net.residual and layer < net.depth - 1:
            new = [fresh + old for fresh, old in zip(new, (k, t, q), strict=False)]
        k, t, q = new if len(new) == 3 else (*new, q)
    return np.array([k, t, q] if net.curved else [k, t])


def correlated(net: Conv, x: np.ndarray, rho: float) -> np.ndarray:
    """K_rho: covariance of the outputs of two networks whose parameters correlate by rho."""
    dual, var, bias, pairs = activation_of(net.activation, "twin"), net.weight_std**2, net.bias_std**2, range(len(x))
    k = np.einsum("ahwc,bklc->abhwkl", x, x) / x.shape[3]
    k = one = np.array([[var * averaged(k[a, b], net) + bias for b in pairs] for a in pairs])
    k = rho * k
    for layer in range(net.depth):
        own = np.einsum("aaijij->aij", one)
        sides = own[:, None, :, :, None, None], own[None, :, None, None]
        k_new, one_new = (dual.moments(now, *sides, empty(now), False).values for now in (k, one))
        if layer == net.depth - 1:
            axes = "abijkl->ab" if net.readout == "pool" else "abijij->ab"
            count = np.prod(k.shape[2:4]) ** (2 if net.readout == "pool" else 1)
            return rho * (var * np.einsum(axes, k_new) / count + bias)
        k_new, one_new = (
            np.array([[var * averaged(now[a, b], net) + bias for b in pairs] for a in pairs])
            for now in (k_new, one_new)
        )
        k, one = rho * k_new + net.residual * k, one_new + net.residual * one
    raise AssertionError


@pytest.mark.parametrize(
    "net", [Conv(2, "erf", 1.2, 0.3, residual=True), Conv(2, SIN, 1.2, 0.3, readout="pool")], ids=str
)
def test_kernels_are_derivatives_in_the_correlation_of_parameters(net: Conv) -> None:
    """K = K_rho, T = dK_rho / d rho and Q = d2K_rho / d rho2 at rho = 1."""
    x = np.random.default_rng(0).standard_normal((2, 3, 3, 2))
    k, t, q = net.covariances(x, curvature=True)
    np.testing.assert_allclose(correlated(net, x, 1.0), k, rtol=1e-12)
    first, second = derivatives(lambda rho: correlated(net, x, rho))
    np.testing.assert_allclose(first, t, rtol=1e-4, atol=1e-5)
    assert q is not None
    np.testing.assert_allclose(second, q, rtol=1e-4, atol=1e-4 * (np.abs(q).max() + k.max()))


TWINS = [
    Conv(2, residual=True),
    Conv(3, "relu", 1.3, 0.2, filter=2),
    Conv(2, "erf", filter=2, padding="VALID"),
    Conv(3, "erf", padding="CIRCULAR", readout="pool", residual=True),
    Conv(2, "linear", filter=2, padding="CIRCULAR"),
    Conv(1, "relu", readout="pool", padding="VALID"),
    Conv(2, SIN, readout="pool", filter=5),
]


@pytest.mark.parametrize("net", TWINS, ids=str)
def test_tiles_are_those_of_the_slow_twin(net: Conv, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).standard_normal((5, 3, 4, 2))
    expected = twin(net, x)
    for size in (conv._TILE, 48):
        monkeypatch.setattr(conv, "_TILE", size)
        found = net.covariances(x, curvature=True)
        np.testing.assert_allclose([part for part in found if part is not None], expected, rtol=1e-11, atol=1e-14)
        other = net.covariances(x, x[:3].copy(), curvature=True)
        np.testing.assert_allclose(
            [part for part in other if part is not None], expected[:, :, :3], rtol=1e-11, atol=1e-14
        )
    own = [part for part in net.diagonals(x, curvature=True) if part is not None]
    np.testing.assert_allclose(own, expected[:, np.arange(5), np.arange(5)], rtol=1e-11)


def scalar_relu(image: np.ndarray, depth: int, w: float, b: float) -> tuple[float, float]:
    """K and T of one image with itself, flattened, by scalars at positions: A = K/2 and B = 1/2."""

    def mean(values: np.ndarray) -> np.ndarray:
        padded = np.pad(values, 1)
        h, width = values.shape
        return sum(padded[i : i + h, j : j + width] for i in range(3) for j in range(3)) / 9

    k = t = w * mean(image**2) + b
    for _ in range(depth - 1):
        k, t = w * mean(k) / 2 + b, w * mean(k) / 2 + b + w * mean(t) / 2
    return w * k.mean() / 2 + b, w * k.mean() / 2 + b + w * t.mean() / 2


def test_relu_diagonals_are_exact() -> None:
    x = np.random.default_rng(0).standard_normal((20, 8, 8))
    k, t = Conv(3, "relu", 1.3, 0.2).kernels(x)
    expected = np.array([scalar_relu(image, 3, 1.3**2, 0.2**2) for image in x])
    np.testing.assert_allclose(np.diag(k), expected[:, 0], rtol=1e-13)
    np.testing.assert_allclose(np.diag(t), expected[:, 1], rtol=1e-12)


def test_pooled_relu_diagonals_are_exact() -> None:
    """A constant image, periodic: all positions are one, as in a dense network."""
    x = np.full((1, 4, 4), 1.7)
    expected = Dense(3, "relu", 1.3, 0.2).kernels(x[:, :1, 0])
    np.testing.assert_allclose(
        Conv(3, "relu", 1.3, 0.2, padding="CIRCULAR", readout="pool").kernels(x), expected, rtol=1e-12
    )


@pytest.mark.parametrize("readout", ["flatten", "pool"])
@pytest.mark.parametrize("activation", ["erf", "relu"])
def test_one_pixel_is_a_dense_network(readout: str, activation: str) -> None:
    """Channels of one pixel under a filter of one are the inputs of a dense network."""
    x = POINTS[:, None, None, :]
    net = Conv(3, activation, filter=1, readout=readout, residual=True)  # pyright: ignore
    for mine, theirs in zip(
        net.covariances(x, curvature=True),
        Dense(3, activation, residual=True).covariances(POINTS, curvature=True),
        strict=True,
    ):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12) if theirs is not None else None


@pytest.mark.parametrize("readout", ["flatten", "pool"])
@pytest.mark.parametrize("activation", ["erf", "relu", "linear"])
def test_positive_semi_definite_with_duplicates_and_zeros(readout: str, activation: str) -> None:
    x = np.random.default_rng(1).standard_normal((12, 6, 5))
    x = np.concatenate([x, x[:3], np.zeros((2, 6, 5))])
    found = Conv(2, activation, 1.4, 0.0, readout=readout).covariances(x, curvature=True)  # pyright: ignore
    for part in found:
        if part is not None:
            np.testing.assert_array_equal(part, part.T)
            assert np.linalg.eigvalsh(part).min() > -1e-12 * np.abs(part).max()
            np.testing.assert_allclose(part[:3], part[12:15], rtol=1e-11, atol=1e-14)
            assert not part[15:].any()


def test_permuted_channels_and_missing_axis_change_nothing() -> None:
    x = np.random.default_rng(0).standard_normal((3, 4, 4, 3))
    np.testing.assert_allclose(Conv(2).kernels(x), Conv(2).kernels(x[..., ::-1]), rtol=1e-12)
    np.testing.assert_array_equal(Conv(2).kernels(x[..., :1]), Conv(2).kernels(x[..., 0]))
    assert isinstance(Conv(2).covariances(x), Kernels)


@pytest.mark.parametrize(
    ("net", "x1", "x2", "message"),
    [
        (Conv(1), np.ones((2, 9)), None, r"images x1 of shape .* got \(2, 9\)"),
        (Conv(1), np.ones((2, 3, 3)), np.ones((2, 3, 4)), "one width"),
        (Conv(1), np.full((2, 3, 3), np.nan), None, "nan or infinite"),
        (Conv(1), np.full((2, 3, 3), "a"), None, "got text"),
        (Conv(2, padding="VALID"), np.ones((2, 4, 9)), None, "larger than 4 x 4, got 4 x 9"),
        (Conv(1, readout="pool"), np.ones((2, 224, 224)), None, r"needs .* GB of memory, more than 4 GB"),
    ],
)
def test_bad_images_are_refused(net: Conv, x1: Any, x2: Any, message: str) -> None:
    with pytest.raises(ip.InputError, match=message):
        net.kernels(x1, x2)


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"depth": 0}, "depth as a whole number, 1 or more"),
        ({"depth": 1, "filter": 0}, "filter as a whole number"),
        ({"depth": 1, "padding": "same"}, "padding as one of SAME, VALID, CIRCULAR"),
        ({"depth": 1, "readout": "max"}, "readout as one of flatten, pool"),
        ({"depth": 2, "padding": "VALID", "residual": True}, "sizes match"),
        ({"depth": 1, "weight_std": -0.1}, "weight_std as a standard deviation"),
        ({"depth": 1, "activation": "tanh"}, "no activation 'tanh'"),
    ],
)
def test_bad_settings_are_refused(settings_: dict, message: str) -> None:
    with pytest.raises(ip.InputError, match=message):
        Conv(**settings_)
