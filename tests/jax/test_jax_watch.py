"""Watching functions of JAX: with and without noise, of any state, kept or kept as weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import infoplane as ip
from infoplane.channels import OwnNoise
from infoplane.compressors import PCA
from infoplane.estimators import PairwiseBounds

X = np.random.default_rng(0).normal(size=(70, 10)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


def parameters(scale: float = 1.0) -> dict[str, jax.Array]:
    first, second = jax.random.split(jax.random.key(0))
    return {"a": scale * jax.random.normal(first, (10, 6)), "b": jax.random.normal(second, (6, 2))}


def clean(state: Any, x: jax.Array) -> dict[str, jax.Array]:
    hidden = jnp.tanh(x @ state["a"])
    return {"hidden": hidden, "output": hidden @ state["b"]}


def noisy(state: Any, x: jax.Array, key: jax.Array) -> dict[str, jax.Array]:
    hidden = jnp.tanh(x @ state["a"])
    hidden = hidden + 0.1 * jax.random.normal(key, hidden.shape)
    return {"hidden": hidden, "output": hidden @ state["b"]}


def watched(forward: Any = clean, **settings: Any) -> ip.jax.JaxWatch:
    watch = ip.jax.watch(forward, (X, Y), batch_size=32, **settings)  # the last batch is smaller
    for epoch in range(3):
        watch.snapshot(epoch, parameters(1.0 + epoch), loss_train=float(epoch))
    return watch


@pytest.mark.parametrize("compiled", [True, False])
def test_values_are_those_of_the_function(compiled: bool) -> None:
    recording = watched(compiled=compiled).recording
    assert recording.layers == ("hidden", "output")
    for layer, values in clean(parameters(3.0), X).items():
        np.testing.assert_allclose(recording.activations(0, 2, layer), values, atol=1e-5)
    assert recording.scalars.loss_train[0].to_numpy().tolist() == [0, 1, 2]
    assert recording.noise is None


@pytest.mark.parametrize("forward", [clean, noisy])
@pytest.mark.parametrize("on_disk", [False, True])
def test_kept_weights_give_the_same_activations(forward: Any, on_disk: bool, tmp_path: Path) -> None:
    kept = watched(forward, path=tmp_path / "a" if on_disk else None).recording
    replayed = watched(forward, keep="weights", path=tmp_path / "w" if on_disk else None).recording
    for layer in kept.layers:
        np.testing.assert_array_equal(kept.activations(0, 1, layer), replayed.activations(0, 1, layer))
    assert kept.noise == replayed.noise == (None if forward is clean else "random: forward takes a key")


def test_declared_noise_is_known() -> None:
    recording = watched(noisy, noise={"hidden": 0.1}, layers=["hidden"]).recording
    assert recording.layers == ("hidden",)
    assert recording.own_noise("hidden") == OwnNoise("additive", 0.1, True)
    noise = recording.activations(0, 0, "hidden") - np.tanh(X @ np.asarray(parameters()["a"]))
    assert noise.std() == pytest.approx(0.1, abs=4 * 0.1 / np.sqrt(2 * noise.size))
    plane = ip.information_plane(
        watched(noisy, noise={"hidden": 0.1}, compressor=PCA(2)).recording, ip.estimators.KSG()
    )
    assert plane.snr_bound[0, 0, 0] > 0


def test_measured_at_once() -> None:
    at_once = watched(estimator=PairwiseBounds(0.1)).plane
    afterwards = ip.information_plane(watched().recording, PairwiseBounds(0.1))
    np.testing.assert_allclose(at_once.mi_input, afterwards.mi_input, atol=1e-12)


def test_states_with_other_things_in_them() -> None:
    """Functions and numbers among the arrays, as in models of Equinox."""

    def forward(state: Any, x: jax.Array) -> dict[str, jax.Array]:
        arrays, activation = state
        return {"hidden": activation(x @ arrays["a"])}

    watch = ip.jax.watch(forward, (X, Y), keep="weights")
    watch.snapshot(0, (parameters(), jax.nn.relu))
    np.testing.assert_allclose(
        watch.recording.activations(0, 0, "hidden"), np.maximum(X @ np.asarray(parameters()["a"]), 0), atol=1e-5
    )


def test_an_equinox_model() -> None:
    equinox = pytest.importorskip("equinox", reason="Equinox is not installed")
    model = equinox.nn.MLP(10, 2, 6, 2, key=jax.random.key(1))

    def forward(model: Any, x: jax.Array) -> dict[str, jax.Array]:
        found = {}
        for k, layer in enumerate(model.layers):
            x = jax.vmap(layer)(x)
            x = model.activation(x) if k < len(model.layers) - 1 else x
            found[f"layer {k + 1}"] = x
        return found

    watch = ip.jax.watch(forward, (X, Y), keep="weights")
    watch.snapshot(0, model)
    np.testing.assert_allclose(watch.recording.activations(0, 0, "layer 3"), jax.vmap(model)(jnp.asarray(X)), atol=1e-5)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ip.jax.watch(3, (X, Y)), "needs a function"),  # type: ignore[arg-type]
        (lambda: ip.jax.watch(lambda x: x, (X, Y)), "takes 1 arguments; wrap it"),
        (lambda: ip.jax.watch(clean, X), r"needs probe=\(x, y\)"),  # type: ignore[arg-type]
        (lambda: watched(layers=["hiden"]), "no layer 'hiden'; did you mean 'hidden'"),
        (lambda: watched(noise={"out": 0.1}), "no layer 'out'"),
        (lambda: watched(lambda s, x: x @ s["a"]), "give a dict"),
        (lambda: watched(lambda s, x: {"h": (x @ s["a"]).sum()}), r"shape \(\); one row a sample"),
        (lambda: watched(lambda s, x: {"h": x @ s["c"]}), "cannot be run on the probe: KeyError"),
        (lambda: watched(lambda s, x: {"h": x / 0.0}), "has nan or infinity"),
        (lambda: watched(keep="weight"), "did you mean 'weights'"),
    ],
)
def test_what_does_not_fit_is_said(make: Any, words: str) -> None:
    with pytest.raises(ip.InputError, match=words):
        make()
