"""The routes the automatic choice has: which value to take, what it is compared with, and what the comparison says."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ..errors import InputError, Refusal
from ..estimate import Estimate
from ..samples import Variable

_WIDE = 10  # dimensions of a side beyond which nearest neighbours need it compressed
_JOINT = 12  # dimensions of both sides together up to which three-entropy estimates may be debiased
_FEWEST = 4  # joint dimensions from which the weights cancel bias
_SEEN = 6  # joint dimensions up to which neighbours are precise enough to check the copula's value
_CHECKED = 5000  # samples that check the copula's value
_LOOKED_AT = 2000  # samples that settle whether wide data are curved
_COLUMNS = 32  # of them, whose ranks are looked at
_ATOM = 0.1  # share of samples with one value beyond which it is an atom and no rounded number
_BLIND = 0.1  # nats that a test may miss without a word
_SKEW = 1e-6  # p-value of third moments that no Student law has, heavy tails and all
_APART = 3.0  # standard errors between two routes beyond which they disagree
_HEAVY = 6.0  # kurtosis beyond which columns go through ranks before distances are taken (a normal law has 3)

Routes = dict[str, Estimate]


def chosen(found: Estimate, reason: str) -> Estimate:
    """The estimate with the reason it was taken."""
    return dataclasses.replace(found, notes=(f"Chosen {found.method}: {reason}.", *found.notes))


def has_ties(v: Variable) -> bool:
    """Whether any column takes a value twice."""
    return any(len(np.unique(column)) < v.n for column in v.values.T)


def spread(v: Variable, seed: int) -> tuple[Variable, tuple[str, ...]]:
    """Rounded columns with every value spread evenly over its cell, halfway to the next values, and a note of it.

    The value can be read back from the result, so the information is the same, while densities and distances mean
    something again. A column with one frequent value amid others (an atom) stays as it is: it is no rounded number.
    """
    values = np.asarray(v.values, np.float64)
    random = np.random.default_rng([seed, 0x5B3EAD])
    changed = []
    for column in range(v.dim):
        distinct, place, count = np.unique(values[:, column], return_inverse=True, return_counts=True)
        if len(distinct) == v.n or len(distinct) < 2 or count.max() > _ATOM * v.n:
            continue
        middle = (distinct[1:] + distinct[:-1]) / 2
        walls = np.r_[2 * distinct[0] - middle[0], middle, 2 * distinct[-1] - middle[-1]]
        if not changed:
            values = values.copy()
        values[:, column] = walls[place] + np.diff(walls)[place] * random.random(v.n)
        changed.append(column)
    if not changed:
        return v, ()
    note = (
        f"{len(changed)} of {v.dim} columns of {v.name} repeat values, so each value was spread evenly over its cell: "
        "it can be read back, so the information is the same."
    )
    return Variable(values, v.name), (note,)


def continuous(x: Variable, y: Variable, seed: int, compress: bool) -> Estimate:
    """I of two continuous variables."""
    wide = max(x.dim, y.dim) > _WIDE
    if wide and compress and _curved(x, y) and (codes := _compressed(x, y, seed)) is not None:
        reason = "the leading components are curved, as no normal or Student law is, and a small latent size was found"
        return _compared(codes, reason, {}, ())
    copula = _copula(x, y)
    if copula.found is not None and math.isinf(copula.found.value):
        return chosen(copula.found, copula.reason)
    if copula.found is not None and copula.passed:
        few = slice(None, _CHECKED)  # a check needs no more, and is quick at any n
        beside = _neighbours(*(Variable(v.values[few], v.name) for v in (x, y)), seed) if x.dim + y.dim <= _SEEN else {}
        found = _compared(copula.found, copula.reason, {**copula.routes, **beside}, tuple(beside))
        if beside or copula.unnoticed <= max(_BLIND, 2.0 * copula.found.stderr):
            return found
        blind = (
            f"With {x.n} samples in {x.dim}+{y.dim} dimensions the test would miss {copula.unnoticed:.2g} nats that "
            "are not linear in the scores half the time: the value may be that much too low."
        )
        return dataclasses.replace(found, warnings=(*found.warnings, blind))
    if not wide and x.dim + y.dim <= _JOINT:
        return _by_neighbours(x, y, copula, seed)
    if wide and compress and (codes := _compressed(x, y, seed)) is not None:
        reason = f"{copula.reason}, and an autoencoder found a small latent size"
        return _compared(codes, reason, copula.routes, ())
    if copula.found is None:
        raise Refusal(copula.reason)
    warning = (
        f"{copula.reason}, and {x.dim}+{y.dim} dimensions are too many for nearest neighbours: the value misses what "
        "is not linear in the scores, so it is mostly a lower one."
    )
    found = _compared(copula.found, copula.reason, copula.routes, ())
    return dataclasses.replace(found, warnings=(*found.warnings, warning))


class _Copula(NamedTuple):
    """The copula baseline.

    Attributes:
        found: its value; None where there are too few samples for the dimensions.
        passed: whether the scores passed the test of their law.
        reason: both in words.
        routes: all variants that were measured, by method.
        unnoticed: nats that a passed test would have missed half the time.
    """

    found: Estimate | None
    passed: bool
    reason: str
    routes: Routes
    unnoticed: float = 0.0


def _copula(x: Variable, y: Variable) -> _Copula:
    """The data as they are, then normal scores, then Student scores: the first that passes its test."""
    from .copula import rank_scores, student_scores
    from .gaussian import Gaussian
    from .normality import LEVEL, elliptical_test

    routes: Routes = {}
    p_values = []
    for method, law in (
        (Gaussian(), "normal"),
        (Gaussian("gaussian"), "normal after ranks"),
        (Gaussian("student"), "Student after ranks"),
    ):
        try:
            found = method.estimate(x, y, seed=0)
        except Refusal as refusal:
            return _Copula(None, False, str(refusal).rstrip("."), routes)
        if math.isinf(found.value):
            return _Copula(found, True, "x and y are linearly related", {})
        nu = found.details.get("nu", math.inf)
        if method.copula == "student" and math.isinf(nu):
            break
        routes[found.method] = found
        sides = (x.values, y.values)
        if method.copula is not None:
            sides = tuple(rank_scores(v) if math.isinf(nu) else student_scores(v, nu) for v in sides)
        test = elliptical_test(*sides, nu)
        p_values.append(test.p_value)
        if test.passed:
            reason = f"the data are jointly {law} (p = {test.p_value:.2g})"
            return _Copula(found, True, reason, routes, test.unnoticed)
        if method.copula == "gaussian" and (test.skewness < _SKEW or test.radius >= LEVEL):
            break  # a Student law is symmetric, and its radius is what is not normal
    reason = f"the scores are neither jointly normal nor Student (p = {max(p_values):.1g})"
    return _Copula(routes["Gaussian(copula='gaussian')"], False, reason, routes)


def _curved(x: Variable, y: Variable) -> bool:
    """Whether a glance settles that wide data are neither normal nor Student, as they are and after ranks.

    The leading principal components of some samples, then those of the ranks of some columns: third moments that no
    such law has. It spares wide data the whole copula baseline, which costs more than all else.
    """
    from .copula import rank_scores
    from .normality import elliptical_test

    rows = slice(None, _LOOKED_AT)
    sides = [np.asarray(v.values[rows], np.float64) for v in (x, y)]
    if elliptical_test(*(_leading(s) for s in sides)).skewness >= _SKEW:
        return False
    random = np.random.default_rng(0)
    some = (s[:, random.permutation(s.shape[1])[:_COLUMNS]] for s in sides)
    return elliptical_test(*(_leading(rank_scores(s)) for s in some)).skewness < _SKEW


def _leading(values: np.ndarray) -> np.ndarray:
    """(n, at most 10) about the leading principal components of (n, d), by three steps of a subspace iteration."""
    if values.shape[1] <= _WIDE:
        return values
    centred = values - values.mean(axis=0)
    basis = np.random.default_rng(0).standard_normal((values.shape[1], 2 * _WIDE))
    for _ in range(3):
        basis = np.linalg.qr(centred.T @ (centred @ basis))[0]
    reduced = centred @ basis
    return reduced @ np.linalg.eigh(reduced.T @ reduced)[1][:, -_WIDE:]


def _tamed(v: Variable) -> Variable:
    """Columns of heavy tails as normal scores: information is the same, distances become telling."""
    from .copula import rank_scores

    values = np.asarray(v.values, np.float64)
    centred = values - values.mean(axis=0)
    square = (centred**2).mean(axis=0)
    kurtosis = (centred**4).mean(axis=0) / np.maximum(square, 1e-300) ** 2
    return Variable(rank_scores(values), v.name) if (kurtosis > _HEAVY).any() else v


def _neighbours(x: Variable, y: Variable, seed: int) -> Routes:
    """Debiased nearest neighbours, plain and weighted; none where distances of zero forbid them."""
    from .debiased import Debiased
    from .kozachenko import KozachenkoLeonenko
    from .weighted import WeightedKL

    x, y = _tamed(x), _tamed(y)
    routes: Routes = {}
    for inner in (KozachenkoLeonenko(k=5), WeightedKL(k=40)):
        try:
            found = Debiased(inner).estimate(x, y, seed=seed)
        except InputError:
            continue
        routes[found.method] = found
    return routes


def _between(found: Estimate, weighted: Estimate) -> Estimate:
    """Halfway between a debiased estimate and the weighted one as it is; half the gap goes into the error.

    Shuffled pairs have more of the boundary offset than dependent ones, so debiasing reads high on bounded data by up to
    a tenth of a nat, and the weighted estimate low by as much, where four to six dimensions leave it precise.
    """
    gap = weighted.value - found.value
    return dataclasses.replace(
        found,
        value=found.value + gap / 2,
        stderr=math.hypot(found.stderr, gap / 2),
        method=f"{found.method} and {weighted.method}",
        notes=(f"Halfway to {weighted.method}, {abs(gap):.2g} nats away; half of that is in the error.", *found.notes),
    )


def _by_neighbours(x: Variable, y: Variable, copula: _Copula, seed: int) -> Estimate:
    """Plain neighbours moved towards weighted ones, as far as their difference exceeds its noise.

    Plain neighbours are precise but biased where the density bends within their distance; weighted ones are nearly
    unbiased and noisy in many dimensions. The share of the difference that is taken, 1 - variance / difference^2, is
    that of James and Stein; the standard error stays that of the weighted ones where it is larger.
    """
    from .weighted import WeightedKL

    found = _neighbours(x, y, seed)
    if not found:
        return _tied(x, y, copula, seed)
    if len(found) == 1:
        return _compared(next(iter(found.values())), copula.reason, {**copula.routes, **found}, ())
    plain, weighted = found.values()
    if math.isinf(plain.value) or math.isinf(weighted.value):
        return chosen(plain if math.isinf(plain.value) else weighted, copula.reason)
    gap = weighted.value - plain.value
    share = max(0.0, 1.0 - (plain.stderr**2 + weighted.stderr**2) / gap**2) if gap else 0.0
    value = plain.value + share * gap
    error = max(plain.stderr, weighted.stderr)
    mixed = dataclasses.replace(
        plain,
        value=value,
        stderr=error,
        method=f"{plain.method} and {weighted.method}",
        notes=(
            f"{100 * share:.0f} % of the way from plain to weighted neighbours, which differ by {gap:.3g} nats.",
            *plain.notes,
        ),
    )
    if _FEWEST <= x.dim + y.dim <= _SEEN:
        whole = WeightedKL().estimate(_tamed(x), _tamed(y), seed=seed)
        mixed, found = _between(mixed, whole), {**found, whole.method: whole}
    return _compared(mixed, copula.reason, {**copula.routes, **found}, tuple(found))


def _tied(x: Variable, y: Variable, copula: _Copula, seed: int) -> Estimate:
    """Nearest neighbours that stand equal values, where others cannot be used."""
    from .mixture import Mixture

    found = Mixture().estimate(x, y, seed=seed)
    warnings = found.warnings
    if x.dim + y.dim > 4:
        warnings = (
            *warnings,
            "Equal values leave only Mixture, which reads low in many dimensions at high information.",
        )
    reason = f"{copula.reason}, and equal values in the data forbid distances"
    return _compared(dataclasses.replace(found, warnings=warnings), reason, {**copula.routes, found.method: found}, ())


def _compressed(x: Variable, y: Variable, seed: int) -> Estimate | None:
    """The information of autoencoder codes, or None where no small latent size is found."""
    from ..compressors import Autoencoder
    from .automatic import Automatic
    from .compressed import Compressed

    wide = [Autoencoder() if v.dim > _WIDE else None for v in (x, y)]
    try:
        return Compressed(Automatic(compress=False), x=wide[0], y=wide[1]).estimate(x, y, seed=seed)
    except Refusal:
        return None


def labels(t: Variable, y: Variable, seed: int) -> Estimate:
    """I of a continuous variable and a label: two methods that fail in opposite ways, and an arbiter.

    Class-wise densities are high where classes lie far apart in many dimensions; :class:`Mixture` is low where a sharp
    border cuts through a dense region. The decoder's value is a lower bound for both.
    """
    from .debiased import Debiased
    from .decoder import Decoder
    from .kozachenko import KozachenkoLeonenko
    from .mixture import Mixture

    if y.n_classes > t.n / 2:
        raise Refusal(
            f"{y.name} has {y.n_classes} classes for {t.n} samples, so most occur once and say nothing; "
            "pass it as floats if it is a measurement, or merge classes."
        )
    if t.dim > _JOINT:
        bound = Decoder().estimate(t, y, seed=seed)
        reason = (
            f"{t.dim} dimensions are too many for nearest neighbours, so this is what a decoder finds: a lower bound"
        )
        return chosen(bound, reason)
    mixture = Mixture().estimate(t, y, seed=seed)
    routes = {mixture.method: mixture}
    try:
        apart = Debiased(KozachenkoLeonenko(k=5)).estimate(_tamed(t), y, seed=seed)
    except InputError:  # equal values, a class too small or of lower dimension: no density
        return _compared(mixture, "a label, and equal values or rare classes that have no density", routes, ())
    routes[apart.method] = apart
    gap = apart.value - mixture.value
    if abs(gap) <= max(_APART * math.hypot(apart.stderr, mixture.stderr), 0.02):
        weight = apart.stderr**2 / max(apart.stderr**2 + mixture.stderr**2, 1e-300)
        both = dataclasses.replace(
            mixture,
            value=apart.value - weight * gap,
            stderr=math.hypot(min(apart.stderr, mixture.stderr), gap / 2),
            method=f"{mixture.method} and {apart.method}",
            notes=(
                "The mean of two methods that agree; half their difference is in the standard error.",
                *mixture.notes,
            ),
        )
        return _compared(both, "a label, and both nearest-neighbour methods agree", routes, ())
    bound = Decoder().estimate(t, y, seed=seed)
    routes[bound.method] = bound
    sharp = bound.value > mixture.value + _APART * bound.stderr
    best = apart if sharp else mixture
    short = max(bound.value - best.value, 0.0)  # a lower bound above the value: the truth is higher
    raised = dataclasses.replace(
        best, value=best.value + short, stderr=math.hypot(best.stderr, bound.stderr, short / 2)
    )
    side = "against Mixture, which sharp borders pull down" if sharp else "for Mixture"
    reason = (
        f"a label; the two nearest-neighbour methods differ by {abs(gap):.2g} nats, and a decoder's lower bound "
        f"of {bound.value:.3g} nats speaks {side}"
    )
    return _compared(raised, reason, routes, ())


def _compared(found: Estimate, reason: str, routes: Mapping[str, Estimate], rivals: tuple[str, ...]) -> Estimate:
    """The estimate with all routes in its details and a warning for every rival that disagrees with it.

    Args:
        found: the value taken.
        reason: why.
        routes: everything that was measured, by method.
        rivals: those of the methods that ought to agree.
    """
    warnings = list(found.warnings)
    for name in rivals:
        other = routes[name]
        apart = abs(other.value - found.value)
        if other.method != found.method and apart > _APART * math.hypot(found.stderr, other.stderr):
            warnings.append(
                f"{name} gives {other.value:.3g} ± {other.stderr:.1g} nats, more than three standard errors from "
                f"{found.value:.3g}: the routes disagree, so trust neither without calibration."
            )
    told = {name: [float(e.value), float(e.stderr)] for name, e in routes.items()}
    return chosen(
        dataclasses.replace(found, warnings=tuple(warnings), details={**found.details, "routes": told}), reason
    )
