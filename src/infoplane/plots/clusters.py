"""The clusters of a curve: bifurcation diagrams, their weights, and the tree in which they merge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from .beta import beta_axis, checked_curve, draw_critical, label_shown, method_of
from .lineage import Lineage, lineage, placed
from .style import axes_or_new, colour_map, figure_holding, key, legend_beside, looks, per_nat, tidy

if TYPE_CHECKING:
    from ..bottleneck import MergeTree

_AREA = 46.0  # square points of a mark that holds everything
_WIDTH = 3.6  # points of a branch that holds everything
_NAMED = 24  # ends of branches that have room for a name


def bifurcation(dataset: xr.Dataset, ax: Axes | None = None, *, label: Any = None, legend: bool = True) -> Axes:
    """p(y|t) of every cluster against beta, for one label: where clusters split.

    The area of a mark is p(t). Thin lines lead from each cluster to the nearest one, by KL(p(y|t) || p(y|t')), of the
    next lower beta: a guide to the eye, as nothing was solved between two betas. Vertical lines: the critical betas
    that the curve knows. Points on chords are left out.

    Args:
        dataset: a curve with ``marginal`` and ``decoder``; for the dual the decoder holds its own geometric laws.
        ax: where to draw; a new figure if None.
        label: position or name of y; that whose p(y|t) varies most among the clusters of the largest beta if None.
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes.

    Raises:
        InputError: no such curve, no such label.
    """
    curve = checked_curve(dataset, "marginal", "decoder")
    position, name = label_shown(curve, label)
    found = lineage(curve)
    ax = _draw_marks(axes_or_new(ax, 6.6, 3.9), curve, found, [laws[:, position] for laws in found.laws], legend)
    ax.set_ylabel(f"p(y = {name} | t)" + (",  geometric laws" if method_of(curve).startswith("DualIB") else ""))
    return ax


def cluster_weights(dataset: xr.Dataset, ax: Axes | None = None, *, legend: bool = True) -> Axes:
    """p(t) of every cluster against beta; marks and lines as in :func:`bifurcation`.

    Args:
        dataset: a curve with ``marginal`` and ``decoder``.
        ax: where to draw; a new figure if None.
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes.

    Raises:
        InputError: no such curve.
    """
    curve = checked_curve(dataset, "marginal", "decoder")
    found = lineage(curve)
    ax = _draw_marks(axes_or_new(ax, 6.6, 3.9), curve, found, found.weights, legend)
    ax.set_ylabel("p(t)")
    return ax


def _draw_marks(ax: Axes, curve: xr.Dataset, found: Lineage, heights: list[np.ndarray], legend: bool) -> Axes:
    """Marks of area p(t) at a height for every cluster, joined to those they come from."""
    dark = looks(1)[0].colour
    counts = [len(level) for level in heights]
    beta_axis(ax, found.beta)
    joined = {"color": (*dark[:3], 0.35), "linewidth": 0.6, "zorder": 2}
    ax.plot(*_joints(found, heights), label="links", scalex=False, scaley=False, **joined)
    area = np.maximum(_AREA * np.concatenate(found.weights), 0.8)
    ax.scatter(
        np.repeat(found.beta, counts),
        np.concatenate(heights),
        s=area,
        color=dark,
        linewidth=0,
        zorder=3,
        clip_on=False,
        label="clusters",
    )
    most = float(np.concatenate(heights).max())
    top = 1.0 if most > 0.55 else 1.05 * most
    ax.set_ylim(-0.03 * top, 1.03 * top)
    tidy(ax)
    lines = draw_critical(ax, curve)
    if legend:
        sizes = [_size_key(share, dark) for share in (1.0, 0.25, 0.05)]
        legend_beside(ax, [*sizes, *lines], method_of(curve))
    return ax


def _joints(found: Lineage, heights: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """One line, broken at nan, from every parent to its clusters; a curve may have a hundred thousand of them."""
    x, y = [np.zeros(0)], [np.zeros(0)]
    for i in range(1, len(heights)):
        count = len(heights[i])
        x.append(np.tile([found.beta[i - 1], found.beta[i], np.nan], count))
        y.append(np.stack([heights[i - 1][found.parents[i]], heights[i], np.full(count, np.nan)], axis=1).ravel())
    return np.concatenate(x), np.concatenate(y)


def _size_key(share: float, colour: Any) -> Line2D:
    look = {"marker": "o", "markersize": (_AREA * share) ** 0.5, "markeredgewidth": 0, "linestyle": "none"}
    return key(f"p(t) = {share:g}", color=colour, **look)


def cluster_tree(
    data: xr.Dataset | MergeTree, ax: Axes | None = None, *, label: Any = None, unit: str = "bits", legend: bool = True
) -> Axes:
    """The tree in which clusters merge: those of a curve as beta falls, or those of an agglomerative clustering.

    Of a curve: each cluster joins the nearest one, by KL(p(y|t) || p(y|t')), of the next lower beta, and the corner
    stands halfway between the two on the logarithmic axis: where exactly they merge was not solved. A branch is as
    wide as its p(t), coloured by p(y|t) of one label, and what one parent splits into is ordered by it; a branch that
    ends early is a cluster which none of the next beta has for its nearest. Of a
    :class:`~infoplane.bottleneck.MergeTree`: each merge stands at the I(T;Y) that is left after it.

    Args:
        data: a curve with ``marginal`` and ``decoder``, or the tree of ``merge_tree``.
        ax: where to draw; a new figure if None.
        label: for a curve, as in :func:`bifurcation`.
        unit: of I(T;Y) for a tree of merges, "bits" or "nats".
        legend: whether to put a colour bar beside the Axes, and a key of critical betas above them, for a curve.

    Returns:
        The Axes.

    Raises:
        InputError: neither of them, no such label, an unknown unit.
    """
    factor = per_nat(unit)
    from ..bottleneck import MergeTree

    if isinstance(data, MergeTree):
        return _draw_merges(axes_or_new(ax, 6.2, _height(data.most)), data, factor, unit)
    curve = checked_curve(data, "marginal", "decoder")
    position, name = label_shown(curve, label)
    found = lineage(curve)
    values = [laws[:, position] for laws in found.laws]
    forest = placed(found.parents, values)
    ax = axes_or_new(ax, 6.6, _height(len(forest.ends)))
    beta_axis(ax, found.beta)
    low, high = float(np.concatenate(values).min()), float(np.concatenate(values).max())
    shade = ScalarMappable(Normalize(low, high) if low < high else Normalize(0, 1), colour_map())
    ax.add_collection(_branches(found, forest.places, values, shade), autolim=False)
    names = [f"p(t) = {found.weights[level][t]:.3f}" for level, t in forest.ends]
    _name_ends(ax, names, f"{len(found.laws[-1])} clusters at the largest beta")
    entries = draw_critical(ax, curve)
    if legend:
        bar = figure_holding(ax).colorbar(shade, ax=ax, pad=0.03, aspect=28)
        bar.set_label(f"p(y = {name} | t)")
        bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
        place = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "ncols": 4, "borderaxespad": 0.2}
        entries.insert(0, key(method_of(curve), linewidth=0, color="none"))
        ax.legend(handles=entries, frameon=False, fontsize="small", **place)
    return ax


def _height(ends: int) -> float:
    """Inches for so many ends of branches."""
    return float(np.clip(1.8 + 0.16 * ends, 2.6, 8.0))


def _branches(
    found: Lineage, places: list[np.ndarray], values: list[np.ndarray], shade: ScalarMappable
) -> LineCollection:
    """From every cluster but the first ones back to its parent, around a corner."""
    lines, colours, widths = [], [], []
    for i in range(1, len(found.beta)):
        before, here = found.beta[i - 1], found.beta[i]
        corner = (before * here) ** 0.5 if before > 0 else here / 2
        for t, parent in enumerate(found.parents[i]):
            start, end = places[i - 1][parent], places[i][t]
            lines.append([(before, start), (corner, start), (corner, end), (here, end)])
            colours.append(shade.to_rgba(values[i][t]))
            widths.append(0.7 + _WIDTH * found.weights[i][t])
    return LineCollection(lines, colors=colours, linewidths=widths, capstyle="round", zorder=2)


def _name_ends(ax: Axes, names: list[str], count: str) -> None:
    """The ends of branches at the right, by name where there is room, else how many there are."""
    ax.set_ylim(-0.7, len(names) - 0.3)
    ax.spines["left"].set_visible(False)
    tidy(ax)
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.tick_right()
    if len(names) <= _NAMED:
        ax.set_yticks(range(len(names)), names, fontsize="x-small")
    else:
        ax.set_yticks([])
        ax.set_ylabel(count)
    ax.tick_params(axis="y", length=0)


def _draw_merges(ax: Axes, tree: MergeTree, factor: float, unit: str) -> Axes:
    """Right-angled forks: the leaves, with all of I(T;Y), at the right."""
    m = tree.most
    children = {m + row: (int(first), int(second)) for row, (first, second) in enumerate(tree.merges[:, :2])}
    order = _leaves(children, 2 * m - 2) if m > 1 else [0]
    height = dict(zip(order, map(float, range(m)), strict=True))
    kept = {leaf: float(tree.mi_target[0]) * factor for leaf in range(m)}
    lines = []
    for row in range(m - 1):
        first, second = children[m + row]
        at = float(tree.mi_target[row + 1]) * factor
        lines.append(
            [
                (kept[child], height[child]) if turn == 0 else (at, height[child])
                for child, turn in ((first, 0), (first, 1), (second, 1), (second, 0))
            ]
        )
        height[m + row], kept[m + row] = (height[first] + height[second]) / 2, at
    ax.add_collection(LineCollection(lines, colors=[looks(1)[0].colour], linewidths=1.1, zorder=2), autolim=False)
    whole = float(tree.mi_target[0]) * factor
    ax.set_xlim(-0.03 * (whole or 1.0), 1.02 * (whole or 1.0))
    ax.set_xlabel(f"I(T;Y) that is left  ({unit})")
    inputs = [np.flatnonzero(tree.group == leaf) for leaf in order]
    _name_ends(ax, [_inputs(members) for members in inputs], f"{m} distinct inputs")
    return ax


def _leaves(children: dict[int, tuple[int, int]], root: int) -> list[int]:
    """Leaves from the bottom up, so that no two forks cross."""
    waiting, found = [root], []
    while waiting:
        node = waiting.pop()
        if node in children:
            waiting += reversed(children[node])
        else:
            found.append(node)
    return found


def _inputs(members: np.ndarray) -> str:
    """ "x = 3", "x = 3, 5, ... (12)"."""
    shown = ", ".join(map(str, members[:3].tolist()))
    return f"x = {shown}" + (f", ... ({len(members)})" if len(members) > 3 else "")
