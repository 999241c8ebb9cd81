"""What the optimiser saw: losses and errors, and the two phases of its gradients."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory

from ..errors import InputError
from ..plane.phases import gradient_phases as phases_of
from .style import Look, axes_or_new, epoch_axis, key, legend_beside, looks, per_nat, tidy
from .values import array, checked, epochs_of, interval, layers_of, mean

_PARTS = ("train", "test")
_LINES = {"train": "-", "test": (0, (4, 2))}


def training_curves(dataset: xr.Dataset, ax: Axes | None = None, *, unit: str = "bits", legend: bool = True) -> Axes:
    """Loss (left axis, dark) and classification error (right axis, light) over epochs, on training and test samples.

    Means over networks with their 95 % intervals as bands. A loss with an accuracy beside it is a cross-entropy, an
    information, and drawn in ``unit``; the loss of a regression is drawn as it is.

    Args:
        dataset: with ``loss_train``, ``loss_test``, ``accuracy_train``, ``accuracy_test`` over (seed, epoch), or some
            of them with one loss at least.
        ax: where to draw; a new figure if None.
        unit: "bits" or "nats".
        legend: whether to put a legend above the Axes.

    Returns:
        The Axes of the loss; that of the error, where there is one, shares its epochs.

    Raises:
        InputError: no loss in the dataset, several splits, an unknown unit.
    """
    factor = per_nat(unit)
    losses, errors = (_present(dataset, kind) for kind in ("loss", "accuracy"))
    if not losses:
        checked(dataset)
        raise InputError("training_curves needs loss_train or loss_test; networks trained by train_ensemble have them.")
    dataset = checked(dataset, *losses.values(), *errors.values())
    dark, light = looks(3)[0], looks(3)[1]
    ax = axes_or_new(ax, 6.6, 3.8)
    epoch_axis(ax, epochs_of(dataset))
    entries = []
    for part, name in losses.items():
        _draw(
            ax,
            epochs_of(dataset),
            array(dataset, name) * (factor if errors else 1.0),
            dark,
            _LINES[part],
            f"loss, {part}",
        )
        entries.append(key(f"loss, {part}", color=dark.colour, linestyle=_LINES[part]))
    ax.set_ylabel(f"cross-entropy loss  ({unit})" if errors else "loss  (half squared error)")
    ax.set_ylim(bottom=0)
    tidy(ax, right=bool(errors))
    if errors:
        other = ax.twinx()
        tidy(other, right=True)
        other.set_ylabel("error  (share of samples)")
        for part, name in errors.items():
            _draw(other, epochs_of(dataset), 1 - array(dataset, name), light, _LINES[part], f"error, {part}")
            entries.append(key(f"error, {part}", color=light.colour, linestyle=_LINES[part]))
        other.set_ylim(bottom=0)
    if legend:
        # Above, as an axis on the right may have its numbers where other legends are.
        place = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0), "ncols": len(entries)}
        ax.legend(handles=entries, frameon=False, fontsize="small", **place)
    return ax


def _present(dataset: Any, kind: str) -> dict[str, str]:
    """Which of the curves of a kind the dataset has with numbers in them, by part of the samples."""
    checked(dataset)
    names = {part: f"{kind}_{part}" for part in _PARTS}
    return {p: n for p, n in names.items() if n in dataset and np.isfinite(dataset[n].to_numpy()).any()}


def _draw(ax: Axes, epochs: np.ndarray, values: np.ndarray, look: Look, line: Any, label: str) -> None:
    low, high = interval(values)
    ax.fill_between(epochs, low, high, color=look.colour, alpha=0.2, linewidth=0)
    ax.plot(epochs, mean(values), color=look.colour, linestyle=line, linewidth=1.5, label=label)


def gradient_phases(dataset: xr.Dataset, ax: Axes | None = None, *, legend: bool = True) -> Axes:
    """Norm of the mean gradient (solid) and its deviation over batches (dashed), relative to the weights, by layer.

    Means over networks on logarithmic axes. The rows at the foot mark, layer by layer, the mean epoch at which the
    deviation first exceeds the mean (drift gives way to diffusion) with its 95 % interval over the networks that
    cross; a layer that never does has no mark. The crossing depends on the batch size, which the legend names.

    Args:
        dataset: with ``gradient_mean``, ``gradient_std`` and, for the division by the weights, ``weight_norm`` over
            (seed, epoch, layer).
        ax: where to draw; a new figure if None.
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes.

    Raises:
        InputError: no gradient statistics, several splits.
    """
    dataset = checked(dataset, "gradient_mean", "gradient_std")
    found = phases_of(dataset)
    relative = "mean" in found
    pair = (found["mean"], found["std"]) if relative else (dataset["gradient_mean"], dataset["gradient_std"])
    drift, noise = (mean(array(xr.Dataset({"v": v}), "v")) for v in pair)
    ax = axes_or_new(ax, 6.8, 4.2)
    epochs, names = epochs_of(dataset), layers_of(dataset)
    styles = looks(len(names))
    every = max(1, len(epochs) // 7)
    for k, (name, look) in enumerate(zip(names, styles, strict=True)):
        marks = {"marker": look.marker, "markersize": 4.5, "markevery": (k * every // max(len(names), 1), every)}
        ax.plot(epochs, _positive(drift[:, k]), color=look.colour, linewidth=1.4, label=f"{name}, mean", **marks)
        ax.plot(epochs, _positive(noise[:, k]), "--", color=look.colour, linewidth=1.1, label=f"{name}, deviation")
    epoch_axis(ax, epochs)
    ax.set_yscale("log")
    ax.set_ylabel("gradient norm / norm of weights" if relative else "gradient norm  (not divided by weights)")
    tidy(ax)
    _draw_crossings(ax, array(xr.Dataset({"v": found.drift_to_diffusion_epoch}), "v"), styles)
    if legend:
        shown = [key(name, look) for name, look in zip(names, styles, strict=True)]
        extra = [
            key("norm of the mean", color="0.3"),
            key("deviation over batches", color="0.3", linestyle="--", linewidth=1.1),
            key("drift to diffusion", color="0.3", marker="|", markersize=9, linewidth=1),
        ]
        legend_beside(ax, [*shown, *extra], _batch(dataset))
    return ax


def _positive(values: np.ndarray) -> np.ndarray:
    """Values that a logarithmic axis can show: none for a full batch, whose deviation is 0."""
    return np.where(values > 0, values, np.nan)


def _draw_crossings(ax: Axes, crossings: np.ndarray, styles: list[Look]) -> None:
    """A row a layer at the foot of the Axes from (seed, layer) epochs: tick at the mean, line over its interval."""
    height = 0.032
    low_end, high_end = ax.get_ylim()
    room = height * (len(styles) + 1.5)
    ax.set_ylim(float(low_end * (low_end / high_end) ** (room / (1 - room))), high_end)
    foot = blended_transform_factory(ax.transData, ax.transAxes)
    middle = mean(crossings)
    low, high = interval(crossings)
    for k, look in enumerate(styles):
        level = height * (len(styles) - k)
        if not np.isfinite(middle[k]):
            continue
        settings = {"color": look.colour, "transform": foot, "scalex": False, "scaley": False}
        ax.plot([low[k], high[k]], [level, level], linewidth=1.2, **settings)
        ax.plot(middle[k], level, marker="|", markersize=9, markeredgewidth=1.8, label="drift to diffusion", **settings)


def _batch(dataset: xr.Dataset) -> str | None:
    """What the crossing depends on, where the dataset tells."""
    try:
        training = json.loads(str(dataset.attrs.get("training", "{}")))
    except ValueError:
        return None
    if not isinstance(training, dict) or "batch_size" not in training:
        return None
    size = training["batch_size"]
    return "full batch" if size is None else f"batch size {size}"
