"""Networks of finite width approach the kernels, and their gradients are those of finite differences."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from infinite_networks import IMAGES, POINTS, SIN, SIN_FUNCTION, monte_carlo

import infoplane as ip
from infoplane.infinite import Conv, Dense, Dual
from infoplane.infinite.finite import Finite, draw

ACTIVATIONS = {
    "erf": ("erf", 1.5, 0.1),
    "relu": ("relu", 2**0.5, 0.3),
    "linear": ("linear", 1.0, 0.2),
    "sin": (SIN, 1.2, 0.4),
}
SMALL = IMAGES[:, :3, :4]


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize(
    "kind",
    [
        "dense",
        "SAME",
        "pool",
        pytest.param("VALID", marks=pytest.mark.slow),
        pytest.param("CIRCULAR", marks=pytest.mark.slow),
    ],
)
def test_wide_networks_have_the_kernels(kind: str, name: str, residual: bool) -> None:
    """The mean at width w is off by a/w + O(1/w^2): extrapolated from two widths, within 4.5 standard errors.

    Six distinct numbers in each of 36 cases: all pass by chance alone with probability 0.998.
    """
    if kind == "VALID" and residual:
        pytest.skip("layers change the size")
    settings = ACTIVATIONS[name]
    if kind == "dense":
        net, x = Dense(3, *settings, residual=residual), POINTS
    elif kind == "pool":
        net, x = Conv(2, *settings, readout="pool", residual=residual), SMALL
    else:
        x = SMALL if kind != "VALID" else IMAGES
        net = Conv(2, *settings, padding=kind, residual=residual)
    width, draws = (64, 400) if kind == "dense" else (24, 120)  # positions average, so that channels may be fewer
    mean, error = monte_carlo(net, x, width, draws, 0)
    wide, wide_error = monte_carlo(net, x, 2 * width, draws, 1)
    expected = np.stack(net.kernels(x))
    extrapolated, spread = 2 * wide - mean, np.hypot(2 * wide_error, error)
    assert (np.abs(extrapolated - expected) < 4.5 * spread + 1e-12).all()
    assert (spread < 0.08 * np.sqrt(expected[:, [[0], [1]], [[0], [1]]] * expected[:, [[0, 1]], [[0, 1]]])).all()


@pytest.mark.parametrize("net", [Dense(2, "erf"), Conv(2, "relu", 2**0.5)])
def test_the_tangent_kernel_settles_with_the_root_of_the_width(net: Dense | Conv) -> None:
    """Its standard deviation halves when the width grows fourfold, within a fifth (60 draws: 9% each)."""
    x = POINTS if isinstance(net, Dense) else SMALL
    spreads = [monte_carlo(net, x, width, 60, 2)[1][1, 0, 0] for width in (32, 128)]
    assert 0.5 * 0.7 < spreads[1] / spreads[0] < 0.5 * 1.4


@pytest.mark.parametrize(
    "net",
    [
        Dense(0, "erf"),
        Dense(3, "erf", residual=True),
        Dense(2, SIN),
        Conv(2, "erf", residual=True, filter=2),
        Conv(2, SIN, padding="VALID"),
        Conv(2, "erf", padding="CIRCULAR", readout="pool"),
    ],
)
def test_gradients_are_those_of_finite_differences(net: Dense | Conv) -> None:
    x = POINTS if isinstance(net, Dense) else IMAGES
    shape = x.shape[1:] if isinstance(net, Dense) else (5, 5, 1)
    finite = draw(net, 4, shape, seed=3, function=None if net.activation == "erf" else SIN_FUNCTION)
    rng = np.random.default_rng(0)
    turns = (
        [rng.standard_normal(w.shape) for w in finite.weights],
        [rng.standard_normal(b.shape) for b in finite.biases],
    )

    def moved(step: float) -> Finite:
        weights = [w + step * turn for w, turn in zip(finite.weights, turns[0], strict=True)]
        biases = [b + step * turn for b, turn in zip(finite.biases, turns[1], strict=True)]
        return dataclasses.replace(finite, weights=weights, biases=biases)

    slope = (moved(1e-5).outputs(x) - moved(-1e-5).outputs(x)) / 2e-5
    flat = [part.ravel() for pair in zip(turns[0][::-1], turns[1][::-1], strict=True) for part in pair]
    np.testing.assert_allclose(finite.jacobian(x) @ np.concatenate(flat), slope, rtol=1e-6, atol=1e-8)


def test_outputs_vary_as_the_kernel_says() -> None:
    net = Dense(1, "relu", 2**0.5, 0.3)
    rng = np.random.default_rng(4)
    outputs = np.array([draw(net, 32, (3,), seed=rng).outputs(POINTS) for _ in range(4000)])
    products = outputs[:, :, None] * outputs[:, None]
    error = products.std(axis=0) / np.sqrt(len(outputs))
    assert (np.abs(products.mean(axis=0) - net.kernels(POINTS)[0]) < 4 * error).all()  # exact at one hidden layer


@pytest.mark.parametrize("activation", ["erf", SIN])
def test_the_curvature_kernel_is_that_of_hessians(activation: str | Dual) -> None:
    """E tr(H H') over networks of one hidden layer, where it is exact at any width, within 4.5 standard errors."""
    net, width = Dense(1, activation, 1.2, 0.4), 6
    function = jax.scipy.special.erf if activation == "erf" else jnp.sin

    def output(parameters: jax.Array, x: jax.Array) -> jax.Array:
        into, inner, out, outer = jnp.split(parameters, [3 * width, 4 * width, 5 * width])
        hidden = function(1.2 / np.sqrt(3) * x @ into.reshape(3, width) + 0.4 * inner)
        return 1.2 / np.sqrt(width) * hidden @ out + 0.4 * outer[0]

    def products(parameters: jax.Array) -> jax.Array:
        hessians = jnp.stack([jax.hessian(output)(parameters, x) for x in jnp.asarray(POINTS, jnp.float32)])
        return jnp.einsum("aij,bij->ab", hessians, hessians)

    parameters = jax.random.normal(jax.random.key(0), (20_000, 5 * width + 1))
    found = np.asarray(jax.jit(lambda p: jax.lax.map(products, p, batch_size=500))(parameters), np.float64)
    expected = net.covariances(POINTS, curvature=True).curvature
    assert expected is not None
    error = found.std(axis=0) / np.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) - expected) < 4.5 * error).all()
    assert (error < 0.02 * expected.max()).all()


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ip.InputError, match="nonlinearity of the dual 'sin'"):
        draw(Dense(1, SIN), 4, (3,))
    with pytest.raises(ip.InputError, match="width"):
        draw(Dense(1), 0, (3,))
    with pytest.raises(ip.InputError, match=r"\(height, width, channels\)"):
        draw(Conv(1), 4, (3,))
    with pytest.raises(ip.InputError, match="one width"):
        draw(Dense(1), 4, (3,)).outputs(np.ones((2, 4)))
