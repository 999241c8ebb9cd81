"""What leaves a sample without a density: exact linear relations between two variables, values that repeat."""

from __future__ import annotations

import numpy as np

from ..errors import Refusal
from ..samples import Variable
from .whitening import RANK_TOLERANCE

_EXACT = 1e-12  # 1 - cosine that only rounding leaves; finite information goes up to 13 nats a direction
_REPEATED = 0.05  # share of the rows from which a repeated value is no coincidence
_SHOWN = 3  # columns a message names


def exact_relation(x: Variable, y: Variable, white_x: np.ndarray, white_y: np.ndarray) -> str | None:
    """A sentence that names a linear relation between x and y, or None where there is none.

    Args:
        x, y: the variables, n samples each.
        white_x, white_y: (n, rank) centred coordinates of full rank.

    Raises:
        Refusal: what they share has few distinct values, so the information is finite but no density shows it.
    """
    a, b = (_orthonormal(v) for v in (white_x, white_y))
    left, cosines, _ = np.linalg.svd(a.T @ b, full_matrices=False)
    # Eigenvalues of the joint correlations are 1 -+ cosine; this is the rank rule of the joint, in stable coordinates.
    shared = int((1.0 - cosines < _EXACT * (1.0 + cosines[0])).sum())
    if not shared:
        return None
    common = a @ left[:, 0]
    if len(np.unique(np.round(common / common.std(), 7))) <= len(common) // 2:
        raise Refusal(
            f"{x.name} and {y.name} share a linear combination that takes few distinct values, so they are partly "
            "discrete and no density shows what they share; use Mixture()."
        )
    shown = _named(y, x) or _named(x, y) or "between columns of both"
    return (
        f"Infinite: an exact linear relation (to 12 digits), {shown}; add the noise that T really has, or drop the "
        "column."
    )


def repeated_values(x: Variable) -> tuple[str, ...]:
    """A warning where a column that varies holds one value again and again, as a rectified unit does."""
    for column, values in enumerate(x.values.T):
        often = int(np.unique(values, return_counts=True)[1].max())
        if _REPEATED * x.n < often < x.n:
            return (
                f"{x.name}[:, {column}] holds one value in {often / x.n:.0%} of the rows: it is partly discrete, so "
                "there is no density, and Mixture() is the better choice.",
            )
    return ()


def _orthonormal(values: np.ndarray) -> np.ndarray:
    return np.linalg.qr(values - values.mean(axis=0))[0]


def _named(target: Variable, source: Variable) -> str | None:
    """``y[:, 0] = 2 x[:, 1] + ...`` for the column of ``target`` that takes the fewest columns of ``source``."""
    values, of = (np.asarray(v.values, np.float64) for v in (target, source))
    values, of = values - values.mean(axis=0), of - of.mean(axis=0)
    scale = np.where(of.std(axis=0) > 0, of.std(axis=0), 1.0)
    weights = np.linalg.lstsq(of / scale, values, rcond=None)[0]
    error = ((values - of / scale @ weights) ** 2).mean(axis=0)
    exact = np.flatnonzero((error <= 10 * RANK_TOLERANCE * values.var(axis=0)) & (values.var(axis=0) > 0))
    if not exact.size:
        return None
    used = np.abs(weights) > 1e-6 * np.abs(weights).max(axis=0)
    column = exact[np.argmin(used[:, exact].sum(axis=0))]
    order = np.argsort(-np.abs(weights[:, column]))[: int(used[:, column].sum())]
    sides = [f"{weights[j, column] / scale[j]:+.4g} {source.name}[:, {j}]" for j in order]
    rest = f" and {len(sides) - _SHOWN} more columns" if len(sides) > _SHOWN else ""
    return f"{target.name}[:, {column}] = {' '.join(sides[:_SHOWN])}{rest} + constant"
