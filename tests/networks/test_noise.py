"""Networks that run with noise: in training, in evaluation, and sent through again and again."""

from __future__ import annotations

import math

import numpy as np
import pytest

import infoplane as ip
from infoplane.networks import MLP, SGD, AdditiveNoise, MultiplicativeNoise, Quantization, train_ensemble

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((60, 3)).astype(np.float32)
TASK = ip.data.Task(X, (X[:, 0] > 0).astype(np.int32), "sign")
SHORT = {"epochs": 4, "batch_size": 16, "checkpoint_epochs": [0, 4]}


def recording(noise, seeds=(0, 3), **settings):
    return train_ensemble(MLP([3, 5, 4, 2], noise=noise), TASK, seeds=list(seeds), **{**SHORT, **settings})


@pytest.mark.parametrize("kind", [AdditiveNoise, MultiplicativeNoise])
def test_activations_are_one_pass_through_the_declared_noise(kind):
    sigma = 0.3
    made = recording(kind(sigma))
    (w, b), *_ = made.weights(3, 4)
    centre = np.tanh(X @ w.T + b)
    noise = made.activations(3, 4, "hidden 1") - centre
    noise = noise / centre if kind is MultiplicativeNoise else noise
    # 300 normal numbers: variance to 4 of its standard errors.
    assert abs(noise.std() / sigma - 1) < 4 / math.sqrt(2 * noise.size)
    assert abs(noise.mean()) < 4 * sigma / math.sqrt(noise.size)
    np.testing.assert_array_equal(made.activations(3, 4, "hidden 1"), made.activations(3, 4, "hidden 1"))
    # The layers of one snapshot come from one pass.
    weights = made.weights(3, 4)
    h = made.activations(3, 4, "hidden 2")
    logits = h @ weights[2][0].T + weights[2][1]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(made.activations(3, 4, "output"), expected, rtol=2e-5)
    words = {AdditiveNoise: "additive", MultiplicativeNoise: "multiplicative"}[kind]
    assert made.noise == f"{words} Gaussian, sigma 0.3, after hidden 1, hidden 2"
    assert made.own_noise("hidden 1") == ip.channels.OwnNoise(words, 0.3, certain=True)
    assert made.own_noise("hidden 2") == ip.channels.OwnNoise(words, 0.3, certain=False)
    assert made.own_noise("output") is None
    assert made.ranges["hidden 1"] is None  # noise leaves the range of tanh


def test_passes_are_centres_before_the_layers_own_noise():
    made = recording(AdditiveNoise(0.3))
    (w1, b1), (w2, b2), _ = made.weights(0, 4)
    first = np.tanh(X @ w1.T + b1)
    np.testing.assert_allclose(made.propagate(0, 4, "hidden 1", 3), np.repeat(first[:, None], 3, axis=1), rtol=2e-5)
    draws = 4000
    passes = made.propagate(0, 4, "hidden 2", draws)
    assert passes.shape == (60, draws, 4)
    before = first[:8, None] + 0.3 * np.random.default_rng(1).standard_normal((8, 20000, 5))
    expected = np.tanh(before @ w2.T + b2)
    error = expected.std(axis=1) * math.sqrt(1 / draws + 1 / 20000)
    assert (np.abs(passes[:8].mean(axis=1) - expected.mean(axis=1)) < 5 * error).all()
    spread = passes[:8].std(axis=1) / expected.std(axis=1)
    assert np.abs(spread - 1).max() < 0.1
    np.testing.assert_array_equal(passes, made.propagate(0, 4, "hidden 2", draws))
    assert not np.array_equal(passes[:, :5], made.propagate(0, 4, "hidden 2", 5, stream=1))


@pytest.mark.slow
def test_chosen_layers_only_and_a_noisy_linear_output():
    made = recording(AdditiveNoise(0.2, ("hidden 2",)))
    (w, b), *_ = made.weights(0, 4)
    np.testing.assert_allclose(made.activations(0, 4, "hidden 1"), np.tanh(X @ w.T + b), rtol=2e-5, atol=1e-6)
    assert made.own_noise("hidden 2") == ip.channels.OwnNoise("additive", 0.2, certain=True)
    with pytest.raises(ip.InputError, match="got 'hidden 1': only hidden 2 have noise of their own"):
        made.propagate(0, 4, "hidden 1", 2)
    real = ip.data.Task(X, X[:, 1], "copy")
    network = MLP([3, 4, 1], "linear", "linear", noise=AdditiveNoise(0.2, ("output",)))
    noisy = train_ensemble(network, real, seeds=1, **SHORT)
    (w1, b1), (w2, b2) = noisy.weights(0, 4)
    off = noisy.activations(0, 4, "output") - ((X @ w1.T + b1) @ w2.T + b2)
    assert abs(off.std() / 0.2 - 1) < 4 / math.sqrt(2 * off.size)


