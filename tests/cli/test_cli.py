"""The command line as a user meets it: what it prints, what it writes, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import numpy as np
import pytest

import infoplane as ip
from infoplane.cli.files import settings


@pytest.fixture
def samples(tmp_path):
    random = np.random.default_rng(3)
    x = random.normal(size=(400, 1))
    y = (x[:, 0] + 0.3 * random.normal(size=400) > 0).astype(int)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    np.savez(tmp_path / "both.npz", x=x, y=y)
    header = "a,label"
    rows = [f"{value:.6f},{'up' if label else 'down'}" for value, label in zip(x[:, 0], y, strict=True)]
    (tmp_path / "table.csv").write_text("\n".join([header, *rows]))
    return x, y


def test_estimate_as_json_equals_the_verb(call, samples):
    status, out, _ = call("estimate", "x.npy", "y.npy", "--estimator", "binned", "--set", "bins=8", "--json", "--bits")
    found = json.loads(out)
    expected = ip.mutual_information(*samples, ip.estimators.Binned(8)).to("bits")
    assert status == 0
    assert found["value"] == expected.value
    assert found["unit"] == "bits"
    assert found["details_unit"] == "nats"
    assert found["interval_95"] == list(expected.interval(0.95))
    assert found["p_value"] == 1 / 21  # 20 shuffles unless told otherwise


def test_estimate_reads_all_three_kinds_of_file_alike(call, samples):
    values = []
    for x, y in (("x.npy", "y.npy"), ("both.npz:x", "both.npz:y"), ("table.csv:a", "table.csv:label")):
        status, out, _ = call("estimate", x, y, "--estimator", "Binned", "--set", "range=(-3, 3)", "--json")
        assert status == 0
        values.append(json.loads(out)["value"])
    assert values[0] == values[1]
    assert values[2] == pytest.approx(values[0], abs=0.01)  # six decimals in the table move a few values over a wall


def test_estimate_prints_value_method_and_null(call, samples):
    status, out, _ = call("estimate", "x.npy", "y.npy", "--null", "19")
    assert status == 0
    for word in ("value", "nats", "95 % interval", "p = 0.05", "Mixture()", "Chosen"):
        assert word in out
    assert "warning" not in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("x.npy", "nothing.npy"), "There is no file nothing.npy"),
        (("x.npy", "y.npy", "--estimator", "Bined"), "did you mean 'Binned'?"),
        (("x.npy", "y.npy", "--estimator", "Binned", "--set", "bin=3"), "did you mean 'bins'?"),
        (("x.npy", "y.npy", "--set", "bins=3"), "--set needs --estimator"),
        (("x.npy", "y.npy", "--estimator", "Binned", "--set", "bins"), "--set takes NAME=VALUE"),
        (("both.npz", "y.npy"), "holds 2 arrays"),
        (("both.npz:z", "y.npy"), "has no array 'z'"),
        (("table.csv:b", "y.npy"), "has no column 'b'"),
        (("x.npy", "y.npy", "--estimator", "Plugin"), "Plugin counts discrete values"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_status_2(call, samples, arguments, sentence):
    status, out, err = call("estimate", *arguments)
    assert status == 2
    assert out == ""
    assert sentence in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "content"), [("x.npy", b"hello"), ("x.npz", b"PK not really"), ("x.csv", b"a\n1\n,\n\n\x00")]
)
def test_a_file_that_is_not_what_it_claims(call, samples, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    status, _, err = call("estimate", name, "y.npy")
    assert status == 2
    assert len(err.strip().splitlines()) == 1


def test_pickled_arrays_are_refused(call, samples, tmp_path):
    np.save(tmp_path / "objects.npy", np.array([1, "a", None], dtype=object), allow_pickle=True)
    status, _, err = call("estimate", "objects.npy", "y.npy")
    assert status == 2
    assert "never unpickled" in err


def test_plane_and_report_of_a_recording_on_disk(call, tmp_path):
    random = np.random.default_rng(0)
    y = np.arange(60) % 2
    layers = {"dense": random.normal(size=(3, 4, 60, 2)) + y[:, None]}
    ip.recordings.from_arrays(layers, y).save(tmp_path / "run")
    status, out, _ = call("plane", "run", "--set", "bins=5", "--null", "4", "--out", "plane.nc")
    assert status == 0
    assert "dense" in out
    dataset = ip.load(tmp_path / "plane.nc")
    expected = ip.information_plane(ip.recordings.open(tmp_path / "run"), ip.estimators.Binned(5), null=4)
    np.testing.assert_array_equal(dataset.mi_target, expected.mi_target)
    assert dataset.attrs["command"].startswith("infoplane plane run")
    assert (tmp_path / "plane.html").stat().st_size > 100_000
    status, _, _ = call("report", "plane.nc", "plane.nc", "--out", "two.html")
    assert status == 0
    assert (tmp_path / "two.html").exists()


def test_report_of_something_else_writes_nothing(call, tmp_path):
    (tmp_path / "other.nc").write_text("no")
    status, _, err = call("report", "other.nc")
    assert status == 2
    assert "not a result of infoplane" in err
    assert not (tmp_path / "report.html").exists()


def test_reproduce_refuses_an_unknown_name_and_a_folder_in_use(call, tmp_path):
    status, _, err = call("reproduce", "blackbox")
    assert status == 2
    assert "did you mean 'black-box'?" in err
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("do not lose")
    status, _, err = call("reproduce", "black-box", "--quick", "--out", "mine")
    assert status == 2
    assert "is not empty" in err
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_an_output_folder_that_cannot_be_made(call, tmp_path):
    (tmp_path / "file").write_text("")
    status, _, err = call("reproduce", "black-box", "--quick", "--out", "file/below")
    assert status == 2
    assert "cannot be used" in err


def test_list_names_everything(call):
    status, out, _ = call("list")
    assert status == 0
    for name in (*ip.experiments.names(), *ip.estimators.names()):
        assert name in out


def test_help_has_examples(call):
    for command in ("demo", "estimate", "plane", "reproduce", "report"):
        status, out, _ = call(command, "--help")
        assert status == 0
        assert f"infoplane {command}" in out


def test_python_dash_m():
    done = subprocess.run([sys.executable, "-m", "infoplane", "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "reproduce" in done.stdout


@pytest.mark.slow
def test_an_interrupt_ends_at_once_with_one_sentence(tmp_path):
    """Wherever it strikes, and most of the time is compiling: status 130, nothing half-written."""
    command = [sys.executable, "-m", "infoplane", "reproduce", "black-box", "--quick", "--out", "run"]
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stderr is not None
        told = next((line for line in process.stderr if "training" in line), "")  # the first line of progress
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(timeout=60) == 130
    assert told
    assert "Interrupted. An experiment with --out" in rest
    assert not list((tmp_path / "run").rglob("*.nc"))


def test_a_name_that_looks_like_markup_is_shown_as_it_is(call, tmp_path):
    status, _, err = call("report", "[/b].nc")
    assert status == 2
    assert err == "infoplane: There is no file [/b].nc.\n"
    y = np.arange(40) % 2
    layers = {
        "[/b] first": np.random.default_rng(0).normal(size=(1, 2, 40, 2)),
        "[red]": np.tile(y[:, None] + 0.0, (1, 2, 1, 1)),
    }
    ip.recordings.from_arrays(layers, y).save(tmp_path / "run")
    status, out, _ = call("plane", "run", "--null", "0")
    assert status == 0
    assert "[/b] first" in out
    assert "[red]" in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("run", "--out", "new/plane.txt"), "--out needs a file ending in .nc"),
        (("run", "--out", "folder.nc"), "--out needs a file ending in .nc"),
        (("run", "--out", "new/plane.nc", "--split", "trian"), "did you mean 'train'?"),
        (("run", "--out", "new/plane.nc", "--split", "test"), "does not say which samples were trained on"),
        (("absent", "--out", "new/plane.nc"), "absent is not a recording"),
        (("run", "--out", "y.npy/plane.nc"), "y.npy is not a folder"),
    ],
)
def test_a_plane_that_cannot_be_leaves_nothing_behind(call, samples, tmp_path, arguments, sentence):
    y = np.arange(40) % 2
    ip.recordings.from_arrays({"a": np.ones((1, 1, 40, 1)) * y[:, None]}, y).save(tmp_path / "run")
    (tmp_path / "folder.nc").mkdir()
    before = sorted(tmp_path.rglob("*"))
    status, out, err = call("plane", *arguments)
    assert status == 2
    assert out == ""
    assert sentence in err
    assert len(err.strip().splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("command", [("estimate", "x.npy", "y.npy"), ("plane", "run")])
def test_a_seed_is_not_negative(call, samples, command):
    status, out, err = call(*command, "--seed", "-1")
    assert status == 2
    assert out == ""
    assert "Invalid value for '--seed'" in err


def test_settings_as_typed_become_values():
    texts = ["a=true", "b=FALSE", "c=None", "d=none", "e=truely", "f=(-1, 1)", "g={[]: 1}", " h = false "]
    expected = {"a": True, "b": False, "c": None, "d": "none", "e": "truely", "f": (-1, 1), "g": "{[]: 1}", "h": False}
    assert settings(texts) == expected


def test_the_setting_none_reaches_an_estimator_as_the_word_it_is(call, samples):
    status, out, _ = call("estimate", "x.npy", "y.npy", "--estimator", "Binned", "--set", "correction=none", "--json")
    assert status == 0
    assert "correction='none'" in json.loads(out)["method"]


def test_report_takes_the_planes_of_a_run_and_leaves_its_tables(call, tmp_path):
    plane = ip.information_plane(
        ip.recordings.from_arrays({"t": np.arange(20.0)[:, None]}, np.arange(20) % 2), ip.estimators.Binned(4)
    )
    ip.save(plane, tmp_path / "plane.nc")
    ip.save(plane[["compression"]].assign_attrs(schema_version=1), tmp_path / "table.nc")
    assert call("report", "plane.nc", "table.nc")[0] == 0
    status, _, err = call("report", "table.nc", "--out", "none.html")
    assert status == 2
    assert "not an information plane" in err
