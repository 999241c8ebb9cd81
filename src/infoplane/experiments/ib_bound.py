"""P5: where the layers of a network stand against the bottleneck's curve of their task."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from .. import plots
from ..bottleneck import Joint, critical_betas
from ..data import twelve_bit
from ..estimators import Binned
from ..networks import WeightsRecording
from ..plane.betas import critical_betas_of, layer_betas, nearness, residual_profiles
from ..plane.bounds import BETAS
from ..plane.task_bound import bound_of_plane
from ..results import provenance
from .base import Claim, Experiment, Run, sizes
from .black_box import NETWORK
from .verdicts import BITS, Mean, Verdict, all_of, mean_over_seeds

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GAMMAS = {"gamma-0.1": 0.1, "gamma-1": 1.0}
_HARD = "hard"
_NEAR = 0.05  # of I(X;Y): how close to the curve a layer must be to count as on it
_SPARE = 1.0  # bits of I(X;T) beyond what the curve needs, with which a layer still counts as near it
_SOLVES = 0.1  # of I(X;T): a residual below this counts as solving the bottleneck's equations
_CHANCE = 0.05
_ESTIMATOR = Binned(30)


class IBBound(Experiment):
    """Layers against the curve, their fitted betas, and the critical betas of the task."""

    name = "ib-bound"
    title = "Layers and the bottleneck's curve: 12-bit task, tanh"
    source = "arXiv:1703.00810"
    seeds = 20
    quick_seeds = 4

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        found, profiles = {}, []
        for name, gamma in {**_GAMMAS, _HARD: None}.items():

            def train(name: str = name, gamma: float | None = gamma) -> WeightsRecording:
                epochs = {"epochs": sizes(run, 8_000, 600), "checkpoint_epochs": sizes(run, 60, 8)}
                return run.ensemble(name, NETWORK, twelve_bit(gamma), batch_size=256, **epochs)

            plane = run.plane(name, train, _ESTIMATOR, null=sizes(run, 20, 0))
            profiles.append(run.table(f"pieces/profiles-{name}", lambda t=train: _profiles(run, t())))
            if gamma is not None:
                betas = run.table(f"pieces/betas-{name}", lambda t=train, g=gamma: _betas(run, t(), g))
                plane = plane.assign(betas).assign_attrs(critical_betas=betas.attrs["critical_betas"], gamma=gamma)
            found[name] = plane
        rules = xr.DataArray([*_GAMMAS, _HARD], dims="rule", name="rule")
        found["profiles"] = xr.concat(profiles, rules, combine_attrs="override")
        return found

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        found = []
        for name in _GAMMAS:
            plane = datasets[name]
            about = f"(gamma = {plane.attrs['gamma']:g}, I(X;Y) = {plane.attrs['ceiling_mi_target'] * BITS:.3g} bits)"
            found += [
                _near_the_curve(plane, about, self.source),
                _no_more_than_needed(plane, about),
                _solves_the_equations(plane, about, self.source),
                _falls_with_depth(plane, about),
                _near_critical(plane, about, self.source),
            ]
        return [*found, _degenerate(datasets[_HARD], datasets["profiles"])]

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        found = {}
        for name in (*_GAMMAS, _HARD):
            plane, profiles = datasets[name], datasets["profiles"].sel(rule=name)
            drawn = {"plane": plots.plane(plane), "distances": plots.bound_distances(plane)}
            drawn["profiles"] = plots.beta_profiles(profiles)
            if name in _GAMMAS:
                drawn["betas"] = plots.layer_betas(plane)
                drawn["residuals"] = plots.layer_residuals(plane)
                drawn["critical"] = plots.critical_distances(plane)
            for what, ax in drawn.items():
                ax.set_title(_rule(plane), fontsize="medium")
                found[f"{what}-{name}"] = plots.figure_of(lambda ax=ax: ax)
        return found


def _rule(plane: xr.Dataset) -> str:
    bits = float(plane.attrs["ceiling_mi_target"]) * BITS
    if "gamma" not in plane.attrs:
        return f"hard rule, H(Y) = {bits:.4g} bits"
    return f"soft rule, gamma = {plane.attrs['gamma']:g}, I(X;Y) = {bits:.4g} bits"


def _betas(run: Run, recording: WeightsRecording, gamma: float) -> xr.Dataset:
    """Fitted betas of all checkpoints, and the critical betas of the task."""
    found = layer_betas(recording, _ESTIMATOR, progress=run.progress)
    critical = critical_betas(Joint.from_conditional(twelve_bit(gamma).p_y_given_x), most=BETAS[1])
    return found.assign_attrs(provenance(critical_betas=json.dumps(critical.all.tolist()), gamma=gamma))


def _profiles(run: Run, recording: WeightsRecording) -> xr.Dataset:
    grid = np.geomspace(*BETAS, sizes(run, 31, 11))
    last = int(recording.epochs[-1])
    found = residual_profiles(recording, _ESTIMATOR, grid, epoch=last, progress=run.progress)
    return found.assign_attrs(provenance(quantity="residual of the fit of beta at the last checkpoint", unit="nats"))


def _layers(plane: xr.Dataset) -> list[str]:
    return [str(name) for name in plane.layer.values]


def _by_layer(values: xr.DataArray) -> dict[str, Mean]:
    """Means over networks of (seed, layer) values."""
    return {str(name): mean_over_seeds(values.sel(layer=name)) for name in values.layer.values}


def _short(value: float) -> str:
    return f"{0.0 if abs(value) < 1e-9 else value:.3g}"


def _near_the_curve(plane: xr.Dataset, about: str, source: str) -> Claim:
    """Whether layers that start below the curve by more than 5 % of I(X;Y) end within that distance."""
    limit = _NEAR * float(plane.attrs["ceiling_mi_target"]) * BITS
    distance = plane.bound_distance * BITS
    first, last = (_by_layer(distance.isel(epoch=end)) for end in (0, -1))
    least = distance.mean("seed").min("epoch")
    tested = [name for name, mean in first.items() if mean.lower > limit]
    return Claim(
        f"Layers that start off the bottleneck's curve end within {limit:.3g} bits of I(T;Y) of it {about}.",
        all_of([last[name].below(limit) for name in tested]),
        {
            f"{name}: distance at first, at least, at last, bits": (
                f"{_short(first[name].value)}, {_short(float(least.sel(layer=name)))}, {last[name]}"
            )
            for name in first
        },
        source,
    )


def _no_more_than_needed(plane: xr.Dataset, about: str) -> Claim:
    """The same seen along I(X;T), which a curve that is nearly level does not show."""
    bound = bound_of_plane(plane)
    assert bound is not None
    spare = (plane.mi_input - bound.least_input(plane.mi_target)).transpose("seed", "epoch", "layer") * BITS
    first, last = (_by_layer(spare.isel(epoch=end)) for end in (0, -1))
    return Claim(
        f"Every layer ends with at most {_SPARE:g} bit of I(X;T) more than its I(T;Y) needs on the curve {about}.",
        all_of([mean.below(_SPARE) for mean in last.values()]),
        {f"{name}: bits too many at first, at last": f"{_short(first[name].value)}, {last[name]}" for name in first},
        "our reading of the same statement along the other axis",
    )


def _solves_the_equations(plane: xr.Dataset, about: str, source: str) -> Claim:
    share = _by_layer((plane.layer_beta_residual / plane.mi_input).isel(epoch=-1))
    return Claim(
        f"At their fitted beta the layers solve the bottleneck's equations, to {_SOLVES:.0%} of I(X;T) {about}.",
        all_of([mean.below(_SOLVES) for mean in share.values()]),
        {f"{name}: residual / I(X;T)": str(mean) for name, mean in share.items()},
        source,
    )


def _falls_with_depth(plane: xr.Dataset, about: str) -> Claim:
    """Whether ln beta falls from each layer to the next; pairs that are both at the end of the range are left out."""
    logs, edge = np.log(plane.layer_beta), plane.layer_beta_at_edge.astype(bool)
    names, steps, before = _layers(plane), {}, []
    for upper, lower in itertools.pairwise(names):
        fall = (logs.sel(layer=upper) - logs.sel(layer=lower)).where(~(edge.sel(layer=upper) & edge.sel(layer=lower)))
        steps[f"{upper} to {lower}"] = mean_over_seeds(fall.isel(epoch=-1))
        before.append(mean_over_seeds(fall.isel(epoch=0)))
    known = {pair: mean for pair, mean in steps.items() if np.isfinite(mean.lower)}
    typical = np.exp(logs.isel(epoch=-1).mean("seed"))
    untrained = all_of([mean.above(0.0) for mean in before if np.isfinite(mean.lower)])
    return Claim(
        f"The fitted betas fall from layer to layer {about}.",
        all_of([mean.above(0.0) for mean in known.values()]),
        {
            "betas, geometric means": ", ".join(f"{name} {float(typical.sel(layer=name)):.3g}" for name in names),
            **{f"{pair}: ln of the ratio": str(mean) for pair, mean in known.items()},
            "before training the same": untrained,
        },
        "a figure of arXiv:1703.00810 as others describe it (not checked against the paper)",
    )


def _near_critical(plane: xr.Dataset, about: str, source: str) -> Claim:
    """Whether betas of the last checkpoint are closer to critical ones than log-uniform betas are.

    The rank of a distance is uniform for such betas: its mean over networks decides against 1/2. Networks that end
    alike are no independent draws of a place, so it holds only if the pattern, moved as one, is seldom as close.
    """
    last = plane.isel(epoch=-1)
    beta, edge = (last[name].transpose("seed", "layer").to_numpy() for name in ("layer_beta", "layer_beta_at_edge"))
    found = nearness(beta, critical_betas_of(plane), edge)
    counts = np.isfinite(found.rank).sum(axis=1)
    ranks = np.nansum(found.rank, axis=1)[counts > 0] / counts[counts > 0]
    mean = mean_over_seeds(ranks)
    verdict: Verdict = mean.below(0.5)
    if verdict == "holds" and not found.p_shifted <= _CHANCE:
        verdict = "unclear"
    return Claim(
        f"Layers converge near critical betas: their distance to the nearest is less than random betas have {about}.",
        verdict,
        {
            "mean rank among log-uniform betas (0 nearest, 1/2 chance)": str(mean),
            "p, betas independent": f"{found.p_independent:.3g}",
            "p, all betas moved together": f"{found.p_shifted:.3g}",
            "mean |ln(beta / critical beta)|": f"{np.nanmean(found.distance):.3g}" if found.counted else "-",
            "layers compared": f"{found.counted} of {beta.size}; the others are at or beyond the ends of the range",
        },
        source,
    )


def _degenerate(plane: xr.Dataset, profiles: xr.Dataset) -> Claim:
    """Whether residuals of layers whose codes are each of one label are the same at all betas."""
    last = plane.isel(epoch=-1)
    short = (float(plane.attrs["ceiling_mi_target"]) - last.mi_target).transpose("seed", "layer")
    residual = profiles.residual.sel(rule=_HARD).transpose("seed", "layer", "beta")
    spread, pure = (residual.max("beta") - residual.min("beta")).to_numpy(), short.to_numpy() < 1e-9
    verdict: Verdict = "unclear" if not pure.any() else "holds" if spread[pure].max() < 1e-9 else "fails"
    return Claim(
        "Under the hard rule the fit is degenerate: where every code is of one label all betas fit alike.",
        verdict,
        {
            f"{name}: networks with such codes, residual's range over betas, nats": (
                f"{pure[:, k].sum()} of {len(pure)}, {spread[pure[:, k], k].max(initial=0.0):.2g}; "
                f"others {spread[~pure[:, k], k].mean() if not pure[:, k].all() else 0.0:.2g}"
            )
            for k, name in enumerate(_layers(plane))
        },
        "derived from the equations of the bottleneck",
    )
