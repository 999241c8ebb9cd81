"""The closed-form plane of linear networks: formulas from the weights, the loss by sampling, estimates beside it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr

import infoplane as ip
from infoplane.channels import AdditiveGaussian, Quantize
from infoplane.estimators import Gaussian
from infoplane.laws import LinearLayer
from infoplane.networks import MLP, SGD, AdditiveNoise, WeightsRecording, train_ensemble
from infoplane.plane import linear_plane

SIGMA, NOISE = 0.25, 0.4
NETWORK = MLP([5, 4, 3, 1], "linear", "linear")


@pytest.fixture(scope="module")
def law() -> LinearLayer:
    root = np.random.default_rng(0).standard_normal((5, 8))
    return LinearLayer(np.array([[1.0, -1.0, 0.5, 0.0, 0.0]]), NOISE, root @ root.T / 8)


@pytest.fixture(scope="module")
def recording(law):
    x, y = law.sample(3_000, 1)
    task = ip.data.Task(x.astype(np.float32), y[:, 0].astype(np.float32), "linear teacher")
    settings = {"batch_size": None, "optimizer": SGD(0.05), "train_fraction": 0.02, "checkpoint_epochs": [0, 20, 80]}
    return train_ensemble(NETWORK, task, seeds=2, epochs=80, **settings)


@pytest.fixture(scope="module")
def plane(recording, law):
    return linear_plane(recording, law, AdditiveGaussian(SIGMA), parts={"first": range(3), "last": [3, 4]})


def products(recording, seed: int, epoch: int) -> list[np.ndarray]:
    """All weights up to each layer multiplied."""
    found, product = [], np.eye(5)
    for weights, _ in recording.weights(seed, epoch):
        product = np.asarray(weights, np.float64) @ product
        found.append(product)
    return found


@pytest.mark.slow
def test_every_cell_is_the_formula(recording, law, plane) -> None:
    s, v = law.covariance, law.weights

    def log_det(a: np.ndarray) -> float:
        return float(np.linalg.slogdet(np.atleast_2d(a))[1])

    for seed in recording.seeds:
        for epoch in recording.epochs:
            here = plane.sel(seed=seed, epoch=epoch)
            for layer, w in zip(recording.layers, products(recording, seed, epoch), strict=True):
                noise = SIGMA**2 * np.eye(len(w))
                t, y, cross = w @ s @ w.T + noise, v @ s @ v.T + NOISE**2, w @ s @ v.T
                cell = here.sel(layer=layer)
                assert cell.mi_input == pytest.approx(0.5 * log_det(w @ s @ w.T / SIGMA**2 + np.eye(len(w))), abs=1e-9)
                both = np.block([[t, cross], [cross.T, y]])
                assert cell.mi_target == pytest.approx(0.5 * (log_det(t) + log_det(y) - log_det(both)), abs=1e-9)
                for name, kept in (("mi_first", [0, 1, 2]), ("mi_last", [3, 4])):
                    cov = np.block([[s[np.ix_(kept, kept)], (s @ w.T)[kept]], [(w @ s)[:, kept], t]])
                    truth = 0.5 * (log_det(s[np.ix_(kept, kept)]) + log_det(t) - log_det(cov))
                    assert cell[name] == pytest.approx(truth, abs=1e-9)


def test_it_is_a_plane_that_says_what_it_is(recording, law, plane) -> None:
    assert plane.mi_input.dims == ("seed", "epoch", "layer")
    assert plane.mi_input.attrs["direction"] == "exact"
    assert plane.mi_input.attrs["quantity"] == "I(X; T + noise 0.25)"
    assert plane.mi_first.attrs["quantity"] == "I(X first; T + noise 0.25)"
    assert plane.attrs["ceiling_mi_target"] == pytest.approx(law.mutual_information)
    assert (plane.mi_target < law.mutual_information).all()
    xr.testing.assert_equal(plane.loss_train, recording.scalars.loss_train)
    assert {"compression", "fitting_gain"} <= set(plane)


def test_the_population_loss_is_that_of_new_samples(recording, law, plane) -> None:
    x, y = law.sample(40_000, 5)
    for epoch in recording.epochs:
        layer = x
        for weights, bias in recording.weights(1, int(epoch)):
            layer = layer @ weights.T + bias
        losses = 0.5 * ((layer - y) ** 2).sum(axis=1)
        error = losses.std() / math.sqrt(len(x))
        assert abs(losses.mean() - float(plane.loss_population.sel(seed=1, epoch=epoch))) < 4 * error


def test_the_measured_plane_is_this_one(recording, plane) -> None:
    """On samples the networks were not trained on, with noise added by the channel: 36 comparisons at 4.5 errors.

    Two scalars that are nearly independent have chi-squared errors: 7.9 errors are the like of 4.5 there.
    """
    found = ip.information_plane(recording, Gaussian(), channel=AdditiveGaussian(SIGMA), split="test")
    assert found.mi_input.attrs["quantity"] == plane.mi_input.attrs["quantity"]
    for name in ("mi_input", "mi_target"):
        z = (found[name] - plane[name]) / found[f"{name}_stderr"]
        assert float(z.min()) > -4.5
        assert float(z.max()) < (4.5 if name == "mi_input" else 7.9)


def test_noise_relative_to_the_layer(recording, law) -> None:
    found = linear_plane(recording, law, AdditiveGaussian(0.5, relative=True)).sel(seed=0, epoch=80, layer="hidden 1")
    w = products(recording, 0, 80)[0]
    spread = math.sqrt(np.trace(w @ law.covariance @ w.T) / len(w))
    assert found.mi_input == pytest.approx(LinearLayer(w, 0.5 * spread, law.covariance).mutual_information, abs=1e-10)


def test_what_has_no_closed_form_is_refused(recording, law) -> None:
    def of(network: MLP) -> WeightsRecording:  # the same weights, as another network's
        r = recording
        return WeightsRecording(network, r.parameters, r.seeds, r.epochs, r.probe, r.scalars, r.provenance)

    channel = AdditiveGaussian(SIGMA)
    wrong = {
        "without noise, got tanh/linear": (of(MLP([5, 4, 3, 1], "tanh", "linear")), law, channel),
        "got linear/linear, with noise": (
            of(MLP([5, 4, 3, 1], "linear", "linear", noise=AdditiveNoise(1))),
            law,
            channel,
        ),
        "the law of the data": (recording, LinearLayer(np.ones((1, 4)), 0.1), channel),
        "AdditiveGaussian(sigma)": (recording, law, Quantize(5)),
        "the weights of a network": (ip.recordings.from_arrays({"t": np.ones((9, 2))}, np.arange(9.0)), law, channel),
    }
    for part, arguments in wrong.items():
        with pytest.raises(ip.InputError) as caught:
            linear_plane(*arguments)
        assert part in str(caught.value)
    with pytest.raises(ip.InputError, match="a part 'input' already"):
        linear_plane(recording, law, channel, parts={"input": [0]})
