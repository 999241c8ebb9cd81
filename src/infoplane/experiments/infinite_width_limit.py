"""Networks of growing width beside their infinite limit: kernels, trained ensembles, drift and information."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xarray as xr

from ..infinite import At, Conv, Dense, Ensemble, Kernels
from . import infinite_width_limit_figures as figures
from .base import Claim, Experiment, Run, sizes
from .infinite_width_limit_claims import QUANTITIES, claims

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_RELU = float(np.sqrt(2.0))
NETS: dict[str, Dense | Conv] = {
    "erf-1": Dense(1, "erf", 1.5, 0.1),
    "erf-3": Dense(3, "erf", 1.5, 0.1),
    "relu-1": Dense(1, "relu", _RELU, 0.1),
    "relu-3": Dense(3, "relu", _RELU, 0.1),
    "conv-relu-2": Conv(2, "relu", _RELU, 0.1),
}
TRAINED = {"erf-1": NETS["erf-1"], "relu-1": NETS["relu-1"], "erf-2": Dense(2, "erf", 1.5, 0.1)}
COUNTS = (4, 16, 80)  # steps of half the inverse of the largest eigenvalue of the tangent kernel
_INFORMED = 32  # width from which information is computed: kernels of narrower networks may have no full rank
_N, _M, _D = 8, 8, 16


class Points(NamedTuple):
    """Training points first, test points after them.

    Attributes:
        x: (16, 16) inputs of length 4, so that the entries' mean square is 1.
        y: (16,) targets.
    """

    x: np.ndarray
    y: np.ndarray


class InfiniteWidthLimit(Experiment):
    """Random networks of widths 8 to 2,048, and trained ones of widths 8 to 512, beside their infinite limit.

    Eight training and eight test points on a sphere in 16 dimensions (images of 4 x 4 for the convolutional network),
    one output, NTK parametrisation, gradient flow on the summed half-squared loss. A repetition has networks of its
    own, as many as a number of weights allows; the points are the same in all. The mean over trained networks and
    their covariance are seen through the difference of each network from its twin: the same start, moved by the
    infinite tangent kernel, which has the infinite mean, and for one hidden layer the infinite covariance. What the
    starts themselves lack of it is told by their kernels. So the noise of the mean falls with width, too.
    """

    name = "infinite-width-limit"
    title = "Networks of finite width and their infinite limit"
    source = "derived; our own test"
    unit = "repetitions"
    seeds = 12
    quick_seeds = 4

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        """Kernels of untrained networks, then the trained ones."""
        nets, trained = sizes(run, (list(NETS), list(TRAINED)), (["erf-1", "relu-3"], ["erf-1", "relu-1"]))
        found = {}
        for done, name in enumerate(nets):
            run.progress("kernels", done, len(nets))
            widths = sizes(run, [8 * 2**k for k in range(6 if name.startswith("conv") else 9)], [32, 128])
            measure = functools.partial(_over_widths, run, "kernels", name, widths, _kernels_piece)
            found[f"kernels-{name}"] = run.table(f"kernels-{name}", measure)
        for done, name in enumerate(trained):
            run.progress("training", done, len(trained))
            widths = sizes(run, [8 * 2**k for k in range(6 if TRAINED[name].depth > 1 else 7)], [32, 128])
            measure = functools.partial(_over_widths, run, "trained", name, widths, _trained_piece)
            found[f"trained-{name}"] = run.table(f"trained-{name}", measure)
        run.progress("training", len(trained), len(trained))
        return found

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        """See :mod:`.infinite_width_limit_claims`."""
        return claims(*_apart(datasets))

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        """Kernels, training and information against width."""
        kernels, trained = _apart(datasets)
        return {
            "kernels": figures.kernels(kernels),
            "training": figures.training(trained),
            "information": figures.information(kernels),
        }


def points() -> Points:
    """The sixteen points and their targets, a linear part and a product."""
    x = np.random.default_rng(0).standard_normal((_N + _M, _D))
    x *= np.sqrt(_D) / np.linalg.norm(x, axis=1, keepdims=True)
    return Points(x, x[:, 0] + 0.5 * x[:, 1] * x[:, 2])


def twin(kernels: Kernels, y: np.ndarray, time: float) -> tuple[np.ndarray, np.ndarray]:
    """What the infinite tangent kernel makes of outputs at the start: f = A f_0 + b at training and test points.

    With f_0 of mean 0 and covariance K, b is the mean of the infinite ensemble and A K A' its covariance.

    Args:
        kernels: (n, n) of training points, then test points.
        y: (N,) targets of the first.
        time: of the summed half-squared loss.

    Returns:
        A (n, n) and b (n,).
    """
    n = len(y)
    values, vectors = np.linalg.eigh(kernels.ntk[:n, :n])
    learned = (vectors * (-np.expm1(-values * time) / values)) @ vectors.T  # T^-1 (1 - exp(-T time))
    pull = kernels.ntk[:, :n] @ learned
    through = np.eye(len(kernels.ntk))
    through[:, :n] -= pull
    return through, pull @ y


def _apart(datasets: Mapping[str, xr.Dataset]) -> tuple[dict[str, xr.Dataset], dict[str, xr.Dataset]]:
    """Of kernels and of training, by network."""
    kernels, trained = (
        {name.removeprefix(kind): one for name, one in datasets.items() if name.startswith(kind)}
        for kind in ("kernels-", "trained-")
    )
    return kernels, trained


def _over_widths(
    run: Run, kind: str, name: str, widths: list[int], piece: Callable[[Run, str, int], xr.Dataset]
) -> xr.Dataset:
    """Pieces of one network, a width each."""
    pieces = [
        run.table(f"pieces/{kind}-{name}-{width}", functools.partial(piece, run, name, width)) for width in widths
    ]
    return _joined(pieces, widths)


def _kernels_piece(run: Run, name: str, width: int) -> xr.Dataset:
    """One width: errors of single networks, and of the mean of each repetition."""
    from .infinite_width_networks import size, starts

    net, (x, y) = NETS[name], points()
    x = x.reshape(len(x), 4, 4, 1) if isinstance(net, Conv) else x
    budget = sizes(run, 8_000_000, 3_000_000) // (4 if isinstance(net, Conv) else 1)
    networks = int(np.clip(budget // size(net, width, x.shape[1:]), 2, 2048))
    infinite = Kernels(*net.kernels(x))
    times = _times(infinite)
    expected = _information(infinite, y, times)
    rows, drawn = [], 0
    for seed in range(run.seeds):
        found = starts(net, width, x, networks, _seed(list(NETS).index(name), width, seed))
        drawn += len(found.outputs)
        row = {}
        for kind, of_networks, limit in (("nngp", found.nngp, infinite.nngp), ("ntk", found.ntk, infinite.ntk)):
            away = (of_networks - limit) / np.linalg.norm(limit)
            row[f"error_{kind}"] = xr.DataArray(np.linalg.norm(away, axis=(1, 2)).mean())
            row[f"shift_{kind}"] = xr.DataArray(
                away.mean(axis=0)[np.triu_indices(len(x))] * _twice(len(x)), dims="pair"
            )
        if width >= _INFORMED:
            several = [
                _information(Kernels(*pair), y, times) for pair in zip(found.nngp[:8], found.ntk[:8], strict=True)
            ]
            away = np.mean([np.abs(one - expected) for one in several], axis=0)
        else:
            away = np.full(expected.shape, np.nan)
        row["information_error"] = xr.DataArray(away, dims=("quantity", "time"))
        rows.append(xr.Dataset(row))
    whole = xr.concat(rows, "seed").assign_coords(seed=np.arange(run.seeds), quantity=list(QUANTITIES), time=times)
    return whole.assign(information=(("quantity", "time"), expected), networks=drawn)


def _twice(n: int) -> np.ndarray:
    """Weights that make the norm of a triangle that of the symmetric matrix."""
    rows, columns = np.triu_indices(n)
    return np.where(rows == columns, 1.0, np.sqrt(2.0))


def _times(kernels: Kernels) -> np.ndarray:
    return np.array(COUNTS) * _step(kernels)


def _step(kernels: Kernels) -> float:
    return 0.5 / float(np.linalg.eigvalsh(kernels.ntk[:_N, :_N])[-1])


def _information(kernels: Kernels, y: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(quantity, time) of the ensemble with these kernels."""
    ensemble = Ensemble.from_kernels(Kernels(kernels.nngp[:_N, :_N], kernels.ntk[:_N, :_N]), y[:_N])
    at = At(Kernels(kernels.nngp[_N:, :_N], kernels.ntk[_N:, :_N]), kernels.nngp[_N:, _N:])
    found = ensemble.information(at, y[_N:], times, seed=0)
    return np.stack([found[name].to_numpy() for name in QUANTITIES])


