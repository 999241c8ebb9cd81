"""Training 50 small networks: ``train_ensemble`` against a plain PyTorch loop over the same network.

Run ``python -m benchmarks.training``. Both train 12-10-7-5-4-3-2 tanh networks on 80 % of the 12-bit task in batches of
256, every sample once an epoch in a new order, from the same law of initial weights. One network-step is one update of
one network by one batch. ``train_ensemble`` also takes, in the time counted, the gradient statistics of every step and,
at its last checkpoint, those at fixed weights; the loop takes none.
"""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

import infoplane as ip
from infoplane.networks import MLP, SGD, Adam

from ._table import alternate, print_machine, print_table, summary

WIDTHS = (12, 10, 7, 5, 4, 3, 2)
SEEDS, BATCH, REPETITIONS = 50, 256, 5
EPOCHS_OURS, EPOCHS_LOOP = 100, 40
LEARNING_RATE = {"Adam": 4e-4, "SGD": 0.05}
TASK = ip.data.twelve_bit()
STEPS = math.ceil(len(TASK.split()[0]) / BATCH)

compile_seconds: list[float] = []


def ours(optimizer: Adam | SGD) -> Callable[[], float]:
    """Microseconds a network-step of a whole ensemble, from the first checkpoint to the last; compiling kept apart."""

    def run() -> float:
        marks = [time.perf_counter()]
        ip.networks.train_ensemble(
            MLP(WIDTHS, "tanh"),
            TASK,
            seeds=SEEDS,
            epochs=EPOCHS_OURS,
            batch_size=BATCH,
            optimizer=optimizer,
            checkpoint_epochs=[EPOCHS_OURS],
            progress=lambda *_: marks.append(time.perf_counter()),
        )
        start, compiled, end = marks
        compile_seconds.append(compiled - start)
        return (end - compiled) / (SEEDS * EPOCHS_OURS * STEPS) * 1e6

    return run


def loop(name: str, threads: int, **options: bool) -> Callable[[], float]:
    """Microseconds a step of one network in PyTorch."""
    optimizers = {"Adam": torch.optim.Adam, "SGD": torch.optim.SGD}

    def run() -> float:
        torch.set_num_threads(threads)
        network = _network()
        optimizer = optimizers[name](network.parameters(), lr=LEARNING_RATE[name], **options)
        train = torch.from_numpy(TASK.split(seed=0)[0])
        x, y = torch.from_numpy(TASK.x)[train], torch.from_numpy(TASK.y)[train].long()
        _epoch(network, optimizer, x, y)  # warm
        start = time.perf_counter()
        for _ in range(EPOCHS_LOOP):
            _epoch(network, optimizer, x, y)
        return (time.perf_counter() - start) / (EPOCHS_LOOP * STEPS) * 1e6

    return run


def _network() -> torch.nn.Sequential:
    layers: list[torch.nn.Module] = []
    for fan_in, out in itertools.pairwise(WIDTHS):
        linear = torch.nn.Linear(fan_in, out)
        scale = fan_in**-0.5
        torch.nn.init.trunc_normal_(linear.weight, std=scale, a=-2 * scale, b=2 * scale)
        torch.nn.init.zeros_(linear.bias)
        layers += [linear, torch.nn.Tanh()]
    return torch.nn.Sequential(*layers[:-1])


def _epoch(network: torch.nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor) -> None:
    for batch in torch.randperm(len(x)).split(BATCH):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(x[batch]), y[batch]).backward()
        optimizer.step()


def main() -> None:
    """Run the contest and print its table."""
    contestants = {
        "Adam": ours(Adam(LEARNING_RATE["Adam"])),
        "SGD": ours(SGD(LEARNING_RATE["SGD"])),
        **{f"Adam, {k} threads": loop("Adam", k) for k in (1, 2)},
        **{f"Adam fused, {k} threads": loop("Adam", k, fused=True) for k in (1, 2)},
        **{f"SGD, {k} threads": loop("SGD", k) for k in (1, 2)},
    }
    costs = alternate(contestants, REPETITIONS)
    rows = []
    for label, mine in (("Adam", "Adam"), ("Adam fused", "Adam"), ("SGD", "SGD")):
        threads = min((1, 2), key=lambda k, label=label: statistics.median(costs[f"{label}, {k} threads"]))
        theirs = costs[f"{label}, {threads} threads"]
        ratio = statistics.median(theirs) / statistics.median(costs[mine])
        pairs = np.array(theirs) / np.array(costs[mine])
        spread = f"{ratio:.0f} ({pairs.min():.0f} to {pairs.max():.0f})"
        rows.append([label, summary(costs[mine]), summary(theirs), threads, spread])
    print_machine("jax", "torch")
    head = ["optimiser of the loop", "train_ensemble, µs", "PyTorch loop, µs", "its best threads (of 1, 2)", "ratio"]
    print_table(f"One network-step, {SEEDS} networks, median (range) of {REPETITIONS} alternated runs", head, rows)
    print(f"\nCompiling train_ensemble and measuring at epoch 0: {summary(compile_seconds)} s a run, not counted.")


if __name__ == "__main__":
    main()
