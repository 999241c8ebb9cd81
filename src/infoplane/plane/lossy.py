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
from ..compressors import PCA
from ..compressors.frozen import Frozen
from ..errors import InputError, Refusal
from ..estimate import Estimate
from ..estimators import KSG, Estimator, Mixture, WeightedKL
from ..progress import Progress, silent
from ..recordings.codes import CodeRecording
from ..resampling import Groups
from ..results import check
from ..samples import is_real, is_whole, pair
from ..threads import one_blas_thread
from .compute import information_plane
from .direct import direct_information
from .several import by_estimator

_CELLS = ("seed", "epoch", "layer")
_SWEPT = ("sweep_mi_input", "sweep_mi_input_stderr", "sweep_mi_target", "sweep_mi_target_stderr")
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
    chosen = {"layers": names, "epochs": [int(recording.epochs[m]) for m in marks]}
    seen = dict.fromkeys(chosen["epochs"][:1] + chosen["epochs"][-1:] if checked is None else map(int, checked))
    odd = [epoch for epoch in seen if epoch not in chosen["epochs"]]
    if odd:
        raise InputError(f"lossy_plane(checked) takes epochs that are measured, got {odd[0]}.")
    planes = {
        name: information_plane(
            recording,
            one,
            estimator_target=_of_target(one, recording),
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
    dataset = dataset.assign(processing_violations(dataset, recording.layers, z))
    dataset = dataset.assign(_vacuous(dataset))
    further = _Checks(recording, named, list(planes), names, list(seen), seed)
    if null:
        dataset = dataset.assign(further.null(dataset, null, progress))
    sizes = sorted({int(d) for d in dims})
    if sizes and seen:
        dataset = dataset.assign(further.sweep(sizes, progress))
    dataset.attrs |= {"violation_errors": float(z), "lossy_wall_time": time.perf_counter() - started}
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


def _vacuous(dataset: xr.Dataset) -> dict[str, xr.DataArray]:
    return {
        f"loss_bound_{kind}_vacuous": (dataset[f"loss_bound_{kind}"] >= dataset[f"mi_{kind}"]).transpose(
            *dataset[f"mi_{kind}"].dims
        )
        for kind in ("input", "target")
        if f"loss_bound_{kind}" in dataset
    }


def _of_target(estimator: Estimator, recording: CodeRecording) -> Estimator | None:
    """What measures I(T;Y) where the estimator cannot: KSG's form for classes."""
    return Mixture() if isinstance(estimator, KSG) and np.asarray(recording.y).dtype.kind != "f" else None


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


class _Checks:
    """Null and sweep at a few epochs, over (estimator, seed, epoch, layer).

    Attributes:
        notes: why cells are nan, each reason once.
    """

    def __init__(
        self,
        recording: CodeRecording,
        named: Mapping[str, Estimator],
        rows: list[str],
        layers: list[str],
        epochs: list[int],
        seed: int,
    ) -> None:
        self.recording, self.named, self.rows, self.layers = recording, named, rows, layers
        self.epochs, self.seed = epochs, seed
        self.notes: list[str] = []

    @one_blas_thread
    def null(self, dataset: xr.Dataset, count: int, progress: Progress) -> dict[str, tuple]:
        dims = ("estimator", *_CELLS)
        value = dataset["mi_input"].transpose(*dims).to_numpy()
        mean, p_value = np.full(value.shape, np.nan), np.full(value.shape, np.nan)
        columns = {int(e): i for i, e in enumerate(dataset["epoch"].to_numpy())}
        members = Groups(self.recording.probe.groups, self.recording.probe.n)
        total, done = len(self.recording.seeds) * len(self.epochs), 0
        for row, number in enumerate(self.recording.seeds):
            for epoch in self.epochs:
                for k, layer in enumerate(self.layers):
                    code = self.recording.activations(int(number), epoch, layer)
                    for name, estimator in self.named.items():
                        orders = members.orders(count, self.seed)
                        at = (self.rows.index(name), row, columns[epoch], k)
                        shuffled = self._shuffled(estimator, code, orders)
                        if shuffled is not None:
                            mean[at] = shuffled.mean()
                            p_value[at] = (1 + int((shuffled >= value[at]).sum())) / (1 + count)
                done += 1
                progress("shuffling pairs", done, total)
        return {"mi_input_null": (dims, mean), "mi_input_p_value": (dims, p_value)}

    @one_blas_thread
    def sweep(self, sizes: list[int], progress: Progress) -> dict[str, Any]:
        shape = (len(self.rows), len(sizes), len(self.recording.seeds), len(self.epochs), len(self.layers))
        found = {name: np.full(shape, np.nan) for name in _SWEPT}
        for column, size in enumerate(sizes):
            codes = self._codes(size, sizes[-1])
            for cell, (row, k) in enumerate(np.ndindex(shape[2], shape[3])):
                for position, layer in enumerate(self.layers):
                    code = codes(int(self.recording.seeds[row]), self.epochs[k], layer)
                    if code is None:
                        continue
                    for name, estimator in self.named.items():
                        at = (self.rows.index(name), column, row, k, position)
                        other = _of_target(estimator, self.recording) or estimator
                        pairs = ((estimator, self.recording.x, code), (other, code, self.recording.y))
                        for kind, triple in zip(("input", "target"), pairs, strict=True):
                            one = self._estimate(*triple)
                            if one is not None:
                                found[f"sweep_mi_{kind}"][at] = one.value
                                found[f"sweep_mi_{kind}_stderr"][at] = one.stderr
                progress("latent sizes", column * shape[2] * shape[3] + cell + 1, len(sizes) * shape[2] * shape[3])
        dims = ("estimator", "dim", "seed", "checked", "layer")
        return {**{k: (dims, v) for k, v in found.items()}, "dim": sizes, "checked": self.epochs}

    def _codes(self, size: int, largest: int) -> Any:
        """Codes of one size: the leading columns of the largest where that is the same, else fitted anew."""
        makers = self.recording.makers
        nested = all(isinstance(maker, PCA) for maker in makers.values())
        resized = self._largest(largest) if nested else self.recording.resized(size)
        widths = self._widths()

        def code(seed: int, epoch: int, layer: str) -> np.ndarray | None:
            fixed = layer not in makers or isinstance(makers[layer], Frozen)
            if fixed or size > widths[layer]:
                return None
            return resized.activations(seed, epoch, layer)[:, :size]

        return code

    def _largest(self, largest: int) -> CodeRecording:
        if not hasattr(self, "_held"):
            self._held = self.recording.resized(largest)
        return self._held

    def _widths(self) -> dict[str, int]:
        if not hasattr(self, "_columns"):
            first = self.recording.wrapped._snapshots(0, 0, self.layers)
            self._columns = {layer: values.shape[1] for layer, values in first.items()}
        return self._columns

    def _estimate(self, estimator: Estimator, a: Any, b: Any) -> Estimate | None:
        if a is None:
            return None
        try:
            return estimator.estimate(*map(estimator.scaled, pair(a, b)), seed=self.seed)
        except Refusal as refusal:
            self._told(str(refusal))
            return None

    def _shuffled(self, estimator: Estimator, code: np.ndarray, orders: Any) -> np.ndarray | None:
        if self.recording.x is None:
            return None
        x, t = map(estimator.scaled, pair(self.recording.x, code))
        try:
            return estimator.shuffled(x, t, orders, seed=self.seed)
        except Refusal as refusal:
            self._told(str(refusal))
            return None

    def _told(self, reason: str) -> None:
        if reason not in self.notes:
            self.notes.append(reason)
