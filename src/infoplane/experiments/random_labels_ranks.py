"""Which quantities rank shares of random labels as the gap does, within repetitions and pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from .value_tables import spearman
from .verdicts import Mean, mean_over_seeds

Shares = Mapping[float, xr.Dataset]  # over (seed, time), by share of random labels

GAP = "generalisation_gap_redrawn"  # test labels of the same law as the training labels
EARLY, MIDDLE, LATE = "early", "middle", "late"
TIMES = {EARLY: 1e-2, MIDDLE: 1.0, LATE: 1e6}
QUANTITIES = {
    "mi_input": "I(X;Z|D), upper",
    "mi_input_lower": "I(X;Z|D), lower",
    "mi_target": "I(Z;Y|D), lower (by construction)",
    "mi_output_data": "I(Z;D|X) a point, upper",
    "mi_output_data_joint_train": "KL of training outputs",
    "mi_parameters_data": "I(Θ;D), upper",
    "mi_parameters_data_volume": "I(Θ;D), volume term",
    "mi_parameters_data_distance": "I(Θ;D), distance term",
    "mi_parameters_data_curvature": "I(Θ;D), curvature term",
    "fisher_trace": "trace of the Fisher information",
    "effective_dimension": "effective dimension",
    "modes_learned": "modes learned",
    "parameter_distance": "E|θ - θ₀|²",
    "action": "action",
    "fisher_energy": "Fisher energy",
}  # without losses, of which the gap is made; I(Z;Y|D) scores the outputs of its test points, against true labels


def at(shares: Shares, name: str, when: str = LATE) -> np.ndarray:
    """(seed, share) values of a quantity."""
    times = next(iter(shares.values()))["time"].to_numpy()
    place = int(np.abs(np.log(times / TIMES[when])).argmin())
    return np.stack([one[name].transpose("seed", "time").to_numpy()[:, place] for one in shares.values()], axis=1)


def ranks_of(shares: Shares, along: Sequence[str] = tuple(TIMES)) -> xr.Dataset:
    """Spearman's correlation of quantities with the gap over shares, within each repetition: the same images.

    A quantity that all shares have in common tells nothing: its correlation is 0.

    Returns:
        Dataset with ``correlation`` (quantity, along, seed), ``along`` being the time.
    """
    names = [name for name in QUANTITIES if all(name in one for one in shares.values())]
    rows = [[spearman(at(shares, name, when), at(shares, GAP, when)) for when in along] for name in names]
    return xr.Dataset({"correlation": (("quantity", "along", "seed"), rows)}, {"quantity": names, "along": list(along)})


def pooled_rank(shares: Shares, name: str, when: str = LATE) -> Mean:
    """Spearman's correlation over all shares and repetitions together, its interval by leaving out repetitions."""
    values, gap = at(shares, name, when), at(shares, GAP, when)
    n = len(values)
    whole = spearman(values.reshape(1, -1), gap.reshape(1, -1))[0]
    kept = [np.delete(np.arange(n), k) for k in range(n)]
    parts = np.array([spearman(values[rows].reshape(1, -1), gap[rows].reshape(1, -1))[0] for rows in kept])
    jackknife = mean_over_seeds(n * whole - (n - 1) * parts)
    return Mean(float(whole), jackknife.lower - jackknife.value + whole, jackknife.upper - jackknife.value + whole)
