"""Recordings on disk: equal after a round trip, safe against being cut off anywhere, honest about what is missing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_array_equal

import infoplane as ip
from infoplane import InputError
from infoplane.recordings import Probe, Writer

N, EPOCHS = 6, 4
Y = np.arange(N) % 2


def values(epoch: int) -> np.ndarray:
    return np.random.default_rng(epoch).normal(size=(N, 3))


FIT = {"a": values(9), "b": values(9)[:, :1]}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("written") / "run"
    writer = Writer(path, ["a", "b"], Y)
    for epoch in range(EPOCHS):
        writer.snapshot(epoch, {"a": values(epoch), "b": values(epoch)[:, :1]}, loss_train=0.5**epoch)
    return path


def reopened(path):
    """The recording and whether opening it warned."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        recording = ip.recordings.open(path)
    return recording, [str(w.message) for w in caught]


def assert_prefix(recording, n):
    assert_array_equal(recording.epochs, range(n))
    for epoch in range(n):
        assert_array_equal(recording.activations(0, epoch, "a"), values(epoch))
    assert_array_equal(recording.scalars.loss_train[0], 0.5 ** np.arange(n))


@pytest.mark.parametrize("seeds", [[0, 1], [7, 3]])
def test_round_trip_is_equal(tmp_path, seeds):
    random = np.random.default_rng(0)
    arrays = {
        "z first": random.normal(size=(2, 3, N, 4)).astype(np.float32),
        "a second": random.normal(size=(2, 3, N, 1)),
    }
    epochs = [0, 10, 200]
    scalars = xr.Dataset(
        {
            "loss_train": (("epoch", "seed"), random.normal(size=(3, 2))),
            "gradient_mean": (("seed", "epoch", "layer"), random.random((2, 3, 2))),
        }
    )
    train = np.array([[1, 1, 1, 1, 0, 0], [0, 0, 1, 1, 1, 1]], bool)
    law = np.tile([0.25, 0.75], (N, 1))
    recording = ip.recordings.from_arrays(
        arrays, Y, random.normal(size=(N, 2)), "Gaussian, sigma 0.1", epochs, seeds,
        ranges={"a second": (-1, 1)}, train=train, scalars=scalars, p_y_given_x=law, enumerated=True, task="mine",
    )  # fmt: skip
    recording.save(tmp_path / "run")
    found, said = reopened(tmp_path / "run")
    assert not said
    assert found.notes == ()
    found.save(tmp_path / "again")
    for other in (found, ip.recordings.open(tmp_path / "again")):
        assert other.layers == ("z first", "a second")  # in the order given, not the alphabet's
        assert_array_equal(other.seeds, seeds)
        assert_array_equal(other.epochs, epochs)
        assert other.ranges == {"z first": None, "a second": (-1, 1)}
        assert other.noise == "Gaussian, sigma 0.1"
        assert (other.probe.task, other.probe.enumerated) == ("mine", True)
        for name in ("x", "y", "train", "p_y_given_x"):
            assert_array_equal(getattr(other.probe, name), getattr(recording.probe, name))
        assert other.scalars.equals(recording.scalars)
        for row, seed in enumerate(seeds):
            assert_array_equal(other.samples("train")[row], np.flatnonzero(train[row]))
            for column, epoch in enumerate(epochs):
                for layer in other.layers:
                    got = other.activations(seed, epoch, layer)
                    assert_array_equal(got, arrays[layer][row, column])
                    assert got.dtype == arrays[layer].dtype
                    assert_array_equal(other.activations(seed, epoch, layer, "test"), got[~train[row]])


def test_writer_from_plain_numpy(tmp_path):
    writer = ip.recordings.Writer(tmp_path / "run", ["dense"], np.array(["cat", "dog", "cat"]))
    for epoch in (0, 5):
        writer.snapshot(epoch, {"dense": np.full((3, 2), epoch, float)}, loss_train=1 / (1 + epoch))
    recording = ip.recordings.open(tmp_path / "run")
    assert_array_equal(recording.y, [0, 1, 0])  # text labels as codes, as from_arrays keeps them
    assert_array_equal(recording.activations(0, 5, "dense"), np.full((3, 2), 5.0))
    assert float(recording.scalars.loss_train.sel(seed=0, epoch=5)) == 1 / 6


