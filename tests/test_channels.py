"""Channels: what T is, by name, with the settings checked when they are written."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from infoplane import InputError
from infoplane.channels import AdditiveGaussian, Identity, Quantize
from infoplane.estimators.counting import count


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bins": 1}, "at least 2 bins, got 1"),
        ({"bins": 30.0}, "whole number of at least 2 bins, got 30.0"),
        ({"range": "knwon"}, "no range 'knwon'; did you mean 'known'"),
        ({"range": "epoch"}, "no range 'epoch'; .*Known: known, layer, global, snapshot, std, \\(low, high\\)"),
        ({"range": (1.0, 1.0)}, r"finite low < high, got \(1, 1\)"),
        ({"range": (2, -2)}, r"finite low < high, got \(2, -2\)"),
        ({"range": (0.0, math.inf)}, r"finite low < high, got \(0, inf\)"),
        ({"range": (0, 1, 2)}, r"'known', 'layer', 'global', 'snapshot', 'std' or \(low, high\), got \(0, 1, 2\)"),
        ({"range": None}, "got None"),
        ({"kind": "widht"}, "no kind 'widht'; did you mean 'width'"),
        ({"kind": "quantile"}, "no kind 'quantile'; .*Known: width, mass, adaptive"),
    ],
)
def test_quantize_refuses_what_it_cannot_use(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Quantize(**settings)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("sigma", [0, -1.0, math.nan, math.inf, "0.1", None])
def test_noise_is_a_positive_number(sigma: Any) -> None:
    with pytest.raises(InputError, match="AdditiveGaussian\\(sigma\\) needs a positive number"):
        AdditiveGaussian(sigma)


@pytest.mark.parametrize(
    "channel", [Quantize(8, [0, 1], "mass"), AdditiveGaussian(0.1, relative=True), Identity(assume_stochastic=True)]
)
def test_channels_are_frozen_hashable_and_written_as_made(channel: Any) -> None:
    assert eval(repr(channel)) == channel
    assert hash(eval(repr(channel))) == hash(channel)
    with pytest.raises(dataclasses.FrozenInstanceError):
        channel.bins = 3


def test_channels_name_the_quantities() -> None:
    names = [
        (c.input_name, c.target_name) for c in (Quantize(30), AdditiveGaussian(0.1), AdditiveGaussian(2, relative=True))
    ]
    assert names == [
        ("H(T at 30 bins)", "I(T at 30 bins; Y)"),
        ("I(X; T + noise 0.1)", "I(T + noise 0.1; Y)"),
        ("I(X; T + noise 2 x std(T))", "I(T + noise 2 x std(T); Y)"),
    ]
    assert Identity().input_name == "I(X;T) of the noisy network"
    assert Identity(assume_stochastic=True).input_name == "I(X;T), T assumed stochastic"


def test_the_entropy_of_quantised_normal_units_is_that_of_samples() -> None:
    """Within four standard errors of half a million draws, whose plug-in bias is corrected."""
    n = 500_000
    mean, std = np.array([[0.0, 0.5], [-2.0, 1.0]]), np.array([[1.0, 0.2], [0.7, 3.0]])
    low, high = np.array([-2.0, -1.0]), np.array([1.0, 4.0])
    exact = Quantize(12).gaussian_information(mean, std, low, high)
    random = np.random.default_rng(0)
    for cell in range(2):
        found, variance = 0.0, 0.0
        for unit in range(2):
            values = mean[cell, unit] + std[cell, unit] * random.standard_normal(n)
            codes = np.clip(np.floor((values - low[cell]) / (high[cell] - low[cell]) * 12), 0, 11).astype(np.int64)
            counts = count(codes[None], np.zeros((1, n), np.int32))
            found += counts.entropy[0] + (counts.n_codes[0] - 1) / (2 * n)
            variance += counts.entropy_stderr[0] ** 2
        assert exact[cell] == pytest.approx(found, abs=4 * math.sqrt(variance))


def test_a_unit_that_does_not_vary_has_no_entropy() -> None:
    one = Quantize(5).gaussian_information(np.array([[0.3]]), np.zeros((1, 1)), np.array([0.0]), np.array([1.0]))
    assert one.tolist() == [0.0]


def test_the_information_of_normal_units_through_noise() -> None:
    """(1/2) ln det(1 + S / sigma^2), S the covariance; the linear reference network is one such unit."""
    std, sigma = np.array([[1.0, 2.0, 0.0], [0.1, 5.0, 3.0]]), np.array([0.5, 2.0])
    found = AdditiveGaussian(1.0).gaussian_information(std, sigma)
    for cell in range(2):
        inner = np.eye(3) + np.diag(std[cell] ** 2) / sigma[cell] ** 2
        assert found[cell] == pytest.approx(0.5 * np.linalg.slogdet(inner)[1], rel=1e-12)
    linear = AdditiveGaussian(1.0).gaussian_information(np.array([[math.sqrt(2.0)]]), np.ones(1))
    assert linear[0] == pytest.approx(0.54931, abs=5e-6)
