"""What other draws of the same samples say: shuffles for a null, halves for an error, parts for a limit in 1/n."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Iterator

import numpy as np

from .errors import InputError, Refusal
from .estimate import Estimate
from .estimators import Estimator
from .progress import Progress, silent
from .rows import picked
from .samples import Variable, variable

_STREAM = 0x0E11  # keeps these draws apart from those an estimator makes of the same seed
_ROUGH = 20  # samples, or groups of them, below which parts of them say little
_PAIRS = 4  # complementary pairs of halves that make an error where others could not be measured
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

    def orders(self, count: int, seed: int) -> Iterator[np.ndarray]:
        """``count`` random orders (n,) that keep groups whole, one at a time: together they may not fit in memory.

        Raises:
            InputError: groups of unequal size, which cannot take each other's places.
        """
        random = np.random.default_rng([seed, _STREAM])
        if self.alone:
            return (random.permutation(len(self.codes)) for _ in range(count))
        sizes = np.bincount(self.codes)
        if sizes.min() != sizes.max():
            raise InputError(
                f"groups must all have one size to be shuffled whole, got sizes {sizes.min()} to {sizes.max()}."
            )
        members = np.argsort(self.codes, kind="stable").reshape(self.count, -1)
        return (_exchanged(members, random.permutation(self.count)) for _ in range(count))

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
    estimator names another to decide on dependence, the test is that one's, value and shuffles alike, and a note says
    so.
    """
    tester = estimator.tester(x, y)
    orders = _told(groups.orders(null, seed), null, progress)
    value, notes = found.value, found.notes
    if tester == estimator:
        shuffled = tester.shuffled(x, y, orders, seed=seed)
    else:
        value, *rest = tester.shuffled(x, y, itertools.chain([np.arange(x.n)], orders), seed=seed)
        shuffled = np.array(rest)
        notes = (
            *notes,
            f"The p-value and the null are those of {tester.short}, which decides on dependence: {value:.4g} nats.",
        )
    progress("shuffling", null, null)
    p_value = (1 + int((shuffled >= value).sum())) / (1 + null)
    return dataclasses.replace(found, p_value=p_value, null=float(shuffled.mean()), notes=notes)


def subsampled(
    found: Estimate, x: Variable, y: Variable, estimator: Estimator, groups: Groups, *, halves: int, seed: int
) -> Estimate:
    """The estimate with its standard error from random halves, drawn without replacement in complementary pairs.

    Each half misses the whole by about half of what the two differ by, and the variance of that is the variance of the
    whole over fresh samples: the mean of (difference / 2)^2 over p pairs knows it to a relative sqrt(2 / p), so its
    root to 1 / sqrt(2 p), a quarter at 8 pairs. Unequal halves of a and b groups weigh a b / (a + b)^2 instead of 1/4;
    an odd number of halves is rounded up to pairs. Duplicates, which a bootstrap would make, drive neighbour distances
    to 0. Halves that cannot be measured, or are infinite, are left out with their pair and a note; the error is nan
    where fewer than four pairs remain, and where the value itself is infinite.
    """
    if math.isinf(found.value):
        note = "An infinite value has no standard error, so its halves were not measured."
        return dataclasses.replace(found, stderr=math.nan, notes=(*found.notes, note))
    random, pairs = np.random.default_rng([seed, _STREAM, 1]), (halves + 1) // 2
    gaps, reasons = [], {}
    for _ in range(pairs):
        try:
            first, second = (_finite_part(x, y, part, estimator, seed) for part in groups.parts(2, random))
            gaps.append(first - second)
        except InputError as refusal:  # the whole could be measured, so a half is too small, whatever it says
            reasons[str(refusal)] = None
    kept = "samples" if groups.alone else "groups"
    failed = [f"{pairs - len(gaps)} of {pairs} pairs of halves could not be measured: {why}" for why in [*reasons][:1]]
    if failed and len(gaps) < _PAIRS:
        note = f"There is no standard error over halves of the {kept}, since {failed[0]}"
        return dataclasses.replace(found, stderr=math.nan, notes=(*found.notes, note))
    share = (groups.count // 2) / groups.count
    error = math.sqrt(share * (1.0 - share) * float(np.mean(np.square(gaps))))
    note = f"The standard error is from {2 * len(gaps)} random halves of the {kept}, in complementary pairs."
    few = f"{groups.count} {kept} are few to halve: the standard error is rough."
    warnings = (*found.warnings, few) if groups.count < _ROUGH else found.warnings
    return dataclasses.replace(found, stderr=error, notes=(*found.notes, *failed, note), warnings=warnings)


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
        means.append(float(np.mean([_finite_part(x, y, p, estimator, seed) for p in groups.parts(pieces, random)])))
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


def _exchanged(members: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(n,) order that puts whole groups, members (groups, size), into each other's places."""
    order = np.empty(members.size, np.int64)
    order[members.ravel()] = members[places].ravel()
    return order


def _told(orders: Iterable[np.ndarray], total: int, progress: Progress) -> Iterator[np.ndarray]:
    """The same orders; whoever takes the next one is done with those before."""
    for done, order in enumerate(orders):
        progress("shuffling", done, total)
        yield order


def _part(x: Variable, y: Variable, rows: np.ndarray, estimator: Estimator, seed: int) -> Estimate:
    sides = zip((x, y), estimator.compresses, strict=True)
    # What is compressed is read in blocks, and need not be copied.
    parts = (picked(v.values, rows) if compressed else v.values[rows] for v, compressed in sides)
    return estimator.estimate(*map(Variable, parts, ("x", "y")), seed=seed)


def _finite_part(x: Variable, y: Variable, rows: np.ndarray, estimator: Estimator, seed: int) -> float:
    value = _part(x, y, rows, estimator, seed).value
    if math.isinf(value):
        raise Refusal(f"{estimator.short} is infinite on {len(rows)} of the {x.n} samples; gather more of them.")
    return value
