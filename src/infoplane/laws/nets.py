"""What layers of small networks know, in closed form: linear layers with noise, and one neuron in bins."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from scipy.special import ndtr, xlogy

from ..errors import InputError
from ..samples import Kind
from .base import Law, check_information, check_number, check_whole, root
from .gaussian import information_of_covariance


@dataclass(frozen=True)
class LinearNet(Law):
    """The input X and the layer T = W X + sigma Z of a random linear network: I(X;T) = 1/2 ln det(1 + W W' / sigma^2).

    X and Z are standard normal, the entries of W normal of variance 1 / dim_x; sigma is solved for. :meth:`part` has
    I of some inputs and the layer, the others being noise; :meth:`target` has I(T;Y) for a linear target Y. So the
    picture of relevant and irrelevant inputs during training has a closed form.

    Attributes:
        mi: I(X;T) in nats, above 0, at most 10 for each of min(dim_x, dim_y).
        dim_x: inputs.
        dim_y: units of the layer.
        key: fixes W.
    """

    mi: float = 1.0
    dim_x: int = 8
    dim_y: int = 4
    key: int = 0

    def __post_init__(self) -> None:
        check_whole(self.name, dim_x=self.dim_x, dim_y=self.dim_y)
        check_whole(self.name, 0, key=self.key)
        most = 10.0 * min(self.dim_x, self.dim_y)
        check_information(self.name, self.mi, 1e-6, most, "independence needs infinite noise")

    @property
    def mutual_information(self) -> float:
        return float(self.mi)

    @cached_property
    def weights(self) -> np.ndarray:
        """(dim_x, dim_y) W', to multiply rows of X from the right."""
        return np.random.default_rng([self.key, 10]).standard_normal((self.dim_x, self.dim_y)) / math.sqrt(self.dim_x)

    @cached_property
    def sigma(self) -> float:
        """Standard deviation of the layer's noise."""
        power = np.linalg.svd(self.weights, compute_uv=False) ** 2
        return math.exp(root(lambda s: 0.5 * float(np.log1p(power * math.exp(-2 * s)).sum()) - self.mi, -60.0, 20.0))

    @property
    def layer_covariance(self) -> np.ndarray:
        """(dim_y, dim_y) covariance of T."""
        return self.weights.T @ self.weights + self.sigma**2 * np.eye(self.dim_y)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.standard_normal((n, self.dim_x))
        return x, x @ self.weights + self.sigma * rng.standard_normal((n, self.dim_y))

    def part(self, first: int, last: int) -> LinearNetPart:
        """The law of inputs first, ..., last - 1 and the layer: same seed, same samples."""
        return LinearNetPart(self, first, last)

    def target(self, columns: int = 1, noise: float = 0.1, key: int = 0) -> LinearNetTarget:
        """The law of the layer and a random linear target of the input: same seed, same layer."""
        return LinearNetTarget(self, columns, noise, key)


@dataclass(frozen=True)
class LinearNetPart(Law):
    """Inputs first, ..., last - 1 of a linear network, and its layer; the other inputs are noise to them.

    Attributes:
        net: the network.
        first: its first input that counts.
        last: its first input after them.
    """

    net: LinearNet
    first: int
    last: int

    def __post_init__(self) -> None:
        check_whole(self.name, 0, first=self.first, last=self.last)
        if not self.first < self.last <= self.net.dim_x:
            raise InputError(
                f"{self.name} needs inputs first < last <= {self.net.dim_x}, got {self.first} and {self.last}."
            )

    @property
    def dim_x(self) -> int:
        return self.last - self.first

    @property
    def dim_y(self) -> int:
        return self.net.dim_y

    @property
    def mutual_information(self) -> float:
        mine = self.net.weights[self.first : self.last]
        covariance = np.block([[np.eye(self.dim_x), mine], [mine.T, self.net.layer_covariance]])
        return information_of_covariance(covariance, self.dim_x)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x, t = self.net.draw(n, rng)
        return x[:, self.first : self.last], t


@dataclass(frozen=True)
class LinearNetTarget(Law):
    """The layer T of a linear network and a target Y = V X + noise of the same input: what T knows of Y.

    The entries of V are normal of variance 1 / inputs; the covariance of T and Y is W V'.

    Attributes:
        net: the network.
        columns: of Y.
        noise: standard deviation of Y's own noise, above 0.
        key: fixes V.
    """

    net: LinearNet
    columns: int = 1
    noise: float = 0.1
    key: int = 0

    def __post_init__(self) -> None:
        check_whole(self.name, columns=self.columns)
        check_whole(self.name, 0, key=self.key)
        check_number(self.name, 0.0, math.inf, noise=self.noise)

    @property
    def dim_x(self) -> int:
        return self.net.dim_y

    @property
    def dim_y(self) -> int:
        return self.columns

    @property
    def weights(self) -> np.ndarray:
        """(inputs, columns) V'."""
        shape = (self.net.dim_x, self.columns)
        return np.random.default_rng([self.key, 11]).standard_normal(shape) / math.sqrt(self.net.dim_x)

    @property
    def mutual_information(self) -> float:
        cross = self.net.weights.T @ self.weights
        target = self.weights.T @ self.weights + self.noise**2 * np.eye(self.columns)
        covariance = np.block([[self.net.layer_covariance, cross], [cross.T, target]])
        return information_of_covariance(covariance, self.dim_x)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x, t = self.net.draw(n, rng)
        return t, x @ self.weights + self.noise * rng.standard_normal((n, self.columns))


@dataclass(frozen=True)
class BinnedNeuron(Law):
    """X standard normal, Y the bin of tanh(weight X), bins of equal width on [-1, 1]: I(X;Y) = H(Y), in closed form.

    p_i = Phi(atanh(e_{i+1}) / w) - Phi(atanh(e_i) / w) for edges e_i. As the weight grows H rises, then falls towards
    ln 2: compression by saturation, seen through bins.

    Attributes:
        weight: w, above 0.
        bins: on [-1, 1].
    """

    weight: float = 1.0
    bins: int = 30
    dim_x = 1
    dim_y = 1
    kinds: ClassVar[tuple[Kind, Kind]] = ("continuous", "discrete")

    def __post_init__(self) -> None:
        check_number(self.name, 0.0, math.inf, weight=self.weight)
        check_whole(self.name, bins=self.bins)

    @property
    def _walls(self) -> np.ndarray:
        """(bins - 1,) inner edges, as values of X."""
        return np.arctanh(np.linspace(-1.0, 1.0, self.bins + 1)[1:-1]) / self.weight

    @property
    def mutual_information(self) -> float:
        p = np.diff(ndtr(self._walls), prepend=0.0, append=1.0)
        return float(-xlogy(p, p).sum())

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.standard_normal((n, 1))
        return x, np.searchsorted(self._walls, x).astype(np.int64)
