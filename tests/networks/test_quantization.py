"""Networks that really are quantised, against a NumPy pass and brute-force counting."""

from __future__ import annotations

import math
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy_twin import program_of

import infoplane as ip
from infoplane.estimators import Plugin
from infoplane.networks import MLP, SGD, Quantization, train_ensemble
from infoplane.networks.quantization import LEAST

TASK = ip.data.twelve_bit()


@pytest.fixture(scope="module", params=["tanh", "relu", "linear"])
def recording(request):
    network = MLP([12, 5, 3, 2], request.param, quantization=Quantization(4))
    return train_ensemble(network, TASK, seeds=2, epochs=6, batch_size=256, checkpoint_epochs=[0, 6])


def numpy_codes(recording, seed, epoch):
    """Codes of every layer by a plain pass in NumPy."""
    network, top, most = recording.network, 15, 7
    row = recording.parameters[recording.position("seed", seed), recording.position("epoch", epoch)].astype(float)
    reaches = row[network.n_parameters - network.n_reaches :]
    h, found = TASK.x.astype(float), []
    layers = recording.weights(seed, epoch)
    for index, (weights, bias) in enumerate(layers):
        step = np.abs(weights).max() / most
        z = h @ (np.round(weights / step) * step).T + bias
        if index == len(layers) - 1:
            p = np.exp(z - z.max(axis=1, keepdims=True))
            found.append((p / p.sum(axis=1, keepdims=True)) * top)
            break
        a = {"tanh": np.tanh, "relu": lambda v: np.maximum(v, 0), "linear": lambda v: v}[network.activation](z)
        low, high = {
            "tanh": lambda: (-1, 1), "relu": lambda i=index: (0, reaches[i]),
            "linear": lambda i=index: (-reaches[i], reaches[i]),
        }[network.activation]()  # fmt: skip
        places = np.clip((a - low) / (high - low), 0, 1) * top
        found.append(places)
        h = low + np.round(places) * (high - low) / top
    return found


def test_codes_are_those_of_a_plain_pass(recording):
    for layer, places in zip(recording.layers, numpy_codes(recording, 1, 6), strict=True):
        codes = recording.activations(1, 6, layer)
        assert codes.dtype == np.int32
        assert recording.kind(layer) == np.int32
        # Single precision may round a value half-way between two levels otherwise, and then all that follows differs.
        assert (np.abs(codes - places) < 0.51).mean() > 0.995
        assert codes.min() >= 0
        assert codes.max() <= 15


def test_exact_values_are_those_of_counting(recording):
    plane = ip.information_plane(recording, Plugin())
    assert plane.mi_input.attrs["quantity"] == "H(T), T discrete"
    assert plane.mi_input.attrs["direction"] == "exact"
    for layer in recording.layers:
        rows = [tuple(row) for row in recording.activations(1, 6, layer).tolist()]
        pairs = list(zip(rows, TASK.y.tolist(), strict=True))

        def entropy(values):
            return -sum(k / 4096 * math.log(k / 4096) for k in Counter(values).values())

        cell = plane.sel(seed=1, epoch=6, layer=layer)
        assert float(cell.mi_input) == pytest.approx(entropy(rows), abs=1e-12)
        expected = entropy(rows) + entropy(TASK.y.tolist()) - entropy(pairs)
        assert float(cell.mi_target) == pytest.approx(expected, abs=1e-12)
        assert int(cell.n_codes) == len(set(rows))
        assert math.isfinite(cell.mi_input_stderr)


def test_only_counting_is_exact(recording):
    plane = ip.information_plane(recording, ip.estimators.Mixture(), layers=["hidden 2"], epochs=[6])
    assert plane.mi_input.attrs["direction"] == plane.mi_target.attrs["direction"] == "estimate"


def test_data_processing_holds_in_a_quantised_network(recording):
    """Every layer is a function of the one before, so nothing can be gained: no violation, to rounding."""
    plane = ip.information_plane(recording, Plugin())
    assert int(plane.violations_input.sum()) == 0
    assert int(plane.violations_target.sum()) == 0


