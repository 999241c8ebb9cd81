"""Exponential families of p(y|x): what the dual bottleneck preserves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp

from ..errors import InputError
from ..samples import whole
from .joint import Joint


@dataclass(frozen=True, eq=False, repr=False)
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
        try:
            features, statistics = (np.array(v, dtype=np.float64) for v in (self.features, self.statistics))
        except (TypeError, ValueError):
            raise InputError(
                "ExponentialFamily needs numbers: features (n_x, d), rows of one length, and statistics (d, n_y)."
            ) from None
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
        """d, the numbers of every x, a constant among them counted."""
        return self.features.shape[1]

    def __repr__(self) -> str:
        return (
            f"ExponentialFamily({len(self.features)} inputs, d = {self.dimension}, {self.statistics.shape[1]} labels)"
        )

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
            dimension: d, at most n_y - 1, beside a constant; all that the table needs if None, and then exact.

        Raises:
            InputError: zeros in p(y|x), or no such dimension.
        """
        if not isinstance(joint, Joint):
            raise InputError(f"ExponentialFamily.of needs a Joint, got {type(joint).__name__}; write Joint(table).")
        rows = joint.p_y_given_x
        if (rows <= 0).any():
            raise InputError("ExponentialFamily.of needs p(y|x) > 0 everywhere; smooth the table first.")
        most = min(rows.shape[1] - 1, rows.shape[0])
        if dimension is not None and not 1 <= whole(dimension, "dimension") <= max(most, 1):
            raise InputError(
                f"ExponentialFamily.of needs a dimension from 1 to {most} for this table, got {dimension}."
            )
        logs = np.log(rows)
        logs = logs - logs.mean(axis=1, keepdims=True)
        if dimension is None:
            left, scale, right = np.linalg.svd(logs, full_matrices=False)
            keep = max(int((scale > 1e-13 * max(scale[0], 1e-300)).sum()), 1)
            return cls(-left[:, :keep] * scale[:keep], right[:keep])
        base = joint.p_x @ logs  # common to all x: it takes none of the d features
        _, _, right = np.linalg.svd(np.sqrt(joint.p_x)[:, None] * (logs - base), full_matrices=False)
        features = -(logs - base) @ right[:dimension].T
        return cls(np.column_stack([-np.ones(len(rows)), features]), np.vstack([base, right[:dimension]]))
