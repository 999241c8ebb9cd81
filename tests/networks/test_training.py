"""Training against a slow NumPy twin, finite differences, and the promises about seeds and checkpoints."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import numpy_twin as twin
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from infoplane.data import Task
from infoplane.networks import MLP, SGD, Adam, train_ensemble
from infoplane.recordings import log_spaced

N, N_TRAIN, BATCH = 60, 48, 20  # batches of 20, 20 and 8: the last one is smaller


def classes_task() -> Task:
    x = np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)
    return Task(x, np.argmax(x[:, :3] + 0.3 * x[:, 3:], axis=1).astype(np.int64), "three classes")


def regression_task() -> Task:
    x = np.random.default_rng(1).normal(size=(N, 4)).astype(np.float32)
    return Task(x, np.stack([np.sin(x[:, 0]), x[:, 1] * x[:, 2]], axis=1).astype(np.float32), "two curves")


SETTINGS = {
    "adam": (MLP([4, 5, 3, 3], "tanh"), Adam(1e-3), 0.0, classes_task),
    "momentum": (MLP([4, 5, 3, 3], "softplus"), SGD(0.1, momentum=0.8), 0.02, classes_task),
    "regression": (MLP([4, 6, 2], "softsign", output="linear"), SGD(0.05), 0.0, regression_task),
}
EPOCHS = 4


@pytest.fixture(scope="module", params=list(SETTINGS))
def trained(request):
    network, optimizer, l2, make = SETTINGS[request.param]
    task = make()
    recording = train_ensemble(
        network, task, seeds=[3, 8], epochs=EPOCHS, batch_size=BATCH, optimizer=optimizer, l2=l2,
        checkpoint_epochs=[1, EPOCHS],
    )  # fmt: skip
    return recording, twin.program_of(network, optimizer, BATCH, N_TRAIN, l2, task), task


@pytest.mark.parametrize("seed", [3, 8])
def test_parameters_follow_the_numpy_twin(trained, seed):
    recording, program, task = trained
    sample = task.split(0.8, seed=seed)[0]
    for epochs in (1, EPOCHS):
        layers, _ = twin.train(program, recording.weights(seed, 0), sample, epochs)
        for (weights, bias), (expected_weights, expected_bias) in zip(
            recording.weights(seed, epochs), layers, strict=True
        ):
            assert_allclose(weights, expected_weights, atol=1e-5)
            assert_allclose(bias, expected_bias, atol=1e-5)
    moved = max(np.abs(w - v).max() for (w, _), (v, _) in zip(layers, recording.weights(seed, 0), strict=True))
    assert moved > 1e-3  # or agreement would mean nothing


@pytest.mark.parametrize("epoch", [0, 1, EPOCHS])
def test_gradient_statistics_at_fixed_weights(trained, epoch):
    recording, program, task = trained
    for seed in (3, 8):
        sample = task.split(0.8, seed=seed)[0]
        x, target = task.x[sample].astype(float), program.target[:, sample].T
        layers = [(w.astype(float), b.astype(float)) for w, b in recording.weights(seed, epoch)]
        found = recording.scalars.sel(seed=seed, epoch=epoch)
        parts = [
            (twin.gradient(layers, x[b], target[b], program.network, program.l2, program.orthonormality), len(b))
            for b in twin.batches(program, epoch)
        ]
        whole = twin.gradient(layers, x, target, program.network, program.l2, program.orthonormality)
        assert_allclose(found.gradient_mean, [np.linalg.norm(w) for w, _ in whole], rtol=2e-5)
        assert_allclose(found.gradient_std, twin.moments(parts)[1], rtol=2e-5)
        assert_allclose(found.weight_norm, [np.linalg.norm(w) for w, _ in layers], rtol=1e-6)


def test_gradient_statistics_along_the_path(trained):
    recording, program, task = trained
    assert np.isnan(recording.scalars.gradient_mean_along_path.sel(epoch=0)).all()
    for seed in (3, 8):
        _, path = twin.train(program, recording.weights(seed, 0), task.split(0.8, seed=seed)[0], EPOCHS)
        found = recording.scalars.sel(seed=seed, epoch=EPOCHS)
        mean, deviation = twin.moments(path)
        assert_allclose(found.gradient_mean_along_path, mean, rtol=2e-4)
        assert_allclose(found.gradient_std_along_path, deviation, rtol=2e-4)


def test_losses_and_accuracies_on_both_parts(trained):
    recording, program, task = trained
    for seed in (3, 8):
        layers = [(w.astype(float), b.astype(float)) for w, b in recording.weights(seed, EPOCHS)]
        outputs = twin.forward(layers, task.x.astype(float), program.network.activation)[1][-1]
        loss = twin.losses(outputs, program.target.T, program.network.output)
        right = outputs.argmax(axis=1) == program.target.argmax(axis=0)
        found = recording.scalars.sel(seed=seed, epoch=EPOCHS)
        for name, part in zip(("train", "test"), task.split(0.8, seed=seed), strict=True):
            assert_allclose(found[f"loss_{name}"], loss[part].mean(), rtol=1e-5)
            if program.network.output == "softmax":
                assert_allclose(found[f"accuracy_{name}"], right[part].mean(), rtol=1e-6)
            else:
                assert f"accuracy_{name}" not in found


@pytest.mark.parametrize("output", ["softmax", "linear"])
@pytest.mark.parametrize("activation", list(twin.ACTIVATIONS))
def test_gradients_match_finite_differences(activation, output):
    network = MLP([3, 4, 2], activation, output=output)
    task = Task(np.random.default_rng(2).normal(size=(7, 3)), np.array([0, 1, 1, 0, 1, 0, 0]), "small")
    if output == "linear":
        task = Task(task.x, np.random.default_rng(3).normal(size=(7, 2)), "small")
    program = twin.program_of(network, SGD(0.1), 7, 7, 0.3, task, orthonormality=0.2)
    with jax.enable_x64(True):
        point = jnp.asarray(np.random.default_rng(4).normal(size=(1, network.n_parameters)))
        x, target = jnp.asarray(task.x.T[None]), jnp.asarray(program.target[None], jnp.float64)
        found = np.asarray(program._gradient(point, x, target, jnp.int32(0), None)[0])[0]

        def loss(vector):
            layers = network.unflatten(vector[None])
            data = program._losses(network.forward(layers, x).values[-1], target).mean()
            grams = [w[0] @ w[0].T if w.shape[1] <= w.shape[2] else w[0].T @ w[0] for w, _ in layers]
            apart = sum(((gram - jnp.eye(len(gram))) ** 2).sum() for gram in grams)
            return float(data + 0.15 * sum((w**2).sum() for w, _ in layers) + 0.2 * apart)

        step = 1e-5
        around = np.eye(network.n_parameters) * step
        slopes = [(loss(point[0] + d) - loss(point[0] - d)) / (2 * step) for d in around]
    assert_allclose(found, slopes, atol=1e-8)


def test_full_batch_has_no_gradient_noise():
    recording = train_ensemble(MLP([4, 3, 3]), classes_task(), seeds=1, epochs=2, batch_size=None)
    assert (recording.scalars.gradient_std <= 1e-6 * recording.scalars.gradient_mean).all()
    assert (recording.scalars.gradient_mean > 0).all()
    assert recording.provenance["batch_size"] == N_TRAIN


def test_same_seed_same_bits_and_company_does_not_matter():
    def run(seeds):
        return train_ensemble(
            MLP([4, 5, 3]), classes_task(), seeds=seeds, epochs=5, batch_size=16, checkpoint_epochs=[]
        )

    first, again, alone = run([1, 7, 2, 9]), run([1, 7, 2, 9]), run([7])
    assert_array_equal(first.parameters, again.parameters)
    assert first.scalars.identical(again.scalars)
    # Other networks change the shape of the products, hence their rounding, and nothing else.
    assert_allclose(alone.parameters[0], first.parameters[1], atol=1e-5)
    assert np.abs(first.parameters[0, 0] - first.parameters[1, 0]).max() > 0.1


def test_checkpoints_are_log_spaced_from_0_to_the_last():
    marks = np.array(log_spaced(8000, 400))
    assert (marks[0], marks[-1]) == (0, 8000)
    assert (np.diff(marks) > 0).all()
    late = marks[marks > 200]  # where rounding to whole epochs no longer shows
    assert_allclose(np.diff(np.log(late)), np.log(8000) / 399, rtol=0.3)
    assert 250 < len(marks) <= 402
    assert log_spaced(1, 5) == [0, 1]
    recording = train_ensemble(MLP([4, 3]), classes_task(), seeds=1, epochs=3, checkpoint_epochs=[2])
    assert_array_equal(recording.epochs, [0, 2, 3])


@pytest.mark.parametrize(("init", "scale"), [("fan_in", 1 / 400), ("fan_out", 1 / 200), ("glorot", 2 / 600)])
def test_initial_weights_are_truncated_normal(init, scale):
    network = MLP([400, 200], init=init)
    ((weights, bias),) = network.unflatten(network.initial(jax.random.key(0))[None])
    assert (np.asarray(bias) == 0).all()
    assert np.abs(weights).max() <= 2 * scale**0.5 * (1 + 1e-6)
    variance = 0.7737413 * scale  # of a standard normal cut at two deviations
    # Four standard errors over 80,000 weights; its kurtosis is below the normal's, whose error this is.
    assert_allclose(np.var(weights), variance, rtol=4 * (2 / 80_000) ** 0.5)


def test_every_layer_has_numbers_of_its_own_key():
    """Small layers are drawn together, large ones alone; neither may change what a seed gives."""
    network = MLP([5, 40, 3, 400, 30], init="fan_in")
    key = jax.random.key(4)
    layers = network.unflatten(network.initial(key)[None])
    for (weights, _), one, (out, fan_in) in zip(layers, jax.random.split(key, 4), network.shapes, strict=True):
        alone = fan_in**-0.5 * jax.random.truncated_normal(one, -2.0, 2.0, (out * fan_in,))
        assert_array_equal(np.ravel(weights), alone)


def test_activations_are_those_of_the_kept_weights(trained):
    recording, program, task = trained
    layers = [(w.astype(float), b.astype(float)) for w, b in recording.weights(8, EPOCHS)]
    *hidden, last = twin.forward(layers, task.x.astype(float), program.network.activation)[1][1:]
    expected = [*hidden, twin.softmax(last) if program.network.output == "softmax" else last]
    for layer, values in zip(recording.layers, expected, strict=True):
        assert_allclose(recording.activations(8, EPOCHS, layer), values, atol=1e-5)
    train = task.split(0.8, seed=8)[0]
    assert_allclose(recording.activations(8, EPOCHS, "output", "train"), expected[-1][np.sort(train)], atol=1e-5)
    assert len(recording.activations(8, EPOCHS, "output", "test")) == N - N_TRAIN
