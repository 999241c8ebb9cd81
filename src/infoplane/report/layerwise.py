"""The section on what one layer passes to the next, and on what the codes of layers keep of them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from .cautions import BITS, last
from .tables import number

_ERRORS = 2.0  # combined standard errors that a rise must exceed to be more than the errors allow
_NONE = "–"


def sections(panels: Sequence[xr.Dataset]) -> list[dict[str, Any]]:
    """One entry a plane whose values have errors or whose layers were compressed; empty where there is none."""
    found = []
    for panel in panels:
        pairs, codes = _pairs(panel), _codes(panel)
        if pairs or codes:
            found.append(
                {
                    "title": panel.attrs["title"],
                    "snapshots": panel.sizes["seed"] * panel.sizes["epoch"],
                    "pairs": pairs,
                    "codes": codes,
                    "remarks": _remarks(panel, pairs, codes),
                }
            )
    return found


def rises(panel: xr.Dataset, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where a layer seems to know more than the one before it, in the order the plane has them.

    Args:
        panel: a plane over (seed, epoch, layer).
        kind: "input" or "target".

    Returns:
        (seed, epoch, layer - 1) each: that it rises; that it does by over 2 combined standard errors; by how much,
        nats. A value without an error is never beyond it.
    """
    value = panel[f"mi_{kind}"].transpose("seed", "epoch", "layer").to_numpy().astype(np.float64)
    rise = np.diff(value, axis=2)
    if f"mi_{kind}_stderr" not in panel:
        return rise > 1e-9, np.zeros(rise.shape, bool), rise
    error = panel[f"mi_{kind}_stderr"].transpose("seed", "epoch", "layer").to_numpy().astype(np.float64)
    return rise > 1e-9, rise > _ERRORS * np.hypot(error[..., 1:], error[..., :-1]), rise


def _pairs(panel: xr.Dataset) -> list[dict[str, Any]]:
    """A row a pair of neighbouring layers; none where no value has an error to compare a rise with.

    Where the plane knows which layers everything passes through (attribute ``chain``), only these.
    """
    if "chain" in panel.attrs:
        panel = panel.sel(layer=[name for name in json.loads(panel.attrs["chain"]) if name in panel["layer"]])
    errors = [panel[name] for kind in ("input", "target") if (name := f"mi_{kind}_stderr") in panel]
    if panel.sizes["layer"] < 2 or not any(np.isfinite(error.to_numpy()).any() for error in errors):
        return []
    names = [str(name) for name in panel["layer"].to_numpy()]
    rows = [{"pair": f"{one} → {other}", "cells": []} for one, other in itertools.pairwise(names)]
    for kind in ("input", "target"):
        up, beyond, rise = rises(panel, kind)
        for k, row in enumerate(rows):
            largest = float(rise[..., k][up[..., k]].max()) if up[..., k].any() else np.nan
            row["cells"].append(
                {
                    "within": int((up & ~beyond)[..., k].sum()) if np.isfinite(rise[..., k]).any() else _NONE,
                    "beyond": int(beyond[..., k].sum()) if np.isfinite(rise[..., k]).any() else _NONE,
                    "largest": number(largest * BITS),
                }
            )
    return rows


def _codes(panel: xr.Dataset) -> list[dict[str, Any]]:
    """A row a layer, at the last checkpoint; none where layers were not compressed and carry no noise of their own."""
    share, size = last(panel, "explained_variance"), last(panel, "code_dim")
    lost = {kind: last(panel, f"loss_bound_{kind}") for kind in ("input", "target")}
    snr, most = last(panel, "snr"), last(panel, "snr_bound")
    if all(values is None for values in (share, size, *lost.values(), snr, most)):
        return []
    value = {kind: last(panel, f"mi_{kind}") for kind in ("input", "target")}

    def cell(values: np.ndarray | None, k: int, factor: float = 1.0) -> str:
        return _NONE if values is None else number(float(values[k]) * factor)

    rows = []
    for k, name in enumerate(panel["layer"].to_numpy()):
        row: dict[str, Any] = {"layer": str(name), "share": cell(share, k), "size": _NONE, "bounds": []}
        if size is not None and np.isfinite(size[k]):
            row["size"] = f"{float(size[k]):g}"
        for kind in ("input", "target"):
            bound, known = lost[kind], value[kind]
            # As everywhere: a bound that is no less than the value it is held against excludes nothing.
            empty = bound is not None and known is not None and bool(bound[k] >= known[k] and bound[k] > 0)
            row["bounds"].append({"text": cell(bound, k, BITS), "vacuous": empty})
        over = most is not None and value["input"] is not None and bool(value["input"][k] > most[k])
        rows.append({**row, "snr": cell(snr, k), "most": cell(most, k, BITS), "over": over})
    return rows


def _remarks(panel: xr.Dataset, pairs: Sequence[dict[str, Any]], codes: Sequence[dict[str, Any]]) -> list[str]:
    """What to make of the two tables, in sentences."""
    found = []
    if pairs:
        beyond = sum(cell["beyond"] for row in pairs for cell in row["cells"] if cell["beyond"] != _NONE)
        found.append(
            "No rise exceeds its errors."
            if not beyond
            else "Where values are equal, about one pair in forty rises by two errors by chance. More than that cannot "
            "be of the layers, which only lose: they are of the estimate, of codes that keep more of one layer than of "
            "the one before it, or of noise that a layer draws anew."
        )
        bounded = [k for k in ("input", "target") if panel[f"mi_{k}"].attrs["direction"] not in ("exact", "estimate")]
        if bounded:
            names = " and ".join(panel[f"mi_{k}"].attrs["quantity"] for k in bounded)
            found.append(f"The values of {names} are bounds: that a bound rises is not forbidden.")
    empty = [row["layer"] for row in codes if any(bound["vacuous"] for bound in row["bounds"])]
    if empty:
        found.append(
            f"Bounds that exclude nothing: {', '.join(empty)}. The value there is that of the code, and how much more "
            "the layer itself holds is not known."
        )
    over = [row["layer"] for row in codes if row["over"]]
    if over:
        found.append(
            f"Above the most that I(X;T) can be at this ratio of signal to noise: {', '.join(over)}; such an estimate "
            "is too high."
        )
    if codes and last(panel, "snr_bound") is None:
        found.append("No noise of known size was declared, so what the codes lose of I(X;T) has no bound here.")
    return found
