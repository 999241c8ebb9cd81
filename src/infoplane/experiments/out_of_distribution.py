"""Trained on Fashion-MNIST, shown MNIST: does a compressed representation know what it was not trained on?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from ..data import mnist
from ..results import provenance
from ..variational import Fitted, Objective, kl_diagonal, kl_standard
from ..variational.planes import place
from .base import Claim, Experiment, Run, sizes
from .fashion_arms import ARMS, BASELINE, BOTTLENECKS, images, part, together, trained
from .fashion_figures import dots
from .paired import above

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCORES = ("confidence", "entropy", "rate", "class_rate", "odd_rate")
_WORDS = {
    "confidence": "least probability of the likeliest class",
    "entropy": "entropy of the averaged prediction",
    "rate": "rate KL(e(z|x) || N(0, I))",
    "class_rate": "least rate KL(e(z|x) || b(z|y)) over classes",
    "odd_rate": "distance of the rate from its mean in training",
}
_SOURCE = "arXiv:1612.00410, arXiv:2002.05379 (the question); our own test"


class OutOfDistribution(Experiment):
    """Nine objectives on Fashion-MNIST; images of MNIST against those of Fashion-MNIST's test part.

    Scores of a single image: how unsure the averaged prediction is (its largest probability, its entropy), and the
    rate: against the marginal, against the nearest class, and how far it lies from the mean of training images. The
    area under the ROC curve is that of telling the two data sets apart by the score: 0.5 is chance, below it the score
    is the wrong way round.
    """

    name = "out-of-distribution"
    title = "Fashion-MNIST against MNIST"
    source = _SOURCE
    seeds = 3
    quick_seeds = 2

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        return {"areas": run.table("areas", lambda: _areas(run))}

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        areas = datasets["areas"].area
        return [_by_prediction(areas), _by_rate(areas), _rate_or_prediction(areas)]

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        table = datasets["areas"]
        panels = {_WORDS[name]: table.area.sel(score=name) for name in SCORES}
        return {"areas": dots(panels, "area under the ROC curve", chance=0.5)}


def _areas(run: Run) -> xr.Dataset:
    (train, test), strange = images(), mnist("test").flattened()
    count, epochs, shown = sizes(run, (60_000, 8, 10_000), (3_000, 3, 1_000))
    fitted = trained(run, together(part(train, count, 0), test, "Fashion-MNIST"), "all", epochs)
    area = np.full((len(ARMS), run.seeds, len(SCORES)), np.nan)
    for k, objective in enumerate(ARMS.values()):
        for seed in range(run.seeds):
            usual = _rates(fitted, train.x[:shown], objective, seed).mean()
            known, new = (_scores(fitted, x[:shown], objective, seed, usual) for x in (test.x, strange.x))
            area[k, seed] = [_area(new[name], known[name]) if name in known else np.nan for name in SCORES]
        run.progress("scores", k + 1, len(ARMS))
    last = fitted.dataset.isel(epoch=-1).sel(split="test")
    accuracy = [[_of(last.accuracy, one, seed) for seed in range(run.seeds)] for one in ARMS.values()]
    return xr.Dataset(
        {
            "area": (("arm", "seed", "score"), area, {"quantity": "area under the ROC curve", "unit": "1"}),
            "accuracy": (("arm", "seed"), accuracy, {"quantity": "test accuracy on Fashion-MNIST", "unit": "1"}),
        },
        {"arm": list(ARMS), "seed": range(run.seeds), "score": list(SCORES)},
        provenance(task="Fashion-MNIST against MNIST", n_train=count, n_shown=shown, epochs=epochs),
    )


def _of(values: xr.DataArray, objective: Objective, seed: int) -> float:
    kind, beta = place(objective)
    return float(values.sel(objective=kind, beta=beta, seed=seed))


def _rates(fitted: Fitted, x: np.ndarray, objective: Objective, seed: int) -> np.ndarray:
    """(n,) KL(e(z|x) || N(0, I)); of a network without noise it has no meaning."""
    return np.asarray(kl_standard(*fitted.laws(x, objective=objective, model_seed=seed)))


def _scores(fitted: Fitted, x: np.ndarray, objective: Objective, seed: int, usual: float) -> dict[str, np.ndarray]:
    """(n,) each, larger where the image is stranger."""
    which: dict[str, Any] = {"objective": objective, "model_seed": seed}
    p = fitted.predict(x, **which)
    found = {"confidence": -p.max(axis=1), "entropy": -(p * np.log(np.maximum(p, 1e-30))).sum(axis=1)}
    if objective.latent == "mean":  # a network without noise has no rate
        return found
    mean, scale = fitted.laws(x, **which)
    centres, widths = fitted.model(objective, seed).conditionals()
    per_class = [
        np.asarray(kl_diagonal(mean, scale, (centre, width))) for centre, width in zip(centres, widths, strict=True)
    ]
    rate = _rates(fitted, x, objective, seed)
    return found | {"rate": rate, "class_rate": np.min(per_class, axis=0), "odd_rate": np.abs(rate - usual)}


def _area(strange: np.ndarray, known: np.ndarray) -> float:
    """Probability that a strange image scores above a known one, ties by half (Mann and Whitney)."""
    ranks = rankdata(np.concatenate([strange, known]))
    n, m = len(strange), len(known)
    return float((ranks[:n].sum() - n * (n + 1) / 2.0) / (n * m))


def _by_prediction(areas: xr.DataArray) -> Claim:
    return above(
        "By the confidence of its prediction every bottleneck tells MNIST from Fashion-MNIST better than a network "
        "trained by cross-entropy.",
        {
            name: areas.sel(score="confidence", arm=name) - areas.sel(score="confidence", arm=BASELINE)
            for name in BOTTLENECKS
        },
        {name: areas.sel(score="confidence", arm=name) for name in ARMS},
        _SOURCE,
    )


def _by_rate(areas: xr.DataArray) -> Claim:
    own = _own_rates(areas)
    return above(
        "By the rate of its own loss (VIB: against the marginal; CEB and the dual: against the nearest class) every "
        "bottleneck tells MNIST from Fashion-MNIST, with an area above 0.5.",
        {name: area - 0.5 for name, area in own.items()},
        own,
        _SOURCE,
    )


def _rate_or_prediction(areas: xr.DataArray) -> Claim:
    own = _own_rates(areas)
    return above(
        "The rate of its own loss tells them apart better than the confidence of the same model's prediction, in every "
        "bottleneck.",
        {name: area - areas.sel(score="confidence", arm=name) for name, area in own.items()},
        own,
        _SOURCE,
    )


def _own_rates(areas: xr.DataArray) -> dict[str, xr.DataArray]:
    """By bottleneck, the area of the rate that its loss weighs: chosen before any image is judged."""
    return {
        name: areas.sel(score="rate" if ARMS[name].bounds == "I(X;Z)" else "class_rate", arm=name)
        for name in BOTTLENECKS
    }
