"""How many numbers a variable needs: reconstruction error against latent size, and where the curve bends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..samples import is_whole

if TYPE_CHECKING:
    from .autoencoder import Autoencoder, Parts

_STEPS = 800  # of training for each size of a scan: enough to tell sizes apart, not to be used
_NEIGHBOURS = 10
_QUERIES = 1500  # samples whose neighbours give the guess
_BEND = 0.15  # of the log error, that counts as one: training noise alone makes 0.1
_APART = 1.0  # dimensions by which neighbours may see more than the bend: where both are right they differ by 0.4
WIDEST = 12  # latent size that networks are padded to, so that one compiled program trains them all


@dataclass(frozen=True)
class LatentScan:
    """What a scan over latent sizes found.

    Attributes:
        dims: the sizes tried, ascending; 0 is the mean alone.
        losses: held-out error of rebuilding, as a share of the variance, for each.
        chosen: the size at the elbow.
        neighbours: intrinsic dimension by nearest neighbours, around which sizes were tried.
        elbow: the log error bends there enough to be no accident, falls at no larger size half as much, and neighbours
            do not see more dimensions. Without it the size is a guess.
        variance: what losses are shares of.
        notes: the scan in words.
    """

    dims: tuple[int, ...]
    losses: tuple[float, ...]
    chosen: int
    neighbours: float
    elbow: bool
    variance: float = 1.0
    notes: tuple[str, ...] = ()

    def loss_at(self, dim: int) -> float:
        """Loss at a size that was tried; infinite at others."""
        return dict(zip(self.dims, self.losses, strict=True)).get(dim, math.inf)

    def as_details(self) -> dict[str, Any]:
        """The scan as plain values."""
        return {
            "dims": list(self.dims),
            "losses": list(self.losses),
            "chosen": self.chosen,
            "neighbours": self.neighbours,
            "elbow": self.elbow,
        }


def latent_scan(
    x: Any, dims: tuple[int, ...] | None = None, *, seed: int = 0, compressor: Autoencoder | None = None
) -> LatentScan:
    """Held-out error of rebuilding x from codes of several sizes, and the size at which the curve bends.

    Each size is trained for 800 steps. The elbow is the size d where the log error bends most,
    ``(ln L(d-1) - ln L(d)) - (ln L(d) - ln L(d+1))``: the last size that still helps much more than the next one would.

    Args:
        x: (n, d) samples.
        dims: sizes to try; None tries those around a nearest-neighbour guess and follows the bend.
        seed: seed of the training.
        compressor: settings of the autoencoder; None for the default ones.

    Raises:
        InputError: sizes that are no whole numbers from 1 up, or samples an autoencoder cannot learn from.
    """
    from .autoencoder import Autoencoder

    settings = Autoencoder() if compressor is None else compressor
    if dims is not None and (len(dims) < 2 or not all(is_whole(d) and d >= 1 for d in dims)):
        raise InputError(f"latent_scan needs at least two sizes, whole numbers from 1 up, got dims={dims!r}.")
    _, parts = settings.prepare(x, seed)
    return scan(parts, parts.largest, None if dims is None else tuple(sorted({int(d) for d in dims})))


def scan(parts: Parts, largest: int, dims: tuple[int, ...] | None = None) -> LatentScan:
    """The scan on coordinates that are ready: over ``dims``, or from a guess along the bend, up to ``largest``."""
    guess = intrinsic_dimension(parts.coordinates, parts.seed)
    held = parts.coordinates[parts.held_out]
    found = {0: float((held**2).sum(axis=1).mean())}

    def train(sizes: list[int], attempt: int = 0) -> None:
        for network in parts.train(sizes, _STEPS, attempt):
            found[network.dim] = min(float(parts.loss(network).mean()), found.get(network.dim, math.inf))

    def measure(sizes: list[int]) -> None:
        new = [d for d in sizes if 1 <= d <= largest + 1 and d <= parts.columns and d not in found]
        if new:
            train(new)

    if dims is not None:
        largest = max(dims)
        measure(list(dims))
    else:
        centre = int(np.clip(round(guess), 1, largest))
        measure(list(range(centre - 2, centre + 3)))
        _follow(found, measure, largest, parts.columns)
        for attempt in (1, 2):  # a network that was stuck makes a bend one size too late: try the size before again
            bends = _bends(found, parts.columns)
            best = max(bends, key=lambda d: bends[d], default=0)
            again = [d for d in (best - 1, best) if d >= 1 and d in found]
            if again:
                train(again, attempt)
            _follow(found, measure, largest, parts.columns)
    bends = _bends(found, parts.columns)
    best = max((d for d in bends if d <= largest), key=lambda d: bends[d], default=max(found))
    bent = bends.get(best, 0.0) >= _BEND
    elbow = bent and _is_last(found, best) and guess <= best + _APART
    # Where neighbours see more dimensions than the bend has, these are the better guess.
    chosen = best if elbow else max(best, min(largest, round(guess))) if bent else min(largest, max(found))
    sizes = tuple(sorted(found))
    losses = tuple(found[d] / found[0] for d in sizes)
    return LatentScan(sizes, losses, chosen, guess, elbow, found[0], _words(sizes, losses, chosen, guess, elbow))


def _follow(found: dict[int, float], measure: Any, largest: int, columns: int) -> None:
    """Try further sizes while the sharpest bend lies at an end of those tried, or there is none yet."""
    for _ in range(2 * largest):
        bends = _bends(found, columns)
        tried = sorted(bends)
        best = max(tried, key=lambda d: bends[d], default=None)
        low, high = min(d for d in found if d > 0), max(found)
        down = [low - 1, low - 2] if low > 1 else []
        up = [high + 1] if high < min(largest + 1, columns) else []
        if best is None or bends[best] < _BEND:
            more = down or up
        elif best == tried[-1]:
            more = up
        else:
            more = down if best == tried[0] else []
        if not more:
            return
        measure(more)


def _bends(found: dict[int, float], columns: int) -> dict[int, float]:
    """Second difference of the log error at each size whose neighbours in the scan are known."""
    sizes = sorted(found)
    log = {d: math.log(max(found[d], 1e-6 * found[0])) for d in sizes}
    bends = {}
    for before, here, after in zip(sizes[:-2], sizes[1:-1], sizes[2:], strict=True):
        if before == 0 and here > 1:
            continue  # size 0 comes for free; it is no neighbour of 3
        fall, next_fall = (log[before] - log[here]) / (here - before), (log[here] - log[after]) / (after - here)
        bends[here] = fall - max(next_fall, 0.0)
    if sizes[-1] == columns and len(sizes) > 1:  # no size above can help: there are no more columns
        bends[columns] = (log[sizes[-2]] - log[columns]) / (columns - sizes[-2])
    return bends


def _is_last(found: dict[int, float], size: int) -> bool:
    """Whether no larger size lowers the log error half as much as this one does: else the curve only goes down."""
    falls = {b: (math.log(found[a]) - math.log(max(found[b], 1e-300))) / (b - a) for a, b in pairwise(sorted(found))}
    return all(fall <= 0.5 * falls[size] for larger, fall in falls.items() if larger > size)


def intrinsic_dimension(x: np.ndarray, seed: int = 0) -> float:
    """Dimension of the surface that (n, d) samples lie on, from distances to nearest neighbours.

    The mean of two estimates from at most 1,500 samples' neighbours: maximum likelihood over ten neighbours (Levina &
    Bickel, which reads low where the surface bends) and the ratio of the first two distances (Facco et al.,
    arXiv:1803.06992, which reads high under noise).
    """
    x = np.asarray(x, np.float64)
    n = len(x)
    k = min(_NEIGHBOURS, n - 1)
    chosen = np.random.default_rng([seed, 0x1D]).permutation(n)[:_QUERIES]
    squares = (x**2).sum(axis=1)
    nearest = []
    for rows in np.array_split(chosen, max(1, len(chosen) * n // 4_000_000)):
        gaps = squares - 2.0 * x[rows] @ x.T + squares[rows, None]
        gaps[np.arange(len(rows)), rows] = np.inf
        nearest.append(np.sort(np.partition(gaps, k - 1, axis=1)[:, :k], axis=1))
    distance = np.sqrt(np.maximum(np.concatenate(nearest), 0.0))
    distance = distance[distance[:, 0] > 1e-7 * np.sqrt(squares.mean())]  # duplicates say nothing
    if len(distance) < 10 or k < 3:
        return float(x.shape[1])
    logs = np.log(distance[:, -1:] / distance[:, :-1]).sum(axis=1)
    likelihood = (k - 2) / logs.mean()
    ratio = np.sort(np.log(distance[:, 1] / distance[:, 0]))[: int(0.9 * len(distance))]
    survival = -np.log(1.0 - np.arange(1, len(ratio) + 1) / len(distance))
    two = (ratio * survival).sum() / (ratio**2).sum()
    return float(0.5 * (likelihood + two))


def _words(
    sizes: tuple[int, ...], losses: tuple[float, ...], chosen: int, guess: float, elbow: bool
) -> tuple[str, ...]:
    table = ", ".join(f"{d}: {loss:.2g}" for d, loss in zip(sizes, losses, strict=True) if d)
    seen = f"Latent size against the unexplained share of variance: {table} (neighbours say {guess:.1f})."
    if elbow:
        return (f"{seen} The curve bends at {chosen}.",)
    return (f"{seen} The curve has no clear elbow, so {chosen} is a guess: compare other sizes.",)
