"""Quantised networks through everything that takes a recording: other estimators, splits, checks, interrupted runs."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import infoplane as ip
from infoplane.data import Task
from infoplane.estimators import Binned, PairwiseBounds, Plugin
from infoplane.networks import MLP, SGD, Quantization, train_ensemble

BITS = 4


def trained(**options):
    network = MLP([12, 5, 3, 2], "relu", quantization=Quantization(BITS))
    settings = {"seeds": 2, "epochs": 6, "batch_size": 256, "checkpoint_epochs": [0, 2, 6]}
    return train_ensemble(network, ip.data.twelve_bit(), **settings, **options)


@pytest.fixture(scope="module")
def recording():
    return trained()


@pytest.fixture(scope="module")
def exact(recording):
    return ip.information_plane(recording, Plugin())


@pytest.mark.slow
def test_equal_codes_are_followed_by_equal_codes(recording):
    """What makes the plane exact: a layer is a function of the codes of the one before, to the last bit."""
    for block in recording.blocks(recording.layers, range(3)):
        for one, after in zip(recording.layers[:-1], recording.layers[1:], strict=True):
            for before, behind in zip(block.activations[one], block.activations[after], strict=True):
                _, place = np.unique(np.asarray(before), axis=0, return_inverse=True)
                pairs = np.unique(np.column_stack([place.ravel(), np.asarray(behind)]), axis=0)
                assert len(pairs) == len(np.unique(pairs[:, 0]))


@pytest.mark.parametrize("bits", [4, 16])
def test_equal_codes_are_equal_values(bits):
    quantize = Quantization(bits)
    span = 4.0 / (2**bits - 1)  # the four levels in the middle: small numbers, where sums round most
    values = jnp.linspace(-span, span, 100_001, dtype=jnp.float32)[None, None]
    low, high = jnp.array([-1.0]), jnp.array([1.0])
    codes = np.asarray(quantize.codes(values, low, high)).ravel()
    found = np.asarray(jax.jit(quantize.rounded)(values, low, high)).ravel()
    assert len(np.unique(found)) == len(np.unique(codes))
    assert_allclose(found, -1 + codes * (2 / quantize.top), atol=1.2e-7)  # an ulp of 1


def test_as_many_bins_as_levels_tell_the_codes_apart(recording, exact):
    binned = ip.information_plane(recording, Binned(2**BITS))
    assert_array_equal(binned.mi_input, exact.mi_input)
    assert_array_equal(binned.mi_target, exact.mi_target)
    assert binned.mi_input.attrs["quantity"] == "H(T at 16 bins)"
    assert int(binned.out_of_range.sum()) == 0
    coarse = ip.information_plane(recording, Binned(2 ** (BITS - 1)))
    assert bool((coarse.mi_input <= exact.mi_input + 1e-12).all())
    assert float((exact.mi_input - coarse.mi_input).max()) > 0.1


def test_pairwise_bounds_close_on_the_codes(recording, exact):
    """Noise of a hundredth of a step hides no code: both bounds are the entropy, less exp(-1 / 8 sigma^2)."""
    plane = ip.information_plane(recording, PairwiseBounds(0.01))
    assert plane.mi_input.attrs["direction"] == "interval"
    assert_allclose(plane.mi_input_lower, exact.mi_input, atol=1e-9)
    assert_allclose(plane.mi_input_upper, exact.mi_input, atol=1e-9)
    assert_allclose(plane.mi_target, exact.mi_target, atol=1e-9)
    assert not bool(plane.warned.any())


def test_a_split_is_a_sample_and_no_longer_exact(recording, exact):
    test = ip.information_plane(recording, Plugin(), split="test")
    assert (exact.mi_input.attrs["direction"], test.mi_input.attrs["direction"]) == ("exact", "estimate")
    assert test.attrs["n_samples"] == 819
    assert float(exact.mi_input_stderr.max()) == 0.0
    for layer in recording.layers:
        codes = recording.activations(1, 6, layer, split="test")
        _, counts = np.unique(codes, axis=0, return_counts=True)
        p = counts / 819
        cell = test.sel(seed=1, epoch=6, layer=layer)
        assert float(cell.mi_input) == pytest.approx(-(p * np.log(p)).sum(), abs=1e-12)
        spread = np.sqrt((p * np.log(p) ** 2).sum() - (p * np.log(p)).sum() ** 2)
        assert float(cell.mi_input_stderr) == pytest.approx(spread / np.sqrt(819), abs=1e-12)


def test_checks_of_an_exact_plane(recording, exact):
    checked = ip.information_plane(recording, Plugin(), null=4)
    assert_array_equal(checked.mi_input, exact.mi_input)
    last = checked.isel(epoch=-1)
    assert bool((last.mi_target_p_value >= 1 / 5).all())
    # Shuffled labels of two classes: 2 n I is chi-squared with K - 1 degrees of freedom, here a mean of four.
    output = last.sel(layer="output")
    free = output.n_codes.to_numpy() - 1
    assert_allclose(output.mi_target_null, free / 8192, atol=5 * float(np.sqrt(2 * free.max() / 4)) / 8192)
    assert bool(((last.mi_input_growth >= -0.05) & (last.mi_input_growth <= 1.05)).all())
    assert bool(last.mi_input_calibration.isnull().all())  # of normal units, which codes are not


def test_noise_of_the_analysis_is_not_counted(recording):
    with pytest.raises(ip.InputError, match="continuous"):
        ip.information_plane(recording, Plugin(), channel=ip.channels.AdditiveGaussian(0.5))


def test_an_interrupted_run_goes_on_with_its_ranges(recording, tmp_path):
    class Stop(Exception):
        pass

    def stop(what, done, of):
        if done == 2:
            raise Stop

    with pytest.raises(Stop):
        trained(path=tmp_path / "run", progress=stop)
    assert ip.recordings.open(tmp_path / "run").epochs.tolist() == [0, 2]
    resumed = trained(path=tmp_path / "run")
    assert_array_equal(resumed.parameters, recording.parameters)
    assert resumed.scalars.equals(recording.scalars)
    for layer in recording.layers:
        assert_array_equal(resumed.activations(1, 6, layer), recording.activations(1, 6, layer))
    assert recording.network.n_reaches == 2
    ends = recording.parameters[:, :, -2:]
    assert bool((np.diff(ends, axis=1) != 0).all())  # every range moved, before the stop and after


def test_ranges_follow_samples_only():
    """The last batch of 5 samples is filled up to 4 with zeros, at which this function is twice as large."""
    x = np.linspace(0.5, 1.5, 5, dtype=np.float32)[:, None]
    task = Task(x, 3 - 3 * x[:, 0], "line")
    network = MLP([1, 1], "linear", output="linear", quantization=Quantization(12))
    made = train_ensemble(
        network, task, seeds=1, epochs=400, batch_size=4, optimizer=SGD(0.2), train_fraction=1.0, checkpoint_epochs=1
    )
    row = made.parameters[0, -1]
    weights, bias, reach = row
    assert abs(weights + 3) < 0.1
    assert abs(bias - 3) < 0.1
    # Of five |3 - 3 x| four always have a 1.5 among them, one has 0.9 in the mean: 1.2 over both batches of an epoch. A
    # mean that forgets 2 % an epoch spreads by 0.58 (that of one sample) * 0.01 / sqrt(1 - 0.98^2) = 0.03; five times.
    assert reach == pytest.approx(1.2, abs=0.15)
