"""Ranges that move with the layer: each snapshot has its own, and multiplying its values changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from infoplane import InputError, information_plane, mutual_information
from infoplane.channels import AdditiveGaussian, Quantize
from infoplane.estimators import Binned, PairwiseBounds, Plugin
from infoplane.recordings import from_arrays

RANDOM = np.random.default_rng(4)
N = 90
Y = np.arange(N) % 3
LAYER = 3 + RANDOM.normal(size=(2, 4, N, 2)) * np.array([1.0, 7.0, 0.01, 0.5])[:, None, None] + Y[:, None]


def own_range(values, policy):
    if policy == "snapshot":
        return float(values.min()), float(values.max())
    return float(values.mean() - 3 * values.std()), float(values.mean() + 3 * values.std())


@pytest.mark.parametrize("policy", ["snapshot", "std"])
def test_cells_equal_the_verb_on_their_own_range(policy):
    layer = LAYER.copy()
    layer[0, 0, 0] = 40.0  # far beyond three deviations
    plane = information_plane(from_arrays({"layer": layer}, Y), Binned(12, range=policy))
    for seed in range(2):
        for epoch in range(4):
            t = layer[seed, epoch]
            cell = plane.sel(seed=seed, epoch=epoch, layer="layer")
            direct = Binned(12, range=own_range(t, policy))
            assert_allclose(cell.mi_input, mutual_information(np.arange(N), t, direct).value, atol=1e-12)
            assert_allclose(cell.mi_target, mutual_information(t, Y, direct).value, atol=1e-12)
            assert_allclose(cell.mi_target, mutual_information(t, Y, Binned(12, range=policy)).value, atol=1e-12)
            low, high = direct.range
            assert int(cell.out_of_range) == ((t < low) | (t > high)).sum()
    assert int(plane.out_of_range[0, 0, 0]) >= (2 if policy == "std" else 0)
    names = {"snapshot": "H(T at 12 bins of its own range)", "std": "H(T at 12 bins of 0.5 std(T))"}
    assert plane.mi_input.attrs["quantity"] == names[policy]


@pytest.mark.parametrize("policy", ["snapshot", "std"])
def test_multiplying_a_layer_changes_nothing(policy):
    """Powers of two round nothing; moved by a constant as well, up to rounding at the walls."""
    scaled = LAYER * np.array([1.0, 4.0, 0.125, 1024.0])[:, None, None]
    one, other = (information_plane(from_arrays({"layer": v}, Y), Binned(12, range=policy)) for v in (LAYER, scaled))
    for name in ("mi_input", "mi_target", "n_codes"):
        assert_array_equal(one[name], other[name])
    fixed = [information_plane(from_arrays({"layer": v}, Y), Binned(12, range=(0, 10))) for v in (LAYER, scaled)]
    assert float(abs(fixed[0].mi_input - fixed[1].mi_input).max()) > 0.5


def test_a_channel_on_its_own_is_binning():
    recording = from_arrays({"layer": LAYER}, Y)
    one = information_plane(recording, Plugin(), channel=Quantize(12, range="std"))
    other = information_plane(recording, Binned(12, range="std"))
    assert_array_equal(one.mi_input, other.mi_input)


def test_dead_snapshots_have_one_code():
    layer = LAYER.copy()
    layer[:, 1] = 0.25
    for policy in ("snapshot", "std"):
        plane = information_plane(from_arrays({"layer": layer}, Y), Binned(12, range=policy))
        assert_array_equal(plane.mi_input.isel(epoch=1), 0.0)
        assert bool(plane.dead.isel(epoch=1).all())


@pytest.mark.parametrize("policy", ["snapshot", "std"])
def test_checks_know_the_range_of_what_they_measure(policy):
    """Calibration on normal units: the truth and the estimate stand on the normal values' own range."""
    n = 1500
    layer, law = RANDOM.normal(size=(1, 3, n, 2)) + 5, RANDOM.dirichlet([1, 1], n)
    recording = from_arrays({"layer": layer}, np.arange(n) % 2, p_y_given_x=law, enumerated=True)
    plane = information_plane(recording, Binned(8, range=policy), null=2)
    checked = plane.mi_input_calibration.values[np.isfinite(plane.mi_input_calibration.values)]
    # At most 64 codes: a bias of 64 / 2n = 0.02 nats and an error of sqrt(ln(8)^2 / n) = 0.05; on another range some 1.
    assert len(checked) >= 2
    assert abs(checked).max() < 0.2
    assert bool(np.isfinite(plane.layer_beta.isel(epoch=-1)).all())


def test_every_plane_has_the_deviation_that_relative_noise_refers_to():
    recording = from_arrays({"layer": LAYER}, Y)
    plane = information_plane(recording, PairwiseBounds(0.3, relative=True))
    std = np.sqrt(LAYER.var(axis=2).mean(axis=-1))
    assert_allclose(plane.activation_std.sel(layer="layer"), std, rtol=1e-12)
    absolute = information_plane(recording, PairwiseBounds(0.3 * std[1, 2]))
    assert_allclose(plane.mi_input[1, 2], absolute.mi_input[1, 2], atol=1e-6)


def test_what_follows_the_scale():
    follow = [Quantize(range="snapshot"), Quantize(range="std"), Quantize(kind="adaptive"), AdditiveGaussian(1, True)]
    stay = [Quantize(), Quantize(range="layer"), Quantize(kind="mass"), Quantize(range=(0, 1)), AdditiveGaussian(1)]
    assert all(channel.follows_scale for channel in follow)
    assert not any(channel.follows_scale for channel in stay)


@pytest.mark.parametrize("kind", ["mass", "adaptive"])
def test_quantiles_take_no_range_of_a_snapshot(kind):
    with pytest.raises(InputError, match=r"Quantize\(range='std'\) needs kind='width', got"):
        Binned(12, range="std", kind=kind)
