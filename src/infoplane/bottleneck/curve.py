"""The information curve: solutions along beta as one dataset."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr

from ..errors import InputError
from ..progress import Progress, silent
from ..results import provenance
from .annealed import IB
from .base import Effort, Method, checked_beta
from .joint import Joint
from .solution import Solution

_LIKE_PLANE = {"mi_input": "I(X;T)", "mi_target": "I(T;Y)"}


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
        betas: multipliers of I(T;Y), any order; a geometric grid from just below the onset to where T keeps 99.9 % of
            I(X;Y) if None.
        method: the functional; :class:`IB` if None.
        certify: whether to search the certificate at every beta and repair what it finds.
        chords: points to fill every linear piece of the curve with; they have ``interpolated`` true.
        seed: of random starts.
        progress: called with (stage, done, total).

    Returns:
        Dataset with dimension ``beta``, ascending: ``mi_input``, ``mi_target``, ``mi_target_geometric`` (dual),
        ``objective``, ``free_energy``, ``gap``, ``residual``, ``n_clusters``, ``converged``, ``sweeps``,
        ``interpolated``, ``marginal`` (beta, cluster), ``decoder`` (beta, cluster, y), nan-padded.

    Raises:
        InputError: no betas, or a negative or infinite one.
    """
    began = time.perf_counter()
    chosen = IB() if method is None else method
    falling = _grid(joint, betas, chosen)
    found: list[Solution] = []
    for solution in chosen.descend(joint, falling, Effort(certify, seed)):
        found.append(solution)
        progress("betas", len(found), len(falling))
    return dataset_of(found[::-1], joint, chosen, time.perf_counter() - began, seed)


def _grid(joint: Joint, betas: Any, method: Method) -> list[float]:
    """Falling multipliers."""
    if betas is None:
        raise InputError("curve needs betas for now.")
    values: Iterable[Any] = np.atleast_1d(np.asarray(betas)).ravel().tolist()
    checked = sorted((checked_beta(beta, "curve") for beta in values), reverse=True)
    if not checked:
        raise InputError("curve needs at least one beta, got none.")
    return checked


def dataset_of(solutions: list[Solution], joint: Joint, method: Method, wall_time: float, seed: int) -> xr.Dataset:
    """Solutions, beta rising, as a dataset of the curve schema."""
    widest = max(s.n_clusters for s in solutions)
    labels = joint.shape[1]
    marginal = np.full((len(solutions), widest), np.nan)
    decoder = np.full((len(solutions), widest, labels), np.nan)
    for row, solution in enumerate(solutions):
        marginal[row, : solution.n_clusters] = solution.marginal
        decoder[row, : solution.n_clusters] = solution.decoder
    columns = ("mi_input", "mi_target", "mi_target_geometric", "objective", "free_energy", "gap", "residual")
    variables: dict[str, Any] = {name: ("beta", np.array([getattr(s, name) for s in solutions])) for name in columns}
    if np.isnan(variables["mi_target_geometric"][1]).all():
        del variables["mi_target_geometric"]
    variables |= {
        "n_clusters": ("beta", np.array([s.n_clusters for s in solutions], dtype=np.int32)),
        "converged": ("beta", np.array([s.converged for s in solutions])),
        "interpolated": ("beta", np.zeros(len(solutions), dtype=bool)),
        "sweeps": ("beta", np.array([s.sweeps for s in solutions], dtype=np.int32)),
        "marginal": (("beta", "cluster"), marginal),
        "decoder": (("beta", "cluster", "y"), decoder),
    }
    dataset = xr.Dataset(variables, coords={"beta": np.array([s.beta for s in solutions])})
    for name, symbol in _LIKE_PLANE.items():
        dataset[name].attrs = {"quantity": symbol, "direction": "exact", "unit": "nats"}
    notes = sorted({note for s in solutions for note in s.notes})
    dataset.attrs = provenance(
        device="CPU",
        kind="curve",
        method=method.name,
        seed=seed,
        entropy_x=joint.entropy_x,
        entropy_y=joint.entropy_y,
        mi_joint=joint.mutual_information,
        n_x=joint.shape[0],
        n_y=joint.shape[1],
        starts=max(s.starts for s in solutions),
        wall_time=wall_time,
        notes=json.dumps(notes),
    )
    return dataset
