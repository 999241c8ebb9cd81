"""Gradients of a loss at fixed weights: how far mini-batches agree on where to go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from ..errors import InputError
from .undisturbed import undisturbed

Loss = Callable[[nn.Module, Any], torch.Tensor]


def gradient_statistics(
    model: nn.Module,
    loss: Loss,
    batches: Iterable[Any],
    layers: Mapping[str, Sequence[torch.Tensor]] | None = None,
) -> dict[str, np.ndarray]:
    """Mean and deviation of the gradient over mini-batches, at the weights as they are.

    The same as :func:`infoplane.networks.train_ensemble` records: with a partition of the training sample as batches
    the mean is the exact training gradient. The model, its gradients, mode, buffers and random state are left as found;
    dropout and noise act as they do in training, and their part in the deviation is part of it.

    Args:
        model: any.
        loss: called with (model, batch), gives the mean loss of the batch.
        batches: for example a data loader; weighed by the length of their first tensor.
        layers: weights by layer; if None, those of every module that has some of its own. Of a layer's weights only
            matrices and filters count, as long as there are any.

    Returns:
        ``gradient_mean`` (norm of the mean), ``gradient_std`` (root mean squared distance from it) and ``weight_norm``:
        (layers,) float64 each.

    Raises:
        InputError: no batches, no weights, or a loss that is no finite number.
    """
    found = _own_weights(model) if layers is None else dict(layers)
    kept = {name: _matrices(weights) for name, weights in found.items()}
    every = [weight for weights in kept.values() for weight in weights if weight.requires_grad]
    if not every:
        raise InputError("gradient_statistics needs weights that require a gradient, and found none.")
    mean = [torch.zeros_like(w, dtype=torch.float64) for w in every]
    squares = [torch.zeros((), dtype=torch.float64, device=w.device) for w in every]
    total = 0.0
    modes = [module for module in model.modules() if module.training]
    with undisturbed(model, left_on=tuple(modes), seed=0):
        for batch in batches:
            size = float(_length(batch))
            gradients = _gradient(model, loss, batch, every)
            total += size
            for k, gradient in enumerate(gradients):
                step = gradient.double() - mean[k]
                mean[k] += step * (size / total)
                squares[k] += size * (step * (gradient.double() - mean[k])).sum()
    if not total:
        raise InputError("gradient_statistics needs at least one batch, got none.")
    where = {id(weight): k for k, weight in enumerate(every)}

    def norm(values: Callable[[torch.Tensor], float]) -> np.ndarray:
        return np.array([sum(values(w) for w in weights) ** 0.5 if weights else np.nan for weights in kept.values()])

    def of(numbers: Callable[[int], torch.Tensor]) -> Callable[[torch.Tensor], float]:
        return lambda weight: float(numbers(where[id(weight)])) if id(weight) in where else 0.0

    return {
        "gradient_mean": norm(of(lambda k: (mean[k] ** 2).sum())),
        "gradient_std": norm(of(lambda k: squares[k].clamp(min=0.0) / total)),
        "weight_norm": norm(lambda weight: float((weight.detach().double() ** 2).sum())),
    }


def _gradient(model: nn.Module, loss: Loss, batch: Any, weights: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    with torch.enable_grad():
        value = loss(model, batch)
        if not isinstance(value, torch.Tensor) or value.numel() != 1 or not torch.isfinite(value):
            raise InputError(
                f"gradient_statistics needs loss(model, batch) to give one finite number, got {value!r}; return the "
                "mean loss of the batch as a tensor."
            )
        gradients = torch.autograd.grad(value, list(weights), allow_unused=True)
    return [torch.zeros_like(w) if g is None else g for g, w in zip(gradients, weights, strict=True)]


def _own_weights(model: nn.Module) -> dict[str, list[torch.Tensor]]:
    found: dict[str, list[torch.Tensor]] = {
        name: list(module.parameters(recurse=False)) for name, module in model.named_modules()
    }
    return {name: weights for name, weights in found.items() if weights}


def _matrices(weights: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    return [w for w in weights if w.ndim >= 2] or list(weights)


def _length(batch: Any) -> int:
    if isinstance(batch, torch.Tensor):
        return len(batch)
    parts = batch.values() if isinstance(batch, Mapping) else batch if isinstance(batch, tuple | list) else ()
    return next((len(part) for part in parts if isinstance(part, torch.Tensor) and part.ndim), 1)