def test_gradients_pass_straight_through():
    quantize = Quantization(3)
    values = jnp.linspace(-1.5, 1.5, 13)[None, None]
    low, high = jnp.array([-1.0]), jnp.array([1.0])
    slope = jax.grad(lambda v: quantize.rounded(v, low, high).sum())(values)
    inside = np.abs(np.asarray(values)[0, 0]) < 1
    ends = np.isclose(np.abs(np.asarray(values)[0, 0]), 1.0)  # a kink: either slope, or half-way
    np.testing.assert_array_equal(np.asarray(slope)[0, 0][~ends], inside[~ends].astype(float))
    weights = jnp.array(np.random.default_rng(0).standard_normal((1, 4, 5)), jnp.float32)
    levels = np.unique(np.round(np.asarray(quantize.rounded_weights(weights)) / (float(jnp.abs(weights).max()) / 3), 4))
    assert set(levels) <= {-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0}
    np.testing.assert_array_equal(jax.grad(lambda w: quantize.rounded_weights(w).sum())(weights), np.ones((1, 4, 5)))
    assert Quantization(1, weights=False).rounded_weights(weights) is weights


@pytest.mark.slow
def test_ranges_start_where_the_training_samples_reach_and_follow_them():
    network = MLP([12, 5, 3, 2], "relu", quantization=Quantization(8))
    made = train_ensemble(
        network, TASK, seeds=1, epochs=40, batch_size=256, checkpoint_epochs=[0, 40], train_fraction=1.0
    )
    for epoch, slack in ((0, 1e-5), (40, 0.2)):
        row = made.parameters[0, made.position("epoch", epoch)]
        layers = network.unflatten(jnp.asarray(row)[None])
        found = network.forward(layers, jnp.asarray(TASK.x.T), None, network.reaches(jnp.asarray(row)[None]))
        peaks = np.asarray(network.peaks(found))[0]
        np.testing.assert_allclose(row[-2:], peaks, rtol=slack)


@pytest.mark.slow
def test_eight_bits_train_like_floats_and_one_bit_is_a_sign():
    settings = {"seeds": 1, "epochs": 30, "batch_size": 256, "checkpoint_epochs": [30], "optimizer": SGD(0.1)}
    plain = train_ensemble(MLP([12, 5, 3, 2]), TASK, **settings)
    fine = train_ensemble(MLP([12, 5, 3, 2], quantization=Quantization(16)), TASK, **settings)
    np.testing.assert_allclose(fine.parameters[0, -1], plain.parameters[0, -1], atol=5e-3)
    signs = train_ensemble(MLP([12, 5, 3, 2], quantization=Quantization(1, weights=False)), TASK, **settings)
    assert set(np.unique(signs.activations(0, 30, "hidden 1"))) <= {0, 1}


def test_saved_and_read_again(tmp_path, recording):
    recording.save(tmp_path / "saved")
    back = ip.recordings.open(tmp_path / "saved")
    assert back.network == recording.network
    np.testing.assert_array_equal(back.activations(1, 6, "hidden 2"), recording.activations(1, 6, "hidden 2"))


def test_a_dead_layer_does_not_end_the_run():
    """Its range would shrink for ever; codes of zeros stay zeros whatever is left of it."""
    quantize = Quantization(8)
    zeros, nothing = jnp.zeros((1, 2, 5)), jnp.zeros(1)
    for reach in (LEAST, 1e-37):
        np.testing.assert_array_equal(quantize.codes(zeros, nothing, jnp.array([reach], jnp.float32)), zeros)
    program = program_of(MLP([2, 3, 2], "relu", quantization=quantize), SGD(0.1), 4, 4, 0.0, small_task())
    shrunk = jnp.full((1, program.network.n_parameters), 1e-6)
    followed = program._followed(shrunk, jnp.zeros((1, 1)))
    assert float(followed[0, -1]) == pytest.approx(LEAST)
    assert Quantization(np.int64(8)) == quantize
    assert repr(Quantization(np.int64(8))) == repr(quantize)


def small_task():
    return ip.data.Task(np.eye(4, 2, dtype=np.float32), np.array([0, 1, 0, 1]), "four")


def test_bad_settings():
    with pytest.raises(ip.InputError, match="whole number from 1 to 16, got 0"):
        Quantization(0)
    with pytest.raises(ip.InputError, match="at least 2 bits"):
        Quantization(1)
    with pytest.raises(ip.InputError, match=r"MLP\(quantization\) takes Quantization\(8\) or None, got 8"):
        MLP([3, 2], quantization=8)  # type: ignore[arg-type]
