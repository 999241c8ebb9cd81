"""The networks of the experiment mnist-plane: which images they get, and the same weights with their noise off."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import infoplane as ip
from infoplane.experiments.base import Run
from infoplane.experiments.mnist_training import ARMS, images, silenced, training
from infoplane.networks import MLP, SGD, MultiplicativeNoise, train_ensemble
from infoplane.progress import silent


@pytest.fixture(scope="module")
def mnist() -> ip.data.Task:
    if not (Path(os.environ.get("INFOPLANE_DATA") or "/nowhere") / "mnist").is_dir():
        pytest.skip("the images are not here: INFOPLANE_DATA names no folder with mnist/")
    return ip.data.mnist("all").flattened()


def test_images_are_a_stratified_part_of_training_and_of_test(mnist: ip.data.Task) -> None:
    part = images(600, 200)
    assert part.train is not None
    assert mnist.train is not None
    assert part.x.shape == (800, 784)
    assert (part.train.sum(), (~part.train).sum()) == (600, 200)
    for here, there, count in ((part.train, mnist.train, 600), (~part.train, ~mnist.train, 200)):
        wanted = count * np.bincount(mnist.y[there]) / there.sum()
        assert np.abs(np.bincount(part.y[here], minlength=10) - wanted).max() <= 1
    # every picture is one of its own part, with its own label
    known = {row.tobytes(): (label, own) for row, label, own in zip(mnist.x, mnist.y, mnist.train, strict=True)}
    for row, label, own in zip(part.x[::40], part.y[::40], part.train[::40], strict=True):
        assert known[row.tobytes()] == (label, own)


@pytest.mark.slow
def test_all_networks_learn_the_same_images_and_are_tested_on_the_others(mnist: ip.data.Task) -> None:
    run = Run(True, 2, None, silent)
    recording = training(run, "dropout")()
    train = recording.probe.train
    assert train is not None
    task = images(1_000, 1_000)
    assert task.train is not None
    assert (train == task.train).all()
    assert recording.epochs.tolist() == [0, 2, 10]
    loss = recording.scalars.loss_train.to_numpy()
    assert (loss[:, -1] < 0.8 * loss[:, 0]).all()


def test_arms_differ_in_what_their_titles_say() -> None:
    full, quick = zip(*(arm.network for arm in ARMS.values()), strict=True)
    assert [net.activation for net in full] == [net.activation for net in quick] == ["tanh", "relu", "tanh"]
    assert [net.noise is not None for net in full] == [False, False, True]
    assert all(net.widths == (784, 1024, 20, 20, 20, 10) for net in full)


@pytest.mark.slow
def test_silenced_networks_have_the_weights_and_no_noise() -> None:
    task = ip.data.Task(np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32), np.arange(40) % 2, "points")
    noisy = train_ensemble(
        MLP([3, 4, 2], noise=MultiplicativeNoise(0.4)),
        task,
        seeds=2,
        epochs=2,
        batch_size=16,
        optimizer=SGD(0.1),
        checkpoint_epochs=1,
    )
    quiet = silenced(noisy)
    assert quiet.noise is None
    assert "without it" in quiet.notes[-1]
    weights, biases = noisy.weights(1, 2)[0]
    expected = np.tanh(task.x @ weights.T + biases)
    assert np.allclose(quiet.activations(1, 2, "hidden 1"), expected, atol=1e-5)
    assert not np.allclose(noisy.activations(1, 2, "hidden 1"), expected, atol=1e-2)
