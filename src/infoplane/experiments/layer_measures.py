"""D9: what layers forget, how their units are used, and what noise of any size still lets through."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from .. import plots
from ..data import twelve_bit
from ..estimators import Binned
from ..networks import MLP, WeightsRecording
from ..plane import equivocation, layer_activity, noise_sweep
from .base import Claim, Experiment, Run, sizes, thinned
from .layer_claims import layer_claims
from .verdicts import hidden

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTHS, _FEWER = (12, 10, 7, 5, 4, 3, 2), (12, 7, 4, 3, 2)
_ACTIVATIONS = ("tanh", "relu")
_SHOWN = {"tanh": "tanh", "relu": "ReLU"}
_GAMMA = 1.0  # I(X;Y) = 0.906 bits; in units of our f, not the paper's
_RULES = {"hard": None, "soft": _GAMMA}
_SIGMAS = np.geomspace(1e-3, 10**0.5, 8).tolist()  # three and a half decades; tanh has the range 2
_NOISY = 8  # checkpoints at which the noise is swept
_SHARE = 0.9

_MEASURES = {
    "n_codes": {"label": "distinct codes\n(30 bins a unit)", "scale": "log"},
    "equivocation": {"label": "H(X|T)"},
    "label_divergence": {"label": "E KL[p(y|x)||\np(y|t)]"},
    "end_share": {"label": f"tanh beyond ±{_SHARE},\nReLU at exactly 0  (share)"},
    "weight_norm": {"label": "weight norm"},
}


class LayerMeasures(Experiment):
    """Saturation, weights, codes, forgotten input and lost label information beside the plane."""

    name = "layer-measures"
    title = "What layers forget and how their units are used: 12-bit task, tanh and ReLU"
    source = "our measures beside the plane of arXiv:1703.00810"
    seeds = 20
    quick_seeds = 4

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        found = {}
        for activation in _ACTIVATIONS:
            for rule in _RULES:
                found |= _measured(run, activation, rule)
        return found

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        return layer_claims(datasets)

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        names = {f"{a}-{rule}": f"{_SHOWN[a]}, {rule} rule" for rule in _RULES for a in _ACTIVATIONS}
        measured = {title: datasets[f"{name}-measures"] for name, title in names.items()}
        hard = {_SHOWN[a]: datasets[f"{a}-hard-measures"] for a in _ACTIVATIONS}
        noisy = {_SHOWN[a]: datasets[f"{a}-noise"] for a in _ACTIVATIONS}
        layers = hidden(datasets["tanh-hard"])
        return {
            "measures": plots.measure_panels(measured, _MEASURES),
            "activations": plots.activity_panels(hard, layers),
            "noise": plots.noise_panels(noisy, layers),
            "paths": plots.path_panels([(title, datasets[name]) for name, title in names.items()]),
        }


def _measured(run: Run, activation: str, rule: str) -> dict[str, xr.Dataset]:
    """The plane of one ensemble, its measures, and under the hard rule what noise lets through of it."""
    name = f"{activation}-{rule}"

    @functools.cache
    def train() -> WeightsRecording:
        return run.ensemble(
            name,
            MLP(sizes(run, _WIDTHS, _FEWER), activation),  # type: ignore[arg-type]
            twelve_bit(_RULES[rule]),
            epochs=sizes(run, 6_000, 800),
            batch_size=256,
            checkpoint_epochs=sizes(run, 110, 20),
        )

    plane = run.plane(name, train, Binned(30))
    found = {name: plane, f"{name}-measures": run.table(f"{name}-measures", lambda: _beside(run, train(), plane))}
    if rule == "hard":
        few, sigmas = thinned(plane.epoch.to_numpy(), sizes(run, _NOISY, 3)), sizes(run, _SIGMAS, _SIGMAS[::2])
        found[f"{activation}-noise"] = run.table(
            f"{activation}-noise",
            lambda: noise_sweep(train(), sigmas, layers=hidden(plane), epochs=few, progress=run.progress),  # type: ignore[arg-type]
        )
    return found


def _beside(run: Run, recording: WeightsRecording, plane: xr.Dataset) -> xr.Dataset:
    """The measures of every cell; ``end_share`` is that of saturated units, or of zeros where there is no range."""
    found = layer_activity(recording, share=_SHARE, progress=run.progress)
    found = found.assign(equivocation(plane)).assign(n_codes=plane.n_codes)
    return found.assign(end_share=found.saturated_share.fillna(found.zero_share))
