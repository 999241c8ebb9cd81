"""The held-out decoder: below the truth up to sampling error, near it where the model class suffices."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import logsumexp

import infoplane as ip
from infoplane.estimators import Decoder

QUICK = Decoder(steps=400)


def clouds(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, float]:
    """Four normal clouds of one covariance, their labels, and I(T;Y) from 400,000 draws (error 0.001)."""
    random = np.random.default_rng(seed)
    centres = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])

    def draw(m: int) -> tuple[np.ndarray, np.ndarray]:
        labels = random.integers(0, 4, m)
        return centres[labels] + random.standard_normal((m, 2)), labels

    t, labels = draw(400_000)
    logs = -((t[:, None] - centres) ** 2).sum(axis=2) / 2
    truth = math.log(4) + float((logs[np.arange(len(t)), labels] - logsumexp(logs, axis=1)).mean())
    return *draw(n), truth


@pytest.mark.parametrize("model", ["linear", "mlp"])
def test_normal_clouds_are_read_within_the_error(model: str) -> None:
    t, labels, truth = clouds(3000)
    found = ip.mutual_information(t, labels, Decoder(model, steps=400))  # pyright: ignore
    assert truth - 4 * found.stderr - 0.01 < found.value < truth + 4 * found.stderr
    assert found.direction == "lower"
    assert found.lower == found.value
    assert found.quantity == f"I(T;Y), lower bound by a held-out {model} decoder"
    entropy, cross = found.details["entropy"], found.details["cross_entropy"]
    assert found.value == pytest.approx(entropy - cross, abs=1e-9)
    assert any(f"H(Y) = {entropy:.3f} nats is the ceiling" in note for note in found.notes)


def test_a_linear_decoder_sees_linear_boundaries_only() -> None:
    t, labels, _ = clouds(3000)
    parity = np.isin(labels, [0, 3]).astype(int)
    t = t - 1.0
    linear, mlp = (ip.mutual_information(t, parity, Decoder(m, steps=400)).value for m in ("linear", "mlp"))  # pyright: ignore
    assert abs(linear) < 0.01
    assert mlp > 0.15


@pytest.mark.parametrize("model", ["linear", "mlp"])
@pytest.mark.parametrize(("n", "dim"), [(300, 100), pytest.param(2000, 20, marks=pytest.mark.slow)])
def test_pure_noise_costs_next_to_nothing(model: str, n: int, dim: int) -> None:
    random = np.random.default_rng(1)
    found = ip.mutual_information(random.standard_normal((n, dim)), random.integers(0, 5, n), Decoder(model, steps=200))  # pyright: ignore
    assert -0.05 < found.value < 0.02


def test_the_label_may_come_first_and_be_text() -> None:
    t, labels, _ = clouds(600)
    names = np.array(["dog", "cat", "ant", "bee"])[labels]
    one, other = ip.mutual_information(t, labels, QUICK), ip.mutual_information(names, t, QUICK)
    assert one.value == pytest.approx(other.value, abs=1e-9)


def test_classes_told_apart_for_certain_give_all_of_the_entropy() -> None:
    labels = np.arange(600) % 3
    t = 20.0 * np.eye(3)[labels] + np.random.default_rng(2).standard_normal((600, 3))
    found = ip.mutual_information(t, labels, QUICK)
    assert math.log(3) - 0.02 < found.value <= math.log(3)


def test_rare_classes_are_decoded_as_one() -> None:
    t, labels, _ = clouds(600)
    labels[:8] = 10 + np.arange(8)
    found = ip.mutual_information(t, labels, QUICK)
    assert any("8 classes have fewer than 6 samples and were decoded as one" in note for note in found.notes)
    assert math.isfinite(found.value)


def test_a_layer_that_does_not_vary_tells_nothing() -> None:
    found = ip.mutual_information(np.ones((120, 3)), np.arange(120) % 3, QUICK)
    assert abs(found.value) < 0.02


def test_what_is_no_classification_is_refused() -> None:
    random = np.random.default_rng(3)
    with pytest.raises(ip.InputError, match="predicts classes and both x and y are continuous"):
        ip.mutual_information(random.random(50), random.random(50), QUICK)
    with pytest.raises(ip.InputError, match=r"use Plugin\(\)"):
        ip.mutual_information(np.arange(50) % 3, np.arange(50) % 2, QUICK)
    with pytest.raises(ip.InputError, match="two classes with at least 6 samples each"):
        ip.mutual_information(random.random(50), np.arange(50), QUICK)


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ip.InputError, match="no model 'forest'"):
        Decoder("forest")  # pyright: ignore
    with pytest.raises(ip.InputError, match="as hidden, got 0"):
        Decoder(hidden=0)
    with pytest.raises(ip.InputError, match="as folds, got 1"):
        Decoder(folds=1)
