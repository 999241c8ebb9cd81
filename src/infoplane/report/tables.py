"""The tables of the page, as text: runs, claims, trust, provenance. Information in bits."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ..plane.bounds import input_compression_bound
from ..plane.phases import gradient_phases
from ..plane.summary import summary
from ..results import attributes, is_curve, is_ensemble
from .cautions import BITS, cautions, last
from .words import training

_VERDICTS = {"holds": "✓", "fails": "✗", "unclear": "?"}
_NONE = "–"

# Variable, heading, and the factor from what is kept to what is shown.
_SCALARS = (
    ("compression", "fall of I(X;T) after its maximum, bits", BITS),
    ("epoch_of_maximum", "epoch of that maximum", 1.0),
    ("fitting_gain", "gain of I(T;Y), last less first, bits", BITS),
    ("drift_to_diffusion_epoch", "drift to diffusion, epoch", 1.0),
)
_CHECKS = (
    ("mi_target_null", "I(T;Y) of shuffled labels, bits", BITS),
    ("mi_input_growth", "growth of I(X;T) with ln n, 0 to 1", 1.0),
    ("mi_input_subsample_stderr", "error of I(X;T) from half samples, bits", BITS),
    ("mi_input_calibration", "error of I(X;T) on normal units, bits", BITS),
    ("bound_distance", "I(T;Y) below the bound, bits", BITS),
    ("layer_beta", "fitted beta", 1.0),
    ("layer_beta_residual", "residual of that fit, bits", BITS),
)
_SHARES = (
    ("saturated", "saturated, share of networks"),
    ("warned", "estimates with a warning, share of networks"),
    ("dead", "dead, share of networks"),
)


def number(value: float) -> str:
    """A number with about three digits; a dash where there is none."""
    if not math.isfinite(value):
        return _NONE if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if value == 0:
        return "0"
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    text = f"{value:,.{digits}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text.replace("-", "−")


def overview(panels: Sequence[xr.Dataset]) -> list[dict[str, str]]:
    """One row a run: what it is."""
    rows = []
    for panel in panels:
        epochs = panel["epoch"].to_numpy()
        row = {
            "run": panel.attrs["title"],
            "network": str(training(panel).get("network", _NONE)),
            "task": str(panel.attrs.get("task") or _NONE),
            "networks": str(panel.sizes["seed"]),
            "checkpoints": f"{len(epochs)}, epoch {epochs[0]:,} to {epochs[-1]:,}",
            "inputs": f"{panel.attrs['n_samples']:,}" if "n_samples" in panel.attrs else _NONE,
            "horizontal": panel["mi_input"].attrs["quantity"],
            "vertical": panel["mi_target"].attrs["quantity"],
        }
        rows.append(row)
    return rows


def claims(listed: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Claims as the table shows them; a verdict it does not know is shown as it is, without colour."""
    rows = []
    for claim in listed:
        verdict = str(claim.get("verdict", "unclear"))
        numbers = claim.get("numbers") or {}
        pairs = numbers.items() if isinstance(numbers, Mapping) else [("", numbers)]
        rows.append(
            {
                "text": str(claim.get("text", "")),
                "verdict": verdict,
                "kind": verdict if verdict in _VERDICTS else "other",
                "mark": _VERDICTS.get(verdict, "·"),
                "source": str(claim.get("source", "")),
                "numbers": [(str(name), _plain(value)) for name, value in pairs],
            }
        )
    return rows


def _plain(value: Any) -> str:
    whole = isinstance(value, bool | int | np.integer)
    return str(value) if whole or not isinstance(value, float | np.floating) else number(float(value))


def trust(panel: xr.Dataset) -> dict[str, Any]:
    """The two tables by layer, the sentences under them, and the counts over the whole run."""
    names = [str(name) for name in panel["layer"].to_numpy()]
    return {
        "title": panel.attrs["title"],
        "layers": names,
        "scalars": _scalar_columns(panel),
        "checks": _check_columns(panel),
        "cautions": cautions(panel),
    }


def _scalar_columns(panel: xr.Dataset) -> list[dict[str, Any]]:
    kept = [name for name, _, _ in _SCALARS if name in panel and f"{name}_lower" in panel]
    means = summary(panel) if kept else xr.Dataset()
    columns = []
    for name, heading, factor in _SCALARS:
        if name not in means or name not in kept:
            continue
        rows = means[name].transpose("layer", "statistic").to_numpy() * factor
        columns.append({"heading": heading, "cells": [_interval(*row) for row in rows]})
        if name == "compression" and "compression_null" in panel:
            null = panel["compression_null"].to_numpy() * factor
            columns.append({"heading": "the same, steps in shuffled order, bits", "cells": [number(v) for v in null]})
    return columns


