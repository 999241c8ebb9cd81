"""Small PyTorch models, data and a training script, shared by the tests of ``infoplane.torch``."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional


def data(n: int = 300, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """(n, 10) normal inputs, and the sign of the sum of two of them."""
    x = torch.randn(n, 10, generator=torch.Generator().manual_seed(seed))
    return x, (x[:, 0] + x[:, 1] > 0).long()


def plain(seed: int = 1) -> nn.Sequential:
    """With everything that has a state of its own: batch norm, dropout."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(10, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Dropout(0.2), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 2)
    )


def train(model: nn.Module, epochs: int = 3, look: Any = None) -> nn.Module:
    """An ordinary script: shuffled batches and dropout from the global random state; ``look(epoch)`` before each."""
    x, y = data()
    torch.manual_seed(2)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    model.train()
    for epoch in range(epochs):
        if look is not None:
            look(epoch)
        for rows in torch.randperm(len(x)).split(50):
            optimizer.zero_grad()
            functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
    return model


def same_state(a: nn.Module, b: nn.Module) -> bool:
    """Whether two models have the same weights and buffers, bit by bit."""
    first, second = a.state_dict(), b.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)
