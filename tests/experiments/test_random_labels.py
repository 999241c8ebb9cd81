"""The experiment on random labels: how labels are replaced, and claims that follow made-up numbers both ways."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from infoplane.experiments import random_labels_claims as told
from infoplane.experiments.base import Run
from infoplane.experiments.random_labels import NETS, SHARES, piece, replaced
from infoplane.infinite import Dense, Ensemble, losses, repeated
from infoplane.progress import silent
from infoplane.results import load, save

_TIMES = [1e-6, 1e-2, 1.0, 1e6]
_LEAST = 5.0 * np.log(2.0 * np.pi)  # training loss of ten outputs that are right for certain


def _shares(**late: list[float]) -> dict[float, xr.Dataset]:
    """Three repetitions with the given late values at each share, a part of them before; others sensible."""
    values = {
        "generalisation_gap_redrawn": [0.5, 0.6, 0.7, 1.0], "loss_gibbs": [9.5, 9.6, 9.7, 10.0],
        "mi_input": [2.3, 2.4, 2.4, 2.3], "mi_input_lower": [2.2, 2.3, 2.2, 2.0], "mi_target": [1.3, 0.9, 0.5, 0.01],
        "mi_output_data": [9.6, 9.5, 9.4, 9.3], "parameter_distance": [1e3, 2e3, 3e3, 4e3], "action": [1e3] * 4,
        "fisher_energy": [4e5, 3e5, 2e5, 1e5], "accuracy": [0.9, 0.8, 0.6, 0.1],
        "mi_parameters_data": [1e8, 1.00001e8, 1.00002e8, 1.00003e8], "fisher_trace": [5.0] * 4,
        "effective_dimension": [6.0] * 4, "modes_learned": [7.0] * 4, "mi_parameters_data_volume": [8.0] * 4,
    } | late  # fmt: skip
    spread = 1.0 + 1e-7 * np.arange(3)[:, None]
    found = {}
    for k, share in enumerate(SHARES):
        one = {
            name: (("seed", "time"), spread * row[k] * np.array([0.25, 0.5, 0.75, 1.0])) for name, row in values.items()
        }
        one["loss_gibbs_train"] = (("seed", "time"), _LEAST + spread * np.array([6.0, 2.0, 0.15 + 0.1 * k, 1e-6]))
        one["parameter_distance"][1][:, 0] = 1e-6 * (4 - k)
        found[share] = xr.Dataset(one, {"time": _TIMES, "seed": range(3)}, {"outputs": 10, "n_train": 1000})
    return found


def _verdict(claims: list, start: str) -> str:
    return next(claim.verdict for claim in claims if claim.text.startswith(start))


def test_labels_are_replaced_in_nested_places_and_alike_often() -> None:
    labels = np.repeat(np.arange(10), 400)
    changed = {share: replaced(labels, share, 3) != labels for share in SHARES}
    assert not changed[0.0].any()
    assert not (changed[0.25] & ~changed[0.5]).any()
    assert not (changed[0.5] & ~changed[1.0]).any()
    for share in SHARES[1:]:  # nine in ten of those drawn anew differ, to five errors
        expected = 0.9 * share
        assert abs(changed[share].mean() - expected) < 5 * np.sqrt(0.09 * share / 4000)
    np.testing.assert_array_equal(replaced(labels, 0.5, 3), replaced(labels, 0.5, 3))
    assert (replaced(labels, 0.5, 4) != replaced(labels, 0.5, 3)).any()


def test_claims_hold_on_what_theory_expects() -> None:
    claims = told.claims({"erf": _shares(), "relu": _shares()})
    verdicts = {claim.text[:60]: claim.verdict for claim in claims}
    rank = "I(X;Z|D), by its upper bound, ranks"
    assert _verdict(claims, rank) == "fails"
    assert {verdict for text, verdict in verdicts.items() if not text.startswith(rank)} == {"holds"}


@pytest.mark.parametrize(
    ("name", "values", "claim"),
    [
        ("fisher_trace", [5.0, 5.0, 5.0, 5.1], told._kernels_see_nothing),
        ("action", [1e3, 1e3, 1e3, 1.2e3], told._same_action),
        ("mi_target", [1.0] * 4, told._keeps_input),
        ("mi_parameters_data", [1e8, 2e8, 3e8, 4e8], told._parameters_bound),
        ("mi_input", [8.0] * 4, told._input_bound),
        ("parameter_distance", [4e3, 3e3, 2e3, 1e3], lambda n: told._ordered(n, "parameter_distance", 1, "")),
        ("parameter_distance", [4e3, 3e3, 2e3, 1e3], lambda n: told._ranks(n, "parameter_distance", 1)),
        ("fisher_energy", [1e5, 2e5, 3e5, 4e5], lambda n: told._ordered(n, "fisher_energy", -1, "")),
    ],
)
def test_claims_fail_on_the_contrary(name: str, values: list[float], claim: Callable) -> None:
    assert claim({"erf": _shares(**{name: values}), "relu": _shares()}).verdict == "fails"


def test_what_is_not_learned_and_what_is_not_slower() -> None:
    shares = _shares()
    for one in shares.values():
        one["loss_gibbs_train"] = one["loss_gibbs_train"] * 0.0 + _LEAST + 1.0
    assert told._all_learn({"erf": shares}).verdict == "fails"
    assert told._slower({"erf": shares}).verdict == "fails"


def test_ranks_within_repetitions_and_pooled() -> None:
    shares = _shares(mi_target=[1.0, 0.9, 0.5, 0.6])  # one exchange of four: Spearman -0.8
    found = told.ranks_of(shares)["correlation"].sel(along=told.LATE)
    np.testing.assert_allclose(found.sel(quantity="mi_target"), -0.8)
    np.testing.assert_allclose(found.sel(quantity="parameter_distance"), 1.0)
    np.testing.assert_array_equal(found.sel(quantity="fisher_trace"), 0.0)
    pooled = told.pooled_rank(shares, "parameter_distance")
    assert pooled.value == pytest.approx(1.0)
    assert pooled.lower <= pooled.value <= pooled.upper


@pytest.mark.parametrize("share", SHARES)
def test_the_gap_is_that_of_labels_drawn_as_the_training_labels_were(share: float) -> None:
    """Against the mean over all labels that a draw can give; equal to rounding."""
    random, times = np.random.default_rng(1), np.array([0.0, 1e-2, 1.0, 1e4])
    x, labels, x_test = random.standard_normal((40, 5)), np.arange(40) % 10, random.standard_normal((20, 5))
    true = random.integers(0, 10, 20)
    net = Dense(1, "erf", 1.5, 0.1)
    found = piece(net, (x, labels), (x_test, true), times, share, 3)
    moments = [Ensemble(net, x, labels).predict(x_test, time) for time in times]
    mean, variance = np.array([m for m, _ in moments]), np.array([c.diagonal() for _, c in moments])
    codes = np.eye(10) - 0.1
    of_draws = np.mean([losses.gibbs(mean, variance, np.tile(code, (20, 1))) for code in codes], axis=0).mean(axis=1)
    of_truth = losses.gibbs(mean, variance, codes[true]).mean(axis=1)
    expected = (1.0 - share) * of_truth + share * of_draws
    np.testing.assert_allclose(found["loss_gibbs_redrawn"], expected, rtol=1e-10)
    np.testing.assert_allclose(
        found["generalisation_gap_redrawn"], expected - found["loss_gibbs_train"].to_numpy(), rtol=0, atol=1e-9
    )


def test_a_piece_is_kept_and_found_again(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    parts = [(random.standard_normal((20, 5)), np.arange(20) % 10) for _ in range(2)]
    measure = functools.partial(piece, NETS["erf"], *parts, np.array([1.0, 1e4]), 0.5, 0)
    whole = repeated({seed: Run(True, 1, tmp_path, silent).table(f"pieces/{seed}", measure) for seed in range(2)})
    found = repeated({k: Run(True, 1, tmp_path, silent).table(f"pieces/{k}", pytest.fail) for k in range(2)})
    xr.testing.assert_identical(found, whole)
    save(whole, tmp_path / "whole.nc")
    xr.testing.assert_identical(load(tmp_path / "whole.nc"), whole)
    assert json.loads(whole.attrs["notes"])
    assert whole["generalisation_gap_redrawn"].attrs["unit"] == "nats"


def test_a_lower_bound_is_compared_with_an_upper_one() -> None:
    """Lower bounds alone would hold, 0.55 of each other; the upper one of true labels is too high."""
    bounds = {"mi_input": [4.0] * 4, "mi_input_lower": [2.0, 1.8, 1.5, 1.1]}
    assert told._keeps_input({"erf": _shares(**bounds)}).verdict == "fails"


def test_kernels_cannot_tell_labels_and_the_action_is_that_of_their_length() -> None:
    """The derivation itself, on a small ensemble of one-hot targets."""
    random = np.random.default_rng(0)
    x, labels = random.standard_normal((40, 5)), np.arange(40) % 4
    test = random.standard_normal((30, 5)), np.arange(30) % 4
    true, other = (
        Ensemble(Dense(1, "erf"), x, y).information(*test, [1e-3, 1.0, 1e8], seed=0)
        for y in (labels, random.permutation(labels))
    )
    for name in told.OF_KERNELS:
        np.testing.assert_array_equal(true[name], other[name])
    np.testing.assert_allclose(true["action"][-1], other["action"][-1], rtol=1e-9)
    assert not np.allclose(true["parameter_distance"][-1], other["parameter_distance"][-1], rtol=1e-3)