def _interval(mean: float, lower: float, upper: float) -> str:
    if not math.isfinite(lower) or not math.isfinite(upper):
        return number(mean)
    return f"{number(mean)} [{number(lower)}, {number(upper)}]"


def _check_columns(panel: xr.Dataset) -> list[dict[str, Any]]:
    columns = []
    for name in ("mi_input", "mi_target"):
        values = last(panel, name)
        if values is not None:
            heading = f"{panel[name].attrs['quantity']}, bits"
            columns.append({"heading": heading, "cells": [number(v * BITS) for v in values]})
    for name, heading, factor in _CHECKS:
        values = last(panel, name)
        if values is not None:
            columns.append({"heading": heading, "cells": [number(v * factor) for v in values]})
            if name == "mi_target_null":
                columns += _p_values(panel)
    for name, heading in _SHARES:
        values = last(panel, name)
        if values is not None:
            columns.append({"heading": heading, "cells": [f"{v:.0%}" for v in values]})
    if "out_of_range" in panel:
        total = panel["out_of_range"].sum(["seed", "epoch"]).to_numpy()
        columns.append({"heading": "values out of range, all epochs", "cells": [f"{int(v):,}" for v in total]})
    return [*columns, *_theory_columns(panel)]


def _theory_columns(panel: xr.Dataset) -> list[dict[str, Any]]:
    """Readings of theory at the last checkpoint: neither is a statement about a learned, deterministic layer."""
    columns = []
    samples, values = attributes(panel, "training").get("train_samples"), last(panel, "mi_input")
    if samples and values is not None:
        found = [input_compression_bound(float(v), int(samples)) for v in values]
        heading = f"√((eᴵ + ln 20) / 2·{samples}), a bound on the error gap only for a T fixed before training"
        columns.append({"heading": heading, "cells": [f"{number(b.value)} ({b.verdict})" for b in found]})
    if "gradient_std" in panel and float(panel.gradient_std.isel(epoch=-1).max()) > 0:
        reading = gradient_phases(panel).gaussian_channel.isel(epoch=-1).mean("seed").to_numpy()
        columns.append({"heading": "ln(1 + m²/s²) of the gradients, nats", "cells": [number(v) for v in reading]})
    return columns


def _p_values(panel: xr.Dataset) -> list[dict[str, Any]]:
    """The largest p-value of any network: what holds for it holds for all."""
    if last(panel, "mi_target_p_value") is None:
        return []
    worst = panel["mi_target_p_value"].isel(epoch=-1).max("seed").to_numpy()
    return [{"heading": "its p-value, largest of any network", "cells": [number(v) for v in worst]}]


def provenance(datasets: Sequence[xr.Dataset]) -> dict[str, Any]:
    """Commands that make the results again, and every attribute of every dataset."""
    commands = [str(d.attrs["command"]) for d in datasets if d.attrs.get("command")]
    blocks = []
    for position, dataset in enumerate(datasets):
        rows = [(name, _told(name, value)) for name, value in dataset.attrs.items() if name != "claims"]
        for kind in (k for k in ("input", "target") if f"mi_{k}" in dataset):
            rows += [(f"mi_{kind}: {k}", str(v)) for k, v in dataset[f"mi_{kind}"].attrs.items()]
        named = is_curve(dataset) or is_ensemble(dataset)
        name = dataset.attrs.get("title") or (named and dataset.attrs.get("method"))
        blocks.append({"title": str(name or f"run {position + 1}"), "rows": rows})
    return {"commands": list(dict.fromkeys(commands)), "blocks": blocks}


def _told(name: str, value: Any) -> str | list[tuple[str, str]]:
    """An attribute as text; one that holds a JSON mapping as its pairs."""
    if name == "wall_time" and isinstance(value, int | float | np.number):
        return f"{float(value):.1f} s"
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            read = json.loads(value)
        except ValueError:
            return value
        if isinstance(read, dict):
            return [(str(k), v if isinstance(v, str) else json.dumps(v)) for k, v in read.items()]
        return ", ".join(map(str, read)) or "none"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
