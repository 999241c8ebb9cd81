"""Recordings from arrays, and what every recording promises."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_array_equal

import infoplane as ip
from infoplane import InputError
from infoplane.networks import MLP, weights
from infoplane.recordings import base, from_arrays

RANDOM = np.random.default_rng(0)
A = RANDOM.normal(size=(2, 3, 10, 4))
Y = np.arange(10) % 3


def test_short_form_is_one_snapshot():
    recording = from_arrays({"layer": A[0, 0]}, Y)
    assert_array_equal(recording.seeds, [0])
    assert_array_equal(recording.epochs, [0])
    assert recording.layers == ("layer",)
    assert recording.x is None
    assert recording.noise is None
    assert_array_equal(recording.activations(0, 0, "layer"), A[0, 0])
    assert_array_equal(recording.y, Y)


def test_other_kinds_of_arrays():
    torch = pytest.importorskip("torch")
    recording = from_arrays(
        {"t": torch.ones(10, 2, requires_grad=True), "h": A[0, 0].astype(np.float16)}, list("ab" * 5)
    )
    assert_array_equal(recording.activations(0, 0, "t"), np.ones((10, 2)))
    assert recording.activations(0, 0, "h").dtype == np.float32
    assert len(np.unique(recording.y)) == 2


def test_propagate_refuses_and_says_why():
    with pytest.raises(InputError, match="noise of its own, got 'a': this recording has none"):
        from_arrays({"a": A}, Y).propagate(0, 0, "a", 5)
    with pytest.raises(InputError, match="activations only"):
        from_arrays({"a": A}, Y, noise="Gaussian").propagate(0, 0, "a", 5)


def test_splits():
    train = np.zeros((2, 10), bool)
    train[0, :6] = train[1, 3:9] = True
    recording = from_arrays({"a": A}, Y, train=train, seeds=[4, 9], epochs=[0, 5, 50])
    assert_array_equal(recording.activations(9, 5, "a", "train"), A[1, 1, 3:9])
    assert_array_equal(recording.activations(4, 50, "a", "test"), A[0, 2, 6:])
    assert_array_equal(recording.activations(4, 50, "a"), A[0, 2])
    for split in ("train", "test"):
        blocks = list(recording.blocks(["a"], [0, 2], split))
        assert_array_equal(np.concatenate([b.seed for b in blocks]), [0, 0, 1, 1])
        assert_array_equal(np.concatenate([b.epoch for b in blocks]), [0, 2, 0, 2])
        found = np.concatenate([b.activations["a"] for b in blocks])
        expected = [recording.activations(s, e, "a", split) for s in (4, 9) for e in (0, 50)]
        assert_array_equal(found, expected)


def test_unknown_names():
    recording = from_arrays({"hidden 1": A, "output": A}, Y, epochs=[0, 5, 50])
    with pytest.raises(InputError, match=r"no layer 'hiden 1'; did you mean 'hidden 1'\? Known: hidden 1, output"):
        recording.activations(0, 0, "hiden 1")
    with pytest.raises(InputError, match="no epoch 7; it has 3, from 0 to 50"):
        recording.activations(0, 7, "output")
    with pytest.raises(InputError, match="no seed 2; it has 2, from 0 to 1"):
        recording.activations(2, 0, "output")
    with pytest.raises(InputError, match="no split 'trian'; did you mean 'train'"):
        recording.activations(0, 0, "output", "trian")
    with pytest.raises(InputError, match="does not say which samples were trained on"):
        recording.activations(0, 0, "output", "train")


def test_splits_of_different_sizes_are_refused():
    train = np.zeros((2, 10), bool)
    train[0, :6] = train[1, :5] = True
    with pytest.raises(InputError, match="one size for all seeds, got 5 to 6"):
        from_arrays({"a": A}, Y, train=train).samples("train")
    with pytest.raises(InputError, match="The test split"):
        from_arrays({"a": A}, Y, train=np.ones(10, bool)).samples("test")


def bad(at):
    values = A.copy()
    values[at] = np.nan
    return values


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        (({}, Y), {}, "at least one layer"),
        (({"a": A[..., 0]}, Y), {}, r"'a' needs the shape \(seed, epoch, n, d\)"),
        (({"a": A}, Y[:-1]), {}, "n = 9 samples"),
        (({"a": A, "b": A[:, :1]}, Y), {}, "same seeds and epochs"),
        (({"a": bad((1, 2, 3, 0))}, Y), {}, r"nan or infinite activations.*\(seed 1, epoch 2\)"),
        (({"a": A.astype(str)}, Y), {}, "pass floats or integers"),
        (({"a": A}, np.where(Y == 1, np.nan, Y)), {}, "y has nan"),
        (({"a": A}, Y, A[0, 0, :-1]), {}, "x and y of one length"),
        (({"a": A}, Y), {"epochs": [0, 1]}, "needs 3 rising integers"),
        (({"a": A}, Y), {"epochs": [0, 2, 1]}, "needs 3 rising integers"),
        (({"a": A}, Y), {"epochs": [0.0, 0.5, 1.0]}, "needs 3 rising integers"),
        (({"a": A}, Y), {"seeds": [1, 1]}, "needs 2 different integers"),
        (({"a": A}, Y), {"ranges": {"b": (0, 1)}}, "layers that are not there: b"),
        (({"a": A}, Y), {"p_y_given_x": np.ones((10, 2))}, "10 rows that sum to 1"),
        (([A], Y), {}, "mapping from name to array, got list"),
        ((A, Y), {}, "mapping from name to array, got ndarray"),
        (({1: A, "1": A}, Y), {}, "all names different"),
        (({"a": [[1.0], [1.0, 2.0]] * 5}, Y), {}, "'a' has rows of unequal length"),
        (({"a": A[..., :0]}, Y), {}, "'a' needs the shape"),
        (({"a": A}, Y), {"epochs": np.array([0, 2, 1], np.uint8)}, "needs 3 rising integers"),
        (({"a": A}, Y), {"seeds": 2.5}, "needs 2 different integers"),
        (({"a": A}, Y), {"seeds": [0, [1]]}, "unequal length"),
        (({"a": A}, Y), {"ranges": {"a": (1, -1)}}, "low < high, got"),
        (({"a": A}, Y), {"ranges": {"a": (0, 0)}}, "low < high, got"),
        (({"a": A}, Y), {"ranges": {"a": (0, np.nan)}}, "two finite numbers"),
        (({"a": A}, Y), {"ranges": {"a": 1.0}}, "two finite numbers"),
        (({"a": A}, Y), {"ranges": (-1, 1)}, "ranges needs a mapping"),
        (({"a": A}, Y), {"p_y_given_x": np.tile([1.5, -0.5], (10, 1))}, "no negative"),
        (({"a": A}, Y), {"p_y_given_x": "law"}, "p_y_given_x has the type"),
        (({"a": A}, Y), {"train": np.ones(9, bool)}, r"train needs the shape \(10,\) or \(2, 10\)"),
        (({"a": A}, Y), {"train": np.ones((3, 10), bool)}, r"train needs the shape"),
        (({"a": A}, Y), {"train": np.arange(10)}, "not their positions"),
        (({"a": A}, Y), {"scalars": {"loss": np.ones((2, 3))}}, "needs an xarray.Dataset.*got dict"),
        (({"a": A}, Y), {"scalars": xr.Dataset({"b": (("seed", "epoch"), np.full((2, 3), "x"))})}, "'b' has the type"),
        (({"a": A}, Y), {"scalars": xr.Dataset({"layer": (("seed", "epoch"), np.ones((2, 3)))})}, "named 'layer'"),
        (({"a": A}, Y), {"scalars": xr.Dataset({"loss": ("epoch", np.ones(3))})}, r"over \(seed, epoch\)"),
        (({"a": A}, Y), {"scalars": xr.Dataset({"loss": (("seed", "epoch"), np.ones((2, 2)))})}, "'loss' has"),
    ],
)
def test_bad_input(arguments, settings, message):
    with pytest.raises(InputError, match=message) as caught:
        from_arrays(*arguments, **settings)
    assert "\n" not in str(caught.value)


def test_blocks_stay_below_the_bound(monkeypatch, tmp_path):
    """Four snapshots of 320 bytes under a bound of two: whatever holds them hands out two at a time."""
    arrays = {"a": RANDOM.normal(size=(2, 4, 10, 4))}
    held = from_arrays(arrays, Y)
    held.save(tmp_path / "run")
    monkeypatch.setattr(base, "_BLOCK_BYTES", 700)
    for recording in (held, ip.recordings.open(tmp_path / "run")):
        blocks = list(recording.blocks(["a"], range(4)))
        assert [len(b.seed) for b in blocks] == [2, 2, 2, 2]
        assert_array_equal(np.concatenate([b.activations["a"] for b in blocks]), arrays["a"].reshape(8, 10, 4))
        low, high = recording.extremes(["a"])
        assert_array_equal(low[:, 0], arrays["a"].min(axis=(1, 2, 3)))
        assert_array_equal(high[:, 0], arrays["a"].max(axis=(1, 2, 3)))


@pytest.mark.slow
def test_planes_do_not_depend_on_the_block_size(monkeypatch):
    task = ip.data.Task(A[0, 0].astype(np.float32), Y, "small")
    recording = ip.networks.train_ensemble(
        MLP([4, 3, 3]), task, seeds=3, epochs=4, checkpoint_epochs=[1, 2, 3], train_fraction=0.6
    )
    estimator = ip.estimators.Binned(5, range="layer")
    whole = {split: ip.information_plane(recording, estimator, split=split) for split in ("all", "test")}
    one_snapshot = 4 * 10 * 6
    monkeypatch.setattr(base, "_BLOCK_BYTES", 2 * one_snapshot)
    monkeypatch.setattr(weights, "_BLOCK_BYTES", 2 * one_snapshot)
    blocks = list(recording.blocks(recording.layers, range(5)))
    assert [len(b.seed) for b in blocks] == [2] * 7 + [1]
    for split, expected in whole.items():
        assert ip.information_plane(recording, estimator, split=split).equals(expected)
