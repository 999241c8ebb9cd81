"""What a run will take: the same work timed on a few small samples on this machine, and followed up to its size."""

from __future__ import annotations

import math
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import nnls

from .channels import Channel
from .errors import InputError
from .estimators import KDE, KSG, Compressed, Debiased, Estimator, Mixture, PairwiseBounds, Subsampled, neighbours
from .estimators.entropies import LARGEST_DIMENSION, Entropies
from .measures import mutual_information
from .plane import information_plane
from .recordings import from_arrays
from .recordings.base import Recording
from .rows import picked
from .samples import pair, whole

_START = 2_000  # samples of the smallest run: beyond the routes that only small samples take
_MOST_SIZES = 5
_REPEATS = 4
_LARGEST_START = 20_000
_NEURAL = ("MINE", "NWJ", "InfoNCE", "SMILE", "Decoder", "NormalizingFlow")  # so many updates, however many samples

Work = Callable[[], object]
Growth = tuple[float, float]
"""Least and greatest exponent of n that the time of a method can have."""


@dataclass(frozen=True)
class Cost:
    """What a run is expected to take on this machine.

    Attributes:
        seconds: of the whole run; reading a file that does not fit into memory comes on top.
        bytes: held at once by arrays, beyond the data themselves.
        exponent: of the number of samples in the fit ``t = a + b n^exponent``.
        sizes: samples of the runs that were timed.
        measured: seconds of each.
        misfit: largest relative distance of these from the fit.
        how: all that in a sentence.
    """

    seconds: float
    bytes: float
    exponent: float
    sizes: tuple[int, ...]
    measured: tuple[float, ...]
    misfit: float
    how: str

    def __str__(self) -> str:
        """``about 12 min and 1.4 GB on this machine``."""
        return f"about {_time(self.seconds)} and {_memory(self.bytes)} on this machine"


def cost(
    estimator: Estimator,
    n: int,
    dim_x: int,
    dim_y: int = 1,
    *,
    classes: int = 0,
    null: int = 0,
    data: tuple[Any, Any] | None = None,
    budget: float = 2.0,
    seed: int = 0,
) -> Cost:
    """Seconds and bytes that ``mutual_information`` is expected to take.

    The estimate is timed on samples of 2,000, 4,000, ... until one takes a fifth of the budget. A constant and a power
    of n are fitted to the times; the power is known where every pair of samples is compared (2), and elsewhere fitted
    between the limits of the method. Aim: within a factor of 2; other work on the machine comes on top.

    Args:
        estimator: the method.
        n: samples.
        dim_x, dim_y: columns.
        classes: y is a label of so many classes; 0 for numbers.
        null: shuffles.
        data: (x, y) to take small samples from; else correlated normal ones are drawn.
        budget: seconds that finding out may take, roughly; compiling comes on top.
        seed: of the samples.

    Raises:
        InputError: numbers that are none, or an estimator that refuses such data.
    """
    for name, value, low in (("n", n, 4), ("dim_x", dim_x, 1), ("dim_y", dim_y, 1), ("classes", classes, 0)):
        whole(value, f"cost's {name}", low=low)
    if not isinstance(estimator, Estimator):
        raise InputError(f"cost needs an estimator such as KSG(), got {estimator!r}.")
    sides = None if data is None else pair(*data, who="cost")
    random = np.random.default_rng([seed, 0xC057])

    def drawn(m: int) -> tuple[np.ndarray, np.ndarray]:
        if sides is not None:
            rows = np.sort(random.permutation(sides[0].n)[:m])
            return np.asarray(picked(sides[0].values, rows)), np.asarray(picked(sides[1].values, rows))
        x = random.standard_normal((m, dim_x), np.float32)
        signal = x[:, 0] + 0.5 * random.standard_normal(m)
        if classes:
            return x, np.digitize(signal, np.quantile(signal, np.arange(1, classes) / classes))
        return x, np.column_stack([signal, random.standard_normal((m, dim_y - 1))]).astype(np.float32)

    shuffles = min(null, 2)

    def prepared(m: int, null: int = 0) -> Work:
        x, y = drawn(m)
        return lambda: mutual_information(x, y, estimator, seed=seed, null=null)

    dims = dim_x, 0 if classes or (sides is not None and sides[1].kind == "discrete") else dim_y
    found = _followed(prepared, n, growth(estimator, n, *dims), _start(estimator, sum(dims)), budget)
    if null:
        one, both = (_seconds(prepared(found.sizes[0], s)) for s in (0, shuffles))
        found = _times(found, 1.0 + null / shuffles * max(both / one - 1.0, 0.0), f"{null} shuffles included")
    return found


