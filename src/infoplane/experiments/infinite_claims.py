"""What the experiments on infinitely wide ensembles say, in numbers."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import xarray as xr
from scipy.stats import spearmanr

from .base import Claim
from .verdicts import Mean, Verdict, all_of, mean_over_seeds

PAPER = "arXiv:1911.09189, as others describe it (setting ours)"
OURS = "derived; our own test"
MEASURED = "our own test"
IDENTITY = "identity; checks the code"
_FLAT = 0.01  # nats of loss that are no overfitting
_NEAR = 0.1  # nats from the optimal curve


def gaussian_claims(ensembles: Mapping[str, xr.Dataset], optimum: xr.Dataset) -> list[Claim]:
    """Of ``infinite-gaussian``: ensembles by "activation-weight scale"."""
    return [
        _overfits(ensembles, ("erf-0.5", "relu-0.5")),
        _flat(ensembles, ("erf-2",)),
        _finite(ensembles),
        _falls_with_scale(ensembles),
        _near_the_curve(ensembles, optimum),
        _parameters_diverge(ensembles),
        _outputs_saturate(ensembles),
        _fisher_is_flat(ensembles),
        _curvature(ensembles),
    ]


def best(ensemble: xr.Dataset) -> np.ndarray:
    """(seed,) place of the time with the least Gibbs loss on the evaluation points."""
    return ensemble["loss_gibbs"].transpose("seed", "time").to_numpy().argmin(axis=1)


def at_best(ensemble: xr.Dataset, name: str) -> np.ndarray:
    """(seed,) values there."""
    values = ensemble[name].transpose("seed", "time").to_numpy()
    return values[np.arange(len(values)), best(ensemble)]


def _last(ensemble: xr.Dataset, name: str) -> np.ndarray:
    return ensemble[name].transpose("seed", "time").to_numpy()[:, -1]


def _rise(ensemble: xr.Dataset) -> Mean:
    return mean_over_seeds(_last(ensemble, "loss_gibbs") - at_best(ensemble, "loss_gibbs"))


def _overfits(ensembles: Mapping[str, xr.Dataset], names: tuple[str, ...]) -> Claim:
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for name in names:
        one = ensembles[name]
        rise = _rise(one)
        inside = best(one) < one.sizes["time"] - 1
        verdicts.append(rise.above(0.0) if inside.mean() > 0.5 else "fails")
        times = one["time"].to_numpy()[best(one)]
        numbers[f"{name}: times of the least loss, from and to"] = f"{times.min():.3g}, {times.max():.3g}"
        numbers[f"{name}: loss then, nats"] = str(mean_over_seeds(at_best(one, "loss_gibbs")))
        numbers[f"{name}: rise until the end, nats"] = str(rise)
    return Claim(
        "With small weights the test loss has its minimum at a finite time and rises afterwards.",
        all_of(verdicts),
        numbers,
        MEASURED,
    )


def _flat(ensembles: Mapping[str, xr.Dataset], names: tuple[str, ...]) -> Claim:
    rises = {name: _rise(ensembles[name]) for name in names}
    small = {name: _rise(ensembles[name]) for name in ("erf-0.5",)}
    return Claim(
        f"With large weights it stays: it rises by less than {_FLAT:g} nats after its minimum.",
        all_of([rise.below(_FLAT) for rise in rises.values()]),
        {
            **{f"{name}: rise, nats": str(rise) for name, rise in {**rises, **small}.items()},
            **{
                f"{name}: loss at the end, nats": str(mean_over_seeds(_last(ensembles[name], "loss_gibbs")))
                for name in (*names, "erf-0.5")
            },
        },
        MEASURED,
    )


def _finite(ensembles: Mapping[str, xr.Dataset]) -> Claim:
    """That both bounds are, and close enough for the lower not to be a ceiling's."""
    numbers: dict[str, float | str] = {}
    told = []
    for name, one in ensembles.items():
        low, high = (float(np.mean(_last(one, key))) for key in ("mi_input_lower", "mi_input"))
        ceiling = float(one.attrs["ceiling_mi_input"])
        told.append(bool(np.isfinite(high) and low < ceiling - 1.0))
        numbers[f"{name}: lower and upper bound at the end, nats"] = f"{low:.2f}, {high:.2f}"
    return Claim(
        "I(X;Z|D) stays finite at late times although every member is deterministic (the lower bound ends over a nat "
        "below ln M).",
        "holds" if all(told) else "fails" if not any(told) else "unclear",
        numbers,
        PAPER,
    )


