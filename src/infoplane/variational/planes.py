"""Trained models as a dataset: (objective, beta, seed, epoch, split), in the package's schema."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from ..results import check, provenance
from .objectives import Objective
from .program import Program
from .running import Table

_MEANINGS: dict[str, tuple[str, str]] = {
    "mi_input": ("I(X;Z)", "upper"),
    "mi_target": ("I(Z;Y)", "lower"),
    "rate": ("E KL(e(z|x) || m(z))", "upper"),
    "rate_conditional": ("E KL(e(z|x) || b(z|y)), at least I(X;Z|Y) and no bound of I(X;Z)", "upper"),
    "rate_mixture": ("E ln e(z|x) / m_b(z), at least I(X;Z)", "upper"),
    "distortion": ("E[-ln c(y|z)] of the objective's classifier", "exact"),
    "distortion_readout": ("E[-ln r(y|z)] of the read-out", "exact"),
    "divergence": ("E KL(c(.|z) || p~(.|x,y))", "exact"),
    "kernel": ("pairwise-kernel bound within 1,000 samples", "upper"),
    "loss": ("what is minimised; a kernel bound in it is that within 1,000 samples, not within a batch", "exact"),
    "accuracy": ("share of largest averaged probabilities", "exact"),
    "calibration_error": ("expected calibration error, 15 bins", "exact"),
}
_COUNTS = ("accuracy", "calibration_error")
DIMENSIONS = ("objective", "beta", "seed", "epoch", "split")


def plane(
    programs: Sequence[Program], tables: Sequence[Table], marks: np.ndarray, seeds: Sequence[int], told: dict[str, Any]
) -> xr.Dataset:
    """All that was measured; nan where an objective has no model of a beta, or stopped before an epoch."""
    places = [place(one) for program in programs for one in program.objectives]
    kinds = list(dict.fromkeys(kind for kind, _ in places))
    betas = sorted({beta for _, beta in places})
    splits = list(dict.fromkeys(name.split("/")[0] for name in tables[0].rows[0]))
    shape = (len(kinds), len(betas), len(seeds), len(marks), len(splits))
    names = [name.removeprefix(f"{splits[0]}/") for name in tables[0].rows[0] if name.startswith(f"{splits[0]}/")]
    values = {name: np.full(shape, np.nan) for name in names}
    best = np.full(shape[:3], np.nan)
    for program, table in zip(programs, tables, strict=True):
        for k, one in enumerate(program.objectives):
            kind, beta = place(one)
            at = kinds.index(kind), betas.index(beta)
            if table.best_epoch is not None:
                best[at] = table.best_epoch[:, k]
            for epoch, row in enumerate(table.rows):
                for s, split in enumerate(splits):
                    for name in names:
                        values[name][(*at, slice(None), epoch, s)] = row[f"{split}/{name}"][:, k]
    variables: dict[str, Any] = {name: (DIMENSIONS, array, _attributes(name)) for name, array in values.items()}
    if np.isfinite(best).any():
        variables["best_epoch"] = (DIMENSIONS[:3], best, {"quantity": "epoch whose models are kept"})
    every = [one for program in programs for one in program.objectives]
    attributes = provenance(
        kind="variational",
        method="; ".join(map(repr, every)),
        bounds={one.name: one.bounds for one in every},
        encoder=repr(programs[0].encoder),
        latent=programs[0].latent,
        marginal="trained" if programs[0].trained_marginal else "N(0, I)",
        optimizer=repr(programs[0].optimizer),
        polyak=programs[0].polyak,
        batch_size=programs[0].batch,
        seeds=",".join(map(str, seeds)),
        **told,
    )
    coordinates = {"objective": kinds, "beta": betas, "seed": list(seeds), "epoch": marks, "split": splits}
    return check(xr.Dataset(variables, coordinates, attributes))


def place(objective: Objective) -> tuple[str, float]:
    """An objective's coordinates: its name without beta, and beta; of one that has none, infinity."""
    fields = {f.name for f in dataclasses.fields(objective)}
    if "beta" not in fields:
        return objective.name, float("inf")
    beta = float(getattr(objective, "beta"))  # noqa: B009
    rest = objective.name.split("(", 1)[1][:-1].split(", ", 1)[1:]
    return type(objective).__name__ + (f"({rest[0]})" if rest else ""), beta


def _attributes(name: str) -> dict[str, str]:
    bare = name.removesuffix("_stderr")
    unit = "1" if bare in _COUNTS else "nats"
    if bare != name:
        return {"quantity": f"standard error of {bare} over samples", "unit": unit}
    quantity, direction = _MEANINGS[bare]
    return {"quantity": quantity, "direction": direction, "unit": unit}
