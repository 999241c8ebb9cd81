"""Mutual information from nearest neighbours after Kraskov, Stögbauer and Grassberger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy.spatial import KDTree
from scipy.special import digamma

from ..errors import InputError, Refusal
from ..estimate import Estimate
from ..samples import Variable, is_whole, moderate
from . import neighbours, shuffles
from .base import Density, Pointwise, influence_error
from .doubts import row_keys, unlike_columns


@dataclass(frozen=True)
class KSG(Pointwise):
    """I(X;Y) by comparing, around every sample, how crowded the joint space is with how crowded x and y are alone.

    Variant 1: eps_i is the largest coordinate distance to the k-th nearest joint neighbour, n_x and n_y count the
    samples strictly closer than eps_i in x and in y, and I = psi(k) + psi(n) - mean[psi(n_x + 1) + psi(n_y + 1)]
    (arXiv:cond-mat/0305641, eq. 8). Variant 2 counts up to and with the sides of the box around the k neighbours:
    I = psi(k) - 1/k + psi(n) - mean[psi(n_x) + psi(n_y)] (eq. 9). Neighbours tied with the k-th belong to the box.

    Nearly unbiased near independence, on bounded supports too, so it is good at "is there dependence". Low at high
    information and in many dimensions (the density is not even within eps_i), never above psi(n) - psi(k) where no
    values repeat. Distances in x and in y are compared as they are, as published: where one is far wider than the other
    KSG reads low (1 nat in 2+2 dimensions as 0.6, n = 1,000, at 10 to 1), and a warning says so; ``standardise`` is
    the remedy. Cost O(n log n) on lines and in few dimensions, O(n^2 (dx + dy)) above; memory O(n).

    Attributes:
        k: neighbours; 1 follows strong dependence best, more have less variance.
        variant: 1 or 2.
        standardise: give every column unit variance first.
        max_samples: larger inputs are thinned to so many, drawn without replacement with the seed.
    """

    needs_input: ClassVar[bool] = True

    k: int = 3
    variant: int = 1
    standardise: bool = False
    max_samples: int = 1_000_000

    def __post_init__(self) -> None:
        if not is_whole(self.k) or self.k < 1:
            raise InputError(f"KSG needs k, a whole number of neighbours from 1 on, got {self.k!r}; 3 is usual.")
        if not is_whole(self.variant) or self.variant not in (1, 2):
            raise InputError(f"KSG has the variants 1 and 2, got {self.variant!r}; 1 is usual.")
        if not isinstance(self.standardise, bool):
            raise InputError(f"KSG takes standardise=True or False, got {self.standardise!r}.")
        if not is_whole(self.max_samples) or self.max_samples <= self.k:
            raise InputError(f"KSG needs max_samples above k = {self.k}, got {self.max_samples!r}; 1000000 is usual.")

    def density(self, x: Variable, y: Variable, *, seed: int = 0) -> Density:
        (a, b), notes = self._varying(x, y, seed)
        n = len(a)
        found = _near(a, b, self.k, self.variant)
        terms = self._terms(found)
        ceiling = float(digamma(n) - digamma(self.k))
        tied = _ties(found, self.k)
        doubts = (
            *_repeats((x.name, a), (y.name, b), found.radius),
            *tied,
            *_scales((x.name, a), (y.name, b)),
            *([] if tied else _lowness(float(terms.mean()), ceiling, n, a.shape[1] + b.shape[1])),
        )
        return Density(terms, notes=notes, warnings=doubts, details={"ceiling": ceiling})

    def shuffled(self, x: Variable, y: Variable, orders: Iterable[np.ndarray], *, seed: int = 0) -> np.ndarray:
        """(orders,) values with y in other orders, to the last bit; what belongs to x or to y alone is found once."""
        if x.n > self.max_samples:  # thinning leaves other values of y in every order: nothing of y stays
            return super().shuffled(x, y, orders, seed=seed)
        (a, b), _ = self._varying(x, y, seed)
        first, second = shuffles.Side(a), shuffles.Side(b)
        if self.variant == 2:
            return np.array([self._terms(_near_in_order(first, second, order, self.k)).mean() for order in orders])
        values = []
        for together, found in shuffles.nearest(first, second, orders, self.k):
            radii = found[:, :, -1]
            counted = first.counts(radii), second.counts(radii, together)
            values += [self._terms(Near(*one)).mean() for one in zip(radii, *counted, strict=True)]
        return np.array(values)

    def _terms(self, found: Near) -> np.ndarray:
        """(n,) local information, from what surrounds every sample."""
        known = digamma(self.k) + digamma(len(found.radius))
        if self.variant == 1:
            return known - _psi(found.in_x + 1) - _psi(found.in_y + 1)
        return known - 1 / self.k - _psi(found.in_x) - _psi(found.in_y)

    def conditional(self, x: Variable, y: Variable, z: Variable, *, seed: int = 0) -> Estimate:
        """I(X;Y|Z): as I(X;Y), but around every sample within reach in z too.

        I = mean[psi(k) - psi(n_xz + 1) - psi(n_yz + 1) + psi(n_z + 1)], counts strictly within the distance of the k-th
        neighbour in (x, y, z) (Frenzel and Pompe, Phys. Rev. Lett. 99, 204101 (2007)). Low for the same reasons as
        I(X;Y), and pulled to 0 where z has many dimensions. A discrete z is taken class by class.

        Raises:
            InputError: discrete x or y, too few samples, or variant 2, which has no conditional form here.
        """
        if z.kind == "discrete":
            return super().conditional(x, y, z, seed=seed)
        if self.variant != 1:
            raise InputError("KSG(variant=2) has no conditional form; use KSG(variant=1).")
        (a, b, c), notes = self._arrays((x, y, z), seed)
        found = _near(np.hstack([a, c]), np.hstack([b, c]), self.k, 1, joint=np.hstack([a, b, c]))
        in_z = neighbours.counts(c, found.radius, "max")
        terms = digamma(self.k) - _psi(found.in_x + 1) - _psi(found.in_y + 1) + _psi(in_z + 1)
        dim = a.shape[1] + b.shape[1] + c.shape[1]
        return Estimate(
            value=float(terms.mean()),
            stderr=influence_error(terms),
            quantity="I(X;Y|Z)",
            n_samples=len(a),
            notes=notes,
            warnings=(
                *_repeats((x.name, a), (y.name, b), (z.name, c), found.radius),
                *_scales((x.name, a), (y.name, b), (z.name, c)),
                *_lowness(float(terms.mean()), float(digamma(len(a)) - digamma(self.k)), len(a), dim),
            ),
            method=str(self),
        )

    def _varying(self, x: Variable, y: Variable, seed: int) -> tuple[list[np.ndarray], tuple[str, ...]]:
        """Both as :meth:`_arrays` has them, neither of them constant."""
        arrays, notes = self._arrays((x, y), seed)
        for v, values in zip((x, y), arrays, strict=True):
            if not (values != values[0]).any():
                raise Refusal(
                    f"KSG needs {v.name} to vary and it is constant, so there is nothing to be informed about."
                )
        return arrays, notes

    def _arrays(self, variables: tuple[Variable, ...], seed: int) -> tuple[list[np.ndarray], tuple[str, ...]]:
        """The samples in double precision, thinned where they are too many, and standardised where that is asked."""
        for v in variables:
            if v.kind == "discrete":
                raise Refusal(
                    f"KSG compares distances and {v.name} is discrete; use Mixture(), which takes mixed data, or "
                    "WeightedKL() for classes."
                )
        n = variables[0].n
        if n <= self.k:
            raise InputError(f"KSG(k={self.k}) needs more than {self.k} samples, got {n}.")
        arrays, notes = [moderate(v).values for v in variables], ()
        if n > self.max_samples:
            chosen = np.sort(np.random.default_rng([seed, 0x1256]).choice(n, self.max_samples, replace=False))
            arrays = [values[chosen] for values in arrays]
            notes = (f"Thinned from {n} to max_samples = {self.max_samples} samples, drawn with the seed.",)
        arrays = [np.ascontiguousarray(values, np.float64) for values in arrays]
        return [_unit_variance(values) for values in arrays] if self.standardise else arrays, notes


class Near(NamedTuple):
    """What surrounds every sample: (n,) distances to the k-th joint neighbour, and the counts in x and in y."""

    radius: np.ndarray
    in_x: np.ndarray
    in_y: np.ndarray


def _near(x: np.ndarray, y: np.ndarray, k: int, variant: int, joint: np.ndarray | None = None) -> Near:
    """Counts around every sample by the quickest route; all give the same integers.

    Args:
        x, y: (n, dx) and (n, dy); they may share columns.
        k, variant: as KSG has them.
        joint: (n, d) all columns once, where x and y share some.
    """
    joint = np.hstack([x, y]) if joint is None else joint
    n, d = joint.shape
    method = neighbours.choose(n, d, "max").method
    if method == "jax" and variant == 1:
        from . import gpu

        return Near(*gpu.ksg(x, y, k))
    if method in ("scan", "jax"):
        return by_scan(x, y, k, variant)
    return by_parts(x, y, joint, k, variant)


def by_scan(x: np.ndarray, y: np.ndarray, k: int, variant: int) -> Near:
    """All in one pass over all pairs."""
    from . import scan

    n = len(x)
    radius, counted = np.empty(n), np.empty((n, 2), np.int64)
    scan.by_rows(scan.ksg_rows, n, x, scan.pack(x), y, scan.pack(y), variant == 2, np.empty((n, k)), radius, counted)
    return Near(radius, counted[:, 0], counted[:, 1])


def by_parts(x: np.ndarray, y: np.ndarray, joint: np.ndarray, k: int, variant: int) -> Near:
    """Neighbours in the joint space, then counts in x and in y, each by its own best route."""
    if variant == 1:
        radius = neighbours.distances(joint, k, "max")[:, -1]
        return Near(radius, neighbours.counts(x, radius, "max"), neighbours.counts(y, radius, "max"))
    radius, outside_x, outside_y = _boxes(x, y, joint, k)
    return Near(radius, neighbours.counts(x, outside_x, "max"), neighbours.counts(y, outside_y, "max"))


def _near_in_order(x: shuffles.Side, y: shuffles.Side, order: np.ndarray, k: int) -> Near:
    """Variant 2 with y in another order: its boxes are found anew, and counted in what is known of either side."""
    other = y.values[order]
    if neighbours.choose(x.n, x.d + y.d, "max").method != "tree":
        return by_scan(x.values, other, k, 2)
    radius, outside_x, outside_y = _boxes(x.values, other, np.hstack([x.values, other]), k)
    return Near(radius, x.counts(outside_x[None])[0], y.counts(outside_y[None], order[None])[0])


def _boxes(x: np.ndarray, y: np.ndarray, joint: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n,) distance to the k-th neighbour, and a little more than the largest x- and y-distance of all no farther."""
    n = len(joint)
    tree = KDTree(joint)
    reach, who = (np.asarray(part) for part in tree.query(joint, min(k + 2, n), p=np.inf, workers=-1))
    radius = reach[:, k]  # the first is at 0, the sample or a duplicate of it
    side_x, side_y = np.zeros(n), np.zeros(n)
    for column in range(k + 1):  # the sample itself is at 0 and widens nothing
        other = who[:, column]
        np.maximum(side_x, np.abs(x - x[other]).max(axis=1), out=side_x)
        np.maximum(side_y, np.abs(y - y[other]).max(axis=1), out=side_y)
    for i in np.flatnonzero(reach[:, -1] == radius) if n > k + 1 else ():  # ties with the k-th: take them all
        tied = tree.query_ball_point(joint[i], radius[i], p=np.inf)
        side_x[i] = np.abs(x[tied] - x[i]).max()
        side_y[i] = np.abs(y[tied] - y[i]).max()
    return radius, np.nextafter(side_x, np.inf), np.nextafter(side_y, np.inf)  # counts go up to and with the side


