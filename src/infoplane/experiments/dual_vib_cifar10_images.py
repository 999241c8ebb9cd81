"""What trained models say of every single test image, so that errors over images are those of paired differences."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import xarray as xr
from scipy.special import log_softmax

from ..data import Task
from ..variational import Fitted, Objective
from ..variational.evaluation import calibration_error
from .variational_plane_encoders import densities, summarised
from .variational_plane_orders import betas, of
from .verdicts import Mean

_ABOUT = {
    "known": {"quantity": "ln q(y|z) / p(y), of the classifier of z that shows most, for each test image",
              "unit": "nats"},
    "right": {"quantity": "whether the averaged prediction is right", "unit": "1"},
    "confidence": {"quantity": "largest averaged probability", "unit": "1"},
}  # fmt: skip
_SHAPE = ("objective", "beta", "seed", "image")
_DRAWS, _NOISE = 12, 0xC1FA  # of z, as many as the fit measures with
_RESAMPLES = 400


def measured(fitted: Fitted, task: Task) -> xr.Dataset:
    """Bounds without the prior as in ``variational-plane``, and values of every test image.

    - ``known``: whose mean is a lower bound of I(Z;Y): by the objective's classifier, the read-out, the class laws
      b(z|y) or the one network for all, whichever shows most.
    - ``right``, ``confidence``: of the averaged prediction.

    Returns:
        over (objective, beta, seed) and ``image``; nan where a kind of objective has no model of a beta.
    """
    parts: list[xr.Dataset] = []
    for kind, group in itertools.groupby(fitted.objectives, key=type):  # each kind has betas of its own
        ones = list(group)
        rows = [[densities(fitted, task, one, seed) for seed in fitted.seeds] for one in ones]
        told = [
            [_told(fitted, task, one, seed, found) for seed, found in zip(fitted.seeds, row, strict=True)]
            for one, row in zip(ones, rows, strict=True)
        ]
        values = {name: np.array([[cell[name] for cell in row] for row in told])[None] for name in _ABOUT}
        images = {name: (_SHAPE, one, _ABOUT[name]) for name, one in values.items()}
        part = summarised(rows, ones, fitted.seeds).assign(images)
        parts.append(part.assign_coords(objective=[kind.__name__]))
    return xr.concat(parts, "objective", join="outer", combine_attrs="no_conflicts")


def _told(
    fitted: Fitted, task: Task, one: Objective, seed: int, found: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    own, test = task.split(1.0, seed=0, kind="own")
    y = task.y[test]
    chance = -np.log(np.bincount(task.y[own])[y] / len(own))
    mean, scale = fitted.laws(task.x[test], objective=one, model_seed=seed)
    random = np.random.default_rng([seed, _NOISE])
    z = mean + scale * random.standard_normal((_DRAWS, *mean.shape)).astype(np.float32)
    model = fitted.model(one, seed)
    logs = [log_softmax(z @ np.asarray(layer.weight).T + np.asarray(layer.bias), axis=-1)
            for layer in (model.classifier, model.readout)]  # fmt: skip
    shown = [chance + log[:, np.arange(len(y)), y].mean(axis=0) for log in logs]
    p = np.exp(logs[0]).mean(axis=0)
    return {
        "known": max((*shown, found["generative"], found["common"]), key=np.mean).astype(np.float32),
        "right": (p.argmax(axis=1) == y).astype(np.float32),
        "confidence": p.max(axis=1).astype(np.float32),
    }


def of_images(models: xr.Dataset, name: str, variable: str) -> np.ndarray:
    """(seed, beta, image) values of one objective, over the betas it has."""
    values = models[variable].sel(objective=name, beta=betas(models, name))
    return values.transpose("seed", "beta", "image").to_numpy().astype(float)


def error_of_order(models: xr.Dataset, one: str, other: str, variable: str, rates: np.ndarray) -> float:
    """Standard error over images of the mean difference of I(Z;Y) at equal rate, over places and seeds.

    The difference is a weighted sum of what models show of each image; rates are taken as they are.

    Args:
        models: with ``known``.
        one, other: objectives.
        variable: the rate.
        rates: places, as :func:`between` has them.
    """
    first, second = (_along(models, name, variable, np.log(rates)) for name in (one, other))
    return error_over_images(first - second)


def error_over_images(differences: np.ndarray) -> float:
    """Standard error of a mean over images."""
    return float(differences.std(ddof=1) / np.sqrt(len(differences)))


def error_of_calibration(models: xr.Dataset, places: list[tuple[str, int]]) -> float:
    """Of the difference of two calibration errors, each the mean over seeds at one beta, by resampling the images.

    Args:
        models: with ``right`` and ``confidence``.
        places: two of (objective, index of its beta).
    """
    random = np.random.default_rng(0)
    pairs = [[of_images(models, name, which)[:, k] for which in ("confidence", "right")] for name, k in places]
    count = pairs[0][0].shape[-1]
    found = []
    for _ in range(_RESAMPLES):
        rows = random.integers(0, count, count)
        one, other = (calibration_error(confidence[:, rows], right[:, rows]).mean() for confidence, right in pairs)
        found.append(one - other)
    return float(np.std(found, ddof=1))


def widened(mean: Mean, error: float) -> Mean:
    """The interval over seeds and that over images (95 %), as independent: root of the sum of the squares."""
    if not np.isfinite([mean.value, error]).all():
        return mean
    low, high = (float(np.hypot(edge - mean.value, 1.96 * error)) for edge in (mean.lower, mean.upper))
    return Mean(mean.value, mean.value - low, mean.value + high)


def _along(models: xr.Dataset, name: str, variable: str, places: np.ndarray) -> np.ndarray:
    """(image,) what is known, interpolated along the logarithm of the rate; mean over places and seeds."""
    rates, known = of(models, name, variable), of_images(models, name, "known")
    found = []
    for seed in range(len(rates)):
        fine = np.isfinite(rates[seed]) & (rates[seed] > 0)
        order = np.argsort(rates[seed][fine])
        logs = np.log(rates[seed][fine][order])
        # A hat for every model: what each weighs in the mean over the places.
        weights = [np.interp(places, logs, unit).mean() for unit in np.eye(len(logs))]
        found.append(np.array(weights) @ known[seed][fine][order])
    return np.mean(found, axis=0)
