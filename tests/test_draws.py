"""Arrays that are drawn together: each array is what its key alone would give."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from infoplane import variational as v
from infoplane.draws import Draw, drawn
from infoplane.variational.model import build

SHAPES = [(3,), (4, 5), (200, 100), (300, 100), (700, 300), (1,)]


@pytest.mark.parametrize("jitted", [False, True])
def test_each_array_is_that_of_its_own_key(jitted: bool) -> None:
    def made(key: jax.Array) -> dict[str, jax.Array]:
        keys = jr.split(key, 2 * len(SHAPES))
        normal = {f"normal {s}": Draw(k, s, 0.5) for k, s in zip(keys, SHAPES, strict=False)}
        truncated = {f"truncated {s}": Draw(k, s, 0.5, "truncated") for k, s in zip(keys, SHAPES, strict=False)}
        uniform = {f"uniform {s}": Draw(k, s, 0.2, "uniform") for k, s in zip(keys[len(SHAPES) :], SHAPES, strict=True)}
        return drawn({**normal, **truncated, **uniform, "zeros": jnp.zeros(3)})

    found = (jax.jit(made) if jitted else made)(jr.key(7))
    keys = jr.split(jr.key(7), 2 * len(SHAPES))
    for k, shape in enumerate(SHAPES):
        alone = 0.5 * jr.normal(keys[k], shape)
        np.testing.assert_allclose(found[f"normal {shape}"], alone, rtol=1e-6)
        alone = 0.5 * jr.truncated_normal(keys[k], -2.0, 2.0, shape)
        np.testing.assert_allclose(found[f"truncated {shape}"], alone, rtol=1e-6)
        alone = jr.uniform(keys[len(SHAPES) + k], shape, minval=-0.2, maxval=0.2)
        np.testing.assert_allclose(found[f"uniform {shape}"], alone, rtol=1e-6, atol=1e-7)
    assert (found["zeros"] == 0).all()


def test_networks_side_by_side_have_numbers_of_their_own() -> None:
    keys = jr.split(jr.key(1), 3)
    found = jax.vmap(lambda key: drawn([Draw(key, (2, 3), 1.0)]))(keys)[0]
    for row, key in zip(found, keys, strict=True):
        np.testing.assert_allclose(row, jr.normal(key, (2, 3)), rtol=1e-6)


def test_as_the_library_makes_them() -> None:
    """The layers behind the encoder have the library's own numbers, though it does not draw them."""
    made = build(v.Dense((4,)), (3,), 5, 2, jax.nn.softplus, jr.key(2))  # pyright: ignore
    keys = jr.split(jr.key(2), 4)
    for layer, key in ((made.classifier, keys[1]), (made.readout, keys[2])):
        for ours, theirs in zip(jax.tree.leaves(layer), jax.tree.leaves(eqx.nn.Linear(2, 5, key=key)), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)


def test_generators_are_few() -> None:
    """Each costs half a second to compile: two for all layers of a narrow network, more where sizes lie far apart."""

    def generators(encoder: v.WideResNet) -> int:
        traced = jax.make_jaxpr(lambda key: eqx.filter(encoder.build((8, 8, 3), 4, key), eqx.is_array))(jr.key(0))
        return str(traced).count("= random_bits[")

    assert 0 < generators(v.WideResNet(34, 1)) <= 2
    assert 0 < generators(v.WideResNet(10, 4)) <= 5
