"""What other draws of the same samples say: shuffles for a null, halves for an error, parts for a limit in 1/n."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from .errors import InputError
from .estimate import Estimate
from .estimators import Estimator
from .progress import Progress, silent
from .samples import Variable, variable

_STREAM = 0x0E11  # keeps these draws apart from those an estimator makes of the same seed
_TOGETHER = 10  # shuffles between two reports of progress
_ROUGH = 20  # samples, or groups of them, below which parts of them say little
_PARTS = (1, 2, 4)  # disjoint parts a sample is cut into for the limit in 1/n


class Groups:
    """Samples that belong together, such as the tokens of one sequence: they move together.

    Attributes:
        codes: (n,) number of the group of each sample.
        count: number of groups.
    """

    def __init__(self, labels: object, n: int) -> None:
        """Take (n,) labels, or None for samples that all stand alone.

        Raises:
            InputError: labels of another length, or one group only.
        """
        self.alone = labels is None
        if labels is None:
            self.codes, self.count = np.arange(n), n
            return
        given = variable(labels, "groups")
        if given.n != n:
            raise InputError(f"groups needs one label a sample, got {given.n} for {n} samples.")
        self.codes, self.count = given.codes, given.n_classes
        if self.count < 2:
            raise InputError("groups needs at least 2 groups, got 1; leave groups out if samples are independent.")

    def orders(self, count: int, seed: int) -> np.ndarray:
        """(count, n) random orders that keep groups whole.

        Raises:
            InputError: groups of unequal size, which cannot take each other's places.
        """
        random = np.random.default_rng([seed, _STREAM])
        if self.alone:
            return np.stack([random.permutation(len(self.codes)) for _ in range(count)])
        sizes = np.bincount(self.codes)
        if sizes.min() != sizes.max():
            raise InputError(
                f"groups must all have one size to be shuffled whole, got sizes {sizes.min()} to {sizes.max()}."
            )
        members = np.argsort(self.codes, kind="stable").reshape(self.count, -1)
        orders = np.empty((count, members.size), np.int64)
        for order in orders:
            order[members.ravel()] = members[random.permutation(self.count)].ravel()
        return orders

    def parts(self, pieces: int, random: np.random.Generator) -> list[np.ndarray]:
        """Indices of the samples in ``pieces`` disjoint random parts of whole groups."""
        chosen = np.array_split(random.permutation(self.count), pieces)
        return [np.flatnonzero(np.isin(self.codes, part)) for part in chosen]


def permutation_test(
    found: Estimate,
    x: Variable,
    y: Variable,
    estimator: Estimator,
    groups: Groups,
    *,
    null: int,
    seed: int,
    progress: Progress = silent,
) -> Estimate:
    """The estimate with ``p_value`` and ``null`` from shuffled pairs.

    The p-value is (1 + shuffles not below the value) / (1 + shuffles): right at any number of shuffles. Where the
    estimator names another to decide on dependence, the test is that one's and a note says so.
    """
    tester = estimator.tester(x, y)
    value, notes = found.value, found.notes
    orders, parts = groups.orders(null, seed), []
    for start in range(0, null, _TOGETHER):
        parts.append(tester.shuffled(x, y, orders[start : start + _TOGETHER], seed=seed))
        progress("shuffling", min(start + _TOGETHER, null), null)
    shuffled = np.concatenate(parts)
    if tester != estimator:
        value = tester.estimate(x, y, seed=seed).value
        notes = (
            *notes,
            f"The p-value and the null are those of {tester.short}, which decides on dependence: {value:.4g} nats.",
        )
    p_value = (1 + int((shuffled >= value).sum())) / (1 + null)
    return dataclasses.replace(found, p_value=p_value, null=float(shuffled.mean()), notes=notes)


def subsampled(
    found: Estimate, x: Variable, y: Variable, estimator: Estimator, groups: Groups, *, halves: int, seed: int
) -> Estimate:
    """The estimate with its standard error from random halves, drawn without replacement.

    The spread over halves estimates the error of the whole at once, for s of n samples as spread times sqrt(s/(n - s)).
    Duplicates, which a bootstrap would make, drive neighbour distances to 0.
    """
    random = np.random.default_rng([seed, _STREAM, 1])
    values = []
    for _ in range((halves + 1) // 2):
        values += [_part(x, y, part, estimator, seed).value for part in groups.parts(2, random)]
    error = float(np.std(values[:halves], ddof=1))
    kept = "groups" if not groups.alone else "samples"
    note = f"The standard error is the spread over {halves} random halves of the {kept}."
    few = f"{groups.count} {kept} are few to halve: the standard error is rough."
    warnings = (*found.warnings, few) if groups.count < _ROUGH else found.warnings
    return dataclasses.replace(found, stderr=error, notes=(*found.notes, note), warnings=warnings)


def extrapolated(
    found: Estimate, x: Variable, y: Variable, estimator: Estimator, groups: Groups, *, seed: int
) -> Estimate:
    """The estimate at 1/n = 0: a straight line through its means over disjoint parts of n, n/2 and n/4 samples.

    Right for methods whose bias falls as 1/n, such as counts (Strong et al., arXiv:cond-mat/9603127); nearest
    neighbours approach their limit more slowly. The line's own misfit is added to the standard error.
    """
    if math.isinf(found.value):
        return dataclasses.replace(found, notes=(*found.notes, "An infinite value has no limit to be taken."))
    if groups.count < _ROUGH:
        kept = "samples" if groups.alone else "groups"
        raise InputError(f"extrapolate cuts the {kept} into four and needs at least {_ROUGH}, got {groups.count}.")
    random = np.random.default_rng([seed, _STREAM, 2])
    means = [found.value]
    for pieces in _PARTS[1:]:
        means.append(float(np.mean([_part(x, y, p, estimator, seed).value for p in groups.parts(pieces, random)])))
    slope, limit = np.polyfit(_PARTS, means, 1)
    misfit = float(np.abs(np.polyval([slope, limit], _PARTS) - means).max())
    shown = ", ".join(f"{mean:.4g} at n/{p}" for mean, p in zip(means, _PARTS, strict=True))
    note = f"Extrapolated to 1/n = 0 from {shown}; right where the bias falls as 1/n."
    warning = "The values at n, n/2 and n/4 do not lie on a line in 1/n: do not trust the limit."
    bent = misfit > max(0.05, 3 * found.stderr if math.isfinite(found.stderr) else 0.0)
    return dataclasses.replace(
        found,
        value=float(limit),
        stderr=math.hypot(found.stderr, misfit),
        direction="estimate",
        lower=math.nan,
        upper=math.nan,
        notes=(*found.notes, note),
        warnings=(*found.warnings, *([warning] if bent else [])),
        details={**found.details, "extrapolation": dict(zip([str(p) for p in _PARTS], means, strict=True))},
    )


def _part(x: Variable, y: Variable, rows: np.ndarray, estimator: Estimator, seed: int) -> Estimate:
    return estimator.estimate(Variable(x.values[rows], "x"), Variable(y.values[rows], "y"), seed=seed)
