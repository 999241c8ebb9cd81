"""Estimates on laws with known information as Datasets: pieces, and pieces put together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ..estimate import Estimate
from ..results import provenance

Findings = dict[tuple[str, float], Estimate | str]
"""What a route gave at a true information, or why it gave nothing."""


def table(found: Findings) -> xr.Dataset:
    """Findings as a Dataset over (route, mi); nan where there is none, with the reasons in its attributes."""
    routes, mis = list(dict.fromkeys(r for r, _ in found)), sorted({mi for _, mi in found})
    values = np.full((2, len(routes), len(mis)), np.nan)
    reasons: dict[str, str] = {}
    methods: dict[str, str] = {}
    for (route, mi), one in found.items():
        if isinstance(one, str):
            reasons[route] = one
            continue
        values[:, routes.index(route), mis.index(mi)] = one.value, one.stderr
        methods.setdefault(route, one.method)
    variables = {name: (("route", "mi"), v) for name, v in zip(("mi_estimate", "mi_stderr"), values, strict=True)}
    return xr.Dataset(variables, {"route": routes, "mi": mis}, provenance(methods=methods, refusals=reasons))


def gathered(pieces: Iterable[tuple[str, int, xr.Dataset]], routes: Sequence[str]) -> xr.Dataset:
    """Pieces of (law, seed) as one Dataset over (law, route, mi, seed); nan where nothing was asked for."""
    pieces = list(pieces)
    axes: dict[str, list[Any]] = {
        "law": list(dict.fromkeys(law for law, _, _ in pieces)),
        "route": list(routes),
        "mi": sorted({float(mi) for _, _, piece in pieces for mi in piece["mi"].values}),
        "seed": sorted({seed for _, seed, _ in pieces}),
    }
    arrays = {name: np.full([len(axis) for axis in axes.values()], np.nan) for name in ("mi_estimate", "mi_stderr")}
    methods: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for law, seed, piece in pieces:
        at = (
            [axes["route"].index(str(r)) for r in piece["route"].values],
            [axes["mi"].index(m) for m in piece["mi"].values],
        )
        for name, array in arrays.items():
            array[axes["law"].index(law), :, :, axes["seed"].index(seed)][np.ix_(*at)] = piece[name].values
        methods |= json.loads(piece.attrs["methods"])
        reasons |= json.loads(piece.attrs["refusals"])
    variables = {name: (tuple(axes), array, {"units": "nats"}) for name, array in arrays.items()}
    return xr.Dataset(variables, axes, provenance(methods=methods, refusals=reasons))


def joined(pieces: list[xr.Dataset]) -> xr.Dataset:
    """Tables of single laws and seeds as one, nan where nothing was asked for."""
    how: Any = {"join": "outer", "data_vars": "all", "coords": "minimal", "compat": "override"}
    rows: dict[str, list[xr.Dataset]] = {}
    for piece in pieces:
        rows.setdefault(str(piece["law"].values[0]), []).append(piece)
    whole = [xr.concat(row, "seed", combine_attrs="drop_conflicts", **how) for row in rows.values()]
    return xr.concat(whole, "law", combine_attrs="drop_conflicts", **how)
