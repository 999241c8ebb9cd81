"""The usual way to trace a bottleneck curve, for comparison: beta rises, clusters are split by noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import xlogy

from ..bottleneck import Joint

_ENOUGH = 1e-10  # nats by which a sweep has to lower the cost to be followed by another
_SWEEPS = 300
_ALIKE = 1e-4  # laws that differ by less are one
_NOTHING = 1e-10  # weight below which a cluster is dropped


def forward_costs(joint: Joint, betas: Sequence[float], noise: float, seed: int) -> np.ndarray:
    """(betas,) I(X;T) - beta I(T;Y) reached at rising betas.

    At each of them every cluster becomes two, their laws multiplied by exp(+-noise z) with normal z and normalised;
    plain sweeps follow until the cost falls by less than 1e-10 nats, 300 at most, and equal clusters are merged.

    Args:
        joint: all p(x) > 0, rows all different.
        betas: rising.
        noise: size of the disturbance.
        seed: of the disturbance.
    """
    random = np.random.default_rng([seed, 0xF0])
    p_x, rows = joint.p_x, joint.p_y_given_x
    mass, laws = np.ones(1), joint.p_y[None]
    costs = []
    for beta in betas:
        shift = np.exp(noise * random.normal(size=laws.shape))
        laws = np.vstack([laws * shift, laws / shift])
        laws /= laws.sum(axis=1, keepdims=True)
        mass = np.concatenate([mass, mass]) / 2
        mass, laws, free_energy = _swept(p_x, rows, beta, mass, laws)
        costs.append(free_energy - beta * joint.mutual_information)
        mass, laws = _merged(mass, laws)
    return np.array(costs)


def _swept(
    p_x: np.ndarray, rows: np.ndarray, beta: float, mass: np.ndarray, laws: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Weights, laws, and F = I(X;T) + beta E[d] after sweeps."""
    own = xlogy(rows, rows).sum(axis=1)[:, None]
    free_energy, last = np.inf, np.inf
    for _ in range(_SWEEPS):
        exponent = np.log(mass) - beta * (own - rows @ np.log(laws).T)
        top = exponent.max(axis=1, keepdims=True)
        weights = np.exp(exponent - top)
        z = weights.sum(axis=1, keepdims=True)
        free_energy = -float(p_x @ (np.log(z) + top)[:, 0])
        weights *= p_x[:, None] / z
        mass = weights.sum(axis=0)
        kept = mass > _NOTHING
        mass, weights = mass[kept], weights[:, kept]
        laws = weights.T @ rows / mass[:, None]
        mass = mass / mass.sum()
        if last - free_energy < _ENOUGH:
            break
        last = free_energy
    return mass, laws, free_energy


def _merged(mass: np.ndarray, laws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One cluster for laws that are alike."""
    heads: list[int] = []
    group = np.empty(len(mass), dtype=int)
    for t in np.argsort(-mass):
        near = np.abs(laws[heads] - laws[t]).max(axis=1) < _ALIKE if heads else np.zeros(0, dtype=bool)
        group[t] = int(near.argmax()) if near.any() else len(heads)
        if not near.any():
            heads.append(int(t))
    total = np.bincount(group, mass)
    sums = np.zeros((len(heads), laws.shape[1]))
    np.add.at(sums, group, mass[:, None] * laws)
    return total, sums / total[:, None]