def _falls_with_scale(ensembles: Mapping[str, xr.Dataset]) -> Claim:
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for activation in ("erf", "relu"):
        row = [name for name in ensembles if name.startswith(activation)]
        for one, other in itertools.pairwise(row):
            step = mean_over_seeds(_last(ensembles[one], "mi_input_lower") - _last(ensembles[other], "mi_input"))
            verdicts.append(step.above(0.0))
            numbers[f"{one}, lower bound, less {other}, upper bound, nats"] = str(step)
    return Claim(
        "I(X;Z|D) at the end falls as the weights grow: its lower bound is above the upper one of the next weights.",
        all_of(verdicts),
        numbers,
        PAPER,
    )


def _near_the_curve(ensembles: Mapping[str, xr.Dataset], optimum: xr.Dataset) -> Claim:
    numbers: dict[str, float | str] = {}
    gaps = {}
    for name, one in ensembles.items():
        most = np.interp(at_best(one, "mi_input"), optimum["mi_input"], optimum["mi_target"])
        gaps[name] = mean_over_seeds(most - at_best(one, "mi_target"))
        numbers[f"{name}: below the curve at the least loss, nats"] = str(gaps[name])
    near = gaps["erf-1"].below(_NEAR)
    return Claim(
        f"At the time of the least loss erf networks of weight scale 1 are within {_NEAR:g} nats of the optimal curve "
        "(upper value of I(X;Z|D), lower value of I(Z;Y|D)).",
        near,
        numbers,
        MEASURED,
    )


def _parameters_diverge(ensembles: Mapping[str, xr.Dataset]) -> Claim:
    numbers: dict[str, float | str] = {}
    told = []
    for name, one in ensembles.items():
        key = "mi_parameters_data" if "mi_parameters_data" in one else "mi_parameters_data_linearised"
        late = one[key].mean("seed").to_numpy()[-5:]
        slope = float(np.polyfit(np.log(one["time"].to_numpy()[-5:]), np.log(late), 1)[0])
        told.append(abs(slope - 1.0) < 0.05)
        numbers[f"{name}: exponent of time late{'' if key == 'mi_parameters_data' else ' (linearised)'}"] = slope
    return Claim(
        "The bound of I(Theta;D) grows in proportion to time, so that bounds through it become vacuous.",
        "holds" if all(told) else "fails",
        numbers,
        OURS,
    )


def _outputs_saturate(ensembles: Mapping[str, xr.Dataset]) -> Claim:
    numbers: dict[str, float | str] = {}
    shares = []
    for name, one in ensembles.items():
        values = one["mi_output_data"].mean("seed").to_numpy()
        late = float(values[-1] / values[np.abs(np.log(one["time"].to_numpy() / 1e6)).argmin()])
        shares.append(late)
        numbers[f"{name}: at 1e8 over that at 1e6"] = late
        numbers[f"{name}: at the end, nats a point"] = float(values[-1])
    return Claim(
        "The bound of I(Z;D|X) at test points saturates (it grows by less than a tenth from time 1e6 to 1e8).",
        "holds" if max(shares) < 1.1 else "fails",
        numbers,
        MEASURED,
    )


def _fisher_is_flat(ensembles: Mapping[str, xr.Dataset]) -> Claim:
    spread = {name: float(np.ptp(one["fisher_trace"].to_numpy(), axis=-1).max()) for name, one in ensembles.items()}
    return Claim(
        "The trace of the Fisher information does not depend on time, so it tells nothing of generalisation over time.",
        "holds" if max(spread.values()) == 0.0 else "fails",
        {
            f"{name}: trace": str(mean_over_seeds(one["fisher_trace"].isel(time=0).to_numpy()))
            for name, one in ensembles.items()
        },
        IDENTITY,
    )


