"""Noisy networks: claims follow what was put into planes and proxies; the proxies see the network without its noise."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

import infoplane as ip
from infoplane.experiments import noisy_claims
from infoplane.experiments.noisy import without_noise
from infoplane.plane.summary import add_summary

SEEDS, EPOCHS, LAYERS = 8, 12, ["hidden 1", "hidden 5"]
CELLS = ("seed", "epoch", "layer")
TIME = np.linspace(0, 1, EPOCHS)


def plane(path: np.ndarray, width: float = 0.1, accuracy: float = 0.95) -> xr.Dataset:
    """Networks whose I(X;T) in hidden 5, in bits, follows a path up to a little noise; hidden 1 stands still."""
    random = np.random.default_rng(3)
    level = np.stack([np.full(EPOCHS, 8.0), path], axis=-1)[None] + 0.02 * random.normal(size=(SEEDS, EPOCHS, 2))
    values = level * math.log(2)
    half = 0.5 * width * math.log(2)
    dataset = xr.Dataset(
        {
            "mi_input": (CELLS, values),
            "mi_target": (CELLS, np.zeros_like(values)),
            "mi_input_bracket_lower": (CELLS, values - half),
            "mi_input_bracket_upper": (CELLS, values + half),
            "accuracy_test": (("seed", "epoch"), accuracy + 0.002 * random.normal(size=(SEEDS, EPOCHS))),
        },
        coords={"seed": np.arange(SEEDS), "epoch": np.arange(EPOCHS), "layer": LAYERS},
    )
    return add_summary(dataset)


def cosines(within: np.ndarray) -> xr.Dataset:
    values = np.broadcast_to(within[None, :, None], (SEEDS, EPOCHS, 2))
    return xr.Dataset(
        {"cosine_within": (CELLS, values), "spread_ratio": (CELLS, 1 - values)},
        coords={"seed": np.arange(SEEDS), "epoch": np.arange(EPOCHS), "layer": LAYERS},
    )


FALL, FLAT = 4 - 2 * TIME, np.full(EPOCHS, 4.0)


def verdicts_of(plain, orthonormal, dropout=FALL, dropout_bins=FLAT, within=0.5 + 0.4 * TIME, **settings):
    datasets = {
        "plain": plane(plain, **settings),
        "plain-binned": plane(plain),
        "plain-clustering": cosines(within),
        "orthonormal": plane(orthonormal),
        "dropout": plane(dropout),
        "dropout-binned": plane(dropout_bins),
    }
    return [claim.verdict for claim in noisy_claims.noisy_claims(datasets, "source")]


def test_compression_clustering_and_a_penalty_that_stops_it_are_seen():
    assert verdicts_of(FALL, FLAT) == ["holds"] * 8


def test_where_nothing_falls_the_claims_fail():
    found = verdicts_of(FLAT, FLAT, dropout=FLAT, within=0.5 + 0.4 * TIME)
    assert found[0] == "fails"
    assert found[1] == "fails"
    assert found[5] == "fails"
    assert found[7] == "fails"


def test_a_bracket_wider_than_the_fall_leaves_it_open():
    assert verdicts_of(FALL, FLAT, width=4.0)[:2] == ["holds", "fails"]


def test_a_penalty_that_costs_accuracy_hurts():
    assert verdicts_of(FALL, FLAT, accuracy=0.99)[5:7] == ["holds", "fails"]
    assert verdicts_of(FALL, FALL)[5] == "fails"


def test_proxies_see_the_network_without_its_noise():
    network = ip.networks.MLP([12, 3, 2], noise=ip.networks.AdditiveNoise(0.3))
    made = ip.networks.train_ensemble(network, ip.data.twelve_bit(), seeds=1, epochs=1, checkpoint_epochs=[1])
    quiet = without_noise(made)
    assert quiet.noise is None
    assert made.noise is not None
    np.testing.assert_allclose(
        quiet.activations(0, 1, "hidden 1"), made.propagate(0, 1, "hidden 1", 1)[:, 0], rtol=1e-5, atol=1e-6
    )
    assert "without the noise" in quiet.notes[0]