def _psi(counted: np.ndarray) -> np.ndarray:
    """psi of (n,) whole numbers from 1 on, from a table: there are fewer of them than samples."""
    return digamma(np.arange(counted.max() + 1.0))[counted]


def _repeats(*parts: Any) -> list[str]:
    """What repeated values do to an estimate that takes all for continuous."""
    *named, radius = parts
    found = []
    buried = int((radius == 0.0).sum())
    if buried:
        found.append(
            f"{buried} of {radius.size} samples have duplicates for nearest neighbours, as continuous data never do: "
            "the value means little; use Mixture(), or drop repeated rows."
        )
    for name, values in named:
        share = 1.0 - _distinct(values) / len(values)
        if share > 0.05 and not buried:
            found.append(f"{share:.0%} of {name} repeats other samples: rounded or mixed data bias KSG; use Mixture().")
    return found


def _ties(found: Near, k: int) -> list[str]:
    """What values on a coarse grid do, such as inputs of zeros and ones, though no row repeats.

    The k - 1 nearest are closer than the k-th in x and in y, unless they are as far; one distance for most samples says
    the same where k is 1. Slightly rounded values, which do little harm, have neither.
    """
    share = float((np.minimum(found.in_x, found.in_y) < k - 1).mean())
    _, alike = np.unique(found.radius[found.radius > 0.0], return_counts=True)
    common = alike.max(initial=0) / len(found.radius)
    share = max(share, common if common > 0.5 else 0.0)
    if share <= 0.05:
        return []
    return [
        f"{share:.0%} of the samples have neighbours at equal distances, as values on a grid have and continuous ones "
        "never: KSG then reads high, by nats even where there is no dependence; pass the variable on the grid as "
        "classes (whole numbers) to Plugin() or Mixture()."
    ]


