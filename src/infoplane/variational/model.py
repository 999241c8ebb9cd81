"""The network of every objective: an encoder, a classifier, the priors that rates are measured with, and a read-out."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr

from ..draws import Draw, drawn
from .encoders import Encoder


class Gaussians(NamedTuple):
    """Normal laws with diagonal covariances.

    Attributes:
        mean: (..., latent).
        scale: (..., latent) standard deviations, positive.
    """

    mean: Any
    scale: Any


class Spread(NamedTuple):
    """How a scale is made of an unbounded number: least + softplus(number + offset).

    Attributes:
        offset: -5 for VIB as published, so that training begins with little noise; 0 for the dual.
        least: 0 for VIB, 1e-3 for the dual.
    """

    offset: float = -5.0
    least: float = 1e-3

    def __call__(self, numbers: jax.Array) -> jax.Array:
        """Scales."""
        return self.least + jax.nn.softplus(numbers + self.offset)


class Model(eqx.Module):
    """Everything that is trained.

    Attributes:
        encoder: from one input to 2 x latent numbers.
        classifier: c(y|z), part of the objective.
        readout: a second classifier of the same form, trained by cross-entropy on z as it is, without a say in what z
            becomes: I(Z;Y) is read through it where the objective's own classifier is no p(y|z).
        conditional: b(z|y), (classes, latent) means and numbers of the scales.
        marginal: m(z), (latent,) means and numbers of the scales; used where it is trained.
        shared: number of the scale that all inputs share, where they do.
    """

    encoder: eqx.Module
    classifier: eqx.nn.Linear
    readout: eqx.nn.Linear
    conditional: tuple[jax.Array, jax.Array]
    marginal: tuple[jax.Array, jax.Array]
    shared: jax.Array
    spread: Spread = eqx.field(static=True)

    def encode(self, x: jax.Array) -> Gaussians:
        """The laws of z of (n, ...) inputs."""
        mean, numbers = jnp.split(jax.vmap(self.encoder)(x), 2, axis=-1)  # type: ignore[arg-type]
        return Gaussians(mean, self.spread(numbers))

    def conditionals(self) -> Gaussians:
        """The classes' laws of z, (classes, latent)."""
        mean, numbers = self.conditional
        return Gaussians(mean, _prior_scale(numbers))

    def shared_scale(self) -> jax.Array:
        """The one scale of z, a number."""
        return _prior_scale(self.shared)

    def marginals(self) -> Gaussians:
        """The trained law of z, (latent,)."""
        mean, numbers = self.marginal
        return Gaussians(mean, _prior_scale(numbers))


def build(encoder: Encoder, shape: tuple[int, ...], classes: int, latent: int, spread: Spread, key: jax.Array) -> Model:
    """A model before training; priors start as the standard normal law."""
    keys = jr.split(key, 4)
    layers = [_library_linear(latent, classes, *pair) for pair in jax.vmap(jr.split)(keys[1:3])]
    # A little apart, so that classes do not move as one.
    classifier, readout, centres = drawn((*layers, Draw(keys[3], (classes, latent), 0.01)))
    one = jnp.log(jnp.expm1(jnp.float32(1.0)))  # softplus of it is 1; of a type of its own, or all compiles twice
    return Model(
        encoder.build(shape, 2 * latent, keys[0]),
        classifier,
        readout,
        (centres, jnp.full((classes, latent), one)),
        (jnp.zeros(latent), jnp.full(latent, one)),
        one,
        spread,
    )


def _library_linear(inputs: int, outputs: int, of_weight: jax.Array, of_bias: jax.Array) -> eqx.nn.Linear:
    """As the library makes it, all numbers uniform below 1 / sqrt(inputs), but not drawn yet."""
    layer = eqx.filter_eval_shape(eqx.nn.Linear, inputs, outputs, key=of_weight)
    edge = 1 / math.sqrt(inputs)
    replacements = Draw(of_weight, (outputs, inputs), edge, "uniform"), Draw(of_bias, (outputs,), edge, "uniform")
    return eqx.tree_at(lambda m: (m.weight, m.bias), layer, replacements)


def _prior_scale(numbers: jax.Array) -> jax.Array:
    return 1e-2 + jax.nn.softplus(numbers)
