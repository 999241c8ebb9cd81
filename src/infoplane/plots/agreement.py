"""Which estimators see which layer compress, where all look at the same activations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.transforms import ScaledTranslation

from ..errors import InputError
from ..plane.agreement import agreement as agreement_of
from .style import axes_or_new, colour_map, figure_holding, key, per_nat

_ROW, _COLUMN = 0.3, 1.12  # inches of a cell
_MARKS = {
    "holds": {"marker": "o", "markersize": 5.5},
    "unclear": {"marker": "o", "markersize": 5.5, "markerfacecolor": "none"},
    "fails": {"marker": "x", "markersize": 5.0},
}
_MEANING = {
    "holds": "I(X;T) falls: by more than 0.1 bits and than the same steps shuffled",
    "unclear": "unclear",
    "fails": "no fall beyond 0.1 bits",
}
_BLIND = {"ceiling": "at ceiling", "floor": "too coarse"}


def agreement(
    planes: xr.Dataset | Sequence[xr.Dataset], ax: Axes | None = None, *, unit: str = "bits", legend: bool = True
) -> Axes:
    """A matrix of estimators and layers: the mean fall of I(X;T) after its maximum, and whether it is compression.

    Args:
        planes: what :func:`infoplane.plane.agreement` gives, or the planes it takes.
        ax: where to draw; a new figure if None.
        unit: "bits" or "nats".
        legend: whether to draw the colour bar and say under the Axes what the marks mean.

    Returns:
        The Axes, a row an estimator: dark where much is lost, hatched where the estimator could not have seen a fall.
        In brackets, for estimators with bounds, what these alone say of the fall: at least, at most; bold where they
        prove it. Lines part resolutions that are fixed from those that move with the layer's scale.

    Raises:
        InputError: planes that cannot be compared, an unknown unit.
    """
    factor = per_nat(unit)
    table = planes if isinstance(planes, xr.Dataset) and "verdict" in planes else agreement_of(planes)
    rows, columns = table.sizes["estimator"], table.sizes["layer"]
    if not rows or not columns:
        raise InputError("This plot needs at least one estimator and one layer.")
    ax = axes_or_new(ax, max(3.4 + _COLUMN * columns, 6.6), 1.9 + _ROW * rows)
    scale = ScalarMappable(Normalize(0.0, max(float(table.fall.max()) * factor, 1e-9)), colour_map().reversed())
    for row in range(rows):
        for column in range(columns):
            _cell(ax, table.isel(estimator=row, layer=column), (column, row), scale, factor)
    ax.set_xlim(0, columns)
    ax.set_ylim(rows, 0)
    ax.set_xticks(np.arange(columns) + 0.5, [str(name) for name in table.layer.to_numpy()])
    ax.set_yticks(np.arange(rows) + 0.5, [str(name) for name in table.estimator.to_numpy()])
    ax.tick_params(length=0, labeltop=True, labelbottom=False)
    ax.spines[:].set_visible(False)
    for row in _borders(table):
        ax.plot([-0.02, columns], [row, row], color="0.2", linewidth=1.0, clip_on=False, zorder=4)
    if legend:
        _explain(ax, table, scale, unit)
    return ax


def _cell(ax: Axes, cell: xr.Dataset, place: tuple[int, int], scale: ScalarMappable, factor: float) -> None:
    column, row = place
    fall, blind = float(cell.fall) * factor, str(cell.blind.item())
    shade = scale.to_rgba(np.array([max(fall, 0.0)]))[0]
    if blind or not np.isfinite(fall):
        box = {"facecolor": "white", "edgecolor": "0.75", "hatch": "////", "linewidth": 0.0}
        ink = "0.25"
    else:
        box = {"facecolor": shade, "edgecolor": "white", "linewidth": 1.0}
        ink = "white" if float(np.dot(shade[:3], [0.299, 0.587, 0.114])) < 0.55 else "black"
    ax.add_patch(Rectangle((column, row), 1, 1, zorder=1, **box))
    middle = row + 0.5
    if not np.isfinite(fall):
        return
    if blind:
        words = {"color": ink, "fontsize": 6.5, "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 1.0}}
        ax.text(column + 0.5, middle, _BLIND[blind], ha="center", va="center", zorder=3, **words)
        return
    ax.plot([column + 0.12], [middle], color=ink, linestyle="none", zorder=3, **_MARKS[str(cell.verdict.item())])
    bounds = np.isfinite(float(cell.least))
    ax.text(column + 0.23, middle, f"{fall:.2f}", ha="left", va="center", fontsize=8, color=ink, zorder=3)
    if bounds:
        ends = f"[{float(cell.least) * factor:.1f}, {float(cell.most) * factor:.1f}]".replace("-", "−")
        strong = "bold" if str(cell.proved.item()) == "holds" else "normal"
        ax.text(
            column + 0.97, middle, ends, ha="right", va="center", fontsize=6, color=ink, zorder=3, fontweight=strong
        )


def _borders(table: xr.Dataset) -> list[int]:
    """Rows before which another family of estimators begins, or one whose resolution moves."""
    kinds = [
        (str(s).partition("(")[0], bool(m))
        for s, m in zip(table.settings.to_numpy(), table.follows_scale.to_numpy(), strict=True)
    ]
    return [k for k in range(1, len(kinds)) if kinds[k] != kinds[k - 1]]


def _explain(ax: Axes, table: xr.Dataset, scale: ScalarMappable, unit: str) -> None:
    """The colour bar to the right, and under the Axes what the marks mean."""
    figure = figure_holding(ax)
    bar = figure.colorbar(scale, ax=ax, pad=0.02, aspect=30, shrink=min(1.0, 2.6 / (0.3 * table.sizes["estimator"])))
    bar.set_label(f"fall of I(X;T)  ({unit})", fontsize="small")
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    seen = {str(v) for v in np.where(table.blind == "", table.verdict, "").ravel()}
    entries: list[Line2D | Patch] = [
        key(_MEANING[v], color="black", linestyle="none", **_MARKS[v]) for v in _MARKS if v in seen
    ]
    if bool((table.blind != "").any()):
        entries.append(Patch(facecolor="white", edgecolor="0.75", hatch="////", label="cannot tell at this resolution"))
    if bool(np.isfinite(table.least).any()):
        bounds = "[at least, at most]: the fall by the bounds alone, bold where they prove it"
        entries.append(Patch(facecolor="none", edgecolor="none", label=bounds))
    below = ax.transAxes + ScaledTranslation(0.0, -0.12, figure.dpi_scale_trans)
    side, edge = ("left", 0.0) if _COLUMN * table.sizes["layer"] > 5.0 else ("right", 1.0)
    place = {"loc": f"upper {side}", "bbox_to_anchor": (edge, 0.0), "bbox_transform": below, "borderaxespad": 0.0}
    ax.legend(handles=entries, frameon=False, fontsize="small", **place)
