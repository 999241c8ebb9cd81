"""Canonical directions: what is linearly common to two variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .. import rows as tables
from ..errors import InputError, Refusal
from ..samples import is_real, whole
from .base import Compressor, Fitted, samples
from .pca import PCA, FittedPCA

_MOST = 200  # principal components of each side, before the correlations
_ROWS = 10_000  # of both sides multiplied at once


class FittedCCA(Fitted):
    """Projection of one side on its canonical directions with the other.

    Attributes:
        front: principal components that come first.
        directions: (front.dim, dim).
        correlations: (dim,) canonical correlations, of the samples it was fitted to.
    """

    def __init__(self, front: FittedPCA, directions: np.ndarray, correlations: np.ndarray) -> None:
        self.columns, self.dim = front.columns, directions.shape[1]
        self.front, self.directions, self.correlations = front, directions, correlations
        self.details = {"dim": self.dim, "canonical_correlations": correlations.tolist()}
        self.notes = (
            f"CCA of {self.columns} columns to {self.dim}, canonical correlations {correlations[0]:.3g} to "
            f"{correlations[-1]:.3g} in the samples it was fitted to.",
        )

    def _encode(self, x: np.ndarray) -> np.ndarray:
        return self.front.encode(x) @ self.directions


@dataclass(frozen=True)
class CCA(Compressor):
    """Projection on the directions of x most correlated with y.

    The canonical directions of the two sides (Hotelling 1936), after their leading principal components, with a ridge
    on both covariances. It looks at both sides, so correlations among the samples it was fitted to are too large; it is
    always applied to others. For jointly normal data nothing is lost; what depends on y but not linearly is lost
    entirely. It has no way back to x. Both sides are read in blocks of rows and may be memory maps.

    Attributes:
        dim: directions.
        ridge: added to both covariances, as a share of their mean variance.
    """

    supervised: ClassVar[bool] = True

    dim: int = 4
    ridge: float = 1e-6

    def __post_init__(self) -> None:
        whole(self.dim, "CCA's dim", low=1)
        if not is_real(self.ridge) or not self.ridge >= 0.0:
            raise InputError(f"CCA needs a ridge of 0 or more, such as 1e-6, got {self.ridge!r}.")

    def fit(self, x: Any, *, seed: int = 0, other: Any = None) -> FittedCCA:
        if other is None:
            raise InputError("CCA needs both sides: pass fit(x, other=y).")
        x, y = samples(x, "x"), samples(other, "other")
        if len(x) != len(y):
            raise InputError(f"CCA needs x and other of one length, got {len(x)} and {len(y)} samples.")
        if self.dim > min(x.shape[1], y.shape[1]):
            raise InputError(
                f"CCA finds at most {min(x.shape[1], y.shape[1])} directions here, asked for {self.dim}; lower dim."
            )
        fronts = [PCA(min(_MOST, v.shape[1]), 1.0, True).fit(v, seed=seed) for v in (x, y)]
        if min(front.dim for front in fronts) < self.dim:
            raise Refusal(f"CCA to {self.dim} directions needs as many that vary; lower dim.")
        roots = [self._roots(front) for front in fronts]
        common = np.zeros((fronts[0].dim, fronts[1].dim))
        sides = (tables.blocks(v, rows=_ROWS) for v in (x, y))
        for (_, first), (_, second) in zip(*sides, strict=True):
            common += (fronts[0].encode(first) * roots[0]).T @ (fronts[1].encode(second) * roots[1])
        left, correlations, _ = np.linalg.svd(common / len(x), full_matrices=False)
        return FittedCCA(fronts[0], roots[0][:, None] * left[:, : self.dim], np.minimum(correlations[: self.dim], 1.0))

    def _roots(self, front: FittedPCA) -> np.ndarray:
        """What components are multiplied by to be of nearly unit variance."""
        eigenvalues = front.eigenvalues[: front.dim]
        return 1.0 / np.sqrt(eigenvalues + self.ridge * eigenvalues.mean())
