"""Mutual information from differential entropies: I = h(X) + h(Y) - h(X, Y), or h(T) - sum_y p(y) h(T | y)."""

from __future__ import annotations

import abc
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

import numpy as np

from ..errors import InputError, Refusal
from ..estimate import Estimate
from ..samples import Variable, exponents_of
from .base import Density, Pointwise, influence_error
from .doubts import extreme_values
from .relations import exact_relation, repeated_values
from .whitening import unresolved, whiten

_MODEST = 200  # binary exponents up to which squares need no care
LARGEST_DIMENSION = 12  # beyond, neighbours are too far away to see a density
_SHARED = "Its standard error ignores that neighbours share noise: the true spread is up to 1.5 times as large."
_JACKKNIFE = "Its standard error is the jackknife's, 1 to 3 times the spread over samples; a bias is not in it."


class Surprisals(NamedTuple):
    """What a sample says of its own density.

    Attributes:
        terms: (n,) -ln f at every sample, in nats; their mean is the entropy h. A dropped sample has a nan.
        notes: how it was made.
        warnings: why it should not be trusted.
        influence: (n,) what every sample adds to the sum of the terms, up to a constant, its part in the terms of
            others included; None where a method does not tell.
    """

    terms: np.ndarray
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    influence: np.ndarray | None = None


