"""Looking at a model without leaving a trace."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn


@contextlib.contextmanager
def undisturbed(model: nn.Module, *, left_on: tuple[nn.Module, ...] = (), seed: int | None = None) -> Iterator[None]:
    """Evaluation mode, no gradients and a random state of its own; all of it as found afterwards, whatever happens.

    What is put back: training flags module by module, buffers, the random state of the CPU and of the devices the
    model is on, and through the context managers of PyTorch gradient mode and compilation: compiled modules run
    uncompiled meanwhile, so that hooks on their parts are called.

    Args:
        model: looked at.
        left_on: modules that are in training mode meanwhile, such as dropout that is meant; each, without its parts.
        seed: of what is random meanwhile; None leaves the random state where it is.
    """
    modes = [(module, module.training) for module in model.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    devices = {p.device for p in (*model.parameters(), *model.buffers()) if p.device.type == "cuda"}
    with torch.random.fork_rng(devices=sorted(d.index or 0 for d in devices)):
        try:
            if seed is not None:
                torch.manual_seed(seed)
            model.eval()
            for module in left_on:
                module.training = True
            with torch.no_grad(), torch.compiler.set_stance("force_eager"):
                yield
        finally:
            for module, mode in modes:
                module.training = mode
            with torch.no_grad():
                for buffer, before in buffers:
                    if not torch.equal(buffer, before):  # versions do not tell: batch norm's averages keep theirs
                        buffer.copy_(before)
