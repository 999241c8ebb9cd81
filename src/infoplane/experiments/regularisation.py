"""D8: compression seen through adaptive bins, with and without L2, and what it has to do with generalisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import xarray as xr

from .. import plots
from ..data import twelve_bit
from ..estimators import Binned, PairwiseBounds
from ..networks import MLP, Adam
from .base import Claim, Experiment, Run, sizes, thinned
from .regularisation_claims import Settings, regularisation_claims
from .verdicts import hidden

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTHS = (12, 10, 7, 5, 4, 3, 2)
_ACTIVATIONS = ("tanh", "relu", "softplus", "elu", "swish", "abs")
# The loss gains l2/2 times the squared weights of each layer but the last: the published factor of the published code,
# which halves the squares too.
_L2 = 0.015
_ESTIMATORS = ("adaptive", "pairwise")
# Of 24 planes only what claims and pictures use is kept beside each other; checks were not asked for.
_KEPT = ("mi_input", "mi_target", "compression", "compression_null", "epoch_of_maximum", "dead")
_KEPT += ("accuracy_train", "accuracy_test")


class Regularisation(Experiment):
    """Does compression need saturation, does L2 increase it, and does it go with test accuracy, layer by layer?"""

    name = "regularisation"
    title = "L2, adaptive bins and generalisation: 12-bit task"
    source = "arXiv:1902.09037"
    seeds = 20
    quick_seeds = 6

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        found = {}
        for activation in sizes(run, _ACTIVATIONS, ("tanh", "relu")):
            for name, l2 in ((activation, 0.0), (f"{activation}-l2", _L2)):

                def train(name: str = name, activation: str = activation, l2: float = l2):
                    return run.ensemble(
                        name,
                        MLP(_WIDTHS, activation),  # type: ignore[arg-type]
                        twelve_bit(),
                        optimizer=Adam(4e-4),
                        epochs=sizes(run, 3_000, 300),
                        batch_size=256,
                        l2=[l2] * (len(_WIDTHS) - 2) + [0.0],
                        checkpoint_epochs=sizes(run, 70, 20),
                    )

                adaptive = run.plane(f"{name}-adaptive", train, Binned(30, kind="adaptive"))
                few = thinned(adaptive.epoch.to_numpy(), sizes(run, 10, 5))
                # Noise relative to the layer: it sees no shrinkage either.
                noisy = PairwiseBounds(0.1, relative=True)
                pairwise = run.plane(f"{name}-pairwise", train, noisy, epochs=few)
                bounds = [f"{which}_{end}" for which in ("mi_input", "mi_target") for end in ("lower", "upper")]
                found[f"{name}-adaptive"] = adaptive[list(_KEPT)]
                found[f"{name}-pairwise"] = pairwise[[*_KEPT, *bounds]]
        return found

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        return regularisation_claims({kind: settings(datasets, kind) for kind in _ESTIMATORS}, self.source)

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        figures = {}
        for kind in _ESTIMATORS:
            named = [(name.replace("-l2", ", L2"), plane) for name, plane in _named(datasets, kind).items()]
            layers = hidden(named[0][1])
            figures |= {
                f"paths-{kind}": plots.path_panels(named),
                f"compression-{kind}": plots.figure_of(plots.compression, named),
                f"accuracy-{kind}": plots.accuracy_panels(named, layers[-3:]),
            }
        return figures


def settings(datasets: Mapping[str, xr.Dataset], kind: str) -> Settings:
    """The planes of one estimator by activation: (without, with) L2."""
    named = _named(datasets, kind)
    return {name: (plane, named[f"{name}-l2"]) for name, plane in named.items() if not name.endswith("-l2")}


def _named(datasets: Mapping[str, xr.Dataset], kind: str) -> dict[str, xr.Dataset]:
    return {n.removesuffix(f"-{kind}"): d for n, d in datasets.items() if n.endswith(f"-{kind}")}
