"""Colour and marker of every layer: readable in greyscale, in print, and by the colour-blind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# Viridis grows lighter all along, so that layers keep their order in greyscale; its palest end is lost on white paper.
_SCALE, _PALEST = "Viridis", 0.86

# Plotly's marker names, each with the path that draws it in a 16 x 16 box for the legend.
_SYMBOLS = {
    "circle": "M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11z",
    "square": "M3 3h10v10h-10z",
    "diamond": "M8 1.5l6.5 6.5l-6.5 6.5l-6.5-6.5z",
    "triangle-up": "M8 2l6.5 11h-13z",
    "cross": "M6 2h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
    "triangle-down": "M8 14l6.5-11h-13z",
    "x": "M5 2l3 3l3-3l3 3l-3 3l3 3l-3 3l-3-3l-3 3l-3-3l3-3l-3-3z",
    "star": "M8 1l2 5h5l-4 3.2l1.6 5.3l-4.6-3.2l-4.6 3.2l1.6-5.3l-4-3.2h5z",
    "pentagon": "M8 1.5l6.5 4.9l-2.5 7.6h-8l-2.5-7.6z",
}


@dataclass(frozen=True)
class Layer:
    """How a layer is drawn.

    Attributes:
        name: of the layer.
        colour: CSS colour.
        symbol: Plotly's name of the marker.
        path: SVG path of that marker in a 16 x 16 box.
    """

    name: str
    colour: str
    symbol: str
    path: str


def layers(names: Sequence[Sequence[str]]) -> list[Layer]:
    """One look for every layer name of all runs, so that a layer looks the same on every panel.

    Args:
        names: the layer names of each run, input side first.

    Returns:
        The layers of the deepest run in order, then those that only other runs have; darkest first.
    """
    from plotly.colors import sample_colorscale

    deepest_first = sorted(names, key=len, reverse=True)
    union = list(dict.fromkeys(name for run in deepest_first for name in run))
    places = [_PALEST * k / max(len(union) - 1, 1) for k in range(len(union))]
    colours = sample_colorscale(_SCALE, places)
    marks = list(_SYMBOLS.items())
    return [
        Layer(name, str(colour), *marks[k % len(marks)])
        for k, (name, colour) in enumerate(zip(union, colours, strict=True))
    ]
