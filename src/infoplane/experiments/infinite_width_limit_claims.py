"""What ``infinite-width-limit`` says: powers of the width with which finite networks come near the infinite ones.

Each power is the slope of a straight line in the logarithms. Its interval is over repetitions: Student's for means of
single networks, of which every repetition has its own slope, and the jackknife's for the mean over all networks. That
mean's error is known beside its own noise, and only widths at which it stands out count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from .base import Claim
from .verdicts import Mean, Verdict, all_of, mean_over_seeds

OURS = "derived; our own test"
QUANTITIES = {
    "mi_input": "I(X;Z|D), upper",
    "mi_target": "I(Z;Y|D), lower",
    "mi_output_data": "I(Z;D|X) a point, upper",
    "loss_gibbs": "test loss",
    "effective_dimension": "effective dimension",
    "fisher_trace": "trace of the Fisher information",
}
_SINGLE_FROM = 32  # width from which the errors of single networks count
_MEAN_FROM = 16  # width from which those of the mean over networks do
_SINGLE_WITHIN = 0.1
_MEAN_WITHIN = 0.2
_STANDS_OUT = 3.0  # times the Monte Carlo error of the mean
_FEWEST = 3  # widths for a slope
_UNBIASED = 0.02  # of the kernel
_DRIFT_SMOOTH, _DRIFT_KINK, _DRIFT_WITHIN = -1.0, -0.75, 0.12

Tables = Mapping[str, xr.Dataset]  # over (width, seed, ...), by network


class Shift(NamedTuple):
    """The mean over repetitions of something that vanishes at infinite width.

    Attributes:
        size: (width,) its norm, with the noise's share of the square taken out; nan where nothing is left.
        noise: (width,) Monte Carlo error of the mean, as a norm.
        seen: (width,) whether the norm stands out of the noise.
    """

    size: np.ndarray
    noise: np.ndarray
    seen: np.ndarray


def claims(kernels: Tables, trained: Tables) -> list[Claim]:
    """Of random networks and of trained ones."""
    return [
        _single_kernels(kernels),
        _unbiased(kernels),
        _mean_kernels(kernels),
        _twins(trained),
        _means(trained),
        _covariances(trained),
        _drift(trained, "erf"),
        _drift(trained, "relu"),
        _information(kernels),
    ]


def shift(values: np.ndarray) -> Shift:
    """Of (width, seed, numbers)."""
    count = values.shape[1]
    mean, variance = values.mean(axis=1), values.var(axis=1, ddof=1) / count
    noise = variance.sum(axis=1)
    square = (mean**2).sum(axis=1)
    size = np.sqrt(np.where(square > noise, square - noise, np.nan))
    return Shift(size, np.sqrt(noise), square > _STANDS_OUT**2 * noise)


def slope_of_single(widths: np.ndarray, values: np.ndarray) -> Mean:
    """Slope of (width, seed) values, each repetition its own line."""
    used = widths >= _SINGLE_FROM
    return mean_over_seeds(np.polyfit(np.log(widths[used]), np.log(values[used]), 1)[0])


def slope_of_mean(widths: np.ndarray, values: np.ndarray) -> Mean:
    """Slope of the norm of the mean of (width, seed, numbers), by the jackknife; nan if too few widths show it."""
    used = shift(values).seen & (widths >= _MEAN_FROM)
    if used.sum() < _FEWEST:
        return Mean(float("nan"), float("nan"), float("nan"))

    def slope(some: np.ndarray) -> float:
        sizes = shift(some).size
        return float(np.polyfit(np.log(widths[used]), np.log(sizes[used]), 1)[0])

    n = values.shape[1]
    whole = slope(values)
    parts = np.array([slope(np.delete(values, k, axis=1)) for k in range(n)])
    reach = mean_over_seeds(n * whole - (n - 1) * parts)
    return Mean(whole, whole + reach.lower - reach.value, whole + reach.upper - reach.value)


def relative(one: xr.Dataset, kind: str, place: int) -> np.ndarray:
    """(width, seed, numbers) of a trained ensemble's "mean" or "covariance" at one time, less the infinite one's.

    Relative to the root of the summed squares of targets, or of the infinite covariance. A second moment about the
    infinite mean has the mean's own shift in it, the mean over all repetitions of which is taken out.
    """
    shifts = one["shift_mean"].transpose("width", "seed", "time", "point").to_numpy()[:, :, place]
    if kind == "mean":
        return shifts / np.linalg.norm(one["target"])
    names = ("width", "seed", "time", "test", "other")
    second = one["shift_second"].transpose(*names).to_numpy()[:, :, place]
    tests = shifts.mean(axis=1)[:, -second.shape[2] :]
    found = second - (tests[:, :, None] * tests[:, None, :])[:, None]
    return found.reshape(*found.shape[:2], -1) / np.linalg.norm(one["covariance"].isel(time=place))


def _near(slope: Mean, expected: float, within: float) -> Verdict:
    """Whether the whole interval is that near; fails if all of it lies outside."""
    return all_of([slope.above(expected - within), slope.below(expected + within)])


def _widths(one: xr.Dataset) -> np.ndarray:
    return one["width"].to_numpy().astype(np.float64)


def _of(one: xr.Dataset, name: str) -> np.ndarray:
    return one[name].transpose("width", "seed", ...).to_numpy()


def _ends(one: xr.Dataset, values: np.ndarray) -> str:
    """Means at the least and the greatest width."""
    widths = one["width"].to_numpy()
    return "; ".join(f"width {widths[k]}: {mean_over_seeds(values[k])}" for k in (0, -1))


def _seen(one: xr.Dataset, found: Shift) -> str:
    widths = one["width"].to_numpy()
    parts = [f"{w}: {s:.2g} ± {n:.1g}" for w, s, n, seen in zip(widths, *found, strict=True) if seen]
    return "; ".join(parts) or "nowhere above 3 Monte Carlo errors"


def _single_kernels(kernels: Tables) -> Claim:
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for net, one in kernels.items():
        for kind, letter in (("nngp", "K"), ("ntk", "T")):
            values = _of(one, f"error_{kind}")
            slope = slope_of_single(_widths(one), values)
            verdicts.append(_near(slope, -0.5, _SINGLE_WITHIN))
            numbers[f"{net}: slope of the error of {letter}"] = str(slope)
            numbers[f"{net}: relative error of {letter}"] = _ends(one, values)
    return Claim(
        f"Kernels K and T of one random network come near the infinite ones as width^(-1/2): from width {_SINGLE_FROM} "
        f"on the slope of the relative error is within {_SINGLE_WITHIN:g} of -1/2 for every network.",
        all_of(verdicts),
        numbers,
        OURS,
    )


def _deep(net: str) -> bool:
    return not net.endswith("-1")


def _unbiased(kernels: Tables) -> Claim:
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for net, one in kernels.items():
        if _deep(net):
            continue
        for kind, letter in (("nngp", "K"), ("ntk", "T")):
            found = shift(_of(one, f"shift_{kind}"))
            size = np.nan_to_num(found.size)
            worst = int((size + 2 * found.noise).argmax())
            verdicts.append(
                Mean(size[worst], size[worst] - 2 * found.noise[worst], size[worst] + 2 * found.noise[worst]).below(
                    _UNBIASED
                )
            )
            numbers[f"{net}: {letter}, largest error of the mean and its Monte Carlo error"] = (
                f"{size[worst]:.2g} ± {found.noise[worst]:.1g} at width {one['width'].to_numpy()[worst]}"
            )
    return Claim(
        "With one hidden layer the mean over networks is right at every width, being a sum over independent units: "
        f"what it misses, with two Monte Carlo errors added, is below {_UNBIASED:.0%} of the kernel.",
        all_of(verdicts),
        numbers,
        OURS,
    )


def _mean_kernels(kernels: Tables) -> Claim:
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for net, one in kernels.items():
        if not _deep(net):
            continue
        for kind, letter in (("nngp", "K"), ("ntk", "T")):
            values = _of(one, f"shift_{kind}")
            verdicts.append(_told(numbers, f"{net}: {letter}", one, values))
    return Claim(
        f"With more layers the mean of K and T over networks misses the infinite kernel by 1/width: slope within "
        f"{_MEAN_WITHIN:g} of -1, over the widths from {_MEAN_FROM} on at which it stands out by {_STANDS_OUT:g} "
        "Monte Carlo errors.",
        all_of(verdicts),
        numbers,
        OURS,
    )


def _told(numbers: dict[str, float | str], label: str, one: xr.Dataset, values: np.ndarray) -> Verdict:
    slope = slope_of_mean(_widths(one), values)
    numbers[f"{label}, slope"] = str(slope)
    numbers[f"{label}, relative, where it stands out"] = _seen(one, shift(values))
    return _near(slope, -1.0, _MEAN_WITHIN)


def _times(one: xr.Dataset) -> Sequence[str]:
    return [f"τ = {time:.2g}" for time in one["time"].to_numpy()]


def _twins(trained: Tables) -> Claim:
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for net, one in trained.items():
        values = _of(one, "twin")
        for place, time in enumerate(_times(one)):
            slope = slope_of_single(_widths(one), values[:, :, place])
            verdicts.append(_near(slope, -0.5, _SINGLE_WITHIN))
            numbers[f"{net}, {time}: slope"] = str(slope)
            numbers[f"{net}, {time}: distance"] = _ends(one, values[:, :, place])
    return Claim(
        "A trained network leaves what the infinite tangent kernel makes of its own start by width^(-1/2): from width "
        f"{_SINGLE_FROM} on the slope is within {_SINGLE_WITHIN:g} of -1/2 at every time.",
        all_of(verdicts),
        numbers,
        OURS,
    )


def _means(trained: Tables) -> Claim:
    return _moments(
        trained,
        "mean",
        "The mean of trained networks comes near that of the infinite ensemble as 1/width: at every time the slope is "
        f"within {_MEAN_WITHIN:g} of -1, over the widths from {_MEAN_FROM} on at which the distance stands out.",
    )


def _covariances(trained: Tables) -> Claim:
    return _moments(trained, "covariance", "So does their covariance at test points.")


def _moments(trained: Tables, kind: str, text: str) -> Claim:
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for net, one in trained.items():
        for place, time in enumerate(_times(one)):
            verdicts.append(_told(numbers, f"{net}, {time}: {kind}", one, relative(one, kind, place)))
    return Claim(text, all_of(verdicts), numbers, OURS)


def _drift(trained: Tables, activation: str) -> Claim:
    """By the signs of the readout, an odd power of which multiplies every term of first order in 1/sqrt(width).

    Terms of order width^(-1/2) each are summed with independent signs, and so drift by 1/width in all. Where ReLU has
    its kink, of order sqrt(width) units change sides, and each changes T by 1/width: with independent signs,
    width^(1/4) / width.
    """
    expected = _DRIFT_SMOOTH if activation == "erf" else _DRIFT_KINK
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for net, one in trained.items():
        if not net.startswith(activation):
            continue
        values = _of(one, "drift")
        for place, time in enumerate(_times(one)):
            slope = slope_of_single(_widths(one), values[:, :, place])
            numbers[f"{net}, {time}: slope"] = str(slope)
            numbers[f"{net}, {time}: drift"] = _ends(one, values[:, :, place])
        verdicts.append(_near(slope_of_single(_widths(one), values[:, :, -1]), expected, _DRIFT_WITHIN))
    shown = (
        "The tangent kernel of smooth networks drifts in training by 1/width"
        if activation == "erf"
        else "That of ReLU networks drifts by width^(-3/4), as about sqrt(width) units cross their kink"
    )
    return Claim(
        f"{shown}: from width {_SINGLE_FROM} on the slope at the end is within {_DRIFT_WITHIN:g} of {expected:g}.",
        all_of(verdicts),
        numbers,
        OURS,
    )


def _information(kernels: Tables) -> Claim:
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for net, one in kernels.items():
        found = one.sel(width=one["width"] >= _SINGLE_FROM)
        for name, label in QUANTITIES.items():
            values = _of(found.sel(quantity=name), "information_error")
            slopes = [slope_of_single(_widths(found), values[:, :, place]) for place in range(values.shape[2])]
            verdicts.extend(_near(slope, -0.5, _SINGLE_WITHIN) for slope in slopes)
            numbers[f"{net}: {label}, slopes by time"] = "; ".join(map(str, slopes))
            numbers[f"{net}: {label}, error at the last time"] = _ends(found, values[:, :, -1])
    return Claim(
        "Information that is computed from the kernels of one random network comes near that of infinite width as "
        f"width^(-1/2): from width {_SINGLE_FROM} on the slope is within {_SINGLE_WITHIN:g} of -1/2 for every quantity "
        "and time.",
        all_of(verdicts),
        numbers,
        OURS,
    )
