"""Noise a network itself runs with, in training and in evaluation: then I(X;T) of its layers is finite and real."""

from __future__ import annotations

import abc
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

import jax
import jax.numpy as jnp

from ..channels import OwnNoise
from ..errors import InputError, nearest
from ..samples import is_real


@dataclass(frozen=True)
class Noise(abc.ABC):
    """Gaussian noise after some layers.

    Attributes:
        sigma: its standard deviation.
        layers: names of the layers that have it; all hidden ones if None.
        kind: how it enters.
    """

    sigma: float
    layers: tuple[str, ...] | None = None
    kind: ClassVar[Literal["additive", "multiplicative"]]

    def __post_init__(self) -> None:
        _check(self)

    @abc.abstractmethod
    def applied(self, values: jax.Array, normals: jax.Array) -> jax.Array:
        """(network, unit, sample) activations with their noise, made of as many standard normal numbers."""

    def own(self, certain: bool) -> OwnNoise:
        """What an estimator needs to know of it."""
        return OwnNoise(self.kind, self.sigma, certain)

    def __str__(self) -> str:
        return f"{self.kind} Gaussian, sigma {self.sigma:g}"


@dataclass(frozen=True)
class AdditiveNoise(Noise):
    """T_l = f(T_{l-1}) + N(0, sigma^2 I): a noisy network as in arXiv:1810.05728.

    Attributes: as :class:`~infoplane.networks.noise.Noise` has them.
    """

    kind: ClassVar[Literal["additive", "multiplicative"]] = "additive"

    def applied(self, values: jax.Array, normals: jax.Array) -> jax.Array:
        return values + self.sigma * normals


@dataclass(frozen=True)
class MultiplicativeNoise(Noise):
    """T_l = f(T_{l-1}) D with D ~ N(1, sigma^2), unit by unit: Gaussian dropout, as in arXiv:2303.00596.

    A unit that is 0 for some input has no noise there, and I(X;T) is then infinite.

    Attributes: as :class:`~infoplane.networks.noise.Noise` has them.
    """

    kind: ClassVar[Literal["additive", "multiplicative"]] = "multiplicative"

    def applied(self, values: jax.Array, normals: jax.Array) -> jax.Array:
        return values * (1.0 + self.sigma * normals)


def noisy_layers(noise: Noise, known: tuple[str, ...], output: str) -> frozenset[str]:
    """The layers that have the noise.

    Args:
        noise: of the network.
        known: names of its layers, the output last.
        output: kind of the output.

    Raises:
        InputError: a layer that is not there, or noise on probabilities.
    """
    if noise.layers is None:
        if len(known) == 1:
            raise InputError(f"{noise!r} goes after hidden layers, and this network has none; add one.")
        return frozenset(known[:-1])
    for name in noise.layers:
        if name not in known:
            raise InputError(f"The network has no layer {name!r} for {noise!r}; {nearest(name, known)}")
    if output == "softmax" and known[-1] in noise.layers:
        raise InputError(
            f"{type(noise).__name__} cannot go on the probabilities of a softmax; name hidden layers, or use "
            'MLP(..., output="linear").'
        )
    return frozenset(noise.layers)


def normals(keys: jax.Array, units: int, samples: int) -> jax.Array:
    """(network, units, samples) standard normal numbers, from one key a network."""
    return jax.vmap(lambda key: jax.random.normal(key, (units, samples), jnp.float32))(keys)


def _check(noise: Noise) -> None:
    who = type(noise).__name__
    if not is_real(noise.sigma) or not 0.0 < noise.sigma < float("inf"):
        raise InputError(f"{who}(sigma) needs a positive number, got {noise.sigma!r}.")
    object.__setattr__(noise, "sigma", float(noise.sigma))
    if noise.layers is None:
        return
    names = () if isinstance(noise.layers, str) or not isinstance(noise.layers, Iterable) else tuple(noise.layers)
    if not names or not all(isinstance(name, str) for name in names):
        raise InputError(f'{who}(layers) needs names such as ("hidden 1",), or None, got {noise.layers!r}.')
    object.__setattr__(noise, "layers", names)
