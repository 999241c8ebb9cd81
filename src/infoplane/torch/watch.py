"""``watch``: snapshots of a PyTorch model's layers, taken from outside."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..channels import OwnNoise
from ..errors import InputError
from ..recordings.base import Probe
from ..recordings.layout import read_header
from ..recordings.replay import Runner
from ..samples import is_real, whole
from ..watching.pooling import EachToken, Flatten
from ..watching.watch import Settings, Watch, settings_of
from .gradients import Loss, gradient_statistics
from .inputs import Inputs, where
from .layers import Layer, Outputs, Tap, chosen, last_part
from .look import look
from .noise import Generators, Kind, Noise, NoiseHook, Powers, Where
from .passes import Passes


class TorchWatch(Watch):
    """A PyTorch model under observation; see :func:`watch`."""

    def __init__(
        self,
        model: nn.Module,
        probe: tuple[Any, Any],
        layers: Iterable[Layer] | Layer | None,
        outputs: Outputs,
        stochastic: Iterable[Layer] | Layer,
        batch_size: int,
        settings: Settings,
    ) -> None:
        if not isinstance(model, nn.Module):
            raise InputError(f"watch needs a torch.nn.Module, got {type(model).__name__}; for JAX see infoplane.jax.")
        if not isinstance(probe, tuple) or len(probe) != 2:
            raise InputError("watch needs probe=(x, y), inputs as the model takes them and their targets.")
        if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            model = model.module  # a look of one process must wait for no other, nor be split over devices
        self.model = model
        inputs = Inputs(probe[0], batch_size, *where(model))
        left_on = tuple(p for m in chosen(model, stochastic).values() for p in m.modules()) if stochastic else ()
        self._stochastic = stochastic and ", ".join(chosen(model, stochastic))
        modules = chosen(model, layers)
        taps, uncalled, random = look(model, modules, inputs, outputs, left_on)
        self._refuse_uncalled(layers, uncalled, [one.name for one in taps])
        self._generators = Generators(settings.seed)
        pools = {one.name: settings.pool(one.name) for one in taps}
        self._passes = Passes(model, taps, inputs, pools, left_on, self._generators)
        self._noises: list[Noise] = []
        self._outputs = outputs
        names = tuple(one.name for one in taps)
        self._begin(names, self._probe_of(inputs, probe[1], settings, names), settings)
        if random and not left_on:
            self._notes[
                f"{', '.join(sorted(random))} gave other values in each pass although the model was in evaluation "
                "mode: dropout or noise is left on. What is recorded is one pass; if it is meant, name it: "
                "stochastic=[...]."
            ] = None

    def _refuse_uncalled(self, layers: Any, uncalled: list[str], called: list[str]) -> None:
        given = [layers] if layers is None or isinstance(layers, str | re.Pattern | type) else list(layers)
        named = [one for one in given if isinstance(one, str)]
        missing = [name for name in uncalled if name in named]
        if missing or not called:
            raise InputError(
                f"{', '.join(missing) or 'None of these layers'} "
                f"{'is' if missing else 'are'} not called when the model runs on the probe; watch layers that are."
            )

    def _probe_of(self, inputs: Inputs, y: Any, settings: Settings, names: tuple[str, ...]) -> Probe:
        """The probe with a row for every sample, or for every token."""
        y = y.detach().cpu().numpy() if isinstance(y, torch.Tensor) else np.asarray(y)
        x, groups = inputs.flat(), None
        if isinstance(settings.pool(names[0]), EachToken):
            settings.checked_pooling(names)
            tokens = self._tokens()
            groups = np.repeat(np.arange(inputs.n), tokens)
            x = None if x is None else np.repeat(x, tokens, axis=0)
            y = y.reshape(-1, *y.shape[2:]) if y.shape[:2] == (inputs.n, tokens) else np.repeat(y, tokens, axis=0)
        rows = inputs.n if groups is None else len(groups)
        if len(y) != rows:
            raise InputError(f"The probe needs x and y of one length, got {inputs.n} inputs and {len(y)} targets.")
        return Probe(y, x, task=settings.task, groups=groups)

    def _tokens(self) -> int:
        """Tokens a sequence, the same in all watched layers."""
        passes = self._passes
        next(passes.batches(list(passes.taps), (0,)))
        counts = {name: shape[0] for name, shape in passes.shapes.items()}
        if len(set(counts.values())) != 1:
            raise InputError(f"EachToken() needs as many tokens in all watched layers, got {counts}.")
        return next(iter(counts.values()))

    def snapshot(self, epoch: int, **scalars: Any) -> None:
        """Record all watched layers on the probe, with training curves of one's choice.

        Nothing about the model, its gradients or the random state changes.

        Args:
            epoch: whole number; rising. A snapshot taken again replaces the earlier one.
            **scalars: such as ``loss_train=0.3``, ``accuracy_test=0.9``: a number, or one a watched layer.

        Raises:
            InputError: nan or infinity in a layer, or noise that was changed since the first snapshot.
        """
        powers = Powers()
        hooks = [hook for noise in self._noises for hook in noise.hooks]
        for hook in hooks:
            hook.watched = powers.add
        layers: dict[str, np.ndarray] = {}
        try:
            if self._needs_layers or hooks:
                numbers = (self.settings.seed, whole(epoch, "snapshot(epoch)"))
                layers, more = self._seen(lambda: self._once_weighed(hooks, numbers))
                scalars = {**more, **scalars}
        finally:
            for hook in hooks:
                hook.watched = None
        if hooks:
            scalars = {**self._ratios(powers), **scalars}
        self._take(epoch, layers, self._passes.state() if self._needs_state else None, scalars)

    def _once_weighed(self, hooks: list[NoiseHook], numbers: tuple[int, ...]) -> Iterator[dict[str, np.ndarray]]:
        """A pass over the probe; the powers of signals are added up in the first only, for all passes are alike."""
        yield from self._passes.batches(self.layers, numbers)
        for hook in hooks:
            hook.watched = None

    def noise(
        self,
        sigma: float | Mapping[str, float],
        *,
        layers: Iterable[Layer] | Layer | None = None,
        relative: bool = False,
        kind: Kind = "additive",
        at: Where = "output",
    ) -> Noise:
        """Make the network stochastic: it runs with this noise from now on, in training and in evaluation.

        I(X;T) is then finite and the network's own. Additive noise after a layer, T = S + sigma Z, is the form whose
        conditional entropy is known. Multiplicative noise on the *input* of layers (``kind="multiplicative",
        at="input"``) is the form of the code published with arXiv:2305.08013: a layer then carries no noise of its own,
        and exact zeros receive none.

        Args:
            sigma: standard deviation; one number, or one a layer.
            layers: of the model, as in :func:`watch`; None for all watched ones but the model's last part.
            relative: ``sigma`` is a share of each layer's deviation over the probe (root of the mean variance of its
                units), taken now and frozen; where the recording's folder holds snapshots already, theirs is used.
            kind: "additive" or "multiplicative".
            at: "output", or "input" of the layer's module.

        Returns:
            The noise, with ``sigmas`` by layer and ``remove()``.

        Raises:
            InputError: a sigma that is not positive, a layer that is called several times in a pass or of which
                ``outputs`` takes something that noise cannot be put back into, or a compiled model, which would not
                see the noise.
        """
        if kind not in ("additive", "multiplicative") or at not in ("output", "input"):
            raise InputError(
                f"noise takes kind='additive' or 'multiplicative' and at='output' or 'input', got {kind!r}, {at!r}."
            )
        self._refuse_compiled()
        inner = {one.name: one.module for one in self._passes.taps.values() if one.module is not last_part(self.model)}
        wanted = inner if layers is None else chosen(self.model, layers)
        taps, uncalled = self._look(wanted)
        several = sorted({one.name.split(" (call")[0] for one in taps if one.call})
        if several or uncalled or not taps:
            raise InputError(
                f"Noise needs layers that are called once in a pass, and {', '.join(several or uncalled) or 'none'} "
                f"{'is called more often' if several else 'is not called'}; name others: layers=[...]."
            )
        derived = [one.name for one in taps if not one.part]
        if derived and at == "output":
            raise InputError(
                "Noise goes on a tensor that a layer returns, and outputs= takes something else of "
                f"{', '.join(derived)}; let it take the tensor itself and use pooling=..., or name other layers."
            )
        sizes = {one.name: sigma.get(one.name) if isinstance(sigma, Mapping) else sigma for one in taps}
        for name, size in sizes.items():
            if not is_real(size) or not 0 < float(size) < math.inf:  # type: ignore[arg-type]
                raise InputError(f"noise needs a sigma above 0 for {name!r}, got {size!r}.")
        numbers = {name: float(size) for name, size in sizes.items()}  # type: ignore[arg-type]
        share = next(iter(numbers.values())) if relative else None
        if relative and kind == "additive":
            numbers = self._stored(numbers) or self._frozen(taps, numbers)
        hooks = [NoiseHook(t.name, t.module, numbers[t.name], kind, at, self._generators, t.select) for t in taps]
        made = Noise(hooks, kind, at, share, self._forget)
        self._noises.append(made)
        self._passes.hooks = [hook for noise in self._noises for hook in noise.hooks]
        return made

    def gradients(self, loss: Loss, batches: Iterable[Any]) -> dict[str, np.ndarray]:
        """Gradient statistics by watched layer, for ``watch.snapshot(epoch, **watch.gradients(loss, loader))``.

        A layer answers for the weights that are used between the watched layer before it and itself; nan where there
        are none. See :func:`gradient_statistics`.

        Args:
            loss: called with (model, batch), gives the mean loss of the batch.
            batches: for example a data loader.
        """
        with self._generators.aside((self.settings.seed,)):
            return gradient_statistics(self.model, loss, batches, self._owned())

    @property
    def noise_words(self) -> str | None:
        words = [noise.words for noise in self._noises]
        if self._stochastic:
            words.append(f"left on in evaluation: {self._stochastic}")
        return "; ".join(words) or None

    def _own_noises(self) -> dict[str, OwnNoise]:
        hooks = {hook.name: hook for hook in self._passes.hooks if hook.where == "output"}
        found, before = {}, bool(self._stochastic) or any(hook.where == "input" for hook in self._passes.hooks)
        before = before or any(name not in self.layers for name in hooks)  # where it sits in the order is not known
        for name in self.layers:
            hook = hooks.get(name)
            if hook is None:
                continue
            pooling = self.settings.pool(name)
            scale = pooling.noise_scale(self._passes.shapes.get(name, (1,)))
            if hook.kind == "additive" and scale is not None:
                found[name] = OwnNoise("additive", hook.sigma * scale, not before)
            elif pooling.words == "":
                found[name] = OwnNoise(hook.kind, hook.sigma, not before)
            before = True
        return found

    def _runner(self) -> Runner:
        passes = self._passes

        def run(
            state: np.ndarray, layers: Sequence[str], stream: tuple[int, ...], *, centres: bool = False
        ) -> dict[str, np.ndarray]:
            return passes.run(layers, stream, state=state, centres=centres)

        return run

    def _ratios(self, powers: Powers) -> dict[str, np.ndarray]:
        """Signal-to-noise of every watched layer with noise on its output: variance of S over that of the noise."""
        found = np.full(len(self.layers), np.nan)
        for hook in self._passes.hooks:
            if hook.name in self.layers and hook.where == "output":
                signal = powers.deviation(hook.name) ** 2
                noise = hook.sigma**2 * (1.0 if hook.kind == "additive" else powers.power(hook.name))
                found[self.layers.index(hook.name)] = signal / noise if noise > 0 else np.nan
        return {"snr": found}

    def _look(self, modules: Mapping[str, nn.Module]) -> tuple[list[Tap], list[str]]:
        with self._generators.aside((self.settings.seed,)):
            return look(self.model, modules, self._passes.inputs, self._outputs, self._passes.left_on)[:2]

    def _frozen(self, taps: Sequence[Tap], shares: dict[str, float]) -> dict[str, float]:
        """Absolute deviations from shares of the layers' own before pooling, on the probe as the network is now."""
        powers = Powers()
        pools = {one.name: Flatten() for one in taps}
        passes = Passes(self.model, taps, self._passes.inputs, pools, self._passes.left_on, self._generators)
        for batch in passes.batches(list(pools), (self.settings.seed,)):
            for name, values in batch.items():
                powers.add(name, torch.from_numpy(values))
        found = {name: share * powers.deviation(name) for name, share in shares.items()}
        for name, sigma in found.items():
            if not sigma > 0:
                raise InputError(f"Layer {name!r} does not vary over the probe, so relative noise is none; give sigma.")
        return found

    def _stored(self, names: Mapping[str, float]) -> dict[str, float] | None:
        """Deviations that the recording in this watch's folder was made with."""
        path = self.settings.path
        if path is None or not (Path(path) / "recording.json").exists():
            return None
        kept = read_header(Path(path)).get("own_noises", {})
        if not set(names) <= set(kept):
            return None
        next(self._passes.batches(self.layers, (0,)))  # for the shapes: what is kept is the noise after pooling
        scales = {name: self.settings.pool(name).noise_scale(self._passes.shapes[name]) for name in names}
        return {name: kept[name]["sigma"] / (scale or 1.0) for name, scale in scales.items()}

    def _forget(self, noise: Noise) -> None:
        self._noises = [one for one in self._noises if one is not noise]
        self._passes.hooks = [hook for one in self._noises for hook in one.hooks]

    def _refuse_compiled(self) -> None:
        compiled = any(
            type(module).__name__ == "OptimizedModule" or getattr(module, "_compiled_call_impl", None) is not None
            for module in self.model.modules()
        )
        if compiled:
            raise InputError(
                "A compiled model does not see noise that is added afterwards; call watch(...).noise(...) on the model "
                "before torch.compile."
            )

    def _owned(self) -> dict[str, list[torch.Tensor]]:
        """By watched layer, the weights used since the watched layer before it."""
        modules = {name: module for name, module in self.model.named_modules() if name}
        with_weights = {n: m for n, m in modules.items() if any(True for _ in m.parameters(recurse=False))}
        watched = {one.module: one.name for one in self._passes.taps.values()}
        every = {**with_weights, **{f"watched {name}": module for module, name in watched.items()}}
        order: list[nn.Module] = []
        handles = [m.register_forward_hook(lambda m, _a, _o: order.append(m)) for m in set(every.values())]
        try:
            next(self._passes.batches(self.layers[:1], (0,)))
        finally:
            for handle in handles:
                handle.remove()
        found: dict[str, list[torch.Tensor]] = {name: [] for name in self.layers}
        taken: set[int] = set()
        waiting: list[torch.Tensor] = []
        calls: dict[int, int] = {}
        for module in order:
            fresh = [p for p in module.parameters(recurse=False) if id(p) not in taken]
            taken |= {id(p) for p in fresh}
            waiting += fresh
            if module in watched:
                call = calls[id(module)] = calls.get(id(module), -1) + 1
                name = next(t.name for t in self._passes.taps.values() if t.module is module and t.call == call)
                found[name] += waiting
                waiting = []
        return found


