"""What trained encoders know, measured without what they were trained with: an independent check of the bounds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ..data import Task
from ..results import provenance
from ..variational import Fitted, Objective, generative_cross_entropy, sandwich
from ..variational.model import Gaussians
from .variational_plane_reading import read

_DRAWS = 12
_NOISE = (0x5A17, 0x9E57)  # of the draws of z of training and of test images


def encoders(fitted: Fitted, task: Task) -> xr.Dataset:
    """Bounds on both informations of every model of one kind, on test images, over (objective, beta, seed).

    - ``sandwich_lower``, ``sandwich_upper``: I(X;Z), the encoders of all test images as the marginal; the lower one is
      at most ln n.
    - ``generative``: I(Z;Y), lower, by the classifier that the classes' laws b(z|y) are.
    - ``common``: I(Z;Y), lower, by one small network that is the same for all models, trained on one draw of z of every
      training image.

    Standard errors are those over images.
    """
    rows = [[densities(fitted, task, one, seed) for seed in fitted.seeds] for one in fitted.objectives]
    return summarised(rows, fitted.objectives, fitted.seeds)


def summarised(
    rows: list[list[dict[str, np.ndarray]]], objectives: Sequence[Objective], seeds: Sequence[int]
) -> xr.Dataset:
    """Means and standard errors over images of what :func:`densities` gives.

    Args:
        rows: by (objective, seed).
        objectives: of one kind, so that their betas are an axis.
        seeds: of the models.
    """
    shape = ("objective", "beta", "seed")
    variables = {}
    for name in rows[0][0]:
        values = np.array([[cell[name] for cell in row] for row in rows])[None]
        error = values.std(axis=-1, ddof=1) / np.sqrt(values.shape[-1])
        variables |= {name: (shape, values.mean(axis=-1), _about(name))}
        variables |= {f"{name}_stderr": (shape, error, _about(f"{name}_stderr"))}
    betas = [one.beta for one in objectives]  # type: ignore[attr-defined]
    coordinates = {"objective": ["one"], "beta": betas, "seed": list(seeds)}
    return xr.Dataset(variables, coordinates, provenance(n_encoders=len(next(iter(rows[0][0].values())))))


def densities(fitted: Fitted, task: Task, objective: Objective, seed: int) -> dict[str, np.ndarray]:
    """(n_test,) values for every test image, whose means are the bounds of :func:`encoders`."""
    own, test = task.split(1.0, seed=0, kind="own")
    laws, seen = (fitted.laws(task.x[rows], objective=objective, model_seed=seed) for rows in (test, own))
    z = _drawn(laws, seed, _DRAWS, _NOISE[1])
    y = task.y[test]
    pair = sandwich(z[0], laws.mean, laws.scale)
    share = np.bincount(task.y[own]) / len(own)
    model = fitted.model(objective, seed)
    wrong = np.asarray(generative_cross_entropy(z, tuple(model.conditionals()), share, y))
    chance = -np.log(share[y])  # whose mean is H(Y) for the frequencies in training
    logs = read(_drawn(seen, seed, 1, _NOISE[0])[0], task.y[own], z[0], len(share), seed)
    common = chance + logs[np.arange(len(y)), y]
    return {"sandwich_lower": pair.lower, "sandwich_upper": pair.upper, "generative": chance - wrong, "common": common}


def _drawn(laws: Gaussians, seed: int, draws: int, noise: int) -> np.ndarray:
    """(draws, n, latent)."""
    random = np.random.default_rng([seed, noise])
    return laws.mean + laws.scale * random.standard_normal((draws, *laws.mean.shape)).astype(np.float32)


def _about(name: str) -> dict[str, str]:
    bare = name.removesuffix("_stderr")
    if bare != name:
        return {"quantity": f"standard error of {bare} over images", "unit": "nats"}
    quantity = "I(X;Z)" if bare.startswith("sandwich") else "I(Z;Y)"
    return {"quantity": quantity, "direction": "upper" if bare.endswith("upper") else "lower", "unit": "nats"}
