"""P7: the phases of the 12-bit task on another rule, a committee machine, with the same networks beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import xarray as xr

from .. import plots
from ..data import Task, committee_machine, twelve_bit
from ..estimators import Binned, PairwiseBounds
from ..networks import SGD, Adam
from .base import Claim, Experiment, Run, Verdict, sizes, thinned
from .black_box import NETWORK
from .phase_claims import (
    crosses_near_compression,
    crossings,
    drift_then_diffusion,
    every_layer_falls,
    falls,
    fits,
    longer_than_fitting,
)
from .verdicts import all_of, compresses, excess_compression, hidden, last_hidden, same

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_RULES = ("12-bit", "committee")
_OPTIMIZERS = {"sgd": SGD(0.1), "adam": Adam()}
_BOTH = "our comparison of two rules, after arXiv:1703.00810"


class SecondRule(Experiment):
    """Fitting, compression, drift and diffusion on a rule without the 12-bit task's symmetry."""

    name = "second-rule"
    title = "A second rule: committee machine beside the 12-bit task, tanh"
    source = "our test of the phases of arXiv:1703.00810 on a second rule"
    seeds = 20
    quick_seeds = 5

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        found = {}
        for rule, task in {"12-bit": twelve_bit(), "committee": committee_machine()}.items():
            for kind, optimizer in _OPTIMIZERS.items():
                name = f"{rule}-{kind}"

                def train(name: str = name, task: Task = task, optimizer: SGD | Adam = optimizer):
                    return run.ensemble(
                        name,
                        NETWORK,
                        task,
                        optimizer=optimizer,
                        epochs=sizes(run, 10_000, 600),
                        batch_size=256,
                        checkpoint_epochs=sizes(run, 200, 25),
                    )

                found[name] = run.plane(name, train, Binned(30), null=sizes(run, 20, 0))
                if rule == "committee" and kind == "adam":
                    few = thinned(found[name].epoch.to_numpy(), sizes(run, 24, 6))
                    found[f"{name}-pairwise"] = run.plane(f"{name}-pairwise", train, PairwiseBounds(), epochs=few)
        return found

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        adam, sgd = datasets["committee-adam"], datasets["committee-sgd"]
        pairwise = datasets["committee-adam-pairwise"]
        layer, source = last_hidden(adam), self.source
        found = []
        for kind, plane in (("adam", adam), ("sgd", sgd)):
            where = f" (committee, {kind}, binned)"
            found += [claim(plane, layer, source, where) for claim in (fits, falls, longer_than_fitting)]
        found += [
            falls(pairwise, layer, source, " (committee, adam, pairwise)"),
            every_layer_falls(adam, source, " (committee, adam, binned)"),
        ]
        for kind, plane in (("sgd", sgd), ("adam", adam)):
            found += [c(plane, source, f"committee-{kind}") for c in (drift_then_diffusion, crosses_near_compression)]
        return [*found, *(c(datasets, kind) for kind in _OPTIMIZERS for c in (_same_layers_compress, _same_diffusion))]

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        named = [(name.replace("-", ", ").replace("12, bit", "12-bit"), datasets[name]) for name in _names()]
        figures = {
            "paths": plots.path_panels(named),
            "compression": plots.figure_of(plots.compression, named),
            "snapshots-committee-adam": plots.snapshot_panels(datasets["committee-adam"]),
            "training-committee-adam": plots.figure_of(plots.training_curves, datasets["committee-adam"]),
        }
        return figures | {f"phases-{name}": plots.figure_of(plots.gradient_phases, datasets[name]) for name in _names()}


def _names() -> list[str]:
    return [f"{rule}-{kind}" for rule in _RULES for kind in _OPTIMIZERS]


def _same_layers_compress(datasets: Mapping[str, xr.Dataset], kind: str) -> Claim:
    """Whether each hidden layer's verdict on compression is that of the 12-bit task."""
    pair = [datasets[f"{rule}-{kind}"] for rule in _RULES]
    numbers: dict[str, float | str] = {}
    agree: list[Verdict] = []
    for layer in hidden(pair[0]):
        seen: list[Verdict] = [compresses(plane, layer) for plane in pair]
        agree.append(same(*seen))
        excess = [str(excess_compression(plane, layer)) for plane in pair]
        numbers[f"{layer}: fall above shuffled steps, 12-bit and committee, bits"] = ", ".join(excess)
        numbers[f"{layer}: compresses"] = f"12-bit {seen[0]}, committee {seen[1]}"
    return Claim(f"The same hidden layers compress under both rules ({kind}, binned).", all_of(agree), numbers, _BOTH)


def _same_diffusion(datasets: Mapping[str, xr.Dataset], kind: str) -> Claim:
    """Whether each layer that ends in diffusion under one rule does so under the other."""
    ends = [crossings(datasets[f"{rule}-{kind}"])[1] for rule in _RULES]
    agree: list[Verdict] = [same(ends[0][layer].below(0.0), ends[1][layer].below(0.0)) for layer in ends[0]]
    return Claim(
        f"The same layers end in diffusion (gradient deviation above its mean) under both rules ({kind}).",
        all_of(agree),
        {f"{k}: ln(mean/std) at last, 12-bit and committee": f"{m}, {ends[1][k]}" for k, m in ends[0].items()},
        _BOTH,
    )