def test_layout_needs_no_infoplane_to_write(tmp_path):
    path = tmp_path / "run"
    (path / "snapshots").mkdir(parents=True)
    (path / "recording.json").write_text('{"format": "infoplane-recording", "version": 1, "layers": ["only"]}')
    np.savez(path / "probe.npz", y=Y)
    np.savez(path / "snapshots" / "000000.npz", **{"seeds": [3], "layer/0": values(0)[None].astype(np.float16)})
    size = (path / "snapshots" / "000000.npz").stat().st_size
    line = {"file": "000000.npz", "bytes": size, "epoch": 9, "seeds": [3]}
    (path / "index.jsonl").write_text(json.dumps(line) + "\n")
    found = ip.recordings.open(path).activations(3, 9, "only")
    assert_array_equal(found, values(0).astype(np.float16).astype(np.float32))
    assert found.dtype == np.float32  # half precision would bin the activations again


def test_index_cut_at_every_byte(written, tmp_path):
    whole = (written / "index.jsonl").read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == 10]
    path = shutil.copytree(written, tmp_path / "run")
    for length in range(len(whole)):
        (path / "index.jsonl").write_bytes(whole[:length])
        complete = sum(length >= end - 1 for end in ends)  # a line without its line end is complete
        if complete == 0:
            with pytest.raises(InputError, match="no complete snapshot"):
                ip.recordings.open(path)
            continue
        recording, said = reopened(path)
        assert_prefix(recording, complete)
        lost = complete < EPOCHS  # snapshot files are there that the index does not name
        assert [("cut off" in s) for s in said] == [True] * lost
        assert [("cut off" in s) for s in recording.notes] == [True] * lost


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_appending_after_a_cut_anywhere_in_a_line(written, tmp_path, lines):
    whole = (written / "index.jsonl").read_bytes()
    ends = [0, *(i + 1 for i, byte in enumerate(whole) if byte == 10)]
    for length in {ends[lines], ends[lines] + 1, ends[lines] + 30, ends[lines + 1] - 2, ends[lines + 1] - 1}:
        path = shutil.copytree(written, tmp_path / str(length))
        (path / "index.jsonl").write_bytes(whole[:length])
        (path / "snapshots" / ".000009.npz.77.partial").write_bytes(b"half")
        writer = Writer(path, ["a", "b"], Y)
        for epoch in range(len(writer.epochs), EPOCHS):
            writer.snapshot(epoch, {"a": values(epoch), "b": values(epoch)[:, :1]}, loss_train=0.5**epoch)
        recording, said = reopened(path)
        assert not said
        assert_prefix(recording, EPOCHS)
        assert not list(path.rglob("*.partial"))


def test_last_snapshot_cut_at_many_places(written, tmp_path):
    path = shutil.copytree(written, tmp_path / "run")
    last = path / "snapshots" / f"{EPOCHS - 1:06d}.npz"
    whole = last.read_bytes()
    for length in [*range(70), *range(70, len(whole) - 70, 37), *range(len(whole) - 70, len(whole))]:
        last.write_bytes(whole[:length])
        recording, said = reopened(path)
        assert_prefix(recording, EPOCHS - 1)
        assert len(said) == len(recording.notes) == 1
        assert "cut off" in said[0]


