"""What one neuron T = f(w X) of a normal input knows of it: in bins, in closed form; through noise, by quadrature."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from scipy.special import expit, logit, ndtr, xlogy

from ..errors import InputError, nearest
from ..samples import Kind
from .base import Law, check_number, check_whole

NeuronActivation = Literal["tanh", "softsign", "sigmoid", "relu", "softplus", "elu", "linear"]

_END = 9.5  # of the input, in standard deviations: 2e-21 of it lies beyond
_MOST = 1_000_000  # bins, or standard deviations of the noise, from one end of T to the other
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)  # of a panel
_PANEL = 0.25  # of the input: the widest panel
_HALVINGS = 24  # panels that close in on an end of the activation's range


class _Shape(NamedTuple):
    """A non-decreasing activation, what maps onto t, and its range.

    ``inverse(t)`` is the argument below which the activation stays below t: -inf where it never does, inf where it
    always does.
    """

    value: Callable[[np.ndarray], np.ndarray]
    inverse: Callable[[np.ndarray], np.ndarray]
    low: float = -math.inf
    high: float = math.inf


def _log_expm1(t: np.ndarray) -> np.ndarray:
    return t + np.log(-np.expm1(-t))


_SHAPES: dict[str, _Shape] = {
    "tanh": _Shape(np.tanh, np.arctanh, -1.0, 1.0),
    "softsign": _Shape(lambda u: u / (1.0 + np.abs(u)), lambda t: t / (1.0 - np.abs(t)), -1.0, 1.0),
    "sigmoid": _Shape(expit, logit, 0.0, 1.0),
    "relu": _Shape(lambda u: np.maximum(u, 0.0), lambda t: t, 0.0),
    "softplus": _Shape(lambda u: np.logaddexp(u, 0.0), _log_expm1, 0.0),
    "elu": _Shape(
        lambda u: np.where(u > 0.0, u, np.expm1(np.minimum(u, 0.0))),
        lambda t: np.where(t > 0.0, t, np.log1p(np.minimum(t, 0.0))),
        -1.0,
    ),
    "linear": _Shape(lambda u: u, lambda t: t),
}


@dataclass(frozen=True)
class BinnedNeuron(Law):
    """X standard normal, Y the bin of f(weight X) on one grid: I(X;Y) = H(Y), in closed form.

    The bin [a, b) has the probability Phi(g(b) / w) - Phi(g(a) / w), g the inverse of f. As the weight grows, tanh's H
    rises, then falls towards ln 2: compression by saturation, seen through bins. Bins of a fixed width follow ReLU as
    far as it goes, and H keeps rising. Derived; the example of Saxe et al. 2018, On the information bottleneck theory
    of deep learning, is of this kind.

    Attributes:
        weight: w, above 0.
        bins: of equal width on the range of a bounded activation; not used where a width is given.
        activation: f: "tanh", "softsign", "sigmoid", "relu", "softplus", "elu" or "linear".
        width: of bins that begin at the low end of the activation's range, 0 where it has none, and go on as far as
            values reach; None for ``bins``.
        relative: the width is in units of the standard deviation of f(w X), so that the scale of T does not matter.
    """

    weight: float = 1.0
    bins: int = 30
    activation: NeuronActivation = "tanh"
    width: float | None = None
    relative: bool = False
    dim_x = 1
    dim_y = 1
    kinds: ClassVar[tuple[Kind, Kind]] = ("continuous", "discrete")

    def __post_init__(self) -> None:
        shape = _shape(self.name, self.activation)
        check_number(self.name, 0.0, math.inf, weight=self.weight)
        check_whole(self.name, bins=self.bins)
        if self.width is not None:
            check_number(self.name, 0.0, math.inf, width=self.width)
        elif not math.isfinite(shape.high) or self.relative:
            why = "relative bins" if self.relative else f"{self.activation}, which has no end,"
            raise InputError(f"{self.name} needs a width for {why} and got none; pass width=0.07, say.")

    @cached_property
    def _walls(self) -> np.ndarray:
        """(number of bins - 1,) inner edges, as values of X; -inf where no value of T lies below the edge."""
        shape = _SHAPES[self.activation]
        if self.width is None:
            edges = np.linspace(shape.low, shape.high, self.bins + 1)[1:-1]
        else:
            width = self.width * (deviation(self.activation, self.weight) if self.relative else 1.0)
            start = shape.low if math.isfinite(shape.low) else 0.0
            ends = (shape.value(np.array([-_END, _END]) * self.weight) - start) / width
            if ends[1] - ends[0] > _MOST:
                raise InputError(
                    f"{self.name} would need {ends[1] - ends[0]:.2g} bins of width {width:.3g} for weight "
                    f"{self.weight:g}, and takes {_MOST:.0e} at most; use a larger width."
                )
            edges = start + width * np.arange(math.floor(ends[0]) + 1, math.floor(ends[1]) + 1)
        return _arguments(shape, edges) / self.weight

    @property
    def mutual_information(self) -> float:
        p = np.diff(ndtr(self._walls), prepend=0.0, append=1.0)
        return float(-xlogy(p, p).sum())

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.standard_normal((n, 1))
        return x, np.searchsorted(self._walls, x, side="right").astype(np.int64)


@dataclass(frozen=True)
class NoisyNeuron(Law):
    """X standard normal, Y = f(weight X) + sigma Z with normal noise: I = h(Y) - 1/2 ln(2 pi e sigma^2).

    The density of Y is an integral over X by Gauss-Legendre panels on which f changes by at most sigma, its entropy a
    sum over a grid of sigma / 2, both to about 1e-9 nats. For a linear neuron I = 1/2 ln(1 + (w / sigma)^2). Derived.

    Attributes:
        weight: w, above 0.
        sigma: standard deviation of the noise, above 0.
        activation: f, as of :class:`BinnedNeuron`.
        relative: sigma is in units of the standard deviation of f(w X).
    """

    weight: float = 1.0
    sigma: float = 0.1
    activation: NeuronActivation = "tanh"
    relative: bool = False
    dim_x = 1
    dim_y = 1

    def __post_init__(self) -> None:
        _shape(self.name, self.activation)
        check_number(self.name, 0.0, math.inf, weight=self.weight, sigma=self.sigma)
        span = float(np.ptp(self.activate(np.array([-_END, _END]))) / self.noise)
        if span > _MOST:
            raise InputError(
                f"{self.name} spans {span:.2g} standard deviations of its noise and takes {_MOST:.0e} at most; "
                "use a larger sigma."
            )

    @cached_property
    def noise(self) -> float:
        """Standard deviation of the noise, in units of Y."""
        return self.sigma * (deviation(self.activation, self.weight) if self.relative else 1.0)

    @property
    def mutual_information(self) -> float:
        return self._information

    @cached_property
    def _information(self) -> float:
        t, share = _spread(self.activation, self.weight, self.noise)
        t = t / self.noise
        place = np.rint(2.0 * t).astype(np.int64)
        first, reach = place.min() - 20, 20  # ten standard deviations of the noise on either side
        density = np.zeros(place.max() + 21 - first)
        for step in range(-reach, reach + 1):
            terms = share * np.exp(-0.5 * (0.5 * (place + step) - t) ** 2)
            density += np.bincount(place + step - first, terms, density.size)
        density /= math.sqrt(2.0 * math.pi)
        return float(-0.5 * xlogy(density, density).sum()) - 0.5 * math.log(2.0 * math.pi * math.e)

    def activate(self, x: np.ndarray) -> np.ndarray:
        """The neuron before its noise, of values of X."""
        return _SHAPES[self.activation].value(self.weight * np.asarray(x, np.float64))

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.standard_normal((n, 1))
        return x, self.activate(x) + self.noise * rng.standard_normal((n, 1))


def deviation(activation: NeuronActivation, weight: float) -> float:
    """Standard deviation of f(weight X) for standard normal X, by quadrature to about 1e-12 of it."""
    t, share = _spread(activation, weight, None)
    mean = share @ t
    return float(math.sqrt(share @ (t - mean) ** 2))


def _shape(who: str, activation: str) -> _Shape:
    if activation not in _SHAPES:
        raise InputError(f"{who} has no activation {activation!r}; {nearest(str(activation), list(_SHAPES))}")
    return _SHAPES[activation]


def _arguments(shape: _Shape, edges: np.ndarray) -> np.ndarray:
    """Where the activation reaches each edge; -inf at and below its low end, inf at and above its high end."""
    inside = (edges > shape.low) & (edges < shape.high)
    found = np.where(edges <= shape.low, -np.inf, np.inf)
    found[inside] = shape.inverse(edges[inside])
    return found


def _spread(activation: NeuronActivation, weight: float, step: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Values of f(weight X) and their probabilities, for integrals of what is smooth on a scale of ``step``.

    Panels are narrow where the density of X, f near an end of its range, or f beside ``step`` changes.
    """
    shape = _SHAPES[activation]
    low, high = shape.value(np.array([-_END, _END]) * weight)
    scale = 1.0 if step is None else step
    closing = scale * 0.5 ** np.arange(_HALVINGS)
    levels = [low + closing, high - closing]
    if step is not None:
        levels.append(np.arange(low, high, step))
    walls = _arguments(shape, np.concatenate(levels)) / weight
    bends = np.outer([-1.0, 1.0], 2.0 ** np.arange(-6, 7)).ravel() / weight  # f changes its shape about 0
    even = np.linspace(-_END, _END, 2 * math.ceil(_END / _PANEL) + 1)
    ends = np.unique(np.concatenate([walls, bends, even]))
    ends = ends[(ends >= -_END) & (ends <= _END)]
    half = 0.5 * np.diff(ends)[:, None]
    x = (0.5 * (ends[1:] + ends[:-1])[:, None] + half * _NODES).ravel()
    share = (half * _WEIGHTS).ravel() * np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    return shape.value(weight * x), share
