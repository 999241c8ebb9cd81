"""Laws with classes: a label of continuous data, clean, noisy or from overlapping classes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from scipy.special import xlogy

from ..samples import Kind
from .base import Law, check_information, check_whole, root
from .normal import rotation


@dataclass(frozen=True)
class UniformLabels(Law):
    """X uniform on the unit cube, Y = floor(classes * x_1): I = ln(classes), all the label holds.

    Attributes:
        classes: how many labels.
        dim_x: columns of X; all but the first are irrelevant.
    """

    classes: int = 8
    dim_x: int = 1
    dim_y = 1
    kinds: ClassVar[tuple[Kind, Kind]] = ("continuous", "discrete")

    def __post_init__(self) -> None:
        check_whole(self.name, classes=self.classes, dim_x=self.dim_x)

    @property
    def mutual_information(self) -> float:
        return math.log(self.classes)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.random((n, self.dim_x))
        return x, np.floor(self.classes * x[:, :1]).astype(np.int64)


@dataclass(frozen=True)
class QuantizedUniform(Law):
    """X uniform on (0, 1), Y = floor(X / width): equal cells and a last smaller one, so that H(Y) = I is any number.

    With m = floor(exp(mi)) cells of that width, I = -m w ln w - (1 - m w) ln(1 - m w), which falls from ln(m + 1) to
    ln m over w in [1/(m+1), 1/m]. Below ln 2 the second class is a rare event.

    Attributes:
        mi: I(X;Y) = H(Y) in nats, at most 10 (22,026 classes).
    """

    mi: float = 1.0
    dim_x = 1
    dim_y = 1
    kinds: ClassVar[tuple[Kind, Kind]] = ("continuous", "discrete")

    def __post_init__(self) -> None:
        check_information(self.name, self.mi, high=10.0)

    @property
    def mutual_information(self) -> float:
        return float(self.mi)

    @cached_property
    def width(self) -> float:
        """Width of a full cell."""
        m = math.floor(math.exp(self.mi) * (1 + 1e-12))  # exp(ln 8) may come out below 8
        if self.mi - math.log(m) < 1e-12:
            return 1.0 / m

        def excess(width: float) -> float:
            rest = max(1.0 - m * width, 0.0)
            return float(-m * xlogy(width, width) - xlogy(rest, rest)) - self.mi

        return root(excess, 1.0 / (m + 1), 1.0 / m)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.random((n, 1))
        return x, np.floor(x / self.width).astype(np.int64)


@dataclass(frozen=True)
class SymmetricChannel(Law):
    """X a uniform label, Y the same with probability 1 - e and any other label otherwise, alike likely.

    I = ln K - H2(e) - e ln(K - 1) for K classes, solved for e in [0, 1 - 1/K].

    Attributes:
        mi: I(X;Y) in nats, at most ln(classes).
        classes: how many labels, 2 or more.
    """

    mi: float = 0.5
    classes: int = 8
    dim_x = 1
    dim_y = 1
    kinds: ClassVar[tuple[Kind, Kind]] = ("discrete", "discrete")

    def __post_init__(self) -> None:
        check_whole(self.name, 2, classes=self.classes)
        check_information(self.name, self.mi, high=math.log(self.classes), why="ln(classes) is the most a label holds")

    @property
    def mutual_information(self) -> float:
        return float(self.mi)

    @cached_property
    def error(self) -> float:
        """Probability e of a wrong label."""
        k = self.classes
        most = 1.0 - 1.0 / k
        if self.mi == 0 or math.log(k) - self.mi < 1e-12:
            return most if self.mi == 0 else 0.0
        return root(lambda e: symmetric_information(e, k) - self.mi, 0.0, most)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.integers(self.classes, size=(n, 1))
        return x, self.spoil(x, rng)

    def spoil(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Labels after the channel."""
        wrong = rng.random(labels.shape) < self.error
        return (labels + wrong * rng.integers(1, self.classes, size=labels.shape)) % self.classes


