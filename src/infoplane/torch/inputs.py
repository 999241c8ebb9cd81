"""The probe as a model takes it: a tensor, or several by position or by name, cut into batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from ..errors import InputError
from ..samples import whole

_MOST_KEPT = 500_000_000  # bytes of inputs that a recording keeps for estimators that look at them


class Inputs:
    """(n, ...) inputs of a model.

    Attributes:
        n: samples.
        batch_size: samples that run through the model at once.
    """

    def __init__(self, x: Any, batch_size: int, dtype: torch.dtype | None, device: torch.device) -> None:
        """Take a tensor or array, a tuple of them (positional arguments) or a mapping (named arguments).

        Raises:
            InputError: no tensors, or of different lengths.
        """
        self.batch_size = whole(batch_size, "watch(batch_size)", low=1)
        self._device, self._dtype = device, dtype
        if isinstance(x, Mapping):
            self._named = {str(name): _tensor(value, f"x[{name!r}]") for name, value in x.items()}
            self._placed: list[torch.Tensor] = []
        else:
            self._named = {}
            self._placed = [_tensor(value, "x") for value in (x if isinstance(x, tuple) else (x,))]
        lengths = {len(value) for value in self._all}
        if len(lengths) != 1:
            raise InputError(f"The probe needs inputs of one length, got {sorted(lengths) or 'none'}.")
        self.n = lengths.pop()

    @property
    def _all(self) -> list[torch.Tensor]:
        return [*self._placed, *self._named.values()]

    def batches(self, most: int | None = None) -> Iterator[tuple[int, tuple[Any, ...], dict[str, Any]]]:
        """(samples, positional, named) arguments of one forward pass after another.

        Args:
            most: only so many samples, for a first look.
        """
        n = self.n if most is None else min(most, self.n)
        for start in range(0, n, self.batch_size):
            rows = slice(start, min(start + self.batch_size, n))
            placed = tuple(self._ready(value[rows]) for value in self._placed)
            yield rows.stop - start, placed, {name: self._ready(value[rows]) for name, value in self._named.items()}

    def flat(self) -> np.ndarray | None:
        """(n, dx) inputs for a recording, or None where they would take too much memory."""
        if sum(value.numel() * 4 for value in self._all) > _MOST_KEPT:
            return None
        columns = [
            value.detach().cpu().float().reshape(self.n, -1).numpy()
            if len(self._all) > 1 or value.is_floating_point()
            else value.detach().cpu().reshape(self.n, -1).numpy()
            for value in self._all
        ]
        return columns[0] if len(columns) == 1 else np.concatenate(columns, axis=1)

    def _ready(self, value: torch.Tensor) -> torch.Tensor:
        value = value.to(self._device)
        return value.to(self._dtype) if value.is_floating_point() and self._dtype is not None else value


def _tensor(value: Any, name: str) -> torch.Tensor:
    try:
        found = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(f"The probe's {name} needs a tensor or an array, got {type(value).__name__}.") from None
    if found.ndim == 0 or len(found) < 2:
        raise InputError(f"The probe's {name} needs at least 2 samples along its first axis, got {tuple(found.shape)}.")
    return found.detach()


def where(model: nn.Module) -> tuple[torch.dtype | None, torch.device]:
    """Type of the floating weights of a model, and the device they are on."""
    floating = [p for p in (*model.parameters(), *model.buffers()) if p.is_floating_point()]
    every = [*floating, *model.parameters()]
    return (floating[0].dtype if floating else None), (every[0].device if every else torch.device("cpu"))
