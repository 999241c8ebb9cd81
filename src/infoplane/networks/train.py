"""Train an ensemble as one compiled program, and keep the weights of log-spaced checkpoints."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from ..data import SplitKind, Task
from ..errors import InputError
from ..progress import Progress, silent
from ..recordings.base import Probe
from ..recordings.layout import read_npz, write_npz
from ..recordings.schedule import log_spaced
from ..samples import is_real, is_whole
from .mlp import MLP
from .optimizers import SGD, Adam
from .program import Data, Program, State
from .storage import append, weights_writer
from .weights import WeightsRecording


def train_ensemble(
    network: MLP,
    task: Task,
    *,
    seeds: int | Sequence[int] = 50,
    epochs: int = 8000,
    batch_size: int | None = 512,
    optimizer: Adam | SGD | None = None,
    train_fraction: float = 0.8,
    split: SplitKind = "stratified",
    l2: float | Sequence[float] = 0.0,
    orthonormality: float | Sequence[float] = 0.0,
    checkpoint_epochs: int | Sequence[int] = 400,
    path: str | Path | None = None,
    progress: Progress = silent,
) -> WeightsRecording:
    """Train networks that differ in initialisation and in training sample, all at once.

    A network with ``noise`` or ``quantization`` is trained with it, and evaluated with it: losses and accuracies are
    those of one noisy pass.

    Each epoch visits every training sample once, in an order drawn anew; the last batch of an epoch may be smaller. A
    network is decided by its seed: its sample, its initial weights and its own random order of samples.

    Args:
        network: architecture; its first width must fit the task's inputs, its last the classes (or targets).
        task: what is learned.
        seeds: number of networks (seeds 0, 1, ...), or their seeds.
        epochs: passes over the training sample.
        batch_size: samples a step; None for full-batch descent.
        optimizer: ``Adam(4e-4)`` if None, or ``SGD(...)``.
        train_fraction: share of the task's samples each network is trained on.
        split: how that sample is drawn; see :meth:`infoplane.data.Task.split`.
        l2: adds ``l2/2`` times the squared weights (not biases) to the loss; one number, or one a layer.
        orthonormality: adds this times ``||W W' - 1||^2`` (W'W where W is tall) to the loss, which keeps the singular
            values of every W near 1; one number, or one a layer.
        checkpoint_epochs: how many log-spaced checkpoints, or the epochs themselves; 0 (before training) and the last
            are always among them.
        path: folder of the recording; an interrupted run continues from its last checkpoint when called again with
            the same arguments. None keeps everything in memory.
        progress: called after every checkpoint with the epochs done.

    Returns:
        Recording with ``scalars``: over (seed, epoch) ``loss_train``, ``loss_test`` (nats; half squared error for
        regression), ``accuracy_train``, ``accuracy_test`` (classification); over (seed, epoch, layer) ``weight_norm``
        (Frobenius; of a quantised network before rounding), and of the gradient of each weight matrix over the epoch's
        mini-batches ``gradient_mean`` (norm of the mean) and ``gradient_std`` (root mean squared distance from it) at
        the checkpoint's fixed weights, where the batches partition the training sample and the mean is the exact
        training gradient; the same ``*_along_path`` during the epoch before the checkpoint, after every update, where
        drift leaks into the deviation (nan at epoch 0). With noise every batch's gradient is that of one noisy pass:
        their mean is then a draw of the exact gradient, and the deviation has that of the noise in it.

    Raises:
        InputError: widths, labels or settings that do not fit, a loss that becomes nan, or a folder in use.
    """
    if progress is None:
        progress = silent
    optimizer = Adam() if optimizer is None else optimizer
    _check_kinds(network, task, optimizer)
    numbers = _seed_numbers(seeds)
    marks = _marks(epochs, checkpoint_epochs)
    target = _target(network, task)
    splits = [task.split(train_fraction, seed=int(seed), kind=split)[0] for seed in numbers]
    n_train = len(splits[0])
    batch = n_train if batch_size is None else batch_size
    if not (is_whole(batch) and batch > 0):
        raise InputError(f"train_ensemble needs a positive batch_size, a whole number, got {batch_size!r}.")
    penalties = [_by_layer(name, v, network) for name, v in (("l2", l2), ("orthonormality", orthonormality))]
    batch = min(int(batch), n_train)
    provenance = {
        "network": str(network),
        "optimizer": repr(optimizer),
        "batch_size": batch,
        "gradient_batches": "partition of the training sample",
        "train_samples": n_train,
        "split": split,
        **{name: _told(values) for name, values in zip(("l2", "orthonormality"), penalties, strict=True)},
        "seeds": ",".join(map(str, numbers)),
        "epochs_trained": int(epochs),
        "device": jax.devices()[0].device_kind,
    }
    train = np.zeros((len(numbers), len(task.y)), bool)
    for row, chosen in zip(train, splits, strict=True):
        row[chosen] = True
    probe = Probe(task.y, task.x, task.p_y_given_x, train, task.enumerated, task.name)
    program = Program(network, optimizer, batch, n_train, *penalties)
    store = None if path is None else _Store(Path(path), network, probe, provenance, marks)
    run = _Run(program, task.x, target, numbers, splits, train)
    kept = [] if store is not None and store.finished else run.until(marks, store, progress)
    if store is not None:
        from ..recordings.disk import open as open_recording

        recording = open_recording(store.path)
        assert isinstance(recording, WeightsRecording)
        return recording
    return _in_memory(network, numbers, marks, probe, provenance, kept)


@dataclass
class _Run:
    """The ensemble in blocks of seeds, one a processor core: XLA alone leaves half a core idle on nets this small.

    Where there are several local devices the blocks are spread over them, one a device where they are no processor.
    """

    program: Program
    x: np.ndarray
    target: np.ndarray
    seeds: np.ndarray
    splits: list[np.ndarray]
    train: np.ndarray

    def until(self, marks: np.ndarray, store: _Store | None, progress: Progress) -> list[tuple[np.ndarray, dict]]:
        cores = (os.cpu_count() or 1) if jax.default_backend() == "cpu" else 1
        parts = np.array_split(np.arange(len(self.seeds)), min(max(cores, len(_devices())), len(self.seeds)))
        data = _spread([self._load(part) for part in parts])
        states = _spread([self.program.initial(self.seeds[part], d) for part, d in zip(parts, data, strict=True)])
        first = 0
        if store is not None and (resumed := store.resume(_whole(states))) is not None:
            first, state = resumed
            states = _spread([_part(state, part) for part in parts])
        kept = []
        with ThreadPoolExecutor(len(parts)) as threads:
            for mark in range(first, len(marks)):
                start, stop = (int(marks[mark - 1]) if mark else 0), int(marks[mark])
                step = lambda state, part, a=start, b=stop: self.program.advance(state, part, a, b)  # noqa: E731
                # Blocks of one shape share a compiled program: in turn at first, or each thread would compile its own.
                run = map if mark == first else threads.map
                states, measured = zip(*run(step, states, data), strict=True)
                states = list(states)
                scalars = {k: np.concatenate([m[k] for m in measured]) for k in measured[0]}
                self._check(scalars, stop)
                parameters = np.concatenate([np.asarray(s.parameters) for s in states])
                if store is None:
                    kept.append((parameters, scalars))
                else:
                    store.add(stop, self.seeds, parameters, scalars, _whole(states))
                progress("training", stop, int(marks[-1]))
        return kept

    def _load(self, part: np.ndarray) -> Data:
        splits = np.stack([self.splits[i] for i in part])
        return self.program.load(self.x, self.target, splits, self.train[part], self.seeds[part])

    def _check(self, scalars: dict[str, np.ndarray], epoch: int) -> None:
        bad = self.seeds[~np.isfinite(scalars["loss_train"])]
        if len(bad):
            raise InputError(
                f"The training loss of seed {', '.join(map(str, bad))} is no longer finite at epoch {epoch}; "
                "use a lower learning rate."
            )


def _devices() -> list[Any]:
    """Where blocks may lie: all local devices, or the one that the user has chosen."""
    chosen = jax.config.jax_default_device  # pyright: ignore[reportAttributeAccessIssue]
    return jax.local_devices() if chosen is None else [chosen]


def _spread(blocks: list[Any]) -> list[Any]:
    """The blocks on the devices in turn; where there is one device, as they are."""
    devices = _devices()
    if len(devices) == 1:
        return blocks
    return [jax.device_put(block, devices[k % len(devices)]) for k, block in enumerate(blocks)]


def _whole(states: list[State]) -> State:
    """The blocks' states as one, so that a run can go on with another number of blocks."""
    return jax.tree.map(lambda *parts: np.concatenate(parts) if np.ndim(parts[0]) else np.asarray(parts[0]), *states)


