"""The alternating updates: encoder, weights, laws. Each lowers F = I(X;T) + beta E[d] or leaves it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import xlogy

from .blocks import each
from .geometry import Atoms, Geometry, logs

_VANISHED = 1e-250
UNDERFLOW = -600.0  # e to this is still a normal number; products with subnormal ones are slow
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
    np.maximum(exponent, UNDERFLOW, out=exponent)
    ratio = np.exp(exponent, out=exponent)
    z = ratio @ atoms.mass
    if (z < _VANISHED).any():  # the nearest atom has hardly any weight: take its weight into the exponent
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
    n, k = len(geometry.p_x), len(atoms.mass)
    found, log_mass = np.empty((n, k)), logs(atoms.mass)

    def fill(some: slice) -> None:
        part = geometry.distances(atoms.laws, some)
        part *= -beta
        part += log_mass
        part -= part.max(axis=1, keepdims=True)
        np.exp(part, out=part)
        np.divide(part, part.sum(axis=1, keepdims=True), out=found[some])

    each(fill, _slices(n, k), n * k)
    return found


def _slices(n: int, k: int) -> list[slice]:
    """Blocks of inputs whose (block, k) encoder stays in the cache."""
    height = max(_BLOCK // k, 16)
    return [slice(first, first + height) for first in range(0, n, height)]


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


class _Part(NamedTuple):
    """What a block of inputs adds: ln Z(x), and sums over its inputs for every cluster."""

    log_z: np.ndarray
    mass: np.ndarray
    features: np.ndarray
    rows: np.ndarray
    distance: float


def _parts(geometry: Geometry, beta: float, atoms: Atoms, whole: bool) -> list[_Part]:
    """All inputs, a block at a time: the (n, k) encoder is never held. ``whole`` adds the sums of rows and distance."""
    n, k = len(geometry.p_x), len(atoms.mass)
    log_mass = logs(atoms.mass)

    def part(some: slice) -> _Part:
        distance = geometry.distances(atoms.laws, some)
        weights = distance * -beta
        weights += log_mass
        top = weights.max(axis=1)
        weights -= top[:, None]
        np.maximum(weights, UNDERFLOW, out=weights)
        np.exp(weights, out=weights)
        z = weights.sum(axis=1)
        weights *= (geometry.p_x[some] / z)[:, None]
        rows, mean = np.empty(0), 0.0
        if whole:
            rows = weights.T @ geometry.given[some]
            mean = float(np.vdot(weights, distance))
        return _Part(np.log(z) + top, weights.sum(axis=0), weights.T @ geometry.features[some], rows, mean)

    return each(part, _slices(n, k), n * k)


def sweep(geometry: Geometry, beta: float, atoms: Atoms) -> Sweep:
    """Encoder, weights and laws once."""
    parts = _parts(geometry, beta, atoms, whole=False)
    log_z = np.concatenate([part.log_z for part in parts])
    mass = np.sum([part.mass for part in parts], axis=0)
    kept = mass > _VANISHED
    laws = geometry.laws_of(np.sum([part.features for part in parts], axis=0)[kept] / mass[kept, None])
    return Sweep(-float(geometry.p_x @ log_z), log_z, mass, Atoms(mass[kept] / mass[kept].sum(), laws), kept)


class Kept(NamedTuple):
    """What the encoder of some atoms keeps.

    Attributes:
        rate: I(X;T).
        marginal: (k,) p(t).
        chain: (k, n_y) p(y|t) along the chain T - X - Y.
        laws: (k, n_y) best laws of the clusters.
        free_energy: I(X;T) + beta E[d] with those laws, at most F of the atoms.
    """

    rate: float
    marginal: np.ndarray
    chain: np.ndarray
    laws: np.ndarray
    free_energy: float


def kept(geometry: Geometry, beta: float, atoms: Atoms) -> Kept:
    """The informations of an encoder, exactly, converged or not; every atom needs weight."""
    parts = _parts(geometry, beta, atoms, whole=True)
    log_z = np.concatenate([part.log_z for part in parts])
    mass = np.sum([part.mass for part in parts], axis=0)
    chain = np.sum([part.rows for part in parts], axis=0) / mass[:, None]
    laws = geometry.laws_of(np.sum([part.features for part in parts], axis=0) / mass[:, None])
    distance = sum(part.distance for part in parts)
    # ln q(t|x) / p(t) is -beta d - ln Z up to the change of p(t); the mean distance falls by that of the laws.
    rate = -beta * distance - float(geometry.p_x @ log_z) - float(xlogy(mass, mass / atoms.mass).sum())
    closer = distance - float(mass @ geometry.between(laws, atoms.laws))
    rate = 0.0 if len(mass) == 1 else max(0.0, rate)
    return Kept(rate, mass, chain, laws, rate + beta * closer)


def renewed(geometry: Geometry, atoms: Atoms, densities: Densities) -> Atoms:
    """Weights and laws after one sweep whose densities are at hand."""
    weights = densities.ratio * atoms.mass
    weights *= geometry.p_x[:, None]
    mass = weights.sum(axis=0)
    some = mass > _VANISHED
    if not some.all():
        weights, mass = weights[:, some], mass[some]
    return Atoms(mass / mass.sum(), geometry.centres(weights, mass))


def pruned(atoms: Atoms, least: float) -> Atoms:
    """Without clusters of weight below ``least``; the heaviest always stays."""
    keep = atoms.mass > min(least, atoms.mass.max() / 2)
    if keep.all():
        return atoms
    mass = atoms.mass[keep]
    return Atoms(mass / mass.sum(), atoms.laws[keep])


def squared_distances(laws: np.ndarray) -> np.ndarray:
    """(k, k) squared Euclidean distances between laws, up to rounding; infinite on the diagonal."""
    norms = np.einsum("ty,ty->t", laws, laws)
    found = laws @ (-2 * laws.T)
    found += norms
    found += norms[:, None]
    np.fill_diagonal(found, np.inf)
    return found


def merged(atoms: Atoms, reach: float, squared: np.ndarray) -> Atoms:
    """Clusters whose laws differ by less than ``reach`` in every label become one, heaviest first."""
    first, second = np.nonzero(np.triu(squared < atoms.laws.shape[1] * reach**2 + 1e-14, 1))
    close = np.abs(atoms.laws[first] - atoms.laws[second]).max(axis=1, initial=0) < reach
    if not close.any():
        return atoms
    first, second = first[close], second[close]
    k = len(atoms.mass)
    taken = np.arange(k)
    for t in np.argsort(-atoms.mass):
        if taken[t] == t:
            others = np.concatenate([second[first == t], first[second == t]])
            taken[others[taken[others] == others]] = t
    heads, group = np.unique(taken, return_inverse=True)
    if len(heads) == k:
        return atoms
    mass = np.bincount(group, atoms.mass)
    laws = np.zeros((len(heads), atoms.laws.shape[1]))
    np.add.at(laws, group, atoms.mass[:, None] * atoms.laws)
    return Atoms(mass, laws / mass[:, None])