def _trained_piece(run: Run, name: str, width: int) -> xr.Dataset:
    """One width: single networks beside their twins, the mean and covariance of each repetition, and the drift."""
    from .infinite_width_networks import courses, size

    net, (x, y) = TRAINED[name], points()
    assert isinstance(net, Dense)
    networks = int(np.clip(sizes(run, 800_000, 200_000) // size(net, width, x.shape[1:]), 4, 2048))
    infinite = Kernels(*net.kernels(x))
    times, rows, drawn = _times(infinite), [], 0
    for seed in range(run.seeds):
        key = _seed(len(NETS) + list(TRAINED).index(name), width, seed)
        course = courses(net, width, x, y[:_N], networks, key, step=_step(infinite), counts=COUNTS)
        drawn += len(course.outputs)
        starting = course.start.ntk[:, None, :_N, :_N]
        moved = np.linalg.norm(course.ntk - starting, axis=(2, 3)) / np.linalg.norm(starting, axis=(2, 3))
        lacking = course.start.nngp.mean(axis=0) - infinite.nngp
        shifts = []
        for place, time in enumerate(times):
            through, mean = twin(infinite, y[:_N], float(time))
            alike, own = course.start.outputs @ through.T, course.outputs[:, place] - mean
            second = (own.T @ own - alike.T @ alike) / len(own) + through @ lacking @ through.T
            shifts.append((_size(own - alike), (own - alike).mean(axis=0), second[_N:, _N:]))
        twins, means, seconds = (np.array(part) for part in zip(*shifts, strict=True))
        row = {"twin": ("time", twins), "drift": ("time", moved.mean(axis=0)), "shift_mean": (("time", "point"), means)}
        rows.append(xr.Dataset(row | {"shift_second": (("time", "test", "other"), seconds)}))
    predicted = Ensemble(net, x[:_N], y[:_N])
    covariances = np.stack([predicted.predict(x[_N:], float(time))[1] for time in times])
    whole = xr.concat(rows, "seed").assign_coords(seed=np.arange(run.seeds), time=times)
    return whole.assign(covariance=(("time", "test", "other"), covariances), target=("point", y), networks=drawn)


def _size(away: np.ndarray) -> float:
    """Mean over networks of the root mean square over points."""
    return float(np.sqrt((away**2).mean(axis=1)).mean())


def _seed(net: int, width: int, repetition: int) -> int:
    return int(np.random.SeedSequence([net, width, repetition]).generate_state(1)[0])


def _joined(pieces: list[xr.Dataset], widths: list[int]) -> xr.Dataset:
    """Over (width, ...), what depends on no width once."""
    common = [name for name in ("information", "covariance", "target") if name in pieces[0]]
    joined = xr.concat([one.drop_vars(common) for one in pieces], "width", join="override", combine_attrs="override")
    return joined.assign_coords(width=widths).assign({name: pieces[0][name] for name in common})
