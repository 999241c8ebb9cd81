"""A recording whose layers and inputs are compressed first, so that every estimator works on the same codes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from ..channels import OwnNoise
from ..compressors import Compressor, Fitted, FittedPCA
from ..compressors.frozen import Frozen
from ..errors import InputError
from ..progress import Progress, silent
from ..rows import picked, varies
from ..samples import Variable
from ..threads import one_blas_thread
from .base import Probe, Recording
from .kept import NAMES, composed, kept

Fit = Literal["snapshot", "reference"]
_THREADS = 2  # layers of a snapshot that are compressed side by side
_FEWEST = 20  # samples of the training part that compressors are fitted to, or else to all
_CELLS = ("seed", "epoch", "layer")


class CodeRecording(Recording):
    """Codes of another recording's layers, and of its inputs; see :func:`~.compressing.compressed`.

    Attributes:
        wrapped: the recording.
        makers: by layer, its compressor; layers not named pass as they are.
        fit: "snapshot" or "reference".
        reference: epoch that frozen compressors are fitted at.
        input_compressor: fitted map of the inputs, or None.
    """

    fit: Fit

    def __init__(
        self,
        wrapped: Recording,
        probe: Probe,
        input_compressor: Fitted | None,
        makers: Mapping[str, Compressor],
        fit: Fit,
        reference: int,
        sigma: Mapping[str, float],
        seed: int,
    ) -> None:
        self.wrapped, self.probe, self.input_compressor = wrapped, probe, input_compressor
        self.makers, self.fit, self.reference, self.seed = dict(makers), fit, reference, seed
        self.seeds, self.epochs, self.layers = wrapped.seeds, wrapped.epochs, wrapped.layers
        self.noise, self.pooled = wrapped.noise, wrapped.pooled
        self.ranges = dict.fromkeys(wrapped.layers)
        self.compressed = (input_compressor is not None, bool(makers))
        self.provenance = {**wrapped.provenance, "compressed_fit": fit, "compressed_reference": reference}
        self.provenance |= {"compressed_layers": "; ".join(f"{k}: {v}" for k, v in makers.items())}
        self._noises = {layer: _noise_of(wrapped, layer, sigma.get(layer)) for layer in wrapped.layers}
        self._codes: dict[tuple[int, int], dict[str, np.ndarray]] = {}
        self._coded: dict[str, bool] = {}  # layers that have a code and do not pass as they are
        self._frozen: dict[int, dict[str, Fitted | None]] = {}
        shape = (len(self.seeds), len(self.epochs), len(self.layers))
        self._kept = {name: np.full(shape, np.nan) for name in NAMES}
        classes = np.asarray(probe.y)
        labels = classes.dtype.kind != "f" and classes.ndim == 1
        self._classes = Variable(classes.reshape(-1, 1), "y").codes if labels else None

    @property
    def scalars(self) -> xr.Dataset:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Curves of the wrapped recording, and what codes keep (:func:`~.kept.kept`): nan until codes were computed.

        Of codes of codes they say what is left of the layer itself.
        """
        return self.wrapped.scalars.assign({name: (_CELLS, values) for name, values in self._left().items()})

    def _left(self) -> dict[str, np.ndarray]:
        """What is left of the layers, also where those of the wrapped recording were codes already."""
        if not self.wrapped.compressed[1]:
            return {name: values.copy() for name, values in self._kept.items()}
        before = self.wrapped.scalars
        known = {str(name): before[name].to_numpy() for name in NAMES if name in before}
        passed = np.array([self._coded.get(layer) is False for layer in self.layers])
        made = self.wrapped.makers.values() if isinstance(self.wrapped, CodeRecording) else ()
        return composed(known, self._kept, passed, projections=all(map(_is_projection, made)))

    @property
    def notes(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return (*self.wrapped.notes, *self._of_input(), *(self._of_layers() if self.makers else ()))

    @property
    def own_noises(self) -> Mapping[str, OwnNoise]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The noise of codes: an orthonormal projection leaves isotropic noise what it is, other maps do not."""
        self._cell(0, 0)
        found = {}
        for layer, noise in self._noises.items():
            maker = self.makers.get(layer)
            fitted = maker.fitted if isinstance(maker, Frozen) else None
            plain = _is_projection(maker) if fitted is None else _projects(fitted)
            if noise is not None and (not self._coded[layer] or (plain and noise.kind == "additive")):
                found[layer] = noise
        return found

    def compute(self, epochs: Sequence[int] | None = None, progress: Progress = silent) -> None:
        """Compute the codes of these epochs, or all, now.

        Raises:
            InputError: an epoch the recording does not have.
        """
        _, marks = self.chosen("compute", None, epochs)
        for row in range(len(self.seeds)):
            for done, mark in enumerate(marks, 1):
                self._cell(row, mark)
                progress("compressing", row * len(marks) + done, len(self.seeds) * len(marks))

    def resized(self, dim: int) -> CodeRecording:
        """The same recording with codes of ``dim`` columns; those of fitted maps stay as they are.

        Raises:
            InputError: a compressor without a size.
        """
        makers: dict[str, Compressor] = {}
        for layer, maker in self.makers.items():
            fixed = isinstance(maker, Frozen)
            if not fixed and not hasattr(maker, "dim"):
                raise InputError(f"{maker} of layer {layer!r} has no dim to change; use PCA(...) or Autoencoder(...).")
            makers[layer] = maker if fixed else dataclasses.replace(maker, dim=dim)  # pyright: ignore
        sigma = {k: v.sigma for k, v in self._noises.items() if v is not None and v.kind == "additive"}
        return CodeRecording(
            self.wrapped, self.probe, self.input_compressor, makers, self.fit, self.reference, sigma, self.seed
        )

    def propagate(self, seed: int, epoch: int, layer: str, draws: int, *, stream: int = 0) -> np.ndarray:
        """Codes of noisy passes of the wrapped recording."""
        if self.own_noise(layer) is None:
            return super().propagate(seed, epoch, layer, draws, stream=stream)
        centres = self.wrapped.propagate(seed, epoch, layer, draws, stream=stream)
        if not self._coded[layer]:
            return centres
        row, column = self.position("seed", seed), self.position("epoch", epoch)
        fitted = self._fitted(row, layer, lambda: self.wrapped._snapshot(row, column, layer))
        if fitted is None:
            return centres[..., :1]
        return fitted.encode(centres.reshape(-1, centres.shape[-1])).reshape(*centres.shape[:2], -1)

    def save(self, path: str | Path) -> None:
        """Write the codes, which are computed where they are not yet, into a new folder."""
        from .writer import Writer, header_of

        self.compute()
        writer = Writer(path, self.layers, self.probe, ranges=self.ranges, noise=self.noise, **header_of(self))
        scalars = self.scalars
        for column, epoch in enumerate(self.epochs):
            for row, seed in enumerate(self.seeds):
                here: dict[str, Any] = {str(k): v.to_numpy()[row : row + 1, column] for k, v in scalars.items()}
                writer.snapshot(int(epoch), self._cell(row, column), seeds=[int(seed)], **here)

    def _snapshot(self, seed: int, epoch: int, layer: str) -> np.ndarray:
        return self._cell(seed, epoch)[layer]

    def _snapshots(self, seed: int, epoch: int, layers: Sequence[str]) -> dict[str, np.ndarray]:
        codes = self._cell(seed, epoch)
        return {layer: codes[layer] for layer in layers}

    @one_blas_thread
    def _cell(self, seed: int, epoch: int) -> dict[str, np.ndarray]:
        """Codes of all layers of one snapshot, from one pass of the network."""
        if (seed, epoch) not in self._codes:
            if self.fit == "reference":
                self._freeze(seed)
            activations = self.wrapped._snapshots(seed, epoch, self.layers)
            # Small products do not fill two processors; two layers side by side do.
            with ThreadPoolExecutor(_THREADS) as threads:
                values = (activations[layer] for layer in self.layers)
                each = threads.map(self._code, values, repeat(seed), repeat(epoch), range(len(self.layers)))
                self._codes[seed, epoch] = dict(zip(self.layers, each, strict=True))
        return self._codes[seed, epoch]

    def _code(self, values: np.ndarray, seed: int, epoch: int, column: int) -> np.ndarray:
        layer = self.layers[column]
        maker = self.makers.get(layer)
        dim = size_of(maker)
        self._coded[layer] = maker is not None and values.dtype.kind == "f" and not values.shape[1] <= dim
        fitted = None
        code = values
        if self._coded[layer]:
            fitted = self._fitted(seed, layer, lambda: values)
            code = np.zeros((len(values), 1)) if fitted is None else fitted.encode(values)
            code = _padded(code, dim)
        own = fitted is not None and self._refits(layer)
        numbers = kept(values, code, fitted, own, self._noises[layer], self._classes, self.seed)
        if self._coded[layer] and fitted is None:  # a dead layer: nothing was there to keep
            numbers["explained_variance"] = 1.0
        for name, value in numbers.items():
            self._kept[name][seed, epoch, column] = value
        return code

    def _refits(self, layer: str) -> bool:
        return self.fit == "snapshot" and not isinstance(self.makers[layer], Frozen)

    @one_blas_thread
    def _freeze(self, seed: int) -> None:
        """Fit this network's compressors at the reference epoch, all from one pass."""
        if seed in self._frozen:
            return
        activations = self.wrapped._snapshots(seed, self.position("epoch", self.reference), self.layers)
        self._frozen[seed] = {
            layer: self._fit(maker, activations[layer], seed)
            for layer, maker in self.makers.items()
            if activations[layer].dtype.kind == "f" and not activations[layer].shape[1] <= size_of(maker)
        }

    def _fitted(self, seed: int, layer: str, values: Any) -> Fitted | None:
        """The map of a layer: frozen, or fitted to the activations that ``values`` gives; None for a dead layer."""
        if self.fit == "reference":
            self._freeze(seed)
            return self._frozen[seed][layer]
        return self._fit(self.makers[layer], values(), seed)

    def _fit(self, maker: Compressor, values: np.ndarray, seed: int) -> Fitted | None:
        if isinstance(maker, Frozen):
            return maker.fit(values)
        rows = training_rows(self.probe.train, [seed])
        part = values if rows is None else picked(values, rows)
        return maker.fit(part, seed=self.seed) if varies(part) else None

    def _of_input(self) -> list[str]:
        if self.input_compressor is None:
            return []
        return [f"The input was compressed once for all networks and epochs. {' '.join(self.input_compressor.notes)}"]

    def _of_layers(self) -> list[str]:
        who = "; ".join(sorted({str(maker) for maker in self.makers.values()}))
        passed = [layer for layer in self.layers if self._coded.get(layer) is False]
        as_they_are = [f"Taken as they are, for they need no code or have no compressor: {', '.join(passed)}."]
        shares = self._left()["explained_variance"]
        known = ~np.isnan(shares)
        if self.fit == "snapshot":
            least = f" The codes keep {np.nanmin(shares):.1%} of the variance or more." if known.any() else ""
            return [
                f"Layers were compressed by {who}, refitted on every snapshot: coordinates of a code mean something "
                f"else from one epoch to the next, and only what does not depend on them can be compared.{least}",
                *(as_they_are if passed else []),
            ]
        head = (
            f"Layers were compressed by {who}, fitted at epoch {self.reference} and frozen: one code for all epochs, "
            "which misses directions that matter at other epochs only."
        )
        parts = []
        for column, layer in enumerate(self.layers):
            here = shares[:, :, column]
            if not self._coded.get(layer) or np.isnan(here).all():
                continue
            marks = np.flatnonzero(~np.isnan(here).any(axis=0))
            marks = marks[np.unique(np.linspace(0, len(marks) - 1, 5).astype(int))] if len(marks) else marks
            told = [f"{here[:, k].mean():.1%} at epoch {self.epochs[k]}" for k in marks]
            parts.append(f"{layer} {', '.join(told) or f'{np.nanmin(here):.1%} or more'}")
        head += f" Variance kept: {'; '.join(parts)}." if parts else ""
        return [head, *(as_they_are if passed else [])]


def training_rows(train: np.ndarray | None, seeds: Sequence[int]) -> np.ndarray | None:
    """Rows that all these networks were trained on; None where that is unknown or too few."""
    if train is None:
        return None
    rows = np.flatnonzero(train[list(seeds)].all(axis=0))
    return rows if len(rows) >= _FEWEST else None


def _noise_of(recording: Recording, layer: str, sigma: float | None) -> OwnNoise | None:
    """The noise of a layer: what the recording knows, or of the size that was given."""
    known = recording.own_noise(layer)
    if sigma is None or (known is not None and known.kind == "additive" and known.sigma == sigma):
        return known
    return OwnNoise("additive", sigma, known.certain if known is not None else False)


def size_of(maker: Compressor | None) -> float:
    """Columns of the code; 0 where it is found only by fitting."""
    if maker is None:
        return math.inf
    if isinstance(maker, Frozen):
        return 0  # it is for the columns it was fitted to
    dim = getattr(maker, "dim", None)
    return 0 if dim is None else float(dim)


def _is_projection(maker: Compressor | None) -> bool:
    from ..compressors import PCA

    return isinstance(maker, PCA) and not maker.standardise


def _projects(fitted: Fitted) -> bool:
    return isinstance(fitted, FittedPCA) and bool((fitted.scale == 1.0).all())


def _padded(code: np.ndarray, dim: float) -> np.ndarray:
    """The code with constant columns up to ``dim``, so that all epochs have one shape."""
    missing = int(dim) - code.shape[1]
    return code if missing <= 0 else np.hstack([code, np.zeros((len(code), missing))])
