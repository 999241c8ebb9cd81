"""A recording as one estimator sees it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from .. import rows
from ..channels import Channel, Identity, Quantize
from ..errors import InputError
from ..estimators import Binned, Estimator, LayerBlock, LayerInformation, Passes, Plugin
from ..estimators.binned import adaptive_walls, walls
from ..estimators.propagation import Propagation
from ..recordings.base import Recording, Split
from .outputs import through
from .passes import check_replayed, passes_of

_OF_CODES = ", of compressed variables"
_NUMBER = re.compile(r"[-+]?\d[\d.,]*(?:e[-+]?\d+)?%?")


class Cells(NamedTuple):
    """Snapshots of one layer: (cells,) positions along the recording's seeds and along its epochs."""

    seeds: np.ndarray
    marks: np.ndarray


class View:
    """A recording seen through a channel by one estimator: which snapshots, and where the quantiser's walls stand.

    Attributes:
        recording, estimator, channel: what is seen, by what, through what.
        layers: names.
        marks: positions along the recording's epochs.
        low, high: (seed, layer) ranges of the quantiser; interior: by layer, (seed, bins - 1) unequal walls or None.
        sees_target: False where another estimator measures I(T;Y); this one then gets labels it can ignore.
    """

    def __init__(
        self,
        recording: Recording,
        estimator: Estimator,
        channel: Channel | None,
        layers: list[str],
        marks: list[int],
        *,
        sees_target: bool = True,
        seed: int = 0,
    ) -> None:
        self.seed = seed
        self._refusals: dict[str, None] = {}  # why cells are nan, each reason once
        self._doubts: dict[tuple[str, str], list[str]] = {}  # warnings that differ in their numbers alone, together
        self._cells = 0
        self.recording, self.estimator, self.layers, self.marks = recording, estimator, layers, marks
        self.sees_target = sees_target
        self.discrete = not any(np.issubdtype(recording.kind(layer), np.floating) for layer in layers)
        if isinstance(estimator, Propagation):
            check_replayed(estimator, channel or Identity(), recording)
        self.channel = resolved_channel(estimator, channel, recording, discrete=self.discrete)
        if isinstance(self.channel, Quantize):
            self.low, self.high = self._ranges(self.channel)
            self.interior = [self._walls(self.channel, column) for column in range(len(layers))]

    @property
    def counts(self) -> bool:
        """Whether T is a code that the sample decides, and is counted: exact over all inputs there are."""
        if not isinstance(self.estimator, Plugin | Binned):
            return False
        return self._bare or (isinstance(self.channel, Quantize) and self.recording.noise is None)

    @property
    def _bare(self) -> bool:
        """Whether T is discrete and deterministic as it stands."""
        as_it_is = isinstance(self.channel, Identity) and not self.channel.assume_stochastic
        return as_it_is and self.discrete and self.recording.noise is None

    @property
    def input_name(self) -> str:
        """Name of what is measured between X and T: for a discrete deterministic layer, its entropy."""
        name = f"{'H(T), T discrete' if self._bare else self.channel.input_name}{self._pooled}"
        return f"{name}{_OF_CODES}" if any((*self.estimator.compresses, *self.recording.compressed)) else name

    @property
    def target_name(self) -> str:
        """Name of what is measured between T and Y; of the two only T is ever compressed in a plane."""
        name = f"{self.channel.target_name}{self._pooled}"
        return f"{name}{_OF_CODES}" if self.estimator.compresses[1] or self.recording.compressed[1] else name

    @property
    def _pooled(self) -> str:
        """What was made of the layers before they were recorded: another T than the layer itself."""
        words = {layer: self.recording.pooled.get(layer, "") for layer in self.layers}
        kinds = set(words.values())
        if kinds <= {""}:
            return ""
        if len(kinds) == 1:
            return f" (T: {kinds.pop()})"
        return f" (T: {', '.join(f'{layer} {kind}' for layer, kind in words.items() if kind)})"

    @property
    def notes(self) -> list[str]:
        assumed = [
            "T was taken as stochastic without declared noise: "
            "for a deterministic layer I(X;T) is infinite or constant."
        ]
        stochastic = isinstance(self.channel, Identity) and self.channel.assume_stochastic
        return [*(assumed if stochastic else []), *self._of_one_pass(), *self._warnings(), *self._refusals]

    def _of_one_pass(self) -> list[str]:
        """What the number is where a layer with noise of its own is taken for a function of the sample."""
        noise, x = self.recording.noise, self.recording.x
        if noise is None or isinstance(self.channel, Identity) or self.estimator.needs_input:
            return []
        if self.estimator.channel is None and x is not None and len(np.unique(x, axis=0)) < len(x):
            return []  # equal inputs with unequal layers are counted as such
        return [
            f"The networks run with noise ({noise}) and {self.estimator.short} saw one noisy pass of every sample, as "
            "if T were a function of it: noise then counts as information on X. This is a proxy of the upper kind, "
            "no I(X;T) of the noisy network."
        ]

    def _warnings(self) -> list[str]:
        """Each warning once, with the number of cells whose estimate carries it, as one of them has it."""
        names = {"input": "I(X;T)", "target": "I(T;Y)"}
        return [
            f"{names[of]}, in {len(found)} of {self._cells} cells: {found[0]}"
            for (of, _), found in self._doubts.items()
        ]

    def counted(self, found: LayerInformation) -> LayerInformation:
        """What was found, its warnings remembered: for cells of the plane, not for the checks of some of them."""
        self._cells += len(found.mi_input)
        alike = {(d.cell, d.of, _NUMBER.sub("#", d.sentence)): d.sentence for d in found.doubts}
        for (_, of, words), sentence in alike.items():
            self._doubts.setdefault((of, words), []).append(sentence)
        return found

    def measure(
        self,
        activations: Any,
        cells: Cells,
        layer: str,
        split: Split,
        orders: np.ndarray,
        chosen: np.ndarray | None = None,
    ) -> LayerInformation:
        """Let the estimator measure some snapshots of one layer.

        Args:
            activations: (cells, n, d), all samples of the split.
            cells: which snapshots they are.
            layer: name.
            split: which samples they are.
            orders: (targets, m) orders of the labels, the first the identity.
            chosen: (m,) positions of a subsample; all if None.
        """
        block = self.block(activations, cells, layer, split, orders)
        if isinstance(self.estimator, Propagation):
            block = replace(block, activations=np.asarray(block.activations))
        if self.estimator.channel is None:
            counted = isinstance(self.estimator, Plugin)
            block = replace(block, activations=through(self.channel, block, counted=counted))
        if chosen is not None:
            law, x, passes = block.p_y_given_x, block.x, block.passes
            wide = x is not None and rows.large(x)
            block = replace(
                block,
                activations=block.activations[:, chosen],
                y=block.y[:, chosen],
                p_y_given_x=None if law is None else law[:, chosen],
                x=None if x is None else rows.Snapshots(list(x))[:, chosen] if wide else x[:, chosen],
                passes=None if passes is None else replace(passes, centres=_of(passes.centres, chosen)),
            )
        found = self.estimator.layer(block)
        self._refusals |= dict.fromkeys(found.notes)
        return found

    def block(self, activations: Any, cells: Cells, layer: str, split: Split, orders: np.ndarray) -> LayerBlock:
        """One layer's snapshots with their labels and walls."""
        probe, samples, seeds = self.recording.probe, self.recording.samples(split), cells.seeds

        def of(values: np.ndarray) -> Any:
            values = values if values.ndim == 2 else values.reshape(len(values), -1)
            if samples is None:
                return np.broadcast_to(values, (len(seeds), *values.shape))
            if values is probe.x and rows.large(values):
                return rows.Snapshots([rows.picked(values, samples[row]) for row in seeds])
            return values[samples[seeds]]

        walls_here: dict[str, Any] = {}
        if isinstance(self.channel, Quantize):
            column = self.layers.index(layer)
            walls_here = dict(zip(("low", "high"), self.ends(activations, seeds, layer), strict=True))
            interior = self.interior[column]
            if self.channel.kind == "adaptive":
                walls_here["interior"] = adaptive_walls(np.asarray(activations), self.channel.bins)
            elif interior is not None:
                walls_here["interior"] = interior[seeds]
        y, law = np.asarray(probe.y), probe.p_y_given_x
        if not self.sees_target:
            y, law = np.zeros(probe.n, np.int32), None
        if isinstance(self.channel, Identity) and self.recording.noise is not None and probe.x is None:
            raise InputError(
                "A network that runs with noise gives other activations each time, so I(X;T) needs the inputs; "
                "record x too."
            )
        noisy = self.recording.noise is not None
        sees_input = noisy or self.estimator.needs_input
        one_pass = noisy and not self.estimator.replays  # a sample of the noise, if not of the inputs
        return LayerBlock(
            activations,
            of(y),
            orders,
            population=probe.enumerated and split == "all" and not one_pass,
            p_y_given_x=None if law is None or not is_soft(law) else of(law),
            x=of(probe.x) if probe.x is not None and sees_input else None,
            seed=self.seed,
            passes=self._passes(activations, cells, layer, split),
            **walls_here,
        )

    def _passes(self, activations: Any, cells: Cells, layer: str, split: Split) -> Passes | None:
        """How the samples of a split are sent through a noisy layer again, for an estimator that does so."""
        if not self.estimator.replays:
            return None
        recording, samples = self.recording, self.recording.samples(split)
        pairs = zip(recording.seeds[cells.seeds].tolist(), recording.epochs[cells.marks].tolist(), strict=True)
        names = tuple((int(who), int(when), recording.layers.index(layer)) for who, when in pairs)
        rows = None if samples is None else samples[cells.seeds]
        return passes_of(recording, self.channel, activations, names, rows, layer)

    def ends(self, activations: Any, seeds: np.ndarray, layer: str) -> tuple[np.ndarray, np.ndarray]:
        """(cells,) lower and upper ends of the quantiser's range for (cells, n, d) snapshots of a layer."""
        assert isinstance(self.channel, Quantize)
        if self.channel.own_range:
            low, high = np.array([self.channel.ends(values) for values in activations]).T
            return low, high
        column = self.layers.index(layer)
        return self.low[seeds, column], self.high[seeds, column]

    def _ranges(self, channel: Quantize) -> tuple[np.ndarray, np.ndarray]:
        shape = (len(self.recording.seeds), len(self.layers))
        if channel.own_range:
            return np.full(shape, np.nan), np.full(shape, np.nan)  # every snapshot has its own
        if isinstance(channel.range, tuple):
            return tuple(np.full(shape, float(end)) for end in channel.range)  # type: ignore[return-value]
        known = [self.recording.ranges.get(layer) for layer in self.layers]
        if channel.range == "known" and all(k is not None for k in known):
            return tuple(np.broadcast_to([k[end] for k in known if k], shape).astype(float) for end in (0, 1))  # type: ignore[return-value]
        if channel.range == "global":
            low, high = self.recording.extremes(self.recording.layers)
            return np.repeat(low.min(1, keepdims=True), shape[1], 1), np.repeat(high.max(1, keepdims=True), shape[1], 1)
        low, high = self.recording.extremes(self.layers)
        for column, ends in enumerate(known):
            if channel.range == "known" and ends is not None:
                low[:, column], high[:, column] = ends
        return low, high

    def _walls(self, channel: Quantize, column: int) -> np.ndarray | None:
        """(seed, bins - 1) quantiles pooled over all epochs, for bins of equal mass."""
        if channel.kind != "mass":
            return None
        layers = self.recording.layers if channel.range == "global" else [self.layers[column]]
        found: list[np.ndarray] = []
        pool: list[np.ndarray] = []  # of one seed: blocks come seed by seed

        def close() -> None:
            ends = float(self.low[len(found), column]), float(self.high[len(found), column])
            found.append(walls(np.concatenate(pool), channel.bins, "mass", ends))
            pool.clear()

        for block in self.recording.blocks(layers, range(len(self.recording.epochs))):
            for cell, row in enumerate(block.seed):
                if row > len(found):
                    close()
                pool += [np.asarray(v[cell]).ravel() for v in block.activations.values()]
        close()
        return np.stack(found)


