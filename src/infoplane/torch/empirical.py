"""The tangent kernel of a PyTorch network, as it is."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import nn

from ..errors import InputError
from ..infinite.checkpoints import gathered, over_training
from ..infinite.empirical import Sides, as_outputs, held, multiplied
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
    weights = _weights(model)
    with undisturbed(model, left_on=(), seed=0):
        sides = [_side(model, weights, x) for x in ((x1,) if x2 is None else (x1, x2))]
        return multiplied(*sides)


def empirical_information(
    model: nn.Module, states_by_epoch: Mapping[int, Any], train: tuple[torch.Tensor, Any],
    test: tuple[torch.Tensor, Any], times: Any, *,
    networks: bool = False, starts: Sequence[Mapping[str, torch.Tensor]] | None = None, **options: Any,
) -> xr.Dataset:  # fmt: skip
    """Kernels, spectrum, drift and information of a PyTorch network at every epoch kept of its training.

    As :func:`infoplane.infinite.empirical_information`, which says what the numbers mean and why random starts are
    needed. The model is copied, and the copy is run in evaluation mode.

    Args:
        model: any ``torch.nn.Module`` that takes one tensor.
        states_by_epoch: by epoch, a ``state_dict()``, copied when it was taken (``copy.deepcopy``): the tensors of a
            state dict go on changing with the model; with ``networks=True`` a sequence of them.
        train: inputs and targets.
        test: inputs and targets the network was not trained on.
        times: of the summed half-squared loss, from 0 to infinity.
        networks: whether there are several networks at every epoch.
        starts: state dicts of 2 random starts or more; None: the several networks of the first epoch.
        options: as there.

    Returns:
        Dataset, as there.

    Raises:
        InputError: as there, or no weights that require a gradient.
    """
    own, (x_train, x_test) = copy.deepcopy(model), (train[0], test[0])

    def outputs(state: Mapping[str, torch.Tensor]) -> np.ndarray:
        own.load_state_dict(state)
        with undisturbed(own, left_on=(), seed=0):
            return np.concatenate([as_outputs(own(x).double().cpu().numpy(), len(x)) for x in (x_train, x_test)])

    def tangents(state: Mapping[str, torch.Tensor]) -> tuple[np.ndarray, np.ndarray]:
        own.load_state_dict(state)
        weights = _weights(own)
        with undisturbed(own, left_on=(), seed=0):
            mine, theirs = held(_side(own, weights, x_train)), _side(own, weights, x_test)
            return multiplied(mine).ntk, multiplied(theirs, mine).ntk

    made = gathered(states_by_epoch, networks, starts, outputs, tangents)
    return over_training(made, _numbers(train[1]), _numbers(test[1]), times, options)


def _numbers(targets: Any) -> Any:
    return targets.detach().cpu().numpy() if isinstance(targets, torch.Tensor) else targets


def _weights(model: nn.Module) -> dict[str, torch.Tensor]:
    found = {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
    if not found:
        raise InputError("empirical_kernels needs weights that require a gradient, and the model has none.")
    return found


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