def plane_cost(
    recording: Recording,
    estimator: Estimator,
    *,
    channel: Channel | None = None,
    null: int = 0,
    budget: float = 2.0,
    seed: int = 0,
) -> Cost | None:
    """The same for ``information_plane``: its first snapshot is measured on few samples, times the snapshots.

    Returns:
        None for methods that send samples through the network again, whose time is mostly the network's.
    """
    if estimator.replays:
        return None
    random = np.random.default_rng([seed, 0xC057])
    probe, snapshots = recording.probe, len(recording.seeds) * len(recording.epochs)
    first = {layer: recording.rows(0, 0, layer) for layer in recording.layers}

    def prepared(m: int, shuffles: int = 0) -> Work:
        rows = np.sort(random.permutation(probe.n)[:m])
        small = from_arrays(
            {layer: np.asarray(picked(values, rows)) for layer, values in first.items()},
            probe.y[rows],
            x=None if probe.x is None else np.asarray(picked(probe.x, rows)),
            noise=recording.noise,
        )
        return lambda: information_plane(small, estimator, channel=channel, null=shuffles, seed=seed)

    width = max(values.shape[1] for values in first.values())
    inputs = probe.x.shape[1] if probe.x is not None and estimator.needs_input else 0
    power = growth(estimator, probe.n, inputs, width)  # in a plane x= is the compressor of the input
    found = _followed(prepared, probe.n, power, _start(estimator, inputs + width), budget)
    checked = len(recording.seeds) * min(3, len(recording.epochs))
    extra = 0.0
    if null:
        one, both = (_seconds(prepared(found.sizes[0], s)) for s in (0, null))
        extra = checked * max(both / one - 1.0, 0.0)
    return _times(found, snapshots + extra, f"times {snapshots:,} snapshots, {null} shuffles included")


def growth(estimator: Estimator, n: int, dim_x: int, dim_y: int = 0) -> Growth:
    """Least and greatest exponent of n in the time of an estimator.

    Args:
        estimator: the method.
        n: samples.
        dim_x, dim_y: columns of both sides; 0 for a label.
    """
    dims = dim_x + dim_y
    if isinstance(estimator, Subsampled):
        return (0.0, 0.0) if n > estimator.samples * estimator.parts else growth(estimator.estimator, n, dim_x, dim_y)
    if isinstance(estimator, Compressed):
        inner, sides = estimator.estimator, ((estimator.x, dim_x), (estimator.y, dim_y))
        kept = [dim if maker is None else min(dim, _dim_of(maker)) for maker, dim in sides]
        return (1.0, 1.5) if inner is None else growth(inner, n, *kept)
    if isinstance(estimator, Debiased):
        return growth(estimator.estimator, n, dim_x, dim_y)
    if isinstance(estimator, KDE | PairwiseBounds):
        return 2.0, 2.0
    if isinstance(estimator, KSG | Mixture | Entropies):
        method = neighbours.choose(n, min(dims, LARGEST_DIMENSION), "euclidean").method
        if method in ("scan", "product", "jax") and not isinstance(estimator, KSG | Mixture):
            return 2.0, 2.0
        return (1.0, 1.2) if dims <= 3 else (1.0, 2.0)
    return (0.0, 1.0) if type(estimator).__name__ in _NEURAL else (1.0, 1.2)


