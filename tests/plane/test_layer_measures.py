"""What a layer forgot, how its units are used, and the noise sweep: each against the definition, written out."""

from __future__ import annotations

import json
import math
from collections import defaultdict

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from infoplane import data, results
from infoplane.errors import InputError
from infoplane.estimators import Binned, PairwiseBounds
from infoplane.plane import equivocation, information_plane, layer_activity, noise_sweep
from infoplane.recordings import from_arrays

N = 90
RANDOM = np.random.default_rng(0)
Z = RANDOM.standard_normal((2, 3, N, 4))
LAYERS = {"tanh": np.tanh(2 * Z), "relu": np.maximum(Z, 0.0), "dead": np.full((2, 3, N, 2), 0.5)}
Y = np.arange(N) % 3
LAW = RANDOM.dirichlet([0.3, 0.3, 0.3], N)


def recording(**options):
    return from_arrays(LAYERS, Y, ranges={"tanh": (-1, 1)}, epochs=[0, 5, 20], **options)


def codes(t: np.ndarray, low: float, high: float, bins: int) -> list[tuple]:
    """Equal intervals, closed at the top."""
    return [tuple(min(int((v - low) * bins / (high - low)), bins - 1) for v in row) for row in t.tolist()]


@pytest.mark.parametrize("law", [None, LAW])
def test_what_is_forgotten_equals_the_definition(law) -> None:
    """Mean of ln(inputs with the same code); mean divergence of the code's label law from each input's own."""
    made = recording(enumerated=True, p_y_given_x=law)
    found = equivocation(information_plane(made, Binned(4, (-1.0, 1.0)), layers=["tanh"]))
    given = np.eye(3)[Y] if law is None else law
    for seed in range(2):
        for position, epoch in enumerate((0, 5, 20)):
            shared: dict[tuple, list[int]] = defaultdict(list)
            for i, code in enumerate(codes(LAYERS["tanh"][seed, position], -1, 1, 4)):
                shared[code].append(i)
            left, divergence = [], []
            for members in shared.values():
                mean = given[members].mean(axis=0)
                for i in members:
                    left.append(math.log(len(members)))
                    divergence.append(sum(p * math.log(p / q) for p, q in zip(given[i], mean, strict=True) if p > 0))
            cell = found.sel(seed=seed, epoch=epoch, layer="tanh")
            assert float(cell.equivocation) == pytest.approx(np.mean(left), abs=1e-12)
            assert float(cell.label_divergence) == pytest.approx(np.mean(divergence), abs=1e-12)
    assert found.equivocation.attrs["quantity"] == "H(X|T)"


@pytest.mark.parametrize("gamma", [None, 0.1, 1.0])
def test_on_the_twelve_bit_task_a_layer_forgets_as_much_as_the_sums_say(gamma) -> None:
    """All 4,096 patterns through random layers of double precision, under the hard rule and under soft ones."""
    task = data.twelve_bit(gamma)
    p = task.p_y_given_x
    assert p is not None
    weights = [RANDOM.standard_normal((12, width)) for width in (1, 2, 4)]
    layers = {f"{w.shape[1]} units": np.tanh((task.x - 0.5) @ w) for w in weights}
    made = from_arrays(layers, task.y, p_y_given_x=p, enumerated=True)
    found = equivocation(information_plane(made, Binned(8, (-1.0, 1.0)))).isel(seed=0, epoch=0)
    for layer, t in layers.items():
        _, place, count = np.unique(np.array(codes(t, -1, 1, 8)), axis=0, return_inverse=True, return_counts=True)
        place = place.reshape(-1)
        q = np.stack([np.bincount(place, column) for column in p.T], axis=1)[place] / count[place][:, None]
        divergence = np.where(p > 0, p * np.log(np.where(p > 0, p, 1.0) / np.where(p > 0, q, 1.0)), 0.0)
        cell = found.sel(layer=layer)
        assert float(cell.equivocation) == pytest.approx(np.log(count[place]).mean(), abs=1e-11)
        assert float(cell.label_divergence) == pytest.approx(divergence.sum(axis=1).mean(), abs=1e-11)


def test_an_injective_layer_forgets_nothing_and_a_dead_one_all() -> None:
    made = from_arrays({"all": np.arange(N)[:, None] / N, "none": np.zeros((N, 1))}, Y, enumerated=True)
    found = equivocation(information_plane(made, Binned(4 * N, (0.0, 1.0)))).isel(seed=0, epoch=0)
    assert_allclose(found.equivocation, [0.0, math.log(N)], atol=1e-12)
    assert_allclose(found.label_divergence, [0.0, math.log(3)], atol=1e-12)


def test_equivocation_needs_exact_values() -> None:
    for plane, why in (
        (information_plane(recording(), Binned(4)), "these are estimate"),
        (information_plane(recording(enumerated=True), PairwiseBounds(0.3)), "these are interval"),
        (information_plane(recording(), Binned(4)).drop_vars("mi_target"), "lacks mi_target"),
        ([1, 2], "lacks mi_input, mi_target"),
    ):
        with pytest.raises(InputError, match=why):
            equivocation(plane)  # pyright: ignore


