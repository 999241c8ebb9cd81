"""``SamplePropagation`` against the straightforward formula, in time and in the error that this time buys.

Run ``python -m benchmarks.sample_propagation``. A snapshot of a noisy layer, the first or a deeper one, I(X;T) and
I(T;Y) with two classes. The plain way draws the same numbers of points and components, and evaluates every mixture's
density by ``scipy.spatial.distance.cdist`` and ``scipy.special.logsumexp``. Spreads are those of repetitions, and the
ratio of times for one error multiplies the ratio of times by that of variances; in deeper layers the plain values are
biased besides. Last, what training costs with noise.
"""

from __future__ import annotations

import functools
import math
import statistics
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

import infoplane as ip
from infoplane.channels import OwnNoise
from infoplane.estimators import LayerBlock, Passes, SamplePropagation

from ._table import alternate, print_machine, print_table, seconds, summary

N, SIGMA, DRAWS, REPETITIONS = 4096, 0.1, 64, 5
UPSTREAM = 0.1  # deviation of a deep layer's centres from pass to pass


class Layer(NamedTuple):
    """A layer: its mean centres (n, d), its labels (n,), and whether a layer before has noise."""

    places: np.ndarray
    labels: np.ndarray
    deep: bool

    def centres(self, draws: int, random: np.random.Generator) -> np.ndarray:
        """(n, draws, d) of as many passes."""
        passes = np.repeat(self.places[:, None], draws, axis=1)
        return passes + UPSTREAM * random.standard_normal(passes.shape) if self.deep else passes


def layer(d: int, deep: bool) -> Layer:
    """Activations in (-1, 1) of two classes."""
    random = np.random.default_rng(d)
    labels = random.integers(2, size=N)
    return Layer(np.tanh(random.standard_normal((N, d)) + labels[:, None]), labels, deep)


def ours(of: Layer, seed: int) -> tuple[float, float]:
    """I(X;T) and its stated error."""
    passes = Passes(
        OwnNoise("additive", SIGMA, not of.deep),
        lambda cell, draws, stream: of.centres(draws, np.random.default_rng([stream, seed])),
        ((0, seed, 0),),
    )
    block = LayerBlock(of.places[None], of.labels[None, :, None], np.arange(N)[None], seed=seed, passes=passes)
    found = SamplePropagation(DRAWS).layer(block)
    return float(found.mi_input[0]), float(found.mi_input_stderr[0])


def plain(of: Layer, seed: int) -> float:
    """I(X;T) from the plug-in entropies, and I(T;Y) beside it, as one would write it down."""
    random = np.random.default_rng(seed)
    d = of.places.shape[1]
    normal = 0.5 * d * math.log(2 * math.pi * SIGMA**2)

    def surprisal(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
        return (
            normal + math.log(len(centres)) - logsumexp(cdist(points, centres, "sqeuclidean") / (-2 * SIGMA**2), axis=1)
        )

    centres = of.centres(1, random)[:, 0]
    points = np.concatenate([centres, centres]) + SIGMA * random.standard_normal((2 * N, d))
    both = np.concatenate([of.labels, of.labels])
    whole = surprisal(points, centres)
    for label in (0, 1):
        surprisal(points[both == label], centres[of.labels == label])
    given = normal + d / 2
    if of.deep:
        many = of.centres(DRAWS, random)
        noisy = many + SIGMA * random.standard_normal(many.shape)
        given = float(np.mean([surprisal(t, c).mean() for t, c in zip(noisy, many, strict=True)]))
    return float(whole.mean()) - given


def contest(d: int, deep: bool) -> list[object]:
    """One row: times, their ratio, errors."""
    of = layer(d, deep)
    ours(of, 0)  # also compiles
    contestants = {
        "ours": functools.partial(seconds, functools.partial(ours, of, 1)),
        "plain": functools.partial(seconds, functools.partial(plain, of, 1)),
    }
    costs = alternate(contestants, REPETITIONS)
    values = np.array([ours(of, seed)[0] for seed in range(8)])
    others = np.array([plain(of, seed) for seed in range(8)])
    ratio = statistics.median(costs["plain"]) / statistics.median(costs["ours"])
    errors = values.std(ddof=1), others.std(ddof=1)
    return [
        "deeper" if deep else "first",
        d,
        *(summary(costs[name], 1e3, 0) for name in ("ours", "plain")),
        f"{ratio:.1f}",
        *(f"{error:.1e}" for error in errors),
        f"{ratio * (errors[1] / errors[0]) ** 2:.0f}",
    ]


def training(noise: ip.networks.AdditiveNoise | None) -> float:
    """Seconds of 200 epochs of ten networks, without what compiling takes."""
    network = ip.networks.MLP([12, 10, 7, 5, 4, 3, 2], noise=noise)
    task = ip.data.twelve_bit()

    def run(epochs: int) -> float:
        marks = [0, epochs]
        return seconds(
            lambda: ip.networks.train_ensemble(network, task, seeds=10, epochs=epochs, checkpoint_epochs=marks)
        )

    run(1)
    return run(201) - run(1)


def main() -> None:
    """Run the contest and print its tables."""
    print_machine("jax", "numpy", "scipy")
    head = ["noisy layer", "d", "SamplePropagation, ms", "plain, ms", "ratio", "our spread, nats", "plain spread, nats"]
    rows = (contest(d, deep) for deep in (False, True) for d in (3, 10))
    title = f"n = {N}, sigma = {SIGMA:g}, {DRAWS} passes, median (range) of {REPETITIONS} alternated runs"
    print_table(title, [*head, "ratio of times for one error"], rows)
    costs = alternate({"noise": lambda: training(ip.networks.AdditiveNoise(0.1)), "none": lambda: training(None)}, 3)
    ratio = statistics.median(costs["noise"]) / statistics.median(costs["none"])
    print(f"\nTraining with noise takes {ratio:.2f} times as long as without (200 epochs, ten networks, 3 runs).")


if __name__ == "__main__":
    main()
