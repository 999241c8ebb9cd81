"""Samples that are exact copies of others, as a bootstrap or oversampling makes them: measured without the copies."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from ...compressors.coding import restricted
from ...estimate import Estimate
from ...samples import Variable
from ..base import Estimator
from ..doubts import distinct_rows
from ..ksg import KSG
from .comparison import warned


@dataclass(frozen=True)
class Distinct(Estimator):
    """An estimator that sees every sample once: copies of continuous samples are no evidence, and look like much.

    Attributes:
        estimator: the method.
    """

    estimator: Estimator = field(default=KSG())

    def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> Estimate:
        rows = distinct_rows(x, y)
        if rows is None:
            return self.estimator.estimate(x, y, seed=seed)
        return dataclasses.replace(without_copies(self.estimator, x, y, rows, seed), method=str(self))

    def shuffled(self, x: Variable, y: Variable, orders: Iterable[np.ndarray], *, seed: int = 0) -> np.ndarray:
        rows = distinct_rows(x, y)
        if rows is None:
            return self.estimator.shuffled(x, y, orders, seed=seed)
        few = (restricted(order, rows) for order in orders)
        return self.estimator.shuffled(_of(x, rows), _of(y, rows), few, seed=seed)


def without_copies(estimator: Estimator, x: Variable, y: Variable, rows: np.ndarray, seed: int) -> Estimate:
    """The estimate from the distinct ``rows``, with a warning that others were left out."""
    return warned(
        estimator.estimate(_of(x, rows), _of(y, rows), seed=seed),
        f"{x.n - len(rows)} of {x.n} rows are exact copies of others and were left out: the value and its error are "
        f"those of the {len(rows)} distinct ones. If copies stand for weights, the law is another.",
    )


def _of(v: Variable, rows: np.ndarray) -> Variable:
    return Variable(v.values[rows], v.name)
