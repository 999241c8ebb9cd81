"""The page of calibrations and benchmarks: verdicts, heat maps as tables, every failure; no script but a button's."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from ..calibration.tables import Table, cells, doubts_table, failure_table, number, of_calibration, summary_table
from ..calibration.verdicts import checked
from ..errors import InputError
from ..plots.calibration import shade
from . import parts, tables


def is_calibration(dataset: Any) -> bool:
    """Whether this is what ``calibrate`` or a benchmark gives."""
    return isinstance(dataset, xr.Dataset) and dataset.attrs.get("result") == "calibration"


def render(datasets: Sequence[xr.Dataset], title: str | None = None) -> str:
    """The page as text; the same for the same input, byte for byte."""
    named = [str(dataset.attrs.get("title") or "Calibration") for dataset in datasets]
    return parts.template("calibration.html.j2").render(
        title=title or " · ".join(dict.fromkeys(named[:3])),
        runs=[_run(name, dataset) for name, dataset in zip(named, datasets, strict=True)],
        provenance=tables.provenance(datasets),
        style=parts.as_it_is("style.css") + "\n" + parts.as_it_is("calibration.css"),
        script=parts.as_it_is("copy.js"),
    )


def _run(title: str, dataset: xr.Dataset) -> dict[str, Any]:
    whole = checked(dataset)
    if not whole["value"].size:
        raise InputError(f"A report needs cases, and {title!r} has none.")
    return {
        "title": title,
        "lead": str(dataset.attrs.get("verdict") or _lead(whole)),
        "laws": of_calibration(dataset) if "verdict" in dataset else None,
        "summary": _without_constants(summary_table(whole)),
        "maps": [{"n": f"{n:,}", "tables": _maps(whole, n)} for n in whole["n"].values.tolist()],
        "failures": _by_estimator(failure_table(whole), [str(name) for name in whole["estimator"].values]),
        "doubts": doubts_table(whole),
    }


def _lead(whole: xr.Dataset) -> str:
    asked = int((whole["data_seed"] >= 0).sum())
    counts = [f"{whole.sizes[name]} {name}{'s' if whole.sizes[name] != 1 else ''}" for name in ("estimator", "law")]
    dimensions = ", ".join(str(name) for name in whole["dimension"].values)
    ns = ", ".join(f"{n:,}" for n in whole["n"].values.tolist())
    return (
        f"{asked:,} cases: {' on '.join(counts)} of known mutual information, of {dimensions} dimensions (X + Y), "
        f"n = {ns}, up to {whole.sizes['repetition']} draws of each. All estimators meet the same samples."
    )


def _without_constants(table: Table) -> Table:
    """Without the name of the columns that are empty for all."""
    keep = [k for k in range(len(table.headings)) if any(row[k] != "–" for row in table.rows)]
    rows = [[row[k] for k in keep] for row in table.rows]
    return Table(table.title, [table.headings[k] for k in keep], rows)


def _maps(whole: xr.Dataset, n: int) -> list[dict[str, Any]]:
    """A table for each size at this n: rows are laws, columns the informations of one estimator after another."""
    arrays = {name: whole[name].to_numpy() for name in ("truth", "spread", "half_width", "covered", "warned", "value")}
    arrays |= {name: whole[name].to_numpy() for name in ("warning", "reason")}
    at_n = whole["n"].values.tolist().index(n)
    found = []
    for j, dimension in enumerate(str(name) for name in whole["dimension"].values):
        parts_of_row: dict[str, list[dict[str, str]]] = {}
        heads = []
        for e, estimator in enumerate(str(name) for name in whole["estimator"].values):
            shown = cells(whole, estimator, dimension, n)
            if not shown["laws"]:
                continue
            heads.append({"estimator": estimator, "mis": [f"{mi:.3g}" for mi in shown["mis"]]})
            for (r, law), c in product(enumerate(shown["laws"]), range(len(shown["mis"]))):
                at = (e, int(shown["rows"][r]), j, at_n, int(shown["columns"][c]))
                cell = _cell(shown, r, c, {k: a[at] for k, a in arrays.items()})
                cell["kind"] = f"first {cell['kind']}".strip() if c == 0 else cell["kind"]
                parts_of_row.setdefault(law, []).append(cell)
        if heads:
            found.append({"dimension": dimension, "heads": heads, "rows": list(parts_of_row.items())})
    return found


def _cell(shown: dict[str, Any], row: int, column: int, told: dict[str, Any]) -> dict[str, str]:
    """Text, colours, mark and details of one cell."""
    bias = float(shown["bias"][row, column])
    if np.isnan(bias):
        asked = bool(shown["asked"][row, column])
        mark = {"text": "×", "kind": "refused"} if asked else {"text": "", "kind": "absent"}
        return {**mark, "style": "", "details": str(told["reason"]) if asked else ""}
    text = number(bias, sign=True)
    warned, missed = bool(shown["warned"][row, column]), bool(shown["missed"][row, column])
    background, ink = shade(bias)
    return {
        "text": f"({text})" if warned else text,
        "kind": "missed" if missed else "",
        "style": f"background:{background};color:{ink}",
        "details": _details(told),
    }


def _details(told: dict[str, Any]) -> str:
    answers = int(np.isfinite(told["value"]).sum())
    intervals = int(np.isfinite(told["covered"]).sum())
    parts_told = [
        f"truth {number(float(told['truth']))}, mean of {answers}: {number(float(np.nanmean(told['value'])))}",
        f"spread {number(float(told['spread']))}, half-width {number(float(told['half_width']))}",
        f"{int(np.nansum(told['covered']))} of {intervals} intervals hold the truth",
    ]
    warned = int(np.nansum(told["warned"]))
    if warned:
        parts_told.append(f"{warned} warned: {told['warning']}")
    return "; ".join(parts_told)


def _by_estimator(failures: Table, estimators: list[str]) -> list[dict[str, Any]]:
    """The failures of each estimator, those with the fewest first."""
    own = {name: [row[1:] for row in failures.rows if row[0] == name] for name in estimators}
    order = sorted(estimators, key=lambda name: len(own[name]))
    return [{"estimator": name, "table": Table(failures.title, failures.headings[1:], own[name])} for name in order]
