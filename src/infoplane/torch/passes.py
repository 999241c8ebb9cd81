"""Passes of the probe through a model, batch by batch, with the outputs of watched layers pooled on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from ..errors import InputError
from ..recordings.replay import apart, one_state
from ..watching.pooling import Pooling
from .inputs import Inputs
from .layers import Tap
from .noise import Generators, NoiseHook
from .undisturbed import undisturbed


class Passes:
    """Runs the probe through a model.

    Attributes:
        model: theirs; left as found.
        taps: what is watched, in the order of the calls.
        hooks: noise on the model; centres are taken from it.
    """

    def __init__(
        self,
        model: nn.Module,
        taps: Sequence[Tap],
        inputs: Inputs,
        pools: Mapping[str, Pooling],
        left_on: tuple[nn.Module, ...],
        generators: Generators,
    ) -> None:
        self.model, self.taps, self.inputs, self.pools = model, {one.name: one for one in taps}, inputs, pools
        self.left_on, self.generators = left_on, generators
        self.hooks: list[NoiseHook] = []
        self._calls = {id(t.module): sum(o.module is t.module for o in taps) for t in taps}
        self.shapes: dict[str, tuple[int, ...]] = {}

    def batches(
        self, layers: Sequence[str], stream: tuple[int, ...], *, state: np.ndarray | None = None, centres: bool = False
    ) -> Iterator[dict[str, np.ndarray]]:
        """By layer, (batch, d) pooled outputs, one batch of the probe after another.

        Args:
            layers: names.
            stream: numbers that seed what is random in this pass.
            state: (P,) weights; the model's own if None.
            centres: layers with noise of their own before that noise.
        """
        weights = None if state is None else self._tensors(state)
        seed = int(np.random.SeedSequence([0x7A55, *stream]).generate_state(1)[0])
        with undisturbed(self.model, left_on=self.left_on, seed=seed), self.generators.aside(stream):
            for _, placed, named in self.inputs.batches():
                yield self._one(layers, placed, named, weights, centres)

    def run(
        self, layers: Sequence[str], stream: tuple[int, ...], *, state: np.ndarray | None = None, centres: bool = False
    ) -> dict[str, np.ndarray]:
        """By layer, (n, d) pooled outputs of one pass."""
        parts = list(self.batches(layers, stream, state=state, centres=centres))
        return {layer: np.concatenate([part[layer] for part in parts]) for layer in layers}

    def state(self) -> np.ndarray:
        """(P,) floating weights and buffers of the model as it is."""
        return one_state({name: _array(value) for name, value in self._named().items()})[0]

    def _named(self) -> dict[str, torch.Tensor]:
        every = {**dict(self.model.named_parameters()), **dict(self.model.named_buffers())}
        return {name: value for name, value in every.items() if value.is_floating_point()}

    def _tensors(self, state: np.ndarray) -> dict[str, torch.Tensor]:
        own = self._named()
        arrays = apart(state, [(name, tuple(value.shape)) for name, value in own.items()])
        return {n: torch.from_numpy(np.array(a)).to(own[n].device, own[n].dtype) for n, a in arrays.items()}

    def _one(
        self,
        layers: Sequence[str],
        placed: tuple[Any, ...],
        named: dict[str, Any],
        weights: dict[str, torch.Tensor] | None,
        centres: bool,
    ) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        seen: dict[int, int] = {}
        modules = {id(self.taps[name].module): self.taps[name].module for name in layers}
        at = {(id(t.module), t.call): t for t in (self.taps[name] for name in layers)}

        def watch(module: nn.Module, _arguments: Any, output: Any) -> None:
            call = seen[id(module)] = seen.get(id(module), -1) + 1
            one = at.get((id(module), call))
            if one is not None and one.name not in found:
                found[one.name] = self._pooled(one.name, one.select(output))

        handles = [module.register_forward_hook(watch) for module in modules.values()]
        if centres:
            own = {hook.name for hook in self.hooks} & set(layers)
            for hook in self.hooks:
                if hook.name in own:
                    hook.watched = lambda name, centre: found.__setitem__(name, self._pooled(name, centre))
        try:
            if weights is None:
                self.model(*placed, **named)
            else:
                torch.func.functional_call(self.model, weights, placed, named)
        finally:
            for handle in handles:
                handle.remove()
            for hook in self.hooks if centres else []:
                hook.watched = None
        for key, module in modules.items():
            if seen.get(key, -1) + 1 != self._calls[key]:
                names = [t.name for t in self.taps.values() if t.module is module]
                raise InputError(
                    f"Layer {names[0]!r} was called {seen.get(key, -1) + 1} times in this forward pass and "
                    f"{self._calls[key]} times in the first; watch a layer that is called equally often for all inputs."
                )
        return found

    def _pooled(self, name: str, value: torch.Tensor) -> np.ndarray:
        value = value.detach()
        value = value if value.dtype == torch.float64 else value.float()
        self.shapes[name] = tuple(value.shape[1:])
        like = lambda array: torch.from_numpy(array).to(value.device, value.dtype)  # noqa: E731
        return _array(self.pools[name].of(value, like))


def _array(value: torch.Tensor) -> np.ndarray:
    value = value.detach()
    value = value.float() if value.dtype in (torch.bfloat16, torch.float16) else value
    return value.cpu().numpy()