def _curvature(ensembles: Mapping[str, xr.Dataset]) -> Claim:
    """With the curvature term the bound respects data processing; without it it would not."""
    numbers: dict[str, float | str] = {}
    above, below = [], []
    for name, one in ensembles.items():
        if "mi_parameters_data_curvature" not in one:
            continue
        value, curved = (one[key].to_numpy() for key in ("mi_parameters_data", "mi_parameters_data_curvature"))
        output = one["mi_output_data_joint_train"].to_numpy()
        above.append(float((value - output).min()))
        below.append(float((value - curved - output).min()))
        numbers[f"{name}: least difference to the outputs, nats, with and without"] = (
            f"{above[-1]:.3g}, {below[-1]:.4g}"
        )
    return Claim(
        "The KL of the parameters is never below that of the outputs at the training points, as data processing "
        "demands; without the curvature term it would be.",
        "holds" if min(above) > -1e-6 and min(below) < 0.0 else "fails",
        numbers,
        OURS,
    )


def mnist_claims(ensembles: Mapping[str, xr.Dataset]) -> list[Claim]:
    """Of ``infinite-mnist``."""
    return [
        _right(ensembles),
        _bound_below_ceiling(ensembles),
        _early_is_best(ensembles),
        _input_and_accuracy(ensembles),
    ]


def _right(ensembles: Mapping[str, xr.Dataset]) -> Claim:
    found = {name: mean_over_seeds(_last(one, "accuracy")) for name, one in ensembles.items()}
    hidden = [mean for name, mean in found.items() if not name.startswith("linear")]
    return Claim(
        "Ensembles with hidden layers end above 85 % of the test images, from 1,000 to train on.",
        all_of([mean.above(0.85) for mean in hidden]),
        {f"{name}: accuracy at the end": str(mean) for name, mean in found.items()},
        MEASURED,
    )


def _bound_below_ceiling(ensembles: Mapping[str, xr.Dataset]) -> Claim:
    numbers: dict[str, float | str] = {}
    most = []
    for name, one in ensembles.items():
        entropy = float(one.attrs["entropy_target"])
        value = one["mi_target"].transpose("seed", "time").to_numpy()
        most.append(float(value.max() - entropy))
        numbers[f"{name}: I(Z;Y|D) at the end, nats of H(Y) = {entropy:.3f}"] = str(mean_over_seeds(value[:, -1]))
    return Claim(
        "No lower bound of I(Z;Y|D) exceeds H(Y).", "holds" if max(most) <= 1e-9 else "fails", numbers, IDENTITY
    )


def _early_is_best(ensembles: Mapping[str, xr.Dataset]) -> Claim:
    rises = {name: _rise(one) for name, one in ensembles.items()}
    return Claim(
        f"No ensemble overfits: the test loss rises by less than {_FLAT:g} nats after its minimum.",
        all_of([rise.below(_FLAT) for rise in rises.values()]),
        {f"{name}: rise until the end, nats": str(rise) for name, rise in rises.items()},
        MEASURED,
    )


def _input_and_accuracy(ensembles: Mapping[str, xr.Dataset]) -> Claim:
    """Over time, within one ensemble: whether more of the input is kept where more is right."""
    numbers: dict[str, float | str] = {}
    told = []
    for name, one in ensembles.items():
        low, right = (one[key].mean("seed").to_numpy() for key in ("mi_input_lower", "accuracy"))
        rank = float(spearmanr(low, right).statistic)  # pyright: ignore[reportAttributeAccessIssue]
        told.append(rank > 0.9)
        numbers[f"{name}: rank correlation over time"] = rank
    return Claim(
        "While an ensemble learns, I(X;Z|D) and accuracy rise together (rank correlation over time above 0.9): there "
        "is no phase in which it forgets its input.",
        "holds" if all(told) else "fails" if not any(told) else "unclear",
        numbers,
        MEASURED,
    )
