"""What no layer can exceed, whatever an estimate says: ln n for I(X;T), and H(Y) or I(X;Y) for I(T;Y)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.special import xlogy

from ..ceilings import ROUNDING
from ..estimators import Estimator
from ..recordings.base import Recording, Split
from .view import is_soft

_PER_NAT = 1.0 / np.log(2.0)


def ceilings(recording: Recording, split: Split) -> dict[str, Any]:
    """Samples of a split, ln n for I(X;T), and the limit of I(T;Y) (a mean over networks), where there is one."""
    n, limit = size(recording, split), target_ceiling(recording, split)
    found: dict[str, Any] = {"n_samples": n, "ceiling_mi_input": float(np.log(n))}
    return found if limit is None else {**found, "ceiling_mi_target": float(limit.mean())}


def size(recording: Recording, split: Split) -> int:
    """Number of samples of a split."""
    samples = recording.samples(split)
    return recording.probe.n if samples is None else samples.shape[1]


def input_ceiling(recording: Recording, estimator: Estimator, split: Split) -> np.ndarray | None:
    """(seed,) ln n where X is one of n samples; None where continuous inputs are looked at: these are but a few."""
    x = recording.x
    looked_at = estimator.needs_input and x is not None and np.issubdtype(x.dtype, np.floating)
    if looked_at and not recording.probe.enumerated:
        return None
    return np.full(len(recording.seeds), np.log(size(recording, split)))


def target_ceiling(recording: Recording, split: Split) -> np.ndarray | None:
    """(seed,) H(Y), or I(X;Y) where the law of a random label is known; None for a float target."""
    probe, samples = recording.probe, recording.samples(split)
    if np.issubdtype(np.asarray(probe.y).dtype, np.floating):
        return None
    rows = np.arange(probe.n)[None] if samples is None else samples
    law = probe.p_y_given_x
    if law is not None and is_soft(law):
        given, marginal = xlogy(law, law).sum(axis=1), law[rows].mean(axis=1)
        limits = given[rows].mean(axis=1) - xlogy(marginal, marginal).sum(axis=1)
    else:
        _, codes = np.unique(probe.y, axis=0, return_inverse=True)
        p = np.stack([np.bincount(codes.ravel()[row], minlength=codes.max() + 1) for row in rows]) / rows.shape[1]
        limits = -xlogy(p, p).sum(axis=1)
    return np.broadcast_to(limits, len(recording.seeds))


class Excess(NamedTuple):
    """What lies above its ceiling in a plane, on one split.

    Attributes:
        above: (seed, epoch, layer) booleans: I(X;T) or I(T;Y) of the cell does.
        notes: a sentence for each of the two that does somewhere, and for upper bounds that do.
    """

    above: np.ndarray
    notes: list[str]


def excess(
    recording: Recording,
    estimators: tuple[Estimator, Estimator],
    split: Split,
    found: Mapping[str, np.ndarray],
    *,
    named: bool = False,
) -> Excess:
    """Compare the values of a plane with their ceilings; the values stay as they are.

    Args:
        recording: what was measured.
        estimators: for I(X;T) and for I(T;Y).
        split: on which samples.
        found: (seed, epoch, layer) values "mi_input", "mi_target" and their "_upper".
        named: whether the sentences say which split this is.
    """
    law = recording.probe.p_y_given_x
    label = "I(X;Y)" if law is not None and is_soft(law) else "H(Y)"
    where = f" of the split {split!r}" if named else ""
    above, notes = np.zeros(found["mi_input"].shape, bool), []
    for name, what, ceiling, limits in (
        ("mi_input", "I(X;T)", "ln n", input_ceiling(recording, estimators[0], split)),
        ("mi_target", "I(T;Y)", label, target_ceiling(recording, split)),
    ):
        if limits is None:
            continue
        by, upper = (found[key] - limits[:, None, None] for key in (name, f"{name}_upper"))
        high, loose = by > ROUNDING, upper > ROUNDING
        above |= high
        limit = f"{ceiling} = {_range(limits)} bits"
        if high.any():
            notes.append(
                f"{what} exceeds {limit} in {high.sum():,} of {high.size:,} cells{where}, by up to "
                f"{_PER_NAT * by[high].max():.2g} bits: no layer can know so much, so read these values as {ceiling}."
            )
        if (loose & ~high).any():
            notes.append(
                f"The upper bound of {what} exceeds {limit} in {loose.sum():,} of {loose.size:,} cells{where}: "
                f"{ceiling} is the better bound there."
            )
    return Excess(above, notes)


def _range(limits: np.ndarray) -> str:
    """ "0.999", or "0.998 to 0.999" where networks differ."""
    ends = [f"{_PER_NAT * limits.min():.3g}", f"{_PER_NAT * limits.max():.3g}"]
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)
