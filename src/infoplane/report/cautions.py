"""What to beware of in a plane, in sentences that its own checks gave rise to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import numpy as np
import xarray as xr

from .runs import band, finite
from .words import counted

BITS = 1.0 / np.log(2.0)


def cautions(panel: xr.Dataset) -> list[str]:
    """One sentence for every check that gives cause; those the measurement itself noted come last."""
    checks: list[Callable[[xr.Dataset], Iterator[str]]] = [
        _saturation,
        _growth,
        _calibration,
        _shuffled_labels,
        _trend,
        _bounds,
        _order,
        _dead,
        _range,
        _unbounded,
        _spread,
        _unchecked,
        _noted,
    ]
    return [sentence for check in checks for sentence in check(panel)]


def last(panel: xr.Dataset, name: str) -> np.ndarray | None:
    """(layer,) mean over networks at the last checkpoint; None where the variable is absent or has no number there."""
    if name not in panel:
        return None
    values = panel[name].isel(epoch=-1).transpose("seed", "layer").to_numpy().astype(np.float64)
    return band(values)[0] if np.isfinite(values).any() else None


def _layers(panel: xr.Dataset, chosen: np.ndarray) -> str:
    names = [str(name) for name, is_chosen in zip(panel["layer"].to_numpy(), chosen, strict=True) if is_chosen]
    return "all layers" if len(names) == panel.sizes["layer"] and len(names) > 1 else ", ".join(names)


def _saturation(panel: xr.Dataset) -> Iterator[str]:
    share = last(panel, "saturated")
    if share is not None and (share > 0.5).any():
        yield (
            f"Saturated at the last checkpoint: {_layers(panel, share > 0.5)}. Nearly every input has a value of its "
            "own there, so I(X;T) stands at its ceiling log n and says little of the layer."
        )


def _growth(panel: xr.Dataset) -> Iterator[str]:
    growth = last(panel, "mi_input_growth")
    if growth is not None and (growth > 0.5).any():
        yield (
            f"In {_layers(panel, growth > 0.5)} I(X;T) rises by more than half a bit whenever the number of inputs "
            "doubles: it still counts inputs. Compare epochs and networks there, not absolute values."
        )


def _calibration(panel: xr.Dataset) -> Iterator[str]:
    error, value = last(panel, "mi_input_calibration"), last(panel, "mi_input")
    if error is None or value is None or panel["mi_input"].attrs["direction"] == "exact":
        return  # with every input at hand there is no sampling for the method to be wrong about
    off = np.abs(error) > np.maximum(0.1 * np.abs(value), 0.1 / BITS)
    if off.any():
        worst = error[off][np.abs(error[off]).argmax()] * BITS
        side = "too low" if worst < 0 else "too high"
        yield (
            f"On independent normal units with the same n, size, means and deviations, where the truth is known, the "
            f"method is off by up to {abs(worst):.2f} bits, {side}, ({_layers(panel, off)})."
        )


def _shuffled_labels(panel: xr.Dataset) -> Iterator[str]:
    null, value = last(panel, "mi_target_null"), last(panel, "mi_target")
    if null is not None and value is not None and (much := null > 0.5 * value).any():
        yield (
            f"In {_layers(panel, much)} shuffled labels give more than half of the I(T;Y) of the true ones: with so "
            "many distinct values any labelling can be told apart, and I(T;Y) there is no sign of learning."
        )


def _trend(panel: xr.Dataset) -> Iterator[str]:
    if "compression_null" not in panel or "compression_lower" not in panel:
        return
    null = panel["compression_null"].to_numpy()
    known = np.isfinite(null) & np.isfinite(panel["compression_lower"].to_numpy())
    within = known & (panel["compression_lower"].to_numpy() <= null)
    if within.any():
        yield (
            f"The fall of I(X;T) after its maximum is not shown to exceed that of the same steps in shuffled order in "
            f"{_layers(panel, within)}: by this measure no trend is shown there."
        )


def _bounds(panel: xr.Dataset) -> Iterator[str]:
    interval = [k for k in ("input", "target") if panel[f"mi_{k}"].attrs["direction"] == "interval"]
    for kind in interval:
        width = panel[f"mi_{kind}_upper"] - panel[f"mi_{kind}_lower"] if f"mi_{kind}_lower" in panel else None
        widest = None if width is None else finite(float(width.isel(epoch=-1).max()))
        if widest is not None:
            name = panel[f"mi_{kind}"].attrs["quantity"]
            yield f"The certain interval of {name} is up to {widest * BITS:.2f} bits wide at the last checkpoint."
    if "target" in interval:
        yield (
            "The point drawn for I(T;Y) is a difference of two upper bounds and is itself no bound; bounds that leave "
            "the possible range are cut in the drawing and printed in full when a point is pointed at."
        )


def _order(panel: xr.Dataset) -> Iterator[str]:
    for kind, what in (("input", "X"), ("target", "Y")):
        if f"violations_{kind}" in panel:
            count = panel[f"violations_{kind}"].to_numpy()
            share = (count > 0).mean()
            if share > 0:
                yield (
                    f"In {share:.1%} of all snapshots a deeper layer seems to know more of {what} than the one before "
                    "it, which no layer can: a mark of the resolution and of the estimate, left as it is."
                )


def _dead(panel: xr.Dataset) -> Iterator[str]:
    share = last(panel, "dead")
    if share is not None and (share > 0).any():
        worst = counted(round(float(share.max()) * panel.sizes["seed"]), "network")
        yield f"Dead at the last checkpoint, the same value for every input: {_layers(panel, share > 0)}, in {worst}."


def _range(panel: xr.Dataset) -> Iterator[str]:
    if "out_of_range" in panel and (total := int(panel["out_of_range"].sum())):
        yield f"{counted(total, 'value')} over all snapshots lay outside the bins and went into the end ones."


def _unbounded(panel: xr.Dataset) -> Iterator[str]:
    lost = sum(int((~np.isfinite(panel[f"mi_{kind}"].to_numpy())).sum()) for kind in ("input", "target"))
    if lost:
        yield f"{counted(lost, 'value')} not finite: left out of pictures and means."


def _spread(panel: xr.Dataset) -> Iterator[str]:
    if panel.sizes["seed"] == 1:
        yield "One network only: how much another start or another split would change is not known."


def _unchecked(panel: xr.Dataset) -> Iterator[str]:
    if last(panel, "mi_target_null") is None:
        yield "Shuffled labels, growth with n and calibration were not checked; measure with null=20 to have them."


def _noted(panel: xr.Dataset) -> Iterator[str]:
    try:
        notes = json.loads(str(panel.attrs.get("notes", "[]")))
    except ValueError:
        notes = [str(panel.attrs["notes"])]
    yield from map(str, notes if isinstance(notes, list) else [notes])
