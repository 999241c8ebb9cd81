"""The verb ``information_plane``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ..channels import Channel
from ..errors import InputError
from ..estimators import Estimator
from ..estimators.pairwise import spread
from ..progress import Progress, silent
from ..recordings.base import Recording, Split
from ..results import check, provenance
from ..rows import large, table, varies
from .ceilings import ceilings, excess, size, target_ceiling
from .summary import add_summary
from .task_bound import Bound, bound_of, certain, points_of
from .trust import Checks
from .view import Cells, View, is_soft

if TYPE_CHECKING:
    from ..bottleneck import Joint

_CELLS = ("seed", "epoch", "layer")


def information_plane(
    recording: Recording,
    estimator: Estimator,
    *,
    estimator_target: Estimator | None = None,
    channel: Channel | None = None,
    layers: Sequence[str] | None = None,
    epochs: Sequence[int] | None = None,
    split: Split | Sequence[Split] = "all",
    bound: Joint | xr.Dataset | None = None,
    null: int = 0,
    seed: int = 0,
    progress: Progress = silent,
) -> xr.Dataset:
    """What every layer knows of input and target, at every checkpoint, for every network.

    Args:
        recording: activations over (seed, epoch, layer).
        estimator: how information is computed.
        estimator_target: another estimator for I(T;Y), where wanted.
        channel: what T is, for an estimator that does not fix it; see :mod:`infoplane.channels`.
        layers: names; all if None.
        epochs: members of ``recording.epochs``, in any order; all if None.
        split: "all", "train", "test", or several of them (the result then has the dimension ``split``).
        bound: what ``bound_distance`` is measured from, where it is not the task's own bound: the joint distribution
            of X and Y, or a curve of :mod:`infoplane.bottleneck`. If None, min(I(X;T), H(Y)) for a certain label and
            the bottleneck's curve for a random one of known law.
        null: shuffles of Y at the first, the maximal and the last checkpoint of each layer and network. With a
            positive number (20 is usual) these checkpoints also get the other checks: growth with n, half-sample
            error, calibration on normal units, fitted beta.
        seed: seed of shuffles and subsamples.
        progress: called with the number of snapshots done.

    Returns:
        Dataset over (seed, epoch, layer), in nats; see the README for its variables. ``mi_input`` is I(X;T) and
        ``mi_target`` I(T;Y), each under the name in its attribute ``quantity``; negative estimates are kept.

    Raises:
        InputError: an unknown layer, epoch or split; an estimator or channel that does not fit the recording; a layer
            without declared noise under ``Identity()``; one class only.
    """
    started = time.perf_counter()
    splits: list[Split] = list(dict.fromkeys([split] if isinstance(split, str) else split))  # type: ignore[list-item]
    _check_arguments(recording, estimator, estimator_target, null, seed)
    names, marks = recording.chosen("information_plane", layers, epochs)
    if not splits:
        raise InputError("information_plane needs at least one split.")
    y = np.asarray(recording.y)
    if not np.issubdtype(y.dtype, np.floating) and len(np.unique(y, axis=0)) < 2:
        raise InputError("y has one class only, so there is nothing to be informed about.")
    for part in splits:
        if (n := size(recording, part)) < 4:
            raise InputError(f"information_plane needs at least 4 samples, got {n} in the split {part!r}.")
    view = View(recording, estimator, channel, names, marks, sees_target=estimator_target is None, seed=seed)
    target_view = view
    if estimator_target is not None:
        target_view = View(recording, estimator_target, channel, names, marks, seed=seed)
    given = None if bound is None else bound_of(bound)
    parts, missing, exceeding = [], [], []
    for position, part in enumerate(splits):
        bounds, why = _bounds(recording, part) if given is None else ([given] * len(recording.seeds), "")
        missing += [why] if why else []
        step = lambda what, done, of, k=position: progress(what, done + k * of, of * len(splits))  # noqa: E731
        found, above = _one_split(view, target_view, part, bounds, null, seed, step, named=len(splits) > 1)
        parts.append(found)
        exceeding += above
    dataset = parts[0] if isinstance(split, str) else _joined(parts, splits)
    dataset.attrs = provenance(
        estimator=str(estimator),
        estimator_target=None if estimator_target is None else str(estimator_target),
        channel=repr(view.channel),
        split=",".join(splits),
        null=null,
        seed=seed,
        task=recording.probe.task,
        enumerated=int(recording.probe.enumerated),
        noise=recording.noise or "none",
        training=recording.provenance,
        notes=list(dict.fromkeys([*recording.notes, *view.notes, *target_view.notes, *missing, *exceeding])),
        seeds=[int(s) for s in recording.seeds],
        method=str(estimator),
        command=f"infoplane.information_plane(recording, {estimator}, split={split!r}, null={null}, seed={seed})",
        **ceilings(recording, splits[0] if len(splits) == 1 else "all"),
        by_split={one: ceilings(recording, one) for one in splits} if len(splits) > 1 else None,
        wall_time=time.perf_counter() - started,
    )
    return check(dataset)


def _check_arguments(recording: Any, estimator: Any, estimator_target: Any, null: Any, seed: Any) -> None:
    if not isinstance(recording, Recording):
        raise InputError(
            f"information_plane needs a recording, got {recording!r}; "
            "infoplane.recordings.open(path) or from_arrays(...) gives one."
        )
    for given in (estimator, *([] if estimator_target is None else [estimator_target])):
        if not isinstance(given, Estimator):
            raise InputError(f"information_plane needs an estimator such as Binned(bins=30), got {given!r}.")
    for name, value in (("null", null), ("seed", seed)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
            raise InputError(f"information_plane({name}) takes a whole number from 0 up, got {value!r}.")


def _one_split(
    view: View,
    target_view: View,
    split: Split,
    bounds: list[Bound] | None,
    null: int,
    seed: int,
    progress: Progress,
    *,
    named: bool,
) -> tuple[xr.Dataset, list[str]]:
    """The plane on one split, and what there is to say of values above their ceilings."""
    recording = view.recording
    shape = (len(recording.seeds), len(view.marks), len(view.layers))
    found: dict[str, np.ndarray] = {}
    column_of = {mark: i for i, mark in enumerate(view.marks)}
    done = 0
    for block in recording.blocks(view.layers, view.marks, split):
        columns = np.array([column_of[e] for e in block.epoch])
        for k, layer in enumerate(view.layers):
            values = block.activations[layer]
            measured = _measured(view, target_view, values, Cells(block.seed, block.epoch), layer, split)
            measured["dead"] = _dead(values)
            measured["activation_std"] = spread(values)
            for name, part in measured.items():
                if name not in found:
                    found[name] = np.full(shape, np.nan)
                found[name][block.seed, columns, k] = part
        done += len(block.seed)
        progress(f"measuring ({type(view.estimator).__name__})", done, shape[0] * shape[1])
    above, notes = excess(recording, (view.estimator, target_view.estimator), split, found, named=named)
    found["warned"] = (found["warned"] > 0) | above
    dataset = _assemble(view, target_view, split, found, bounds)
    checked = Checks(view, target_view, split, null, seed).run(found["mi_input"], found["mi_target"], progress)
    return add_summary(dataset.assign({name: (_CELLS, values) for name, values in checked.items()}), seed), notes


def _measured(
    view: View, target_view: View, values: Any, cells: Cells, layer: str, split: Split
) -> dict[str, np.ndarray]:
    """(cells,) numbers by the name of their variable: I(X;T) as one view has it, I(T;Y) as the other has."""
    identity = np.arange(values.shape[1])[None]
    found = view.counted(view.measure(values, cells, layer, split, identity))
    columns = found.columns()
    if target_view is not view:
        other = target_view.measure(values, cells, layer, split, identity)
        other = target_view.counted(replace(other, doubts=tuple(d for d in other.doubts if d.of == "target")))
        columns = {name: part for name, part in columns.items() if not name.startswith("mi_target_bracket")}
        columns |= {name: part for name, part in other.columns().items() if name.startswith("mi_target")}
        further = {name: part for name, part in other.further.items() if not _of_input(name)}
        columns = {**further, **columns, "warned": found.warned | other.warned}
    return columns


def _dead(values: Any) -> np.ndarray:
    """(cells,) booleans: no unit of (cells, n, d) differs between samples."""
    if large(values):
        return np.array([not varies(t) for t in map(table, values)])
    return np.asarray((values.max(axis=1) == values.min(axis=1)).all(axis=1))


def _of_input(name: str) -> bool:
    """Whether a variable belongs to I(X;T)."""
    return name.startswith("mi_input") or name.endswith("_input")


def _joined(parts: list[xr.Dataset], splits: list[Split]) -> xr.Dataset:
    joined = xr.concat(parts, xr.DataArray(splits, dims="split", name="split"))
    for name in ("mi_input", "mi_target"):  # "exact" only where every split's values are
        joined[name].attrs["direction"] = min({p[name].attrs["direction"] for p in parts} - {"exact"}, default="exact")
    if "bound_mi_target" in joined:
        joined["bound_mi_target"].attrs["error"] = max(p["bound_mi_target"].attrs["error"] for p in parts)
    return joined


def _assemble(
    view: View, target_view: View, split: Split, found: dict[str, np.ndarray], bounds: list[Bound] | None
) -> xr.Dataset:
    recording = view.recording
    coords = {
        "seed": np.asarray(recording.seeds),
        "epoch": np.asarray(recording.epochs)[view.marks],
        "layer": np.asarray(view.layers),
    }
    types = {"n_codes": np.int32, "out_of_range": np.int64, **dict.fromkeys(("saturated", "warned", "dead"), bool)}
    variables = {name: (_CELLS, values.astype(types.get(name, np.float64))) for name, values in found.items()}
    dataset = xr.Dataset(variables, coords=coords)
    for name, seen, label in (
        ("mi_input", view, view.input_name),
        ("mi_target", target_view, target_view.target_name),
    ):
        exact = recording.probe.enumerated and split == "all" and seen.counts
        direction = "exact" if exact else seen.estimator.direction
        dataset[name].attrs = {
            "quantity": label,
            "direction": direction,
            "unit": "nats",
            "estimator": str(seen.estimator),
        }
    order = [recording.layers.index(layer) for layer in view.layers]
    for kind in ("input", "target"):
        rising = np.diff(found[f"mi_{kind}"][:, :, np.argsort(order)], axis=2) > 1e-9
        dataset[f"violations_{kind}"] = (("seed", "epoch"), rising.sum(axis=2).astype(np.int32))
    distance = np.full(found["mi_input"].shape, np.nan)
    if bounds is not None:
        most = np.stack([bound(rates) for bound, rates in zip(bounds, found["mi_input"], strict=True)])
        distance = most - found["mi_target"]
    dataset["bound_distance"] = (_CELLS, distance)
    if bounds is not None and not bounds[0].certain:
        dataset = dataset.assign(points_of(bounds)).assign_coords(bound=bounds[0].beta)
    for name, values in recording.scalars.items():
        chosen = values.isel(epoch=view.marks) if "epoch" in values.dims else values
        dataset[str(name)] = chosen.sel(layer=view.layers) if "layer" in values.dims else chosen
    return dataset


def _bounds(recording: Recording, split: Split) -> tuple[list[Bound] | None, str]:
    """The bound of every network's inputs, or None; and why there is none where one may be missed."""
    law, ceiling = recording.probe.p_y_given_x, target_ceiling(recording, split)
    if ceiling is None:
        return None, ""
    if law is None or not is_soft(law):
        return [certain(float(entropy)) for entropy in ceiling], ""
    from .task_curve import soft_bounds  # a certain label needs no solver

    return soft_bounds(law, recording.samples(split), len(recording.seeds))
