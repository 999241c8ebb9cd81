"""Encoders between soft and hard: H(T) - alpha H(T|X) + beta H(Y|T) for 0 < alpha < 1, lowered step by step.

The cost is the least over p and r of sum_x p(x) sum_t q(t|x) [alpha ln q(t|x) - ln p(t) + beta KL(p(y|x) || r_t)] up to
a constant, so updates of q, p and r in turn never raise it. They stay where they are once clusters should be joined or
an input should change sides as a whole; such changes are weighed exactly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .geometry import Arithmetic, Atoms, logs
from .partitions import spread

SETTLED = 1e-10  # largest change of q(t|x) in a settled solution
_SWEEPS = 2000
_BETWEEN = 10  # updates between two changes
_LIKELY = 5  # clusters of an input that it may move to
_PAIRS = 4096  # merges weighed at once


class Soft(NamedTuple):
    """A state at one beta.

    Attributes:
        atoms: weights and laws of the clusters.
        encoder: (m, k) q(t|x).
        entropies: (H(T), H(T|X), H(Y|T)) of the encoder, nats.
        step: the last change of the encoder.
        sweeps: updates made.
    """

    atoms: Atoms
    encoder: np.ndarray
    entropies: tuple[float, float, float]
    step: float
    sweeps: int

    def cost(self, alpha: float, beta: float) -> float:
        """H(T) - alpha H(T|X) + beta H(Y|T)."""
        of_t, given_x, noise = self.entropies
        return of_t - alpha * given_x + beta * noise


class Update(NamedTuple):
    """What one update gives: the best encoder for some atoms, and the cost of the two together."""

    encoder: np.ndarray
    cost: float


def update(geometry: Arithmetic, alpha: float, beta: float, atoms: Atoms) -> Update:
    """(m, k) q(t|x) ~ exp([ln p(t) - beta KL(p(y|x) || r_t)] / alpha)."""
    found = logs(atoms.mass) - beta * geometry.distances(atoms.laws)
    top = found.max(axis=1)
    found -= top[:, None]
    np.maximum(found, -800 * alpha, out=found)
    found /= alpha
    np.exp(found, out=found)
    total = found.sum(axis=1)
    found /= total[:, None]
    return Update(found, -float(geometry.p_x @ (alpha * np.log(total) + top)))


def _nothing(geometry: Arithmetic) -> float:
    """Weight below which a cluster is dropped: far below that of the rarest input."""
    return 1e-3 * geometry.light


def atoms_of(geometry: Arithmetic, encoder: np.ndarray) -> Atoms:
    """Weights and laws of the clusters of an encoder; those without weight are dropped."""
    weights = encoder * geometry.p_x[:, None]
    mass = weights.sum(axis=0)
    keep = mass > _nothing(geometry)
    mass = mass[keep]
    return Atoms(mass / mass.sum(), geometry.centres(weights[:, keep], mass))


def entropies(geometry: Arithmetic, encoder: np.ndarray) -> tuple[float, float, float]:
    """(H(T), H(T|X), H(Y|T)) in nats."""
    weights = encoder * geometry.p_x[:, None]
    mass = weights.sum(axis=0)
    of_t = float(spread(mass).sum())
    given_x = float(geometry.p_x @ spread(encoder).sum(axis=1))
    noise = float(spread(weights.T @ geometry.rows).sum()) - of_t
    return max(of_t, 0.0), given_x, max(noise, 0.0)


def swept(geometry: Arithmetic, alpha: float, beta: float, atoms: Atoms, limit: int = _SWEEPS) -> Soft:
    """Updates until the encoder stays as it is; where they crawl, some are extrapolated if that costs no more."""
    step, last = np.inf, np.inf
    now = update(geometry, alpha, beta, atoms)
    trail = [atoms]
    count = 0
    while step >= SETTLED and count < limit:
        count += 1
        atoms = atoms_of(geometry, now.encoder)
        trail = [*trail, atoms][-3:]
        before, now = now, update(geometry, alpha, beta, atoms)
        same = before.encoder.shape == now.encoder.shape
        last, step = step, float(np.abs(now.encoder - before.encoder).max()) if same else np.inf
        if count % 4 == 0 and step >= SETTLED and 0.5 * last < step < last:
            further = _extrapolated(trail)
            if further is not None:
                count += 1
                trial = update(geometry, alpha, beta, further)
                if trial.cost <= now.cost:
                    now, trail = trial, [further]
    keep = geometry.p_x @ now.encoder > _nothing(geometry)
    encoder = now.encoder
    if not keep.all():
        encoder = encoder[:, keep] / encoder[:, keep].sum(axis=1, keepdims=True)
    return Soft(atoms_of(geometry, encoder), encoder, entropies(geometry, encoder), step, count)


def _extrapolated(trail: list[Atoms]) -> Atoms | None:
    """Three states of a slow geometric approach, carried on (Varadhan & Roland 2008); None where clusters left."""
    if len(trail) < 3 or len({len(atoms.mass) for atoms in trail}) > 1:
        return None
    values = [np.column_stack([logs(atoms.mass), logs(atoms.laws)]) for atoms in trail]
    first = values[1] - values[0]
    bend = values[2] - values[1] - first
    length = np.linalg.norm(first) / max(float(np.linalg.norm(bend)), 1e-300)
    if not 1 < length < 1e3:
        return None
    found = values[0] + 2 * length * first + length**2 * bend
    mass, laws = np.exp(found[:, 0] - found[:, 0].max()), np.exp(found[:, 1:] - found[:, 1:].max(axis=1, keepdims=True))
    mass /= mass.sum()
    return Atoms(mass, laws / laws.sum(axis=1, keepdims=True)) if mass.min() > 0 else None


def settled(geometry: Arithmetic, alpha: float, beta: float, atoms: Atoms, changes: int = 1000) -> Soft:
    """Updates, merges and moves until none lowers the cost."""
    soft = swept(geometry, alpha, beta, atoms)
    sweeps = soft.sweeps
    for _ in range(changes):
        change = _merges(geometry, alpha, beta, soft)
        if change is None:
            change = _moves(geometry, alpha, beta, soft.encoder)
        if change is None:
            if soft.step < SETTLED or soft.sweeps == _SWEEPS:
                break
            soft = swept(geometry, alpha, beta, soft.atoms)
        else:
            soft = swept(geometry, alpha, beta, atoms_of(geometry, change), _BETWEEN)
        sweeps += soft.sweeps
    return soft._replace(sweeps=sweeps)


def _terms(beta: float, masses: np.ndarray) -> np.ndarray:
    """(1 - beta) h(total) + beta sum_y h of (..., n_y) masses."""
    return (1 - beta) * spread(masses.sum(axis=-1)) + beta * spread(masses).sum(axis=-1)


def _disjoint(gains: np.ndarray, beta: float, touched: np.ndarray) -> list[int]:
    """The changes worth at least half of the best, no two of which touch the same cluster: their gains add up.

    Args:
        gains: (c,) change of the cost, negative where it falls.
        beta: multiplier, by which rounding grows.
        touched: (c, 2) clusters.
    """
    worth = np.flatnonzero(gains < min(-1e-12 * (1 + beta), 0.5 * gains.min(initial=0.0)))
    chosen, taken = [], set()
    for i in worth[np.argsort(gains[worth], kind="stable")]:
        pair = {int(touched[i, 0]), int(touched[i, 1])}
        if not pair & taken:
            chosen.append(int(i))
            taken |= pair
    return chosen


def _merges(geometry: Arithmetic, alpha: float, beta: float, soft: Soft) -> np.ndarray | None:
    """The encoder with pairs of clusters joined where that lowers the cost; None where it nowhere does."""
    first, second = _near(beta, soft.atoms)
    encoder = soft.encoder
    masses = (encoder * geometry.p_x[:, None]).T @ geometry.rows
    terms = _terms(beta, masses)
    gains = _terms(beta, masses[first] + masses[second]) - terms[first] - terms[second]
    closer = gains < 0  # H(T|X) falls by a merge, so these alone can gain
    first, second, gains = first[closer], second[closer], gains[closer]
    own = geometry.p_x @ spread(encoder)
    for begin in range(0, len(gains), _PAIRS):
        some = slice(begin, begin + _PAIRS)
        both = geometry.p_x @ spread(encoder[:, first[some]] + encoder[:, second[some]])
        gains[some] -= alpha * (both - own[first[some]] - own[second[some]])
    chosen = _disjoint(gains, beta, np.column_stack([first, second]))
    if not chosen:
        return None
    joined = encoder.copy()
    joined[:, first[chosen]] += encoder[:, second[chosen]]
    return np.delete(joined, second[chosen], axis=1)


def _near(beta: float, atoms: Atoms) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of clusters whose merge may lower the cost.

    With pi the shares of the two, JS_pi(r, s) >= pi_1 pi_2 sum_y (sqrt r - sqrt s)^2, since
    KL(r || m) >= sum_y (sqrt r - sqrt m)^2 for any m.
    """
    mass, root = atoms.mass, np.sqrt(atoms.laws)
    apart = np.maximum(2 - 2 * root @ root.T, 0)
    both = mass[:, None] + mass
    freed = spread(both) - spread(mass)[:, None] - spread(mass)
    first, second = np.nonzero(np.triu(freed + beta * np.outer(mass, mass) / both * apart < 0, 1))
    return first, second


