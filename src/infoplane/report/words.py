"""What was measured, in sentences."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import xarray as xr

from ..plane.task_bound import bound_of_plane

_DIRECTIONS = {
    "exact": "The values are exact for this variable.",
    "estimate": "The values are estimates.",
    "lower": "The values are lower bounds.",
    "upper": "The values are upper bounds.",
    "interval": "Every value has a lower and an upper bound; only that interval is certain.",
}


def lead(panels: Sequence[xr.Dataset]) -> list[str]:
    """The paragraph under the title, sentence by sentence."""
    tasks = unique(panels, lambda p: str(p.attrs.get("task") or ""))
    counts = unique(panels, lambda p: counted(p.sizes["seed"], "network"))
    several = f" in each of {len(panels)} planes" if len(panels) > 1 and len(counts) == 1 else ""
    who = counts[0] if len(counts) == 1 else f"{len(panels)} ensembles of networks"
    task = f" trained on “{tasks[0]}”" if len(tasks) == 1 and tasks[0] else ""
    quantities = unique(panels, lambda p: f"{p['mi_input'].attrs['quantity']} and {p['mi_target'].attrs['quantity']}")
    named = quantities[0] if len(quantities) == 1 else "by the quantities named at the axes"
    what = f"{who}{task}{several}: what each layer keeps of its input X and tells of the target Y, {named}."
    return [what, *unique(panels, _meaning), *unique(panels, _samples), *unique(panels, _direction)]


def unique(panels: Sequence[xr.Dataset], say: Callable[[xr.Dataset], str]) -> list[str]:
    """What there is to say of the panels, each sentence once."""
    return [text for text in dict.fromkeys(say(panel) for panel in panels) if text]


def counted(number: int, noun: str) -> str:
    """ "1 network", "12 networks"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _meaning(panel: xr.Dataset) -> str:
    """What the channel makes of I(X;T)."""
    channel = str(panel.attrs.get("channel", ""))
    if channel.startswith("Quantize"):
        return (
            "A layer with continuous values has no finite I(X;T) of its own, so T is the layer cut into bins: the "
            "horizontal axis is the entropy of its codes, and another number of bins gives another plane."
        )
    if channel.startswith("AdditiveGaussian"):
        return (
            "A layer with continuous values has no finite I(X;T) of its own, so T is the layer plus noise of the "
            "analysis, which the network does not run with: its sigma acts as a resolution, and another sigma gives "
            "another plane."
        )
    if "assume_stochastic=True" in channel:
        return "T was taken as stochastic without declared noise; for a deterministic layer I(X;T) is not finite."
    noise = panel.attrs.get("noise", "none")
    return f"The networks run with noise of their own ({noise})." if noise != "none" else ""


def _samples(panel: xr.Dataset) -> str:
    n = panel.attrs.get("n_samples")
    if not n:
        return ""
    whole = panel.attrs.get("enumerated") and panel.attrs.get("split", "all") == "all"
    return f"X is uniform over all {n:,} possible inputs." if whole else f"X is represented by {n:,} samples."


def _direction(panel: xr.Dataset) -> str:
    ways = [panel[f"mi_{kind}"].attrs["direction"] for kind in ("input", "target")]
    if ways[0] == ways[1]:
        return _DIRECTIONS[ways[0]]
    plain = {"exact": "exact", "estimate": "an estimate", "lower": "a lower bound", "upper": "an upper bound"}
    say = [plain.get(way, "an interval") for way in ways]
    return f"The horizontal value is {say[0]}, the vertical one {say[1]}."


def outline(number: int, panel: xr.Dataset, run: Mapping[str, Any]) -> dict[str, Any]:
    """What the template needs to lay out a run: its title, which plots it has, and what is drawn under its points."""
    ceilings = run["ceilings"]
    under = []
    if ceilings["input"] is not None:
        under.append("dotted vertical line: log n, the most any layer can show with this many inputs")
    bound = bound_of_plane(panel)
    if bound is not None and bound.certain:
        under.append("solid line: the bound min(I(X;T), H(Y)), which no layer can exceed as the label is certain")
    elif bound is not None:
        under.append("solid line: the bound, the Information Bottleneck's curve: the most I(T;Y) that I(X;T) can buy")
    if ceilings["target"] is not None and (bound is None or not bound.certain):
        under.append("dotted horizontal line: I(X;Y), the most that can be known of Y")
    return {
        "number": number,
        "title": run["title"],
        "curves": list(run["curves"]),
        "phases": run["phases"] is not None,
        "normalised": bool(run["phases"] and run["phases"]["normalised"]),
        "interval": "interval" in (run["input"]["direction"], run["target"]["direction"]),
        "under": "; ".join(under),
    }


def training(panel: xr.Dataset) -> dict[str, Any]:
    """The JSON attribute ``training`` as a mapping; empty where absent or not JSON."""
    try:
        found = json.loads(str(panel.attrs.get("training", "{}")))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