def test_damage_that_keeps_the_length_is_an_error_not_a_traceback(written, tmp_path):
    path = shutil.copytree(written, tmp_path / "run")
    last = path / "snapshots" / f"{EPOCHS - 1:06d}.npz"
    last.write_bytes(bytes(last.stat().st_size))
    with pytest.raises(InputError, match=r"000003\.npz is damaged"):
        ip.recordings.open(path)
    (path / "probe.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"probe\.npz is damaged"):
        ip.recordings.open(path)


def test_writer_killed_at_any_moment(tmp_path):
    path = tmp_path / "run"
    script = (
        "import sys, numpy as np; from infoplane.recordings import Writer\n"
        "w = Writer(sys.argv[1], ['a'], np.arange(2000) % 2)\n"
        "while True: w.snapshot(len(w.epochs), {'a': np.full((2000, 50), float(len(w.epochs)))})\n"
    )
    for round_ in range(1, 4):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        process = subprocess.Popen([sys.executable, "-c", script, str(path)], env=environment)
        deadline = time.monotonic() + 60
        while len(list(path.glob("snapshots/*.npz"))) < 5 * round_ and time.monotonic() < deadline:
            time.sleep(0.0007 * round_)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        files = len(list(path.glob("snapshots/*.npz")))
        recording, said = reopened(path)
        assert_array_equal(recording.epochs, range(len(recording.epochs)))
        assert files - 1 <= len(recording.epochs) <= files
        assert len(said) <= 1
        for epoch in recording.epochs[-2:]:
            assert (recording.activations(0, epoch, "a") == epoch).all()


def test_epochs_missing_for_some_seeds_are_left_out_and_said(tmp_path):
    writer = Writer(tmp_path / "run", ["a"], Y)
    for epoch in (0, 1, 2):
        for seed in (0, 1):
            if (epoch, seed) != (1, 1):
                writer.snapshot(epoch, {"a": values(10 * epoch + seed)}, seeds=[seed], loss_train=epoch + seed / 10)
    with pytest.warns(UserWarning, match="1 epochs were not recorded for every seed"):
        recording = ip.recordings.open(tmp_path / "run")
    assert_array_equal(recording.epochs, [0, 2])
    assert "1 epochs" in recording.notes[0]
    assert_array_equal(recording.activations(1, 2, "a"), values(21))
    assert_array_equal(recording.scalars.loss_train, [[0, 2], [0.1, 2.1]])


def test_no_common_epoch(tmp_path):
    writer = Writer(tmp_path / "run", ["a"], Y)
    writer.snapshot(0, {"a": values(0)}, seeds=[0])
    writer.snapshot(1, {"a": values(0)}, seeds=[1])
    with pytest.raises(InputError, match="no epoch that was recorded for all its seeds"):
        ip.recordings.open(tmp_path / "run")


def test_newer_layout_and_other_folders_are_refused(written, tmp_path):
    path = shutil.copytree(written, tmp_path / "run")
    header = json.loads((path / "recording.json").read_text())
    (path / "recording.json").write_text(json.dumps({**header, "version": 2}))
    with pytest.raises(InputError, match="layout version 2, this infoplane reads up to 1"):
        ip.recordings.open(path)
    for text in ("[]", "{", "", '{"format": "infoplane-recording"}', json.dumps({**header, "format": "other"})):
        (path / "recording.json").write_text(text)
        with pytest.raises(InputError, match="is not a recording"):
            ip.recordings.open(path)
    for other in (tmp_path / "absent", tmp_path, path / "probe.npz"):
        with pytest.raises(InputError, match="is not a recording"):
            ip.recordings.open(other)


@pytest.mark.parametrize(
    ("activations", "settings", "message"),
    [
        ({"a": values(0)}, {}, "needs the layers"),
        ({"a": values(0), "b": values(0)[:-1]}, {}, "'b' needs the shape"),
        ({"a": values(0), "b": values(0)}, {"seeds": [0, 1]}, "2 seeds and n = 6"),
        ({"a": values(0), "b": values(0) * np.nan}, {}, "'b' at epoch 9 needs finite numbers"),
        ({"a": values(0), "b": np.full((N, 1), "text")}, {}, "finite numbers"),
        ([values(0), values(0)], {}, "needs the layers"),
        ({"a": values(0), "b": [[1.0], [1.0, 2.0]] * 3}, {}, "unequal length"),
        ({"a": values(0), "b": np.zeros((1, N, 2, 2))}, {}, "'b' needs the shape"),
        ({"a": values(0), "b": values(0)}, {}, r"'b' had the shape \(6, 1\).*now \(6, 3\)"),
        (FIT, {"epoch": 2.5}, "whole number of epochs completed, got 2.5"),
        (FIT, {"seeds": [0.5]}, "seeds that are different whole numbers"),
        (FIT, {"seeds": 1}, "seeds that are different whole numbers"),
        ({k: np.stack([v, v]) for k, v in FIT.items()}, {"seeds": [1, 1]}, "seeds that are different whole numbers"),
        (FIT, {"loss_test": np.ones(3)}, r"'loss_test' needs one number, the shape \(1,\).*got \(3,\)"),
        (FIT, {"norm": np.ones((1, 3))}, r"\(1, 2\) for each layer, got \(1, 3\)"),
        (FIT, {"loss_test": "low"}, "'loss_test' has the type"),
        (FIT, {"loss_test": None}, "'loss_test' has the type"),
        (FIT, {"layer": 1.0}, "cannot be named 'layer'"),
        (FIT, {"seed": 1.0}, "cannot be named 'seed'"),
        (FIT, {"loss_train": np.ones((1, 2))}, r"'loss_train' had the shape \(\).*now \(2,\)"),
    ],
)
def test_bad_snapshots(written, tmp_path, activations, settings, message):
    path = shutil.copytree(written, tmp_path / "run")
    writer = Writer(path, ["a", "b"], Y)
    with pytest.raises(InputError, match=message):
        writer.snapshot(activations=activations, **{"epoch": 9, **settings})
    assert_prefix(reopened(path)[0], EPOCHS)


def test_writer_refuses_another_recording(written, tmp_path):
    for layers, probe in ((["a"], Y), (["a", "b"], 1 - Y), (["a", "b"], Probe(Y, x=values(0)))):
        with pytest.raises(InputError, match="holds another recording"):
            Writer(written, layers, probe)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="exists and is not a recording"):
        Writer(tmp_path, ["a"], Y)
    with pytest.raises(InputError, match="exists and is not a recording"):
        Writer(tmp_path / "file", ["a"], Y)
    with pytest.raises(InputError, match="cannot be written"):
        Writer(tmp_path / "file" / "run", ["a"], Y)


