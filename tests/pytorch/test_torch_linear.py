"""The whole road on a network whose information is known: torch, hooks, noise, compression, weighted neighbours."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import infoplane as ip
from infoplane.compressors import PCA
from infoplane.estimators import WeightedKL

SIGMA, COLUMNS = 0.3, 40


def watched(seed: int, n: int, inputs: int, **settings: object) -> tuple[ip.recordings.Recording, list[float]]:
    """A snapshot of two noisy linear layers, and their I(X;T) in closed form."""
    draw = torch.Generator().manual_seed(seed)
    model = nn.Sequential(nn.Linear(inputs, COLUMNS, bias=False), nn.Linear(COLUMNS, 20, bias=False), nn.Linear(20, 2))
    with torch.no_grad():
        for k in (0, 1):
            model[k].weight.copy_(torch.randn(model[k].weight.shape, generator=draw) / COLUMNS**0.5)
    x = torch.randn(n, inputs, generator=draw)
    watch = ip.torch.watch(model, (x, (x[:, 0] > 0).long()), ["0", "1", "2"], seed=seed, **settings)  # type: ignore[arg-type]
    watch.noise(SIGMA, layers=["0", "1"])
    watch.snapshot(0)
    first, second = (model[k].weight.detach().double().numpy() for k in (0, 1))
    one = 0.5 * np.linalg.slogdet(np.eye(COLUMNS) + first @ first.T / SIGMA**2)[1]
    given_x = SIGMA**2 * (second @ second.T + np.eye(20))
    both = second @ first @ first.T @ second.T + given_x
    return watch.recording, [float(one), 0.5 * float(np.linalg.slogdet(both)[1] - np.linalg.slogdet(given_x)[1])]


@pytest.mark.slow
@pytest.mark.parametrize("inputs", [1, 3, 6])
def test_closed_form_lies_in_the_interval(inputs: int) -> None:
    """Codes of as many dimensions as there are inputs lose nothing; 17 of 20 intervals of 95 % at least cover."""
    covered = 0
    for seed in range(20):
        recording, truth = watched(seed, 10_000, inputs)
        codes = ip.recordings.compressed(recording, layers=PCA(inputs))
        plane = ip.information_plane(codes, WeightedKL(), layers=["0"])
        covered += abs(plane.mi_input.item() - truth[0]) < 1.96 * plane.mi_input_stderr.item()
    assert covered >= 17


@pytest.mark.parametrize("streamed", [False, True])
def test_loss_bound_covers_what_is_lost(streamed: bool) -> None:
    """Two dimensions of four, in the first layer and behind it."""
    recording, truth = watched(3, 4000, 4, **({"compressor": PCA(2)} if streamed else {}))
    codes = recording if streamed else ip.recordings.compressed(recording, layers=PCA(2))
    plane = ip.information_plane(codes, WeightedKL(), layers=["0", "1"])
    lost = np.array(truth) - plane.mi_input.to_numpy()[0, 0]
    errors = plane.mi_input_stderr.to_numpy()[0, 0]
    assert (lost > 0.2).all()
    assert (lost < plane.loss_bound_input.to_numpy()[0, 0] + 3 * errors).all()
    assert (np.array(truth) < plane.snr_bound.to_numpy()[0, 0]).all()
