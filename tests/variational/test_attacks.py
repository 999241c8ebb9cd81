"""Attacks: inside their box, what theory says of a linear model, stronger with more steps and room, bad input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import infoplane as ip
from infoplane import variational as v
from infoplane.data import Task


def blobs() -> Task:
    random = np.random.default_rng(7)
    y = np.arange(900) % 3
    x = 0.5 + 0.12 * random.standard_normal((3, 6))[y] + 0.08 * random.standard_normal((900, 6))
    return Task(np.clip(x, 0, 1).astype(np.float32), y, "blobs")


@pytest.fixture(scope="module")
def fitted() -> v.Fitted:
    return v.fit(
        (v.VIB(100.0), v.CrossEntropy()), blobs(), encoder=v.Dense((16,)), latent=3, epochs=30, batch_size=60,
        optimizer=v.Optimizer(2e-2), checkpoint_epochs=[30],
    )  # fmt: skip


def accuracy(fitted: v.Fitted, x: np.ndarray, y: np.ndarray, objective: v.Objective) -> float:
    return float((fitted.predict(x, objective=objective, model_seed=0).argmax(axis=1) == y).mean())


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 10])
def test_changes_stay_in_their_box(fitted, steps):
    task = blobs()
    changed = v.attacked(fitted, task.x, task.y, 0.03, steps=steps, objective=v.VIB(100.0), model_seed=0)
    assert changed.shape == task.x.shape
    assert np.abs(changed - task.x).max() <= 0.03 + 1e-6
    assert changed.min() >= 0.0
    assert changed.max() <= 1.0
    assert np.abs(changed - task.x).max() > 0.02


@pytest.mark.slow
@pytest.mark.parametrize("objective", [v.VIB(100.0), v.CrossEntropy()], ids=["VIB", "cross-entropy"])
def test_more_room_and_more_steps_make_more_errors(fitted, objective):
    task = blobs()
    clean = accuracy(fitted, task.x, task.y, objective)
    assert clean > 0.9
    found = {
        (steps, strength): accuracy(
            fitted,
            v.attacked(fitted, task.x, task.y, strength, steps=steps, objective=objective, model_seed=0),
            task.y,
            objective,
        )
        for steps in (1, 20)
        for strength in (0.02, 0.05, 0.5)
    }
    assert clean > found[20, 0.02] > found[20, 0.05] > found[20, 0.5]
    assert found[20, 0.5] < 0.05  # half the range: every class is in the box, and a sound attack finds another one
    slack = 3 * 0.5 / np.sqrt(len(task.y))  # three standard errors of an accuracy
    assert all(found[20, s] <= found[1, s] + slack for s in (0.02, 0.05, 0.5))
    nothing = v.attacked(fitted, task.x, task.y, 0.0, objective=objective, model_seed=0)
    np.testing.assert_array_equal(nothing, task.x)


@pytest.mark.slow
def test_of_a_linear_model_the_sign_is_the_worst_change():
    """Two classes, no hidden layer, no noise: the logit's fall is strength times the sum of absolute weights."""
    task = blobs()
    two = task.y < 2
    task = replace(task, x=task.x[two], y=task.y[two])
    fitted = v.fit(v.CrossEntropy(), task, encoder=v.Dense(()), latent=2, epochs=20, batch_size=60,
                   optimizer=v.Optimizer(1e-2), checkpoint_epochs=[20])  # fmt: skip
    x, y = np.full((40, 6), 0.5, np.float32), np.zeros(40, int)

    def margin(inputs: np.ndarray) -> np.ndarray:
        p = fitted.predict(inputs, samples=0).astype(np.float64)
        return np.log(p[:, 0] / p[:, 1])

    step = 0.01
    slopes = np.array([(margin(x + step * np.eye(6, dtype=np.float32)[k]) - margin(x))[0] / step for k in range(6)])
    for steps in (1, 30):
        fall = margin(x) - margin(v.attacked(fitted, x, y, 0.1, steps=steps))
        np.testing.assert_allclose(fall, 0.1 * np.abs(slopes).sum(), rtol=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"strength": -0.1}, "strength >= 0"),
        ({"strength": 0.1, "steps": 0}, "steps"),
        ({"strength": 0.1, "limits": (0.45, 0.55)}, "limits that hold the inputs"),
    ],
    ids=["strength", "steps", "limits"],
)
def test_bad_input(fitted, settings, words):
    task = blobs()
    with pytest.raises(ip.InputError, match=words):
        v.attacked(fitted, task.x, task.y, **settings, objective=v.VIB(100.0), model_seed=0)
    with pytest.raises(ip.InputError, match="labels in 0"):
        v.attacked(fitted, task.x, task.y + 1, 0.1, objective=v.VIB(100.0), model_seed=0)