def test_activity_counts_units_and_inputs() -> None:
    found = layer_activity(recording(), share=0.8, bins=10)
    assert found.saturated_share.dims == ("seed", "epoch", "layer")
    for seed, epoch in np.ndindex(2, 3):
        cell = found.isel(seed=seed, epoch=epoch)
        t, r = LAYERS["tanh"][seed, epoch], LAYERS["relu"][seed, epoch]
        assert float(cell.saturated_share.sel(layer="tanh")) == pytest.approx((abs(t) > 0.8).sum() / t.size)
        assert float(cell.zero_share.sel(layer="relu")) == pytest.approx((r == 0).sum() / r.size)
        assert np.isnan(cell.saturated_share.sel(layer=["relu", "dead"])).all()
        assert not cell.zero_share.sel(layer=["tanh", "dead"]).any()
    assert "weight_norm" not in found


def test_of_a_range_that_is_not_symmetric() -> None:
    made = from_arrays({"sigmoid": np.array([[0.02], [0.06], [0.5], [0.94], [0.96]])}, [0, 1, 0, 1, 0],
                       ranges={"sigmoid": (0.0, 1.0)})  # fmt: skip
    assert layer_activity(made).saturated_share.item() == pytest.approx(2 / 5)


def test_histograms_are_shares_over_all_networks() -> None:
    found = layer_activity(recording(), bins=10)
    assert_allclose(found.histogram.sel(layer=["tanh", "dead"]).sum("bin"), 1.0)
    assert found.low.to_numpy().tolist()[0] == -1.0
    assert found.high.to_numpy().tolist()[0] == 1.0
    for epoch in range(3):
        counts, _ = np.histogram(LAYERS["tanh"][:, epoch], bins=10, range=(-1, 1))
        assert_allclose(found.histogram.sel(layer="tanh").isel(epoch=epoch), counts / counts.sum())
    low, high = (found[end].sel(layer="relu").item() for end in ("low", "high"))
    assert (low, high) == (0.0, np.median(LAYERS["relu"].max(axis=(1, 2, 3))))
    counts, _ = np.histogram(LAYERS["relu"][:, 2], bins=10, range=(low, high))
    assert (LAYERS["relu"] > high).any()  # of one of two networks: beyond the median, and in no bin
    assert_allclose(found.histogram.sel(layer="relu").isel(epoch=2), counts / LAYERS["relu"][:, 2].size)
    assert_array_equal(found.histogram.sel(layer="dead").isel(bin=0), 1.0)  # a layer of one value has one bin


def test_activity_of_chosen_layers_and_epochs_of_a_trained_ensemble(trained) -> None:
    found = layer_activity(trained, layers=["output"], epochs=[12, 0])
    assert found.epoch.to_numpy().tolist() == [0, 12]
    assert_array_equal(found.weight_norm, trained.scalars.weight_norm.sel(epoch=[0, 12], layer=["output"]))
    t = trained.activations(4, 12, "output")
    assert found.saturated_share.sel(seed=4, epoch=12).item() == pytest.approx((abs(t - 0.5) > 0.45).mean())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"share": 1.0}, "share between 0 and 1, got 1.0"),
        ({"share": "most"}, "share between 0 and 1, got 'most'"),
        ({"bins": 1}, r"layer_activity\(bins\) needs a whole number, 2 or more, got 1"),
        ({"layers": ["tan"]}, "no layer 'tan'; did you mean 'tanh'"),
        ({"epochs": [3]}, "no epoch 3"),
        ({"layers": []}, "at least one layer and one epoch"),
    ],
)
def test_activity_says_what_it_needs(options, message) -> None:
    with pytest.raises(InputError, match=message):
        layer_activity(recording(), **options)


def test_a_sweep_is_a_plane_at_every_noise() -> None:
    made = recording(p_y_given_x=LAW)
    for relative in (False, True):
        found = noise_sweep(made, [0.1, 0.3, 1.0], relative=relative, layers=["tanh", "dead"], epochs=[20, 0])
        assert dict(found.sizes) == {"sigma": 3, "seed": 2, "epoch": 2, "layer": 2}
        for sigma in (0.1, 0.3, 1.0):
            plane = information_plane(made, PairwiseBounds(sigma, relative), layers=["tanh", "dead"], epochs=[20, 0])
            for name in found.data_vars:
                assert_array_equal(found[name].sel(sigma=sigma), plane[name])
        assert found.attrs["relative"] == int(relative)
        assert found.attrs["ceiling_mi_input"] == pytest.approx(math.log(N))
    assert bool((found.mi_input_lower <= found.mi_input_upper).all())
    assert bool((found.mi_input_upper.diff("sigma") <= 1e-6).all())  # more noise, less information
    assert not [note for note in json.loads(found.attrs["notes"]) if "exceeds" in note]


@pytest.mark.parametrize("sigmas", [[], [0.3, 0.1], [0.1, 0.1]])
def test_a_sweep_needs_rising_noise(sigmas) -> None:
    with pytest.raises(InputError, match="needs rising sigmas"):
        noise_sweep(recording(), sigmas)


def test_all_of_them_are_results_that_a_file_keeps(tmp_path) -> None:
    made = recording(enumerated=True)
    plane = information_plane(made, Binned(4))
    for found in (layer_activity(made), equivocation(plane), noise_sweep(made, [0.3], epochs=[20])):
        results.save(found, tmp_path / "found.nc")
        assert results.load(tmp_path / "found.nc").identical(found)