def _part(state: State, networks: np.ndarray) -> State:
    """The state of some networks."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf[networks] if np.ndim(leaf) else leaf), state)


class _Store:
    """The recording on disk and the state to continue from."""

    def __init__(self, path: Path, network: MLP, probe: Probe, provenance: dict, marks: np.ndarray) -> None:
        self.path = path
        self._marks = marks
        self._writer = weights_writer(path, network, probe, provenance, checkpoints=[int(m) for m in marks])

    @property
    def finished(self) -> bool:
        """Whether every checkpoint is there: then the recording is only read, whatever state lies beside it."""
        return self._writer.epochs == self._marks.tolist()

    def add(self, epoch: int, seeds: np.ndarray, parameters: np.ndarray, scalars: dict, state: State) -> None:
        append(self._writer, epoch, seeds, parameters, scalars)
        leaves = {str(i): np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(state))}
        try:
            write_npz(self.path / "state.npz", {"epoch": np.asarray(epoch), **leaves})
        except OSError as error:
            raise InputError(f"{self.path} cannot be written: {error.strerror or error}.") from None

    def resume(self, like: State) -> tuple[int, State] | None:
        """Position of the next checkpoint and the state before it; None to start afresh."""
        done = self._writer.epochs
        if not done:
            return None
        if len(done) == 1 and not (self.path / "state.npz").exists():
            self._writer.keep_until(-1)  # killed between the first snapshot and its state
            return None
        kept = read_npz(self.path / "state.npz")
        epoch = int(kept.pop("epoch"))
        if epoch not in done:
            raise InputError(
                f"{self.path} has lost the snapshot of epoch {epoch}, from which training would continue; "
                "open it as it is, or delete it to train again."
            )
        # Killed between the snapshot and the state: the snapshot is made again, with the same bits.
        self._writer.keep_until(epoch)
        leaves, tree = jax.tree.flatten(like)
        values = [kept[key] for key in sorted(kept, key=int)]
        if [v.shape for v in values] != [leaf.shape for leaf in leaves]:
            raise InputError(f"{self.path} holds the state of other networks; delete it to train again.")
        return int(np.flatnonzero(self._marks == epoch)[0]) + 1, jax.tree.unflatten(tree, values)


def _in_memory(
    network: MLP,
    seeds: np.ndarray,
    marks: np.ndarray,
    probe: Probe,
    provenance: dict,
    kept: list[tuple[np.ndarray, dict]],
) -> WeightsRecording:
    scalars = xr.Dataset(coords={"seed": seeds, "epoch": marks, "layer": list(network.layers)})
    for name in kept[0][1]:
        values = np.stack([found[name] for _, found in kept], axis=1)
        scalars[name] = (("seed", "epoch", "layer")[: values.ndim], values)
    parameters = np.stack([p for p, _ in kept], axis=1)
    return WeightsRecording(network, parameters, seeds, marks, probe, scalars, provenance)


def _check_kinds(network: MLP, task: Task, optimizer: Adam | SGD) -> None:
    wanted = ((network, MLP, "a network such as MLP([12, 5, 2])"), (task, Task, "a task such as data.twelve_bit()"))
    for given, kind, example in (*wanted, (optimizer, (Adam, SGD), "the optimizer Adam(...) or SGD(...)")):
        if not isinstance(given, kind):
            got = repr(given) if isinstance(given, str | type) else f"an object of the type {type(given).__name__}"
            raise InputError(f"train_ensemble needs {example}, got {got}.")


def _by_layer(name: str, value: float | Sequence[float], network: MLP) -> tuple[float, ...]:
    """A penalty's weight for every layer."""
    layers = len(network.layers)
    given: list[Any] = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value] * layers
    if len(given) != layers or not all(is_real(v) and 0.0 <= v < np.inf for v in given):
        raise InputError(
            f"train_ensemble({name}) needs a number >= 0, or one for each of the {layers} layers, got {value!r}."
        )
    return tuple(float(v) for v in given)


