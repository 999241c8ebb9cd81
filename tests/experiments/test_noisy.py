"""The experiment noisy: claims follow what was put into planes and proxies, and brackets leave them open."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from infoplane.data import twelve_bit
from infoplane.experiments import noisy
from infoplane.experiments.noisy import Noisy
from infoplane.experiments.noisy_claims import Change, fall
from infoplane.networks import MLP, AdditiveNoise, WeightsRecording
from infoplane.plane.summary import add_summary
from infoplane.recordings.base import Probe
from infoplane.results import check

SEEDS, EPOCHS = 10, (0, 10, 30, 60, 120, 250, 500, 1000)
LAYERS = ["hidden 1", "hidden 2"]
CELLS = ("seed", "epoch", "layer")
COORDS = {"seed": np.arange(SEEDS), "epoch": list(EPOCHS), "layer": LAYERS}
RISE_AND_FALL = np.array([1.0, 2.0, 3.0, 4.0, 4.0, 3.5, 3.0, 2.0])  # bits
RISE = np.sort(RISE_AND_FALL)
STILL = np.full(8, 2.0)


def noise(size: float, *shape: int) -> np.ndarray:
    return size * np.random.default_rng(5).standard_normal(shape)


def plane(path: np.ndarray, width: float = 0.2, accuracy: float = 0.95) -> xr.Dataset:
    """Networks whose two layers follow a path in bits up to a little noise, in the middle of brackets of some width."""
    values = (path[None, :, None] + noise(0.01, SEEDS, 8, 2)) * math.log(2)
    half = 0.5 * width * math.log(2)
    attributes = {"quantity": "I(X;T) of the noisy network", "direction": "estimate"}
    variables = {
        "mi_input": (CELLS, values, attributes),
        "mi_target": (CELLS, 0.1 * values, {**attributes, "quantity": "I(T;Y)"}),
        "mi_input_bracket_lower": (CELLS, values - half),
        "mi_input_bracket_upper": (CELLS, values + half),
        "accuracy_test": (CELLS[:2], accuracy + noise(0.001, SEEDS, 8)),
    }
    attrs = {"ceiling_mi_input": math.log(4096), "ceiling_mi_target": math.log(2)}
    return check(add_summary(xr.Dataset(variables, COORDS, attrs)))


def proxies(within: np.ndarray, entropy: np.ndarray) -> xr.Dataset:
    """Cosines and entropies that follow paths, these in bits; bins always isolate the inputs of hidden 1."""
    bits = np.stack([np.full(8, 12.0), entropy], axis=-1)[None] + noise(1e-3, SEEDS, 8, 2)
    cosine = within[None, :, None] + noise(1e-3, SEEDS, 8, 2)
    said = {"quantity": "H(T at some bins)", "unit": "nats"}
    variables = {name: (CELLS, bits * math.log(2), said) for name in ("entropy_fine", "entropy_matched")}
    return xr.Dataset({"cosine_within": (CELLS, cosine), "spread_ratio": (CELLS, 1 - cosine), **variables}, COORDS)


def datasets(**replaced: xr.Dataset) -> dict[str, xr.Dataset]:
    """A run in which all statements are true but that on clustering over all of training."""
    gathered, loose = np.linspace(0.3, 0.9, 8), np.linspace(0.3, 0.5, 8)
    made = {
        "plain": plane(RISE_AND_FALL),
        "penalty": plane(RISE),
        "strong-penalty": plane(RISE),
        "more-noise": plane(RISE_AND_FALL),
        "dropout": plane(RISE_AND_FALL),
        "dropout-binned": plane(RISE),
        "plain-proxies": proxies(gathered, RISE_AND_FALL),
        "penalty-proxies": proxies(loose, RISE),
        "strong-penalty-proxies": proxies(loose, RISE),
        "more-noise-proxies": proxies(gathered, RISE_AND_FALL),
    }
    return made | replaced


def verdicts(**replaced: xr.Dataset) -> dict[str, str]:
    """Verdicts by a few words of the claim, those on the penalty of 0.001 only."""
    words = {
        "moves": "is finite and moves",
        "compresses": "from the checkpoint of its largest mean",
        "twice": "twice the noise",
        "clusters": "Compression goes with clustering",
        "always": "over all of training",
        "fine": "(noise off, 30 bins)",
        "matched": "(noise off, bins as wide as the noise)",
        "suppresses": "penalty of 0.001 suppresses",
        "harmless": "The penalty of 0.001 does not hurt",
        "looser": "With the penalty of 0.001",
        "dropout": "With Gaussian dropout (sigma 0.4) hidden 2",
        "unlike bins": "in which binning shows no",
    }
    claims = Noisy().claims(datasets(**replaced))
    found = {key: [c.verdict for c in claims if some in c.text] for key, some in words.items()}
    assert all(len(v) == 1 for v in found.values()), found
    return {key: v[0] for key, v in found.items()}


def test_what_is_put_in_is_found() -> None:
    assert verdicts() == {**dict.fromkeys(verdicts(), "holds"), "always": "fails"}


@pytest.mark.parametrize(
    ("replaced", "expected"),
    [
        ({"plain": plane(STILL)}, {"moves": "unclear", "compresses": "unclear", "clusters": "unclear"}),
        ({"plain": plane(STILL, width=0.0)}, {"moves": "fails", "compresses": "fails", "suppresses": "fails"}),
        ({"plain": plane(RISE_AND_FALL, width=5.0)}, {"moves": "unclear", "compresses": "unclear"}),
        ({"more-noise": plane(RISE, width=0.05)}, {"twice": "fails", "compresses": "holds"}),
        ({"plain-proxies": proxies(np.linspace(0.9, 0.3, 8), RISE[::-1])}, {"clusters": "fails", "fine": "fails"}),
        ({"plain-proxies": proxies(1 - RISE_AND_FALL / 8, RISE_AND_FALL)}, {"always": "holds", "clusters": "holds"}),
        ({"penalty": plane(RISE_AND_FALL)}, {"suppresses": "fails"}),
        ({"penalty": plane(RISE, accuracy=0.9)}, {"harmless": "fails", "suppresses": "holds"}),
        ({"penalty-proxies": proxies(np.linspace(0.3, 0.95, 8), RISE)}, {"looser": "fails"}),
        ({"dropout": plane(RISE, width=0.05)}, {"dropout": "fails", "unlike bins": "fails"}),
        ({"dropout-binned": plane(RISE_AND_FALL)}, {"dropout": "holds", "unlike bins": "fails"}),
    ],
)
def test_another_run_gives_other_verdicts(replaced, expected) -> None:
    assert verdicts(**replaced).items() >= expected.items()


def test_a_layer_whose_bins_isolate_the_inputs_does_not_count() -> None:
    (claim,) = [c for c in Noisy().claims(datasets()) if "30 bins)" in c.text and "tracks" in c.text]
    assert claim.numbers["layers counted"] == "hidden 2"


def test_a_fall_is_taken_between_the_far_ends_of_brackets() -> None:
    found = fall(plane(RISE_AND_FALL, width=0.6), "hidden 2")
    assert isinstance(found, Change)
    # Of ten differences of two numbers with deviation 0.01.
    reach = 4 * 0.01 * math.sqrt(2 / SEEDS)
    for mean, expected in zip(found, (2.0 - 0.6, 2.0, 2.0 + 0.6), strict=True):
        assert abs(mean.value - expected) < reach


def test_every_figure_is_drawn() -> None:
    made = datasets()
    for figure in Noisy().draw(made).values():
        assert isinstance(figure, Figure)
        figure.draw_without_rendering()


def test_proxies_see_the_same_weights_without_noise() -> None:
    network, task = MLP([12, 3, 2, 2], noise=AdditiveNoise(0.3)), twelve_bit()
    weights = np.random.default_rng(0).standard_normal((2, 2, network.n_parameters)).astype(np.float32)
    probe = Probe(task.y, task.x, enumerated=True)
    made = WeightsRecording(network, weights, np.arange(2), np.arange(2), probe, xr.Dataset(), {})
    silent = noisy._silenced(lambda: made)
    assert silent.noise is None
    assert "measured without it" in silent.notes[-1]
    layer = task.x
    for (matrix, bias), name in zip(made.weights(1, 1)[:2], ("hidden 1", "hidden 2"), strict=True):
        layer = np.tanh(layer @ matrix.T + bias)
        np.testing.assert_allclose(silent.activations(1, 1, name), layer, atol=1e-6)
    found = noisy._proxies(lambda: made, ("hidden 2",), (0, 1))
    assert found.entropy_matched.attrs["quantity"] == "H(T at 2 bins), noise off"  # 2 / (sqrt(12) 0.3) = 1.9
    assert 0 <= float(found.entropy_matched.max()) <= 2 * math.log(2) < float(found.entropy_fine.min())
    assert found.sizes == {"seed": 2, "epoch": 2, "layer": 1}
