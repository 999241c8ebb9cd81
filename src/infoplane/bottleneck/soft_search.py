"""The search for the best encoder between soft and hard at every beta."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .geometry import Arithmetic, Atoms
from .softened import Soft, settled

_PASSES = 6


class SoftSearch:
    """Encoders found at any beta, each of which costs a line in beta; kept as the atoms they come from.

    Args:
        geometry: the merged problem.
        alpha: weight of H(T|X), strictly between 0 and 1.
        betas: multipliers, falling.

    Attributes:
        found: the settled states, by beta the best of those settled there.
        sweeps: updates made, by beta.
    """

    def __init__(self, geometry: Arithmetic, alpha: float, betas: Sequence[float]) -> None:
        self.geometry, self.alpha, self.betas = geometry, alpha, list(betas)
        self.sweeps = dict.fromkeys(self.betas, 0)
        self.found: dict[float, Soft] = {}
        self._atoms: list[Atoms] = []
        self._lines: list[tuple[float, float]] = []
        self._settled: set[tuple[int, float]] = set()

    def anneal(self) -> None:
        """From T = X at the largest beta down."""
        atoms = Atoms(self.geometry.p_x, self.geometry.rows)
        for beta in self.betas:
            atoms = self.offer(beta, atoms).atoms

    def offer(self, beta: float, atoms: Atoms) -> Soft:
        """Atoms from anywhere, settled at this beta."""
        soft = settled(self.geometry, self.alpha, beta, atoms)
        self.sweeps[beta] += soft.sweeps
        self._settled.add((self._add(soft), beta))
        if beta not in self.found or soft.cost(self.alpha, beta) < self.found[beta].cost(self.alpha, beta):
            self.found[beta] = soft
        return soft

    def _add(self, soft: Soft) -> int:
        of_t, given_x, noise = soft.entropies
        self._atoms.append(soft.atoms)
        self._lines.append((of_t - self.alpha * given_x, noise))
        return len(self._atoms) - 1

    def spread(self) -> None:
        """What is best at one beta is tried at its neighbours, up and down along beta, while that brings a gain."""
        for turn in range(_PASSES):
            gained = False
            for beta in self.betas if turn % 2 else self.betas[::-1]:
                fixed, slope = np.array(self._lines).T
                best = int((fixed + beta * slope).argmin())
                before = self.found[beta].cost(self.alpha, beta)
                if (best, beta) in self._settled or fixed[best] + beta * slope[best] > before - 1e-12 * (1 + beta):
                    continue
                self._settled.add((best, beta))
                self.offer(beta, self._atoms[best])
                gained = True
            if not gained:
                return