@dataclass(frozen=True)
class NoisyLabels(Law):
    """X uniform on the unit cube, Y = floor(classes * x_1) through a symmetric channel: I = ln K - H2(e) - e ln(K - 1).

    Attributes:
        mi: I(X;Y) in nats, at most ln(classes).
        classes: how many labels, 2 or more.
        dim_x: columns of X; all but the first are irrelevant.
    """

    mi: float = 0.5
    classes: int = 8
    dim_x: int = 1
    dim_y = 1
    kinds: ClassVar[tuple[Kind, Kind]] = ("continuous", "discrete")

    def __post_init__(self) -> None:
        check_whole(self.name, dim_x=self.dim_x)
        check_whole(self.name, 2, classes=self.classes)
        check_information(self.name, self.mi, high=math.log(self.classes), why="ln(classes) is the most a label holds")

    @property
    def mutual_information(self) -> float:
        return float(self.mi)

    @cached_property
    def channel(self) -> SymmetricChannel:
        """From clean labels to these."""
        return SymmetricChannel(self.mi, self.classes)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.random((n, self.dim_x))
        return x, self.channel.spoil(np.floor(self.classes * x[:, :1]).astype(np.int64), rng)


@dataclass(frozen=True)
class NormalClasses(Law):
    """Y a uniform label, X given Y normal of unit covariance about a centre; centres stand evenly on a line.

    I = H(Y) - E H(Y | x) is an integral over that line, by the trapezoid rule (errors below 1e-10 for sums of normal
    densities), solved for the distance of the centres. Classes that overlap, as those of a trained network do.

    Attributes:
        mi: I(X;Y) in nats, below ln(classes).
        classes: how many labels, 2 or more.
        dim_x: columns of X.
        rotated: turn the line in a random direction, from ``key``; otherwise it is the first column.
        key: fixes the direction.
    """

    mi: float = 0.5
    classes: int = 2
    dim_x: int = 1
    rotated: bool = False
    key: int = 0
    dim_y = 1
    kinds: ClassVar[tuple[Kind, Kind]] = ("continuous", "discrete")

    def __post_init__(self) -> None:
        check_whole(self.name, dim_x=self.dim_x)
        check_whole(self.name, 2, classes=self.classes)
        check_whole(self.name, 0, key=self.key)
        most = math.log(self.classes) - 1e-6
        check_information(self.name, self.mi, high=most, why="classes that overlap stay below ln(classes)")

    @property
    def mutual_information(self) -> float:
        return float(self.mi)

    @cached_property
    def distance(self) -> float:
        """From one centre to the next, in standard deviations."""
        if self.mi == 0:
            return 0.0
        return root(lambda d: _information_of_centres(d, self.classes) - self.mi, 0.0, 20.0)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        y = rng.integers(self.classes, size=(n, 1))
        x = rng.standard_normal((n, self.dim_x))
        x[:, :1] += self.distance * (y - (self.classes - 1) / 2)
        return (x @ rotation(self.dim_x, [self.key, 9]) if self.rotated else x), y


def symmetric_information(error: float, classes: int) -> float:
    """I of a symmetric channel with a uniform input, in nats."""
    noise = -xlogy(error, error) - xlogy(1 - error, 1 - error) + error * math.log(max(classes - 1, 1))
    return math.log(classes) - float(noise)


def _information_of_centres(distance: float, classes: int) -> float:
    """I(X;Y) of unit normals about ``classes`` centres on a line, in nats."""
    centres = distance * np.arange(classes)
    step = 0.05
    x = np.arange(-9.0, centres[-1] + 9.0, step)
    log_normal = -((x - centres[:, None]) ** 2) / 2 - 0.5 * math.log(2 * math.pi)
    log_mixture = np.logaddexp.reduce(log_normal, axis=0) - math.log(classes)
    entropy = -float((np.exp(log_mixture) * log_mixture).sum()) * step
    return entropy - 0.5 * math.log(2 * math.pi * math.e)
