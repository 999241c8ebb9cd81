"""IB and its dual: reverse annealing with a certificate."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..threads import one_blas_thread
from .anneal import Settled, Tally, certify, settle, start
from .base import CERTAIN, Effort, Method
from .certificate import fixed_starts, peaks, tolerance
from .family import ExponentialFamily
from .geometry import Arithmetic, Atoms, Geometric, Geometry, InFamily
from .joint import Joint
from .solution import Rule, Solution, expanded_encoder, expanded_laws, law_information
from .sweeps import encoder, kept, sweep

GROUPS = 64  # random groups of inputs, and random laws, that the certificate's search starts from


@dataclass(frozen=True)
class Annealed(Method):
    """A functional with a distance between inputs and clusters."""

    @abc.abstractmethod
    def geometry(self, joint: Joint) -> Geometry:
        """The merged problem with this functional's distance."""

    def descend(self, joint: Joint, betas: Sequence[float], effort: Effort) -> Iterator[Solution]:
        geometry = self.geometry(joint)
        given = effort.first_encoder(joint)
        atoms = start(geometry) if given is None else _atoms_of(given, geometry)
        starts = fixed_starts(geometry, GROUPS, effort.seed)
        for beta in betas:
            settled, gap, count, tally = solve_atoms(geometry, beta, atoms, starts, effort.certify)
            atoms = settled.atoms
            yield self._solution(joint, geometry, beta, settled, gap, count, tally)

    def _solution(
        self, joint: Joint, geometry: Geometry, beta: float, settled: Settled, gap: float, starts: int, tally: Tally
    ) -> Solution:
        order = np.argsort(-settled.atoms.mass, kind="stable")
        atoms = Atoms(settled.atoms.mass[order], settled.atoms.laws[order])
        found = kept(geometry, beta, atoms)
        dual = not isinstance(geometry, Arithmetic)
        relevant = law_information(found.marginal, found.chain)
        return Solution(
            self, beta, lambda: expanded_encoder(joint, encoder(geometry, beta, atoms), found.marginal),
            found.marginal, expanded_laws(joint, found.laws), found.rate, relevant,
            mi_target_geometric=law_information(found.marginal, found.laws) if dual else np.nan,
            objective=found.free_energy if dual else found.rate - beta * relevant,
            free_energy=found.free_energy, gap=gap, starts=starts,
            residual=max(settled.residual, 0.0), converged=settled.converged, sweeps=tally.sweeps,
            joint=joint, rule=Rule(beta, atoms.mass, expanded_laws(joint, atoms.laws), dual),
            notes=(CERTAIN,) if joint.deterministic and not dual else (),
        )  # fmt: skip


@dataclass(frozen=True)
class IB(Annealed):
    """The Information Bottleneck: I(X;T) - beta I(T;Y) (Tishby, Pereira & Bialek 1999)."""

    def geometry(self, joint: Joint) -> Geometry:
        return Arithmetic(joint.sufficient.p_x, joint.sufficient.rows)


@dataclass(frozen=True)
class DualIB(Annealed):
    """The dual Information Bottleneck: I(X;T) + beta E[KL(p(y|t) || p(y|x))] (arXiv:2006.04641).

    Needs p(y|x) > 0 everywhere.

    Args:
        family: an :class:`ExponentialFamily` that gives p(y|x) by a few numbers for each x; the laws of the clusters
            then are of the family. None: the table's own p(y|x).
    """

    family: ExponentialFamily | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.family, ExponentialFamily | None):
            raise InputError(f"DualIB needs an ExponentialFamily or None, got {self.family!r}.")

    def geometry(self, joint: Joint) -> Geometry:
        if self.family is not None:
            return InFamily(joint, self.family)
        zeros = (joint.p_y_given_x[:, joint.p_y > 0] <= 0) & (joint.p_x[:, None] > 0)
        if zeros.any():
            labels = np.flatnonzero(joint.p_y > 0)
            which = [(int(x), int(labels[y])) for x, y in np.argwhere(zeros)[:5]]
            raise InputError(
                "DualIB needs p(y|x) > 0, since KL(p(y|t) || p(y|x)) is infinite otherwise; "
                f"{int(zeros.sum())} entries (x, y) are zero, such as {which}. Say what noise the labels have: "
                "Joint(...).smoothed(0.01) mixes one per cent of p(y) into every row, or use IB()."
            )
        return Geometric(joint.sufficient.p_x, joint.sufficient.rows)


def trivial_atoms(geometry: Geometry) -> Atoms:
    """One cluster for everything."""
    return Atoms(np.ones(1), geometry.centres(geometry.p_x[:, None], np.array([geometry.p_x.sum()])))


@one_blas_thread
def solve_atoms(
    geometry: Geometry, beta: float, atoms: Atoms, starts: np.ndarray, certified: bool
) -> tuple[Settled, float, int, Tally]:
    """Atoms at one beta, their gap, how many starts it rests on, and the work done."""
    tally = Tally()
    trivial = trivial_atoms(geometry)
    if len(geometry.p_x) == 1 or beta == 0:
        return Settled(trivial, sweep(geometry, beta, trivial).free_energy, 0.0, True), 0.0, 0, tally
    settled = settle(geometry, beta, atoms, tally)
    if not certified:
        return settled, np.nan, 0, tally
    nothing = sweep(geometry, beta, trivial).free_energy
    if len(settled.atoms.mass) > 1 and nothing <= settled.free_energy + 1e-9:
        alone = peaks(geometry, beta, trivial, starts)
        if alone.gap < min(tolerance(geometry, beta), 1e-9):
            return Settled(trivial, nothing, 0.0, True), alone.gap, alone.starts, tally
    settled, found = certify(geometry, beta, settled, starts, tally)
    return settled, found.gap, found.starts, tally


def _atoms_of(encoder: np.ndarray, geometry: Geometry) -> Atoms:
    """The clusters of an (m, k) encoder as atoms of this problem."""
    weights = geometry.p_x[:, None] * encoder
    mass = weights.sum(axis=0)
    return Atoms(mass[mass > 0] / mass.sum(), geometry.centres(weights[:, mass > 0], mass[mass > 0]))
