"""What single units know, against counting by hand."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from infoplane import data
from infoplane.channels import AdditiveGaussian, Identity, Quantize
from infoplane.errors import InputError
from infoplane.estimators import Binned, Plugin
from infoplane.plane import information_plane, neuron_information
from infoplane.recordings import from_arrays

N = 80
RANDOM = np.random.default_rng(4)
CODES = {
    "wide": RANDOM.integers(0, 5, (2, 3, N, 6)),
    "narrow": RANDOM.integers(0, 3, (2, 3, N, 2)),
    "one": RANDOM.integers(0, 9, (2, 3, N, 1)),
}
Y = RANDOM.integers(0, 3, N)
TRAIN = np.arange(N) % 4 > 0


def recording(**options):
    return from_arrays(CODES, Y, epochs=[0, 5, 20], seeds=[3, 8], train=TRAIN, **options)


def entropy(values) -> float:
    counts = Counter(values).values()
    return -sum(k / sum(counts) * math.log(k / sum(counts)) for k in counts)


def by_hand(codes: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Mean over columns of H(T_i) and of I(T_i;Y)."""
    units = [column.tolist() for column in codes.T]
    label = y.tolist()
    information = [entropy(t) + entropy(label) - entropy(list(zip(t, label, strict=True))) for t in units]
    return float(np.mean([entropy(t) for t in units])), float(np.mean(information))


@pytest.mark.parametrize("split", ["all", "train"])
def test_means_are_those_of_counting(split):
    found = neuron_information(recording(enumerated=True), split=split)
    rows = np.arange(N) if split == "all" else np.flatnonzero(TRAIN)
    for layer, codes in CODES.items():
        for seed, epoch in np.ndindex(2, 3):
            cell = found.isel(seed=seed, epoch=epoch).sel(layer=layer)
            expected = by_hand(codes[seed, epoch, rows], Y[rows])
            assert (float(cell.mi_input_neurons), float(cell.mi_target_neurons)) == pytest.approx(expected, abs=1e-12)
    assert found.mi_input_neurons.attrs["direction"] == ("exact" if split == "all" else "estimate")
    assert found.mi_input_neurons.attrs["quantity"] == "mean over single units of H(T), T discrete"
    assert found.attrs["n_samples"] == len(rows)


def test_a_layer_of_one_unit_is_that_unit_and_others_know_more():
    found, plane = neuron_information(recording()), information_plane(recording(), Plugin())
    for of in ("input", "target"):
        more = plane[f"mi_{of}"] - found[f"mi_{of}_neurons"]
        np.testing.assert_allclose(more.sel(layer="one"), 0.0, atol=1e-12)
        assert float(more.sel(layer=["wide", "narrow"]).min()) > 0.01


def test_floats_through_bins_and_labels_at_random():
    task = data.twelve_bit(0.5)
    values = np.tanh((task.x - 0.5) @ RANDOM.standard_normal((12, 3)))
    made = from_arrays({"layer": values}, task.y, p_y_given_x=task.p_y_given_x, enumerated=True)
    channel = Quantize(6, (-1.0, 1.0))
    found = neuron_information(made, channel)
    units = from_arrays(
        {str(i): values[:, i : i + 1] for i in range(3)}, task.y, p_y_given_x=task.p_y_given_x, enumerated=True
    )
    plane = information_plane(units, Binned(6, (-1.0, 1.0))).mean("layer")
    for of in ("input", "target"):
        np.testing.assert_allclose(found[f"mi_{of}_neurons"].squeeze(), plane[f"mi_{of}"].squeeze(), atol=1e-12)
    assert found.mi_target_neurons.attrs["quantity"] == "mean over single units of I(T at 6 bins; Y)"


def test_chosen_layers_and_epochs_and_progress():
    told = []
    found = neuron_information(
        recording(), layers=["one"], epochs=[20, 5], progress=lambda what, done, of: told.append((done, of))
    )
    assert found.layer.values.tolist() == ["one"]
    assert found.epoch.values.tolist() == [5, 20]
    assert told[-1] == (4, 4)


def test_what_cannot_be_counted_is_refused():
    floats = from_arrays({"layer": np.zeros((N, 2))}, Y)
    with pytest.raises(InputError, match="name a channel"):
        neuron_information(floats)
    for channel in (AdditiveGaussian(0.1), Identity(assume_stochastic=True)):
        with pytest.raises(InputError, match="Quantize"):
            neuron_information(floats, channel)
    with pytest.raises(InputError, match="runs with noise"):
        neuron_information(recording(noise="dropout 0.5"))
    with pytest.raises(InputError, match="y is continuous"):
        neuron_information(from_arrays(CODES, Y + 0.5))
    with pytest.raises(InputError, match="no layer 'wid'"):
        neuron_information(recording(), layers=["wid"])
    with pytest.raises(InputError, match="at least one layer"):
        neuron_information(recording(), layers=[])
