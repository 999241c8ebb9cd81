"""The routes for two continuous variables."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from ...compressors import Autoencoder
from ...errors import InputError, Refusal
from ...estimate import Estimate
from ...samples import Variable
from ..base import Estimator
from ..compressed import Compressed
from ..copula import rank_scores
from ..debiased import Debiased
from ..kozachenko import KozachenkoLeonenko
from ..mixture import Mixture
from ..weighted import WeightedKL
from .baseline import WIDE, Baseline, baseline, curved
from .comparison import Routes, compared, explained, route, together, warned
from .settling import settled

MOST = 12  # dimensions, of both sides together, in which nearest neighbours see a density
_CROWDED = 8  # joint dimensions beyond which even weighted neighbours read mostly low
_FEWEST = 4  # joint dimensions from which the weights cancel bias
_SEEN = 6  # joint dimensions up to which neighbours are precise enough to check the copula's value
_CHECKED = 5000  # samples that check it
_BLIND = 0.1  # nats, or share of the value, that its test may miss without a word
_HEAVY = 6.0  # kurtosis beyond which columns go through ranks before distances are taken (a normal law has 3)


def continuous(x: Variable, y: Variable, seed: int, codes: Estimator | None) -> Estimate:
    """I of two continuous variables.

    Args:
        x, y: the samples.
        seed: seed of whatever is random.
        codes: measures the codes of wide sides; None where autoencoders are not allowed.
    """
    wide = max(x.dim, y.dim) > WIDE
    if wide and codes is not None and curved(x, y) and (found := _compressed(x, y, seed, codes)) is not None:
        reason = "the leading components are curved, as no normal or Student law is, and a small latent size was found"
        return compared(found, reason, {})
    copula = baseline(x, y)
    if copula.found is not None and copula.passed:
        return _by_copula(x, y, copula, copula.found, seed)
    if not wide and x.dim + y.dim <= MOST:
        return _by_neighbours(x, y, copula, seed)
    if wide and codes is not None and (found := _compressed(x, y, seed, codes)) is not None:
        return compared(found, f"{copula.reason}, and an autoencoder found a small latent size", copula.routes)
    if copula.found is None:
        raise Refusal(f"{copula.reason}.")
    blind = (
        f"{copula.reason}, and {x.dim}+{y.dim} dimensions are too many for nearest neighbours: the value misses what "
        "is not linear in the scores, so it is mostly a lower one."
    )
    return warned(compared(copula.found, copula.reason, copula.routes), blind)


def tamed(v: Variable) -> Variable:
    """Columns of heavy tails as normal scores: the information is the same, and distances become telling."""
    values = np.asarray(v.values, np.float64)
    centred = values - values.mean(axis=0)
    square = (centred**2).mean(axis=0)
    kurtosis = (centred**4).mean(axis=0) / np.where(square > 0.0, square, 1.0) ** 2
    return Variable(rank_scores(values), v.name) if (kurtosis > _HEAVY).any() else v


def _by_copula(x: Variable, y: Variable, copula: Baseline, found: Estimate, seed: int) -> Estimate:
    """The copula's value, checked by nearest neighbours where these are precise, with what its test may have missed."""
    if math.isinf(found.value):
        return explained(found, copula.reason)
    if x.dim + y.dim <= _SEEN:
        beside = _neighbours(*_some(x, y, seed), seed)
        return compared(found, copula.reason, copula.routes | beside, beside)
    found = compared(found, copula.reason, copula.routes)
    if copula.unnoticed <= max(_BLIND, 2.0 * found.stderr, _BLIND * found.value):
        return found
    return warned(
        found,
        f"With {x.n} samples in {x.dim}+{y.dim} dimensions the test would miss {copula.unnoticed:.2g} nats that are "
        "not linear in the scores half the time: the value may be that much too low.",
    )


def _some(x: Variable, y: Variable, seed: int) -> tuple[Variable, Variable]:
    """As many samples as a check needs, in no order: rows may come sorted."""
    if x.n <= _CHECKED:
        return x, y
    rows = np.random.default_rng([seed, 0x50E]).permutation(x.n)[:_CHECKED]
    return Variable(x.values[rows], x.name), Variable(y.values[rows], y.name)


