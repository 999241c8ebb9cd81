"""Both sides of a sample through their compressors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from .. import rows as tables
from ..errors import InputError, Refusal
from ..samples import Variable
from .base import Compressor, Fitted
from .reports import same_law

_HALF = 0.5
_FEWEST = 20

Makers = tuple[Compressor | None, Compressor | None]


class Codes(NamedTuple):
    """Both sides as they go to the estimator.

    Attributes:
        x: code of x, or x.
        y: code of y, or y.
        fitted: the compressors of x and y; None where a side is taken as it is.
        rows: the samples they were applied to.
        shared: one compressor served both sides.
    """

    x: Variable
    y: Variable
    fitted: tuple[Fitted | None, Fitted | None]
    rows: np.ndarray
    shared: bool = False


def supervised(makers: Makers) -> bool:
    """Whether a compressor looks at the other side too."""
    return any(maker is not None and maker.supervised for maker in makers)


def encode_pair(
    x: Variable, y: Variable, makers: Makers, *, share: bool | None, holdout: float | None, seed: int
) -> Codes:
    """Fit the compressors of x and y to some of the samples, or all, and apply them to the others, or all.

    Args:
        x: samples; a discrete side passes as it is.
        y: samples paired with x.
        makers: their compressors.
        share: one for both; None where the two look like one law.
        holdout: share of samples that fit; None for none apart, or a half where a compressor is supervised.
        seed: of whatever is random.

    Raises:
        InputError: a side cannot be compressed so, or sides that cannot share.
        Refusal: too few samples.
    """
    if holdout is None:
        holdout = _HALF if supervised(makers) else 0.0
    fit_rows, rows = _split(x.n, holdout if any(makers) else 0.0, seed)
    makers = (makers[0] if x.kind == "continuous" else None, makers[1] if y.kind == "continuous" else None)
    parts = [v.values if fit_rows is None else tables.picked(v.values, fit_rows) for v in (x, y)]
    shared = _shares(makers, parts, share, seed)
    if shared and makers[0] is not None:
        one = makers[0].fit(tables.stacked(parts), seed=seed)
        fitted: tuple[Fitted | None, Fitted | None] = (one, one)
    else:
        fitted = _fit_both(makers, parts, seed)
    measured = [tables.picked(v.values, rows) for v in (x, y)]
    first, second = (
        Variable(np.asarray(part) if f is None else f.encode(part), v.name)
        for v, part, f in zip((x, y), measured, fitted, strict=True)
    )
    return Codes(first, second, fitted, rows, shared)


def restricted(order: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """An order of all samples as one of some of them: ranks of what it puts there."""
    return np.argsort(np.argsort(order[rows], kind="stable"), kind="stable")


def _split(n: int, holdout: float, seed: int) -> tuple[np.ndarray | None, np.ndarray]:
    """Rows to fit on (None for all) and rows to measure."""
    if not holdout:
        return None, np.arange(n)
    order = np.random.default_rng([seed, 0xC0DE]).permutation(n)
    cut = round(holdout * n)
    if min(cut, n - cut) < _FEWEST:
        raise Refusal(
            f"Compressed(holdout={holdout:g}) needs {_FEWEST} samples to fit and as many to measure, got {n}."
        )
    return np.sort(order[:cut]), np.sort(order[cut:])


def _shares(makers: Makers, parts: list[np.ndarray], share: bool | None, seed: int) -> bool:
    alike = makers[0] is not None and makers[0] == makers[1] and parts[0].shape[1] == parts[1].shape[1]
    alike = alike and not supervised(makers)
    if share and any(makers) and not alike:
        raise InputError(
            "Compressed(share=True) needs one compressor that sees one side only, the same for x and y, and as many "
            f"columns; got {parts[0].shape[1]} and {parts[1].shape[1]} columns, or other compressors: use share=None."
        )
    return bool(share) if share is not None or not alike else same_law(parts[0], parts[1], seed)


def _fit_both(makers: Makers, parts: list[np.ndarray], seed: int) -> tuple[Fitted | None, Fitted | None]:
    """The compressors of both sides, fitted side by side."""

    def one(side: int) -> Fitted | None:
        maker = makers[side]
        return None if maker is None else maker.fit(parts[side], seed=seed + side, other=parts[1 - side])

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(one, (0, 1))
    return first, second