def watch(
    model: nn.Module,
    probe: tuple[Any, Any],
    layers: Iterable[Layer] | Layer | None = None,
    *,
    outputs: Mapping[str, Callable[[Any], Any]] | None = None,
    stochastic: Iterable[Layer] | Layer = (),
    batch_size: int = 512,
    **settings: Any,
) -> TorchWatch:
    """Watch a PyTorch model from outside while it trains.

    >>> watch = ip.torch.watch(model, probe=(x_test, y_test), path="run")  # doctest: +SKIP
    >>> watch.snapshot(epoch, loss_train=loss)  # doctest: +SKIP

    Only forward hooks are used, and only during a snapshot. Model, mode, gradients, device, buffers and random state
    are left as found, so that training is the same, bit by bit, with and without a watch. The model is run in
    evaluation mode and without gradients, on whatever device and in whatever precision it is; compiled models run
    uncompiled for the snapshot.

    Args:
        model: any ``torch.nn.Module``; of a parallel wrapper, the module inside.
        probe: (x, y): inputs as the model takes them (a tensor; a tuple of positional or a mapping of named arguments),
            and targets (n,): integers are classes, floats a regression target. With :class:`EachToken` also (n,
            tokens).
        layers: names, regular expressions matching a whole name, or types of modules, or a list of them. None for the
            activation functions and the last part of the model, or without such functions all parts with weights. A
            layer that is called several times in a pass becomes one layer a call.
        outputs: by layer, what to take of an output that is not one tensor, as in ``{"lstm": lambda out: out[0]}``.
        stochastic: modules that stay on in evaluation, such as ``torch.nn.Dropout`` where it is meant.
        batch_size: samples of the probe that run at once.
        **settings: ``path``, ``keep``, ``estimator``, ``estimator_target``, ``channel``, ``compressor``, ``pooling``,
            ``seed``, ``task``, ``null``; see :class:`infoplane.watching.Settings`.

    Returns:
        The watch, with ``snapshot``, ``recording``, ``plane``, ``noise`` and ``gradients``.

    Raises:
        InputError: a layer that is not there (with the nearest names) or never called, an output that is no tensor
            with one row a sample, or a probe the model cannot be run on.
    """
    return TorchWatch(model, probe, layers, dict(outputs or {}), stochastic, batch_size, settings_of(settings))
