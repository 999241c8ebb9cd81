"""The page of infinitely wide ensembles over training time, with the optimum behind their paths where it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ..errors import InputError
from ..plots.frontier import frontier
from ..plots.values import interval
from ..results import check, is_curve, is_ensemble
from . import ensemble_words, look, parts, tables
from .ensemble_pictures import PANELS
from .ensemble_tables import best_time, middle, over_data, table_of_all, table_of_two
from .runs import finite

_STYLE = "ensemble.css"
_RATES = 600  # points of the optimum's line


def render(datasets: Sequence[xr.Dataset], title: str | None, claims: Sequence[Mapping[str, Any]]) -> str:
    """The page as text; the same for the same input, byte for byte.

    Raises:
        InputError: neither an ensemble nor a curve, or an ensemble without a time.
    """
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    for dataset in datasets:
        check(dataset)
    curves = [dataset for dataset in datasets if is_curve(dataset)]
    ensembles = [dataset for dataset in datasets if is_ensemble(dataset)]
    if not all(dataset.sizes.get("time") and dataset.sizes.get("seed", 1) for dataset in ensembles):
        raise InputError("A report needs at least one time and one data set; this ensemble is empty.")
    titles = ensemble_words.titles(ensembles)
    looks = look.layers([[*titles, ""]])[: len(titles)]  # one more, as the palest colour is too pale for thin lines
    panels = _panels(ensembles)
    return parts.template("ensemble.html.j2").render(
        title=title or ensemble_words.page_title(ensembles, titles),
        lead=ensemble_words.lead(ensembles, len(curves)),
        looks=looks,
        groups=_groups(panels),
        repeated=any(dataset.sizes.get("seed", 1) > 1 for dataset in ensembles),
        optimum=bool(curves),
        lowered=any("mi_input_lower" in dataset for dataset in ensembles),
        runs=[
            {
                "number": k,
                "title": name,
                "cautions": ensemble_words.cautions(dataset),
                "table": table_of_all(dataset),
            }
            for k, (name, dataset) in enumerate(zip(titles, ensembles, strict=True))
        ],
        two=table_of_two(titles, ensembles),
        beware=ensemble_words.beware(ensembles),
        claims=tables.claims(claims),
        provenance=tables.provenance(datasets),
        data={
            "ensembles": [
                {"title": name, "colour": x.colour, "symbol": x.symbol, **_described(dataset, panels)}
                for name, x, dataset in zip(titles, looks, ensembles, strict=True)
            ],
            "panels": panels,
            "optimum": _optimum(curves, ensembles) if curves else None,
        },
        style=parts.together("style.css", _STYLE),
        plotly=Markup(get_plotlyjs()),
        scripts=[parts.as_it_is(name) for name in ("ensemble.js", "ensemble_panels.js", "copy.js")],
    )


def _panels(ensembles: Sequence[xr.Dataset]) -> list[dict[str, Any]]:
    """The pictures over time for which there are numbers, numbered, each with the lines that occur."""
    found = []
    for panel in PANELS:
        lines = [line for line in panel.lines if any(_known(dataset, line.name, panel.log) for dataset in ensembles)]
        if lines:
            found.append(
                {
                    "number": len(found),
                    "group": panel.group,
                    "title": panel.title,
                    "unit": panel.unit,
                    "log": panel.log,
                    "lines": [{"name": x.name, "label": x.label, "dash": x.dash} for x in lines],
                }
            )
    return found


def _known(dataset: xr.Dataset, name: str, log: bool) -> bool:
    """Whether there is something to draw: on a logarithmic axis, above 0."""
    if name not in dataset:
        return False
    values = dataset[name].to_numpy()
    return bool((np.isfinite(values) & ((values > 0) | (not log))).any())


def _groups(panels: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    names = list(dict.fromkeys(panel["group"] for panel in panels))
    return [{"name": name, "panels": [panel for panel in panels if panel["group"] == name]} for name in names]


def _described(dataset: xr.Dataset, panels: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Everything the scripts draw of one ensemble, ready for JSON; nats throughout, infinite time as None."""
    names = ["mi_input", "mi_input_lower", "mi_target", *(x["name"] for panel in panels for x in panel["lines"])]
    times = dataset["time"].to_numpy().astype(float)
    return {
        "times": [finite(time) for time in times],
        "best": best_time(dataset),
        "ceiling": finite(dataset.attrs.get("ceiling_mi_input")),
        "values": {name: _band(over_data(dataset, name)) for name in dict.fromkeys(names) if name in dataset},
    }


def _band(values: np.ndarray) -> dict[str, list[float | None] | None]:
    """Mean over data sets, and the 95 % interval of it where there are several."""
    found: dict[str, list[float | None] | None] = {"mean": _plain(middle(values)), "low": None, "high": None}
    if len(values) > 1:
        low, high = interval(np.where(np.isfinite(values), values, np.nan))
        found |= {"low": _plain(low), "high": _plain(high)}
    return found


def _plain(values: np.ndarray) -> list[float | None]:
    return [finite(float(value)) for value in values]


def _optimum(curves: Sequence[xr.Dataset], ensembles: Sequence[xr.Dataset]) -> dict[str, Any]:
    """The most that any encoder keeps of Y at each rate, nats, to the right end of the picture."""
    known = frontier(curves)
    right = [middle(over_data(dataset, "mi_input")) for dataset in ensembles]
    reach = max([float(np.max(x, where=np.isfinite(x), initial=0.0)) for x in right])
    rates = np.linspace(0.0, 1.2 * reach or 1.0, _RATES)
    return {"x": rates.tolist(), "y": known.above(rates).tolist(), "ceiling": finite(known.mi_joint)}
