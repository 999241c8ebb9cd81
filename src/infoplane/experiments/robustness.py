"""Attacks, wrong labels, few images: do networks trained for the bottleneck stand them better?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ..data import Task
from ..results import provenance
from ..variational import Fitted, attacked
from .base import Claim, Experiment, Run, sizes
from .fashion_arms import ARMS, BASELINE, images, part, together, trained
from .fashion_figures import lines
from .robustness_claims import claims_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STRENGTHS = (0, 1, 2, 4, 8, 16, 128)  # of 255
_BATCH = 100


class Robustness(Experiment):
    """Nine objectives on Fashion-MNIST, dense 256-256, 32 latent variables; predictions averaged over 12 draws of z.

    Attacks: one step (FGSM) and 20 steps (PGD) on 1,000 test images, in a box of up to 128/255 around every pixel, with
    gradients averaged over 8 draws of z; and images found by PGD on the network trained by cross-entropy, shown to the
    others. An image is withstood where none of the three makes the network err; that counts only where PGD is no weaker
    than the other two and half the range leaves next to nothing. Wrong labels: a share drawn anew from all classes,
    10,000 images. Few images: 200 to 5,000, equally many steps. Few images and wrong labels are drawn anew for every
    seed; all seeds are attacked on the same test images.
    """

    name = "robustness"
    title = "Robustness of networks trained for the bottleneck"
    source = "arXiv:1612.00410, arXiv:2002.05380 (the question); our own test"
    seeds = 3
    quick_seeds = 2

    def measure(self, run: Run) -> dict[str, xr.Dataset]:
        train, test = images()
        test = test.take(np.arange(sizes(run, len(test.y), 500)))
        steps = sizes(run, 1000, 60)
        return {
            "attacks": run.table("attacks", lambda: _attacks(run, train, test)),
            "labels": run.table("labels", lambda: _labels(run, train, test, steps)),
            "few": run.table("few", lambda: _few(run, train, test, steps)),
        }

    def claims(self, datasets: Mapping[str, xr.Dataset]) -> list[Claim]:
        return claims_of(datasets, self.source)

    def draw(self, datasets: Mapping[str, xr.Dataset]) -> dict[str, Figure]:
        right = datasets["attacks"].right.isel(strength=slice(None, -1))
        attacks = right.mean("image")
        words = {"FGSM": "one step (FGSM)", "PGD": "20 steps (PGD)", "transfer": "PGD on cross-entropy"}
        return {
            "attacks": lines({words[name]: attacks.sel(attack=name) for name in words}
                             | {"the worst of the three": right.min("attack").mean("image")}, "strength",
                             ("strength (of 255)", "accuracy")),
            "labels": lines({"": datasets["labels"].accuracy}, "share", ("share of random labels", "test accuracy")),
            "few": lines({"": datasets["few"].accuracy}, "count", ("training images", "test accuracy"), log=True),
        }  # fmt: skip


def _attacks(run: Run, train: Task, test: Task) -> xr.Dataset:
    count, epochs, shown, strengths = sizes(run, (60_000, 8, 1_000, _STRENGTHS), (1_000, 6, 100, (0, 8, 128)))
    fitted = trained(run, together(part(train, count, 0), test, "Fashion-MNIST"), "all", epochs)
    x, y = test.x[:shown], test.y[:shown]
    found = np.zeros((3, len(ARMS), run.seeds, len(strengths), shown), np.uint8)
    for s, strength in enumerate(strengths):
        for seed in range(run.seeds):
            seen = x
            for k, arm in enumerate(ARMS):  # the baseline first: what is found on it is shown to all
                for a, steps in enumerate((1, 20)):
                    changed = _changed(fitted, x, y, strength, steps, arm, seed)
                    found[a, k, seed, s] = _right(fitted, changed, y, arm, seed)
                    seen = changed if (arm, steps) == (BASELINE, 20) else seen
                found[2, k, seed, s] = _right(fitted, seen, y, arm, seed)
        run.progress("attacks", s + 1, len(strengths))
    return xr.Dataset(
        {
            "right": (
                ("attack", "arm", "seed", "strength", "image"),
                found,
                {"quantity": "1 where no error", "unit": "1"},
            )
        },
        {
            "attack": ["FGSM", "PGD", "transfer"],
            "arm": list(ARMS),
            "seed": range(run.seeds),
            "strength": list(strengths),
        },
        provenance(task="Fashion-MNIST", n_train=count, n_shown=shown, epochs=epochs),
    )


def _changed(
    fitted: Fitted, x: np.ndarray, y: np.ndarray, strength: int, steps: int, arm: str, seed: int
) -> np.ndarray:
    return attacked(fitted, x, y, strength / 255.0, steps=steps, objective=ARMS[arm], model_seed=seed)


def _right(fitted: Fitted, x: np.ndarray, y: np.ndarray, arm: str, seed: int) -> np.ndarray:
    """(n,) booleans."""
    return fitted.predict(x, seed=1, objective=ARMS[arm], model_seed=seed).argmax(axis=1) == y


def _labels(run: Run, train: Task, test: Task, steps: int) -> xr.Dataset:
    count, shares = sizes(run, (10_000, (0.0, 0.2, 0.4, 0.6)), (1_000, (0.4,)))
    return _accuracies(run, {share: (count, share) for share in shares}, train, test, "share", steps)


def _few(run: Run, train: Task, test: Task, steps: int) -> xr.Dataset:
    counts = sizes(run, (200, 500, 1_000, 5_000), (1_000,))
    return _accuracies(run, {count: (count, 0.0) for count in counts}, train, test, "count", steps)


def _accuracies(
    run: Run, parts: Mapping[float, tuple[int, float]], train: Task, test: Task, along: str, steps: int
) -> xr.Dataset:
    """(arm, seed, along) accuracy on all test images after so many steps; every seed has images of its own.

    Args:
        run, train, test, steps: of the experiment.
        parts: by the value along the axis, the number of images and the share of wrong labels.
        along: name of the axis.
    """
    values = np.full((len(ARMS), run.seeds, len(parts)), np.nan)
    for place, (value, (count, noise)) in enumerate(parts.items()):
        epochs = max(1, steps * _BATCH // count)
        for seed in range(run.seeds):
            task = together(part(train, count, seed + 1, noise), test, f"Fashion-MNIST, {along} {value}")
            fitted = trained(run, task, f"{along}-{value}-{seed}", epochs, [seed])
            values[:, seed, place] = [_right(fitted, test.x, test.y, arm, seed).mean() for arm in ARMS]
        run.progress(along, place + 1, len(parts))
    return xr.Dataset(
        {"accuracy": (("arm", "seed", along), values, {"quantity": "test accuracy", "unit": "1"})},
        {"arm": list(ARMS), "seed": range(run.seeds), along: list(parts)},
        provenance(task="Fashion-MNIST", steps=steps),
    )
