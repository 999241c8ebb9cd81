"""What ``infinite-depth`` says: how fast inputs become alike, and what deep ensembles then know."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from .base import Claim
from .value_tables import at_best
from .verdicts import Mean, Verdict, all_of, mean_over_seeds

OURS = "derived; our own test"
MEASURED = "our own test"
FIXED, END = 1e2, 1e12  # times at which depths are compared
WINDOW = (1e-8, 1e-2)  # distances from the fixed point where the decay is exponential and above rounding
ORDERED = ("erf, ordered", "relu, ordered")
WHERE = ("seed", "depth")
_WITHIN = 0.05  # relative, of a rate of decay
_POWER_WITHIN = 0.15
_TIME_WITHIN = 0.25
_NOTHING = 0.1  # nats
_SEEN = 10.0  # nats
_LEARNED = 0.9  # share of the whole fall of the training loss
_TIME_RATES = {"erf, ordered": 1.0, "relu, ordered": 0.5}
_POWERS = {"erf, critical": -1.0, "relu, critical": -2.0, "relu, growing": -2.0}


def claims(kernels: xr.Dataset, nets: Mapping[str, xr.Dataset]) -> list[Claim]:
    """Of distances from the fixed points, and of ensembles by activation and regime."""
    return [
        _rates(kernels),
        _powers(kernels),
        _condition(nets),
        _slow(kernels, nets),
        _forget(nets),
        _late(nets),
        _survives(nets),
        _chaotic(nets),
        _parameters(nets),
        _residual(nets),
    ]


def at(one: xr.Dataset, name: str, time: float) -> np.ndarray:
    """(seed, depth) values at a time."""
    found = one["value"].sel(quantity=name).sel(time=time, method="nearest")
    return found.transpose("seed", "depth").to_numpy()


def log_time(one: xr.Dataset) -> np.ndarray:
    """(seed, depth) log10 of the time by which nine tenths of what can be learned of the sample is."""
    action = one["value"].sel(quantity="action").transpose("seed", "depth", "time").to_numpy()
    excess = one["value"].sel(quantity="loss_gibbs_train").transpose("seed", "depth", "time").to_numpy()[..., -1]
    whole = action[..., -1] + (excess - 0.5 * np.log(2.0 * np.pi)) * one.attrs["n_train"]
    log_times = np.log10(one["time"].to_numpy())
    share = action / whole[..., None]
    found = [np.interp(_LEARNED, row, log_times, right=np.nan) for row in share.reshape(-1, share.shape[-1])]
    return np.reshape(found, share.shape[:2])


def rates(kernels: xr.Dataset, name: str) -> np.ndarray:
    """(seed,) measured rates of decay a layer."""
    distance = kernels["distance"].sel(net=name).transpose("seed", "depth").to_numpy()
    depths = kernels["depth"].to_numpy()
    inside = (distance > WINDOW[0]) & (distance < WINDOW[1])
    return np.array(
        [
            -np.polyfit(depths[keep], np.log(row[keep]), 1)[0] if keep.sum() > 2 else np.nan
            for row, keep in zip(distance, inside, strict=True)
        ]
    )


def _rates(kernels: xr.Dataset) -> Claim:
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for name in kernels["net"].to_numpy():
        slope = float(kernels["slope_limit"].sel(net=name))
        if slope > 1.0 - 1e-6:
            continue
        ratio = mean_over_seeds(rates(kernels, name) / -np.log(slope))
        verdicts.append(_within(ratio, 1.0, _WITHIN))
        numbers[f"{name}: slope of the map at its fixed point, by quadrature"] = slope
        numbers[f"{name}: depth scale, layers"] = -1.0 / np.log(slope)
        numbers[f"{name}: measured rate over predicted"] = str(ratio)
    return Claim(
        "Correlations of inputs decay to their fixed point exponentially with depth, at the rate that the slope of the "
        f"correlation map there predicts (within {_WITHIN:.0%}), in the ordered and in the chaotic regime.",
        all_of(verdicts),
        numbers,
        OURS,
    )


def _within(mean: Mean, middle: float, share: float) -> Verdict:
    reach = abs(middle) * share
    return all_of([mean.above(middle - reach), mean.below(middle + reach)])


def _powers(kernels: xr.Dataset) -> Claim:
    """By the last two depths that were measured."""
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for name, power in _POWERS.items():
        distance = kernels["distance"].sel(net=name).dropna("depth", how="any").transpose("seed", "depth")
        depths = distance["depth"].to_numpy()[-2:]
        steps = np.diff(np.log(distance.to_numpy()[:, -2:]), axis=1)[:, 0] / np.diff(np.log(depths))[0]
        found = mean_over_seeds(steps)
        verdicts.append(_within(found, power, _POWER_WITHIN))
        numbers[f"{name}: exponent of depth, from {depths[0]} to {depths[1]} layers (expected {power:g})"] = str(found)
    return Claim(
        "Where the slope is 1 they decay by a power of the depth: -1 for erf, -2 for ReLU, and for ReLU with growing "
        f"variance too (within {_POWER_WITHIN:.0%}).",
        all_of(verdicts),
        numbers,
        OURS,
    )


def _condition(nets: Mapping[str, xr.Dataset]) -> Claim:
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for name, one in nets.items():
        logs = np.log10(one["condition"].transpose("seed", "depth").to_numpy())
        change = mean_over_seeds(logs[:, -1] - logs[:, 0])
        numbers[f"{name}: log10 at the least and the greatest depth"] = (
            f"{mean_over_seeds(logs[:, 0])}; {mean_over_seeds(logs[:, -1])}"
        )
        if name in ORDERED:
            verdicts.append(change.above(3.0))
        if name == "erf, chaotic":
            verdicts.append(change.below(0.0))
    return Claim(
        "From the least to the greatest depth the condition number of the tangent kernel grows over a thousandfold in "
        "the ordered regime, where its rows become alike, and falls in the chaotic one, where it becomes diagonal.",
        all_of(verdicts),
        numbers,
        OURS,
    )


def _slow(kernels: xr.Dataset, nets: Mapping[str, xr.Dataset]) -> Claim:
    """Over depths from 8. The modes of T that tell inputs apart shrink as their distances from 1 do, times the depth.

    Those of ReLU shrink as the root of the distance: E[f'f'] falls by the angle between inputs, not by its square.
    """
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for name in ORDERED:
        depths = nets[name]["depth"].to_numpy()
        deep = depths >= 8
        slopes = np.array([np.polyfit(depths[deep], row[deep], 1)[0] for row in log_time(nets[name])]) * np.log(10.0)
        ratio = mean_over_seeds(slopes / -np.log(float(kernels["slope_limit"].sel(net=name))))
        verdicts.append(_within(ratio, _TIME_RATES[name], _TIME_WITHIN))
        numbers[f"{name}: growth rate over -ln slope (expected {_TIME_RATES[name]:g})"] = str(ratio)
    for name, one in nets.items():
        values = log_time(one)
        numbers[f"{name}: log10 of the time, least and greatest depth"] = (
            f"{mean_over_seeds(values[:, 0])}; {mean_over_seeds(values[:, -1])}"
        )
    return Claim(
        f"In the ordered regime the time needed to learn (nine tenths of the fall of the training loss) grows "
        "exponentially with depth: for erf at the rate at which inputs become alike, for ReLU at half of it (within "
        f"{_TIME_WITHIN:.0%}).",
        all_of(verdicts),
        numbers,
        OURS,
    )


def _along(one: xr.Dataset, values: np.ndarray) -> str:
    return "; ".join(
        f"depth {depth}: {mean_over_seeds(values[:, k])}" for k, depth in enumerate(one["depth"].to_numpy())
    )


def _forget(nets: Mapping[str, xr.Dataset]) -> Claim:
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for name in ORDERED:
        late, early = at(nets[name], "mi_input", 1.0), at(nets[name], "mi_input", FIXED)
        verdicts.extend((mean_over_seeds(late[:, -1]).below(_NOTHING), mean_over_seeds(late[:, 0]).above(_NOTHING)))
        numbers[f"{name}: I(X;Z|D), upper, at time 1, nats"] = _along(nets[name], late)
        numbers[f"{name}: the same at time {FIXED:g}"] = _along(nets[name], early)
        numbers[f"{name}: I(X;Z|D), lower, at time {FIXED:g}"] = _along(
            nets[name], at(nets[name], "mi_input_lower", FIXED)
        )
    return Claim(
        f"Deep ordered ensembles forget their input: at time 1 the upper bound of I(X;Z|D) is below {_NOTHING:g} nats "
        "at the greatest depth, and above it with one hidden layer.",
        all_of(verdicts),
        numbers,
        MEASURED,
    )


def _late(nets: Mapping[str, xr.Dataset]) -> Claim:
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for name in ORDERED:
        lower, upper = (at(nets[name], quantity, END) for quantity in ("mi_input_lower", "mi_input"))
        verdicts.append(mean_over_seeds(lower[:, -1] - upper[:, 0]).above(0.0))
        numbers[f"{name}: I(X;Z|D), lower, at the end, nats"] = _along(nets[name], lower)
        numbers[f"{name}: I(X;Z|D), upper, at the end, one hidden layer, nats"] = str(mean_over_seeds(upper[:, 0]))
        numbers[f"{name}: ceiling of the lower bound, ln M, nats"] = float(nets[name].attrs["ceiling_mi_input"])
        numbers[f"{name}: I(Z;Y|D), lower, at the best time, nats"] = _along(
            nets[name], at_best(nets[name], "mi_target", *WHERE)
        )
    return Claim(
        "It is a matter of time: at the end of training the lower bound of I(X;Z|D) of ordered ensembles at the "
        "greatest depth is above the upper bound with one hidden layer (the lower bound is then near its ceiling, the "
        "logarithm of the number of test points).",
        all_of(verdicts),
        numbers,
        MEASURED,
    )


def _survives(nets: Mapping[str, xr.Dataset]) -> Claim:
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for activation in ("erf", "relu"):
        critical = at(nets[f"{activation}, critical"], "mi_input_lower", 1.0)
        ordered = at(nets[f"{activation}, ordered"], "mi_input", 1.0)
        verdicts.append(mean_over_seeds(critical[:, -1] - ordered[:, -1]).above(0.0))
        numbers[f"{activation}, critical: I(X;Z|D), lower, at time 1, nats"] = _along(
            nets[f"{activation}, critical"], critical
        )
        numbers[f"{activation}: its lower less the ordered upper bound at the greatest depth, nats"] = str(
            mean_over_seeds(critical[:, -1] - ordered[:, -1])
        )
        best = at_best(nets[f"{activation}, critical"], "loss_gibbs", *WHERE)
        numbers[f"{activation}, critical: least test loss, nats"] = _along(nets[f"{activation}, critical"], best)
    return Claim(
        "At the critical weights information survives: at time 1 and the greatest depth the lower bound of I(X;Z|D) is "
        "above the upper bound of the ordered ensembles.",
        all_of(verdicts),
        numbers,
        MEASURED,
    )


def _chaotic(nets: Mapping[str, xr.Dataset]) -> Claim:
    one = nets["erf, chaotic"]
    values, loss = at(one, "mi_input", END), at_best(one, "loss_gibbs", *WHERE)
    better = mean_over_seeds(loss[:, -1] - loss[:, 0])
    return Claim(
        "Deep chaotic ensembles lose new inputs for good: at the end the upper bound of I(X;Z|D) is below "
        f"{_NOTHING:g} nats at the greatest depth, and the least test loss is higher than with one hidden layer.",
        all_of([mean_over_seeds(values[:, -1]).below(_NOTHING), better.above(0.0)]),
        {
            "I(X;Z|D), upper, at the end, nats": _along(one, values),
            "least test loss, nats": _along(one, loss),
            "training loss at the end, nats": _along(one, at(one, "loss_gibbs_train", END)),
        },
        MEASURED,
    )


def _parameters(nets: Mapping[str, xr.Dataset]) -> Claim:
    """An upper bound above a number does not show that I(Theta;D) is: only what the bound can say is claimed."""
    one = nets["erf, ordered"]
    values = at(one, "mi_parameters_data", 1.0)
    return Claim(
        f"The bound of I(Theta;D) falls with depth too, but stays above {_SEEN:g} nats: at time 1 it is lower "
        f"at the greatest depth of ordered erf networks, whose outputs have less than {_NOTHING:g} nats on the input, "
        "than with one hidden layer. How far I(Theta;D) itself falls, an upper bound does not say.",
        all_of(
            [
                mean_over_seeds(values[:, 0] - values[:, -1]).above(0.0),
                mean_over_seeds(values[:, -1]).above(_SEEN),
                mean_over_seeds(at(one, "mi_input", 1.0)[:, -1]).below(_NOTHING),
            ]
        ),
        {
            "KL of the parameters, whose mean over D bounds I(Theta;D), at time 1, nats": _along(one, values),
            "the same, greatest depth over one hidden layer": str(mean_over_seeds(values[:, -1] / values[:, 0])),
        },
        MEASURED,
    )


def _residual(nets: Mapping[str, xr.Dataset]) -> Claim:
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for name, one in nets.items():
        if not name.endswith("residual"):
            continue
        plain = nets[name.removesuffix(", residual")]
        loss, other = at_best(one, "loss_gibbs", *WHERE), at_best(plain, "loss_gibbs", *WHERE)
        gain = mean_over_seeds(at(one, "mi_input_lower", 1.0)[:, -1] - at(plain, "mi_input", 1.0)[:, -1])
        if "ordered" in name:
            verdicts.extend((gain.above(0.0), mean_over_seeds(other[:, -1] - loss[:, -1]).above(0.0)))
        numbers[f"{name}: I(X;Z|D), lower, at time 1, less the upper without, nats"] = str(gain)
        numbers[f"{name}: least test loss, less than without, nats"] = str(mean_over_seeds(other[:, -1] - loss[:, -1]))
        numbers[f"{name}: I(X;Z|D), lower, at time 1, nats"] = _along(one, at(one, "mi_input_lower", 1.0))
        numbers[f"{name}: least test loss, nats"] = _along(one, loss)
    return Claim(
        "Residual sums cure the forgetting of ordered weights: at the greatest depth the lower bound of I(X;Z|D) at "
        "time 1 is above the upper bound without them, and the least test loss is lower.",
        all_of(verdicts),
        numbers,
        MEASURED,
    )