def _moves(geometry: Arithmetic, alpha: float, beta: float, encoder: np.ndarray) -> np.ndarray | None:
    """The encoder with shares of inputs in their main clusters given to other likely ones, or to a new one, where that
    lowers the cost; None where it nowhere does."""
    m, k = encoder.shape
    weights = geometry.p_x[:, None] * geometry.rows
    masses = np.vstack([encoder.T @ weights, np.zeros(weights.shape[1])])
    shares = np.hstack([encoder, np.zeros((m, 1))])
    terms = _terms(beta, masses)
    count = min(_LIKELY, k)
    likely = np.argpartition(-encoder, count - 1, axis=1)[:, :count]
    likely = np.take_along_axis(likely, np.argsort(-np.take_along_axis(encoder, likely, 1), axis=1, kind="stable"), 1)
    own, to = likely[:, 0], np.column_stack([likely[:, 1:], np.full(m, k)])
    share = np.take_along_axis(shares, own[:, None], 1)
    given = share * weights
    rest = np.maximum(masses[own] - given, 0)
    gains = _terms(beta, masses[to] + given[:, None]) - terms[to]
    gains += (_terms(beta, rest) - terms[own])[:, None]
    there = np.take_along_axis(shares, to, 1)
    gains -= alpha * geometry.p_x[:, None] * (spread(there + share) - spread(there) - spread(share))
    flat = np.column_stack([np.repeat(own, to.shape[1]), to.ravel()])
    chosen = _disjoint(gains.ravel(), beta, flat)
    if not chosen:
        return None
    inputs = np.array(chosen) // to.shape[1]
    moved = shares
    moved[inputs, flat[chosen, 1]] += share[inputs, 0]
    moved[inputs, flat[chosen, 0]] = 0
    return moved
