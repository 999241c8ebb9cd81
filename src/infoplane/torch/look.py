"""A first look at a model: which of its parts are called, how often, in which order, and what they give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ..errors import InputError
from .inputs import Inputs
from .layers import Outputs, Tap, tap
from .undisturbed import undisturbed

_SAMPLES = 2


def look(
    model: nn.Module, modules: Mapping[str, nn.Module], inputs: Inputs, outputs: Outputs, left_on: tuple[nn.Module, ...]
) -> tuple[list[Tap], list[str], set[str]]:
    """Run a few samples through the model, twice.

    Args:
        model: theirs.
        modules: the parts to look at, by name; a part that has several names is watched under the first.
        inputs: of the probe.
        outputs: by name, what to take of an output that is no tensor.
        left_on: modules that stay in training mode.

    Returns:
        The outputs to watch in the order of the calls; names that were never called; names of outputs that differed
        between the two runs although the model was in evaluation mode.

    Raises:
        InputError: the model cannot be run on the probe, or an output is no tensor with one row a sample.
    """
    first = {id(module): name for name, module in reversed(list(modules.items()))}
    own = {first[id(module)]: module for module in modules.values()}
    runs = [_run(model, own, inputs, left_on, seed) for seed in (0, 1)]
    calls = {name: sum(one == name for one, _ in runs[0]) for name in own}
    n = min(_SAMPLES, inputs.n)
    taps, seen = [], dict.fromkeys(own, 0)
    for name, output in runs[0]:
        taps.append(tap(name, own[name], seen[name], calls[name], output, outputs, n))
        seen[name] += 1
    random = set()
    if len(runs[0]) == len(runs[1]):
        for one, (_, a), (_, b) in zip(taps, *runs, strict=True):
            if not torch.equal(one.select(a), one.select(b)):
                random.add(one.name)
    return taps, [name for name in own if not calls[name]], random


def _run(
    model: nn.Module, modules: Mapping[str, nn.Module], inputs: Inputs, left_on: tuple[nn.Module, ...], seed: int
) -> list[tuple[str, Any]]:
    """(name, output) of every call."""
    found: list[tuple[str, Any]] = []
    hooks = [
        module.register_forward_hook(lambda _module, _arguments, output, name=name: found.append((name, output)))
        for name, module in modules.items()
    ]
    try:
        with undisturbed(model, left_on=left_on, seed=seed):
            for _, placed, named in inputs.batches(_SAMPLES):
                model(*placed, **named)
    except InputError:
        raise
    except Exception as error:  # whatever a user's model raises on a probe that does not fit it
        raise InputError(
            f"The model cannot be run on the probe: {type(error).__name__}: {error} Give probe=(x, y) with x as the "
            "model takes it: a tensor, a tuple of tensors, or a mapping of named arguments."
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
    return found
