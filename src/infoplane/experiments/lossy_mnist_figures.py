"""The pictures of ``lossy-mnist``; all curves as they were measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import xarray as xr

from .. import plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_UNIT = "nats"


def figures(datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
    """By file name without ending."""
    ours, authors, fast = (datasets[name] for name in ("ours", "authors", "fast"))
    noises, ways = datasets["noises"], datasets["ways"]
    return {
        "plane-authors": plots.plane_by_loss_panels(authors, unit=_UNIT),
        "plane-ours": plots.plane_by_loss_panels(ours, unit=_UNIT),
        "plane-fast": plots.plane_by_loss_panels(fast, unit=_UNIT),
        "schedules": plots.course_panels({"authors": authors, "fast": fast}, unit=_UNIT),
        "curves-authors": plots.course_panels(
            {
                "published, k = 5": authors,
                "weighted, k = 20": datasets["authors-weighted"],
                "KSG": datasets["authors-KSG"],
            },
            unit=_UNIT,
        ),
        "curves-ours": plots.course_panels(
            {
                "weighted, k = 20": ours,
                "the same, frozen": datasets["ours-frozen"],
                "KSG": datasets["ours-KSG"],
            },
            unit=_UNIT,
        ),
        "levels-ours": plots.course_panels(_levels(ours), which=("mi_input",), unit=_UNIT, loss=None),
        "noises": plots.course_panels(_as_planes(noises.sel(estimator="weighted"), "arm"), unit=_UNIT),
        **{
            f"ways-{'ours' if arm == 'ours' else 'fast'}": plots.course_panels(
                _as_planes(ways.sel(arm=arm), "way"), unit=_UNIT, loss=None
            )
            for arm in ways.arm.values
        },
    }


def _levels(plane: xr.Dataset) -> dict[str, xr.Dataset]:
    """I(X;T) of the noisy layers, and the bound that its signal-to-noise ratios give, up to twice log n."""
    noisy = plane.sel(layer=plane.layer.values[:-1])
    top = 2.0 * float(plane.attrs["ceiling_mi_input"])
    bound = noisy[["snr_bound"]].rename(snr_bound="mi_input")
    return {"measured": noisy, "signal-to-noise bound": bound.where(bound < top)}


def _as_planes(table: xr.Dataset, along: str) -> dict[str, xr.Dataset]:
    """One dataset over (seed, epoch, layer) for every member of a dimension."""
    names = {f"mi_{kind}_value": f"mi_{kind}" for kind in ("input", "target")}
    return {
        str(label): table.sel({along: label}).rename(names).expand_dims(seed=[0]).drop_vars(along)
        for label in table[along].values
    }
