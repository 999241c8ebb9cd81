"""The experiment dual-prediction: laws and estimates, scores by hand, equal rates, verdicts from numbers."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import xarray as xr

import infoplane as ip
from infoplane.bottleneck import IB, DualIB, ExponentialFamily, Joint
from infoplane.experiments import dual_prediction, prediction_laws, prediction_scores
from infoplane.experiments.dual_prediction import DualPrediction
from infoplane.experiments.prediction_laws import KINDS, counted, estimates, smoothed
from infoplane.experiments.prediction_scores import Size, descent, score

TINY = Size((2, 100), (0.4,), 6, 8, 8)


def law_of(kind: str, m: int = 40) -> prediction_laws.Law:
    return KINDS[kind](np.random.default_rng(3), m)


@pytest.mark.parametrize("kind", KINDS)
def test_laws_are_laws(kind):
    law = law_of(kind)
    assert (law.rows > 0).all()
    np.testing.assert_allclose(law.rows.sum(axis=1), 1, rtol=1e-12)
    assert law.features is None or len(law.features) == len(law.rows)


def test_which_laws_are_of_a_family_of_their_features():
    """The fit with the law known leaves nothing where the features make a family of it, and much where they do not."""

    def left(kind: str) -> float:
        law = law_of(kind)
        known = estimates(law, law.rows, math.inf, 20)["features given"]
        return float(np.abs(known.held_out - law.rows[20:]).max())

    assert left("family") < 1e-4
    assert left("12-bit") < 1e-4
    assert left("mixture") > 1e-2


def test_counts_and_smoothing():
    law = law_of("family")
    counts = counted(law, 7, np.random.default_rng(0))
    assert (counts.sum(axis=1) == 7).all()
    np.testing.assert_allclose(smoothed(np.array([[3.0, 0.0]]), 3), [[3.5 / 4, 0.5 / 4]])
    assert counted(law, math.inf, np.random.default_rng(0)) is law.rows
    assert smoothed(law.rows, math.inf) is law.rows


def test_held_out_patterns_are_described_as_the_training_ones_are():
    law = law_of("unrelated")
    rows = smoothed(counted(law, 5, np.random.default_rng(1)), 5)
    family = ExponentialFamily.of(Joint.from_conditional(rows[:20]), 2)
    np.testing.assert_allclose(prediction_laws.features_in(family, rows[:20]), family.features, atol=1e-10)
    known = estimates(law, counted(law, 5, np.random.default_rng(1)), 5, 20)
    assert set(known) == {"counts", "features found"}
    # Labels of the patterns held out do not reach the encoder, and those of one of them no other.
    other = counted(law, 5, np.random.default_rng(1))
    other[30] = other[30][::-1]
    changed = estimates(law, other, 5, 20)["features found"]
    np.testing.assert_array_equal(changed.training, known["features found"].training)
    np.testing.assert_array_equal(
        np.delete(changed.held_out, 10, 0), np.delete(known["features found"].held_out, 10, 0)
    )


def test_features_given_need_no_label_of_the_held_out():
    law = law_of("12-bit")
    counts = counted(law, 2, np.random.default_rng(1))
    blind = counts.copy()
    blind[20:] = 0
    for one, other in zip(
        vars(estimates(law, counts, 2, 20)["features given"]).values(),
        vars(estimates(law, blind, 2, 20)["features given"]).values(),
        strict=True,
    ):
        if isinstance(one, np.ndarray):
            np.testing.assert_array_equal(one, other)


def test_losses_and_exponents_by_hand():
    truth = np.array([[0.75, 0.25], [0.5, 0.5]])
    assert prediction_scores.losses(truth, truth) == (0.0, 0.0)
    prediction = np.array([[0.25, 0.75], [0.5, 0.5]])
    log_loss, error = prediction_scores.losses(prediction, truth)
    assert log_loss == pytest.approx(0.5 * (0.75 * math.log(3) + 0.25 * math.log(1 / 3)))
    assert error == pytest.approx(0.5 * 0.5)
    laws, q = np.array([[0.5, 0.5]]), np.ones((2, 1))
    expected = 0.5 * (0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25))
    assert prediction_scores.exponent(q, laws, truth) == pytest.approx(expected)


def test_values_at_rates_are_on_the_curve_and_nowhere_else():
    found = prediction_scores.at_rates(np.array([0.0, 0.5, 1.0]), [1.0, 0.0, 2.0], (0.25, 0.75, 1.5))
    np.testing.assert_allclose(found, [0.5, 1.0, np.nan])


@pytest.mark.parametrize("method", [IB(), DualIB()], ids=["IB", "dual"])
@pytest.mark.parametrize("n", [1, 20])
def test_descents_reach_every_rate_there_is(method, n):
    """One label a pattern makes the first transition a long jump, which a rough descent oversleeps."""
    law = law_of("family", 24)
    joint = Joint.from_conditional(smoothed(counted(law, n, np.random.default_rng(5)), n))
    rates = (0.1, 0.4, 1.0)
    solutions = descent(joint, method, rates)
    there = np.array([s.mi_input for s in solutions])
    assert there[0] == 0
    assert there[-1] >= max(rates)
    assert (np.diff(there) >= 0).all()
    assert max(s.gap for s in solutions) < 1e-6
    if n > 1:
        assert max(np.abs(there - rate).min() for rate in rates) < 0.1


def test_scores_of_one_solution():
    law = law_of("family", 40)
    counts = counted(law, 10, np.random.default_rng(5))
    known = estimates(law, counts, 10, 20)["counts"]
    joint = Joint.from_conditional(known.training)
    alone = score(ip.bottleneck.solve(joint, 0.1), known, counts[:20], 10, law.rows[20:])
    reference = prediction_scores._references(known, law.rows[20:])
    assert alone["log_loss_mixed"] == pytest.approx(reference["log_loss_none"], abs=1e-12)
    assert alone["mi_held_out"] == 0
    dual = ip.bottleneck.solve(joint, 20.0, DualIB())
    found = score(dual, known, counts[:20], 10, law.rows[20:])
    q = dual.encode(known.held_out)
    own = prediction_scores.losses(q @ dual.decoder, law.rows[20:])[0]  # its laws are geometric means
    assert found["log_loss_geometric"] == pytest.approx(own, rel=1e-6)
    assert found["log_loss_mixed"] == pytest.approx(
        prediction_scores.losses(q @ dual.chain_decoder, law.rows[20:])[0], rel=1e-12
    )
    assert found["log_loss_mixed"] < alone["log_loss_mixed"]


def test_the_family_dual_is_the_dual_where_the_law_is_known_and_of_the_family():
    size = Size((math.inf,), (0.1, 0.4), 12, 12, 20)
    table = prediction_scores.draw("family", 0, size).sel(functional="dual", n=math.inf)
    for name in ("log_loss_mixed", "log_loss_geometric", "exponent_geometric"):
        one, other = (table[name].sel(estimate=e) for e in ("counts", "features given"))
        np.testing.assert_allclose(one, other, atol=2e-3)  # the fit is not exact


def test_a_draw_depends_on_its_seed_only():
    size = dataclasses.replace(TINY, samples=(2,))
    one, same = (prediction_scores.draw("unrelated", 1, size) for _ in range(2))
    xr.testing.assert_identical(one, same)
    assert not prediction_scores.draw("unrelated", 2, size).log_loss_mixed.equals(one.log_loss_mixed)
    assert one.log_loss_mixed.dims == ("n", "estimate", "functional", "rate")
    assert bool(one.log_loss_mixed.sel(estimate="features given").isnull().all())
    assert bool(one.log_loss_mixed.sel(estimate="counts").notnull().all())


def _table(shift: dict[tuple[str, str], float], score: str) -> xr.Dataset:
    """Scores of 1 with a spread of 0.01 that draws share, and shifts by estimate and functional."""
    axes = {
        "law": list(KINDS),
        "seed": list(range(20)),
        "n": [1.0, 3.0, 100.0, math.inf],
        "estimate": list(prediction_scores.ESTIMATES),
        "functional": list(prediction_scores.FUNCTIONALS),
        "rate": [0.1, 0.4],
    }
    shape = tuple(len(axis) for axis in axes.values())
    random = np.random.default_rng(0)
    base = 1 + 0.1 * random.normal(size=(1, 20, 1, 1, 1, 1)) + 0.001 * random.normal(size=shape)
    names = (*prediction_scores.SCORES, *(f"{name}_at_held_out" for name in prediction_scores.AT_HELD_OUT))
    table = xr.Dataset({name: (tuple(axes), base) for name in names}, axes)
    for (estimate, functional), value in shift.items():
        table[score] = table[score] + value * ((table.estimate == estimate) & (table.functional == functional))
    for name in prediction_scores.REFERENCES:
        table[name] = table.log_loss_mixed.isel(functional=0, rate=0, drop=True)
    table["gap"] = 0 * table.log_loss_mixed.isel(rate=0, drop=True)
    return table


def _verdicts(table: xr.Dataset) -> dict[str, str]:
    return {claim.text: claim.verdict for claim in DualPrediction().claims({"scores": table})}


def test_verdicts_follow_paired_differences():
    """Draws differ by 0.1, their differences by 0.001 only: 0.005 is seen, 0 is not."""
    better = _verdicts(_table({("counts", "dual"): -0.005}, "log_loss_mixed"))
    assert [v for text, v in better.items() if "by log-loss" in text] == ["holds", "holds"]
    worse = _verdicts(_table({("counts", "dual"): 0.005}, "log_loss_mixed"))
    assert [v for text, v in worse.items() if "by log-loss" in text] == ["fails", "fails"]
    assert {v for text, v in worse.items() if "exponent" in text or "by error" in text} <= {"unclear", "fails"}


def test_what_the_estimate_brings_is_not_taken_for_the_dual():
    both = {("features given", "dual"): -0.1, ("features given", "IB"): -0.1}
    verdicts = _verdicts(_table(both, "log_loss_mixed"))
    assert [v for text, v in verdicts.items() if "features given, and" in text] == ["holds"]
    assert [v for text, v in verdicts.items() if "IB on the same features given" in text] != ["holds"]


def test_unequal_rates_of_the_held_out_are_told():
    assert list(_verdicts(_table({}, "mi_held_out")).values())[-1] == "holds"
    assert list(_verdicts(_table({("counts", "dual"): 0.2}, "mi_held_out")).values())[-1] == "fails"


@pytest.mark.slow
def test_the_whole_is_continued_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(prediction_scores, "QUICK", TINY)
    monkeypatch.setattr(dual_prediction, "KINDS", {"family": KINDS["family"], "mixture": KINDS["mixture"]})

    class Stop(Exception):
        pass

    def stop(what: str, done: int, total: int) -> None:
        if what == "mixture":
            raise Stop

    with pytest.raises(Stop):
        DualPrediction().run(quick=True, seeds=2, out=tmp_path / "run", progress=stop)
    pieces = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "run" / "pieces").iterdir()}
    assert set(pieces) == {"family-0.nc", "family-1.nc"}
    result = DualPrediction().run(quick=True, seeds=2, out=tmp_path / "run")
    assert {n: (tmp_path / "run" / "pieces" / n).stat().st_mtime_ns for n in pieces} == pieces
    assert set(result.figures) == {"log-loss", "log-loss-differences", "error-differences", "exponents"}
    xr.testing.assert_identical(ip.load(tmp_path / "run" / "scores.nc"), result.datasets["scores"])
