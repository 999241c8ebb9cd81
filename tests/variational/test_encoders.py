"""Encoders: shapes, and that one input does not change what another becomes."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from infoplane import variational as v
from infoplane.variational.encoders import Encoder


def numbers(encoder: Encoder, shape: tuple[int, ...], outputs: int) -> int:
    """How many numbers are trained, without making them."""
    made = eqx.filter_eval_shape(encoder.build, shape, outputs, jr.key(0))
    return sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(eqx.filter(made, lambda a: hasattr(a, "shape"))))


def test_sizes_are_those_of_the_literature():
    assert numbers(v.Dense((1024, 1024)), (28, 28), 512) == 784 * 1024 + 1024 + 1024**2 + 1024 + 1024 * 512 + 512
    # 36.5 million numbers with the 10 classes of CIFAR-10: convolutions without biases there, and as here with them.
    assert numbers(v.WideResNet(28, 10), (32, 32, 3), 10) == pytest.approx(36.5e6, rel=0.005)


@pytest.mark.parametrize(
    ("encoder", "shape"),
    [(v.Dense((8, 8)), (5,)), (v.Dense(()), (4, 4)),
     *(pytest.param(one, size, marks=pytest.mark.slow) for one, size in
       ((v.Convolutional((4, 6)), (9, 8)), (v.Convolutional((4, 4, 4)), (12, 12, 3)),
        (v.WideResNet(16, 1), (8, 8, 3))))],
    ids=["dense", "linear", "convolutional", "convolutional with channels", "wide residual network"],
)  # fmt: skip
def test_one_input_does_not_change_another(encoder, shape):
    module = encoder.build(shape, 6, jr.key(1))
    x = jr.normal(jr.key(2), (3, *shape))
    found, alone = eqx.filter_jit(lambda module, x: (jax.vmap(module)(x), module(x[1])))(module, x)
    assert found.shape == (3, 6)
    assert jnp.isfinite(found).all()
    np.testing.assert_allclose(found[1], alone, rtol=1e-4, atol=1e-4)
    assert 0.05 < found.std() < 20  # initial weights keep sizes


@pytest.mark.slow
def test_a_convolution_is_that_of_the_library():
    """Two layers with odd sides between them, against Equinox's own convolution and a maximum of windows."""
    module = v.Convolutional((4, 5)).build((7, 6, 3), 2, jr.key(1))
    x = jr.normal(jr.key(2), (7, 6, 3))
    first, second = module.convolutions
    inside = np.asarray(jax.nn.relu(first(jnp.moveaxis(x, -1, 0))))[:, :6]
    pooled = inside.reshape(4, 3, 2, 3, 2).max(axis=(2, 4))
    expected = module.last(jax.nn.relu(second(jnp.asarray(pooled))).reshape(-1))
    np.testing.assert_allclose(module(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("weights", "variance"), [("he", 2 / 400), ("glorot", 2 / 1000)])
def test_initial_weights_have_the_variance_of_their_law(weights, variance):
    module = v.Dense((600,), weights).build((400,), 4, jr.key(0))
    first = np.asarray(jax.tree.leaves(module)[0])
    assert first.shape == (600, 400)
    kurtosis = 3.0 if weights == "he" else 1.8  # of a normal and of a uniform law
    relative = np.sqrt((kurtosis - 1) / first.size)
    assert first.var() == pytest.approx(variance, rel=4 * relative)
    assert np.abs(first).max() <= np.sqrt(3 * variance) * (np.inf if weights == "he" else 1 + 1e-6)


def test_a_large_residual_network_takes_a_batch():
    """Shapes alone: its 36 million numbers are not drawn, and nothing is computed."""
    module = eqx.filter_eval_shape(v.WideResNet(28, 10).build, (32, 32, 3), 20, jr.key(0))
    found = eqx.filter_eval_shape(lambda module, x: jax.vmap(module)(x), module, jnp.zeros((2, 32, 32, 3)))
    assert found.shape == (2, 20)
