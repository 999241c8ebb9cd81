"""Plug-in estimates from counts, with the Miller-Madow correction."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..errors import InputError, nearest
from ..estimate import Estimate
from ..rows import large, table
from ..samples import Variable
from .base import Estimator, LayerBlock, LayerInformation
from .counting import Counts, count, information_from_law, keys_of

_CHUNK = 64  # cells counted together: 64 x 4,096 keys of 8 bytes stay in the cache


@dataclass(frozen=True)
class Plugin(Estimator):
    """Mutual information of the empirical distribution: I = H(X) + H(Y) - H(X, Y), entropies from counts.

    Cost O(n log n). High by about (K_xy - K_x - K_y + 1) / 2n nats for K distinct values seen, until almost every
    sample has a value of its own; then it says nothing and a note says so. Miller-Madow subtracts that term
    (Miller 1955).

    Attributes:
        correction: "none" or "miller-madow".
    """

    correction: Literal["none", "miller-madow"] = "none"

    def __post_init__(self) -> None:
        if self.correction not in ("none", "miller-madow"):
            known = ["none", "miller-madow"]
            raise InputError(f"Plugin has no correction {self.correction!r}; {nearest(str(self.correction), known)}")

    def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> Estimate:
        for v in (x, y):
            if v.kind == "continuous":
                raise InputError(
                    f"Plugin counts discrete values and {v.name} is continuous (floats); "
                    "use Binned(...), or pass integers, booleans or strings."
                )
        counts = count(x.codes[None].astype(np.int64), y.codes[None])
        return Estimate(
            value=float(self._information(counts, x.n)[0]),
            stderr=float(counts.information_stderr[0]),
            n_samples=x.n,
            notes=tuple(_doubts(counts, x.n)),
            method=str(self),
        )

    def entropy(self, x: Variable, *, seed: int = 0) -> Estimate:
        if x.kind == "continuous":
            raise InputError(f"Plugin().entropy needs discrete data and {x.name} is continuous; pass integer codes.")
        counts = count(x.codes[None].astype(np.int64), np.zeros((1, x.n), np.int32))
        return Estimate(
            value=float(self._entropy(counts, x.n)[0]),
            stderr=float(counts.entropy_stderr[0]),
            quantity="H(X)",
            n_samples=x.n,
            notes=tuple(_doubts(counts, x.n)),
            method=str(self),
        )

    def layer(self, block: LayerBlock) -> LayerInformation:
        wide = large(block.activations)
        codes = block.activations if wide else np.asarray(block.activations)
        if codes.dtype.kind not in "iub":
            raise InputError(
                "Plugin counts discrete values and this layer is continuous; "
                "name a channel, channel=Quantize(bins=30), or use Binned(bins=30)."
            )
        if wide:
            keys = np.stack([Variable(table(t), "T").codes.astype(np.int64) for t in codes])
        else:
            keys = keys_of(codes.astype(np.int64) - int(codes.min()))
        found = self.layer_from_keys(keys, block, np.zeros(block.cells, np.int64))
        if block.x is None:
            return found
        # T is drawn anew for every sample, so it is not a function of X and I(X;T) is not H(T).
        counts = count(keys, label_codes(np.asarray(block.x)))
        return replace(
            found,
            mi_input=self._information(counts, block.n, block.population),
            mi_input_stderr=counts.information_stderr,
        )

    def layer_from_keys(self, keys: np.ndarray, block: LayerBlock, out_of_range: np.ndarray) -> LayerInformation:
        """I(X;T) = H(T) and I(T;Y) for codes already packed into (cells, n) integers."""
        n, population = block.n, block.population
        labels = label_codes(block.y)

        def measure(first: int) -> tuple[Counts, np.ndarray]:
            part = slice(first, first + _CHUNK)
            law = None if block.p_y_given_x is None else block.p_y_given_x[part]
            counted = [count(keys[part], labels[part][:, order]) for order in block.permutations]
            if law is None:
                columns = [self._information(counts, n, population) for counts in counted]
            else:
                columns = [information_from_law(keys[part], law[:, order]) for order in block.permutations]
            return counted[0], np.stack(columns, axis=1)

        with ThreadPoolExecutor() as threads:
            parts = list(threads.map(measure, range(0, block.cells, _CHUNK)))
        counts = Counts(**{f: np.concatenate([getattr(c, f) for c, _ in parts]) for f in Counts.__dataclass_fields__})
        entropy = self._entropy(counts, n, population)
        nothing = np.full(block.cells, math.nan)
        return LayerInformation(
            mi_input=entropy,
            mi_input_stderr=np.zeros(block.cells) if population else counts.entropy_stderr,
            mi_input_lower=nothing,
            mi_input_upper=nothing,
            mi_target=np.concatenate([values for _, values in parts]),
            mi_target_stderr=np.zeros(block.cells) if population else counts.information_stderr,
            mi_target_lower=nothing,
            mi_target_upper=nothing,
            # All inputs enumerated: counts are exact and only the ceiling ln n hides structure. A sample: counts lie
            # as soon as codes are few samples each.
            saturated=entropy > 0.95 * math.log(n) if population else counts.n_codes > 0.1 * n,
            n_codes=counts.n_codes.astype(np.int32),
            out_of_range=out_of_range,
        )

    def _entropy(self, counts: Counts, n: int, population: bool = False) -> np.ndarray:
        if self.correction == "none" or population:
            return counts.entropy
        return counts.entropy + (counts.n_codes - 1) / (2 * n)

    def _information(self, counts: Counts, n: int, population: bool = False) -> np.ndarray:
        if self.correction == "none" or population:
            return counts.information
        excess = counts.n_codes + counts.n_classes - counts.n_pairs - 1
        return counts.information + excess / (2 * n)


def label_codes(y: np.ndarray) -> np.ndarray:
    """(cells, n, dy) integer classes to (cells, n) labels 0..C-1."""
    if y.shape[2] == 1 and y.min() >= 0 and y.max() < y.shape[1] and np.bincount(y.ravel()).all():
        return y[:, :, 0].astype(np.int32)  # labels as they should be: every class from 0 up occurs
    _, labels = np.unique(y.reshape(-1, y.shape[2]), axis=0, return_inverse=True)
    return labels.reshape(y.shape[:2]).astype(np.int32)


def _doubts(counts: Counts, n: int) -> list[str]:
    pairs = int(counts.n_pairs[0])
    if pairs <= 0.1 * n:
        return []
    return [
        f"{pairs} distinct values in {n} samples: plain counts are then biased by about {pairs / (2 * n):.2g} nats or "
        "more, which a correction mends in part; use fewer bins or more samples."
    ]
