"""The information curve: solutions along beta as one dataset."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from ..errors import InputError
from ..progress import Progress, silent
from ..results import provenance
from ..samples import whole
from .annealed import GROUPS, IB, Annealed
from .base import LARGEST, Effort, Method, checked_beta, checked_problem
from .certificate import fixed_starts
from .joint import Joint
from .onset import onset_and_first
from .solution import Solution, same_laws

_POINTS = 60  # of the default grid
_SATURATED = 0.999  # share of I(X;Y) at which the default grid ends
_STEP = 0.02  # share of the longest rate below which a step between points is not looked into for a chord
_QUICK = 1_000_000  # numbers in the search for the onset up to which every curve tells it


class Row(NamedTuple):
    """A point of the curve; of a solution, all but its encoder."""

    beta: float
    mi_input: float
    mi_target: float
    mi_target_geometric: float
    objective: float
    free_energy: float
    gap: float
    residual: float
    converged: bool
    sweeps: int
    starts: int
    marginal: np.ndarray
    decoder: np.ndarray
    notes: tuple[str, ...]
    interpolated: bool = False

    @classmethod
    def of(cls, solution: Solution) -> Row:
        """The point of a solution, whose encoder is not even made: of 2,000 inputs and 50 betas it fills a gigabyte."""
        return cls(**{name: getattr(solution, name) for name in cls._fields if name != "interpolated"})

    @property
    def distance(self) -> float:
        """E[d] in nats."""
        return (self.free_energy - self.mi_input) / self.beta


def curve(
    joint: Joint,
    betas: Any = None,
    method: Method | None = None,
    *,
    certify: bool = True,
    chords: int = 0,
    seed: int = 0,
    progress: Progress = silent,
) -> xr.Dataset:
    """Optima along beta, from the largest down, each warm from the one above (reverse annealing).

    Args:
        joint: the problem.
        betas: multipliers of I(T;Y), any order; 60 in geometric steps from just below the onset to where T keeps
            99.9 % of I(X;Y) if None.
        method: the functional; :class:`IB` if None.
        certify: whether to search the certificate at every beta and repair what it finds.
        chords: points to fill every linear piece of the curve with, at the one beta where all of it is optimal; their
            ``interpolated`` is true. The solutions that pin the pieces down are added too. IB and its dual only.
        seed: of random starts.
        progress: called with (stage, done, total).

    Returns:
        Dataset with dimension ``beta``, ascending: ``mi_input``, ``mi_target``, ``mi_target_geometric`` (dual),
        ``objective``, ``free_energy``, ``gap``, ``residual``, ``n_clusters``, ``converged``, ``sweeps``,
        ``interpolated``, ``marginal`` (beta, cluster), ``decoder`` (beta, cluster, y), nan-padded. The attributes
        hold ``onset`` and ``first`` for IB and its dual where they are quick to find, ``notes`` and
        ``violations``: steps on which an information falls as beta rises.

    Raises:
        InputError: no betas, a negative or infinite one, or chords for a method that has none.
    """
    began = time.perf_counter()
    chosen = checked_problem(joint, method, "curve") or IB()
    whole(seed, "seed")
    whole(chords, "chords")
    if chords and not isinstance(chosen, Annealed):
        raise InputError(f"curve fills linear pieces for IB() and DualIB(); {chosen.name} has chords=0, got {chords}.")
    critical = _critical(joint, chosen, betas is None, seed)
    falling = _default_grid(joint, chosen, critical) if betas is None else _checked_grid(betas)
    rows = []
    for solution in chosen.descend(joint, falling, Effort(certify, seed)):
        rows.append(Row.of(solution))
        progress("betas", len(rows), len(falling))
    rows.reverse()
    if chords:
        effort = Effort(certify, seed)
        rows = _filled(rows, lambda beta: Row.of(next(chosen.descend(joint, [beta], effort))), chords)
    wall_time = time.perf_counter() - began
    return _dataset(rows, joint, {**critical, "method": chosen.name, "seed": seed, "wall_time": wall_time})


def _checked_grid(betas: Any) -> list[float]:
    """Falling multipliers."""
    checked = sorted(
        (checked_beta(beta, "curve", LARGEST) for beta in np.ravel(np.asarray(betas)).tolist()), reverse=True
    )
    if not checked:
        raise InputError("curve needs at least one beta, got none.")
    return checked


def _critical(joint: Joint, method: Method, needed: bool, seed: int) -> dict[str, float]:
    """The onset and the first local critical beta, of the method where it has them, of IB where the grid needs one."""
    own = isinstance(method, Annealed)
    size = len(joint.sufficient.p_x) * (len(joint.sufficient.p_x) + 2 * GROUPS)
    if not needed and (not own or size > _QUICK):
        return {}
    geometry = (method if isinstance(method, Annealed) else IB()).geometry(joint)
    onset, first = onset_and_first(geometry, fixed_starts(geometry, GROUPS, seed))
    return {"onset": onset, "first": first} if own else {"onset_ib": onset}


def _default_grid(joint: Joint, method: Method, critical: dict[str, float]) -> list[float]:
    """From just below the onset (or, without one, from hardly any rate) to where hardly anything is lost."""
    onset = next(iter(critical.values()))
    if not np.isfinite(onset):
        return np.geomspace(10, 0.5, _POINTS).tolist()

    # With a fixed number of clusters nothing saturates and nothing vanishes: such methods take the grid of IB.
    own = IB() if getattr(method, "n_clusters", None) is not None else method

    def at(beta: float) -> Solution:
        return next(own.descend(joint, [beta], Effort()))

    high = 2 * onset
    for _ in range(12):
        if at(high).mi_target >= _SATURATED * joint.mutual_information:
            break
        high *= 2
    low = 0.98 * onset
    if "onset_ib" in critical and method is own:
        while low > 1e-6 * onset and at(low).mi_input > 1e-3 * joint.entropy_x:
            low /= 2
    return np.geomspace(high, low, _POINTS).tolist()


def _filled(rows: list[Row], solved: Callable[[float], Row], chords: int) -> list[Row]:
    """With linear pieces found and filled."""
    longest = max(row.mi_input for row in rows)
    found = [rows[0]]
    for low, high in itertools.pairwise(rows):
        found += [*_between(low, high, solved, chords, _STEP * longest, 12), high]
    return found


def _between(low: Row, high: Row, solved: Callable[[float], Row], chords: int, least: float, depth: int) -> list[Row]:
    """The chord between two points with the solutions at its ends, or nothing where the curve bends all the way.

    Solves at the slope of their secant until that slope's optimum is the secant.

    I(X;T) + beta E[d] is a line in beta for each encoder, and its minimum over encoders is concave: the two points
    are ends of a linear piece exactly if no encoder is better where their lines cross.
    """
    nearer = low.distance - high.distance if low.beta > 0 else 0.0
    if high.mi_input - low.mi_input < max(least, 1e-9) or nearer <= 0 or depth == 0:
        return []
    beta = (high.mi_input - low.mi_input) / nearer
    if not low.beta < beta < high.beta:
        return []
    middle = solved(beta)
    if middle.free_energy < low.mi_input + beta * low.distance - 1e-9:
        left = _between(low, middle, solved, chords, least, depth - 1)
        right = _between(middle, high, solved, chords, least, depth - 1)
        return [*left, middle, *right] if left or right else []
    return [_shared(low, high, beta, float(share), middle) for share in np.linspace(1, 0, chords + 2)[1:-1]]


def _shared(low: Row, high: Row, beta: float, share: float, middle: Row) -> Row:
    """The encoder that uses ``low`` with probability ``share`` and ``high`` otherwise, and tells which."""

    def mixed(name: str) -> float:
        return share * getattr(low, name) + (1 - share) * getattr(high, name)

    rate, relevant = mixed("mi_input"), mixed("mi_target")
    free_energy = rate + beta * mixed("distance")
    dual = np.isfinite(low.mi_target_geometric)
    laws = np.vstack([low.decoder, high.decoder])
    cluster = same_laws(laws)
    marginal = np.bincount(cluster, np.concatenate([share * low.marginal, (1 - share) * high.marginal]))
    order = np.argsort(-marginal, kind="stable")
    marginal, decoder = marginal[order], laws[np.unique(cluster, return_index=True)[1]][order]
    return Row(
        beta, rate, relevant, mixed("mi_target_geometric"),
        objective=free_energy if dual else rate - beta * relevant, free_energy=free_energy,
        gap=middle.gap + max(free_energy - middle.free_energy, 0.0), residual=max(low.residual, high.residual),
        converged=low.converged and high.converged, sweeps=0, starts=middle.starts,
        marginal=marginal, decoder=decoder, notes=(), interpolated=True,
    )  # fmt: skip


def _dataset(rows: list[Row], joint: Joint, settings: dict[str, Any]) -> xr.Dataset:
    """Points, beta rising, as a dataset of the curve schema."""
    widest = max(len(row.marginal) for row in rows)
    marginal = np.full((len(rows), widest), np.nan)
    decoder = np.full((len(rows), widest, joint.shape[1]), np.nan)
    for index, row in enumerate(rows):
        marginal[index, : len(row.marginal)] = row.marginal
        decoder[index, : len(row.marginal)] = row.decoder
    columns = ("mi_input", "mi_target", "mi_target_geometric", "objective", "free_energy", "gap", "residual")
    variables: dict[str, Any] = {name: ("beta", np.array([getattr(row, name) for row in rows])) for name in columns}
    if np.isnan(variables["mi_target_geometric"][1]).all():
        del variables["mi_target_geometric"]
    variables |= {
        "n_clusters": ("beta", np.array([len(row.marginal) for row in rows], dtype=np.int32)),
        "converged": ("beta", np.array([row.converged for row in rows])),
        "interpolated": ("beta", np.array([row.interpolated for row in rows])),
        "sweeps": ("beta", np.array([row.sweeps for row in rows], dtype=np.int32)),
        "marginal": (("beta", "cluster"), marginal),
        "decoder": (("beta", "cluster", "y"), decoder),
    }
    dataset = xr.Dataset(variables, coords={"beta": np.array([row.beta for row in rows])})
    for name, symbol in (("mi_input", "I(X;T)"), ("mi_target", "I(T;Y)")):
        dataset[name].attrs = {"quantity": symbol, "direction": "exact", "unit": "nats"}
    law = "p(y|t) along the chain" if "mi_target_geometric" not in dataset else "normalised geometric mean of p(y|x)"
    dataset["decoder"].attrs = {"quantity": law}
    falls = sum(int((np.diff(dataset[name]) < -1e-9).sum()) for name in ("mi_input", "mi_target"))
    dataset.attrs = provenance(
        device="CPU",
        kind="curve",
        **settings,
        entropy_x=joint.entropy_x,
        entropy_y=joint.entropy_y,
        mi_joint=joint.mutual_information,
        n_x=joint.shape[0],
        n_y=joint.shape[1],
        starts=max(row.starts for row in rows),
        violations=falls,
        notes=json.dumps(sorted({note for row in rows for note in row.notes})),
    )
    return dataset
