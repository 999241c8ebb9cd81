"""One call for a compressed recording: two estimators and the direct route, with the checks that say how far to go."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ..channels import Channel
from ..errors import InputError
from ..estimators import KSG, Estimator, WeightedKL
from ..progress import Progress, silent
from ..recordings.codes import CodeRecording
from ..results import check
from ..samples import is_real, is_whole
from .compute import information_plane
from .direct import direct_information
from .lossy_checks import CodeChecks, target_estimator
from .several import by_estimator

_CELLS = ("seed", "epoch", "layer")
DIRECT = "direct"


def lossy_plane(
    recording: CodeRecording,
    estimators: Mapping[str, Estimator] | None = None,
    *,
    channel: Channel | None = None,
    layers: Sequence[str] | None = None,
    epochs: Sequence[int] | None = None,
    direct: bool = True,
    dims: Sequence[int] = (1, 2, 4, 8, 16),
    checked: Sequence[int] | None = None,
    null: int = 10,
    z: float = 2.0,
    chain: Sequence[str] | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> xr.Dataset:
    """What layers know, measured on codes by several estimators, and all that says how far to believe it.

    Args:
        recording: what :func:`infoplane.recordings.compressed` gives.
        estimators: by name; ``WeightedKL()`` and ``KSG(standardise=True)`` if None. With KSG, I(T;Y) of classes is
            measured by ``Mixture()``, its form for them. A plane that estimators agree on does not rest on one of
            them; all see the same codes, so that they agree says nothing of the compression.
        channel: what T is, for a network without noise of its own.
        layers: names; all if None.
        epochs: members of ``recording.epochs``; all if None.
        direct: add :func:`direct_information` as a further estimator, where some layer has known additive noise.
        dims: sizes of the code for the sweep; none for no sweep. Fitted maps have one size and are not swept.
        checked: epochs of the sweep and of the null; the first and the last of those measured if None.
        null: shuffled pairs for I(X;T) at the checked epochs; 0 for none.
        z: standard errors beyond which a rise from one layer to the next counts as a violation of the data-processing
            order.
        chain: layers that everything passes through, in the order of the network, which alone are in a data-processing
            order and count in ``violations_*_beyond``; all if None. What is inside a residual block, or one branch of
            several, is passed by and must be left out.
        seed: seed of estimators and shuffles.
        progress: called with a stage and the number of snapshots done.

    Returns:
        The plane with the dimension ``estimator`` (:func:`by_estimator`), and

        - ``violations_input_beyond``, ``violations_target_beyond`` (estimator, seed, epoch): adjacent layers where the
          later one knows more by over z combined standard errors; ``violations_*`` counts all rises. Each layer has a
          code of its own and codes lose unequally, so that a violation shows an artefact of compression or estimation,
          never information that came from nowhere.
        - ``mi_input_null``, ``mi_input_p_value`` (estimator, seed, epoch, layer): mean of I(X;T) over shuffled pairs
          and (1 + shuffles not below the value) / (1 + shuffles); nan but at the checked epochs. A null far from 0 is
          the bias of the estimator on these codes.
        - ``loss_bound_input_vacuous``, ``loss_bound_target_vacuous``: the bound is no less than the value itself, so it
          excludes nothing.
        - ``sweep_mi_input``, ``sweep_mi_target`` and ``_stderr`` (estimator, dim, seed, checked, layer): values with
          codes of other sizes; nan above a layer's width, and where an estimator refuses so many dimensions. A rise
          at some size shows what smaller codes lost; a fall, too few neighbours.

    Raises:
        InputError: no compressed recording, sizes or epochs that do not fit, or what :func:`information_plane` refuses.
    """
    started = time.perf_counter()
    named = _estimators(recording, estimators, dims, null, z)
    names, marks = recording.chosen("lossy_plane", layers, epochs)
    order = names if chain is None else _chain(recording, chain, names)
    chosen = {"layers": names, "epochs": [int(recording.epochs[m]) for m in marks]}
    seen = dict.fromkeys(chosen["epochs"][:1] + chosen["epochs"][-1:] if checked is None else map(int, checked))
    odd = [epoch for epoch in seen if epoch not in chosen["epochs"]]
    if odd:
        raise InputError(f"lossy_plane(checked) takes epochs that are measured, got {odd[0]}.")
    planes = {
        name: information_plane(
            recording,
            one,
            estimator_target=target_estimator(one, recording),
            channel=channel,
            seed=seed,
            progress=progress,
            **chosen,
        )
        for name, one in named.items()
    }
    has_noise = any((noise := recording.own_noise(name)) and noise.kind == "additive" for name in names)
    if direct and has_noise:
        planes[DIRECT] = _as_large(direct_information(recording, seed=seed, progress=progress, **chosen), planes)
    dataset = by_estimator(planes)
    dataset = dataset.assign(processing_violations(dataset, order, z))
    dataset = dataset.assign(_vacuous(dataset))
    further = CodeChecks(recording, named, list(planes), names, list(seen), seed)
    if null:
        dataset = dataset.assign(further.null(dataset, null, progress))
    sizes = sorted({int(d) for d in dims})
    if sizes and seen:
        dataset = dataset.assign(further.sweep(sizes, progress))
    dataset.attrs |= {"violation_errors": float(z), "lossy_wall_time": time.perf_counter() - started}
    dataset.attrs |= {} if chain is None else {"chain": json.dumps(order)}
    dataset.attrs["checked_notes"] = json.dumps(further.notes)
    return check(dataset)


def processing_violations(dataset: xr.Dataset, order: Sequence[str], z: float = 2.0) -> dict[str, xr.DataArray]:
    """Rises of I(X;T) and I(T;Y) from one layer to the next by over z combined standard errors, counted.

    Args:
        dataset: a plane, with or without further dimensions.
        order: layers as the network has them.
        z: standard errors; a value without one is never beyond.
    """
    layers = [name for name in order if name in dataset["layer"].to_numpy().tolist()]
    found = {}
    for kind in ("input", "target"):
        value, error = xr.broadcast(*(dataset[f"mi_{kind}{end}"].sel(layer=layers) for end in ("", "_stderr")))
        squares = error**2
        combined = np.sqrt(squares.isel(layer=slice(1, None)).to_numpy() + squares.isel(layer=slice(-1)).to_numpy())
        beyond = value.diff("layer").copy(data=value.diff("layer").to_numpy() > z * combined)
        found[f"violations_{kind}_beyond"] = beyond.sum("layer").astype(np.int32)
    return found


def _chain(recording: CodeRecording, chain: Sequence[str], names: Sequence[str]) -> list[str]:
    """The layers of the chain that are measured.

    Raises:
        InputError: an unknown layer, another order than that of the network, or fewer than two.
    """
    given = [str(name) for name in chain]
    places = [recording.position("layer", name) for name in given]
    if places != sorted(set(places)):
        raise InputError(f"lossy_plane(chain) takes layers in the order of the network, each once, got {given}.")
    found = [name for name in given if name in names]
    if len(found) < 2:
        raise InputError(f"lossy_plane(chain) needs two measured layers or more, got {found or 'none'}.")
    return found


def _vacuous(dataset: xr.Dataset) -> dict[str, xr.DataArray]:
    return {
        f"loss_bound_{kind}_vacuous": (dataset[f"loss_bound_{kind}"] >= dataset[f"mi_{kind}"]).transpose(
            *dataset[f"mi_{kind}"].dims
        )
        for kind in ("input", "target")
        if f"loss_bound_{kind}" in dataset
    }


def _as_large(plane: xr.Dataset, others: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """The direct plane with what all planes share, so that it stays in the joined one once."""
    first = next(iter(others.values()))
    shared = [name for name in first.data_vars if name not in plane and not _measured(str(name))]
    return plane.assign({name: first[name] for name in shared})


def _measured(name: str) -> bool:
    """Whether a variable belongs to an estimator's own values."""
    own = ("mi_", "bound_", "violations", "saturated", "warned", "n_codes", "layer_beta", "fitting", "compression")
    return name.startswith((*own, "epoch_of"))


def _estimators(
    recording: Any, estimators: Mapping[str, Estimator] | None, dims: Sequence[int], null: Any, z: Any
) -> dict[str, Estimator]:
    if not isinstance(recording, CodeRecording):
        raise InputError(
            f"lossy_plane needs a compressed recording, got {type(recording).__name__}; "
            "infoplane.recordings.compressed(recording, x=PCA(4), layers=PCA(4)) gives one."
        )
    named = {"WeightedKL": WeightedKL(), "KSG": KSG(standardise=True)} if estimators is None else dict(estimators)
    if not named or DIRECT in named:
        raise InputError(f"lossy_plane needs at least one estimator, none of them called {DIRECT!r}.")
    if not all(is_whole(d) and d >= 1 for d in dims):
        raise InputError(f"lossy_plane(dims) takes whole numbers from 1 up, got {dims!r}.")
    if not is_whole(null) or null < 0:
        raise InputError(f"lossy_plane(null) takes a whole number from 0 up, got {null!r}.")
    if not is_real(z) or not 0 <= z < math.inf:
        raise InputError(f"lossy_plane(z) takes a number of standard errors from 0 up, got {z!r}.")
    return named
