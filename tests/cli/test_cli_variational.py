"""The command ``variational``: data in, trained models out; what goes on where it stopped; and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

import infoplane as ip

SMALL = ("--latent", "2", "--hidden", "8", "--epochs", "2")


@pytest.fixture
def arrays(tmp_path):
    random = np.random.default_rng(0)
    y = np.arange(120) % 3
    x = 2 * random.standard_normal((3, 4))[y] + random.standard_normal((120, 4))
    np.savez(tmp_path / "data.npz", x=x, y=y)
    np.savez(tmp_path / "parts.npz", x_train=x[:90], y_train=y[:90], x_test=x[90:], y_test=y[90:])
    np.savez(tmp_path / "text.npz", x=x, y=np.array(["a", "b", "c"])[y])
    np.savez(tmp_path / "one.npz", x=x, y=0 * y)
    np.savez(tmp_path / "apart.npz", x_train=x[:90], y_train=y[:80], x_test=x[90:], y_test=y[90:])
    return tmp_path


@pytest.mark.slow
def test_it_writes_what_the_verb_gives_and_reads_what_is_there(call, arrays):
    from infoplane.data import Task
    from infoplane.variational import CEB, Dense, DualVIB, fit

    arguments = ("parts.npz", "--objective", "dual", "--objective", "ceb", "--beta", "10,100", *SMALL, "--out", "run")
    code, out, _ = call("variational", *arguments)
    assert code == 0
    found = ip.load(arrays / "run" / "plane.nc")
    assert found.objective.values.tolist() == ["DualVIB", "CEB"]
    assert found.beta.values.tolist() == [10.0, 100.0]
    assert found.attrs["n_train"] == 90
    assert found.attrs["n_test"] == 30
    assert (arrays / "run" / "plane.png").read_bytes()[:4] == b"\x89PNG"
    assert "Plotly" in (arrays / "run" / "report.html").read_text()
    assert "parts.npz: DualVIB, CEB, test samples, nats" in out
    with np.load(arrays / "parts.npz") as data:
        x, y = (np.concatenate([data[f"{name}_{part}"] for part in ("train", "test")]) for name in "xy")
    objectives = [DualVIB(10.0), DualVIB(100.0), CEB(10.0), CEB(100.0)]
    task = Task(x, y, "t", train=np.arange(120) < 90)
    expected = fit(objectives, task, encoder=Dense((8,)), latent=2, epochs=2).dataset
    np.testing.assert_allclose(found.mi_input, expected.mi_input, rtol=1e-5)

    code, _, err = call("variational", *arguments, "--bits")  # finished: nothing is trained again
    assert (code, "training" in err) == (0, False)
    code, _, err = call("variational", *arguments, "--latent", "3")
    assert code == 2
    assert "trained otherwise" in err


def test_every_option_reaches_the_training(call, arrays, monkeypatch):
    import infoplane.variational as v

    class Reached(Exception):
        pass

    def seen(objectives, task, **settings):
        raise Reached(objectives, task, settings)

    monkeypatch.setattr(v, "fit", seen)
    with pytest.raises(Reached) as found:
        call("variational", "parts.npz", "--objective", "DualVIB(rate='marginal')", "--objective", "VIB(beta=7)",
             "--objective", "crossentropy", "--beta", "3,30", *SMALL, "--learning-rate", "0.01", "--train", "60",
             "--test", "20", "--seeds", "2", "--seed", "5", "--out", "there")  # fmt: skip
    objectives, task, settings = found.value.args
    dual = [v.DualVIB(beta, rate="marginal") for beta in (3.0, 30.0)]
    assert objectives == [*dual, v.VIB(7.0), v.CrossEntropy()]
    assert (task.train.sum(), (~task.train).sum()) == (60, 20)
    assert settings["optimizer"] == v.Optimizer(0.01)
    assert (settings["encoder"], settings["latent"], settings["epochs"]) == (v.Dense((8,)), 2, 2)
    assert list(settings["seed"]) == [5, 6]
    assert settings["path"].name == "there"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("data.npz", "--objective", "DualVIB(rate='both')"), "rate 'conditional' or 'marginal'"),
        (("data.npz", "--objective", "VIB(beta=3", "--beta", "3"), "cannot be read"),
        (("data.npz", "--objective", "VIB(beta=-5)", "--beta", "3"), "> 0 for beta"),
        (("data.npz", "--objective", "VIB(-3)", "--beta", "3"), "> 0 for beta"),
        (("data.npz", "--objective", "CEB(beta=0.5)", "--beta", "3"), ">= 1 for beta"),
        (("text.npz",), "whole numbers 0, 1"),
        (("one.npz",), "two classes or more"),
        (("apart.npz",), "an input for every label"),
        (("mnits",), "did you mean 'mnist'"),
        (("nowhere.npz",), "cannot be read"),
        (("data.npz", "--beta", "-1"), "> 0 for beta"),
        (("data.npz", "--beta", "a,b"), "--beta takes"),
        (("data.npz", "--beta", "3,3"), "numbers that differ"),
        (("data.npz", "--hidden", "8.5"), "--hidden takes whole numbers"),
        (("data.npz", "--objective", "ceb", "--beta", "0.5"), ">= 1 for beta"),
        (("data.npz", "--objective", "daul"), "did you mean 'DualVIB'"),
        (("data.npz", "--out", "data.npz"), "cannot be made"),
    ],
)
def test_what_it_refuses_in_one_sentence(call, arrays, arguments, words):
    code, _, err = call("variational", *arguments)
    assert code == 2
    assert words in " ".join(err.split())
    assert "Traceback" not in err
    assert not (arrays / "variational").exists()