class _Parts(NamedTuple):
    """(n, rank) coordinates of x and y; the log determinants that led there cancel in I."""

    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Entropies(Pointwise):
    """An estimator made of differential entropies, each of a sample that is centred and whitened on its own.

    Whitening splits off the Gaussian part in closed form, ``I = 1/2 ln(det C_X det C_Y / det C_XY) + the rest``, so the
    value is invariant under invertible affine maps of x and of y. A leaf says what one sample's density is
    (``surprisals``) and which settings fit the data (``settled``).
    """

    needs_input: ClassVar[bool] = True
    whiten = True  # no annotations: these are no fields of this class, only of leaves that have them
    jitter = 0.0

    @abc.abstractmethod
    def surprisals(self, x: np.ndarray) -> Surprisals:
        """-ln f at every row of x, (n, d) float64, already in the coordinates to measure it in.

        Raises:
            Refusal: distances of zero, more dimensions or fewer samples than the method stands.
        """

    def settled(self, smallest: int, dim: int, x: np.ndarray | None = None) -> tuple[Self, tuple[str, ...]]:
        """These settings as they fit a smallest term of ``smallest`` samples, and what was changed.

        Args:
            smallest: samples of the term that has the fewest.
            dim: dimensions of the largest term.
            x: (n, d) coordinates of the pair, where all terms share something fitted to it.
        """
        return self, ()

    def density(self, x: Variable, y: Variable, *, seed: int = 0) -> Density:
        kinds = {x.kind, y.kind}
        if kinds == {"discrete"}:
            raise InputError(
                f"{type(self).__name__} measures densities and both {x.name} and {y.name} are discrete; use Plugin()."
            )
        if kinds == {"continuous"}:
            return self._of_pair(x, y, seed)
        t, labels = (x, y) if x.kind == "continuous" else (y, x)
        return self._of_classes(t, labels, seed)

    def entropy(self, x: Variable, *, seed: int = 0) -> Estimate:
        if x.kind == "discrete":
            raise InputError(f"{type(self).__name__}().entropy needs floats and {x.name} is discrete; use Plugin().")
        values, log_det = self._coordinates(x, seed)
        if not values.shape[1] or values.shape[1] < x.dim:
            raise Refusal(
                f"h({x.name}) is minus infinity: its {x.dim} columns vary in {values.shape[1]} dimension(s) only; "
                "drop constant columns and those that others determine."
            )
        self._check(x.n, x.dim)
        settled, notes = self.settled(x.n, x.dim, values)
        found = settled.surprisals(values)
        terms = found.terms[~np.isnan(found.terms)] + log_det / 2
        return Estimate(
            value=float(terms.mean()),
            stderr=influence_error(terms if found.influence is None else found.influence),
            quantity="h(X)",
            n_samples=x.n,
            notes=(*notes, *found.notes, _of_error(found.influence)),
            warnings=found.warnings,
            method=str(self),
        )

    def shuffled(self, x: Variable, y: Variable, orders: Iterable[np.ndarray], *, seed: int = 0) -> np.ndarray:
        """(orders,) values with y in other orders: only the terms that see both are measured again."""
        if x.kind != y.kind:
            t, labels = (x, y) if x.kind == "continuous" else (y, x)
            orders = orders if t is x else map(np.argsort, orders)  # shuffling T is shuffling labels back
            values, _ = self._coordinates(t, seed)
            if not values.shape[1]:
                return np.array([0.0 for _ in orders])
            settled, whole, _ = self._whole(values, labels.codes)
            return np.array([(whole.terms - settled._within(values, labels.codes[o]).terms).mean() for o in orders])
        if x.kind == "discrete":
            return super().shuffled(x, y, orders, seed=seed)
        parts = self._parts(x, y, seed)
        if min(parts.x.shape[1], parts.y.shape[1]) == 0:
            return np.array([0.0 for _ in orders])
        settled, alone, _ = self._alone(parts)
        apart = alone[0].terms + alone[1].terms
        return np.array([np.nanmean(apart - settled._together(_Parts(parts.x, parts.y[o])).terms) for o in orders])

    def _coordinates(self, x: Variable, seed: int, side: int = 0) -> tuple[np.ndarray, float]:
        values = np.asarray(x.values, np.float64)
        exponent = int(exponents_of(values).max())
        exponent = exponent if abs(exponent) > _MODEST else 0
        values = np.ldexp(values, -exponent)  # one factor for all columns, so that no square over- or underflows
        scaled = 2.0 * math.log(2.0) * exponent
        if self.jitter:
            random = np.random.default_rng([seed, 0x1177, side])
            values = values - values.mean(axis=0)
            values = values + self.jitter * values.std(axis=0) * random.standard_normal(values.shape)
        white = whiten(values)
        if self.whiten:
            return white.values, white.log_det + white.rank * scaled
        if white.rank < x.dim:
            raise InputError(
                f"{type(self).__name__}(whiten=False) needs columns that are linearly independent; {x.name} varies in "
                f"{white.rank} of {x.dim} dimensions: use whiten=True."
            )
        return values - values.mean(axis=0), x.dim * scaled

    def _check(self, n: int, dim: int) -> None:
        who = type(self).__name__
        if dim > LARGEST_DIMENSION:
            raise Refusal(
                f"{who} sees no density in {dim} dimensions (at most {LARGEST_DIMENSION}, of x and y together); "
                "compress, as in Compressed(..., x=PCA(4), y=PCA(4)), or use Gaussian(copula='gaussian')."
            )
        if n <= dim + 1:
            raise Refusal(f"{who} needs more than {dim + 1} samples in {dim} dimensions, got {n}.")

    # ---- two continuous variables

    def _parts(self, x: Variable, y: Variable, seed: int) -> _Parts:
        parts = _Parts(self._coordinates(x, seed)[0], self._coordinates(y, seed, side=1)[0])
        self._check(x.n, parts.x.shape[1] + parts.y.shape[1])
        return parts

    def _alone(self, parts: _Parts) -> tuple[Self, tuple[Surprisals, Surprisals], tuple[str, ...]]:
        """The settings that fit, the entropies of x and of y alone, and what was changed."""
        pair = np.concatenate(parts, axis=1)
        settled, notes = self.settled(len(pair), pair.shape[1], whiten(pair).values if self.whiten else pair)
        return settled, (settled.surprisals(parts.x), settled.surprisals(parts.y)), notes

    def _together(self, parts: _Parts) -> Surprisals:
        pair = np.concatenate(parts, axis=1)
        if not self.whiten:
            return self.surprisals(pair)
        white = whiten(pair, tolerance=1e-13)  # full rank: exact_relation has ruled the rest out
        found = self.surprisals(white.values)
        return found._replace(terms=found.terms + white.log_det / 2)  # the influence only up to a constant

    def _of_pair(self, x: Variable, y: Variable, seed: int) -> Density:
        parts = self._parts(x, y, seed)
        for v, part in zip((x, y), parts, strict=True):
            if not part.shape[1]:
                return _constant(v)
        relation = exact_relation(x, y, *parts)
        if relation is not None:
            return Density(np.zeros(x.n), (), (relation,), infinite=True)
        settled, alone, changed = self._alone(parts)
        joint = settled._together(parts)
        terms = alone[0].terms + alone[1].terms - joint.terms
        found = (*alone, joint)
        kept = ~np.isnan(terms)
        if not kept.any():
            raise Refusal(f"{settled} sees no neighbour of any sample; choose a larger bandwidth.")
        influence = _difference(alone, (joint,))
        return Density(
            terms[kept],
            influence=influence,
            notes=(*changed, *_once(found, "notes"), _of_error(influence)),
            warnings=(*_doubts(x), *_doubts(y), *_once(found, "warnings")),
            details=_details(("h_x", "h_y", "h_xy"), found),
        )

    # ---- one continuous and one discrete variable

    def _whole(self, values: np.ndarray, codes: np.ndarray) -> tuple[Self, Surprisals, tuple[str, ...]]:
        """The settings that fit the smallest class, and the entropy of T."""
        dim = values.shape[1]
        self._check(len(values), dim)
        sizes = np.bincount(codes)
        smallest = int(sizes.min())
        if sizes.max() == 1:
            raise Refusal(
                f"{type(self).__name__} needs classes with several samples and here every sample has its own; pass "
                "what tells them apart as floats, or use Binned() or PairwiseBounds()."
            )
        if smallest <= dim + 1:
            raise Refusal(
                f"{type(self).__name__} needs more than {dim + 1} samples in every class for a density in {dim} "
                f"dimensions, and the smallest has {smallest}; merge or drop rare classes, or use Mixture()."
            )
        settled, notes = self.settled(smallest, dim)
        return settled, settled.surprisals(values), notes

    def _within(self, values: np.ndarray, codes: np.ndarray) -> Surprisals:
        """-ln f(t | its own class) at every sample, each class whitened on its own."""
        terms, influence, found = np.empty(len(values)), np.empty(len(values)), []
        for code in range(int(codes.max()) + 1):
            members = codes == code
            white = whiten(values[members])
            if white.rank < values.shape[1]:
                raise Refusal(
                    f"Class number {code} varies in {white.rank} of {values.shape[1]} dimensions, so its density and "
                    "that of all cannot be compared; use Mixture(), or drop columns that are constant within a class."
                )
            part = self.surprisals(white.values if self.whiten else values[members])
            shift = white.log_det / 2 if self.whiten else 0.0
            terms[members] = part.terms + shift
            influence[members] = np.nan if part.influence is None else part.influence + shift
            found.append(part)
        known = all(part.influence is not None for part in found)
        return Surprisals(terms, _once(found, "notes"), _once(found, "warnings"), influence if known else None)

    def _of_classes(self, t: Variable, labels: Variable, seed: int) -> Density:
        values, _ = self._coordinates(t, seed)
        codes = labels.codes
        share = np.bincount(codes) / t.n
        ceiling = -math.fsum(share * np.log(share))
        if not values.shape[1]:
            return _constant(t)
        settled, whole, changed = self._whole(values, codes)
        within = settled._within(values, codes)
        terms = whole.terms - within.terms
        terms = terms[~np.isnan(terms)]
        influence = _difference((whole,), (within,))
        notes = [*changed, *_once((whole, within), "notes"), f"Ceiling: H({labels.name}) = {ceiling:.4g} nats."]
        notes.append(_of_error(influence))
        warnings = [*_doubts(t), *_once((whole, within), "warnings")]
        smallest = int(share.min() * t.n + 0.5)
        if smallest < 50:
            warnings.append(f"The smallest class has {smallest} samples: its entropy is rough.")
        details = _details(("h_t", "h_t_given_y"), (whole, within)) | {"ceiling": ceiling}
        return Density(terms, tuple(notes), tuple(warnings), details=details, influence=influence)


