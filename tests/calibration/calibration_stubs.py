"""Estimators whose errors are known, so that what is said of them can be checked."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from infoplane.errors import Refusal
from infoplane.estimate import Estimate
from infoplane.estimators import Estimator


@dataclass(frozen=True)
class Always(Estimator):
    """One value, one standard error, a warning or none; refuses more than ``most`` columns."""

    value: float = 1.0
    stderr: float = 0.1
    warning: str = ""
    most: int = 100
    asked: ClassVar[list] = []  # every call, over all objects

    def estimate(self, x, y, *, seed):
        type(self).asked.append((x.kind, y.kind, x.n, x.dim, y.dim, seed))
        if x.dim + y.dim > self.most:
            raise Refusal(f"Always takes {self.most} columns, got {x.dim + y.dim}.")
        warnings = (self.warning,) if self.warning else ()
        return Estimate(self.value, self.stderr, warnings=warnings, n_samples=x.n, method=str(self))


@dataclass(frozen=True)
class Noisy(Estimator):
    """The centre plus normal noise of a size it knows; the noise comes from the samples, as that of estimators does."""

    centre: float = 1.0
    noise: float = 0.1

    def estimate(self, x, y, *, seed):
        random = np.random.default_rng(zlib.crc32(np.ascontiguousarray(x.values).tobytes()))
        return Estimate(
            self.centre + self.noise * random.standard_normal(), self.noise, n_samples=x.n, method=str(self)
        )


@dataclass(frozen=True)
class MeanOfX(Estimator):
    """Shows which samples it was given."""

    def estimate(self, x, y, *, seed):
        return Estimate(float(x.values.mean()), 0.1, n_samples=x.n, method=str(self))


@dataclass(frozen=True)
class Bound(Estimator):
    """A lower bound."""

    direction = "lower"

    def estimate(self, x, y, *, seed):
        return Estimate(1.0, 0.1, lower=1.0, direction="lower", n_samples=x.n, method=str(self))
