"""What linear layers with noise know of their input, of a part of it, and of a linear target, in closed form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import InputError
from .base import Law, check_information, check_number, check_whole, root
from .gaussian import JointNormal


@dataclass(frozen=True, eq=False)
class LinearLayer(Law):
    """A normal input X ~ N(0, S) and the layer T = W X + sigma Z of known weights, Z standard normal.

    I(X;T) = 1/2 ln det(1 + W S W' / sigma^2). X, T and a linear target are jointly normal, so what T knows of some
    inputs and of the target follows from covariances: Cov(T) = W S W' + sigma^2, Cov(X, T) = S W', and for
    Y = V X + noise, Cov(T, Y) = W S V'. Derived; deep linear networks are treated so in Saxe et al. 2018, On the
    information bottleneck theory of deep learning. Without sigma I(X;T) is infinite. Cost O((dx + dt)^3).

    Attributes:
        weights: (dt, dx) W, of all layers up to this one multiplied.
        sigma: standard deviation of the noise, above 0.
        covariance: (dx, dx) S, symmetric and positive definite; the identity if None.
    """

    weights: np.ndarray
    sigma: float
    covariance: np.ndarray | None = None

    def __post_init__(self) -> None:
        weights = np.array(self.weights, np.float64)
        object.__setattr__(self, "weights", weights)
        if weights.ndim != 2 or not weights.size or not np.isfinite(weights).all():
            raise InputError(f"{self.name} needs weights (units, inputs) of finite numbers, got {weights.shape}.")
        check_number(self.name, 0.0, math.inf, sigma=self.sigma)
        if self.input_covariance.shape != (self.dim_x, self.dim_x):
            raise InputError(
                f"{self.name} needs a covariance of shape {(self.dim_x, self.dim_x)} to fit its weights, got "
                f"{self.input_covariance.shape}."
            )
        self.inputs(range(self.dim_x))  # refuses what is no covariance

    @property
    def dim_x(self) -> int:
        return self.weights.shape[1]

    @property
    def dim_y(self) -> int:
        return self.weights.shape[0]

    @cached_property
    def input_covariance(self) -> np.ndarray:
        """(dx, dx) covariance of X."""
        return np.eye(self.dim_x) if self.covariance is None else np.array(self.covariance, np.float64)

    @property
    def layer_covariance(self) -> np.ndarray:
        """(dt, dt) covariance of T."""
        return self.weights @ self.input_covariance @ self.weights.T + self.sigma**2 * np.eye(self.dim_y)

    @property
    def mutual_information(self) -> float:
        return 0.5 * float(np.linalg.slogdet(self.layer_covariance / self.sigma**2)[1])

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.standard_normal((n, self.dim_x)) @ np.linalg.cholesky(self.input_covariance).T
        return x, x @ self.weights.T + self.sigma * rng.standard_normal((n, self.dim_y))

    def inputs(self, columns: Sequence[int]) -> JointNormal:
        """The law of some inputs and the layer; the other inputs are noise to them.

        Args:
            columns: which inputs, such as ``range(10)``.

        Raises:
            InputError: there are no such inputs, or ``covariance`` is none.
        """
        chosen = list(columns)
        if not chosen or len(set(chosen)) < len(chosen) or not set(chosen) <= set(range(self.dim_x)):
            raise InputError(f"{self.name} has the inputs 0 to {self.dim_x - 1}, each once, and not {chosen}.")
        cross = (self.input_covariance @ self.weights.T)[chosen]
        within = self.input_covariance[np.ix_(chosen, chosen)]
        return JointNormal(np.block([[within, cross], [cross.T, self.layer_covariance]]), len(chosen))

    def target(self, teacher: np.ndarray, noise: float) -> JointNormal:
        """The law of the layer and the target Y = V X + noise Z of the same input.

        Args:
            teacher: (dy, dx) V.
            noise: standard deviation of the target's own noise, above 0.

        Raises:
            InputError: a teacher of another number of inputs, or no such noise.
        """
        teacher = np.array(teacher, np.float64)
        check_number(self.name, 0.0, math.inf, noise=noise)
        if teacher.ndim != 2 or teacher.shape[1] != self.dim_x:
            raise InputError(f"{self.name} needs a teacher of shape (targets, {self.dim_x}), got {teacher.shape}.")
        cross = self.weights @ self.input_covariance @ teacher.T
        target = teacher @ self.input_covariance @ teacher.T + noise**2 * np.eye(len(teacher))
        return JointNormal(np.block([[self.layer_covariance, cross], [cross.T, target]]), self.dim_y)


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

    @cached_property
    def layer(self) -> LinearLayer:
        """The same with weights and noise that are known."""
        return LinearLayer(self.weights.T, self.sigma)

    @property
    def layer_covariance(self) -> np.ndarray:
        """(dim_y, dim_y) covariance of T."""
        return self.layer.layer_covariance

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
        return self.net.layer.inputs(range(self.first, self.last)).mutual_information

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
        return self.net.layer.target(self.weights.T, self.noise).mutual_information

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x, t = self.net.draw(n, rng)
        return t, x @ self.weights + self.noise * rng.standard_normal((n, self.columns))
