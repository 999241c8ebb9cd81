"""What ``dual-vib-cifar10`` says: bounds that agree, which objective lies above which, and whether the dual errs less.

Verdicts on differences take both errors: that over seeds, and that over the test images, which all models share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from .base import Claim
from .dual_vib_cifar10_images import error_of_calibration, error_of_order, error_over_images, of_images, widened
from .variational_plane_claims import above, agreeing, conditional_is_another
from .variational_plane_orders import AXES, axis_of, betas, between, held_out, names, of
from .verdicts import Mean, Verdict, all_of, mean_over_seeds, rounded

_LOST = 0.05  # nats that training to the last epoch may cost
_OTHERS = ("VIB", "CEB")
_DUAL = "arXiv:2006.04641 (the potential to err less); our own test"


def claims_of(plane: xr.Dataset) -> list[Claim]:
    """Claims on the models of three objectives."""
    models = held_out(plane)
    models = models.assign(mi_target=models.known.mean("image"))
    seen = plane.isel(epoch=-1).sel(split="train", drop=True)
    return [
        *agreeing(plane, models, seen),
        _kept_beyond_its_rate(models),
        *(_above(models, seen, "DualVIB", _OTHERS, axis) for axis in AXES),
        *(_above(models, seen, "CEB", ("VIB",), axis) for axis in AXES),
        _errs_less(models),
        _calibrated(models),
        _fixed_epoch(plane, models),
    ]


def _kept_beyond_its_rate(models: xr.Dataset) -> Claim:
    """That R_c is no bound of I(X;Z) needs no data; whether data show it, depends on how much of the label is found."""
    return replace(
        conditional_is_another(models),
        text="With every objective some model is shown to keep more of the label than its conditional rate, so that an "
        "axis of R_c named I(X;Z) would be seen to break data processing on these images too.",
    )


def _above(models: xr.Dataset, seen: xr.Dataset, one: str, others: Sequence[str], axis: str) -> Claim:
    """As in ``variational-plane``, its interval widened by the error over images."""
    claim = above(models, seen, one, others, axis)
    numbers, verdicts = dict(claim.numbers), []
    for other in others:
        found = between(models, one, other, axis)
        known = np.isfinite(found.rates).all()
        error = error_of_order(models, one, other, axis_of(axis), found.rates) if known else np.nan
        whole = widened(found.mean, error)
        numbers[f"{one} less {other}, test, its standard error over images"] = error
        numbers[f"{one} less {other}, test, with both errors"] = str(whole)
        verdicts.append(whole.above(0.0))
    return replace(claim, verdict=all_of(verdicts), numbers=rounded(numbers))


def _errs_less(models: xr.Dataset) -> Claim:
    """Each objective at the beta that is best for it, by the mean over seeds on test images: kind to all alike."""
    best = {name: _best(models, name) for name in names(models)}
    right = {name: of_images(models, name, "right")[:, k] for name, k in best.items()}
    numbers: dict[str, float | str] = {}
    for name in names(models):
        numbers[f"{name}: accuracy by beta, test, %"] = _by_beta(models, name, 100 * of(models, name, "accuracy"))
        at = betas(models, name)
        numbers[f"{name}: best beta, of {at[0]:g} to {at[-1]:g}"] = float(at[best[name]])
    numbers["standard error of an accuracy over images, largest, %"] = 100 * float(models.accuracy_stderr.max())
    verdicts = []
    for other in _OTHERS:
        apart = 100 * (right["DualVIB"] - right[other])
        error = error_over_images(apart.mean(axis=0))
        whole = widened(mean_over_seeds(apart.mean(axis=1)), error)
        numbers[f"DualVIB less {other}, each at its best beta, percentage points, with both errors"] = str(whole)
        numbers[f"DualVIB less {other}, its standard error over images, percentage points"] = error
        verdicts.append(whole.above(0.0))
    return Claim(
        "At the beta that is best for each, DualVIB errs less on test images than VIB and than CEB.",
        all_of(verdicts),
        rounded(numbers),
        _DUAL,
    )


def _calibrated(models: xr.Dataset) -> Claim:
    """What the dual's classifier is trained towards is as unsure as a network is of images it has not seen."""
    places = {name: (name, _best(models, name)) for name in names(models)}
    numbers: dict[str, float | str] = {
        f"{name}: by beta": _by_beta(models, name, of(models, name, "calibration_error")) for name in names(models)
    }
    verdicts = []
    for other in _OTHERS:
        dual, second = (of(models, name, "calibration_error")[:, k] for name, k in (places["DualVIB"], places[other]))
        error = error_of_calibration(models, [places["DualVIB"], places[other]])
        whole = widened(mean_over_seeds(dual - second), error)
        numbers[f"DualVIB less {other}, each at its most accurate beta, with both errors"] = str(whole)
        numbers[f"DualVIB less {other}, its standard error over images"] = error
        verdicts.append(whole.below(0.0))
    return Claim(
        "At the beta at which each is most accurate, the averaged predictions of DualVIB are better calibrated on test "
        "images than those of VIB and of CEB (expected calibration error).",
        all_of(verdicts),
        rounded(numbers),
        "our own test",
    )


def _fixed_epoch(plane: xr.Dataset, models: xr.Dataset) -> Claim:
    """The best checkpoint is that of the mean over seeds; the error over images is of one model, an upper limit."""
    numbers: dict[str, float | str] = {}
    verdicts: list[Verdict] = []
    test = plane.mi_target.sel(split="test")
    for name in names(models):
        lost = []
        for beta in betas(models, name):
            course = test.sel(objective=name, beta=beta).transpose("seed", "epoch")
            best = int(course.mean("seed").argmax("epoch"))
            lost.append((int(plane.epoch[best]), mean_over_seeds(course.isel(epoch=best) - course.isel(epoch=-1))))
        verdicts.extend(mean.below(_LOST) for _, mean in lost)
        numbers[f"{name}: lost since the best checkpoint, nats"] = "; ".join(
            f"{beta:g}: {mean} (epoch {epoch})" for beta, (epoch, mean) in zip(betas(models, name), lost, strict=True)
        )
    numbers["standard error of I(Z;Y) over images, of one model, largest, nats"] = float(models.mi_target_stderr.max())
    return Claim(
        "The last epoch, fixed before this run, is none too late: by the fit's own classifiers I(Z;Y) on test images "
        f"ends at most {_LOST:g} nats below its best checkpoint, for every objective and beta.",
        all_of(verdicts),
        rounded(numbers),
        "our own test",
    )


def _best(models: xr.Dataset, name: str) -> int:
    return int(np.argmax(of(models, name, "accuracy").mean(axis=0)))


def _by_beta(models: xr.Dataset, name: str, values: np.ndarray) -> str:
    means: list[Mean] = [mean_over_seeds(column) for column in values.T]
    return "; ".join(f"{beta:g}: {mean}" for beta, mean in zip(betas(models, name), means, strict=True))
