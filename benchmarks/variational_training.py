"""Training for the bottleneck: one model, eight trade-offs together, eight one after another, and a PyTorch loop.

Run ``python -m benchmarks.variational_training``. Everybody trains 784-256-256 with 32 normal latent variables, a
linear classifier, normal laws of ten classes and a read-out (both fitted on z as it is), Adam at 1e-3, a running
average of the weights, batches of 100 of 6,000 made-up images; VIB. A step is one update of one model. Steady state
without compiling, then ``fit`` as a user calls it, compiling and measuring included.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch.nn import functional

from infoplane.data import Task
from infoplane.torch import objectives as torch_objectives
from infoplane.variational import VIB, Dense, Optimizer, Spread, fit
from infoplane.variational.program import Data, Program

from ._table import alternate, print_machine, print_table, summary

N, CLASSES, LATENT, BATCH, WIDTHS = 6000, 10, 32, 100, (256, 256)
BETAS = tuple(np.geomspace(3.0, 3000.0, 8))
EPOCHS, REPETITIONS = 3, 5
POLYAK = 0.999
STEPS = N // BATCH
_RANDOM = np.random.default_rng(0)
Y = _RANDOM.integers(0, CLASSES, N)
X = (0.5 * _RANDOM.standard_normal((CLASSES, 784))[Y] + _RANDOM.standard_normal((N, 784))).astype(np.float32)


def ours(betas: tuple[float, ...], one_by_one: bool) -> Callable[[], float]:
    """Milliseconds a step of one model, in steady state."""
    groups = [(beta,) for beta in betas] if one_by_one else [betas]
    programs = [_program(group) for group in groups]
    data = Data(jnp.asarray(X), jnp.asarray(Y, jnp.int32))
    states = [program.advance(program.initial((0,), N), data, (0,), 0, 1)[0] for program in programs]

    def run() -> float:
        start = time.perf_counter()
        for k, program in enumerate(programs):
            states[k], _ = program.advance(states[k], data, (0,), 1, 1 + EPOCHS)
            jax.block_until_ready(states[k].models)
        return (time.perf_counter() - start) / (EPOCHS * STEPS * len(betas)) * 1e3

    return run


def _program(betas: tuple[float, ...]) -> Program:
    return Program(tuple(VIB(float(beta)) for beta in betas), Dense(WIDTHS), (784,), CLASSES, LATENT,
                   Spread(0.0, 1e-3), Optimizer(1e-3), BATCH, 1, POLYAK, False)  # fmt: skip


def whole(one_by_one: bool) -> Callable[[], float]:
    """Seconds of ``fit`` for the eight trade-offs; what was compiled before is dropped."""
    task = Task(X, Y, "made up", train=np.arange(N) < N - 500)
    settings = {"encoder": Dense(WIDTHS), "latent": LATENT, "epochs": EPOCHS, "checkpoint_epochs": [EPOCHS]}

    def run() -> float:
        jax.clear_caches()
        start = time.perf_counter()
        for group in [[VIB(beta)] for beta in BETAS] if one_by_one else [[VIB(beta) for beta in BETAS]]:
            fit(group, task, **settings)
        return time.perf_counter() - start

    return run


def loop(threads: int) -> Callable[[], float]:
    """Milliseconds a step of the same training in PyTorch."""
    x, y = torch.from_numpy(X), torch.from_numpy(Y)
    step = _Parts()
    parameters = list(step.parameters())
    averages = [p.detach().clone() for p in parameters]
    optimizer = torch.optim.Adam(parameters, 1e-3, fused=True)
    average = torch.optim.swa_utils.get_ema_multi_avg_fn(POLYAK)

    def epoch() -> None:
        order = torch.randperm(N)
        for first in range(0, N, BATCH):
            rows = order[first : first + BATCH]
            optimizer.zero_grad(set_to_none=True)
            step(x[rows], y[rows]).backward()
            optimizer.step()
            average(averages, [p.detach() for p in parameters], 0)

    torch.set_num_threads(threads)
    epoch()

    def run() -> float:
        torch.set_num_threads(threads)
        start = time.perf_counter()
        for _ in range(EPOCHS):
            epoch()
        return (time.perf_counter() - start) / (EPOCHS * STEPS) * 1e3

    return run


class _Parts(torch.nn.Module):
    """The model, and its loss with that of what is fitted beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = torch.nn.Sequential(
            torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 256), torch.nn.ReLU(),
            torch.nn.Linear(256, 2 * LATENT),
        )  # fmt: skip
        self.classifier, self.readout = torch.nn.Linear(LATENT, CLASSES), torch.nn.Linear(LATENT, CLASSES)
        self.centres = torch.nn.Parameter(0.01 * torch.randn(CLASSES, LATENT))
        self.widths = torch.nn.Parameter(torch.zeros(CLASSES, LATENT))
        self.objective = VIB(1000.0)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        mean, rho = self.encoder(x).chunk(2, dim=1)
        scale = functional.softplus(rho) + 1e-3
        z = mean + scale * torch.randn_like(mean)
        terms = torch_objectives.terms(self.objective, mean, scale, self.classifier(z), y)
        fixed = mean.detach(), scale.detach()
        laws = (self.centres, functional.softplus(self.widths) + 1e-2)
        fitted = torch_objectives.kl_classes(*fixed, laws, y) + functional.cross_entropy(
            self.readout(z.detach()), y, reduction="none"
        )
        return torch_objectives.loss(self.objective, terms, 0) + fitted.mean()


def main() -> None:
    print_machine("jax", "torch", "equinox")
    rivals = {
        "fit: one model": ours(BETAS[:1], False),
        "fit: 8 trade-offs together, a model": ours(BETAS, False),
        "fit: 8 trade-offs in a row, a model": ours(BETAS, True),
        "PyTorch loop, 1 thread": loop(1),
        "PyTorch loop, 2 threads": loop(2),
    }
    _told("milliseconds a step of one model", rivals, REPETITIONS)
    _told("seconds, 8 trade-offs, all included", {"together": whole(False), "in a row": whole(True)}, 3)


def _told(what: str, rivals: dict[str, Callable[[], float]], repetitions: int) -> None:
    costs = alternate(rivals, repetitions)
    first = np.median(next(iter(costs.values())))
    rows = [(name, summary(found, digits=2), f"{np.median(found) / first:.2f}") for name, found in costs.items()]
    print_table(what, ["", "median (range)", "to the first"], rows)


if __name__ == "__main__":
    main()
