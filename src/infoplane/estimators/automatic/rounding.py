"""Floats that repeat: few values are classes, rounded numbers are spread over their cells, atoms stay."""

from __future__ import annotations

import math

import numpy as np

from ...errors import Refusal
from ...samples import Variable
from ..relations import exact_relation
from ..whitening import whiten

_FEW = 0.5  # distinct rows, in square roots of n, below which floats are counted as the classes they are
_ATOM = 0.1  # share of samples with one value beyond which it is an atom and no rounded number


def readable(v: Variable, seed: int) -> tuple[Variable, tuple[str, ...]]:
    """Floats with few distinct rows as classes, rounded ones without their ties, and notes of it."""
    if v.kind == "discrete":
        return v, ()
    if v.n_classes > max(2.0, _FEW * math.sqrt(v.n)):
        return _spread(v, seed)
    note = (
        f"{v.name} is made of floats but takes {v.n_classes} values in {v.n} samples, so they were counted as classes."
    )
    return Variable(v.codes[:, None], v.name), (note,)


def readable_pair(x: Variable, y: Variable, seed: int) -> tuple[Variable, Variable, tuple[str, ...]]:
    """Both made :func:`readable`, and the notes; as they are where an exact linear relation would be blurred by it."""
    (a, told), (b, more) = readable(x, seed), readable(y, seed + 1)
    if (told or more) and a.kind == b.kind == "continuous" and _related(x, y):
        return x, y, ()
    return a, b, (*told, *more)


def _related(x: Variable, y: Variable) -> bool:
    """Whether a linear combination of x is one of y, exactly, and more than the sample's size makes it so."""
    white = [whiten(v.values).values for v in (x, y)]
    ranks = [w.shape[1] for w in white]
    if not all(ranks) or sum(ranks) >= x.n - 1:
        return False
    try:
        return exact_relation(x, y, *white) is not None
    except Refusal:  # what they share has few values: information is finite
        return False


def has_ties(v: Variable) -> bool:
    """Whether any column takes a value twice."""
    return any(len(np.unique(column)) < v.n for column in v.values.T)


def _spread(v: Variable, seed: int) -> tuple[Variable, tuple[str, ...]]:
    """Rounded columns with every value spread evenly over its cell, halfway to the next values, and a note of it.

    The value can be read back from the result, so the information is the same, while densities and distances mean
    something again. A column with one frequent value amid others (an atom) stays as it is: it is no rounded number.
    """
    values = np.asarray(v.values, np.float64)
    random = np.random.default_rng([seed, 0x5B3EAD])
    changed = 0
    for column in range(v.dim):
        distinct, place, count = np.unique(values[:, column], return_inverse=True, return_counts=True)
        if len(distinct) == v.n or len(distinct) < 2 or count.max() > _ATOM * v.n:
            continue
        middle = (distinct[1:] + distinct[:-1]) / 2
        walls = np.r_[2 * distinct[0] - middle[0], middle, 2 * distinct[-1] - middle[-1]]
        values = values if changed else values.copy()
        values[:, column] = walls[place] + np.diff(walls)[place] * random.random(v.n)
        changed += 1
    if not changed:
        return v, ()
    note = (
        f"{changed} of {v.dim} columns of {v.name} repeat values, so each value was spread evenly over its cell: "
        "it can be read back, so the information is the same."
    )
    return Variable(values, v.name), (note,)
