"""Exponential families of p(y|x): what the dual bottleneck preserves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp

from ..errors import InputError
from .joint import Joint


@dataclass(frozen=True, eq=False)
class ExponentialFamily:
    """p(y|x) = exp(-sum_k lambda^k(y) A_k(x) - lambda^0(x)) with d numbers A(x) for every x.

    Source: arXiv:2006.04641; the authors' code writes it with this sign.

    Args:
        features: (n_x, d) A_k(x).
        statistics: (d, n_y) lambda^k(y).
    """

    features: np.ndarray
    statistics: np.ndarray

    def __post_init__(self) -> None:
        features, statistics = (np.array(v, dtype=np.float64) for v in (self.features, self.statistics))
        if features.ndim != 2 or statistics.ndim != 2 or features.shape[1] != statistics.shape[0]:
            raise InputError(
                "ExponentialFamily needs features (n_x, d) and statistics (d, n_y), got "
                f"{features.shape} and {statistics.shape}."
            )
        if not (np.isfinite(features).all() and np.isfinite(statistics).all()):
            raise InputError("ExponentialFamily needs finite features and statistics.")
        for values in (features, statistics):
            values.flags.writeable = False
        object.__setattr__(self, "features", features)
        object.__setattr__(self, "statistics", statistics)

    @property
    def dimension(self) -> int:
        """d."""
        return self.features.shape[1]

    @property
    def log_p_y_given_x(self) -> np.ndarray:
        """(n_x, n_y) ln p(y|x)."""
        return self.log_p(self.features)

    @property
    def p_y_given_x(self) -> np.ndarray:
        """(n_x, n_y) p(y|x)."""
        return np.exp(self.log_p_y_given_x)

    def log_p(self, features: Any) -> np.ndarray:
        """(m, n_y) ln p(y|x) of any (m, d) features."""
        energy = -np.asarray(features, dtype=np.float64) @ self.statistics
        return energy - logsumexp(energy, axis=1, keepdims=True)

    @classmethod
    def of(cls, joint: Joint, dimension: int | None = None) -> ExponentialFamily:
        """The family of a strictly positive table, by a singular value decomposition of its centred ln p(y|x).

        Args:
            joint: all p(y|x) > 0.
            dimension: d, at most n_y - 1; all that the table needs if None, and then exact.

        Raises:
            InputError: zeros in p(y|x), or no such dimension.
        """
        rows = joint.p_y_given_x
        if (rows <= 0).any():
            raise InputError("ExponentialFamily.of needs p(y|x) > 0 everywhere; smooth the table first.")
        most = min(rows.shape[1] - 1, rows.shape[0])
        if dimension is not None and not 1 <= dimension <= max(most, 1):
            raise InputError(
                f"ExponentialFamily.of needs a dimension from 1 to {most} for this table, got {dimension}."
            )
        logs = np.log(rows)
        logs = logs - logs.mean(axis=1, keepdims=True)
        base = joint.p_x @ logs  # an offset common to all x takes no feature of its own where d is cut
        left, scale, right = np.linalg.svd(logs if dimension is None else logs - base, full_matrices=False)
        if dimension is None:
            keep = max(int((scale > 1e-13 * max(scale[0], 1e-300)).sum()), 1)
            return cls(-left[:, :keep] * scale[:keep], right[:keep])
        weights, spread, right = np.linalg.svd(np.sqrt(joint.p_x)[:, None] * (logs - base), full_matrices=False)
        del weights, spread
        directions = right[:dimension]
        features = -(logs - base) @ directions.T
        return cls(np.column_stack([-np.ones(len(rows)), features]), np.vstack([base, directions]))
