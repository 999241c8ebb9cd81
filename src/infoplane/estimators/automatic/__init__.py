"""The choice of a method for the data at hand, explained."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...errors import Refusal
from ...estimate import Estimate
from ...samples import Variable
from ..base import Estimator
from ..doubts import distinct_rows
from ..ksg import KSG
from ..mixture import Mixture
from ..plugin import Plugin
from ..weighted import WeightedKL
from .comparison import explained, route
from .continuous import continuous
from .copies import Distinct, without_copies
from .labels import labels
from .rounding import has_ties, readable, readable_pair

_LEAST = 10  # samples below which nothing can be said of continuous data


@dataclass(frozen=True)
class Automatic(Estimator):
    """The method the data call for, with the reason, the other routes, and a warning where they disagree.

    Discrete data are counted. For labels of a continuous variable two nearest-neighbour methods that fail in opposite
    ways are compared, a held-out decoder deciding between them; above twelve dimensions the decoder alone gives a lower
    bound. For two continuous variables the copula baseline comes first: where its scores pass the test of being jointly
    normal or Student, it is the value. Otherwise a side of more than ten dimensions goes through an autoencoder whose
    latent size is found from the data, and debiased nearest neighbours, plain and weighted, give the value up to twelve
    joint dimensions. Values that still rise with the number of samples carry that in their error and a warning. Routes
    that differ by more than three standard errors are flagged; all are in ``details["routes"]``. Copies of samples are
    left out. KSG decides whether there is any dependence and gives the p-value; its level is never used,
    since it falls far below the truth in many dimensions.

    Attributes:
        compress: allow autoencoders. Without them wide data that fail the copula test keep the copula's value, with a
            warning.
    """

    randomised: ClassVar[bool] = True
    needs_input: ClassVar[bool] = True
    compress: bool = True

    def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> Estimate:
        for v in (x, y):
            if not (v.values != v.values[0]).any():
                note = f"{v.name} is constant, so nothing can be known of it or from it: exactly 0."
                return Estimate(0.0, 0.0, n_samples=x.n, notes=(note,), method=str(self))
        kept = distinct_rows(x, y)
        if kept is not None:
            return without_copies(self, x, y, kept, seed)
        x, y, told = readable_pair(x, y, seed)
        if {x.kind, y.kind} != {"discrete"} and x.n < _LEAST:
            raise Refusal(f"{self.short} needs at least {_LEAST} samples of continuous data, got {x.n}; gather more.")
        if x.kind == y.kind == "discrete":
            found = explained(route(Plugin("miller-madow"), x, y, seed), "both variables are discrete")
        elif x.kind == y.kind:
            found = continuous(x, y, seed, Automatic(compress=False) if self.compress else None)
        else:
            found = labels(*((x, y) if x.kind == "continuous" else (y, x)), seed)
        return dataclasses.replace(found, notes=(*found.notes, *told), method=f"{self}, here {found.method}")

    def entropy(self, x: Variable, *, seed: int = 0) -> Estimate:
        return (Plugin() if x.kind == "discrete" else WeightedKL()).entropy(x, seed=seed)

    def conditional(self, x: Variable, y: Variable, z: Variable, *, seed: int = 0) -> Estimate:
        x, y, z = (readable(v, seed + place)[0] for place, v in enumerate((x, y, z)))
        if x.kind == y.kind == z.kind == "continuous":
            return KSG(standardise=True).conditional(x, y, z, seed=seed)
        return super().conditional(x, y, z, seed=seed)

    def tester(self, x: Variable, y: Variable) -> Estimator:
        if x.kind == y.kind == "discrete":
            return Plugin()
        if distinct_rows(x, y) is not None:
            return Distinct(KSG(standardise=True) if x.kind == y.kind else Mixture())
        return KSG(standardise=True) if x.kind == y.kind and not (has_ties(x) or has_ties(y)) else Mixture()

    def shuffled(self, x: Variable, y: Variable, orders: Iterable[np.ndarray], *, seed: int = 0) -> np.ndarray:
        return self.tester(x, y).shuffled(x, y, orders, seed=seed)
