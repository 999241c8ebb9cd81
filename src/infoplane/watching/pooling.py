"""How the output of a layer, of any shape, becomes rows of numbers: one row a sample, or one a token.

A pooled layer is another random variable than the layer, so its pooling is part of the name of what is measured. To add
one, write a frozen dataclass with ``of`` and ``words`` beside these.
"""

from __future__ import annotations

import abc
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..errors import InputError
from ..samples import whole

Like = Callable[[np.ndarray], Any]  # makes an array of the framework at hand from one of NumPy


@dataclass(frozen=True)
class Pooling(abc.ABC):
    """From a layer's output (n, ...) to (n, d)."""

    @property
    @abc.abstractmethod
    def words(self) -> str:
        """What T then is, for the name of the quantity; empty where it is all of the layer."""

    @abc.abstractmethod
    def of(self, values: Any, like: Like) -> Any:
        """(n, d) rows of (n, ...) values: NumPy, JAX or torch, as they come.

        Raises:
            InputError: values of a shape that this pooling does not fit.
        """

    @property
    def noise_scale(self) -> Callable[[tuple[int, ...]], float | None]:
        """By the shape (...) of one sample: what independent Gaussian noise of every number becomes in every column,
        as a share of its deviation; None where columns would share noise."""
        return lambda shape: 1.0

    def _needs(self, values: Any, axes: int, what: str) -> None:
        if len(values.shape) < axes:
            raise InputError(
                f"{self} needs {what}, got the shape {tuple(values.shape)}; use Flatten() for this layer, or name "
                "others."
            )


@dataclass(frozen=True)
class Flatten(Pooling):
    """Every number of the layer: (n, ...) becomes (n, product)."""

    @property
    def words(self) -> str:
        return ""

    def of(self, values: Any, like: Like) -> Any:
        return values.reshape(values.shape[0], -1)


@dataclass(frozen=True)
class SpatialMean(Pooling):
    """Mean over positions, channel by channel: (n, channels, height, width) becomes (n, channels).

    Attributes:
        channels: "first", as in PyTorch, or "last", as in JAX.
    """

    channels: Literal["first", "last"] = "first"

    def __post_init__(self) -> None:
        _one_of(self, "channels", self.channels, ("first", "last"))

    @property
    def words(self) -> str:
        return "spatial mean"

    def of(self, values: Any, like: Like) -> Any:
        self._needs(values, 3, "a layer with positions, (n, channels, ...)")
        n, channels = values.shape[0], values.shape[1 if self.channels == "first" else -1]
        if self.channels == "first":
            return values.reshape(n, channels, -1).mean(2)
        return values.reshape(n, -1, channels).mean(1)

    @property
    def noise_scale(self) -> Callable[[tuple[int, ...]], float | None]:
        first = self.channels == "first"
        return lambda shape: float(np.prod(shape[1:] if first else shape[:-1])) ** -0.5


@dataclass(frozen=True)
class Token(Pooling):
    """One row a sequence: (n, tokens, d) becomes (n, d).

    Attributes:
        which: "first" (a class token), "last" or "mean". Where sequences are padded, the last token and the mean are
            those of the padded sequence.
    """

    which: Literal["first", "last", "mean"] = "first"

    def __post_init__(self) -> None:
        _one_of(self, "which", self.which, ("first", "last", "mean"))

    @property
    def words(self) -> str:
        return "mean over tokens" if self.which == "mean" else f"{self.which} token"

    def of(self, values: Any, like: Like) -> Any:
        self._needs(values, 3, "a layer of tokens, (n, tokens, d)")
        rows = values.mean(1) if self.which == "mean" else values[:, 0 if self.which == "first" else -1]
        return rows.reshape(rows.shape[0], -1)

    @property
    def noise_scale(self) -> Callable[[tuple[int, ...]], float | None]:
        return (lambda shape: float(shape[0]) ** -0.5) if self.which == "mean" else (lambda shape: 1.0)


@dataclass(frozen=True)
class EachToken(Pooling):
    """One row a token: (n, tokens, d) becomes (n tokens, d); tokens of one sequence are not independent samples.

    All watched layers must then have as many tokens. The recording keeps which rows belong to one sequence, and a plane
    shuffles and subsamples whole sequences.
    """

    @property
    def words(self) -> str:
        return "each token a sample"

    def of(self, values: Any, like: Like) -> Any:
        self._needs(values, 3, "a layer of tokens, (n, tokens, d)")
        return values.reshape(values.shape[0] * values.shape[1], -1)


@dataclass(frozen=True)
class Projection(Pooling):
    """A random projection on orthonormal directions: (n, ...) becomes (n, dim), the same directions in all snapshots.

    It keeps a random part of what the layer knows. Independent noise stays independent, of the same deviation.

    Attributes:
        dim: columns; a layer with no more is flattened and left as it is.
        seed: of the directions.
    """

    dim: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        whole(self.dim, "Projection's dim", low=1)
        whole(self.seed, "Projection's seed")

    @property
    def words(self) -> str:
        return f"random projection to {self.dim}"

    def of(self, values: Any, like: Like) -> Any:
        flat = values.reshape(values.shape[0], -1)
        if flat.shape[1] <= self.dim:
            return flat
        return flat @ like(_directions(int(flat.shape[1]), self.dim, self.seed))


@functools.lru_cache(maxsize=64)
def _directions(columns: int, dim: int, seed: int) -> np.ndarray:
    """(columns, dim) orthonormal directions, uniform over all such frames."""
    gaussian = np.random.default_rng([seed, columns, dim]).standard_normal((columns, dim))
    q, r = np.linalg.qr(gaussian)
    return (q * np.sign(np.diag(r))).astype(np.float32)


def _one_of(who: Pooling, name: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"{type(who).__name__}({name}) takes {' or '.join(map(repr, known))}, got {value!r}.")
