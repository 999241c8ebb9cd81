"""The command ``infinite``: data in, quantities over time out; and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

import infoplane as ip
from infoplane.cli.infinite import parse_times


@pytest.fixture
def arrays(tmp_path):
    random = np.random.default_rng(0)
    x = random.standard_normal((60, 4))
    np.savez(tmp_path / "data.npz", x=x, y=x[:, 0] + 0.1 * random.standard_normal(60))
    np.savez(tmp_path / "lacking.npz", x=x)
    return tmp_path


def test_it_writes_what_the_verb_gives(call, arrays):
    code, out, err = call("infinite", "data.npz", "--depth", "1", "--times", "0,1,inf", "--out", "net.nc")
    assert (code, err) == (0, "")
    found = ip.load(arrays / "net.nc")
    assert found.time.to_numpy().tolist() == [0.0, 1.0, np.inf]
    assert {"mi_input", "mi_target", "loss_gibbs", "mi_parameters_data"} <= set(found)
    assert (arrays / "net.png").read_bytes()[:4] == b"\x89PNG"
    assert "Plotly" in (arrays / "net.html").read_text()
    assert "data.npz: Dense(depth=1" in out
    with np.load(arrays / "data.npz") as data:
        order = np.random.default_rng(0).permutation(60)
        first, second = order[:30], order[30:]
        ensemble = ip.infinite.Ensemble(ip.infinite.Dense(1, "erf", 1.5, 0.1), data["x"][first], data["y"][first])
        expected = ensemble.information(data["x"][second], data["y"][second], [0.0, 1.0, np.inf])
    np.testing.assert_array_equal(found.mi_input, expected.mi_input)


def test_times():
    np.testing.assert_allclose(parse_times("1e-2:1e2:5"), [0.01, 0.1, 1, 10, 100])
    assert parse_times("0,1,inf") == [0.0, 1.0, np.inf]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("lacking.npz",), "needs the arrays"),
        (("mnits",), "did you mean 'mnist'"),
        (("nowhere.npz",), "cannot be read"),
        (("data.npz", "--times", "1:2"), "--times takes"),
        (("data.npz", "--times", "-1,2"), "0 or more"),
        (("data.npz", "--activation", "gelu"), "gelu"),
        (("data.npz", "--out", "net.csv"), "ending in .nc"),
    ],
)
def test_what_it_refuses_in_one_sentence(call, arrays, arguments, words):
    code, _, err = call("infinite", *arguments)
    assert code == 2
    assert words in err
    assert "Traceback" not in err
