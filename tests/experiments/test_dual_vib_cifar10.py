"""Errors over images beside those over seeds, and claims that can fail."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import xarray as xr

from infoplane.experiments import dual_vib_cifar10_claims as told
from infoplane.experiments import dual_vib_cifar10_images as images
from infoplane.experiments.dual_vib_cifar10_figures import figures_of
from infoplane.experiments.dual_vib_cifar10_images import error_of_calibration, error_of_order, widened
from infoplane.experiments.variational_plane_figures import orders, planes
from infoplane.experiments.variational_plane_orders import between, held_out
from infoplane.experiments.verdicts import Mean
from infoplane.variational import CEB, VIB, DualVIB, Smooth

H = float(np.log(10))
SHAPE = ("objective", "beta", "seed", "epoch", "split")
NAMES = ("VIB", "CEB", "DualVIB")
RATES = np.array([0.4, 2.0, 10.0, 40.0])
IMAGES = 400


def made(
    offsets: tuple[float, ...] = (0.0, 0.05, 0.1),
    share: tuple[float, ...] = (0.40, 0.42, 0.55),
    confidence: tuple[float, ...] = (0.9, 0.9, 0.56),
    noise: float = 0.1,
) -> xr.Dataset:
    """Three objectives of four betas, three seeds, three checkpoints and 400 images.

    Args:
        offsets: of I(Z;Y), a straight line in the logarithm of R_c.
        share: of images that are classified well at the largest beta; a little less at smaller ones.
        confidence: of every prediction.
        noise: standard deviation over images of what is known, of each model on its own.
    """
    random = np.random.default_rng(0)
    ones = np.ones((3, 4, 3, 3, 2))
    conditional = RATES[None, :, None, None, None] * ones * np.array([0.97, 1.0, 1.03])[:, None, None]
    seeds = 1e-4 * random.standard_normal((1, 1, 3, 1, 1))
    target = 0.8 + np.reshape(offsets, (3, 1, 1, 1, 1)) + 0.25 * np.log(conditional) + seeds
    part = np.reshape(share, (3, 1)) - np.array([0.09, 0.06, 0.03, 0.0])
    place = random.permutation(IMAGES) / IMAGES  # an image that is hard for one model is hard for all
    right = np.broadcast_to((place < part[..., None])[:, :, None], (3, 4, 3, IMAGES))
    mixture = conditional + target
    values = {
        "rate": mixture + 0.2,
        "rate_conditional": conditional,
        "rate_mixture": mixture,
        "mi_input": mixture,
        "mi_target": target,
        "distortion": H - target,
        "loss": ones,
        "accuracy": right.mean(axis=-1)[..., None, None] * ones + seeds,
        "calibration_error": abs(np.reshape(confidence, (3, 1)) - part)[:, :, None, None, None] * ones + seeds,
    }
    errors = {f"{key}_stderr": 1e-3 * ones for key in values}
    plane = xr.Dataset(
        {key: (SHAPE, array) for key, array in (values | errors).items()},
        {"objective": list(NAMES), "beta": [2.0, 10.0, 50.0, 500.0], "seed": range(3), "epoch": [0, 4, 15],
         "split": ["train", "test"]},
        {"kind": "variational", "entropy_target_train": H, "entropy_target_test": H, "ceiling_mi_target": H,
         "n_encoders": IMAGES},
    )  # fmt: skip
    last = plane.isel(epoch=-1).sel(split="test", drop=True).drop_vars("epoch")
    measured = {
        "sandwich_lower": last.mi_input - 0.1,
        "sandwich_upper": last.mi_input - 0.05,
        "generative": last.mi_target,
        "common": last.mi_target - 0.1,
    }
    measured |= {f"{key}_stderr": last.mi_target_stderr for key in measured}
    apart = noise * random.standard_normal((3, 4, 3, IMAGES))
    apart -= apart.mean(axis=-1, keepdims=True)
    cells = ("objective", "beta", "seed", "image")
    measured |= {
        "known": (cells, last.mi_target.transpose(*cells[:3]).to_numpy()[..., None] + apart),
        "right": (cells, right.astype(np.int8)),
        "confidence": (cells, np.reshape(confidence, (3, 1, 1, 1)) * np.ones((3, 4, 3, IMAGES))),
    }
    return plane.assign(measured)


def verdicts(plane: xr.Dataset) -> dict[str, str]:
    return {claim.text: claim.verdict for claim in told.claims_of(plane)}


def verdict(plane: xr.Dataset, words: str) -> set[str]:
    return {found for text, found in verdicts(plane).items() if words in text}


def test_claims_hold_where_the_dual_is_better() -> None:
    found = verdicts(made())
    assert set(found.values()) == {"holds"}
    assert len(found) == 15


def test_claims_fail_where_it_is_worse() -> None:
    plane = made((0.1, 0.05, 0.0), (0.55, 0.55, 0.4), (0.56, 0.56, 0.9))
    for words in ("lies above", "errs less", "better calibrated"):
        assert verdict(plane, words) == {"fails"}


def test_what_images_leave_open_is_unclear() -> None:
    """Seeds agree to 1e-4, and a difference is still no larger than its error over images."""
    plane = made(noise=20.0)  # 20 / sqrt(400 images x 3 seeds) is 0.6 nats, beyond all offsets
    assert verdict(plane, "lies above") == {"unclear"}
    close = made(share=(0.40, 0.40, 0.4025))  # one image of 400
    assert verdict(close, "errs less") == {"unclear"}


def test_training_too_long_is_seen() -> None:
    plane = made()
    best = plane.mi_target + 0.1 * (plane.epoch == 4) * (plane.objective == "VIB")
    assert verdict(plane.assign(mi_target=best), "The last epoch") == {"fails"}


def test_error_of_an_order_is_that_of_paired_images() -> None:
    """What all models share of an image cancels; what is their own remains, weighed as the curve is."""
    plane = made(noise=0.0)
    random = np.random.default_rng(1)
    shared = xr.DataArray(random.standard_normal(IMAGES), dims="image")
    models = held_out(plane.assign(known=plane.known + shared))
    found = between(models, "DualVIB", "VIB", "conditional")
    assert error_of_order(models, "DualVIB", "VIB", "rate_conditional", found.rates) == pytest.approx(0.0, abs=1e-9)
    # A term of the dual alone, the same at every beta and seed: weights sum to one, so that its error is its own.
    alone = models.assign(known=models.known + shared * (models.objective == "DualVIB"))
    expected = float(shared.std(ddof=1)) / np.sqrt(IMAGES)
    assert error_of_order(alone, "DualVIB", "VIB", "rate_conditional", found.rates) == pytest.approx(expected)


def test_error_of_a_calibration_error_is_that_of_a_share() -> None:
    """All confidences in one bin: the calibration error is |share right - confidence|, its error a binomial one."""
    random = np.random.default_rng(2)
    plane = made(confidence=(0.95, 0.95, 0.95))
    right = (random.random((3, 4, 1, IMAGES)) < 0.4).astype(np.int8) * np.ones((1, 1, 3, 1), np.int8)
    models = held_out(plane.assign(right=(("objective", "beta", "seed", "image"), right)))
    expected = np.sqrt(2 * 0.4 * 0.6 / IMAGES)  # two objectives that err independently
    found = error_of_calibration(models, [("DualVIB", 1), ("VIB", 2)])
    assert found == pytest.approx(expected, rel=0.2)  # 400 resamples: 3.5 %; the share's own error: 5 %


def test_two_errors_add_as_squares() -> None:
    both = widened(Mean(1.0, 0.7, 1.3), 0.4 / 1.96)
    assert (both.value, both.lower, both.upper) == pytest.approx((1.0, 0.5, 1.5))


def test_objectives_with_betas_of_their_own_share_one_plane(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured of each model stands at its own place, and nan where a kind has no model."""
    given = [VIB(3.0), VIB(10.0), CEB(2.0), CEB(10.0), DualVIB(10.0, labels=Smooth(0.1))]
    seeds = (4, 5)

    def number(one: Any, seed: int) -> float:
        return 100.0 * ("VIB", "CEB", "DualVIB").index(type(one).__name__) + one.beta + 0.1 * seed

    def of_every_image(fitted: Any, task: Any, one: Any, seed: int, *_: Any) -> dict[str, np.ndarray]:
        names = ("sandwich_lower", "known", "right", "confidence")
        return {name: number(one, seed) + np.array([-1.0, 0.0, 1.0]) for name in names}

    monkeypatch.setattr(images, "densities", lambda *a: {"sandwich_lower": of_every_image(*a)["sandwich_lower"]})
    monkeypatch.setattr(images, "_told", of_every_image)
    found = images.measured(cast(Any, SimpleNamespace(objectives=given, seeds=seeds)), cast(Any, None))
    assert list(found.objective) == list(NAMES)
    assert list(found.beta) == [2.0, 3.0, 10.0]
    for one in given:
        cell = found.sel(objective=type(one).__name__, beta=one.beta)
        for seed in seeds:
            np.testing.assert_allclose(cell.sandwich_lower.sel(seed=seed), number(one, seed))
            np.testing.assert_allclose(cell.sandwich_lower_stderr.sel(seed=seed), 1 / np.sqrt(3))
            np.testing.assert_allclose(cell.known.sel(seed=seed).mean(), number(one, seed))
    assert int(np.isfinite(found.sandwich_lower).sum()) == len(given) * len(seeds)
    dimensions = ("objective", "beta", "seed")
    plane = xr.Dataset({"loss": (dimensions, np.ones((3, 3, 2)))}, {name: found[name] for name in dimensions})
    assert set(plane.merge(found)) == {
        "loss",
        "sandwich_lower",
        "sandwich_lower_stderr",
        "known",
        "right",
        "confidence",
    }


@pytest.mark.slow
def test_every_figure_is_drawn() -> None:
    figures = figures_of(made())
    assert list(figures) == ["planes", "orders", "bounds", "predictions", "training"]
    for figure in figures.values():
        figure.draw_without_rendering()


def test_bounds_that_are_far_apart_tell_no_order() -> None:
    """Without a prior I(X;Z) may nowhere be known: an order is open then, and its panels stay empty."""
    plane = made()
    far = plane.assign(sandwich_lower=plane.sandwich_upper - 1.0)
    orders_told = {text: one for text, one in verdicts(far).items() if "lies above" in text}
    assert all((one == "unclear") == ("without a prior" in text) for text, one in orders_told.items())
    for draw in (planes, orders):
        draw(held_out(far)).draw_without_rendering()
