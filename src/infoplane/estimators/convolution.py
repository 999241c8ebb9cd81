"""A critic for pairs of images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from .critics import Critic, Parameters, Scores, positive, shifted
from .dense import Layers, dense, plain


@dataclass(frozen=True)
class Convolutional(Critic):
    """f(x, y) of two square images: convolutions down to 4 x 4 pixels on each side, then one network on both.

    A block is a 3 x 3 convolution, a maximum over 2 x 2 pixels and a leaky rectifier; sides of 8, 16, 32, ... pixels,
    flattened row by row. The architecture is that of a published comparison on synthetic images.

    Attributes:
        filters: of every convolution.
        hidden: width of the two layers on both sides together.
        negatives: wrong partners scored for every sample in training, eight times as many in evaluation.
    """

    images: ClassVar[bool] = True
    filters: int = 8
    hidden: int = 100
    negatives: int = 4

    def __post_init__(self) -> None:
        positive(self, "filters", "hidden", "negatives")

    def check(self, dim_x: int, dim_y: int) -> None:
        for dim in (dim_x, dim_y):
            side = math.isqrt(dim)
            if side * side != dim or side < 8 or side & (side - 1):
                raise InputError(
                    f"Convolutional takes square images of 8, 16, 32, ... pixels a side, flattened; {dim} columns are "
                    "none of these: use Separable() or Concatenated()."
                )

    def others(self, n: int, training: bool) -> int:
        return min(n - 1, self.negatives * (1 if training else 8))

    def initial(self, random: np.random.Generator, dim_x: int, dim_y: int) -> Parameters:
        features = 16 * self.filters
        return {
            "x": self._blocks(random, dim_x),
            "y": self._blocks(random, dim_y),
            "xy": dense(random, (2 * features, self.hidden, self.hidden, 1), last=0.1),
        }

    def _blocks(self, random: np.random.Generator, dim: int) -> list[Layers]:
        count = math.isqrt(dim).bit_length() - 3
        return [dense(random, (9 * (self.filters if i else 1), self.filters), last=1.4) for i in range(count)]

    def scores(self, p: Parameters, x: jax.Array, y: jax.Array, scale: Any, others: int) -> Scores:
        u, v = _seen(p["x"], x), _seen(p["y"], y)
        weights, offset = p["xy"][0]
        first, second = u @ weights[: u.shape[1]], v @ weights[u.shape[1] :]

        def pairs(shift: jax.Array) -> jax.Array:
            hidden = jax.nn.leaky_relu(first + jnp.roll(second, -shift, axis=0) + offset)
            return scale * plain(p["xy"][1:], hidden)[:, 0]

        return shifted(pairs, x.shape[0], others)


def _seen(blocks: list[Layers], x: jax.Array) -> jax.Array:
    """(n, 16 filters) features of (n, side * side) pixels."""
    n, side = x.shape[0], math.isqrt(x.shape[1])
    x = x.reshape(n, side, side, 1)
    for ((w, b),) in blocks:
        padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        moved = [padded[:, i : i + side, j : j + side] for i in range(3) for j in range(3)]
        x = jnp.concatenate(moved, axis=-1) @ w + b  # nine shifts and one product: batches of networks stay products
        side //= 2
        x = jax.nn.leaky_relu(x.reshape(n, side, 2, side, 2, -1).max(axis=(2, 4)))
    return x.reshape(n, -1)
