"""Critics: networks that score how well x and y belong together, the parts of the neural bounds.

A critic is a frozen set of settings with two functions: ``initial`` makes its parameters, ``scores`` evaluates them on
pairs that belong together and on pairs that do not. Its optimum is ln p(x, y) / (p(x) p(y)), up to a constant. With
``gaussian=True`` the network only corrects the closed form of that ratio for normal variables, so that training starts
at the Gaussian value and ends there where nothing else is to be found.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from ..samples import is_whole
from .dense import dense, plain, residual, with_norm

_LOWEST = -50.0  # sums of e^-50 are not 0 in single precision
Parameters = Any


class Scores(NamedTuple):
    """Scores of n true pairs and of pairs that do not belong together.

    Attributes:
        paired: (n,) f(x_i, y_i).
        table: (n, n) f(x_i, y_j); or (n, others) f(x_i, y_j) with j = i + shift.
        shifts: (others,) where the table has these; otherwise None.
    """

    paired: jax.Array
    table: jax.Array
    shifts: jax.Array | None = None

    @property
    def others(self) -> int:
        """How many wrong partners each sample was scored with."""
        return self.table.shape[1] - (self.shifts is None)

    def wrong_mean(self, function: Callable[[jax.Array], jax.Array]) -> jax.Array:
        """Mean of a function of the score over all wrong pairs."""
        return self._wrong(function(self.table)).sum() / (self.table.shape[0] * self.others)

    def log_means(self) -> tuple[jax.Array, jax.Array]:
        """(n,) ln of the mean of e^f over the wrong partners of every x, and of every y."""
        odds = self._wrong(jnp.exp(self.table))  # the scores are bounded: no overflow, no ln 0
        if self.shifts is None:
            sums = odds.sum(axis=1), odds.sum(axis=0)
        else:
            sums = odds.sum(axis=1), jax.vmap(jnp.roll)(odds.T, self.shifts).sum(axis=0)
        return jnp.log(sums[0] / self.others), jnp.log(sums[1] / self.others)

    def bounded(self, highest: jax.Array) -> Scores:
        """The scores between -50 and ``highest``."""
        return self._replace(
            paired=jnp.clip(self.paired, _LOWEST, highest), table=jnp.clip(self.table, _LOWEST, highest)
        )

    def _wrong(self, table: jax.Array) -> jax.Array:
        return jnp.where(jnp.eye(table.shape[0], dtype=bool), 0.0, table) if self.shifts is None else table


@dataclass(frozen=True)
class Critic(abc.ABC):
    """The interface of a critic.

    Attributes:
        images: it looks at raw pixels of square images; others see whitened, canonical coordinates.
        gaussian: it corrects the Gaussian log-ratio instead of starting from nothing.
    """

    images: ClassVar[bool] = False

    @property
    def gaussian(self) -> bool:
        return False

    def check(self, dim_x: int, dim_y: int) -> None:  # noqa: B027 - most take all widths
        """Refuse widths it cannot take.

        Raises:
            InputError: saying which it can.
        """

    def others(self, n: int, training: bool) -> int:
        """How many wrong partners each of n samples is scored with."""
        return n - 1

    @abc.abstractmethod
    def initial(self, random: np.random.Generator, dim_x: int, dim_y: int) -> Parameters:
        """Parameters of a fresh network."""

    @abc.abstractmethod
    def scores(self, p: Parameters, x: jax.Array, y: jax.Array, scale: Any, others: int) -> Scores:
        """Scores of (n, dim_x) and (n, dim_y); ``scale`` times the network is added to the base."""


@dataclass(frozen=True)
class Separable(Critic):
    """f(x, y) = base(x, y) + u(x) . v(y) + a(x) + b(y): all n^2 pairs for the price of one matrix product.

    Attributes:
        hidden: width of the two hidden layers of each side.
        features: length of u and v.
        gaussian: add the Gaussian log-ratio.
    """

    hidden: int = 64
    features: int = 32
    gaussian: bool = True  # pyright: ignore[reportIncompatibleMethodOverride]

    def __post_init__(self) -> None:
        positive(self, "hidden", "features")

    def initial(self, random: np.random.Generator, dim_x: int, dim_y: int) -> Parameters:
        widths = (self.hidden, self.hidden, self.features + 1)
        return {
            "x": dense(random, (dim_x + 1, *widths), last=0.1),
            "y": dense(random, (dim_y + 1, *widths), last=0.1),
            "tilt": np.zeros((3, min(dim_x, dim_y)), np.float32),
        }

    def scores(self, p: Parameters, x: jax.Array, y: jax.Array, scale: Any, others: int) -> Scores:
        u, v = residual(p["x"], with_norm(x)), residual(p["y"], with_norm(y))
        table = scale * (4.0 * u[:, 1:] @ v[:, 1:].T + u[:, :1] + v[:, 0])
        if self.gaussian:
            (cross, of_x, of_y), constant = _base(p, scale)
            x, y = x[:, : cross.size], y[:, : cross.size]
            table = table + (x * cross) @ y.T + (constant - x * x @ of_x)[:, None] - y * y @ of_y
        return Scores(jnp.diagonal(table), table)


@dataclass(frozen=True)
class Concatenated(Critic):
    """f(x, y) = base(x, y) + one network on x and y together: the most flexible, a network pass for every pair.

    Attributes:
        hidden: width of the hidden layers.
        layers: how many there are.
        negatives: wrong partners scored for every sample in training, eight times as many in evaluation.
        gaussian: add the Gaussian log-ratio.
    """

    hidden: int = 128
    layers: int = 2
    negatives: int = 4
    gaussian: bool = True  # pyright: ignore[reportIncompatibleMethodOverride]

    def __post_init__(self) -> None:
        positive(self, "hidden", "layers", "negatives")

    def others(self, n: int, training: bool) -> int:
        return min(n - 1, self.negatives * (1 if training else 8))

    def initial(self, random: np.random.Generator, dim_x: int, dim_y: int) -> Parameters:
        widths = (dim_x + dim_y, *[self.hidden] * self.layers, 1)
        return {"xy": dense(random, widths, last=0.1), "tilt": np.zeros((3, min(dim_x, dim_y)), np.float32)}

    def scores(self, p: Parameters, x: jax.Array, y: jax.Array, scale: Any, others: int) -> Scores:
        weights = p["xy"][0][0]
        first, second = x @ weights[: x.shape[1]], y @ weights[x.shape[1] :]  # once a sample, not once a pair

        def pairs(shift: jax.Array) -> jax.Array:
            partner = jnp.roll(second, -shift, axis=0)
            found = scale * plain(p["xy"][1:], jax.nn.leaky_relu(first + partner + p["xy"][0][1]))[:, 0]
            if self.gaussian:
                (cross, of_x, of_y), constant = _base(p, scale)
                a, b = x[:, : cross.size], jnp.roll(y, -shift, axis=0)[:, : cross.size]
                found = found + (a * b) @ cross - a * a @ of_x - b * b @ of_y + constant
            return found

        return shifted(pairs, x.shape[0], others)


def shifted(pairs: Any, n: int, others: int) -> Scores:
    """Scores with the partners 0, 1, ..., others places further on; ``pairs(shift)`` gives (n,) of them."""
    shifts = spread(n, others)
    table = jax.vmap(pairs)(jnp.concatenate([jnp.zeros(1, jnp.int32), shifts]))
    return Scores(table[0], table[1:].T, shifts)


def spread(n: int, others: int) -> jax.Array:
    """(others,) distinct shifts in 1..n-1, evenly apart."""
    return jnp.asarray(np.linspace(1, n - 1, others).round(), jnp.int32)


def gaussian_base(correlations: np.ndarray, width: int) -> np.ndarray:
    """(4, width) coefficients of x_i y_i, x_i^2, y_i^2 and 1 in ln p(x, y) / (p(x) p(y)) of normal variables.

    Args:
        correlations: (k,) canonical correlations, below 1.
        width: columns there are; those without a correlation get zeros.
    """
    found = np.zeros((4, width))
    within = 1.0 - correlations**2
    found[0, : correlations.size] = correlations / within
    found[1:3, : correlations.size] = correlations**2 / (2.0 * within)
    found[3, : correlations.size] = -0.5 * np.log(within)
    return found


def _base(p: Parameters, scale: Any) -> tuple[jax.Array, jax.Array]:
    """(3, width) coefficients of the base, which training may tilt, and its constant."""
    return p["base"][:3] * (1.0 + 0.2 * scale * p["tilt"]), p["base"][3].sum()


def positive(critic: Critic, *names: str) -> None:
    """Refuse a critic whose named settings are not whole numbers from 1 on."""
    for name in names:
        value = getattr(critic, name)
        if not is_whole(value) or value < 1:
            raise InputError(f"{type(critic).__name__} needs a positive whole number as {name}, got {value!r}.")
