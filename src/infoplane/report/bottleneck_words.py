"""Bottleneck curves in words and tables: what they are, what a gap means, and what is not certain."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ..bottleneck.certificate import TOLERANCE
from ..plots.beta import certified, critical_betas, flags, method_of, numbers
from .tables import number
from .words import counted

BITS = 1.0 / math.log(2.0)
_CERTIFIED = f"{TOLERANCE:.0e}".replace("e-0", "e-")


def lead(curves: Sequence[xr.Dataset]) -> list[str]:
    """The paragraph above the sections, sentence by sentence."""
    methods = list(dict.fromkeys(method_of(curve) for curve in curves))
    what = (
        f"{counted(len(curves), 'curve')} ({', '.join(methods)}) over beta, which multiplies I(T;Y): at each beta the "
        "encoder q(t|x) that makes the cost of its method least, with what it keeps of X and of Y."
    )
    sizes = list(dict.fromkeys(_problem(curve) for curve in curves))
    return [what, *(size for size in sizes if size)]


def _problem(curve: xr.Dataset) -> str:
    attrs = curve.attrs
    told = [f"X has {attrs['n_x']} states and Y {attrs['n_y']}"] if "n_x" in attrs and "n_y" in attrs else []
    informations = {"I(X;Y)": attrs.get("mi_joint"), "H(X)": attrs.get("entropy_x"), "H(Y)": attrs.get("entropy_y")}
    told += [f"{name} = {number(float(v) * BITS)} bits" for name, v in informations.items() if v is not None]
    return f"{', '.join(told)}." if told else ""


def meaning_of_a_gap(curves: Sequence[xr.Dataset]) -> str:
    """What the certificate says and what it does not."""
    starts = [int(curve.attrs["starts"]) for curve in curves if curve.attrs.get("starts")]
    where = ""
    if starts:
        where = f", here {min(starts):,}" + (f" to {max(starts):,}" if len(set(starts)) > 1 else "")
    return (
        "The gap of a solution is a number of nats: no encoder at all has a cost lower by more than that. It is the "
        "logarithm of the largest value that a certain function takes over all laws of Y, so that it is as sure as the "
        f"search for that value, which rises from many starts{where}. Where it is at most {_CERTIFIED} nats the "
        "solution is called certified; the same encoder may still have equals. A larger gap does not say that the "
        "solution is bad, only that it is not known to be best."
    )


def cautions(curve: xr.Dataset) -> list[str]:
    """One sentence for everything that gives cause; those the solver itself noted come last."""
    checks: list[Callable[[xr.Dataset], Iterator[str]]] = [
        _uncertified, _unconverged, _chords, _falls, _early_onset, _dual, _noted,
    ]  # fmt: skip
    return [sentence for check in checks for sentence in check(curve)]


def _uncertified(curve: xr.Dataset) -> Iterator[str]:
    gaps, sure = numbers(curve, "gap"), certified(curve)
    unknown = np.isnan(gaps)
    if unknown.all():
        yield "No gap is known: none was asked for, or the method has no certificate. Nothing says how good it is."
        return
    if unknown.any():
        yield f"No gap is known at {unknown.sum()} of {counted(len(gaps), 'point')}."
    open_ = ~sure & ~unknown
    if open_.any():
        worst = int(np.nanargmax(gaps))
        yield (
            f"Not certified: {open_.sum()} of {counted(len(gaps), 'point')} have a gap above {_CERTIFIED} nats, the "
            f"largest {gap_text(float(gaps[worst]))} nats at beta = {float(curve['beta'][worst]):.4g}. A lower cost "
            "there is not excluded."
        )
    elif not unknown.any():
        largest = gap_text(float(np.nanmax(gaps)))
        yield f"Certified at all {counted(len(gaps), 'point')}: the largest gap is {largest} nats."


def _unconverged(curve: xr.Dataset) -> Iterator[str]:
    wrong = ~flags(curve, "converged", True)
    if wrong.any():
        where = ", ".join(f"{beta:.4g}" for beta in curve["beta"].to_numpy()[wrong][:6])
        more = ", …" if wrong.sum() > 6 else ""
        count = counted(int(wrong.sum()), "point")
        yield f"Not converged at {count} (beta = {where}{more}): the encoder there still moves."


def _chords(curve: xr.Dataset) -> Iterator[str]:
    count = int(flags(curve, "interpolated", False).sum())
    if count:
        yield (
            f"{counted(count, 'point')} of the curve {'lies' if count == 1 else 'lie'} on chords: all of a chord costs "
            "the same at its one beta, and its points are reached by drawing one of two encoders for each input. They "
            "are no solutions of their own, and pictures over beta leave their clusters out."
        )


def _falls(curve: xr.Dataset) -> Iterator[str]:
    falls = int(curve.attrs.get("violations", 0))
    if falls:
        yield (
            f"On {counted(falls, 'step')} an information falls as beta rises, which at optima it cannot: left as it is."
        )


def _early_onset(curve: xr.Dataset) -> Iterator[str]:
    told = dict(critical_betas(curve))
    onset, first = told.get("onset"), told.get("first local critical beta")
    if onset is not None and first is not None and onset < first:
        yield (
            f"Below beta = {onset:.6g} one cluster for everything is best. It stays locally stable up to {first:.6g}, "
            "so that a search that starts from one cluster misses what lies between: the second cluster is born apart "
            "from the first, with weight growing from 0."
        )


def _dual(curve: xr.Dataset) -> Iterator[str]:
    if "mi_target_geometric" in curve:
        yield (
            "I(T;Y) is that of the encoder along the chain T – X – Y. The dual's own laws of the clusters are "
            "geometric means; the information of those is no information about Y, and can exceed I(X;Y)."
        )


def _noted(curve: xr.Dataset) -> Iterator[str]:
    try:
        notes = json.loads(str(curve.attrs.get("notes", "[]")))
    except ValueError:
        notes = [str(curve.attrs["notes"])]
    for note in notes if isinstance(notes, list) else [notes]:
        text = str(note)
        yield text[:1].upper() + text[1:]


def points(curve: xr.Dataset) -> dict[str, Any]:
    """Every point as a row of texts, and whether it is to be looked at twice."""
    count = next((name for name in ("n_clusters", "n_components") if name in curve), None)
    columns = {"beta": [f"{beta:.5g}" for beta in curve["beta"].to_numpy()]}
    for name, heading in (
        ("mi_input", "I(X;T), bits"),
        ("mi_target", "I(T;Y), bits"),
        ("mi_target_geometric", "of geometric laws, bits"),
    ):
        if name in curve:
            columns[heading] = [_fixed(value * BITS) for value in numbers(curve, name)]
    if count is not None:
        columns[count[2:]] = [f"{value}" for value in curve[count].to_numpy()]
    for name, heading in (("objective", "cost, nats"), ("free_energy", "free energy, nats")):
        if name in curve and np.isfinite(numbers(curve, name)).any():
            columns[heading] = [_fixed(value) for value in numbers(curve, name)]
    columns["gap, nats"] = [gap_text(value) for value in numbers(curve, "gap")]
    converged, chord = flags(curve, "converged", True), flags(curve, "interpolated", False)
    columns["converged"] = ["chord" if c else "yes" if ok else "no" for ok, c in zip(converged, chord, strict=True)]
    kinds = np.where(chord, "chord", np.where(converged & certified(curve), "", "doubtful"))
    return {
        "headings": list(columns),
        "rows": list(zip(kinds.tolist(), zip(*columns.values(), strict=True), strict=True)),
    }


def _fixed(value: float) -> str:
    return "–" if not math.isfinite(value) else f"{value:.5f}".replace("-", "−")


def gap_text(value: float) -> str:
    """A gap with one digit and its power of ten: what is below 1e-17 is 0."""
    return "–" if not math.isfinite(value) else "0" if value <= 1e-17 else f"{value:.1e}".replace("e-0", "e-")
