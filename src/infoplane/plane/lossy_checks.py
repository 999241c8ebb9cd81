"""What is checked of estimates on codes at a few epochs: shuffled pairs, and codes of other sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from ..compressors import PCA
from ..compressors.frozen import Frozen
from ..errors import Refusal
from ..estimate import Estimate
from ..estimators import KSG, Estimator, Mixture
from ..progress import Progress
from ..recordings.codes import CodeRecording
from ..resampling import Groups
from ..samples import pair
from ..threads import one_blas_thread

_CELLS = ("seed", "epoch", "layer")
_SWEPT = ("sweep_mi_input", "sweep_mi_input_stderr", "sweep_mi_target", "sweep_mi_target_stderr")


def target_estimator(estimator: Estimator, recording: CodeRecording) -> Estimator | None:
    """What measures I(T;Y) where the estimator cannot: KSG's form for classes."""
    return Mixture() if isinstance(estimator, KSG) and np.asarray(recording.y).dtype.kind != "f" else None


class CodeChecks:
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
                        other = target_estimator(estimator, self.recording) or estimator
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