@pytest.mark.parametrize(
    ("layers", "probe", "settings", "message"),
    [
        (["a"], np.where(Y == 1, np.nan, 1.0), {}, "y has nan"),
        (["a"], np.array([1, "b", None] * 2, object), {}, "y has missing values"),
        (["a"], [[1], [1, 2]], {}, "unequal length"),
        (["a"], 3, {}, "y needs samples"),
        (["a"], Probe(Y, x=values(0)[:-1]), {}, "x and y of one length, got 5 and 6"),
        (["a"], Probe(Y, x=values(0) * np.inf), {}, "x has nan or infinite"),
        (["a"], Probe(Y, train=np.ones(N, bool)), {}, r"train needs booleans \(seed, n\).*got \(6,\)"),
        (["a"], Probe(Y, train=np.ones((2, N - 1), bool)), {}, r"train needs booleans.*got \(2, 5\)"),
        (["a"], Probe(Y, train=np.arange(N)[None]), {}, "train needs True"),
        (["a"], Probe(Y, p_y_given_x=np.ones((N, 2))), {}, "6 rows that sum to 1"),
        (["a"], Probe(Y, p_y_given_x=np.tile([1.5, -0.5], (N, 1))), {}, "no negative"),
        (["a"], Probe(Y, p_y_given_x=np.ones((N - 1, 1))), {}, r"6 rows.*got shape \(5, 1\)"),
        (["a"], Y, {"ranges": {"b": (0, 1)}}, "layers that are not there: b"),
        (["a"], Y, {"ranges": {"a": (1, -1)}}, "low < high"),
        (["a", "a"], Y, {}, "all names different"),
        ([], Y, {}, "at least one layer"),
        ("dense", Y, {}, "a list of layers"),
    ],
)
def test_a_recording_that_cannot_be_is_not_begun(tmp_path, layers, probe, settings, message):
    with pytest.raises(InputError, match=message) as caught:
        Writer(tmp_path / "run", layers, probe, **settings)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("labels", [np.array(list("abb" * 10)), np.arange(30) % 3 > 0, list("abb" * 10)])
def test_labels_of_any_kind_give_the_plane_of_their_codes(tmp_path, labels):
    activations = np.random.default_rng(0).normal(size=(30, 1))
    planes = []
    for name, y in (("labels", labels), ("codes", (np.arange(30) % 3 > 0).astype(int))):
        Writer(tmp_path / name, ["a"], y).snapshot(0, {"a": activations})
        recording = ip.recordings.open(tmp_path / name)
        planes.append(ip.information_plane(recording, ip.estimators.Binned(4)).mi_target)
        assert_array_equal(recording.y, np.arange(30) % 3 > 0)
    assert_array_equal(*planes)


def test_a_continued_recording_keeps_its_shapes_and_its_networks(tmp_path):
    train = np.array([[1, 1, 1, 0, 0, 0]], bool)
    Writer(tmp_path / "run", ["a"], Probe(Y, train=train)).snapshot(0, {"a": values(0)}, loss_train=1.0)
    writer = Writer(tmp_path / "run", ["a"], Probe(Y, train=train))
    for activations, settings, message in (
        (values(0)[:, :2], {}, "had the shape"),
        (values(0), {"loss_train": np.ones((1, 1))}, "had the shape"),
        (values(0), {"seeds": [1]}, "train has 1 rows, one a network, and this snapshot would make 2"),
    ):
        with pytest.raises(InputError, match=message):
            writer.snapshot(1, {"a": activations}, **settings)
    writer.snapshot(1, {"a": values(1)}, loss_train=0.5)
    assert_prefix(ip.recordings.open(tmp_path / "run"), 2)


def test_samples_written_by_another_program_are_checked(written, tmp_path):
    path = shutil.copytree(written, tmp_path / "run")
    np.savez(path / "probe.npz", y=np.array(list("abcabc")))
    assert_array_equal(ip.recordings.open(path).y, [0, 1, 2, 0, 1, 2])
    for arrays, message in (({"x": Y}, "needs an array y"), ({"y": Y, "x": values(0)[1:]}, "x and y of one length")):
        np.savez(path / "probe.npz", **arrays)
        with pytest.raises(InputError, match=message):
            ip.recordings.open(path)