def _told(penalty: tuple[float, ...]) -> float | str:
    """For provenance: one number where all layers have the same, else all of them."""
    return penalty[0] if len(set(penalty)) == 1 else ", ".join(f"{v:g}" for v in penalty)


def _seed_numbers(seeds: int | Sequence[int]) -> np.ndarray:
    given = list(seeds) if isinstance(seeds, Iterable) else [seeds - 1] if is_whole(seeds) else []
    # Keys are made of 32 bits: a larger seed would silently be another, smaller one.
    if not given or not all(is_whole(seed) and 0 <= seed < 2**31 for seed in given):
        raise InputError(
            "train_ensemble needs at least one network: how many, or their seeds, whole numbers from 0 to 2**31 - 1, "
            f"got {seeds!r}."
        )
    numbers = np.asarray(given, np.int64) if isinstance(seeds, Iterable) else np.arange(seeds)
    if len(np.unique(numbers)) < len(numbers):
        raise InputError(f"train_ensemble needs seeds that are all different, got {seeds!r}.")
    return numbers


def _marks(epochs: int, wanted: int | Sequence[int]) -> np.ndarray:
    if not is_whole(epochs) or epochs < 1:
        raise InputError(f"train_ensemble needs a whole number of epochs, at least 1 epoch, got {epochs!r}.")
    if not isinstance(wanted, Iterable):
        if not is_whole(wanted) or wanted < 1:
            raise InputError(f"checkpoint_epochs is a number of checkpoints, 1 or more, or their list, got {wanted!r}.")
        return np.asarray(log_spaced(int(epochs), int(wanted)))
    if not all(is_whole(mark) and 0 <= mark <= epochs for mark in wanted):
        raise InputError(f"checkpoint_epochs are whole numbers that lie in 0..{epochs}, got {list(wanted)}.")
    return np.unique(np.r_[0, np.asarray(list(wanted), np.int64), epochs])


