"""``watch``: snapshots of a JAX model's layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from ..channels import OwnNoise
from ..errors import InputError, nearest
from ..recordings.base import Probe
from ..recordings.replay import Runner
from ..samples import whole
from ..watching.pooling import EachToken
from ..watching.watch import Settings, Watch, settings_of
from .forward import Forward, Outputs, flattened, restored

Noises = str | Mapping[str, float | OwnNoise] | None


class JaxWatch(Watch):
    """A JAX model under observation; see :func:`watch`."""

    def __init__(
        self,
        forward: Forward,
        probe: tuple[Any, Any],
        layers: Iterable[str] | None,
        noise: Noises,
        batch_size: int,
        settings: Settings,
    ) -> None:
        if not isinstance(probe, tuple) or len(probe) != 2:
            raise InputError("watch needs probe=(x, y), inputs as the function takes them and their targets.")
        self._forward, self._declared, self._settings = forward, noise, settings
        self._x, self._y = probe
        self._wanted = None if layers is None else list(layers)
        self._batch_size = whole(batch_size, "watch(batch_size)", low=1)
        lengths = {np.shape(leaf)[0] if np.ndim(leaf) else 0 for leaf in jax.tree_util.tree_leaves(self._x)}
        if len(lengths) != 1 or min(lengths) < 2:
            raise InputError(f"The probe needs inputs of one length, at least 2, got {sorted(lengths) or 'none'}.")
        self._n = lengths.pop()
        self._state: Any = None
        self._shapes: dict[str, tuple[int, ...]] = {}
        self.layers = ()

    def snapshot(self, epoch: int, state: Any, **scalars: Any) -> None:
        """Record the watched layers on the probe, with training curves of one's choice.

        Args:
            epoch: whole number; rising. A snapshot taken again replaces the earlier one.
            state: what ``forward`` takes first: parameters, a model, anything made of arrays.
            **scalars: such as ``loss_train=0.3``: a number, or one a watched layer.

        Raises:
            InputError: ``forward`` fails or gives no dict of arrays, layers are not there, nan or infinity.
        """
        if not self.layers:
            self._look(state)
        self._state = state
        numbers = (self._settings.seed, whole(epoch, "snapshot(epoch)"))
        layers: dict[str, np.ndarray] = {}
        if self._needs_layers:
            layers, more = self._seen(lambda: self._batches(state, self.layers, numbers))
            scalars = {**more, **scalars}
        self._take(epoch, layers, flattened(state) if self._needs_state else None, scalars)

    @property
    def noise_words(self) -> str | None:
        if self._declared is None or isinstance(self._declared, str):
            return self._declared or ("random: forward takes a key" if self._forward.noisy else None)
        return "Gaussian: " + ", ".join(
            f"{noise.kind} sigma {noise.sigma:.3g} after {name}" for name, noise in self._noises().items()
        )

    def _noises(self) -> dict[str, OwnNoise]:
        """By layer, the noise declared, before pooling."""
        if not isinstance(self._declared, Mapping):
            return {}
        found: dict[str, OwnNoise] = {}
        for name in self.layers or self._declared:
            given = self._declared.get(name)
            if given is not None:
                found[name] = given if isinstance(given, OwnNoise) else OwnNoise("additive", float(given), not found)
        return found

    def _own_noises(self) -> dict[str, OwnNoise]:
        found = {}
        for name, noise in self._noises().items():
            pooling = self._settings.pool(name)
            scale = pooling.noise_scale(self._shapes.get(name, (1,)))
            if noise.kind == "additive" and scale is not None:
                found[name] = OwnNoise("additive", noise.sigma * scale, noise.certain)
            elif pooling.words == "":
                found[name] = noise
        return found

    def _runner(self) -> Runner:
        def run(
            state: np.ndarray, layers: Sequence[str], stream: tuple[int, ...], *, centres: bool = False
        ) -> dict[str, np.ndarray]:
            if centres:
                raise InputError("A JAX function gives layers with their noise only; use KSG() or WeightedKL().")
            return _joined(self._batches(restored(state, self._state), layers, stream))

        return run

    def _look(self, state: Any) -> None:
        """Run a few samples, to know the layers and their shapes."""
        few = jax.tree_util.tree_map(lambda leaf: leaf[: min(2, self._n)], self._x)
        try:
            found = self._forward(state, few, jax.random.key(0))
        except InputError:
            raise
        except Exception as error:  # whatever a user's function raises on a probe that does not fit it
            raise InputError(
                f"forward cannot be run on the probe: {type(error).__name__}: {error} It is called as forward(state, x)"
                " with a batch of x, or as forward(state, x, key)."
            ) from error
        names = list(found) if self._wanted is None else self._wanted
        for name in [*names, *(self._declared if isinstance(self._declared, Mapping) else ())]:
            if name not in found:
                raise InputError(f"forward gives no layer {name!r}; {nearest(name, list(found))}")
        for name in names:
            shape = np.shape(found[name])
            if not shape or shape[0] != min(2, self._n):
                raise InputError(f"Layer {name!r} has the shape {shape}; one row a sample is needed, (n, ...).")
            self._shapes[name] = tuple(shape[1:])
        ordered = tuple(name for name in found if name in names)
        self._begin(ordered, self._probe_of(ordered), self._settings)

    def _probe_of(self, layers: tuple[str, ...]) -> Probe:
        leaves = [np.asarray(leaf) for leaf in jax.tree_util.tree_leaves(self._x)]
        x: np.ndarray | None = np.concatenate([leaf.reshape(self._n, -1) for leaf in leaves], axis=1)
        y, groups = np.asarray(self._y), None
        if isinstance(self._settings.pool(layers[0]), EachToken):
            self._settings.checked_pooling(layers)
            counts = {self._shapes[name][0] for name in layers}
            if len(counts) != 1:
                raise InputError(f"EachToken() needs as many tokens in all watched layers, got {sorted(counts)}.")
            tokens = counts.pop()
            groups, x = np.repeat(np.arange(self._n), tokens), np.repeat(x, tokens, axis=0)
            y = y.reshape(-1, *y.shape[2:]) if y.shape[:2] == (self._n, tokens) else np.repeat(y, tokens, axis=0)
        if len(y) != (self._n if groups is None else len(groups)):
            raise InputError(f"The probe needs x and y of one length, got {self._n} inputs and {len(y)} targets.")
        return Probe(y, x, task=self._settings.task, groups=groups)

    def _batches(self, state: Any, layers: Sequence[str], stream: tuple[int, ...]) -> Iterator[dict[str, np.ndarray]]:
        """By layer, (batch, d) pooled outputs; the same noise for the same stream."""
        key = jax.random.key(int(np.random.SeedSequence([0x7A55, *stream]).generate_state(1)[0]))
        for k, start in enumerate(range(0, self._n, self._batch_size)):
            rows = slice(start, min(start + self._batch_size, self._n))
            part = jax.tree_util.tree_map(lambda leaf, rows=rows: leaf[rows], self._x)
            found = self._forward(state, part, jax.random.fold_in(key, k))
            yield {name: self._pooled(name, found[name]) for name in layers}

    def _pooled(self, name: str, value: Any) -> np.ndarray:
        values = np.asarray(value)
        values = values.astype(np.float32) if values.dtype.name in ("bfloat16", "float16") else values
        return np.asarray(self._settings.pool(name).of(values, lambda array: array))


def _joined(batches: Iterator[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    parts = list(batches)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def watch(
    forward: Callable[..., Outputs],
    probe: tuple[Any, Any],
    layers: Iterable[str] | None = None,
    *,
    noise: Noises = None,
    batch_size: int = 512,
    compiled: bool = True,
    **settings: Any,
) -> JaxWatch:
    """Watch a JAX model while it trains: any function that gives its activations by name.

    >>> watch = ip.jax.watch(forward, probe=(x_test, y_test))  # doctest: +SKIP
    >>> watch.snapshot(epoch, parameters, loss_train=loss)  # doctest: +SKIP

    Args:
        forward: called as ``forward(state, x)``, or ``forward(state, x, key)`` where the network is random, with a
            batch of inputs; gives a dict from layer to an array (batch, ...), in the order of the network.
        probe: (x, y): inputs, an array or a tree of arrays, and targets (n,): integers are classes.
        layers: names among the keys of that dict; all if None.
        noise: what the network adds itself, which nobody can see from outside: words, or by layer the standard
            deviation of its additive Gaussian noise, or an :class:`infoplane.channels.OwnNoise`.
        batch_size: samples of the probe that run at once.
        compiled: compile ``forward`` with ``jax.jit``; parts of the state that are no arrays are constants.
        **settings: ``path``, ``keep``, ``estimator``, ``estimator_target``, ``channel``, ``compressor``, ``pooling``,
            ``seed``, ``task``, ``null``; see :class:`infoplane.watching.Settings`.

    Returns:
        The watch, with ``snapshot(epoch, state, ...)``, ``recording`` and ``plane``.

    Raises:
        InputError: arguments or a function that do not fit.
    """
    return JaxWatch(Forward(forward, compiled=compiled), probe, layers, noise, batch_size, settings_of(settings))
