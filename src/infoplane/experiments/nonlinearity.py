"""D2: which nonlinearities compress, and whether the noise of stochastic gradients is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import xarray as xr

from .. import plots
from ..data import twelve_bit
from ..estimators import Binned, PairwiseBounds
from ..networks import MLP, Adam
from .base import Claim, Experiment, Run, Verdict, sizes, thinned
from .verdicts import all_of, compresses, compression, excess_compression, hidden, last_hidden, opposite, same

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ACTIVATIONS = ("tanh", "relu", "softsign", "softplus", "linear")
_FULL_BATCH = ("tanh", "relu")
_ONE_BIT = 1.0


class Nonlinearity(Experiment):
    """tanh against ReLU and others, stochastic against full-batch, by binning and by pairwise bounds."""

    name = "nonlinearity"
    title = "Nonlinearity and optimiser: 12-bit task"
    source = "Saxe et al. 2018, On the information bottleneck theory of deep learning"
    seeds = 30
    quick_seeds = 6

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        runs = [(name, name, 256) for name in _ACTIVATIONS]
        runs += [(f"{name}-full-batch", name, None) for name in _FULL_BATCH]
        found = {}
        for name, activation, batch in runs:
            # 30 bins on the known range of a bounded activation, otherwise on that of the layer over all its epochs.
            def train(name: str = name, activation: str = activation, batch: int | None = batch):
                return run.ensemble(
                    name,
                    MLP([12, 10, 7, 5, 4, 3, 2], activation),  # type: ignore[arg-type]
                    twelve_bit(),
                    optimizer=Adam(4e-4),
                    epochs=sizes(run, 8_000, 600),
                    batch_size=batch,
                    checkpoint_epochs=sizes(run, 150, 30),
                )

            found[f"{name}-binned"] = run.plane(f"{name}-binned", train, Binned(30), null=0 if run.quick else 20)
            if batch is not None and not run.quick:
                few = thinned(found[f"{name}-binned"].epoch.to_numpy(), 16)
                found[f"{name}-pairwise"] = run.plane(f"{name}-pairwise", train, PairwiseBounds(), epochs=few)
        return found

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        tanh, relu = datasets["tanh-binned"], datasets["relu-binned"]
        layer = last_hidden(tanh)
        fall = compression(tanh, layer)
        relu_falls = {name: compression(relu, name) for name in hidden(relu)}
        found = [
            Claim(
                f"tanh: I(X;T) of {layer} falls by more than one bit after its maximum.",
                fall.above(_ONE_BIT),
                {f"{name}: fall, bits": str(compression(tanh, name)) for name in hidden(tanh)},
                self.source,
            ),
            Claim(
                f"relu: no hidden layer falls by more than half of tanh's {layer}.",
                all_of([mean.below(fall.value / 2) for mean in relu_falls.values()]),
                {"half of tanh's fall, bits": f"{fall.value / 2:.3g}"}
                | {f"{name}: fall, bits": str(mean) for name, mean in relu_falls.items()},
                self.source,
            ),
        ]
        both, others = ("tanh", "softsign"), ("relu", "softplus", "linear")  # saturating on both sides, or not
        excess = {a: excess_compression(datasets[f"{a}-binned"], layer) for a in _ACTIVATIONS}
        seen: dict[str, Verdict] = {a: compresses(datasets[f"{a}-binned"], layer) for a in _ACTIVATIONS}
        found.append(
            Claim(
                f"{layer} compresses with activations that saturate on both sides, and not with the others.",
                all_of([*(seen[a] for a in both), *(opposite(seen[a]) for a in others)]),
                {f"{a}: fall above shuffled steps, bits": str(mean) for a, mean in excess.items()},
                self.source,
            )
        )
        full = excess_compression(datasets["tanh-full-batch-binned"], layer)
        found.append(
            Claim(
                f"Compression needs no stochastic gradients: tanh's {layer} compresses under full-batch descent too.",
                compresses(datasets["tanh-full-batch-binned"], layer),
                {
                    "fall above shuffled steps, bits": str(full),
                    "fall, bits": str(compression(datasets["tanh-full-batch-binned"], layer)),
                    "relu, fall, bits": str(compression(datasets["relu-full-batch-binned"], layer)),
                },
                self.source,
            )
        )
        return [*found, *_agreement(datasets, layer)]

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        binned = [(n.removesuffix("-binned"), d) for n, d in datasets.items() if n.endswith("-binned")]
        figures = {
            "paths": plots.path_panels(binned),
            "compression": plots.figure_of(plots.compression, binned),
        }
        pairwise = [(n.removesuffix("-pairwise"), d) for n, d in datasets.items() if n.endswith("-pairwise")]
        return figures | ({"paths-pairwise": plots.path_panels(pairwise)} if pairwise else {})


def _agreement(datasets: Mapping[str, xr.Dataset], layer: str) -> list[Claim]:
    """Whether binning and pairwise bounds say the same of each activation, where both were measured."""
    found: dict[str, list[Verdict]] = {}
    for activation in _ACTIVATIONS:
        if f"{activation}-pairwise" not in datasets:
            return []
        found[activation] = [compresses(datasets[f"{activation}-{kind}"], layer) for kind in ("binned", "pairwise")]
    return [
        Claim(
            f"Binning and pairwise bounds agree on whether {layer} compresses, for every activation.",
            all_of([same(binned, pairwise) for binned, pairwise in found.values()]),
            {a: f"binned: {b}, pairwise: {p}" for a, (b, p) in found.items()},
            "arXiv:2003.09671",
        )
    ]
