"""The data of a neural bound, fold by fold: coordinates fitted on the training part, groups whose pairs are scored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError, Refusal
from ..samples import Variable
from .coordinates import Coordinates, columns, fitted_canonical, most_columns, stacked
from .critics import Critic, gaussian_base
from .training import Fold, filled, folded

_FEWEST = 16  # samples; below, no part is left to learn from
_VALIDATION_GROUP, _GROUP = 512, 1024  # samples whose pairs are scored together

Sides = tuple[np.ndarray, np.ndarray]


class Run(NamedTuple):
    """One data set and fold, ready to train.

    Attributes:
        training: x (m, p) and y (m, q).
        validation: (groups, g, p) and (groups, g, q).
        groups: likewise of the samples to evaluate.
        correlations: (k,) of the Gaussian base.
        test: indices of the samples to evaluate, as they lie in ``groups``, which repeats some at its end.
        dropped: directions left out.
    """

    training: Sides
    validation: Sides
    groups: Sides
    correlations: np.ndarray
    test: np.ndarray
    dropped: int


class Batch(NamedTuple):
    """Runs side by side: leaves (runs, ...), widths filled up with zeros."""

    training: Sides
    validation: Sides
    groups: Sides
    fixed: dict[str, np.ndarray]


def prepared(who: str, critic: Critic, x: Variable, y: Variable, folds: int, seed: int) -> list[Run] | None:
    """The runs of one data set, one a fold; a single one that sees all samples if ``folds`` is 1.

    Returns:
        None where a side does not vary.

    Raises:
        InputError: two discrete variables, or images that are none.
        Refusal: too few samples.
    """
    if x.kind == y.kind == "discrete":
        raise InputError(f"{who} needs a continuous variable and both are discrete; use Plugin(), which counts.")
    fewest = max(_FEWEST, 8 * folds)
    if x.n < fewest:
        raise Refusal(f"{who} needs at least {fewest} samples to learn from and to be tested on, got {x.n}.")
    if folds == 1:
        order = np.random.default_rng([seed, 1]).permutation(x.n)
        parts = [Fold(order, order[: x.n // 8], order)]
    else:
        parts = folded(x.n, folds, seed)
    if critic.images:
        critic.check(x.dim, y.dim)
    found = []
    for part in parts:
        coordinates = (_pixels if critic.images else _canonical)(x, y, part)
        if not (coordinates.x.shape[1] and coordinates.y.shape[1]):
            return None
        found.append(_run(coordinates, part, len(parts[0].test)))
    return found


def together(runs: Sequence[Run]) -> Batch:
    """Runs of equal length as one batch."""

    def part(name: str) -> Sides:
        pairs = [getattr(run, name) for run in runs]
        return stacked([pair[0] for pair in pairs]), stacked([pair[1] for pair in pairs])

    training = part("training")
    width = min(side.shape[-1] for side in training)
    base = np.stack([gaussian_base(run.correlations, width) for run in runs]).astype(np.float32)
    highest = np.array([_highest(len(run.test)) for run in runs], np.float32)
    return Batch(training, part("validation"), part("groups"), {"base": base, "highest": highest})


def initial(critic: Critic, batch: Batch, seed: int) -> list[Any]:
    """Parameters of a fresh network for every run."""
    runs, widths = batch.training[0].shape[0], [side.shape[2] for side in batch.training]
    return [critic.initial(np.random.default_rng([seed, 4, run]), *widths) for run in range(runs)]


def _canonical(x: Variable, y: Variable, fold: Fold) -> Coordinates:
    most = most_columns(len(fold.training))
    kinds = x.kind == "continuous", y.kind == "continuous"
    return fitted_canonical(columns(x, most), columns(y, most), fold.training, fold.validation, kinds)


def _pixels(x: Variable, y: Variable, fold: Fold) -> Coordinates:
    """Images as they are, in units of the training part's spread."""
    sides = []
    for side in (x.values.astype(np.float64), y.values.astype(np.float64)):
        part = side[fold.training]
        spread = part.std()
        sides.append(((side - part.mean()) / spread if spread else side[:, :0]).astype(np.float32))
    return Coordinates(sides[0], sides[1], correlations=np.zeros(0), dropped=0)


def _run(found: Coordinates, fold: Fold, size: int) -> Run:
    checks = filled(fold.validation, len(fold.validation), _VALIDATION_GROUP)
    groups = filled(fold.test, size, _GROUP)
    parts = [(found.x[rows], found.y[rows]) for rows in (fold.training, checks, groups)]
    return Run(*parts, correlations=found.correlations, test=fold.test, dropped=found.dropped)


def _highest(evaluated: int) -> float:
    """The largest score a critic may give: one wrong pair of m^2 then weighs e^-4 in the mean of e^f, not all of it."""
    return max(2.0 * math.log(evaluated) - 4.0, 2.0)
