"""Activations of hidden layers: the function, the range of its values, and their floor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

ActivationName = Literal["tanh", "relu", "softsign", "softplus", "linear", "sigmoid", "elu", "swish", "abs"]


class Activation(NamedTuple):
    """One activation.

    Attributes:
        function: elementwise.
        range: the (low, high) of its values, or None where unbounded.
        floor: the smallest value where it is 0, else None: a quantiser's range then starts there.
    """

    function: Callable[[jax.Array], jax.Array]
    range: tuple[float, float] | None = None
    floor: float | None = None


ACTIVATIONS: dict[str, Activation] = {
    "tanh": Activation(jnp.tanh, (-1.0, 1.0)),
    "relu": Activation(jax.nn.relu, floor=0.0),
    "softsign": Activation(jax.nn.soft_sign, (-1.0, 1.0)),
    "softplus": Activation(jax.nn.softplus, floor=0.0),
    "sigmoid": Activation(jax.nn.sigmoid, (0.0, 1.0)),
    "linear": Activation(lambda z: z),
    "elu": Activation(jax.nn.elu),
    "swish": Activation(jax.nn.swish),
    "abs": Activation(jnp.abs, floor=0.0),
}
