"""The experiment quantised: claims told from planes made by hand, and a run of seconds that is interrupted."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr

from infoplane.experiments import base, quantised, quantised_claims
from infoplane.experiments.quantised import Quantised
from infoplane.plane.summary import add_summary

TIME = np.linspace(0, 1, 30)
RISE = 8 + 2 * TIME  # bits
FALL = np.where(TIME < 0.3, 8 + 4 * TIME, 9.2 - 3 * (TIME - 0.3))
NETWORKS = 12


def plane(*paths: np.ndarray, gain: float = 0.5, accuracy: float = 0.9, violations: int = 0) -> xr.Dataset:
    """Networks whose I(X;T), in bits, follows the paths of the hidden layers; whose units each have half of it."""
    random = np.random.default_rng(3)
    cells = ("seed", "epoch", "layer")
    level = np.stack([*paths, RISE / 4], axis=-1)[None] + 0.005 * random.normal(
        size=(NETWORKS, len(TIME), len(paths) + 1)
    )
    mi_target = gain * TIME[None, :, None] * np.ones(level.shape)
    variables = {
        "mi_input": (cells, level * math.log(2), {"quantity": "H(T)", "direction": "exact"}),
        "mi_target": (cells, mi_target),
        "mi_input_neurons": (cells, 0.5 * level * math.log(2)),
        "mi_target_neurons": (cells, 0.5 * mi_target),
        "violations_input": (cells[:2], np.full((NETWORKS, len(TIME)), violations)),
        "violations_target": (cells[:2], np.zeros((NETWORKS, len(TIME)), int)),
        "accuracy_test": (cells[:2], accuracy + 0.004 * random.normal(size=level.shape[:2])),
    }
    layers = [*(f"hidden {i + 1}" for i in range(len(paths))), "output"]
    return add_summary(xr.Dataset(variables, {"seed": np.arange(NETWORKS), "epoch": np.arange(30), "layer": layers}))


def claims(**changed: xr.Dataset) -> dict[str, str]:
    """Verdicts by text, where tanh compresses in its second layer only, ReLU nowhere, and binning violates."""
    made = {}
    for activation, paths in {"tanh": (RISE, FALL), "relu": (RISE, RISE)}.items():
        made |= {f"{activation}-{bits}-bit": plane(*paths) for bits in (4, 8)}
        made |= {f"{activation}-{bins}-bins": plane(*paths, violations=1) for bins in (16, 30, 256)}
    found = quantised_claims.quantised_claims(made | {k.replace("_", "-"): v for k, v in changed.items()}, "a paper")
    assert len({claim.text for claim in found}) == len(found)
    return {claim.text: claim.verdict for claim in found}


def changed_by(**changed: xr.Dataset) -> dict[str, str]:
    """The verdicts that differ from those of the planes as they were made."""
    return {text: verdict for text, verdict in claims(**changed).items() if verdict != AS_MADE[text]}


AS_MADE = claims()


def test_verdicts_say_what_was_put_into_the_planes():
    wrong = {text for text, verdict in AS_MADE.items() if verdict != "holds"}
    assert wrong == {"relu, 8 bits (exact): the narrow hidden 2 falls by more than the wide hidden 1."}


def test_a_layer_that_compresses_is_told_wherever_it_matters():
    found = changed_by(relu_8_bit=plane(RISE, FALL))
    assert found == {
        "relu, 8 bits (exact): no hidden layer compresses.": "fails",
        "relu, 8 bits (exact): the narrow hidden 2 falls by more than the wide hidden 1.": "holds",
        "relu: networks of 4 and of 8 bits agree on which hidden layers compress.": "fails",
        "relu: 8 bits, exact, and float networks at 256 bins agree on which hidden layers compress.": "fails",
        "relu: 8 bits, exact, and float networks at 30 bins agree on which hidden layers compress.": "fails",
    }


def test_a_binned_plane_that_misses_it_is_told():
    found = changed_by(tanh_16_bins=plane(RISE, RISE, violations=1))
    text = "tanh: 4 bits, exact, and float networks at 16 bins agree on which hidden layers compress."
    assert found == {text: "fails"}


def test_units_apart_from_their_layer():
    odd = plane(RISE, FALL)
    odd["mi_input_neurons"] = 0.5 * plane(RISE, RISE).mi_input
    text = "tanh, 4 bits (exact): layers and, in the mean, their single units agree on which hidden layers compress."
    assert changed_by(tanh_4_bit=odd) == {text: "fails"}


def test_fitting_violations_and_accuracy():
    text = "tanh: hidden 2 gains information on the label at 4 and at 8 bits (exact)."
    assert changed_by(tanh_4_bit=plane(RISE, FALL, gain=-0.1)) == {text: "fails"}
    found = changed_by(tanh_4_bit=plane(RISE, FALL, violations=1))
    text = "In a quantised network no layer knows more of the input, or of the label, than the one before (exact)."
    assert found == {text: "fails"}
    found = changed_by(relu_30_bins=plane(RISE, RISE))
    assert list(found.values()) == ["fails"]
    assert "at every number of bins" in next(iter(found))
    assert changed_by(tanh_4_bit=plane(RISE, FALL, accuracy=0.892)) == {}
    found = changed_by(tanh_4_bit=plane(RISE, FALL, accuracy=0.885))
    assert found == {"4 bits cost less than one percentage point of test accuracy, with both activations.": "fails"}


def test_numbers_name_counts_and_pairs():
    made = plane(RISE, FALL, violations=2)
    assert quantised_claims.violations(made) == (2 * NETWORKS * 30, 0, NETWORKS * 30 * 2)
    units = quantised_claims.neurons_as_plane(made)
    np.testing.assert_allclose(units.compression, made.compression / 2, atol=1e-12)


@pytest.mark.slow
def test_an_interrupted_run_ends_like_an_undisturbed_one(tmp_path, monkeypatch):
    """The real experiment on small ReLU networks, stopped while it trains and while it counts units."""
    for module in (quantised, quantised_claims):
        monkeypatch.setattr(module, "ACTIVATIONS", ("relu",))
    monkeypatch.setattr(quantised, "_WIDTHS", (12, 5, 3, 2))
    monkeypatch.setattr(quantised, "sizes", lambda run, full, quick: 6)
    monkeypatch.setattr(Quantised, "draw", lambda self, datasets: {})  # drawn at its size by the quick run

    class Stop(Exception):
        pass

    def stop_at(stage: str):
        def progress(what: str, done: int, total: int) -> None:
            if what.startswith(stage) and done:
                raise Stop

        return progress

    for stage in ("relu-4-bit: training", "counting single units"):
        with pytest.raises(Stop):
            Quantised().run(quick=True, seeds=2, out=tmp_path / "run", progress=stop_at(stage))
        assert not list((tmp_path / "run").rglob("*partial*"))
    resumed = Quantised().run(quick=True, seeds=2, out=tmp_path / "run")
    whole = Quantised().run(quick=True, seeds=2)
    assert list(whole.datasets) == [f"relu-{kind}" for kind in ("16-bins", "30-bins", "256-bins", "4-bit", "8-bit")]
    for name, dataset in whole.datasets.items():
        for variable in dataset:
            np.testing.assert_array_equal(resumed.datasets[name][variable], dataset[variable], err_msg=str(variable))
    exact = whole.datasets["relu-8-bit"]
    assert exact.mi_input.attrs["direction"] == "exact"
    assert bool((exact.mi_input_neurons <= exact.mi_input + 1e-12).all())
    assert quantised_claims.violations(exact)[:2] == (0, 0)
    assert len(base.planes(whole.datasets)) == 5
