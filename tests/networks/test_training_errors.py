"""What a user may get wrong: one sentence each, and nothing written."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from infoplane import InputError
from infoplane.data import Task
from infoplane.networks import MLP, SGD, Adam, train_ensemble

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
TASK = Task(X, (X[:, 0] > 0).astype(int), "sign")
NETWORK = MLP([3, 4, 2])


def with_nan(values: np.ndarray) -> np.ndarray:
    values = values.astype(np.float32).copy()
    values.flat[5] = np.nan
    return values


BAD = {
    "input width": (MLP([5, 2]), TASK, {}, r"inputs have shape \(40, 3\).*input width 5"),
    "output width": (MLP([3, 2]), dataclasses.replace(TASK, y=TASK.y + 1), {}, "Labels run from 1 to 2.*2 outputs"),
    "negative label": (NETWORK, dataclasses.replace(TASK, y=TASK.y - 1), {}, "Labels run from -1 to 0"),
    "one class": (NETWORK, dataclasses.replace(TASK, y=TASK.y * 0), {}, "one class only"),
    "text labels": (NETWORK, dataclasses.replace(TASK, y=TASK.y.astype(str)), {}, "must be integers"),
    "lengths": (NETWORK, dataclasses.replace(TASK, y=TASK.y[:-1]), {}, "one length, got 40 and 39"),
    "nan input": (NETWORK, dataclasses.replace(TASK, x=with_nan(X)), {}, "inputs have nan"),
    "nan target": (MLP([3, 1], output="linear"), Task(X, with_nan(X[:, 0]), "r"), {}, "targets have nan"),
    "float y, softmax": (NETWORK, Task(X, X[:, 0], "r"), {}, "float target needs.*linear"),
    "two targets": (MLP([3, 1], output="linear"), Task(X, X[:, :2], "r"), {}, "2 outputs, got 1"),
    "labels, linear": (MLP([3, 2], output="linear"), TASK, {}, "Class labels need.*softmax"),
    "no epochs": (NETWORK, TASK, {"epochs": 0}, "at least 1 epoch, got 0"),
    "late checkpoint": (NETWORK, TASK, {"epochs": 3, "checkpoint_epochs": [4]}, r"lie in 0\.\.3"),
    "no seeds": (NETWORK, TASK, {"seeds": 0}, "at least one network"),
    "same seed": (NETWORK, TASK, {"seeds": [1, 2, 1]}, "all different"),
    "negative seed": (NETWORK, TASK, {"seeds": [-1]}, "whole numbers from 0"),
    "no batch": (NETWORK, TASK, {"batch_size": 0}, "positive batch_size"),
    "negative l2": (NETWORK, TASK, {"l2": -1.0}, r"\(l2\) needs a number >= 0.*got -1.0"),
    "l2 of too few layers": (NETWORK, TASK, {"l2": [0.1]}, r"one for each of the 2 layers, got \[0.1\]"),
    "negative orthonormality": (NETWORK, TASK, {"orthonormality": -1}, r"\(orthonormality\) needs a number >= 0"),
    "fraction": (NETWORK, TASK, {"train_fraction": 1.2}, r"fraction in \(0, 1\]"),
    "an optimizer's name": (NETWORK, TASK, {"optimizer": "adam"}, r"Adam\(\.\.\.\) or SGD\(\.\.\.\), got 'adam'"),
    "an optimizer's class": (NETWORK, TASK, {"optimizer": SGD}, r"Adam\(\.\.\.\) or SGD\(\.\.\.\), got <class"),
    "widths, no network": ([3, 4, 2], TASK, {}, r"a network such as MLP.*got an object of the type list"),
    "arrays, no task": (NETWORK, X, {}, "needs a task such as.*got an object of the type ndarray"),
    "half an epoch": (NETWORK, TASK, {"epochs": 3.5}, "whole number of epochs.*got 3.5"),
    "epochs as text": (NETWORK, TASK, {"epochs": "3"}, "whole number of epochs.*got '3'"),
    "part of a sample": (NETWORK, TASK, {"batch_size": 2000.9}, "batch_size, a whole number.*got 2000.9"),
    "batch as text": (NETWORK, TASK, {"batch_size": "8"}, "batch_size, a whole number.*got '8'"),
    "l2 as text": (NETWORK, TASK, {"l2": "small"}, "number >= 0, or one for each of the 2 layers, got 'small'"),
    "checkpoints below 0": (NETWORK, TASK, {"checkpoint_epochs": -1}, "1 or more, or their list, got -1"),
    "no checkpoints": (NETWORK, TASK, {"checkpoint_epochs": 0}, "1 or more, or their list, got 0"),
    "half a checkpoint": (NETWORK, TASK, {"checkpoint_epochs": 2.5}, "1 or more, or their list, got 2.5"),
    "between epochs": (NETWORK, TASK, {"checkpoint_epochs": [0.5]}, r"whole numbers that lie in 0\.\.2, got \[0.5\]"),
    "half a network": (NETWORK, TASK, {"seeds": 2.5}, "at least one network.*got 2.5"),
    "half a seed": (NETWORK, TASK, {"seeds": [0, 0.5]}, "at least one network.*whole numbers"),
    "seeds as text": (NETWORK, TASK, {"seeds": "12"}, "at least one network.*whole numbers"),
    "seed of 32 bits": (NETWORK, TASK, {"seeds": [2**31]}, r"from 0 to 2\*\*31 - 1"),
    "fraction as text": (NETWORK, TASK, {"train_fraction": "most"}, r"fraction in \(0, 1\].*got 'most'"),
    "split": (NETWORK, TASK, {"split": "random"}, "kinds 'stratified', 'legacy' and 'own'"),
}


@pytest.mark.parametrize("case", list(BAD))
def test_bad_settings(case, tmp_path):
    network, task, settings, message = BAD[case]
    with pytest.raises(InputError, match=message) as caught:
        train_ensemble(network, task, **{"seeds": 2, "epochs": 2, "path": tmp_path / "run", **settings})
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MLP([3]), "at least an input and an output width"),
        (lambda: MLP([3, 0, 2]), "all positive"),
        (lambda: MLP([3, 2], "tanhh"), "did you mean 'tanh'"),
        (lambda: MLP([3, 2], output="softmaxx"), "did you mean 'softmax'"),
        (lambda: MLP([3, 2], init="fanin"), "did you mean 'fan_in'"),
        (lambda: Adam(0.0), "Adam.*positive number"),
        (lambda: Adam(float("nan")), "Adam.*positive number"),
        (lambda: MLP([3.7, 2]), r"widths that are whole numbers.*got \[3.7, 2\]"),
        (lambda: MLP([3, "2"]), "widths that are whole numbers"),
        (lambda: MLP(3), "widths that are whole numbers"),
        (lambda: Adam("a"), "Adam.*positive number, got 'a'"),
        (lambda: SGD(learning_rate=True), "SGD.*positive number, got True"),
        (lambda: SGD(0.1, momentum="much"), r"momentum.*\[0, 1\), got 'much'"),
        (lambda: SGD(0.1, momentum=1.0), r"momentum.*\[0, 1\)"),
    ],
)
def test_bad_parts(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_diverging_loss_names_the_seed_and_keeps_no_bad_snapshot(tmp_path):
    task = Task(X, (100 * X[:, :1] ** 3).astype(np.float32), "steep")
    network = MLP([3, 4, 1], "relu", output="linear")
    with pytest.raises(InputError, match=r"loss of seed 0, 1 is no longer finite at epoch \d+.*lower learning rate"):
        train_ensemble(network, task, seeds=2, epochs=60, batch_size=8, optimizer=SGD(5.0), path=tmp_path / "run")
    assert "nan" not in (tmp_path / "run" / "index.jsonl").read_text()
    assert len(list((tmp_path / "run" / "snapshots").iterdir())) == len(
        (tmp_path / "run" / "index.jsonl").read_text().splitlines()
    )


def test_folder_that_holds_something_else(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not a recording; choose a new folder"):
        train_ensemble(NETWORK, TASK, seeds=1, epochs=1, path=tmp_path)
    assert [f.name for f in tmp_path.iterdir()] == ["notes.txt"]


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="exists and is not a recording"):
        train_ensemble(NETWORK, TASK, seeds=1, epochs=1, path=tmp_path / "file")
    with pytest.raises(InputError, match="cannot be written"):
        train_ensemble(NETWORK, TASK, seeds=1, epochs=1, path=tmp_path / "file" / "run")
    assert (tmp_path / "file").read_text() == ""


def test_numbers_of_numpy_are_whole_numbers_too(tmp_path):
    whole = {"seeds": np.int64(2), "epochs": np.int32(2), "batch_size": np.int64(8), "checkpoint_epochs": np.int16(2)}
    network = MLP(np.array([3, 4, 2]))
    recording = train_ensemble(network, TASK, **whole, path=tmp_path / "run")
    assert recording.epochs.tolist() == [0, 1, 2]
    assert recording.provenance["epochs_trained"] == 2
    again = train_ensemble(NETWORK, TASK, seeds=[0, 1], epochs=2, batch_size=8, checkpoint_epochs=2)
    np.testing.assert_array_equal(recording.parameters, again.parameters)
