"""The Information Bottleneck by reverse annealing in a page of NumPy: the readable twin of the solver.

Plain alternating updates, no acceleration and no certificate: from T = X at the largest beta, sweep until F changes by
less than a tolerance, drop clusters without weight, merge equal ones, and go on from there at the next beta.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

LIGHTEST = 1e-10  # weight below which a cluster is dropped
ALIKE = 1e-6  # largest difference of two laws that count as equal
RISE = 1e-12  # most that merging may cost


class Point(NamedTuple):
    """One beta.

    Attributes:
        mi_input: I(X;T); mi_target: I(T;Y), both along the chain T - X - Y, nats.
        mass: (k,) p(t).
        laws: (k, n_y) p(y|t).
        sweeps: how many it took.
    """

    beta: float
    mi_input: float
    mi_target: float
    mass: np.ndarray
    laws: np.ndarray
    sweeps: int


def anneal(table: np.ndarray, betas: Sequence[float], tolerance: float = 1e-10, most: int = 100_000) -> Iterator[Point]:
    """Points from the largest beta down.

    Args:
        table: (n_x, n_y) p(x, y) without empty rows or columns.
        betas: multipliers of I(T;Y).
        tolerance: change of F at which a beta counts as done.
        most: sweeps at one beta.
    """
    p_x = table.sum(axis=1)
    rows = table / p_x[:, None]
    encoder = np.eye(len(p_x)) + 1e-3
    mass, laws = _clusters(p_x, rows, encoder / encoder.sum(axis=1, keepdims=True))
    for beta in sorted(betas, reverse=True):
        last, sweeps = np.inf, 0
        while sweeps < most:
            encoder, free_energy = _assign(p_x, rows, beta, mass, laws)
            if last - free_energy < tolerance:
                break
            last, sweeps = free_energy, sweeps + 1
            mass, laws = _clusters(p_x, rows, encoder)
            keep = mass > LIGHTEST
            mass, laws = mass[keep] / mass[keep].sum(), laws[keep]
        mass, laws = _merged(p_x, rows, beta, mass, laws)
        encoder, _ = _assign(p_x, rows, beta, mass, laws)
        marginal, decoder = _clusters(p_x, rows, encoder)
        rate = p_x @ (encoder * (_log(encoder) - _log(marginal))).sum(axis=1)
        relevant = marginal @ (decoder * (_log(decoder) - _log(p_x @ rows))).sum(axis=1)
        yield Point(beta, float(rate), float(relevant), mass, laws, sweeps)


def _log(values: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(values, 1e-300))


def _assign(
    p_x: np.ndarray, rows: np.ndarray, beta: float, mass: np.ndarray, laws: np.ndarray
) -> tuple[np.ndarray, float]:
    """(n_x, k) q(t|x) and F = -sum_x p(x) ln Z(x)."""
    distance = (rows * _log(rows)).sum(axis=1, keepdims=True) - rows @ _log(laws).T
    exponent = _log(mass) - beta * distance
    top = exponent.max(axis=1, keepdims=True)
    weight = np.exp(exponent - top)
    z = weight.sum(axis=1, keepdims=True)
    return weight / z, -float(p_x @ (top + np.log(z))[:, 0])


def _clusters(p_x: np.ndarray, rows: np.ndarray, encoder: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """p(t) and p(y|t)."""
    weights = p_x[:, None] * encoder
    mass = weights.sum(axis=0)
    return mass, weights.T @ rows / np.maximum(mass, 1e-300)[:, None]


def _merged(
    p_x: np.ndarray, rows: np.ndarray, beta: float, mass: np.ndarray, laws: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Equal laws as one cluster, unless F rises by it."""
    group = np.full(len(mass), -1)
    for t in range(len(mass)):
        if group[t] < 0:
            group[(np.abs(laws - laws[t]).max(axis=1) < ALIKE) & (group < 0)] = t
    heads = np.unique(group)
    if len(heads) == len(mass):
        return mass, laws
    together = np.array([mass[group == head].sum() for head in heads])
    means = np.array([mass[group == head] @ laws[group == head] for head in heads]) / together[:, None]
    before, after = (_assign(p_x, rows, beta, *atoms)[1] for atoms in ((mass, laws), (together, means)))
    return (together, means) if after < before + RISE else (mass, laws)
