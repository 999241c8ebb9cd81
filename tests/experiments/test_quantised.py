"""The experiment quantised: claims told from planes made by hand, and a run of seconds that is interrupted."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import xarray as xr

from infoplane.data import twelve_bit
from infoplane.experiments import base, quantised, quantised_claims
from infoplane.experiments.quantised import Quantised
from infoplane.networks import MLP, train_ensemble
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
    made["relu-256-levels-following"] = plane(RISE, RISE)
    found = quantised_claims.quantised_claims(made | {k.replace("_", "-"): v for k, v in changed.items()}, "a paper")
    assert len({claim.text for claim in found}) == len(found)
    return {claim.text: claim.verdict for claim in found}


def changed_by(**changed: xr.Dataset) -> dict[str, str]:
    """The verdicts that differ from those of the planes as they were made."""
    return {text: verdict for text, verdict in claims(**changed).items() if verdict != AS_MADE[text]}


AS_MADE = claims()
AGREE = "agree on which hidden layers compress."
FOLLOWS = f"relu: 8 bits, exact, and float networks at 256 levels on a range that follows {AGREE}"
NARROW = "relu, 8 bits (exact): the narrow hidden 2 falls by more than the wide hidden 1."
LATE = "relu, {} bits (exact): hidden 2 still gains label information after its I(X;T) has peaked."
RANGE = (
    "relu: on a range that follows the largest activation, as the quantiser's does, hidden 2 of the float networks "
    "falls by at least 0.1 bits more than on a fixed range."
)


def test_verdicts_say_what_was_put_into_the_planes():
    wrong = {text for text, verdict in AS_MADE.items() if verdict != "holds"}
    assert wrong == {NARROW, RANGE, LATE.format(4), LATE.format(8)}
    assert {AS_MADE[NARROW], AS_MADE[RANGE]} == {"fails"}
    assert {AS_MADE[LATE.format(bits)] for bits in (4, 8)} == {"unclear"}  # ReLU has its peak at the end


def test_a_range_that_makes_a_fall_is_told():
    assert changed_by(relu_256_levels_following=plane(RISE, FALL)) == {RANGE: "holds", FOLLOWS: "fails"}


def test_a_layer_that_compresses_is_told_wherever_it_matters():
    found = changed_by(relu_8_bit=plane(RISE, FALL))
    assert found == {
        "relu, 8 bits (exact): no hidden layer compresses.": "fails",
        NARROW: "holds",
        LATE.format(8): "holds",
        "relu: networks of 4 and of 8 bits agree on which hidden layers compress.": "fails",
        "relu: 8 bits, exact, and float networks at 256 bins agree on which hidden layers compress.": "fails",
        "relu: 8 bits, exact, and float networks at 30 bins agree on which hidden layers compress.": "fails",
        FOLLOWS: "fails",
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
    late = "tanh, 4 bits (exact): hidden 2 still gains label information after its I(X;T) has peaked."
    assert changed_by(tanh_4_bit=plane(RISE, FALL, gain=-0.1)) == {text: "fails", late: "fails"}
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
    monkeypatch.setattr(quantised, "_QUICK_WIDTHS", (12, 5, 3, 2))
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
    kinds = ("16-bins", "30-bins", "256-bins", "4-bit", "8-bit", "256-levels-following")
    assert list(whole.datasets) == [f"relu-{kind}" for kind in kinds]
    for name, dataset in whole.datasets.items():
        for variable in dataset:
            np.testing.assert_array_equal(resumed.datasets[name][variable], dataset[variable], err_msg=str(variable))
    exact = whole.datasets["relu-8-bit"]
    assert exact.mi_input.attrs["direction"] == "exact"
    assert bool((exact.mi_input_neurons <= exact.mi_input + 1e-12).all())
    assert quantised_claims.violations(exact)[:2] == (0, 0)
    assert len(base.planes(whole.datasets)) == 6


@pytest.mark.slow
def test_a_range_that_follows_ends_at_the_largest_activation():
    """Codes of the float networks at each checkpoint: 255 occurs in every layer that is not dead, at every one."""
    network = MLP([12, 4, 2], "relu")
    recording = train_ensemble(network, twelve_bit(), seeds=2, epochs=3, batch_size=512, checkpoint_epochs=[0, 3])
    found = quantised._on_following_ranges(recording, base.Run(True, 2, None, lambda *_: None))
    for seed, epoch in itertools.product(recording.seeds, recording.epochs):
        hidden, out = (recording.activations(seed, epoch, layer) for layer in recording.layers)
        codes = [np.rint(hidden / hidden.max() * 255), np.rint(out * 255)]
        for layer, code in zip(recording.layers, codes, strict=True):
            _, counts = np.unique(code, axis=0, return_counts=True)
            entropy = -(counts / 4096 * np.log(counts / 4096)).sum()
            assert float(found.mi_input.sel(seed=seed, epoch=epoch, layer=layer)) == pytest.approx(entropy, abs=1e-9)
    assert found.mi_input.attrs["direction"] == "exact"
