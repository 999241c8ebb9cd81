"""The verb ``write``: datasets in, one HTML file out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from ..errors import InputError
from ..recordings.disk import write_whole
from ..results import check, is_curve, is_ensemble, is_variational
from . import agreement, bottleneck, calibration, ensemble, layerwise, look, parts, runs, tables, variational, words


def write(
    datasets: xr.Dataset | Sequence[xr.Dataset],
    path: str | Path,
    *,
    title: str | None = None,
    claims: Sequence[Mapping[str, Any]] | None = None,
) -> Path:
    """Write a report that needs nothing but a browser: no network, no server, no other file.

    It holds the interactive plane (one panel a dataset, split or estimator, one slider over all epochs), information
    and training curves with 95 % bands over networks, gradient phases, claims, what to beware of, and provenance. Where
    several estimators measured one recording, a section says which of them agree that a layer compresses. Where values
    have errors or layers were compressed, another says what rises from layer to layer and what the codes keep.

    Args:
        datasets: one information plane, or several to stand side by side; what their attributes say is printed.
            Bottleneck curves have sections of their own, below the planes or alone: the curves on one picture,
            clusters, informations and gaps along beta, and all points. Infinite ensembles have a page over training
            time, with curves beside them as the optimum in their plane. So have networks trained for the bottleneck,
            over their trade-off. Or what ``calibrate`` and the benchmark give:
            their page has verdicts, heat maps and every failure as tables.
        path: file, usually ending in ``.html``; written whole or not at all.
        title: of the page; made of those of the datasets if None.
        claims: mappings with "text", "verdict" ("holds", "fails", "unclear"), "source" and "numbers" (by name); those
            in the attribute ``claims`` of the datasets if None.

    Returns:
        The path.

    Raises:
        InputError: not a plane or curve, claims that cannot be read, or a file that cannot be written.
    """
    given = [datasets] if isinstance(datasets, xr.Dataset) else datasets
    if not isinstance(given, list | tuple) or not given:
        raise InputError(f"A report needs an information plane or curve, or a list of them, got {_kind(datasets)}.")
    if all(map(calibration.is_calibration, given)):
        page = calibration.render(given, title)
    elif all(map(is_curve, given)):
        page = bottleneck.render(given, title, _claims(given) if claims is None else claims)
    elif any(map(is_ensemble, given)):
        if not all(is_curve(dataset) or is_ensemble(dataset) for dataset in given):
            raise InputError("Infinite ensembles share a page with bottleneck curves only; write two reports.")
        page = ensemble.render(given, title, _claims(given) if claims is None else claims)
    elif any(map(is_variational, given)):
        if not all(is_curve(dataset) or is_variational(dataset) for dataset in given):
            raise InputError("Trained models share a page with bottleneck curves only; write two reports.")
        page = variational.render(given, title, _claims(given) if claims is None else claims)
    else:
        for dataset in given:
            _checked(dataset)
        page = render(given, title, claims)
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, page.encode())
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from None
    return path


def render(
    datasets: Sequence[xr.Dataset], title: str | None = None, claims: Sequence[Mapping[str, Any]] | None = None
) -> str:
    """The page as text; the same for the same input, byte for byte."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    curves = [dataset for dataset in datasets if is_curve(dataset)]
    more = bottleneck.SCRIPTS if curves else ()
    panels = runs.panels([dataset for dataset in datasets if not is_curve(dataset)])
    looks = look.layers([[str(name) for name in p["layer"].to_numpy()] for p in panels])
    compared = agreement.sections(panels)
    styles = ["style.css", *([agreement.STYLE] if compared else []), *([bottleneck.STYLE] if curves else [])]
    data = {
        "layers": [{"name": x.name, "colour": x.colour, "symbol": x.symbol} for x in looks],
        "runs": [runs.describe(panel, looks, again=runs.seen_before(panels, k)) for k, panel in enumerate(panels)],
    }
    return parts.template("template.html.j2").render(
        title=title or runs.title_of(datasets, panels),
        lead=words.lead(panels),
        overview=tables.overview(panels),
        layers=looks,
        runs=[words.outline(k, panel, run) for k, (panel, run) in enumerate(zip(panels, data["runs"], strict=True))],
        networks=list(dict.fromkeys(seed for run in data["runs"] for seed in run["seeds"])),
        claims=tables.claims(_claims(datasets) if claims is None else claims),
        trust=[tables.trust(panel) for panel in panels],
        agreement=compared,
        layerwise=layerwise.sections(panels),
        curves=bottleneck.sections(curves) if curves else None,
        provenance=tables.provenance(datasets),
        data=data,
        style=parts.together(*styles),
        plotly=Markup(get_plotlyjs()),
        scripts=[parts.as_it_is(name) for name in ("plane.js", "curves.js", "page.js", *more, "copy.js")],
    )


def _checked(dataset: Any) -> None:
    if not isinstance(dataset, xr.Dataset):
        raise InputError(f"A report needs information planes (xarray.Dataset), got {_kind(dataset)}.")
    check(dataset)
    if not is_curve(dataset) and not all(dataset.sizes[name] for name in ("seed", "epoch", "layer")):
        raise InputError("A report needs at least one network, one epoch and one layer; this plane is empty.")


def _kind(value: Any) -> str:
    return "an empty list" if isinstance(value, list | tuple) and not value else type(value).__name__


def _claims(datasets: Sequence[xr.Dataset]) -> list[Mapping[str, Any]]:
    """Claims of all datasets, each once: an experiment writes the same ones into all of its planes."""
    found: dict[str, Mapping[str, Any]] = {}
    for dataset in datasets:
        text = dataset.attrs.get("claims", "[]")
        try:
            listed = json.loads(text)
            found |= {json.dumps(claim, sort_keys=True): dict(claim) for claim in listed}
        except (ValueError, TypeError):
            raise InputError(
                f"The attribute 'claims' of {dataset.attrs.get('title', 'a plane')!r} needs a JSON list of mappings, "
                f"got {str(text)[:60]!r}."
            ) from None
    return list(found.values())
