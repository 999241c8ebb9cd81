"""The alternating updates: encoder, weights, laws. Each lowers F = I(X;T) + beta E[d] or leaves it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .blocks import each
from .geometry import Atoms, Geometry, logs

NOTHING = 1e-10  # weight below which a cluster is dropped
_UNDERFLOW = -600.0  # e to this is still a normal number; products with subnormal ones are slow
_BLOCK = 1 << 18  # numbers of a block of the encoder, so that it stays in the cache


class Densities(NamedTuple):
    """What one evaluation at given atoms yields.

    Attributes:
        free_energy: F of these atoms with the best encoder.
        log_z: (n,) ln Z(x).
        ratio: (n, k) exp(-beta d(x, r_t)) / Z(x), so that q(t|x) = p(t) ratio.
    """

    free_energy: float
    log_z: np.ndarray
    ratio: np.ndarray


def evaluate(geometry: Geometry, beta: float, atoms: Atoms) -> Densities:
    """F, ln Z and the densities q(t|x) / p(t)."""
    exponent = geometry.distances(atoms.laws)
    exponent *= -beta
    top = exponent.max(axis=1)
    exponent -= top[:, None]
    np.maximum(exponent, _UNDERFLOW, out=exponent)
    ratio = np.exp(exponent, out=exponent)
    z = ratio @ atoms.mass
    small = z < 1e-250  # the nearest atom has hardly any weight: take its weight into the exponent
    if small.any():
        return _evaluate_safely(geometry, beta, atoms)
    ratio /= z[:, None]
    log_z = np.log(z) + top
    return Densities(-float(geometry.p_x @ log_z), log_z, ratio)


def _evaluate_safely(geometry: Geometry, beta: float, atoms: Atoms) -> Densities:
    exponent = -beta * geometry.distances(atoms.laws)
    weighted = exponent + logs(atoms.mass)
    top = weighted.max(axis=1)
    log_z = np.log(np.exp(weighted - top[:, None]).sum(axis=1)) + top
    ratio = np.exp(np.minimum(exponent - log_z[:, None], 690.0))
    return Densities(-float(geometry.p_x @ log_z), log_z, ratio)


def encoder(geometry: Geometry, beta: float, atoms: Atoms) -> np.ndarray:
    """(n, k) q(t|x), rows summing to one."""
    found = logs(atoms.mass) - beta * geometry.distances(atoms.laws)
    found -= found.max(axis=1, keepdims=True)
    np.exp(found, out=found)
    return found / found.sum(axis=1, keepdims=True)


class Sweep(NamedTuple):
    """One round of updates.

    Attributes:
        free_energy: F of the atoms before.
        log_z: (n,) ln Z(x) of the atoms before.
        mass: (k,) p(t) after, clusters that vanished included.
        atoms: those after.
        kept: (k,) which clusters have weight left.
    """

    free_energy: float
    log_z: np.ndarray
    mass: np.ndarray
    atoms: Atoms
    kept: np.ndarray


def sweep(geometry: Geometry, beta: float, atoms: Atoms) -> Sweep:
    """Encoder, weights and laws once, a block of inputs at a time: the (n, k) encoder is never held."""
    n, k = len(geometry.p_x), len(atoms.mass)
    blocks = [slice(first, first + max(_BLOCK // k, 16)) for first in range(0, n, max(_BLOCK // k, 16))]
    log_mass = logs(atoms.mass)

    def part(some: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        weights = geometry.distances(atoms.laws, some)
        weights *= -beta
        weights += log_mass
        top = weights.max(axis=1)
        weights -= top[:, None]
        np.maximum(weights, _UNDERFLOW, out=weights)
        np.exp(weights, out=weights)
        z = weights.sum(axis=1)
        weights *= (geometry.p_x[some] / z)[:, None]
        return np.log(z) + top, weights.sum(axis=0), weights.T @ geometry.features[some]

    parts = each(part, blocks, n * k)
    log_z = np.concatenate([p[0] for p in parts])
    mass = sum((p[1] for p in parts), np.zeros(k))
    sums = sum((p[2] for p in parts), np.zeros((k, geometry.features.shape[1])))
    kept = mass > 1e-250
    laws = geometry.laws_of(sums[kept] / mass[kept, None])
    after = Atoms(mass[kept] / mass[kept].sum(), laws)
    return Sweep(-float(geometry.p_x @ log_z), log_z, mass, after, kept)


def renewed(geometry: Geometry, atoms: Atoms, densities: Densities) -> Atoms:
    """Weights and laws after one sweep whose densities are at hand."""
    weights = densities.ratio * atoms.mass
    weights *= geometry.p_x[:, None]
    mass = weights.sum(axis=0)
    some = mass > 1e-250
    if not some.all():
        weights, mass = weights[:, some], mass[some]
    return Atoms(mass / mass.sum(), geometry.centres(weights, mass))


def pruned(atoms: Atoms, least: float = NOTHING) -> Atoms:
    """Without clusters of hardly any weight; the heaviest always stays."""
    keep = atoms.mass > min(least, atoms.mass.max() / 2)
    if keep.all():
        return atoms
    mass = atoms.mass[keep]
    return Atoms(mass / mass.sum(), atoms.laws[keep])


def merged(atoms: Atoms, reach: float) -> Atoms:
    """Clusters whose laws differ by less than ``reach`` in every label become one, heaviest first."""
    k = len(atoms.mass)
    if k < 2:
        return atoms
    norms = np.einsum("ty,ty->t", atoms.laws, atoms.laws)
    near = norms[:, None] + norms - 2 * atoms.laws @ atoms.laws.T < atoms.laws.shape[1] * reach**2 + 1e-14
    np.fill_diagonal(near, False)
    if not near.any():
        return atoms
    taken = np.full(k, -1)
    for t in np.argsort(-atoms.mass):
        if taken[t] >= 0:
            continue
        taken[t] = t
        others = np.flatnonzero(near[t] & (taken < 0))
        taken[others[np.abs(atoms.laws[others] - atoms.laws[t]).max(axis=1, initial=0) < reach]] = t
    heads, group = np.unique(taken, return_inverse=True)
    if len(heads) == k:
        return atoms
    mass = np.bincount(group, atoms.mass)
    laws = np.zeros((len(heads), atoms.laws.shape[1]))
    np.add.at(laws, group, atoms.mass[:, None] * atoms.laws)
    return Atoms(mass, laws / mass[:, None])
