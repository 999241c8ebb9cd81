"""Mutual information against latent size: a plateau says that nothing more is found with more dimensions."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import InputError, Refusal
from ..samples import is_whole, moderate, pair
from .base import Compressor

if TYPE_CHECKING:
    from ..estimate import Estimate
    from ..estimators.base import Estimator

_ERRORS = 2.0  # standard errors within which two sizes are level
_SHARE = 0.05  # of the value, likewise


@dataclass(frozen=True)
class LatentSweep:
    """Estimates at several latent sizes.

    Attributes:
        dims: sizes, ascending.
        estimates: one for each; None where the estimator refused.
        plateau: the smallest size from which on the value stays level, with at least one size above it; None if there
            is no such size.
        notes: the sweep in words, with refusals.
    """

    dims: tuple[int, ...]
    estimates: tuple[Estimate | None, ...]
    plateau: int | None
    notes: tuple[str, ...] = ()

    @property
    def values(self) -> tuple[float, ...]:
        """Nats at each size; nan where the estimator refused."""
        return tuple(math.nan if e is None else e.value for e in self.estimates)


def latent_sweep(
    estimator: Estimator | None,
    x: Any,
    y: Any,
    dims: tuple[int, ...] = (2, 4, 8, 16),
    *,
    compressor: Compressor | None = None,
    seed: int = 0,
) -> LatentSweep:
    """Measure x and y through codes of several sizes.

    Two sizes are level where their values differ by at most two standard errors or 5 %. Information lost in a direction
    of small variance shows as a rise at the size that first keeps it; a value that falls with size shows that
    neighbours are too few for the dimension.

    Args:
        estimator: how codes are measured; None lets ``Compressed`` choose.
        x: (n, d) samples; classes pass as they are.
        y: (n, d') samples paired with x.
        dims: latent sizes; those above the number of columns are left out.
        compressor: any with a field ``dim``; None for PCA.
        seed: seed of whatever is random.

    Raises:
        InputError: sizes that are no whole numbers, or samples that do not pair.
    """
    from ..estimators.compressed import Compressed
    from .pca import PCA

    maker: Any = PCA() if compressor is None else compressor
    if not dims or not all(is_whole(d) and d >= 1 for d in dims):
        raise InputError(f"latent_sweep needs sizes that are whole numbers from 1 up, got dims={dims!r}.")
    first, second = map(moderate, pair(x, y, who="latent_sweep"))
    width = min((v.dim for v in (first, second) if v.kind == "continuous"), default=0)
    sizes = tuple(sorted({int(d) for d in dims if d <= width}))
    found: list[Estimate | None] = []
    refusals = {}
    for dim in sizes:
        one = dataclasses.replace(maker, dim=dim)
        try:
            found.append(Compressed(estimator, x=one, y=one).estimate(first, second, seed=seed))
        except Refusal as refusal:
            found.append(None)
            refusals[f"At {dim}: {refusal}"] = None
    level = plateau(sizes, found)
    words = (
        f"The value is level from size {level} on." if level else "No plateau: the value still changes with the size."
    )
    return LatentSweep(sizes, tuple(found), level, (words, *refusals))


def plateau(dims: tuple[int, ...], estimates: list[Estimate | None]) -> int | None:
    """The smallest size whose value all larger ones share, of those that were measured, or None."""
    known = [(d, e) for d, e in zip(dims, estimates, strict=True) if e is not None]
    for i in range(len(known) - 1):
        here = known[i][1]
        if all(_level(here, e) for _, e in known[i + 1 :]):
            return known[i][0]
    return None


def _level(a: Estimate, b: Estimate) -> bool:
    error = math.hypot(*(0.0 if math.isnan(e.stderr) else e.stderr for e in (a, b)))
    return abs(a.value - b.value) <= max(_ERRORS * error, _SHARE * abs(a.value))
