"""Noise models of labels: laws that sum to one, without zeros, and what is refused."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import infoplane as ip

v = ip.variational
LABELS = np.array([0, 2, 1, 2])


def teacher(x: Any) -> Any:
    return 3.0 * x[:, :3]


MODELS = [
    v.Smooth(0.1),
    v.Smooth(1.0),
    v.Confusion([[8, 1, 1], [2, 20, 2], [1, 1, 1]]),
    v.Gaussian(0.3),
    v.Teacher(teacher),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda one: type(one).__name__)
def test_laws(model: Any) -> None:
    x = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    law = np.asarray(model.probabilities(LABELS, x, classes=3, key=jax.random.key(0)))
    assert law.shape == (4, 3)
    assert (law > 0).all()
    assert law.sum(axis=1) == pytest.approx(np.ones(4), abs=1e-6)


def test_smoothing_by_hand() -> None:
    law = np.asarray(v.Smooth(0.3).probabilities(np.array([1]), classes=3))
    assert law == pytest.approx(np.array([[0.1, 0.8, 0.1]]))


def test_a_confusion_matrix_is_divided_by_its_rows() -> None:
    """Counts over row sums without keeping the axis scale the columns instead: rows of unequal sums show it."""
    counts = np.array([[6.0, 3, 1], [10, 80, 10], [1, 1, 2]])
    law = np.asarray(v.Confusion(counts).probabilities(np.arange(3), classes=3))
    assert law == pytest.approx(np.array([[0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.25, 0.25, 0.5]]), abs=1e-7)
    assert counts[1, 1] == 80  # not in place


@given(arrays(np.float64, (4, 4), elements=st.floats(1e-3, 1e6)))
def test_every_row_sums_to_one(counts: np.ndarray) -> None:
    rows = np.array(v.Confusion(counts).matrix)
    assert rows.sum(axis=1) == pytest.approx(np.ones(4), abs=1e-12)
    assert rows == pytest.approx(np.array([row / row.sum() for row in counts]), rel=1e-12)


def test_an_estimated_matrix() -> None:
    labels, predictions = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 1, 0])
    expected = np.array([[3, 2, 1], [1, 3, 1], [2, 1, 1]]) / np.array([[6], [5], [4]])
    found = v.Confusion.estimated(predictions, labels, 3, smoothing=1)
    assert np.array(found.matrix) == pytest.approx(expected)
    soft = v.Confusion.estimated(np.eye(3)[predictions], labels, 3, smoothing=1)
    assert soft == found
    less = np.array(v.Confusion.estimated(predictions, labels, 3, smoothing=1e-3).matrix)
    assert (less > 0).all()
    assert less[0] == pytest.approx([2 / 3, 1 / 3, 0], abs=1e-3)


def test_gaussian_noise_is_drawn_anew() -> None:
    model = v.Gaussian(1e-2)
    first, second = (np.asarray(model.probabilities(LABELS, classes=3, key=jax.random.key(k))) for k in (0, 1))
    again = np.asarray(model.probabilities(LABELS, classes=3, key=jax.random.key(0)))
    assert (first == again).all()
    assert not (first == second).all()
    assert (first.argmax(axis=1) == LABELS).all()


def test_no_gradient_passes_through_a_teacher() -> None:
    def at(x: Any) -> Any:
        return v.Teacher(teacher).probabilities(LABELS[:2], x, classes=3)[0, 0]

    assert not jax.grad(at)(jnp.ones((2, 3))).any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: v.Smooth(0.0), r"Smooth needs a finite number > 0 for eps, .*one-hot label makes KL"),
        (lambda: v.Smooth(1.5), "at most 1"),
        (lambda: v.Smooth(float("nan")), "Smooth needs a finite number"),
        (lambda: v.Confusion(np.eye(3)), r"positive, finite entries.*got 0.0 at \(0, 1\) \(6 such.*estimated smooths"),
        (lambda: v.Confusion([[1, np.nan], [1, 1]]), "positive, finite"),
        (lambda: v.Confusion([[1, 2, 3], [1, 2, 3]]), r"square matrix of two classes or more, got shape \(2, 3\)"),
        (lambda: v.Confusion([[1, 2], [1]]), "square matrix of numbers"),
        (lambda: v.Confusion.estimated([0, 1], [0, 1], 2, smoothing=0), "> 0 for smoothing"),
        (lambda: v.Confusion.estimated([0, 1], [0, 2], 2), r"labels in 0..1, got 0..2"),
        (lambda: v.Confusion.estimated([0, 1, 1], [0, 1], 2), "a prediction for each of 2 labels"),
        (lambda: v.Confusion.estimated([0, 0], [0, 0], 1), "two classes or more, got 1"),
        (lambda: v.Confusion.estimated([0.0, 1.0], [0.5, 1.0], 2), "whole numbers as labels"),
        (lambda: v.Confusion([[1, 2], [1, 1]]).probabilities(LABELS, classes=3), "has 2 classes, and the labels"),
        (lambda: v.Gaussian(0), "> 0 for scale"),
        (lambda: v.Gaussian().probabilities(LABELS, classes=3), "give a JAX key"),
        (lambda: v.Teacher(3), "needs a function"),
        (lambda: v.Teacher(teacher).probabilities(LABELS, classes=3), "give x="),
        (lambda: v.Teacher(lambda x: x).probabilities(LABELS, np.ones((4, 2)), classes=3), r"logits \(4, 3\)"),
    ],
)  # fmt: skip
def test_what_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ip.InputError, match=message):
        make()


def test_names_of_objectives_stay_short_and_tell_noise_models_apart():
    def taught(x):
        return x

    first, second = (v.Confusion(np.eye(10) + eps) for eps in (0.1, 0.2))
    names = [v.DualVIB(3.0, labels=labels).name for labels in (first, second, v.Teacher(taught), v.Smooth(0.1))]
    assert len(set(names)) == 4
    assert all(len(name) < 60 for name in names)
    assert "Confusion(10 classes, " in names[0]
    assert names[2:] == ["DualVIB(beta=3.0, labels=Teacher(taught))", "DualVIB(beta=3.0, labels=Smooth(eps=0.1))"]