def test_a_samples_noise_is_the_same_in_every_split():
    made = recording(AdditiveNoise(0.3))
    for split in ("all", "train", "test"):
        for block in made.blocks(["hidden 1", "output"], [0, 1], split):
            for cell, (row, column) in enumerate(zip(block.seed, block.epoch, strict=True)):
                for layer, values in block.activations.items():
                    whole = made.activations(int(made.seeds[row]), int(made.epochs[column]), layer, split)
                    np.testing.assert_allclose(np.asarray(values)[cell], whole, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_noise_in_training_is_that_of_its_seed_alone():
    """A network's noise does not depend on which others are trained beside it; another seed has another."""
    alone, beside = recording(AdditiveNoise(0.5), seeds=[3]), recording(AdditiveNoise(0.5), seeds=[0, 3, 7])
    np.testing.assert_allclose(alone.parameters[0], beside.parameters[1], rtol=1e-5, atol=1e-6)
    silent = recording(None, seeds=[3])
    np.testing.assert_array_equal(silent.parameters[0, 0], alone.parameters[0, 0])
    assert np.abs(silent.parameters[0, 1] - alone.parameters[0, 1]).max() > 1e-4


@pytest.mark.slow
def test_gradients_with_noise_average_to_those_of_the_expected_loss():
    """Linear regression through one noisy unit: d/dw E loss = w (sigma^2 + ...), in closed form."""
    real = ip.data.Task(X[:, :1], 2.0 * X[:, 0], "double")
    sigma = 0.7
    network = MLP([1, 1, 1], "linear", "linear", noise=AdditiveNoise(sigma))
    seeds = list(range(600))
    settings = {"epochs": 1, "batch_size": None, "train_fraction": 1.0, "optimizer": SGD(0.1)}
    made = train_ensemble(network, real, seeds=seeds, checkpoint_epochs=[0, 1], **settings)
    quiet = train_ensemble(MLP([1, 1, 1], "linear", "linear"), real, seeds=seeds, checkpoint_epochs=[0, 1], **settings)
    # The noise adds sigma^2 w^2 / 2 to the expected loss of the second weight w: a step shorter by 0.1 sigma^2 w.
    w = made.parameters[:, 0, 2]
    extra = made.parameters[:, 1, 2] - quiet.parameters[:, 1, 2] + 0.1 * sigma**2 * w
    assert abs(extra.mean()) < 4 * extra.std() / math.sqrt(len(seeds))
    assert abs((extra * w).mean()) < 4 * (extra * w).std() / math.sqrt(len(seeds))
    assert abs((0.1 * sigma**2 * w * w).mean()) > 8 * (extra * w).std() / math.sqrt(len(seeds))


@pytest.mark.slow
def test_saved_and_read_again(tmp_path):
    noise = AdditiveNoise(0.3, ("hidden 1",))
    made = recording(noise)
    made.save(tmp_path / "saved")
    back = ip.recordings.open(tmp_path / "saved")
    assert back.network == made.network
    assert back.noise == made.noise
    np.testing.assert_array_equal(back.activations(3, 4, "hidden 2"), made.activations(3, 4, "hidden 2"))
    np.testing.assert_array_equal(back.propagate(3, 4, "hidden 1", 2), made.propagate(3, 4, "hidden 1", 2))
    plain = recording(None)
    plain.save(tmp_path / "plain")
    assert ip.recordings.open(tmp_path / "plain").network == plain.network


def test_an_interrupted_run_goes_on_with_the_same_noise(tmp_path):
    class Stop(Exception):
        pass

    def stop(what, epoch, total):
        if epoch == 2:
            raise Stop

    settings = {"seeds": [3], "checkpoint_epochs": [0, 2, 4], "path": tmp_path / "run"}
    with pytest.raises(Stop):
        recording(AdditiveNoise(0.3), progress=stop, **settings)
    resumed = recording(AdditiveNoise(0.3), **settings)
    whole = recording(AdditiveNoise(0.3), **{**settings, "path": None})
    np.testing.assert_array_equal(resumed.parameters, whole.parameters)
    assert resumed.scalars.equals(whole.scalars)


def test_only_noise_or_its_absence():
    with pytest.raises(ip.InputError, match=r"AdditiveNoise\(sigma\) needs a positive number, got 0"):
        AdditiveNoise(0)
    with pytest.raises(ip.InputError, match="needs names such as"):
        MultiplicativeNoise(0.1, "hidden 1")  # type: ignore[arg-type]
    with pytest.raises(ip.InputError, match=r"no layer 'hiden 1'.*did you mean 'hidden 1'"):
        MLP([3, 4, 2], noise=AdditiveNoise(0.1, ("hiden 1",)))
    with pytest.raises(ip.InputError, match="cannot go on the probabilities of a softmax"):
        MLP([3, 4, 2], noise=AdditiveNoise(0.1, ("output",)))
    with pytest.raises(ip.InputError, match="this network has none"):
        MLP([3, 2], noise=AdditiveNoise(0.1))
    with pytest.raises(ip.InputError, match="noise or quantization, not both"):
        MLP([3, 4, 2], noise=AdditiveNoise(0.1), quantization=Quantization())
    with pytest.raises(ip.InputError, match=r"MLP\(noise\) takes AdditiveNoise\(0.1\) or None, got 0.1"):
        MLP([3, 4, 2], noise=0.1)  # type: ignore[arg-type]
    with pytest.raises(ip.InputError, match="this recording has none"):
        recording(None).propagate(0, 4, "hidden 1", 2)
    with pytest.raises(ip.InputError, match=r"needs names such as.*got 5"):
        AdditiveNoise(0.1, 5)  # type: ignore[arg-type]
    assert AdditiveNoise(np.float64(0.1), (name for name in ["hidden 1"])) == AdditiveNoise(0.1, ("hidden 1",))
    with pytest.raises(ip.InputError, match=r"propagate\(stream\) needs a whole number.*got -1"):
        recording(AdditiveNoise(0.1)).propagate(0, 4, "hidden 2", 1, stream=-1)
    with pytest.raises(ip.InputError, match="at least 1, got 0"):
        recording(AdditiveNoise(0.1)).propagate(0, 4, "hidden 2", 0)
