"""What watching a network has in common, whatever framework it is written in."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from ..channels import Channel, OwnNoise
from ..compressors import PCA
from ..compressors.reports import label_bound, noise_bound
from ..compressors.streaming import Streamed, streaming_pca
from ..errors import InputError, nearest
from ..estimators import Estimator
from ..recordings.base import Probe, Recording
from ..recordings.checks import probe_of
from ..recordings.replay import Described, Runner
from ..samples import Variable, is_whole
from .pooling import EachToken, Flatten, Pooling
from .sinks import InMemory, OnDisk, Sink, checked_layers
from .streaming import Stream

Keep = Literal["activations", "weights", "nothing"]
Pools = Pooling | Mapping[str, Pooling]


@dataclasses.dataclass(frozen=True)
class Settings:
    """How snapshots are kept and measured; what every framework's ``watch`` takes.

    Attributes:
        path: folder of the recording; None keeps it in memory.
        keep: "activations", "weights" (the network is run again when activations are asked for: small networks of many
            snapshots), or "nothing"; None for "activations", or "nothing" where there is an estimator.
        estimator: measures every snapshot at once; see ``plane``.
        estimator_target: another one for I(T;Y).
        channel: what T is, for an estimator that does not fix it.
        compressor: ``PCA(dim)``: codes of the layers at every snapshot, from a few passes over the probe that never
            hold a whole layer: for networks whose layers do not fit in memory.
        pooling: of all layers, or by layer; :class:`Flatten` where none is named.
        seed: the number of this network among several, and the seed of whatever is random.
        task: name of the task.
        null: shuffles of Y at every snapshot measured at once.
    """

    path: str | Path | None = None
    keep: Keep | None = None
    estimator: Estimator | None = None
    estimator_target: Estimator | None = None
    channel: Channel | None = None
    compressor: PCA | None = None
    pooling: Pools = dataclasses.field(default_factory=Flatten)
    seed: int = 0
    task: str = "user's data"
    null: int = 0

    def __post_init__(self) -> None:
        if self.keep not in (None, "activations", "weights", "nothing"):
            raise InputError(
                f"watch has no keep={self.keep!r}; {nearest(str(self.keep), ['activations', 'weights', 'nothing'])}"
            )
        if self.keep == "nothing" and self.estimator is None:
            raise InputError("watch(keep='nothing') needs an estimator=..., or snapshots would be lost.")
        if self.compressor is not None and (
            not isinstance(self.compressor, PCA) or self.compressor.dim is None or self.compressor.standardise
        ):
            raise InputError(
                f"watch(compressor) takes PCA(dim), got {self.compressor!r}; other compressors see whole layers: use "
                "recordings.compressed(watch.recording, ...) or Compressed(...) as the estimator."
            )
        if self.compressor is not None and self.kept == "weights":
            raise InputError(
                "watch(compressor=...) makes codes at once and keep='weights' keeps none; leave one of them out, and "
                "compress afterwards with recordings.compressed(watch.recording, ...)."
            )
        if not is_whole(self.seed) or self.seed < 0:
            raise InputError(f"watch(seed) takes a whole number from 0 up, got {self.seed!r}.")

    @property
    def kept(self) -> Keep:
        """What is kept of a snapshot."""
        return self.keep or ("activations" if self.estimator is None else "nothing")

    def pool(self, layer: str) -> Pooling:
        """The pooling of a layer."""
        return self.pooling.get(layer, Flatten()) if isinstance(self.pooling, Mapping) else self.pooling

    def checked_pooling(self, layers: tuple[str, ...]) -> None:
        """That poolings are poolings, of layers that are there.

        Raises:
            InputError: they are not; or some layers but not all have a row a token.
        """
        named = self.pooling if isinstance(self.pooling, Mapping) else dict.fromkeys(layers, self.pooling)
        for layer, pooling in named.items():
            if layer not in layers:
                raise InputError(f"pooling names the layer {layer!r}, which is not watched; {nearest(layer, layers)}")
            if not isinstance(pooling, Pooling):
                raise InputError(f"pooling takes Flatten(), SpatialMean(), Token('first') ..., got {pooling!r}.")
        tokens = [isinstance(self.pool(layer), EachToken) for layer in layers]
        if any(tokens) and not all(tokens):
            raise InputError(
                "With EachToken() every row is a token, so it must be the pooling of all watched layers; watch the "
                "others separately, or use Token('mean')."
            )


class Watch(abc.ABC):
    """A network under observation: snapshots of its layers on a probe.

    Attributes:
        layers: names of the watched layers, in the order in which the network computes them.
        settings: how snapshots are kept and measured.
    """

    layers: tuple[str, ...]
    settings: Settings
    _sink: Sink | None = None
    _stream: Stream | None = None

    def _begin(self, layers: tuple[str, ...], probe: Probe, settings: Settings) -> None:
        self.layers, self.settings = layers, settings
        settings.checked_pooling(layers)
        self._probe = probe_of(probe)
        self._notes: dict[str, None] = {}
        if settings.estimator is not None:
            self._stream = Stream(settings)

    @property
    def recording(self) -> Recording:
        """The snapshots so far, for :func:`infoplane.information_plane`.

        Raises:
            InputError: there is none yet, or none is kept.
        """
        if self.settings.kept == "nothing":
            raise InputError(
                "This watch keeps no snapshots, it measures them at once: see watch.plane, or watch with "
                "keep='activations'."
            )
        if self._sink is None:
            raise InputError("There is no snapshot yet; call watch.snapshot(epoch) first.")
        return self._sink.recording()

    @property
    def plane(self) -> xr.Dataset:
        """The plane of the snapshots so far, measured when they were taken.

        Raises:
            InputError: there is none yet, or no estimator was named.
        """
        if self._stream is None:
            raise InputError(
                "This watch has no estimator; use infoplane.information_plane(watch.recording, ...), or "
                "watch(..., estimator=...) to measure every snapshot at once."
            )
        return self._stream.plane()

    @property
    @abc.abstractmethod
    def noise_words(self) -> str | None:
        """The noise the network runs with, in words; None for none."""

    @abc.abstractmethod
    def _own_noises(self) -> dict[str, OwnNoise]:
        """By layer, noise of its own that is known, as it is after pooling."""

    @abc.abstractmethod
    def _runner(self) -> Runner:
        """Runs the network with weights of a snapshot."""

    def _seen(
        self, passes: Callable[[], Iterator[Mapping[str, np.ndarray]]]
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Layers, or their codes, from passes over the probe; and what there is to say of the codes, by layer."""
        if self.settings.compressor is None:
            parts = list(passes())
            return {layer: np.concatenate([part[layer] for part in parts]) for layer in self.layers}, {}
        assert self.settings.compressor.dim is not None
        found = streaming_pca(passes, self.settings.compressor.dim, seed=self.settings.seed, layers=self.layers)
        return {layer: one.codes for layer, one in found.items()}, self._of_codes(found)

    def _of_codes(self, found: Mapping[str, Streamed]) -> dict[str, np.ndarray]:
        noises, y = self._own_noises(), self._probe.y
        classes = Variable(y.reshape(len(y), -1)).codes if y.dtype.kind != "f" else None
        rows: dict[str, list[float]] = {name: [] for name in ("explained_variance", "code_dim", "loss_bound_target")}
        rows |= {name: [] for name in ("loss_bound_input", "snr_bound")} if noises else {}
        for layer in self.layers:
            code, fitted = found[layer]
            numbers: dict[str, float] = {"explained_variance": fitted.details["explained_variance"]}
            numbers["code_dim"] = float(fitted.dim)
            if classes is not None:
                numbers["loss_bound_target"] = label_bound(code, classes, seed=self.settings.seed).value
            noise = noises.get(layer)
            if noise is not None and noise.kind == "additive":
                bound = noise_bound(fitted, code, noise.sigma)
                most = noise_bound(fitted.truncated(0), code, noise.sigma)
                numbers |= {"loss_bound_input": bound.bound.value} if bound else {}
                numbers |= {"snr_bound": most.bound.value} if most else {}
            for name, values in rows.items():
                values.append(numbers.get(name, np.nan))
        return {name: np.array(values) for name, values in rows.items()}

    def _described(self) -> Described:
        pools = {layer: words for layer in self.layers if (words := self.settings.pool(layer).words)}
        notes = [f"{layer} was recorded as its {words}." for layer, words in pools.items()]
        return Described(
            self.layers,
            self._probe,
            self.noise_words,
            dict.fromkeys(self.layers),
            pools,
            self._own_noises(),
            (*notes, *self._notes),
            {"recording": type(self).__module__.split(".")[1]},
            (False, self.settings.compressor is not None),
        )

    def _take(
        self, epoch: Any, layers: Mapping[str, np.ndarray], state: np.ndarray | None, scalars: dict[str, Any]
    ) -> None:
        """Keep and measure one snapshot."""
        if not is_whole(epoch):
            raise InputError(f"A snapshot needs a whole number of epochs completed, got {epoch!r}.")
        epoch, described = int(epoch), self._described()
        self._same_noise(described)
        scalars = {name: _row(value, len(self.layers)) for name, value in scalars.items()}
        layers = checked_layers(layers, epoch, self._probe.n) if layers else {}
        if self.settings.kept != "nothing":
            self._sink = self._sink or self._new_sink(described)
            self._sink.described = described
            self._sink.take(epoch, layers, state, scalars)
        if self._stream is not None:
            self._stream.take(epoch, layers, scalars, described)

    @property
    def _needs_state(self) -> bool:
        return self.settings.kept == "weights"

    @property
    def _needs_layers(self) -> bool:
        return self.settings.kept == "activations" or self._stream is not None

    def _new_sink(self, described: Described) -> Sink:
        run = self._runner() if self._needs_state else None
        if self.settings.path is None:
            return InMemory(described, self.settings.seed, run)
        return OnDisk(described, self.settings.seed, Path(self.settings.path), run)

    def _same_noise(self, described: Described) -> None:
        before = self._sink.described if self._sink is not None else self._stream.described if self._stream else None
        if before is not None and (before.noise, before.own_noises) != (described.noise, described.own_noises):
            raise InputError(
                f"The network ran with noise ({before.noise or 'none'}) in earlier snapshots and now with "
                f"({described.noise or 'none'}); make another watch for the other network."
            )


def _row(value: Any, layers: int) -> Any:
    """A training curve as the recording takes it: one value a layer becomes one row of them."""
    shape = np.shape(value) if not hasattr(value, "detach") else tuple(value.shape)
    return np.asarray(value)[None] if shape == (layers,) and layers > 1 else value


def settings_of(given: dict[str, Any]) -> Settings:
    """Settings from keyword arguments.

    Raises:
        InputError: one that there is not.
    """
    known = [one.name for one in dataclasses.fields(Settings)]
    for name in given:
        if name not in known:
            raise InputError(f"watch has no argument {name!r}; {nearest(name, known)}")
    return Settings(**given)
