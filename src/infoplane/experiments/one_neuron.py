"""D3: what one neuron's weight does to its information, in closed form and from samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from .. import plots
from ..estimators import PairwiseBounds, Plugin
from ..laws import BinnedNeuron, NoisyNeuron
from ..measures import entropy, mutual_information
from ..results import provenance
from .base import Claim, Experiment, Run, sizes
from .neuron_claims import agreement, shapes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ACTIVATIONS = ("tanh", "softsign", "softplus", "relu", "linear")
BINS, WIDTH = 29, 0.07  # 30 edges on [-1, 1] for tanh and softsign; the others have no end, and bins as wide
SIGMA = 0.02  # nearly the standard deviation of a uniform variable on a bin, 0.07 / sqrt(12)
COUNTED, PAIRED = 100_000, 2_000  # samples: of bins, and of pairwise bounds


class OneNeuron(Experiment):
    """H of a neuron's bins, and I through noise of the analysis, against its weight; at fixed and at scaled resolution.

    X ~ N(0, 1), T = f(w X). Bins: 30 edges on [-1, 1] for tanh and softsign, width 0.07 for the others; noise: sigma =
    0.02. At scaled resolution a bin is 0.07 and sigma 0.02 of the standard deviation of T. Closed forms and quadrature
    stand beside counts of 100,000 samples, and beside pairwise bounds of 2,000, in every repetition.
    """

    name = "one-neuron"
    title = "One neuron: information against the weight"
    source = "our reading of the one-neuron example of Saxe et al. 2018 (setting not checked against the paper)"
    unit = "repetitions"
    seeds = 20
    quick_seeds = 5

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        steps, every = sizes(run, (61, 5), (25, 4))
        weights = np.geomspace(0.1, 100.0, steps)
        exact = run.table("closed-form", lambda: _exact(weights))
        pieces: list[xr.Dataset] = []
        for seed in range(run.seeds):
            run.progress("sampling", seed, run.seeds)
            pieces.append(run.table(f"pieces/{seed}", lambda s=seed: _sampled(weights[::every], s)))
        seeds = xr.DataArray(np.arange(run.seeds), dims="seed", name="seed")
        found: xr.Dataset = xr.concat(pieces, seeds, combine_attrs="drop_conflicts")
        return {"closed-form": exact, "estimates": found}

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        exact, found = datasets["closed-form"], datasets["estimates"]
        return [*shapes(exact, self.source), *agreement(exact, found)]

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        exact, found = datasets["closed-form"], datasets["estimates"]
        band = found.mi_pairwise_lower, found.mi_pairwise_upper
        return {
            "one-neuron": plots.weight_panels(
                {
                    "fixed bins": (exact.mi_binned, {"estimates": found.mi_corrected}),
                    "bins scaled with the layer": (exact.mi_binned_scaled, {}),
                    f"fixed noise, sigma {SIGMA:g}": (exact.mi_noisy, {"bounds": band}),
                    "noise scaled with the layer": (exact.mi_noisy_scaled, {}),
                }
            )
        }


def binned(activation: Any, weight: float) -> BinnedNeuron:
    """The neuron at its fixed bins."""
    ended = activation in ("tanh", "softsign")
    return BinnedNeuron(weight, BINS, activation, None if ended else WIDTH)


def _exact(weights: np.ndarray) -> xr.Dataset:
    """Over (activation, weight), in nats: H of bins and I through noise, at fixed and at scaled resolution."""
    laws: dict[str, Callable[[Any, float], BinnedNeuron | NoisyNeuron]] = {
        "mi_binned": binned,
        "mi_binned_scaled": lambda f, w: BinnedNeuron(w, BINS, f, WIDTH, relative=True),
        "mi_noisy": lambda f, w: NoisyNeuron(w, SIGMA, f),
        "mi_noisy_scaled": lambda f, w: NoisyNeuron(w, SIGMA, f, relative=True),
    }
    table = {
        name: (("activation", "weight"), [[law(f, w).mutual_information for w in weights] for f in ACTIVATIONS])
        for name, law in laws.items()
    }
    return xr.Dataset(table, {"activation": list(ACTIVATIONS), "weight": weights}, provenance(bins=BINS, sigma=SIGMA))


def _sampled(weights: np.ndarray, seed: int) -> xr.Dataset:
    """The same from samples, over (activation, weight): counts, plain and corrected, and pairwise bounds."""
    rows = []
    for number, activation in enumerate(ACTIVATIONS):
        first = 1_000 * (len(ACTIVATIONS) * seed + number)  # every cell has samples of its own
        rows.append([_estimates(activation, float(w), first + place) for place, w in enumerate(weights)])
    table = {name: (("activation", "weight"), [[cell[name] for cell in row] for row in rows]) for name in rows[0][0]}
    settings = provenance(samples_counted=COUNTED, samples_paired=PAIRED)
    return xr.Dataset(table, {"activation": list(ACTIVATIONS), "weight": weights}, settings)


def _estimates(activation: Any, weight: float, seed: int) -> dict[str, float]:
    """Of one repetition, activation and weight, in nats."""
    _, codes = binned(activation, weight).sample(COUNTED, seed)
    plain, corrected = (entropy(codes, Plugin(correction)) for correction in ("none", "miller-madow"))
    law = NoisyNeuron(weight, SIGMA, activation)
    x, _ = law.sample(PAIRED, seed)
    pairs = mutual_information(np.arange(PAIRED), law.activate(x), PairwiseBounds(SIGMA))
    return {
        "mi_plain": plain.value,
        "mi_corrected": corrected.value,
        "mi_stderr": corrected.stderr,
        "mi_pairwise_lower": pairs.lower,
        "mi_pairwise_upper": pairs.upper,
        "mi_pairwise_stderr": pairs.stderr,
    }
