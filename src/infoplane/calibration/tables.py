"""The tables of a benchmark as text: for the terminal, the page and the documentation alike."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from . import verdicts
from .grid import ABSENT


class Table(NamedTuple):
    """Headings and rows of text."""

    title: str
    headings: list[str]
    rows: list[list[str]]


def summary_table(dataset: xr.Dataset) -> Table:
    """An estimator a row: whether its intervals can be believed."""
    found = verdicts.summary(dataset)
    headings = [
        "estimator",
        "cases",
        "refused",
        "unwarned",
        "coverage",
        "half-width",
        "allowed",
        "rms error",
        "largest",
    ]
    headings += ["seconds", "verdict"]
    rows = []
    for name in found["estimator"].values:
        one = {key: float(found[key].sel(estimator=name)) for key in found.data_vars}
        verdict = "no intervals" if math.isnan(one["holds"]) else "holds" if one["holds"] else "fails"
        shares = [share(one[key]) for key in ("refused", "unwarned", "coverage")]
        nats = [number(one[key]) for key in ("half_width", "allowed_half_width", "rmse", "largest_error")]
        rows.append([str(name), f"{one['cases']:,.0f}", *shares, *nats, number(one["seconds"]), verdict])
    return Table(
        "All cases; of the unwarned: coverage of the 95 % intervals, their half-width, and errors, in nats",
        headings,
        rows,
    )


def failure_table(dataset: xr.Dataset) -> Table:
    """Every cell whose unwarned intervals hold the truth in fewer than 85 % of the repetitions."""
    headings = [
        "estimator",
        "law",
        "dimensions",
        "n",
        "truth",
        "bias",
        "spread",
        "half-width",
        "intervals that hold it",
    ]
    rows = [
        [
            cell["estimator"],
            cell["law"],
            cell["dimension"],
            f"{cell['n']:,}",
            number(cell["truth"]),
            number(cell["bias"], sign=True),
            number(cell["spread"]),
            number(cell["half_width"]),
            f"{cell['covered']} of {cell['unwarned']}",
        ]
        for cell in verdicts.failures(dataset)
    ]
    return Table("Cells where fewer than 85 % of the unwarned intervals hold the truth; nats", headings, rows)


def doubts_table(dataset: xr.Dataset) -> Table:
    """What estimators warned of and why they refused, with the number of cells of each."""
    ds = verdicts.checked(dataset)
    counts: dict[tuple[str, str, str], int] = {}
    for kind in ("warning", "reason"):
        for name in ds["estimator"].values:
            told = ds[kind].sel(estimator=name).to_numpy().ravel()
            for text in told[(told != "") & (told != ABSENT)]:
                entry = (str(name), "warned" if kind == "warning" else "refused", _alike(str(text)))
                counts[entry] = counts.get(entry, 0) + 1
    rows = [[*entry, f"{count}"] for entry, count in sorted(counts.items(), key=lambda item: -item[1])]
    return Table("What they said", ["estimator", "", "the first in a cell; numbers left out", "cells"], rows)


def _alike(text: str) -> str:
    """A sentence without its numbers, so that it can be counted."""
    kept = "".join("#" if letter.isdigit() else letter for letter in text)
    while "##" in kept or "#.#" in kept or "#,#" in kept:
        kept = kept.replace("##", "#").replace("#.#", "#").replace("#,#", "#")
    return kept.replace("#", "…")


def of_calibration(dataset: xr.Dataset) -> Table:
    """A law a row, an information a column: the bias of what ``calibrate`` gave, and the verdict."""
    headings = ["law", *(f"at {float(mi):.3g}" for mi in dataset["mi"].values), "verdict"]
    rows = []
    for law in dataset["law"].values:
        row = dataset.sel(law=law)
        rows.append([str(law), *(number(float(b), sign=True) for b in row["bias"].values), str(row["verdict"].item())])
    return Table("Bias by true mutual information; nats", headings, rows)


def markdown(dataset: xr.Dataset) -> str:
    """The tables in Markdown, as the documentation holds them."""
    parts = [f"# {dataset.attrs.get('title', 'Calibration')}"]
    for table in (summary_table(dataset), failure_table(dataset), doubts_table(dataset)):
        lines = [f"## {table.title}", ""]
        lines += [_line(table.headings), _line(["---"] * len(table.headings)), *map(_line, table.rows)]
        parts.append("\n".join(lines) if table.rows else f"## {table.title}\n\nNone.")
    return "\n\n".join(parts) + "\n"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def number(value: float, *, sign: bool = False) -> str:
    """Two digits or two decimals; a dash where there is none."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    text = f"{value:+.2f}" if sign else f"{value:.2f}" if abs(value) >= 0.1 or value == 0 else f"{value:.2g}"
    text = text if float(text) or not sign else "0.00"
    return text.replace("-", "−")


def share(value: float) -> str:
    """A share in percent."""
    return "–" if math.isnan(value) else f"{100 * value:.0f} %"


def cells(dataset: xr.Dataset, estimator: str, dimension: str, n: int) -> dict[str, Any]:
    """Laws, informations and the numbers of one heat map, without rows and columns that were not asked for.

    Returns:
        ``laws`` and ``mis``; ``rows`` and ``columns``, where these stand in the dataset; and (laws, mis) arrays:
        ``bias``, ``asked``, ``warned`` (half of the answers or more), ``missed`` (fewer than 85 % of the unwarned
        intervals hold the truth).
    """
    one = verdicts.checked(dataset).sel(estimator=estimator, dimension=dimension, n=n)
    asked = (one["data_seed"] >= 0).any("repetition").to_numpy()
    rows, columns = asked.any(axis=1), asked.any(axis=0)
    trusted = (one["warned"] == 0) & one["covered"].notnull()
    unwarned = trusted.sum("repetition")
    missed = (unwarned > 0) & (
        (one["covered"].where(trusted) == 1).sum("repetition") < verdicts.LEAST_COVERAGE * unwarned
    )
    grids = {
        "bias": one["bias"],
        "asked": (one["data_seed"] >= 0).any("repetition"),
        "warned": one["warned_share"] >= 0.5,
        "missed": missed,
    }
    found: dict[str, Any] = {name: grid.to_numpy()[np.ix_(rows, columns)] for name, grid in grids.items()}
    found |= {"rows": np.flatnonzero(rows), "columns": np.flatnonzero(columns)}
    return found | {"laws": [str(law) for law in one["law"].values[rows]], "mis": one["mi"].values[columns].tolist()}