def _difference(added: tuple[Surprisals, ...], taken: tuple[Surprisals, ...]) -> np.ndarray | None:
    """(n,) influence on a sum of entropies less others; None where one of them does not tell."""
    every = [(sign, part.influence) for sign, parts in ((1.0, added), (-1.0, taken)) for part in parts]
    if any(influence is None for _, influence in every):
        return None
    return np.sum([sign * influence for sign, influence in every if influence is not None], axis=0)


def _of_error(influence: np.ndarray | None) -> str:
    return _SHARED if influence is None else _JACKKNIFE


def _constant(x: Variable) -> Density:
    lost = unresolved(x)
    if lost:
        return Density(np.zeros(x.n), (), lost)
    return Density(np.zeros(x.n), (f"{x.name} is constant: nothing can be known of it, exactly.",))


def _doubts(x: Variable) -> tuple[str, ...]:
    return *repeated_values(x), *extreme_values(x), *unresolved(x)


def _once(found: tuple[Surprisals, ...] | list[Surprisals], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for part in found for text in getattr(part, name)))


def _details(names: tuple[str, ...], found: tuple[Surprisals, ...]) -> dict[str, float]:
    """Entropies in whitened coordinates."""
    return {f"{name}_whitened": float(np.nanmean(part.terms)) for name, part in zip(names, found, strict=True)}
