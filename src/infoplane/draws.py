"""Initial weights of networks: said where a layer is made, drawn for many layers at once.

A generator of random numbers is long code, compiled for each of its calls: half a second a layer, where drawing a small
one takes a millisecond. With JAX's default generator the first numbers of a longer draw are those of a shorter one, so
that one draw serves layers of different sizes, and each gets the numbers that its key alone would give.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr

_SMALL = 2**14  # layers up to this share one draw; larger ones share theirs with those of more than a quarter
_GENERATORS = {
    "normal": jr.normal,
    "truncated": lambda key, shape: jr.truncated_normal(key, -2.0, 2.0, shape),
    "uniform": jr.uniform,
}


@dataclass(frozen=True, eq=False)
class Draw:
    """An array that is not drawn yet.

    Attributes:
        key: of its numbers.
        shape: of the array.
        scale: what N(0, 1) is multiplied with, or the edge of a uniform law around 0.
        law: "normal", "truncated" (a normal law without what lies beyond two deviations) or "uniform".
    """

    key: jax.Array
    shape: tuple[int, ...]
    scale: float
    law: str = "normal"

    @property
    def size(self) -> int:
        """How many numbers."""
        return math.prod(self.shape)

    def scaled(self, numbers: jax.Array) -> jax.Array:
        """The array of (at least ``size``,) numbers of its generator."""
        numbers = numbers[: self.size].reshape(self.shape)
        return numbers * (2 * self.scale) - self.scale if self.law == "uniform" else numbers * self.scale


def drawn(tree: Any) -> Any:
    """The tree with an array for each :class:`Draw`."""
    leaves, structure = jax.tree.flatten(tree)
    for law in _GENERATORS:
        for places in _groups({k: leaf for k, leaf in enumerate(leaves) if isinstance(leaf, Draw) and leaf.law == law}):
            for place, array in zip(places, _together([leaves[k] for k in places]), strict=True):
                leaves[place] = array
    return jax.tree.unflatten(structure, leaves)


def _groups(draws: dict[int, Draw]) -> Iterator[list[int]]:
    """Places of the draws that are made together, the largest first."""
    left = sorted(draws, key=lambda k: -draws[k].size)
    while left:
        largest = draws[left[0]].size
        more = 0 if largest <= _SMALL else largest / 4
        together = [k for k in left if draws[k].size > more]
        yield together
        left = left[len(together) :]


def _together(draws: Sequence[Draw]) -> list[jax.Array]:
    """Arrays of draws of one law, the largest first."""
    size, generator = draws[0].size, _GENERATORS[draws[0].law]
    rows = jax.vmap(lambda key: generator(key, (size,)))(jnp.stack([draw.key for draw in draws]))
    return [draw.scaled(row) for draw, row in zip(draws, rows, strict=True)]
