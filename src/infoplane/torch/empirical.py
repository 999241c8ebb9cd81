"""The tangent kernel of a PyTorch network, as it is."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ..errors import InputError
from ..infinite.empirical import Sides, as_outputs, multiplied
from ..infinite.kernels import Kernels
from .undisturbed import undisturbed


def empirical_kernels(model: nn.Module, x1: torch.Tensor, x2: torch.Tensor | None = None) -> Kernels:
    """The tangent kernel of a PyTorch network at its weights, and the second moments of its outputs.

    As :func:`infoplane.infinite.empirical_kernels`, for any model that gives (n,) or (n, O) outputs. It is run in
    evaluation mode, where every output depends on its own input only; the model is left as found. Weights that require
    no gradient are constants.

    Args:
        model: any ``torch.nn.Module`` that takes one tensor.
        x1: (n1, ...) inputs.
        x2: (n2, ...) inputs; those of x1 if None.

    Returns:
        Kernels (n1, n2), float64; without curvature.

    Raises:
        InputError: outputs of another shape or that are not finite, or no weights that require a gradient.
    """
    weights = {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
    if not weights:
        raise InputError("empirical_kernels needs weights that require a gradient, and the model has none.")
    with undisturbed(model, left_on=(), seed=0):
        sides = [_side(model, weights, x) for x in ((x1,) if x2 is None else (x1, x2))]
        return multiplied(*sides)


def _side(model: nn.Module, weights: dict[str, torch.Tensor], x: torch.Tensor) -> Sides:
    def of_one(p: dict[str, torch.Tensor], point: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(model, p, (point[None],)).reshape(-1)

    gradients = torch.func.vmap(torch.func.jacrev(of_one), in_dims=(None, 0))

    def rows(first: int, last: int) -> Any:
        parts = gradients(weights, x[first:last])
        flat = [part.reshape(*part.shape[:2], -1) for part in parts.values()]
        return torch.cat(flat, dim=2).double().cpu().numpy()

    with torch.no_grad():
        values = as_outputs(model(x).double().cpu().numpy(), len(x))
    return Sides(len(x), values, rows, sum(p.numel() for p in weights.values()))
