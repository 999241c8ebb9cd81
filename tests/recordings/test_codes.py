"""Compressed recordings: codes against the compressor itself, frozen and refitted, what they keep, and refusals."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from linear_recordings import LinearNetwork, linear_network

import infoplane as ip
from infoplane.channels import OwnNoise
from infoplane.compressors import CCA, PCA, Autoencoder, FittedPCA
from infoplane.estimators import KSG, Compressed, WeightedKL
from infoplane.recordings import ArrayRecording, compressed, from_arrays
from infoplane.recordings.codes import Fit


@pytest.fixture(scope="module")
def network() -> LinearNetwork:
    return linear_network(n=1500, epochs=3)


@pytest.fixture(scope="module")
def wide(network: LinearNetwork) -> ArrayRecording:
    return network.recording


class Counting(ArrayRecording):
    """Counts how often a snapshot is asked for."""

    calls = 0

    def _snapshots(self, seed, epoch, layers):  # type: ignore[no-untyped-def]
        type(self).calls += 1
        return super()._snapshots(seed, epoch, layers)


def test_codes_are_those_of_the_compressor(wide: ArrayRecording) -> None:
    codes = compressed(wide, layers=PCA(3))
    values = wide.activations(0, 1, "wide")
    expected = PCA(3).fit(values).encode(values)
    np.testing.assert_allclose(codes.activations(0, 1, "wide"), expected, atol=1e-12)
    assert codes.activations(0, 1, "wide").dtype == np.float64


def test_frozen_and_refitted_codes_agree_at_the_reference_and_not_elsewhere(wide: ArrayRecording) -> None:
    snapshot = compressed(wide, layers=PCA(2))
    frozen = compressed(wide, layers=PCA(2), fit="reference", reference=1)
    for layer in wide.layers:
        np.testing.assert_array_equal(snapshot.activations(0, 1, layer), frozen.activations(0, 1, layer))
        assert not np.allclose(snapshot.activations(0, 2, layer), frozen.activations(0, 2, layer))
    kept = [r.scalars["explained_variance"].sel(seed=0).to_numpy() for r in (snapshot, frozen)]
    assert (kept[0][[1, 2]] >= kept[1][[1, 2]] - 1e-12).all()  # no other directions keep more


def test_the_frozen_projection_reports_what_it_keeps_and_at_most_loses(network: LinearNetwork) -> None:
    frozen = compressed(network.recording, layers=PCA(2), fit="reference", reference=2)
    code, values = frozen.activations(0, 0, "wide"), network.recording.activations(0, 0, "wide")
    projection = PCA(2).fit(network.recording.activations(0, 2, "wide"))
    share = code.var(axis=0).sum() / values.var(axis=0).sum()
    row = frozen.scalars.sel(seed=0, epoch=0, layer="wide")
    assert float(row["explained_variance"]) == pytest.approx(share)
    lost = network.information(0, "wide") - network.information(0, "wide", projection.components)
    assert lost > 0.1
    assert float(row["loss_bound_input"]) >= lost
    assert float(row["snr_bound"]) >= network.information(0, "wide")


def test_codes_of_codes_tell_what_is_left_of_the_layer(network: LinearNetwork) -> None:
    """Four components and of these two are two components; the bound is one on the whole loss."""
    twice = compressed(compressed(network.recording, layers=PCA(4)), layers=PCA(2))
    once = compressed(network.recording, layers=PCA(2))
    for recording in (once, twice):
        recording.compute()
    np.testing.assert_allclose(*(abs(r.activations(0, 0, "wide")) for r in (twice, once)), atol=1e-9)
    for name in ("explained_variance", "code_dim", "loss_bound_target", "snr", "snr_bound"):
        np.testing.assert_allclose(twice.scalars[name], once.scalars[name], rtol=1e-6, err_msg=name)
    # The first step's bound and the second's: no smaller than the one of both together.
    for layer in once.layers:
        np.testing.assert_array_less(
            once.scalars["loss_bound_input"].sel(layer=layer) - 1e-6, twice.scalars["loss_bound_input"].sel(layer=layer)
        )


def test_codes_that_pass_keep_what_was_said_of_them(network: LinearNetwork) -> None:
    first = compressed(network.recording, layers=PCA(2))
    again = compressed(first, layers=PCA(2))
    again.compute()
    for name in ("explained_variance", "loss_bound_input", "loss_bound_target", "snr", "snr_bound"):
        np.testing.assert_allclose(again.scalars[name], first.scalars[name], rtol=1e-9, err_msg=name)
    assert float(again.scalars["explained_variance"].max()) < 1.0


def test_one_pass_of_the_network_serves_all_layers_and_estimators(network: LinearNetwork) -> None:
    wide = network.recording
    counting = Counting(wide.arrays, wide.probe, wide.seeds, wide.epochs, wide.noise, wide.ranges, wide.scalars)
    codes = compressed(counting, x=PCA(2), layers=PCA(2))
    ip.information_plane(codes, WeightedKL())
    ip.information_plane(codes, KSG(standardise=True))
    assert Counting.calls == len(wide.epochs)


class Fleeting(ArrayRecording):
    """Makes every snapshot anew and knows how many of them are still held when the next is asked for."""

    made: ClassVar[list[weakref.ref]] = []
    held: ClassVar[list[int]] = []

    def _snapshots(self, seed, epoch, layers):  # type: ignore[no-untyped-def]
        type(self).held.append(sum(one() is not None for one in self.made))
        found = {name: values.copy() for name, values in super()._snapshots(seed, epoch, layers).items()}
        type(self).made.extend(weakref.ref(values) for values in found.values())
        return found


@pytest.mark.parametrize("fit", ["snapshot", "reference"])
def test_no_snapshot_outlives_its_codes(network: LinearNetwork, fit: Fit) -> None:
    wide = network.recording
    fleeting = Fleeting(wide.arrays, wide.probe, wide.seeds, wide.epochs, wide.noise, wide.ranges, wide.scalars)
    Fleeting.held.clear()
    compressed(fleeting, layers=PCA(2), fit=fit).compute()
    assert len(Fleeting.held) >= len(wide.epochs)
    assert max(Fleeting.held) == 0


def test_only_epochs_asked_for_are_computed(wide: ArrayRecording) -> None:
    codes = compressed(wide, layers=PCA(2))
    codes.activations(0, 1, "wide")
    known = codes.scalars["explained_variance"].sel(seed=0, layer="wide").notnull()
    assert known.to_numpy().tolist() == [False, True, False]
    codes.compute()
    assert not codes.scalars["explained_variance"].isnull().any()


def test_a_plane_says_compressed_and_carries_what_codes_keep(network: LinearNetwork) -> None:
    codes = compressed(network.recording, x=PCA(2), layers=PCA(4))
    plane = ip.information_plane(codes, WeightedKL())
    assert plane["mi_input"].attrs["quantity"].endswith("of compressed variables")
    assert plane["mi_target"].attrs["quantity"].endswith("of compressed variables")
    assert (plane["loss_bound_input"] >= 0).all()
    assert (plane["snr_bound"] > plane["loss_bound_input"]).all()
    assert (plane["code_dim"] == 4).all()
    assert "refitted on every snapshot" in plane.attrs["notes"]
    assert "compressed once" in plane.attrs["notes"]
    only_input = ip.information_plane(compressed(network.recording, x=PCA(2)), KSG(standardise=True), epochs=[0])
    assert only_input["mi_input"].attrs["quantity"].endswith("of compressed variables")
    assert "compressed" not in only_input["mi_target"].attrs["quantity"]


def test_it_agrees_with_compressing_inside_the_estimator(wide: ArrayRecording) -> None:
    outside = ip.information_plane(compressed(wide, x=PCA(2), layers=PCA(2)), WeightedKL())
    inside = ip.information_plane(wide, Compressed(WeightedKL(), x=PCA(2), y=PCA(2)))
    for name in ("mi_input", "mi_target", "explained_variance", "loss_bound_target"):
        np.testing.assert_allclose(outside[name], inside[name], rtol=1e-9, err_msg=name)


def test_narrow_layers_and_integer_codes_pass() -> None:
    random = np.random.default_rng(0)
    layers = {
        "narrow": random.standard_normal((200, 3)),
        "codes": random.integers(0, 4, (200, 9)),
        "wide": random.standard_normal((200, 9)),
    }
    codes = compressed(from_arrays(layers, random.integers(0, 2, 200)), layers=PCA(4))
    np.testing.assert_array_equal(codes.activations(0, 0, "narrow"), layers["narrow"])
    np.testing.assert_array_equal(codes.activations(0, 0, "codes"), layers["codes"])
    assert codes.activations(0, 0, "wide").shape == (200, 4)
    assert codes.scalars["loss_bound_target"].to_numpy()[0, 0, 0] == 0.0
    assert "narrow, codes." in codes.notes[-1]


def test_a_layer_that_dies_keeps_its_shape() -> None:
    random = np.random.default_rng(0)
    layer = random.standard_normal((1, 3, 200, 9))
    layer[0, 1] = 0.5
    layer[0, 2, :, 1:] = 0.0
    codes = compressed(from_arrays({"a": layer}, random.integers(0, 2, 200)), layers=PCA(4))
    assert [codes.activations(0, epoch, "a").shape for epoch in range(3)] == [(200, 4)] * 3
    assert codes.scalars["code_dim"].to_numpy()[0, :, 0].tolist() == [4, 0, 1]


def test_compressors_are_fitted_on_training_rows_where_these_are_known() -> None:
    random = np.random.default_rng(0)
    values = random.standard_normal((300, 8)) * np.linspace(1, 2, 8)
    train = np.arange(300) < 150
    codes = compressed(from_arrays({"a": values}, random.integers(0, 2, 300), train=train), layers=PCA(2))
    np.testing.assert_allclose(codes.activations(0, 0, "a"), PCA(2).fit(values[:150]).encode(values))


def test_maps_fitted_elsewhere_stay_as_they_are(wide: ArrayRecording) -> None:
    assert wide.x is not None
    of_input = PCA(2).fit(np.random.default_rng(5).standard_normal((100, 4)))
    of_layer = PCA(3).fit(wide.activations(0, 2, "wide"))
    codes = compressed(wide, x=of_input, layers={"wide": of_layer})
    np.testing.assert_array_equal(codes.x, of_input.encode(wide.x))
    np.testing.assert_array_equal(codes.activations(0, 0, "wide"), of_layer.encode(wide.activations(0, 0, "wide")))
    np.testing.assert_array_equal(codes.activations(0, 0, "deeper"), wide.activations(0, 0, "deeper"))
    assert "Frozen(PCA, 40 columns to 3)" in " ".join(codes.notes)


def test_noise_survives_an_orthonormal_projection_only(wide: ArrayRecording) -> None:
    assert compressed(wide, layers=PCA(4)).own_noise("wide") == OwnNoise("additive", 0.3, True)
    assert compressed(wide, layers=PCA(4, standardise=True)).own_noise("wide") is None
    assert compressed(wide, layers=PCA(4), sigma=0.2).own_noise("wide") == OwnNoise("additive", 0.2, True)


def test_signal_to_noise_is_that_of_the_law(network: LinearNetwork) -> None:
    row = compressed(network.recording, layers=PCA(4))
    row.compute([0])
    truth = np.trace(network.covariances[0, "wide"]) / (40 * network.sigma**2)
    assert float(row.scalars["snr"].sel(seed=0, epoch=0, layer="wide")) == pytest.approx(truth, rel=0.1)


def test_an_autoencoder_reports_what_it_rebuilds() -> None:
    random = np.random.default_rng(0)
    u = random.uniform(-1, 1, (400, 1))
    curve = np.hstack([np.cos(2 * u), np.sin(2 * u), u**2, u**3]) + 0.01 * random.standard_normal((400, 4))
    recording = from_arrays({"a": np.stack([curve, 0.5 * curve])[None]}, random.integers(0, 2, 400))
    codes = compressed(recording, layers=Autoencoder(1, steps=300), fit="reference", reference=0)
    codes.compute()
    kept = codes.scalars["explained_variance"].to_numpy()[0, :, 0]
    assert kept[0] > 0.9 > kept[1]  # at half the scale its curve is elsewhere
    assert np.isnan(codes.scalars["loss_bound_input"]).all()


def test_the_note_of_a_frozen_code_tells_what_it_keeps_at_epochs(wide: ArrayRecording) -> None:
    codes = compressed(wide, layers=PCA(2), fit="reference")
    assert codes.reference == 2
    codes.compute()
    note = " ".join(codes.notes)
    assert "fitted at epoch 2 and frozen" in note
    share = float(codes.scalars["explained_variance"].sel(seed=0, epoch=0, layer="wide"))
    assert f"wide {share:.1%} at epoch 0" in note


def test_it_can_be_saved_and_read(wide: ArrayRecording, tmp_path: Path) -> None:
    codes = compressed(wide, x=PCA(2), layers=PCA(2))
    codes.save(tmp_path / "run")
    back = ip.recordings.open(tmp_path / "run")
    assert back.compressed == (True, True)
    np.testing.assert_array_equal(back.activations(0, 2, "wide"), codes.activations(0, 2, "wide"))
    np.testing.assert_array_equal(back.scalars["snr_bound"], codes.scalars["snr_bound"])
    assert back.own_noise("wide") == codes.own_noise("wide")


def test_other_sizes_of_a_code(wide: ArrayRecording) -> None:
    larger = compressed(wide, layers=PCA(2)).resized(5)
    assert larger.activations(0, 0, "wide").shape[1] == 5


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"layers": CCA(2)}, "other side"),
        ({"layers": {"wid": PCA(2)}}, "wide"),
        ({"layers": 4}, "PCA"),
        ({"layers": PCA(2), "fit": "epoch"}, "snapshot"),
        ({"layers": PCA(2), "reference": 1}, "fit='reference'"),
        ({"layers": PCA(2), "fit": "reference", "reference": 9}, "no epoch 9"),
        ({"layers": PCA()}, "dim"),
        ({"layers": PCA(2), "sigma": -1.0}, "sigma above 0"),
    ],
)
def test_what_does_not_fit_is_refused(wide: ArrayRecording, settings: dict, words: str) -> None:
    with pytest.raises(ip.InputError, match=words):
        compressed(wide, **settings)


def test_inputs_that_are_not_there_are_refused() -> None:
    recording = from_arrays({"a": np.random.default_rng(0).standard_normal((50, 6))}, np.arange(50) % 2)
    with pytest.raises(ip.InputError, match="record x"):
        compressed(recording, x=PCA(2))
    with pytest.raises(ip.InputError, match="recording"):
        compressed(np.zeros((3, 3)))  # type: ignore[arg-type]
    with pytest.raises(ip.InputError, match="6 columns"):
        compressed(recording, layers=PCA(2).fit(np.random.default_rng(1).standard_normal((50, 7)))).compute()


def test_arrays_take_a_fitted_compressor_too() -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((600, 6))
    y = x[:, :1] + 0.5 * random.standard_normal((600, 1))
    fitted = PCA(2).fit(random.standard_normal((100, 6)))
    assert isinstance(fitted, FittedPCA)
    wrapped = Compressed(WeightedKL(), x=fitted)
    found = ip.mutual_information(x, y, wrapped)
    assert found.value == pytest.approx(ip.mutual_information(fitted.encode(x), y, WeightedKL()).value)
    assert "Frozen(PCA, 6 columns to 2)" in found.method
    with pytest.raises(ip.InputError, match="6 columns"):
        ip.mutual_information(x[:, :5], y, wrapped)
