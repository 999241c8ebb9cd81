"""One beta at a time: sweeps, Newton steps where they crawl, merging, and repair by what the certificate finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .certificate import SMALL, Peaks, peaks, tolerance
from .geometry import Atoms, Geometry, apart, logs
from .newton import newton, newton_fits, reweighted
from .sweeps import merged, pruned, squared_distances, sweep

_SETTLED = 1e-8  # largest ln(p_new / p) of a settled solution
_HOPEFUL = 1e-5  # nats above the cost before, from which two more steps may bring a merge down
_STILL = 1e-7  # largest step of its laws
_PATIENCE = 4  # turns in which F has not fallen, after which its digits are spent
_TURNS = 12  # of weights and sweeps, where a problem is too large for Newton's step
_CHEAP = 20_000  # n x k x labels up to which a Newton step is cheap


@dataclass
class Tally:
    """Work done: for tests, benchmarks and the result's own record."""

    sweeps: int = 0
    newton: int = 0
    rounds: int = 0


class Settled(NamedTuple):
    """Atoms at one beta.

    Attributes:
        atoms: weights and laws.
        free_energy: their F.
        residual: largest ln(p_new / p) of the last sweep.
        converged: whether it and the step of the laws are below the tolerances.
        crept: whether plain sweeps were slow, so that some cluster may be close to dividing.
    """

    atoms: Atoms
    free_energy: float
    residual: float
    converged: bool
    crept: bool = False


class _Swept(NamedTuple):
    atoms: Atoms
    free_energy: float
    residual: float
    step: float
    rate: float

    @property
    def settled(self) -> bool:
        return self.residual < _SETTLED and self.step < _STILL


def start(geometry: Geometry) -> Atoms:
    """T a copy of X."""
    return Atoms(geometry.p_x.copy(), geometry.rows.copy())


def _sweep(geometry: Geometry, beta: float, atoms: Atoms, count: int, tally: Tally, slowest: float = 2.0) -> _Swept:
    """Up to ``count`` sweeps; ends early where settled, or where steps shrink more slowly than ``slowest``."""
    free_energy, residual, step, rate = np.inf, np.inf, np.inf, 1.0
    for done in range(count):
        after = sweep(geometry, beta, atoms)
        tally.sweeps += 1
        free_energy = after.free_energy
        residual = float((logs(after.mass) - logs(atoms.mass)).max())
        heavy = after.atoms.mass > geometry.light
        last, step = step, float(np.abs(after.atoms.laws - atoms.laws[after.kept])[heavy].max())
        rate = step / last if last > 0 else 0.0
        atoms = after.atoms
        if residual < _SETTLED and step < _STILL:
            break
        if done > 3 and rate > slowest:
            break
    return _Swept(atoms, free_energy, residual, step, rate)


def settle(
    geometry: Geometry,
    beta: float,
    atoms: Atoms,
    tally: Tally,
    merges: tuple[float, ...] = (3e-2, 1e-3),
    rounds: int = 25,
) -> Settled:
    """Converge at one beta from warm atoms."""
    swept = _sweep(geometry, beta, atoms, 8, tally)
    if not swept.settled and swept.rate < 0.55:
        swept = _sweep(geometry, beta, swept.atoms, 30, tally)
    atoms, crept = pruned(swept.atoms, geometry.light), not swept.settled
    still = 0
    for turn in range(rounds):
        atoms = _try_merges(geometry, beta, atoms, merges, tally)
        if swept.settled or still == _PATIENCE:
            break
        before = swept.free_energy
        if newton_fits(geometry, atoms):
            tally.newton += 3
            atoms, _ = newton(geometry, beta, atoms, 3)
            swept = _sweep(geometry, beta, atoms, 3 if turn < 8 else 20, tally)
        elif turn < _TURNS:
            atoms = pruned(reweighted(geometry, beta, atoms, 2), geometry.light)
            swept = _sweep(geometry, beta, atoms, 10, tally)
        else:
            break
        atoms = pruned(swept.atoms, geometry.light)
        still = still + 1 if before - swept.free_energy < 1e-13 else 0
    if swept.settled and atoms.laws.size * len(geometry.p_x) <= _CHEAP:
        atoms, _ = newton(geometry, beta, atoms, 3, 0.0)  # to the last digit, where that costs next to nothing
        swept = _sweep(geometry, beta, atoms, 1, tally)
        atoms = pruned(swept.atoms, geometry.light)
    return Settled(atoms, swept.free_energy, swept.residual, swept.settled, crept)


def _try_merges(geometry: Geometry, beta: float, atoms: Atoms, reaches: tuple[float, ...], tally: Tally) -> Atoms:
    """Merge close laws where F, after Newton steps, does not rise."""
    if len(atoms.mass) < 2 or not reaches:
        return atoms
    squared = squared_distances(atoms.laws)
    for reach in reaches:
        fewer = merged(atoms, reach, squared)
        if len(fewer.mass) == len(atoms.mass):
            continue
        before = sweep(geometry, beta, atoms).free_energy
        if newton_fits(geometry, fewer):
            tally.newton += 2
            fewer, after = newton(geometry, beta, fewer, 2)
            if after <= before + _HOPEFUL:  # two steps come so close that what is far above will stay above
                tally.newton += 2
                fewer, after = newton(geometry, beta, fewer, 2)
        else:
            fewer = reweighted(geometry, beta, fewer, 2)
            after = sweep(geometry, beta, fewer).free_energy
        if after <= before + (1e-15 if geometry.rows.size <= SMALL else 1e-12):
            return fewer
    return atoms


def certify(
    geometry: Geometry, beta: float, settled: Settled, starts: np.ndarray, tally: Tally, rounds: int = 6
) -> tuple[Settled, Peaks]:
    """The gap, and repair: where some law has c above 1 it is added, and the solution settles again."""
    small = geometry.rows.size <= SMALL
    found = peaks(geometry, beta, settled.atoms, starts, near=settled.crept)
    for turn in range(rounds):
        if found.gap <= tolerance(geometry, beta):
            break
        tally.rounds += 1
        richer = reweighted(geometry, beta, _enriched(settled.atoms, found, 1e-5 if small else 1e-2), 3)
        again = settle(geometry, beta, richer, tally, (1e-3, 1e-4) if turn < 3 else (1e-5,))
        if again.free_energy < settled.free_energy + (1e-15 if small else 1e-13):
            settled = again
        found = peaks(geometry, beta, settled.atoms, starts, near=settled.crept)
    return settled, found


def _enriched(atoms: Atoms, found: Peaks, least: float) -> Atoms:
    """With all distinct laws at which c exceeds 1, of weight 0 as yet: how much each deserves, the weights' step says.

    A fixed start such as 1 % is too much where a law serves few inputs, and the law would be thrown out again.
    """
    high = found.heights > 1e-3 * found.gap
    laws = found.laws[high][:400]
    chosen = laws[:0]
    for law in laws:
        if apart(law[None], chosen)[0] > least:
            chosen = np.vstack([chosen, law])
    return Atoms(np.concatenate([atoms.mass, np.zeros(len(chosen))]), np.vstack([atoms.laws, chosen]))
