"""Mutual information of data that are jointly normal, or become so when every column is transformed by itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ..errors import InputError, Refusal, nearest
from ..estimate import Estimate
from ..samples import Variable
from .base import Density, Pointwise
from .canonical import canonical, log_det_bias, log_det_variance
from .copula import resolved, scores_at, steps, tied
from .elliptical import Fit, normal_fit, student_fit
from .relations import exact_relation
from .whitening import whiten

_COPULAS = (None, "gaussian", "student")
_LISTED = 20  # canonical correlations in the details
_BLURRED = 1.5  # factor by which ranks may enlarge a 1 - r^2 before a warning says so


@dataclass(frozen=True)
class Gaussian(Pointwise):
    """Mutual information of a normal law: minus half the sum of ln(1 - r^2) over the canonical correlations r.

    The logarithm of a sample determinant is too small by a sum of digamma functions of n and d (Wishart), whatever the
    covariance, so the value is high by about dx dy / 2n; this is removed exactly. Linear relations inside x or inside y
    are dropped by an eigenvalue rank rule; one between x and y makes the value +inf, and a note says so. Cost O(n d^2).

    With a copula each column is first replaced by the scores of its ranks, so whatever increasing map was applied to it
    does not matter: the value is right for normal (or Student) copulas with any margins. For other laws it is that of
    the nearest normal law, mostly too low, by what the dependence is not linear in the scores; ``elliptical_test`` of
    ``infoplane.estimators.normality`` tells. Ranks blur relations closer than about 1 / n, which is corrected on
    average (``copula.sharpened``) and noted where it is large, and they cannot resolve columns that are almost linear
    functions of each other: such directions are dropped, and a note says how many.

    Attributes:
        copula: None takes the data as they are; "gaussian" takes normal scores; "student" takes scores of a Student
            law, its scatter by fixed point and its degrees of freedom by likelihood (infinite on normal data).
    """

    copula: Literal["gaussian", "student"] | None = None

    needs_input: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.copula not in _COPULAS:
            known = [str(c) for c in _COPULAS]
            raise InputError(f"Gaussian has no copula {self.copula!r}; {nearest(str(self.copula), known)}")

    def density(self, x: Variable, y: Variable, *, seed: int = 0) -> Density:
        return self._density(self._fit(x, y))

    def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> Estimate:
        fit = self._fit(x, y)
        found = self._density(fit)
        return Estimate(
            value=math.inf if found.infinite else float(found.terms.mean()),
            stderr=math.sqrt(fit.variance),
            n_samples=x.n,
            notes=found.notes,
            warnings=found.warnings,
            method=str(self),
            details=found.details,
        )

    def entropy(self, x: Variable, *, seed: int = 0) -> Estimate:
        """h(x) of the normal law, in nats, without the bias of ln det.

        Raises:
            InputError: a copula, which has no entropy of x.
            Refusal: discrete data, linearly related columns, or no more samples than dimensions.
        """
        self._refuse_discrete(x)
        if self.copula is not None:
            raise InputError(f"{self} knows ranks only, which have no entropy; use Gaussian() or KozachenkoLeonenko().")
        white = whiten(x.values)
        if white.rank < x.dim:
            raise Refusal(
                f"Gaussian().entropy needs a density and {x.name} varies in {white.rank} of {x.dim} dimensions, with "
                f"{x.n} samples; drop constant and linearly related columns, or take more samples."
            )
        if x.n < x.dim + 2:
            raise Refusal(f"Gaussian().entropy needs n > d + 1 samples, got {x.n} of dimension {x.dim}; take more.")
        spread = 0.25 * float((white.values**2).sum(axis=1).var()) / x.n
        return Estimate(
            value=0.5 * (white.log_det + x.dim * math.log(2.0 * math.pi * math.e)) - log_det_bias(x.n, x.dim),
            stderr=math.sqrt(max(spread, log_det_variance(x.n, x.dim))),
            quantity="h(X)",
            n_samples=x.n,
            method=str(self),
        )

    def _fit(self, x: Variable, y: Variable) -> Fit:
        for variable in (x, y):
            self._refuse_discrete(variable)
        white = [whiten(v.values).values for v in (x, y)]
        fit = self._special(x, y, white)
        ranks = [steps(v.values) for v in (x, y)]
        if self.copula is None:
            fit = fit or normal_fit(canonical(white[0], white[1]))
        fit = fit or self._copula_fit(x, y, ranks)
        return fit._replace(warnings=tuple(_doubts(x, y, ranks, fit, self.copula)))

    def _copula_fit(self, x: Variable, y: Variable, ranks: list[np.ndarray]) -> Fit:
        scores = [scores_at(r, math.inf) for r in ranks]
        maps = [resolved(z) for z in scores]
        white = [z @ m for z, m in zip(scores, maps, strict=True)]
        named = [Variable(z, f"score of {v.name}") for z, v in zip(scores, (x, y), strict=True)]
        fit = self._special(named[0], named[1], white)
        if fit is None and self.copula == "student":
            fit = student_fit(ranks, maps)
        return fit or normal_fit(canonical(white[0], white[1]), ranked=True)

    def _special(self, x: Variable, y: Variable, white: list[np.ndarray]) -> Fit | None:
        """The fit where there is nothing to estimate: a constant side, or an exact relation.

        Raises:
            Refusal: so few samples that every x determines its y.
        """
        n, p, q = x.n, white[0].shape[1], white[1].shape[1]
        if not p or not q:
            note = f"The {y.name if p else x.name} does not vary in these samples, so nothing can be known from it."
            return Fit(np.zeros(n), 0.0, np.zeros(0), (p, q), notes=(note,))
        if p + q >= n - 1:
            raise Refusal(
                f"{self} needs more samples than dimensions: {n} samples that vary in {p} + {q} dimensions always "
                "determine each other; take more samples or reduce the dimensions, as Compressed(...) does."
            )
        relation = exact_relation(x, y, white[0], white[1])
        if relation is None:
            return None
        return Fit(np.full(n, np.inf), math.nan, np.ones(1), (p, q), notes=(relation,))

    def _refuse_discrete(self, x: Variable) -> None:
        if x.kind == "discrete":
            raise Refusal(
                f"Gaussian needs continuous data and {x.name} is discrete; use WeightedKL() for classes, Mixture() for "
                "numbers with ties, or pass floats where the integers are measurements."
            )

    def _density(self, fit: Fit) -> Density:
        details = {
            "canonical_correlations": [float(c) for c in fit.correlation[:_LISTED]],
            "rank_x": fit.ranks[0],
            "rank_y": fit.ranks[1],
            "bias_removed": fit.bias,
        }
        if self.copula == "student":
            details["nu"] = fit.nu
        return Density(fit.terms, fit.notes, fit.warnings, details=details, infinite=math.isnan(fit.variance))


def _doubts(x: Variable, y: Variable, ranks: list[np.ndarray], fit: Fit, copula: str | None) -> list[str]:
    """What equal values and ranks may have spoilt."""
    found = []
    for v, step, rank in zip((x, y), ranks, fit.ranks, strict=True):
        if tied(step):
            found.append(f"{v.name} has equal values, which no density has: the value may mislead; compare Mixture().")
        if copula is not None and 0 < rank < (step != 0).any(axis=0).sum() and math.isfinite(fit.variance):
            found.append(
                f"Ranks resolve {rank} of {v.dim} dimensions of {v.name}, the rest being almost linear functions of "
                "them; what little these add is seen with copula=None only."
            )
    if fit.blur > _BLURRED:
        found.append(f"Ranks blur the strongest relation {fit.blur:.2g}-fold, corrected on average; try copula=None.")
    return found
