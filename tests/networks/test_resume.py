"""A run that is killed anywhere goes on where it stopped, to the same bits."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import infoplane as ip
from infoplane import InputError
from infoplane.data import Task
from infoplane.networks import MLP, Adam, train_ensemble

EPOCHS = 80
SCRIPT = "import sys, test_resume; test_resume.run(sys.argv[1])"


def run(path, **settings):
    x = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    task = settings.pop("task", Task(x, (x[:, 0] * x[:, 1] > 0).astype(int), "quadrants"))
    settings = {"seeds": [4, 1], "epochs": EPOCHS, "batch_size": 20, "optimizer": Adam(3e-3)} | settings
    return train_ensemble(MLP([4, 5, 2]), task, **settings, checkpoint_epochs=range(EPOCHS + 1), path=path)


@pytest.fixture(scope="module")
def whole():
    return run(None)


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A folder whose writer was killed after some snapshots."""
    path = tmp_path_factory.mktemp("killed") / "run"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), *sys.path])}
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(path)], env=environment)
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if len(list(path.glob("snapshots/*.npz"))) >= 12:
            break
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    return path


def assert_same(found, expected):
    assert_array_equal(found.seeds, expected.seeds)
    assert_array_equal(found.epochs, expected.epochs)
    assert_array_equal(found.parameters, expected.parameters)
    assert found.scalars.equals(expected.scalars)
    assert_array_equal(found.probe.train, expected.probe.train)
    assert found.notes == ()


def test_killed_run_continues_to_the_same_bits(killed, whole, tmp_path):
    path = shutil.copytree(killed, tmp_path / "run")
    done = (path / "index.jsonl").read_text().count("\n")
    assert 0 < done < EPOCHS  # it was killed in the middle
    seen = []
    found = run(path, progress=lambda what, epoch, total: seen.append(epoch))
    assert done - 1 <= seen[0] <= done + 1  # and did not start again
    assert_same(found, whole)
    assert not list(path.rglob("*.partial"))

    started = time.monotonic()
    seen.clear()
    assert_same(run(path, progress=lambda *step: seen.append(step)), whole)
    assert not seen
    assert time.monotonic() - started < 5


class Stop(Exception):
    pass


def test_kill_between_snapshot_and_state(whole, tmp_path):
    path = tmp_path / "run"

    def stop(what, epoch, total):
        if epoch == 5:
            shutil.copy(path / "state.npz", tmp_path / "older.npz")
        if epoch == 6:
            raise Stop

    with pytest.raises(Stop):
        run(path, progress=stop)
    shutil.copy(tmp_path / "older.npz", path / "state.npz")
    assert [json.loads(line)["epoch"] for line in (path / "index.jsonl").read_text().splitlines()] == list(range(7))
    assert_same(run(path), whole)


@pytest.mark.parametrize("moment", ["before the first state", "before the header"])
def test_kill_at_the_very_start(killed, whole, tmp_path, moment):
    path = shutil.copytree(killed, tmp_path / "run")
    (path / "state.npz").unlink()
    if moment == "before the header":
        (path / "index.jsonl").unlink()
        (path / "recording.json").rename(path / ".recording.json.1.partial")
        for file in path.glob("snapshots/*"):
            file.unlink()
    else:
        (path / "index.jsonl").write_text((path / "index.jsonl").read_text().splitlines()[0] + "\n")
    assert_same(run(path), whole)


def test_lost_snapshot_is_said_not_skipped(killed, tmp_path):
    path = shutil.copytree(killed, tmp_path / "run")
    state = int(np.load(path / "state.npz")["epoch"])
    lines = (path / "index.jsonl").read_text().splitlines()
    (path / "index.jsonl").write_text("\n".join(lines[:state]) + "\n")
    with pytest.raises(InputError, match=f"lost the snapshot of epoch {state}"):
        run(path)
    (path / "state.npz").write_bytes(b"")
    with pytest.raises(InputError, match=r"state\.npz is damaged"):
        run(path)


def other_labels():
    x = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    return Task(x, (x[:, 2] > 0).astype(int), "quadrants")


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": Adam(1e-3)},
        {"seeds": [4, 2]},
        {"batch_size": 16},
        {"l2": 0.1},
        {"train_fraction": 0.5},
        {"task": other_labels()},
    ],
    ids=lambda s: next(iter(s)),
)
def test_other_settings_are_refused(killed, settings):
    before = sorted(f.name for f in killed.rglob("*"))
    with pytest.raises(InputError, match="holds another recording"):
        run(killed, **settings)
    assert sorted(f.name for f in killed.rglob("*")) == before


def test_unfinished_run_opens_as_it_is(killed, whole, recwarn):
    found = ip.recordings.open(killed)
    recwarn.clear()  # it warns if the kill hit the middle of a snapshot
    n = len(found.epochs)
    assert_array_equal(found.parameters, whole.parameters[:, :n])


def test_weights_recording_saves_and_opens_equal(whole, tmp_path):
    whole.save(tmp_path / "copy")
    found = ip.recordings.open(tmp_path / "copy")
    assert_same(found, whole)
    assert found.network == whole.network
    assert found.ranges == whole.ranges
    assert found.provenance == whole.provenance
    assert_array_equal(found.activations(4, 20, "hidden 1", "test"), whole.activations(4, 20, "hidden 1", "test"))


@pytest.mark.slow
def test_a_run_goes_on_with_another_number_of_cores(tmp_path, monkeypatch):
    """Blocks are one a core; the state on disk is that of the whole ensemble."""
    import os

    def train(path, epochs_done=None):
        def stop(what, done, total):
            if done == epochs_done:
                raise KeyboardInterrupt

        return train_ensemble(
            MLP([12, 3, 2]),
            ip.data.twelve_bit(),
            seeds=3,
            epochs=4,
            checkpoint_epochs=[1, 2, 3],
            path=path,
            progress=stop,
        )

    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "run", epochs_done=2)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    resumed = train(tmp_path / "run")
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    whole = train(tmp_path / "whole")
    np.testing.assert_allclose(
        resumed.parameters, whole.parameters, atol=1e-5
    )  # blocks of another size round otherwise
    assert train(tmp_path / "run").parameters.shape == whole.parameters.shape  # a finished one is only read