def _neighbours(x: Variable, y: Variable, seed: int) -> Routes:
    """Debiased nearest neighbours, plain and, where weights cancel bias, weighted; none where distances are zero."""
    found: Routes = {}
    for inner in (KozachenkoLeonenko(), WeightedKL(k=40))[: 1 if x.dim + y.dim < _FEWEST else 2]:
        try:
            found |= together(route(Debiased(inner), tamed(x), tamed(y), seed))
        except InputError:
            continue
    return found


def _by_neighbours(x: Variable, y: Variable, copula: Baseline, seed: int) -> Estimate:
    """The value of nearest neighbours, where the copula's test failed."""
    found = _neighbours(x, y, seed)
    if not found:
        return _tied(x, y, copula, seed)
    infinite = [one for one in found.values() if math.isinf(one.value)]
    if infinite:
        return compared(infinite[0], copula.reason, copula.routes | found)
    a, b = tamed(x), tamed(y)
    value = next(iter(found.values()))
    if len(found) > 1:
        value = _mixed(*found.values())
    if len(found) > 1 and _FEWEST <= x.dim + y.dim <= _SEEN:
        whole = route(WeightedKL(), a, b, seed)
        value, found = _halfway(value, whole), found | together(whole)
    value = compared(value, copula.reason, copula.routes | found, found if len(found) > 1 else ())
    value = settled(value, Debiased(KozachenkoLeonenko(), permutations=3), a, b, seed)
    if x.dim + y.dim <= _CROWDED:
        return value
    return warned(
        value, f"Nearest neighbours in {x.dim}+{y.dim} dimensions read mostly low, by tenths of a nat at several nats."
    )


def _mixed(plain: Estimate, weighted: Estimate) -> Estimate:
    """Plain neighbours moved towards weighted ones, as far as their difference exceeds its noise.

    Plain neighbours are precise but biased where the density bends within their distance; weighted ones are nearly
    unbiased, and noisy in many dimensions. The share of the difference that is taken, 1 - variance / difference^2, is
    that of James and Stein; the standard error is the larger of the two.
    """
    gap = weighted.value - plain.value
    share = max(0.0, 1.0 - (plain.stderr**2 + weighted.stderr**2) / gap**2) if gap else 0.0
    note = f"{100 * share:.0f} % of the way from plain to weighted neighbours, which differ by {gap:.3g} nats."
    return dataclasses.replace(
        plain,
        value=plain.value + share * gap,
        stderr=max(plain.stderr, weighted.stderr),
        method=f"{plain.method} and {weighted.method}",
        notes=(note, *plain.notes),
    )


def _halfway(found: Estimate, weighted: Estimate) -> Estimate:
    """Halfway between a debiased estimate and the weighted one as it is; half the gap goes into the error.

    Shuffled pairs have more of the boundary offset than dependent ones, so debiasing reads high on bounded data by up
    to a tenth of a nat, and the weighted estimate low by as much, where four to six dimensions leave it precise.
    """
    gap = weighted.value - found.value
    note = f"Halfway to {weighted.method}, {abs(gap):.2g} nats away; half of that is in the error."
    return dataclasses.replace(
        found,
        value=found.value + gap / 2,
        stderr=math.hypot(found.stderr, gap / 2),
        method=f"{found.method} and {weighted.method}",
        notes=(note, *found.notes),
    )


def _tied(x: Variable, y: Variable, copula: Baseline, seed: int) -> Estimate:
    """Nearest neighbours that stand equal values, where others cannot be used."""
    found = route(Mixture(), x, y, seed)
    reason = f"{copula.reason}, and equal values in the data forbid distances"
    found = settled(compared(found, reason, copula.routes | together(found)), Mixture(), x, y, seed)
    if x.dim + y.dim <= _FEWEST:
        return found
    return warned(found, "Equal values leave only Mixture(), which reads low in many dimensions at high information.")


def _compressed(x: Variable, y: Variable, seed: int, codes: Estimator) -> Estimate | None:
    """The information of autoencoder codes, or None where no small latent size is found."""
    first, second = (Autoencoder() if v.dim > WIDE else None for v in (x, y))
    try:
        return route(Compressed(codes, first, second), x, y, seed)
    except Refusal:
        return None
