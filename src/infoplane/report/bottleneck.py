"""The page of bottleneck curves, and the same sections under the planes of a page that has both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ..errors import InputError
from ..plots.beta import by_spread, certified, critical_betas, flags, label_names, method_of, numbers, solved
from ..plots.frontier import Frontier, frontier
from ..plots.lineage import lineage
from ..results import check
from . import bottleneck_words, look, parts, tables
from .runs import finite, packed

_MARKS = 6000  # clusters that a picture draws at most; a browser takes seconds for more
_VALUES = 400_000  # numbers p(y|t) that a page holds at most for one curve
_LINES = ("mi_input", "mi_target", "mi_target_geometric", "objective", "free_energy", "gap")
SCRIPTS = ("bottleneck.js", "bottleneck_panels.js")
STYLE = "bottleneck.css"


def render(datasets: Sequence[xr.Dataset], title: str | None, claims: Sequence[Mapping[str, Any]]) -> str:
    """The page of curves alone, as text; the same for the same input, byte for byte."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    curves = sections(datasets)
    return parts.template("bottleneck.html.j2").render(
        title=title or _page_title(datasets, [run["title"] for run in curves["runs"]]),
        curves=curves,
        claims=tables.claims(claims),
        provenance=tables.provenance(datasets),
        style=parts.together("style.css", STYLE),
        plotly=Markup(get_plotlyjs()),
        scripts=[parts.as_it_is(name) for name in (*SCRIPTS, "bottleneck_page.js", "copy.js")],
    )


def sections(datasets: Sequence[xr.Dataset]) -> dict[str, Any]:
    """What the template of the sections needs: words, tables, and the numbers that the scripts draw.

    Raises:
        InputError: not a curve, or one without points.
    """
    for dataset in datasets:
        check(dataset)
        if not dataset.sizes.get("beta"):
            raise InputError("A report needs at least one beta; this curve is empty.")
    titles = _titles(datasets)
    looks = look.layers([[*titles, ""]])[: len(titles)]  # one more, as the palest colour is too pale for small marks
    known = frontier(datasets)
    data = {
        "curves": [
            {"colour": x.colour, "symbol": x.symbol, **_described(title, dataset)}
            for title, dataset, x in zip(titles, datasets, looks, strict=True)
        ],
        "ceilings": {"target": finite(known.mi_joint), "input": finite(known.entropy_x)},
        "beyond": _beyond(known, datasets),
    }
    return {
        "lead": bottleneck_words.lead(datasets),
        "looks": looks,
        "runs": [
            {
                "number": k,
                "title": title,
                "clusters": bool(described["clusters"]),
                "every": described["every"],
                "cautions": bottleneck_words.cautions(dataset),
                "table": bottleneck_words.points(dataset),
            }
            for k, (title, dataset, described) in enumerate(zip(titles, datasets, data["curves"], strict=True))
        ],
        "labels": list(dict.fromkeys(name for one in data["curves"] for name in one["labels"])),
        "gap": bottleneck_words.meaning_of_a_gap(datasets),
        "certified": known.certified,
        "data": data,
    }


def _page_title(datasets: Sequence[xr.Dataset], titles: list[str]) -> str:
    """The titles of the curves, where they have any, else their names."""
    given = list(dict.fromkeys(str(dataset.attrs["title"]) for dataset in datasets if dataset.attrs.get("title")))
    if given:
        return " · ".join(given[:3])
    return f"Bottleneck curve{'s' if len(titles) > 1 else ''}: {', '.join(titles[:4])}"


def _titles(datasets: Sequence[xr.Dataset]) -> list[str]:
    """A name for every curve: its method where that is enough to tell them apart, else its title."""
    methods = [method_of(dataset) for dataset in datasets]
    names = (
        methods
        if len(set(methods)) == len(methods) > 1
        else [str(dataset.attrs.get("title") or method) for dataset, method in zip(datasets, methods, strict=True)]
    )
    return [name if names.count(name) == 1 else f"{name} ({k + 1})" for k, name in enumerate(names)]


def _described(title: str, curve: xr.Dataset) -> dict[str, Any]:
    """Everything the scripts draw of one curve, ready for JSON; nats throughout."""
    count = next((name for name in ("n_clusters", "n_components") if name in curve), None)
    clusters = _clusters(curve) if {"marginal", "decoder"} <= set(curve.data_vars) else None
    return {
        "title": title,
        "method": method_of(curve),
        "beta": curve["beta"].to_numpy().astype(float).tolist(),
        **{name: _plain(numbers(curve, name)) for name in _LINES},
        "count": None if count is None else {"name": count[2:], "values": curve[count].to_numpy().astype(int).tolist()},
        "certified": certified(curve).tolist(),
        "converged": flags(curve, "converged", True).tolist(),
        "interpolated": flags(curve, "interpolated", False).tolist(),
        "critical": [{"what": what, "beta": beta} for what, beta in critical_betas(curve)],
        "ceilings": {"target": finite(curve.attrs.get("mi_joint")), "input": finite(curve.attrs.get("entropy_x"))},
        "clusters": clusters[0] if clusters else None,
        "labels": clusters[1] if clusters else [],
        "every": clusters[2] if clusters else 1,
    }


def _plain(values: np.ndarray) -> list[float | None]:
    return [finite(float(value)) for value in values]


def _clusters(curve: xr.Dataset) -> tuple[dict[str, Any], list[str], int]:
    """Points of the bifurcation diagram and the links between them; names of the labels; every how many-th beta."""
    every = max(1, -(-int((solved(curve)["marginal"] > 0).sum()) // _MARKS))
    found = lineage(solved(curve).isel(beta=slice(None, None, -every)).sortby("beta"))
    counts = [len(level) for level in found.weights]
    first = np.concatenate([[0], np.cumsum(counts)])
    links = [(first[i] + t, first[i - 1] + s) for i in range(1, len(counts)) for t, s in enumerate(found.parents[i])]
    order = by_spread(curve)[: max(1, _VALUES // max(int(first[-1]), 1))]
    laws = np.concatenate(found.laws)
    marks = {
        "beta": packed(np.repeat(found.beta, counts)),
        "weight": packed(np.concatenate(found.weights)),
        "law": packed(laws[:, order].T),
        "links": packed(np.array(links, dtype=float).reshape(-1, 2)),
    }
    names = label_names(curve)
    return marks, [names[position] for position in order], every


def _beyond(known: Frontier, curves: Sequence[xr.Dataset]) -> dict[str, list[float]]:
    """The edge of what no encoder reaches, nats."""
    right = 1.1 * max([float(np.nanmax(numbers(curve, "mi_input"), initial=0.0)) for curve in curves])
    rates = np.linspace(0.0, max(right, 1.1 * (known.entropy_x or 0.0), 1e-3), 600)
    return {"x": rates.tolist(), "y": known.above(rates).tolist()}
