"""What ``infinite-sample-size`` says: how the gap falls, what its bounds are worth, and which quantity ranks it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from .base import Claim
from .sample_size_table import ALONG, AXIS, SHOWN, TOLD, rank_correlations
from .value_tables import at_best
from .verdicts import Mean, Verdict, all_of, any_of, mean_over_seeds

OURS = "derived; our own test"
MEASURED = "our own test"
PILOT = "our own test; signs as seen in a pilot of 3 repetitions up to N = 2,000"
_TELLS = 0.5  # rank correlation
_VACUOUS = 10.0  # times the gap
_STEADY = 0.1  # relative change from the smallest to the largest sample that is none


def claims(tables: Mapping[str, xr.Dataset]) -> list[Claim]:
    """Of tables over (quantity, scale, size, seed, time), by task."""
    ranks = {
        told: {task: rank_correlations(table, told)["correlation"] for task, table in tables.items()} for told in TOLD
    }
    gap = ranks["generalisation_gap"]
    return [
        _falls(tables),
        _vacuous(tables),
        _steady(tables),
        _one_tells(gap, "generalisation_gap"),
        _one_tells(ranks["loss_gibbs"], "loss_gibbs"),
        _signs(
            gap,
            "mi_parameters_data",
            {"size": -1, "scale": 1, "time": 1},
            "I(Theta;D) rises with the gap along the weights and along time, and falls with it along the sample size, "
            "where it grows and the gap shrinks.",
        ),
        _signs(
            gap,
            "bound_input",
            {"size": 1, "scale": -1, "time": 1},
            "exp I(X;Z|D) / N, which a bound by compression of the input goes by, rises with the gap along the sample "
            "size and along time, and falls with it along the weights.",
        ),
    ]


def _late(table: xr.Dataset, name: str) -> xr.DataArray:
    return table["value"].sel(quantity=name).isel(time=-1).transpose("seed", "scale", "size")


def _falls(tables: Mapping[str, xr.Dataset]) -> Claim:
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for task, table in tables.items():
        gap = _late(table, "generalisation_gap").to_numpy()
        sizes = table["size"].to_numpy()
        for k, scale in enumerate(table["scale"].to_numpy()):
            fall = mean_over_seeds(gap[:, k, 0] - gap[:, k, -1])
            verdicts.append(fall.above(0.0))
            numbers[f"{task}, weights {scale:g}: gap at N = {sizes[0]} and {sizes[-1]}, nats"] = (
                f"{mean_over_seeds(gap[:, k, 0])}; {mean_over_seeds(gap[:, k, -1])}"
            )
    return Claim(
        "The gap between test and training loss late in training is smaller on the largest sample than on the "
        "smallest, at every weight scale.",
        all_of(verdicts),
        numbers,
        OURS,
    )


def _vacuous(tables: Mapping[str, xr.Dataset]) -> Claim:
    """The bound through I(Theta;D), with the most favourable reading: a loss that is 1-sub-Gaussian, the best time."""
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for task, table in tables.items():
        gap, bound = (
            at_best(table, name, "seed", "scale", "size") for name in ("generalisation_gap", "bound_parameters")
        )
        least = mean_over_seeds((bound / np.abs(gap)).min(axis=(1, 2)))
        verdicts.append(least.above(_VACUOUS))
        numbers[f"{task}: least bound over gap, at the time of the least test loss"] = str(least)
        late = abs(_late(table, "bound_parameters") / _late(table, "generalisation_gap")).min(["scale", "size"])
        numbers[f"{task}: the same late, where the bound has grown with the root of time"] = str(mean_over_seeds(late))
        numbers[f"{task}: share of cells where the value by I(X;Z|D) is below the gap"] = _below(table, "bound_input")
    return Claim(
        f"At the time of the least test loss the bound of the gap through I(Theta;D) exceeds the gap more than "
        f"{_VACUOUS:g} times at every size and weight scale (for a 1-sub-Gaussian loss; the squared loss has no such "
        "constant).",
        all_of(verdicts),
        numbers,
        MEASURED,
    )


def _below(table: xr.Dataset, name: str) -> float:
    return float((table["value"].sel(quantity=name) < table["value"].sel(quantity="generalisation_gap")).mean())


def _steady(tables: Mapping[str, xr.Dataset]) -> Claim:
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for task, table in tables.items():
        bound = _late(table, "bound_parameters").to_numpy()
        change = mean_over_seeds(np.abs(bound[..., -1] / bound[..., 0] - 1.0).max(axis=1))
        verdicts.append(change.below(_STEADY))
        numbers[f"{task}: largest relative change"] = str(change)
    return Claim(
        "Late in training that bound does not fall as the sample grows: what then counts in I(Theta;D), the time times "
        f"the trace of the tangent kernel, is proportional to N (it changes by less than {_STEADY:.0%} from the "
        "smallest to the largest sample).",
        all_of(verdicts),
        numbers,
        OURS,
    )


def _one_tells(ranks: Mapping[str, xr.DataArray], told: str) -> Claim:
    """Whether some quantity ranks the measure along all three axes, with one sign, in all tasks."""
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    names = next(iter(ranks.values()))["quantity"].to_numpy()
    for name in names:
        found = {(task, axis): _mean(ranks[task], name, axis) for task in ranks for axis in ALONG}
        if any(np.isnan(mean.value) for mean in found.values()):
            continue  # made of the measure itself
        for sign in (1, -1) if name != AXIS else ():
            verdicts.append(all_of([_signed(mean, sign).above(_TELLS) for mean in found.values()]))
        for task in ranks:
            shown = ", ".join(f"{found[task, axis].value:.2f}" for axis in ALONG)
            numbers[f"{task}, {SHOWN[name]}: along {', '.join(ALONG)}"] = shown
    return Claim(
        f"Some one quantity ranks {TOLD[told]}, whatever changes: with one sign, rank correlations beyond {_TELLS:g} "
        "along the sample size, the weights and time, in every task.",
        any_of(verdicts),
        numbers,
        MEASURED,
    )


def _signs(ranks: Mapping[str, xr.DataArray], name: str, signs: Mapping[str, int], text: str) -> Claim:
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for task, found in ranks.items():
        for axis, sign in signs.items():
            mean = _mean(found, name, axis)
            verdicts.append(_signed(mean, sign).above(0.0))
            numbers[f"{task}: rank correlation along {axis}"] = str(mean)
    return Claim(text, all_of(verdicts), numbers, PILOT)


def _mean(ranks: xr.DataArray, name: str, axis: str) -> Mean:
    return mean_over_seeds(ranks.sel(quantity=name, along=axis).to_numpy())


def _signed(mean: Mean, sign: int) -> Mean:
    return mean if sign > 0 else Mean(-mean.value, -mean.upper, -mean.lower)
