"""What ``variational-plane`` says: bounds that agree, curves that rise, and which objective lies above which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from .base import Claim
from .variational_plane_orders import AXES, axis_of, betas, between, held_out, names, of
from .verdicts import Verdict, all_of, mean_over_seeds, rounded, when

_ERRORS = 5.0  # standard errors over images and draws
_TIGHT = 0.5  # nats
_ACCURATE = 0.005  # half a percentage point
_CALIBRATED = 0.05
_SHOWN = {"rate_conditional": "R_c", "mi_input": "I(X;Z), upper", "mi_target": "I(Z;Y), lower"}
_OURS = "derived; our own test"
_DUAL = "arXiv:2006.04641 (a superior information plane, its axis the conditional rate); our own test"


def claims_of(plane: xr.Dataset) -> list[Claim]:
    """Claims on the models of three objectives."""
    models = held_out(plane)
    seen = plane.isel(epoch=-1).sel(split="train", drop=True)
    return [
        *agreeing(plane, models, seen),
        _tight(models),
        conditional_is_another(models),
        *(above(models, seen, "DualVIB", ("VIB", "CEB"), axis) for axis in AXES),
        *(above(models, seen, "CEB", ("VIB",), axis) for axis in AXES),
        _accurate(models),
        _calibrated(models),
    ]


def rises(models: xr.Dataset, where: str) -> Claim:
    """Fails where the interval of a step over seeds lies below 0."""
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for name in names(models):
        steps_from = [f"{beta:g}" for beta in betas(models, name)]
        for variable, shown in _SHOWN.items():
            steps = [mean_over_seeds(step) for step in np.diff(of(models, name, variable), axis=1).T]
            verdicts.extend("fails" if step.upper < 0.0 else "holds" for step in steps)
            least = int(np.argmin([step.value for step in steps]))
            numbers[f"{name}: least step of {shown}, nats"] = (
                f"{steps[least]}, beta {steps_from[least]} to {steps_from[least + 1]}"
            )
        known = of(models, name, "mi_target")
        numbers[f"{name}: I(Z;Y) by beta, nats"] = "; ".join(
            f"{beta}: {mean_over_seeds(column)}" for beta, column in zip(steps_from, known.T, strict=True)
        )
    return Claim(
        f"Both rates and what is shown of I(Z;Y) rise with beta, {where}: no step to the next beta is a fall beyond "
        "its error over seeds.",
        all_of(verdicts),
        numbers,
        _OURS,
    )


def below_rate(plane: xr.Dataset) -> Claim:
    """At every checkpoint, on both parts."""
    entropy = xr.DataArray(
        [plane.attrs[f"entropy_target_{name}"] for name in plane.split.values], {"split": plane.split}, "split"
    )
    error = _ERRORS * (plane.distortion_stderr + plane.rate_stderr + plane.rate_mixture_stderr)
    margins = {
        "rate": plane.rate - (entropy - plane.distortion),
        "mixture's rate": plane.rate_mixture - (entropy - plane.distortion),
        "smaller rate less the read-out's too": plane.mi_input - plane.mi_target,
    }
    held = all(bool((margin + error >= 0.0).where(np.isfinite(margin), True).all()) for margin in margins.values())
    return Claim(
        "H(Y) - D is below the rate, whatever the prior: of every model, at every checkpoint, on both parts "
        f"({_ERRORS:.0f} standard errors).",
        when(held),
        rounded({f"{name} less H(Y) - D, least, nats": float(margin.min()) for name, margin in margins.items()}),
        _OURS,
    )


def mixture(plane: xr.Dataset, models: xr.Dataset) -> Claim:
    """Its two sides have draws of their own."""
    entropy = plane.attrs["entropy_target_test"]
    apart = models.rate_mixture - (models.rate_conditional + models.generative)
    # Draws of z differ, images are the same: the errors over images are an upper limit of what separates the sides.
    error = models.rate_mixture_stderr + models.rate_conditional_stderr + models.generative_stderr
    above = models.rate_mixture - models.rate_conditional - entropy
    held = bool((abs(apart) <= _ERRORS * error).where(np.isfinite(apart), True).all()) and bool(
        (above.fillna(-1) <= 0).all()
    )
    return Claim(
        "With the mixture of the classes' laws as the prior the rate is the conditional one and H(Y) less the cross-"
        f"entropy of the classifier that those laws are ({_ERRORS:.0f} standard errors); so it is below R_c + H(Y).",
        when(held),
        rounded(
            {
                "largest distance of the two sides, nats": float(abs(apart).max()),
                "largest in standard errors": float((abs(apart) / error).max()),
                "mixture's rate less R_c + H(Y), largest, nats": float(above.max()),
            }
        ),
        _OURS,
    )


def agreeing(plane: xr.Dataset, models: xr.Dataset, seen: xr.Dataset) -> list[Claim]:
    """What must hold of any such plane: numbers that rise with beta, bounds that agree with each other.

    Args:
        plane: over (objective, beta, seed, epoch, split), nats.
        models: its last checkpoint on test images, with the bounds that need no prior.
        seen: its last checkpoint on training images.
    """
    return [
        rises(seen, "on training images"),
        rises(models, "on test images"),
        below_rate(plane),
        mixture(plane, models),
        sandwiched(models),
    ]


def sandwiched(models: xr.Dataset) -> Claim:
    """Bounds without a prior against the rates and against what is shown of I(Z;Y), nats; holds if every margin does.

    Args:
        models: over (objective, beta, seed), with ``sandwich_lower`` and ``sandwich_upper``.
    """
    error = _ERRORS * models.sandwich_lower_stderr
    margins = {
        "smaller rate less the lower bound": models.mi_input + _ERRORS * models.mi_input_stderr
        - models.sandwich_lower + error,
        "upper bound less the lower one": models.sandwich_upper - models.sandwich_lower,
        "upper bound less what is shown of I(Z;Y)": models.sandwich_upper - models.mi_target
        + _ERRORS * (models.sandwich_upper_stderr + models.mi_target_stderr),
    }  # fmt: skip
    numbers: dict[str, float | str] = {f"{name}, least, nats": float(one.min()) for name, one in margins.items()}
    n = models.attrs["n_encoders"]
    numbers |= {"encoders in the sandwich": float(n), "ln n, the ceiling of its lower end, nats": float(np.log(n))}
    return Claim(
        "Bounds that need no prior agree with the rates: the lower one is below both marginal rates and the upper one "
        f"above what is shown of I(Z;Y), of every model ({_ERRORS:.0f} standard errors).",
        when(all(float(one.min()) >= 0.0 for one in margins.values())),
        rounded(numbers),
        _OURS,
    )


def _tight(models: xr.Dataset) -> Claim:
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for name in names(models):
        gap = of(models, name, "mi_input") - of(models, name, "sandwich_upper")
        means = [mean_over_seeds(column) for column in gap.T]
        verdicts.extend(mean.below(_TIGHT) for mean in means)
        numbers[f"{name}: by beta, nats"] = "; ".join(
            f"{beta:g}: {mean}" for beta, mean in zip(betas(models, name), means, strict=True)
        )
    return Claim(
        f"The rates are tight: the smaller of the two is at most {_TIGHT:g} nats above the upper bound that needs no "
        "prior, for every objective and beta.",
        all_of(verdicts),
        numbers,
        _OURS,
    )


def conditional_is_another(models: xr.Dataset) -> Claim:
    """Holds if one mean over seeds lies below, with its interval; what is compared is of the same models."""
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for name in names(models):
        less = of(models, name, "mi_target") - of(models, name, "rate_conditional")
        means = [mean_over_seeds(column) for column in less.T]
        best = int(np.argmax([mean.value for mean in means]))
        verdicts.append(means[best].above(0.0))
        numbers[f"{name}: I(Z;Y), lower, less R_c, largest, nats"] = (
            f"{means[best]} at beta {betas(models, name)[best]:g}"
        )
    return Claim(
        "The conditional rate is no bound of I(X;Z): with every objective some model is shown to keep more of the "
        "label than its conditional rate, so that an axis of R_c named I(X;Z) would break data processing.",
        all_of(verdicts),
        numbers,
        _OURS,
    )


def above(models: xr.Dataset, seen: xr.Dataset, one: str, others: Sequence[str], axis: str) -> Claim:
    """Whether one objective has more of I(Z;Y) at equal rate than others, nats, in the mean over the common range.

    Args:
        models: over (objective, beta, seed), test images.
        seen: the same on training images, for the numbers beside; of the axes that it has.
        one, others: objectives, the one that lies above first.
        axis: which rate is held equal, of ``AXES``.
    """
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    for other in others:
        found = between(models, one, other, axis)
        verdicts.append(found.mean.above(0.0))
        pair = f"{one} less {other}"
        numbers[f"{pair}, test, nats"] = found.told
        numbers[f"{pair}, test, by the objective's own decoders"] = str(between(models, one, other, axis, "own").mean)
        if axis_of(axis) in seen:
            numbers[f"{pair}, training images, by the objective's own decoders"] = str(
                between(seen, one, other, axis).mean
            )
    return Claim(
        f"At equal {AXES[axis]}, {one} lies above {' and above '.join(others)}: I(Z;Y) is larger in the mean over the "
        "common range, on test images.",
        all_of(verdicts),
        numbers,
        _DUAL if (one, axis) == ("DualVIB", "conditional") else "our own test",
    )


def _accurate(models: xr.Dataset) -> Claim:
    """Each objective at the beta that is best for it."""
    best = {name: _best(models, name, "accuracy", 1) for name in names(models)}
    apart = [
        mean_over_seeds(abs(best[one] - best[other]))
        for one, other in (("DualVIB", "VIB"), ("DualVIB", "CEB"), ("CEB", "VIB"))
    ]
    numbers: dict[str, float | str] = {f"{name}: best accuracy, test, %": str(mean_over_seeds(100 * values))
                                       for name, values in best.items()}  # fmt: skip
    for name in names(models):
        numbers[f"{name}: accuracy by beta, test, %"] = "; ".join(
            f"{beta:g}: {mean_over_seeds(100 * column)}"
            for beta, column in zip(betas(models, name), of(models, name, "accuracy").T, strict=True)
        )
    return Claim(
        f"At the beta that is best for each, the three are equally accurate, to {100 * _ACCURATE:g} percentage points "
        "of test images.",
        all_of([one.below(_ACCURATE) for one in apart]),
        numbers,
        "our own test",
    )


def _calibrated(models: xr.Dataset) -> Claim:
    found = {name: of(models, name, "calibration_error") for name in names(models)}
    return Claim(
        f"At the largest beta the averaged predictions are calibrated: an expected error below {_CALIBRATED:g}, for "
        "every objective, on test images.",
        all_of([mean_over_seeds(values[:, -1]).below(_CALIBRATED) for values in found.values()]),
        {
            f"{name}: by beta": "; ".join(
                f"{beta:g}: {mean_over_seeds(column)}"
                for beta, column in zip(betas(models, name), values.T, strict=True)
            )
            for name, values in found.items()
        },
        "our own test",
    )


def _best(models: xr.Dataset, name: str, variable: str, sign: int) -> np.ndarray:
    """(seed,) values at the beta with the largest mean over seeds."""
    values = of(models, name, variable)
    return values[:, int(np.argmax(sign * values.mean(axis=0)))]
