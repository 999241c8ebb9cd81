"""What the parameters know of the data, and how far they move: closed forms in the eigenbasis of T."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .dynamics import Modes, Spectrum

_SMALL = 1e-3  # below it x - (1 - exp(-x)) is a series: the difference would lose digits


class Parameters(NamedTuple):
    """KL(p(theta at tau | D) || p_0) by its terms, (times,), nats; its mean over D bounds I(Theta;D) from above.

    Attributes:
        volume: O tau tr T, by which the flow contracts volume.
        overlap: O sum a, which is subtracted.
        distance: half the expected squared distance from the start.
        curvature: 1/2 tr(G Q G C); None where Q is not known, and the total is then no bound.
        total: volume - overlap + distance + curvature.
    """

    volume: np.ndarray
    overlap: np.ndarray
    distance: np.ndarray
    curvature: np.ndarray | None
    total: np.ndarray


def information(spectrum: Spectrum, modes: Modes, curvature: np.ndarray | None) -> Parameters:
    """The terms at every time.

    Args:
        spectrum: of the training points.
        modes: times.
        curvature: (N, N) Q at the training points; zeros for a model linear in its parameters; None if unknown.
    """
    volume = spectrum.outputs * modes.exponent.sum(axis=1)
    overlap = spectrum.outputs * modes.learned.sum(axis=1)
    distance = 0.5 * parameter_distance(spectrum, modes)
    total = contraction(spectrum, modes) + distance
    bent = None
    if curvature is not None:
        turned = spectrum.vectors.T @ curvature @ spectrum.vectors
        gain = np.where(spectrum.values > 0, modes.gain, 0.0)  # Q vanishes wherever T does
        bent = 0.5 * spectrum.quadratic(gain, turned * spectrum.moments)
        total = total + bent
    return Parameters(volume, overlap, distance, bent, total)


def contraction(spectrum: Spectrum, modes: Modes) -> np.ndarray:
    """(times,) volume - overlap, O sum [x - (1 - exp(-x))], without cancellation."""
    x = modes.exponent
    small = np.minimum(x, _SMALL)
    series = small**2 * (0.5 + small * (-1 / 6 + small / 24))
    return spectrum.outputs * np.where(x < _SMALL, series, x - modes.learned).sum(axis=1)


def output_divergence(spectrum: Spectrum, modes: Modes) -> np.ndarray:
    """(times,) KL of the outputs at all training points together to their prior: a lower limit of the parameters' KL.

    1/2 sum a_i a_j (U'K^-1 U)_ij C_ij + O sum (x - a), which equals the KL of the two normal laws and has no
    cancellation. Where K is singular, on its range.
    """
    root = spectrum.root
    whitener = root.whiten(np.eye(len(spectrum.values)))
    matrix = (whitener @ whitener.T) * spectrum.moments
    return 0.5 * spectrum.quadratic(modes.learned, matrix) + contraction(spectrum, modes)


def parameter_distance(spectrum: Spectrum, modes: Modes) -> np.ndarray:
    """(times,) E |theta - theta_0|^2."""
    return (modes.learned * np.where(spectrum.values > 0, modes.gain, 0.0)) @ spectrum.residual


def action(spectrum: Spectrum, modes: Modes) -> np.ndarray:
    """(times,) integral of |d theta / d tau|^2: the fall of the expected training loss, half the summed squares."""
    return 0.5 * _fallen(modes) @ spectrum.residual


def fisher_energy(spectrum: Spectrum, modes: Modes) -> np.ndarray:
    """(times,) integral of the squared speed in the Fisher metric."""
    return 0.5 * _fallen(modes) @ (spectrum.values * spectrum.residual)


def fisher_distance(spectrum: Spectrum, modes: Modes) -> np.ndarray:
    """(times,) expected squared length, in the Fisher metric, of the straight line from the start."""
    return modes.learned**2 @ spectrum.residual


def path_bound(spectrum: Spectrum, modes: Modes) -> np.ndarray:
    """(times,) what the expected length of the path never exceeds, sqrt(tau action); infinite at infinity."""
    moved = action(spectrum, modes)
    times = np.where(moved > 0, modes.times, 0.0)
    return np.sqrt(times * moved)


class Fisher(NamedTuple):
    """The Fisher information of outputs with unit noise; constant in time, so it cannot track generalisation.

    Attributes:
        trace: O tr T.
        rank: modes above the floor, O times.
        log_determinant: sum of ln lambda over them, O times.
        effective_dimension: O sum lambda / (lambda + 1), directions that the data tell more of than the prior.
        participation: (sum lambda)^2 / sum lambda^2.
    """

    trace: float
    rank: int
    log_determinant: float
    effective_dimension: float
    participation: float


def fisher(spectrum: Spectrum) -> Fisher:
    """Of the training points."""
    kept, outputs = spectrum.values[spectrum.values > 0], spectrum.outputs
    if not len(kept):
        return Fisher(0.0, 0, 0.0, 0.0, 0.0)
    scaled = kept / kept[-1]
    return Fisher(
        trace=outputs * float(kept.sum()),
        rank=outputs * len(kept),
        log_determinant=outputs * float(np.log(kept).sum()),
        effective_dimension=outputs * float((kept / (kept + 1.0)).sum()),
        participation=float(scaled.sum() ** 2 / (scaled**2).sum()),
    )


def _fallen(modes: Modes) -> np.ndarray:
    """1 - e^2."""
    return -np.expm1(-2.0 * modes.exponent)
