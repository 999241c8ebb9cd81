"""The experiment deep-linear: measured equals closed form on a tiny run, and claims from planes made for them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from infoplane.experiments import deep_linear, linear_claims
from infoplane.experiments.agreement import information_limits
from infoplane.experiments.deep_linear import CHANNEL, NETWORK, PARTS
from infoplane.experiments.linear_claims import QUANTITIES
from infoplane.networks import SGD, train_ensemble
from infoplane.plane import linear_plane
from infoplane.plane.summary import add_summary

LAYERS = ["hidden 1", "hidden 2", "output"]


@pytest.fixture(scope="module")
def tiny() -> tuple[xr.Dataset, xr.Dataset]:
    """The exact and the measured plane of two networks at three checkpoints."""
    law = deep_linear.teacher()
    settings = {"batch_size": None, "optimizer": SGD(0.1), "train_fraction": 0.02, "checkpoint_epochs": [0, 40, 120]}
    recording = train_ensemble(NETWORK, deep_linear.pool(law), seeds=2, epochs=120, **settings)
    exact = linear_plane(recording, law, CHANNEL, parts=PARTS)
    pieces = [deep_linear.measured(recording, law, int(seed), n=1_000) for seed in recording.seeds]
    return exact, deep_linear._plane(pieces, exact)


def test_the_teacher_reads_relevant_inputs_alone() -> None:
    law = deep_linear.teacher()
    assert law.inputs(PARTS["relevant"]).mutual_information == pytest.approx(
        law.inputs(range(law.dim_x)).mutual_information, abs=1e-9
    )
    assert law.inputs(PARTS["irrelevant"]).mutual_information == pytest.approx(0.0, abs=1e-12)
    assert law.mutual_information == pytest.approx(0.5 * np.log(6.0), abs=1e-12)  # signal-to-noise ratio 5


def test_a_tiny_run_measures_the_closed_form(tiny) -> None:
    exact, measured = tiny
    assert float((exact.mi_input.max("epoch") - exact.mi_input.min("epoch")).min()) > 0.05  # there is something to see
    z = [(measured[q] - exact[q]) / measured[f"{q}_stderr"] for q in QUANTITIES]
    every = np.concatenate([values.to_numpy().ravel() for values in z])
    low, high = information_limits(every.size, 1)
    assert low <= every.min() <= every.max() <= high
    # 72 squares of normal z have a mean of error sqrt(2 / 72); as each twelve share samples, at most sqrt(12) as much.
    assert abs((every**2).mean() - 1) < 4 * np.sqrt(12 * 2 / 72)
    pairs = {"one": (exact, measured)}
    assert linear_claims.agreement(pairs)[0].verdict == "holds"
    wrong = measured.assign(mi_target=measured.mi_target + 5 * measured.mi_target_stderr)
    assert linear_claims.agreement({"one": (exact, wrong)})[0].verdict == "fails"


@pytest.mark.parametrize(("error", "verdict"), [(1.0, "holds"), (0.8, "fails"), (1.3, "fails"), (1.1, "unclear")])
def test_standard_errors_are_judged_by_the_spread_of_errors(error: float, verdict: str) -> None:
    """Of 12 networks, 40 checkpoints, 3 layers and 4 quantities: the mean square is known to sqrt(2 / 5760) = 2 %."""
    exact = plane(**{name: [1.0] * 40 for name in QUANTITIES})
    random, found = np.random.default_rng(0), {}
    for name in QUANTITIES:
        found[name] = exact[name] + 0.01 * error * random.standard_normal(exact[name].shape)
        found[f"{name}_stderr"] = xr.full_like(exact[name], 0.01)
    assert linear_claims.agreement({"one": (exact, xr.Dataset(found))})[1].verdict == verdict


def test_the_measured_plane_is_a_plane_beside_the_exact_one(tiny) -> None:
    exact, measured = tiny
    for name in QUANTITIES:
        assert measured[name].dims == exact[name].dims == ("seed", "epoch", "layer")
        assert measured[name].attrs["quantity"] == exact[name].attrs["quantity"]
        assert (measured[name].attrs["direction"], exact[name].attrs["direction"]) == ("estimate", "exact")
    assert measured.attrs["ceiling_mi_target"] == exact.attrs["ceiling_mi_target"]
    # Fresh samples everywhere: no two errors are alike.
    errors = (measured.mi_input - exact.mi_input).to_numpy().ravel()
    assert len(np.unique(errors.round(12))) == errors.size


def plane(**paths: list[float]) -> xr.Dataset:
    """Twelve networks, every layer on the same path in bits up to a little spread of the whole."""
    random, dims = np.random.default_rng(3), ("seed", "epoch", "layer")
    length = len(next(iter(paths.values())))
    coords = {"seed": np.arange(12), "epoch": np.arange(length), "layer": LAYERS}
    values = {}
    for name, path in paths.items():
        spread = 1 + 0.01 * random.standard_normal((12, 1, 1))
        bits = spread * np.array(path)[None, :, None] * np.ones((12, length, 3))
        values[name] = (dims, bits * np.log(2)) if name.startswith("mi_") else (dims[:2], bits[:, :, 0])
    return xr.Dataset(values, coords)


def test_overfitting_needs_one_setting_that_does_and_one_that_does_not() -> None:
    worse = plane(loss_population=[1, 0.5, 0.8], loss_train=[1, 0.3, 0.1])
    flat = plane(loss_population=[1, 0.5, 0.5], loss_train=[1, 0.5, 0.4])
    samples = {"few": 40, "many": 400}
    for few, many, verdict in ((worse, flat, "holds"), (flat, flat, "fails"), (worse, worse, "fails")):
        assert linear_claims.overfitting({"few": few, "many": many}, samples).verdict == verdict


def test_alike_needs_both_informations_to_stay() -> None:
    def made(mi_input: list[float], mi_target: list[float]) -> xr.Dataset:
        return add_summary(plane(mi_input=mi_input, mi_target=mi_target))

    rising, falling = [0.5, 1, 1.5, 2], [0.5, 2, 1.5, 1]
    for first, second, verdicts in (
        ((rising, rising), (rising, rising), ["holds", "holds"]),
        ((rising, falling), (rising, rising), ["holds", "fails"]),
        ((rising, rising), (falling, rising), ["fails", "holds"]),
    ):
        claims = linear_claims.alike({"a": made(*first), "b": made(*second)})
        assert [claim.verdict for claim in claims] == verdicts


def test_the_split_needs_one_part_to_fall_and_the_other_to_rise() -> None:
    rising, falling, loss = [0.1, 0.5, 1.0], [0.5, 0.4, 0.2], [1.0, 0.2, 0.3]

    def verdict(relevant: list[float], irrelevant: list[float], whole: list[float]) -> str:
        made = plane(mi_input=whole, mi_relevant=relevant, mi_irrelevant=irrelevant, loss_population=loss)
        return linear_claims.split("few", made, "a source").verdict

    assert verdict(rising, falling, rising) == "holds"
    assert verdict(rising, rising, rising) == "fails"
    assert verdict(falling, falling, rising) == "fails"
    assert verdict(rising, falling, falling) == "fails"