def _dim_of(maker: Any) -> int:
    """Columns of a code; where they are found only by fitting, as many as neighbours bear."""
    fitted = getattr(maker, "fitted", maker)
    return getattr(fitted, "dim", None) or LARGEST_DIMENSION


def _start(estimator: Estimator, dims: int) -> int:
    """Samples of the smallest run: enough that neighbours are sought as they will be."""
    if isinstance(estimator, Subsampled):
        return max(_START, estimator.samples * estimator.parts)
    if not isinstance(estimator, KSG | Mixture | Entropies):
        return _START
    start = _START
    while start < _LARGEST_START and neighbours.choose(start, dims, "euclidean").method == "scan":
        start *= 2
    return start if neighbours.choose(start, dims, "euclidean").method != "scan" else _START


def _followed(prepared: Callable[[int], Work], n: int, between: Growth, start: int, budget: float) -> Cost:
    """Time the work that is prepared for a few sizes, fit, and follow the fit up to n samples."""
    size = min(start, n)
    prepared(size)()  # compiles what there is to compile
    sizes: list[int] = []
    times: list[float] = []
    while True:
        sizes.append(size)
        work = prepared(size)
        times.append(_seconds(work))
        for _ in range(min(_REPEATS, int(budget / 20 / times[-1]))):  # the quickest: other work only slows a run
            times[-1] = min(times[-1], _seconds(work))
        if times[-1] > budget / 5 or size >= n or len(sizes) >= _MOST_SIZES:
            break
        size = min(2 * size, n)
    constant, slope, exponent, misfit = _fit(np.array(sizes), np.array(times), between)
    seconds = times[-1] if sizes[-1] == n else constant + slope * float(n) ** exponent
    peaks = [_peak(prepared(m)) for m in sizes[-2:]]
    rate = (peaks[-1] - peaks[0]) / (sizes[-1] - sizes[-2]) if len(peaks) > 1 else peaks[0] / sizes[-1]
    memory = max(peaks[-1] + max(rate, 0.0) * (n - sizes[-1]), peaks[-1])
    how = (
        f"timed at {', '.join(f'{m:,}' for m in sizes)} samples, {times[0]:.2g} to {times[-1]:.2g} s; fitted as a "
        f"constant and n^{exponent:.2g}, to {misfit:.0%}"
    )
    return Cost(seconds, memory, exponent, tuple(sizes), tuple(times), misfit, how)


def _fit(sizes: np.ndarray, times: np.ndarray, between: Growth) -> tuple[float, float, float, float]:
    """Constant and slope, both 0 or more, exponent, and the largest relative misfit."""
    best = (0.0, float(times[-1] / sizes[-1] ** between[0]), between[0], math.inf)
    for exponent in np.linspace(*between, 1 if between[0] == between[1] else 11):
        powers = (sizes / sizes[-1]) ** exponent
        system = np.stack([np.ones(len(sizes)), powers], axis=1) / times[:, None]  # relative errors count alike
        (constant, slope), _ = nnls(system, np.ones(len(times)))
        misfit = float(np.abs((constant + slope * powers) / times - 1.0).max())
        if misfit < best[3] - 1e-9:
            best = (float(constant), float(slope / sizes[-1] ** exponent), float(exponent), misfit)
    return best


def _times(found: Cost, factor: float, told: str) -> Cost:
    return replace(found, seconds=found.seconds * factor, how=f"{found.how}; {told}")


def _seconds(work: Work) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _peak(work: Work) -> float:
    """Bytes of arrays held at once; whoever traces memory already is left alone."""
    if tracemalloc.is_tracing():
        return 0.0
    tracemalloc.start()
    try:
        work()
        return float(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def _time(seconds: float) -> str:
    for size, unit in ((3600.0, "h"), (60.0, "min")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.2g} {unit}"
    return f"{seconds:.2g} s"


def _memory(size: float) -> str:
    return f"{size / 1e9:.2g} GB" if size >= 1e9 else f"{max(size / 1e6, 1.0):.0f} MB"
