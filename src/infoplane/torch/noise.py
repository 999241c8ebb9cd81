"""Noise that makes a PyTorch model stochastic, in training and in evaluation, until it is removed."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from ..errors import InputError
from ..samples import whole

Kind = Literal["additive", "multiplicative"]
Where = Literal["output", "input"]


@dataclass(eq=False)
class NoiseHook:
    """Gaussian noise on one module.

    Attributes:
        name: of the layer.
        module: that it sits on.
        sigma: standard deviation: absolute for additive noise, a share of every value for multiplicative.
        kind: "additive", T = S + sigma Z, or "multiplicative", T = S (1 + sigma Z).
        where: on the module's output, or on its input.
        generator: draws it: not the global one, so that the script's own random numbers stay as they are.
        select: takes the tensor that gets it out of what the module returns.
        watched: told S of every call, while the probe runs; of noise on the output.
    """

    name: str
    module: nn.Module
    sigma: float
    kind: Kind
    where: Where
    generator: Generators
    select: Callable[[Any], Any]
    watched: Callable[[str, torch.Tensor], None] | None = None
    handles: list[RemovableHandle] = field(default_factory=list)

    def attach(self) -> None:
        """Start adding noise."""
        if self.where == "output":
            self.handles.append(self.module.register_forward_hook(self._after))
        else:
            self.handles.append(self.module.register_forward_pre_hook(self._before))

    def _after(self, module: nn.Module, arguments: Any, output: Any) -> Any:
        centre = self.select(output)
        if self.watched is not None:
            self.watched(self.name, centre)
        return _replaced(output, centre, self._noisy)

    def _before(self, module: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self._noisy(arguments[0]), *arguments[1:])

    def _noisy(self, centre: torch.Tensor) -> torch.Tensor:
        draw = torch.randn(
            centre.shape, generator=self.generator(centre.device), device=centre.device, dtype=torch.float32
        ).to(centre.dtype)
        return centre + self.sigma * draw if self.kind == "additive" else centre + self.sigma * centre * draw


class Noise:
    """Noise on some layers of a watched model, from ``watch.noise(...)``; removable, also as a context manager.

    Attributes:
        sigmas: by layer, the standard deviation: absolute, frozen when the noise was made.
        kind: "additive" or "multiplicative".
        where: "output" of the layer, or "input".
        relative: the share of the layer's deviation that ``sigmas`` were made from; None where they were given.
    """

    def __init__(
        self, hooks: list[NoiseHook], kind: Kind, where: Where, relative: float | None, forget: Callable[[Noise], None]
    ) -> None:
        self.hooks, self.kind, self.where, self.relative, self._forget = hooks, kind, where, relative, forget
        for hook in hooks:
            hook.attach()

    @property
    def sigmas(self) -> dict[str, float]:
        return {hook.name: hook.sigma for hook in self.hooks}

    @property
    def words(self) -> str:
        """The noise in one sentence, for results."""
        values = [f"{sigma:.3g}" for sigma in self.sigmas.values()]
        size = f"sigma {', '.join(values[:1] if len(set(values)) == 1 else values)}"
        if self.kind == "additive":
            share = "" if self.relative is None else f", {self.relative:.3g} of the layer's deviation"
            return f"additive Gaussian ({size}{share}) after {', '.join(self.sigmas)}"
        place = "after" if self.where == "output" else "on the input of"
        return f"multiplicative Gaussian ({size}) {place} {', '.join(self.sigmas)}"

    def restart(self, number: int) -> None:
        """Seed the noise of training anew, with ``number``; 0 is how every watch starts.

        A run that restarts its noise at certain places, with the number of updates made, can be stopped at these places
        and draws the same noise when it goes on. All noise of one watch restarts together.

        Raises:
            InputError: no whole number from 0 up, or noise that was removed.
        """
        whole(number, "noise.restart", low=0)
        if not any(hook.handles for hook in self.hooks):
            raise InputError("noise.restart needs noise that is on, and this was removed; call watch.noise(...) again.")
        for hook in self.hooks:
            hook.generator.restart(number)

    def remove(self) -> None:
        """Take the noise away: the model is deterministic again."""
        for hook in self.hooks:
            for handle in hook.handles:
                handle.remove()
            hook.handles.clear()
        self._forget(self)

    def __enter__(self) -> Noise:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class Generators:
    """One random generator a device for training, and others for whatever looks at the network."""

    def __init__(self, seed: int) -> None:
        self.seed = self._first = seed
        self._training: dict[torch.device, torch.Generator] = {}
        self._probe: dict[torch.device, torch.Generator] | None = None
        self._stream: tuple[int, ...] = ()

    def __call__(self, device: torch.device) -> torch.Generator:
        """The generator at work on a device."""
        if self._probe is None:
            if device not in self._training:
                self._training[device] = torch.Generator(device).manual_seed(self._first)
            return self._training[device]
        if device not in self._probe:
            self._probe[device] = torch.Generator(device).manual_seed(_mixed(self.seed, *self._stream))
        return self._probe[device]

    def restart(self, number: int) -> None:
        """Seed those of training anew."""
        self._first = _mixed(self.seed, number) if number else self.seed
        self._training.clear()

    @contextlib.contextmanager
    def aside(self, stream: tuple[int, ...]) -> Iterator[None]:
        """Draw from numbers that ``stream`` seeds; those of training stay where they are."""
        before = self._probe, self._stream
        self._probe, self._stream = {}, stream
        try:
            yield
        finally:
            self._probe, self._stream = before


def _mixed(*numbers: int) -> int:
    """One seed of several numbers."""
    return int(np.random.SeedSequence([0x0153, *numbers]).generate_state(1, np.uint64)[0] >> np.uint64(1))


class Powers:
    """Power of signals over the probe, batch by batch; values are taken from the first batch's mean, so that an offset
    costs no digits."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[int, torch.Tensor, torch.Tensor]] = {}
        self._origins: dict[str, torch.Tensor] = {}

    def add(self, name: str, centre: torch.Tensor) -> None:
        """Take the values of one batch."""
        values = centre.detach().reshape(len(centre), -1).double()
        origin = self._origins.setdefault(name, values.mean(0))
        n, total, squares = self._sums.get(name, (0, torch.zeros_like(origin), torch.zeros_like(origin)))
        values = values - origin
        self._sums[name] = (n + len(values), total + values.sum(0), squares + (values**2).sum(0))

    def deviation(self, name: str) -> float:
        """Root of the mean variance of the units."""
        n, total, squares = self._sums[name]
        return math.sqrt(max(float((squares / n - (total / n) ** 2).mean()), 0.0))

    def power(self, name: str) -> float:
        """Mean square of the values."""
        n, total, squares = self._sums[name]
        origin = self._origins[name]
        return float((squares / n + 2 * origin * total / n + origin**2).mean())


def _replaced(output: Any, centre: torch.Tensor, noisy: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """What a layer returns, with noise on the tensor itself or on the one part that is ``centre``."""
    if isinstance(output, torch.Tensor):
        return noisy(output)
    if isinstance(output, MutableMapping):
        found = copy.copy(output)
        for key, part in output.items():
            if part is centre:
                found[key] = noisy(part)
        return found
    parts = [noisy(part) if part is centre else part for part in output]
    return type(output)._make(parts) if hasattr(output, "_make") else type(output)(parts)