def _distinct(values: np.ndarray) -> int:
    """Number of different rows."""
    if values.shape[1] == 1:
        return np.unique(values[:, 0]).size
    return np.unique(row_keys(values)).size


def _unit_variance(values: np.ndarray) -> np.ndarray:
    spread = np.sort(values, axis=0).std(axis=0)  # sorted, for sums that round alike in every order of the samples
    return values / np.where(spread > 0.0, spread, 1.0)


def _scales(*named: tuple[str, np.ndarray]) -> list[str]:
    """Variables, or columns of one, so unlike in scale that the smaller are not seen."""
    found, widest = [], {}
    for name, values in named:
        widest[name] = values.std(axis=0).max()
        found += unlike_columns(name, values, "KSG", "use KSG(standardise=True)")
    wide, narrow = max(widest, key=widest.__getitem__), min(widest, key=widest.__getitem__)
    if widest[wide] > 5.0 * widest[narrow] > 0.0:
        found.append(
            f"{wide} is {widest[wide] / widest[narrow]:.2g} times as wide as {narrow} and KSG compares their "
            "distances as they are, so it reads low; use KSG(standardise=True)."
        )
    return found


def _lowness(value: float, ceiling: float, n: int, dim: int) -> list[str]:
    """Where the value is too low: measured on correlated normal laws, n = 1,000 and 5,000, k = 1 and 3."""
    limits = {2: ceiling - 2.0, 4: ceiling - 3.5, 6: 1.5, 8: 0.7, 10: 0.4}
    limit = next((limit for most, limit in limits.items() if dim <= most), 0.15)
    if value <= max(limit, 0.15):
        return []
    return [
        f"KSG reads low here, on normal data by 0.1 nat or more at such a value in {dim} joint dimensions with {n} "
        f"samples (it never exceeds {ceiling:.3g}): it shows that there is dependence, not how much; compare "
        "WeightedKL() or Gaussian(copula='gaussian')."
    ]
