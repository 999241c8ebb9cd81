"""The section on what several estimators say of one recording: tables, and what to make of them in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from ..plane.agreement import agreement, of_one_recording
from ..plane.compression import BITS
from ..plane.rescaling import KINDS, Rescaling, rescalings
from . import agreement_words as say
from .words import training

STYLE = "agreement.css"

_MARKS = {"holds": "✓", "fails": "✗", "unclear": "?"}
_BLIND = {"ceiling": "at its ceiling", "floor": "too coarse"}
_OUTCOMES = {"blind": "cannot tell", "neither": "–"}


def sections(panels: Sequence[xr.Dataset]) -> list[dict[str, Any]]:
    """One section for every recording that two estimators or more have measured; empty where there is none."""
    found = []
    for group in of_one_recording(panels):
        table = agreement(group)
        pairs = rescalings(table)
        found.append(
            {
                "title": _title(group[0]),
                "lead": say.lead(table),
                "layers": say.layers(table),
                "rescaled": say.rescaled(table, pairs),
                "remarks": say.remarks(table),
                "names": [str(name) for name in table.layer.to_numpy()],
                "rows": _verdicts(table),
                "pairs": _rescalings(table, pairs),
                "bounded": bool(np.isfinite(table.least).any()),
            }
        )
    return found


def _title(panel: xr.Dataset) -> str:
    """What was measured: the network and the task, where the plane says so."""
    split = str(panel.attrs.get("split", "all"))
    parts = [str(training(panel).get("network", "")), str(panel.attrs.get("task", ""))]
    return ", ".join([*filter(None, parts), *([] if split == "all" else [f"{split} samples"])]) or "one recording"


def _verdicts(table: xr.Dataset) -> list[dict[str, Any]]:
    """A row an estimator: its settings, and a cell a layer."""
    rows = []
    for row in (table.isel(estimator=k) for k in range(table.sizes["estimator"])):
        cells = [_cell(row.isel(layer=k)) for k in range(table.sizes["layer"])]
        compress = sum(cell["kind"] == "holds" for cell in cells)
        rows.append(
            {
                "label": str(row.estimator.item()),
                "settings": str(row.settings.item()),
                "moves": bool(row.follows_scale.item()),
                "compress": f"{compress} of {len(cells)}",
                "cells": cells,
            }
        )
    return rows


def _cell(cell: xr.Dataset) -> dict[str, str]:
    verdict, blind = str(cell.verdict.item()), str(cell.blind.item())
    value, low, high = (float(cell[f"fall{end}"]) for end in ("", "_lower", "_upper"))
    bounds = ""
    if np.isfinite(float(cell.least)):
        proof = {"holds": ": proved", "fails": ": excluded"}.get(str(cell.proved.item()), "")
        bounds = f"bounds {_bits(float(cell.least))} to {_bits(float(cell.most))}{proof}"
    return {
        "kind": "blind" if blind else verdict,
        "mark": "–" if blind else _MARKS[verdict],
        "blind": _BLIND.get(blind, ""),
        "fall": _bits(value) if np.isnan(low) else f"{_bits(value)} [{_bits(low)}, {_bits(high)}]",
        "null": _bits(float(cell.compression_null)),
        "bounds": bounds,
    }


def _bits(nats: float) -> str:
    """Nats as bits with two digits: falls are compared, not read off."""
    text = f"{nats * BITS:.2f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def _rescalings(table: xr.Dataset, pairs: Sequence[Rescaling]) -> list[dict[str, Any]]:
    """A row a fixed resolution and its rescaling, a cell a layer; rows in which there is nothing to tell left out."""
    rows: dict[tuple[str, str], dict[str, Rescaling]] = {}
    for pair in pairs:
        rows.setdefault((pair.fixed, pair.kind), {})[pair.layer] = pair
    layers = [str(name) for name in table.layer.to_numpy()]
    return [
        {
            "fixed": fixed,
            "kind": KINDS[kind],
            "cells": [_outcome(found.get(layer)) for layer in layers],
        }
        for (fixed, kind), found in rows.items()
        if any(pair.outcome != "neither" for pair in found.values())
    ]


def _outcome(pair: Rescaling | None) -> dict[str, str]:
    if pair is None or pair.outcome == "neither":
        return {"kind": "", "text": "–", "falls": ""}
    falls = f"{_bits(pair.fall.value)} → {_bits(pair.fall_after.value)}"
    named = f", {pair.moving.rpartition(', ')[2]}" if pair.kind == "noise" else ""
    return {"kind": pair.outcome, "text": _OUTCOMES.get(pair.outcome, pair.outcome), "falls": falls + named}
