"""Training of the networks of the lossy-compression experiments; the weights of every snapshot go to disk.

Which library trains the 7,274 weights faster was measured first, on two cores, one epoch of 59 batches of 1,024 with
multiplicative noise and dropout, random images, in seconds:

====================================================  =========  ========
way                                                   two cores  one core
====================================================  =========  ========
PyTorch, channels first, noise from ``randn_like``       7.9       11.9
PyTorch, channels last, noise from ``randn_like``        8.0        9.9
JAX, ``lax.conv_general_dilated``, one scan             27.2       39.8
JAX, windows gathered, then a matrix product             7.4       14.5
JAX, nine shifted matrix products                       14.3
PyTorch, channels last, noise in the order of memory                6.7
====================================================  =========  ========

So PyTorch it is, with noise drawn in the order of memory. PyTorch is an extra of the package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ..errors import InputError
from ..progress import Progress, silent
from ..recordings.layout import read_npz, write_npz
from .lossy_cnn import Network, Noise, evaluate, forward, generator

_BETAS, _EPSILON = (0.9, 0.999), 1e-8
_REFERENCE = 2_000  # images from which the root mean squares at the reference come


@dataclass(frozen=True, eq=False)
class Schedule:
    """How long to train, and when to look.

    Attributes:
        rate: of Adam.
        steps: batches in all.
        marks: batches after which to look, rising; the first 0.
        batch: images an update.
    """

    rate: float
    steps: int
    marks: tuple[int, ...]
    batch: int = 1024


@dataclass(frozen=True, eq=False)
class Trained:
    """Snapshots of one network.

    Attributes:
        weights: (mark, P) float32.
        loss_train: (mark,) mean loss of the batches since the mark before, in training; nan at the first.
        marks: (mark,) batches.
        noise: it was trained with.
    """

    weights: np.ndarray
    loss_train: np.ndarray
    marks: np.ndarray
    noise: Noise


def root_mean_squares(network: Network, weights: np.ndarray, x: torch.Tensor) -> tuple[float, ...]:
    """Of the layers before the last, on the first images, without noise."""
    clean = evaluate(network, weights, x[:_REFERENCE], Noise(), (0, 0x5E))
    return tuple(float(np.sqrt((clean[k] ** 2).mean())) for k in network.layers[:-1])


def train(
    network: Network,
    x: torch.Tensor,
    y: np.ndarray,
    noise: Noise,
    schedule: Schedule,
    *,
    seed: int,
    path: Path | None = None,
    progress: Progress = silent,
    stop: Callable[[int], bool] = lambda step: False,
) -> Trained:
    """Train, or continue, or find trained.

    The file is written after every epoch and replaced as a whole, so being killed costs one epoch at most; a run that
    was continued gives the same weights as one that was not.

    Args:
        network: what to train, from ``network.start(seed)``.
        x: (n, channels, height, width) images.
        y: (n,) classes.
        noise: what it runs with; deviations known.
        schedule: rate, length and marks.
        seed: of weights, order of the images, noise and dropout.
        path: file of this network; None to keep nothing.
        progress: told after every epoch.
        stop: asked after every epoch, with the number of steps; True ends the call there with what there is.
    """
    trainer = _Trainer(network, x, torch.from_numpy(np.asarray(y, np.int64)), noise, schedule, seed)
    state = trainer.begin() if path is None or not path.exists() else _read(path, trainer)
    while state["step"] < schedule.steps and not stop(state["step"]):
        trainer.epoch(state)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_npz(path, _arrays(state))
        progress("training", state["step"], schedule.steps)
    done = len(state["kept"])
    return Trained(np.stack(state["kept"]), np.array(state["losses"]), np.array(schedule.marks[:done]), trainer.noise)


class _Trainer:
    """One network in training; its state is a dictionary of numbers and arrays."""

    def __init__(
        self, network: Network, x: torch.Tensor, y: torch.Tensor, noise: Noise, schedule: Schedule, seed: int
    ) -> None:
        self.network, self.x, self.y, self.schedule, self.seed = network, x, y, schedule, seed
        self.noise = noise

    def begin(self) -> dict[str, Any]:
        start = self.network.start(self.seed)
        return {
            "step": 0,
            "weights": start,
            "first": np.zeros_like(start),
            "second": np.zeros_like(start),
            "kept": [start],
            "losses": [float("nan")],
            "running": [],
        }

    def epoch(self, state: dict[str, Any]) -> None:
        """All images once, or until the last step."""
        n, batch = len(self.x), self.schedule.batch
        per_epoch = -(-n // batch)
        number = state["step"] // per_epoch
        draw = generator(self.seed, number, 0x7A)
        order = torch.randperm(n, generator=draw)
        weights = torch.from_numpy(state["weights"].copy()).requires_grad_()
        adam = _adam(weights, self.schedule.rate, state)
        for start in range(0, n, batch):
            if state["step"] == self.schedule.steps:
                break
            rows = order[start : start + batch]
            found = forward(self.network, weights, self.x[rows], self.noise, draw, training=True)
            loss = functional.nll_loss(found[self.network.layers[-1]], self.y[rows])
            adam.zero_grad()
            loss.backward()
            adam.step()
            state["step"] += 1
            state["running"].append(float(loss.detach()))
            self._look(state, weights)
        moments = adam.state[weights]
        state["weights"] = weights.detach().numpy().copy()
        state["first"], state["second"] = (moments[name].numpy().copy() for name in ("exp_avg", "exp_avg_sq"))

    def _look(self, state: dict[str, Any], weights: torch.Tensor) -> None:
        done = len(state["kept"])
        if done < len(self.schedule.marks) and state["step"] == self.schedule.marks[done]:
            state["kept"].append(weights.detach().numpy().copy())
            state["losses"].append(float(np.mean(state["running"])))
            state["running"] = []


def _adam(weights: torch.Tensor, rate: float, state: dict[str, Any]) -> torch.optim.Adam:
    adam = torch.optim.Adam([weights], lr=rate, betas=_BETAS, eps=_EPSILON)
    adam.state[weights] = {
        "step": torch.tensor(float(state["step"])),
        "exp_avg": torch.from_numpy(state["first"].copy()),
        "exp_avg_sq": torch.from_numpy(state["second"].copy()),
    }
    return adam


def _arrays(state: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.asarray(value) for name, value in state.items()}


def _read(path: Path, trainer: _Trainer) -> dict[str, Any]:
    """The state in a file.

    Raises:
        InputError: it is of another network.
    """
    found: dict[str, Any] = dict(read_npz(path))
    if found["weights"].shape != (trainer.network.n_parameters,):
        raise InputError(f"{path} is of another network; choose a new folder or delete it.")
    found["step"] = int(found["step"])
    for name in ("kept", "losses", "running"):
        found[name] = list(found[name])
    return found