def _target(network: MLP, task: Task) -> np.ndarray:
    """(outputs, n) one-hot labels or regression targets."""
    x, y = np.asarray(task.x), np.asarray(task.y)
    if len(x) != len(y):
        raise InputError(f"The task needs x and y of one length, got {len(x)} and {len(y)} samples.")
    if x.ndim != 2 or x.shape[1] != network.widths[0]:
        raise InputError(
            f"The task's inputs have shape {x.shape}; an MLP of input width {network.widths[0]} needs "
            f"(n, {network.widths[0]}){'; use task.flattened()' if x.ndim > 2 else ''}."
        )
    if not np.isfinite(x).all():
        raise InputError("The task's inputs have nan or infinite values; drop or repair them.")
    outputs = network.widths[-1]
    if np.issubdtype(y.dtype, np.floating):
        values = y.reshape(len(y), -1).T
        if not np.isfinite(values).all():
            raise InputError("The task's targets have nan or infinite values; drop or repair them.")
        if network.output != "linear" or len(values) != outputs:
            raise InputError(
                f'A float target needs MLP(..., output="linear") with {len(values)} outputs, got '
                f"{outputs} of the kind {network.output!r}."
            )
        return values.astype(np.float32)
    if network.output != "softmax":
        raise InputError('Class labels need MLP(..., output="softmax"); for regression pass y as floats.')
    if y.ndim != 1 or y.dtype.kind not in "iub":
        raise InputError(f"Class labels must be integers 0, 1, ... in one column, got {y.dtype} of shape {y.shape}.")
    y = y.astype(np.int64)
    if y.min() < 0 or y.max() >= outputs:
        raise InputError(
            f"Labels run from {y.min()} to {y.max()}; an MLP of {outputs} outputs needs them in 0..{outputs - 1}."
        )
    if len(np.unique(y)) < 2:
        raise InputError("The task has one class only; there is nothing to learn.")
    return np.eye(outputs, dtype=np.float32)[y].T
