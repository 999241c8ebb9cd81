"""The copula baseline, and whether its test lets it be the value."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ...errors import Refusal
from ...estimate import Estimate
from ...samples import Variable
from ..copula import rank_scores, student_scores
from ..gaussian import Gaussian
from ..normality import LEVEL, elliptical_test
from .comparison import Routes, route, together

WIDE = 10  # dimensions of a side that count as many
_SKEW = 1e-6  # p-value of third moments that settles that data are curved
_NEARLY = 1e-4  # p-value of a test that failed, from which its law is still the closest one
_LOOKED_AT = 2000  # samples that settle whether wide data are curved
_COLUMNS = 32  # of them, whose ranks are looked at
_COSTLY = 200  # columns of a side beyond which the baseline takes longer than autoencoders
_LOPSIDED = 6.0  # standard errors of a skewness that settle that a component is not normal
_LAWS = (
    (Gaussian(), "normal"),
    (Gaussian("gaussian"), "normal after ranks"),
    (Gaussian("student"), "Student after ranks"),
)


class Baseline(NamedTuple):
    """What the copula baseline found.

    Attributes:
        found: its value; None where there are too few samples for the dimensions.
        passed: whether the scores passed the test of their law.
        reason: both in words.
        routes: all variants that were measured.
        unnoticed: nats that a passed test would have missed half the time.
    """

    found: Estimate | None
    passed: bool
    reason: str
    routes: Routes
    unnoticed: float = 0.0


def baseline(x: Variable, y: Variable) -> Baseline:
    """The data as they are, then normal scores, then Student scores: the first that passes its test.

    Where none does it is that of the normal scores, unless the Student law fails by little: at a level of 0.01 it does
    so once in a hundred samples that come from it.
    """
    routes: Routes = {}
    p_values: dict[str, float] = {}
    for method, law in _LAWS:
        try:
            found = route(method, x, y, 0)
        except Refusal as refusal:
            return Baseline(None, False, str(refusal).rstrip("."), routes)
        if math.isinf(found.value):
            return Baseline(found, True, "x and y are linearly related", {})
        nu = found.details.get("nu", math.inf)
        if method.copula == "student" and math.isinf(nu):
            break
        routes |= together(found)
        a, b = x.values, y.values
        if method.copula is not None:
            a, b = (rank_scores(v) if math.isinf(nu) else student_scores(v, nu) for v in (a, b))
        test = elliptical_test(a, b, nu)
        p_values[found.method] = test.p_value
        if test.passed:
            reason = f"the data are jointly {law} (p = {test.p_value:.2g})"
            return Baseline(found, True, reason, routes, test.unnoticed)
        if method.copula == "gaussian" and test.radius >= LEVEL:
            break  # the common scale of a Student law is what is not normal
    closest = max(p_values, key=lambda name: p_values[name])
    reason = f"the scores are neither jointly normal nor Student (p = {p_values[closest]:.1g})"
    return Baseline(
        routes[closest if p_values[closest] > _NEARLY else Gaussian("gaussian").short], False, reason, routes
    )


def curved(x: Variable, y: Variable) -> bool:
    """Whether a glance settles that wide data are neither normal nor Student, as they are and after ranks.

    The leading principal components of some samples, then those of the ranks of some columns: third moments that no
    such law has, of both sides together or, in so many columns that the baseline costs more than autoencoders, of one.
    """
    random = np.random.default_rng(0)
    rows = random.permutation(x.n)[:_LOOKED_AT]
    a, b = (np.asarray(v.values[rows], np.float64) for v in (x, y))
    wide = max(x.dim, y.dim) > _COSTLY
    if not _bent(_leading(a), _leading(b), wide):
        return False
    a, b = (s[:, random.permutation(s.shape[1])[:_COLUMNS]] for s in (a, b))
    return _bent(_leading(rank_scores(a)), _leading(rank_scores(b)), wide)


def _bent(x: np.ndarray, y: np.ndarray, wide: bool) -> bool:
    """Whether third moments settle that (n, dx) and (n, dy) are bent: jointly or, where ``wide``, each by itself."""
    return elliptical_test(x, y).skewness < _SKEW or (wide and any(_skewed(side) for side in (x, y)))


def _skewed(values: np.ndarray) -> bool:
    """Whether the skewness of any column of (n, d) values lies beyond that of normal ones by far."""
    z = (values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-300)
    return bool((np.abs((z**3).mean(axis=0)) > _LOPSIDED * math.sqrt(6.0 / len(z))).any())


def _leading(values: np.ndarray) -> np.ndarray:
    """(n, at most 10) about the leading principal components of (n, d), by three steps of a subspace iteration."""
    if values.shape[1] <= WIDE:
        return values
    centred = values - values.mean(axis=0)
    basis = np.random.default_rng(0).standard_normal((values.shape[1], 2 * WIDE))
    for _ in range(3):
        basis = np.linalg.qr(centred.T @ (centred @ basis))[0]
    reduced = centred @ basis
    return reduced @ np.linalg.eigh(reduced.T @ reduced)[1][:, -WIDE:]