def resolved_channel(
    estimator: Estimator, channel: Channel | None, recording: Recording, *, discrete: bool = False
) -> Channel:
    """The channel that says what T is: the estimator's own, the one named, or none where T is noisy or discrete.

    Raises:
        InputError: two channels, none, or one that does not fit the recording; the message lists those that do.
    """
    fixed = estimator.channel
    if fixed is not None:
        if channel is not None:
            raise InputError(f"{estimator} brings its own channel {fixed!r}; leave out channel={channel!r}.")
        return fixed
    if channel is None and (recording.noise is not None or discrete):
        return Identity()
    fits = (
        "Quantize(bins=30) with Plugin(), or the estimators Binned(bins=30) and PairwiseBounds(sigma), "
        "which bring theirs"
    )
    if channel is None:
        raise InputError(f"{estimator} does not say what T is for a deterministic layer; name a channel: {fits}.")
    if isinstance(channel, Identity) and not (recording.noise or discrete or channel.assume_stochastic):
        raise InputError(
            "Identity() fits a network that runs with declared noise, and this recording declares none: its I(X;T) is "
            f"infinite or constant. Fitting channels: {fits}, or Identity(assume_stochastic=True)."
        )
    if not isinstance(channel, Channel):
        raise InputError(f"channel must be Quantize(...), AdditiveGaussian(...) or Identity(), got {channel!r}.")
    return channel


def _of(centres: Callable[[int, int, int], np.ndarray], chosen: np.ndarray) -> Callable[[int, int, int], np.ndarray]:
    """The same passes of some samples."""
    return lambda cell, draws, stream: centres(cell, draws, stream)[chosen]


def is_soft(p_y_given_x: np.ndarray) -> bool:
    """Whether any label is uncertain given its input."""
    return bool(((p_y_given_x > 1e-12) & (p_y_given_x < 1 - 1e-12)).any())
