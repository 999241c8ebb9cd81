"""The direct route against closed forms of linear Gaussian networks with additive noise."""

from __future__ import annotations

import numpy as np
import pytest
from linear_recordings import linear_network

import infoplane as ip
from infoplane.compressors import PCA
from infoplane.estimators import KSG, KozachenkoLeonenko, SamplePropagation, WeightedKL
from infoplane.networks import MLP, AdditiveNoise, train_ensemble
from infoplane.plane import direct_information
from infoplane.recordings import compressed

_SPREAD = 1.5  # neighbours share noise, so that the true spread is up to so many standard errors


@pytest.mark.parametrize("estimator", [WeightedKL(), KozachenkoLeonenko(k=3)])
def test_it_is_the_closed_form_of_the_projected_layer(estimator: WeightedKL | KozachenkoLeonenko) -> None:
    network = linear_network(n=4000)
    plane = direct_information(compressed(network.recording, layers=PCA(4)), estimator)
    for epoch in (0, 1):
        for layer in ("wide", "deeper"):
            directions = PCA(4).fit(network.recording.activations(0, epoch, layer)).components
            cell = plane.sel(seed=0, epoch=epoch, layer=layer)
            gap = float(cell["mi_input"]) - network.information(epoch, layer, directions)
            assert abs(gap) < 3 * _SPREAD * float(cell["mi_input_stderr"])


@pytest.mark.slow
def test_passes_of_a_noisy_network_agree_on_its_codes() -> None:
    x = np.random.default_rng(0).standard_normal((600, 5)).astype(np.float32)
    task = ip.data.Task(x, (x[:, 0] > 0).astype(np.int64), "half-space")
    network = MLP([5, 8, 6, 2], "tanh", noise=AdditiveNoise(0.3))
    codes = compressed(train_ensemble(network, task, seeds=1, epochs=1, checkpoint_epochs=[1]), layers=PCA(3))
    assert codes.propagate(0, 1, "hidden 2", 2).shape == (600, 2, 3)
    hidden = ["hidden 1", "hidden 2"]
    passes = (
        ip.information_plane(codes, SamplePropagation(), layers=hidden, epochs=[1]).squeeze()["mi_input"].to_numpy()
    )
    direct = direct_information(codes, epochs=[1]).squeeze()
    gap = direct["mi_input"].sel(layer=hidden).to_numpy() - passes
    error = 3 * _SPREAD * float(direct["mi_input_stderr"].sel(layer="hidden 1"))
    assert abs(gap[0]) < error  # the centre is a function of the input
    assert gap[1] > error  # and here of noise too: an upper value
    assert bool(direct["mi_input"].sel(layer="output").isnull())
    assert bool(direct["mi_target"].sel(layer="output").notnull())
    assert "output: its own noise is not known" in direct.attrs["notes"]


def test_deeper_layers_are_named_as_upper() -> None:
    codes = compressed(linear_network(n=600).recording, layers=PCA(2))
    both = direct_information(codes, epochs=[1])
    assert both["mi_input"].attrs["direction"] == "upper"
    assert both["mi_input"].attrs["quantity"].startswith("I(S;T)")
    assert "At deeper the value is I(S;T)" in both.attrs["notes"]
    np.testing.assert_array_equal(both["mi_input_upper"], both["mi_input"])
    first = direct_information(codes, epochs=[1], layers=["wide"])
    assert first["mi_input"].attrs["direction"] == "estimate"
    assert first["mi_input"].attrs["quantity"].startswith("I(X;T)")
    assert first["mi_input_upper"].isnull().all()


def test_wide_layers_get_a_note_and_no_number() -> None:
    plane = direct_information(linear_network(n=300, columns=40).recording, epochs=[0])
    assert plane["mi_input"].isnull().all()
    assert "compress the layer first" in plane.attrs["notes"]


def test_without_known_noise_it_refuses() -> None:
    recording = linear_network(n=300).recording
    recording.own_noises = {}
    with pytest.raises(ip.InputError, match="known size"):
        direct_information(compressed(recording, layers=PCA(2)))
    with pytest.raises(ip.InputError, match="WeightedKL"):
        direct_information(linear_network(n=300).recording, KSG())  # type: ignore[arg-type]
