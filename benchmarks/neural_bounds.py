"""Held-out InfoNCE and SMILE: ``infoplane`` against torch-mist, in turns, on a law with known information.

Run ``python -m benchmarks.neural_bounds`` where torch-mist can be imported; without it ours are measured alone.
torch-mist pins numpy below 2 and runs with a newer one, installed without its pins in an environment of its own.

The law: 10 + 10 correlated normal coordinates, n = 10,000, I = 1.438 nats. Ours takes its default settings, two folds,
so that all samples are evaluated. The Gaussian base holds this very law, so our value needs no network here; the rows
"no base" train the same critics from nothing, at a smaller learning rate, and show what the loop alone gives. Theirs
learns from one half, of which it keeps a tenth for early stopping, and is evaluated on the other half, which is half of
our work: ``separable`` critic, two hidden layers of 64, its default batches of 128 (a step with 512 costs it five times
as much), a patience of five epochs, evaluation in groups of 1,000, other settings its own. Ours is warm: its programs
are compiled in a first call, whose time is given apart. Processor seconds are those of all cores.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np

import infoplane as ip
from infoplane.estimators import SMILE, InfoNCE, Separable

from ._table import alternate, print_machine, print_table, summary

N, DIMENSION, TRUTH = 10_000, 10, 1.438
REPETITIONS, EPOCHS = 3, 100
PEER = "torch_mist"
NO_BASE = ", no base"
CAVEAT = (
    " Its Gaussian base holds this very law, so no network had to be trained: the row without base compares training."
)


def draw(seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    rho = np.sqrt(1.0 - np.exp(-2.0 * TRUTH / DIMENSION))
    x = random.standard_normal((N, DIMENSION))
    return x, rho * x + np.sqrt(1.0 - rho**2) * random.standard_normal((N, DIMENSION))


class Contestant:
    """Runs an estimator on one seed after another and keeps what it said and what it cost."""

    def __init__(self, estimate: Callable[[np.ndarray, np.ndarray, int], float]) -> None:
        self.estimate, self.values, self.processor, self.turn = estimate, [], [], 0

    def __call__(self) -> float:
        x, y = draw(self.turn)
        start, used = time.perf_counter(), time.process_time()
        self.values.append(self.estimate(x, y, self.turn))
        self.processor.append(time.process_time() - used)
        self.turn += 1
        return time.perf_counter() - start

    def row(self, name: str, costs: list[float]) -> list[object]:
        errors = np.array(self.values) - TRUTH
        worst = f"{np.abs(errors).max():.3f}"
        return [name, f"{errors.mean():+.3f}", worst, summary(costs, digits=2), summary(self.processor, digits=2)]


def ours(estimator: ip.estimators.Estimator) -> Callable[[np.ndarray, np.ndarray, int], float]:
    return lambda x, y, seed: ip.mutual_information(x, y, estimator, seed=seed).value


def theirs(name: str) -> Callable[[np.ndarray, np.ndarray, int], float]:
    import torch
    from torch_mist.utils import estimate_mi

    def estimate(x: np.ndarray, y: np.ndarray, seed: int) -> float:
        torch.manual_seed(seed)
        x, y = x.astype(np.float32), y.astype(np.float32)
        half = N // 2
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            value, _ = estimate_mi(
                estimator=name,
                data={"x": x[:half], "y": y[:half]},
                test_data={"x": x[half:], "y": y[half:]},
                critic_type="separable",
                hidden_dims=[64, 64],
                neg_samples=0,
                batch_size=128,
                evaluation_batch_size=1000,
                max_epochs=EPOCHS,
                patience=5,
                fast_train=True,
                verbose=False,
            )
        return float(value)

    return estimate


def main() -> None:
    cold = {}
    contestants = {}
    for bound in (InfoNCE, SMILE):
        for name, estimator in (
            (bound.__name__, bound()),
            (f"{bound.__name__}{NO_BASE}", bound(critic=Separable(gaussian=False), learning_rate=2e-4)),
        ):
            start = time.perf_counter()
            ip.mutual_information(*draw(99), estimator)
            cold[name] = time.perf_counter() - start
            contestants[f"infoplane {name}"] = Contestant(ours(estimator))
        if importlib.util.find_spec(PEER):
            contestants[f"torch-mist {bound.__name__}"] = Contestant(theirs(bound.__name__.lower()))
    costs = alternate(contestants, REPETITIONS)
    head = ["estimator", "mean error", "largest", "seconds", "processor seconds"]
    rows = [contestant.row(name, costs[name]) for name, contestant in contestants.items()]
    print_machine("jax", *(["torch", "torch-mist"] if importlib.util.find_spec(PEER) else []))
    print_table(f"Held-out bounds, {REPETITIONS} seeds, truth {TRUTH} nats", head, rows)
    print("\nFirst call, with compiling: " + ", ".join(f"{name} {t:.1f} s" for name, t in cold.items()) + ".")
    for name in cold if importlib.util.find_spec(PEER) else ():
        ratio = statistics.median(costs[f"torch-mist {name.split(',')[0]}"]) / statistics.median(
            costs[f"infoplane {name}"]
        )
        print(f"{name}: {ratio:.1f} times faster than torch-mist.{'' if name.endswith(NO_BASE) else CAVEAT}")


if __name__ == "__main__":
    main()
