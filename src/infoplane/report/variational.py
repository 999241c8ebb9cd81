"""The page of networks trained for the bottleneck: both planes, training, and a table of all trade-offs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ..errors import InputError
from ..plots.frontier import frontier
from ..results import check, is_curve, is_variational
from . import ensemble_words, look, parts, tables
from . import variational_words as words
from .runs import finite
from .variational_values import Line, beta_text, described, ended, lines, splits, spread, table

_STYLES = ("style.css", "ensemble.css", "variational.css")
_RATES = 400  # points of the optimum's line

# What is drawn over training: title, whether it is an information, nats or a number, and the variable.
_PANELS = (
    ("I(X;Z), upper", "information", "mi_input"),
    ("Conditional rate, I(X;Z|Y), upper", "information", "rate_conditional"),
    ("I(Z;Y), lower", "information", "mi_target"),
    ("Distortion D", "nats", "distortion"),
    ("Accuracy", "1", "accuracy"),
    ("Calibration error", "1", "calibration_error"),
)
_PLANES = ("mi_input", "rate_conditional", "mi_target", "accuracy")


def render(datasets: Sequence[xr.Dataset], title: str | None, claims: Sequence[Mapping[str, Any]]) -> str:
    """The page as text; the same for the same input, byte for byte.

    Raises:
        InputError: neither trained models nor a curve, or no model with a number.
    """
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    for dataset in datasets:
        check(dataset)
    curves = [dataset for dataset in datasets if is_curve(dataset)]
    models = [dataset for dataset in datasets if is_variational(dataset)]
    titles = ensemble_words.titles(models) if len(models) > 1 else [""]
    found = lines(titles, models)
    if not found:
        raise InputError("A report needs at least one trained model; none of these has a finite I(Z;Y).")
    looks = look.layers([[*(line.name for line in found), ""]])[: len(found)]  # the palest colour is too pale for lines
    measured = splits(found)
    panels = _panels(found)
    names = list(dict.fromkeys([*_PLANES, *(panel["name"] for panel in panels)]))
    return parts.template("variational.html.j2").render(
        title=title or words.page_title(models, found),
        lead=words.lead(models, found, len(curves)),
        looks=looks,
        splits=measured,
        betas=_betas(found),
        panels=panels,
        errors=words.errors(found),
        early=any("best_epoch" in line.dataset for line in found),
        conditional=any("rate_conditional" in line.dataset for line in found),
        optimum=bool(curves),
        table=table(found, measured),
        beware=words.beware(models, found),
        runs=[
            {"title": name, "cautions": words.cautions(own, dataset)}
            for name, dataset, own in zip(titles, models, _by_title(titles, found), strict=True)
        ],
        claims=tables.claims(claims),
        provenance=tables.provenance(datasets),
        data={
            "models": [
                {"name": x.name, "colour": x.colour, "symbol": x.symbol, **described(line, measured, names)}
                for x, line in zip(looks, found, strict=True)
            ],
            "panels": panels,
            "optimum": _optimum(curves, found, measured) if curves else None,
        },
        style=parts.together(*_STYLES),
        plotly=Markup(get_plotlyjs()),
        scripts=[parts.as_it_is(name) for name in ("variational.js", "variational_panels.js", "copy.js")],
    )


def _by_title(titles: Sequence[str], found: Sequence[Line]) -> list[list[Line]]:
    return [[line for line in found if line.title == title] for title in titles]


def _panels(found: Sequence[Line]) -> list[dict[str, Any]]:
    """The pictures over training for which there are numbers."""
    known = [
        (title, unit, name)
        for title, unit, name in _PANELS
        if any(name in line.dataset and np.isfinite(line.dataset[name]).any() for line in found)
    ]
    return [{"number": k, "title": t, "unit": unit, "name": name} for k, (t, unit, name) in enumerate(known)]


def _betas(found: Sequence[Line]) -> list[dict[str, Any]]:
    values = sorted({float(beta) for line in found for beta in line.dataset["beta"].to_numpy() if np.isfinite(beta)})
    return [{"value": beta, "text": beta_text(beta)} for beta in values]


def _optimum(curves: Sequence[xr.Dataset], found: Sequence[Line], measured: Sequence[str]) -> dict[str, Any]:
    """The most that any encoder keeps of Y at each rate, nats, to the right end of the picture."""
    known = frontier(curves)
    held = [
        spread(ended(line), "mi_input", part)[0]
        for line in found
        for part in measured
        if part in line.dataset["split"].to_numpy()
    ]
    rates = np.concatenate(held)
    rates = rates[np.isfinite(rates) & (rates > 0)]
    low, reach = (float(rates.min()), 1.5 * float(rates.max())) if len(rates) else (1e-2, 1.0)
    grid = np.unique(np.concatenate([np.geomspace(low / 10, reach, _RATES), np.linspace(0.0, reach, _RATES)]))
    return {"x": grid.tolist(), "y": known.above(grid).tolist(), "ceiling": finite(known.mi_joint)}
