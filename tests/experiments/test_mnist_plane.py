"""The experiment mnist-plane: its images, its parts, and claims that follow what was put into the tables."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from infoplane.data import Task
from infoplane.experiments import mnist_claims, mnist_plane, mnist_training
from infoplane.experiments.base import Run
from infoplane.networks import MLP, MultiplicativeNoise
from infoplane.progress import silent

DATA = Path(os.environ.get("INFOPLANE_DATA") or "/nowhere")
CELLS = ("seed", "epoch", "layer")


def test_a_fixed_part_of_the_training_images_and_the_test_images() -> None:
    if not (DATA / "mnist").is_dir():
        pytest.skip("the images are not here: INFOPLANE_DATA names no folder with mnist/")
    task = mnist_training.images(12_000, 10_000)
    assert task.train is not None
    assert (int(task.train.sum()), int((~task.train).sum()), task.x.shape[1]) == (12_000, 10_000, 784)
    published = np.array([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949])
    assert np.abs(np.bincount(task.y[task.train]) - published / 5).max() <= 1
    assert np.bincount(task.y[~task.train])[0] == 980
    assert task.name == "MNIST, 12,000 training and 10,000 test images"


def blobs(n_train: int = 0, n_test: int = 0) -> Task:
    """Ten classes of points around centres of their own, in place of images."""
    random = np.random.default_rng(0)
    y = np.arange(240) % 10
    x = random.normal(size=(10, 784))[y] + 0.5 * random.normal(size=(240, 784))
    return Task(x.astype(np.float32), y, "blobs", train=np.arange(240) < 140)


def small(monkeypatch: pytest.MonkeyPatch) -> None:
    widths = (784, 8, 4, 4, 4, 10)
    networks = {
        "tanh": MLP(widths),
        "relu": MLP(widths, "relu"),
        "dropout": MLP(widths, noise=MultiplicativeNoise(0.4)),
    }
    for name, network in networks.items():
        arm = replace(
            mnist_training.ARMS[name], network=(network, network), epochs=(3, 3), checkpoints=((1, 2), (1, 2))
        )
        monkeypatch.setitem(mnist_training.ARMS, name, arm)
    monkeypatch.setattr(mnist_training, "images", blobs)


@pytest.mark.slow
def test_the_samples_of_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of the reduced probe are the first of each part, and layers are evaluated on them, noise on or off."""
    small(monkeypatch)
    train = mnist_training.training(Run(True, 2, None, silent), "dropout")
    few, whole = mnist_plane._reduced(train, 20, 30)(), train()
    assert train() is whole
    assert few.probe.train is not None
    assert (few.probe.n, int(few.probe.train[0].sum())) == (50, 20)
    rows = np.r_[0:20, 140:170]
    np.testing.assert_array_equal(few.y, whole.y[rows])
    here, there = (mnist_training.silenced(r).activations(1, 3, "hidden 3") for r in (few, whole))
    np.testing.assert_allclose(here, there[rows], atol=1e-6)
    assert np.abs(few.activations(1, 3, "hidden 3") - here).max() > 0.1


def binned(path: list[float], samples: int = 1000) -> xr.Dataset:
    """Two layers of six networks that follow a path, in bits, on both parts; the test part a little above."""
    from infoplane.plane.summary import add_summary

    random = np.random.default_rng(1)
    values = np.array(path)[None, :, None] * math.log(2) + 0.001 * random.standard_normal((6, len(path), 2))
    coords = {"seed": np.arange(6), "epoch": np.arange(len(path)), "layer": ["hidden 4", "output"]}
    plane = xr.Dataset({"mi_input": (CELLS, values), "mi_target": (CELLS, 0.2 * values)}, coords)
    both = xr.concat([add_summary(plane), add_summary(plane + 0.001)], xr.DataArray(["train", "test"], dims="split"))
    both = both.assign_coords(split=["train", "test"])
    ceilings = {"n_samples": samples, "ceiling_mi_input": math.log(samples), "ceiling_mi_target": math.log(10)}
    own = {"train": ceilings, "test": ceilings}
    return both.assign_attrs(by_split=json.dumps(own), ceiling_mi_input=math.log(2 * samples))


FALL, RISE, TOP = [2.0, 4, 6, 6, 5, 4, 3, 2], [2.0, 3, 4, 5, 6, 6, 6, 6], [9.0, 9.9, 9.95] + [9.96] * 5


@pytest.mark.parametrize(("path", "verdict"), [(FALL, "holds"), (RISE, "fails"), (TOP, "unclear")])
def test_bins_that_isolate_every_image_cannot_tell(path: list[float], verdict: str) -> None:
    plane = mnist_claims.part(binned(path), "test")
    assert plane.attrs["ceiling_mi_input"] == math.log(1000)
    assert mnist_claims._telling(plane, "hidden 4") == verdict


@pytest.mark.parametrize(("path", "verdict"), [(FALL, "holds"), (RISE, "holds"), (TOP, "unclear")])
def test_parts_agree_where_both_can_tell(path: list[float], verdict: str) -> None:
    assert mnist_claims._alike("tanh", binned(path), "hidden 4").verdict == verdict


def table(verdicts: list[str], blind: list[str]) -> xr.Dataset:
    count = len(verdicts)
    axes = ("estimator", "layer")
    numbers: dict[str, Any] = {f"fall{end}": (axes, np.ones((count, 1))) for end in ("", "_lower", "_upper")}
    words = {"verdict": (axes, [[v] for v in verdicts]), "blind": (axes, [[b] for b in blind])}
    return xr.Dataset({**numbers, **words}, {"estimator": [f"method {k}" for k in range(count)], "layer": ["hidden 4"]})


@pytest.mark.parametrize(
    ("verdicts", "blind", "answer"),
    [
        (["holds", "holds"], ["", ""], "holds"),
        (["holds", "fails"], ["", ""], "fails"),
        (["holds", "fails"], ["", "ceiling"], "holds"),
        (["holds", "unclear"], ["", ""], "unclear"),
        (["fails", "fails"], ["floor", "ceiling"], "unclear"),
        (["unclear", "unclear"], ["", ""], "unclear"),
    ],
)
def test_one_answer(verdicts: list[str], blind: list[str], answer: str) -> None:
    assert mnist_claims._one_answer("tanh", table(verdicts, blind), "hidden 4").verdict == answer


def test_a_method_that_could_not_have_seen_a_fall_leaves_it_open() -> None:
    for blind, answer in (("", "fails"), ("ceiling", "unclear")):
        found = mnist_claims._seen("tanh", table(["fails"], [blind]), "method", "it", "hidden 4", "here")
        assert found.verdict == answer


@pytest.mark.parametrize(("gain", "verdict"), [(0.5, "holds"), (-0.5, "fails")])
def test_decoders(gain: float, verdict: str) -> None:
    values = np.linspace(1.0, 1.0 + gain, 3)[None, :, None] + 0.001 * np.random.default_rng(2).standard_normal(
        (6, 3, 2)
    )
    coords = {"seed": np.arange(6), "epoch": [0, 1, 2], "layer": ["hidden 4", "output"]}
    decoded = xr.Dataset({"decoded": (CELLS, values), "accuracy_test": (CELLS[:2], values[..., 0])}, coords)
    assert mnist_claims._rises("tanh", decoded).verdict == verdict
