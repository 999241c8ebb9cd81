"""The experiment ib-curve: closed forms, checks that can fail, verdicts from numbers."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import infoplane as ip
from infoplane.bottleneck import IB, critical_betas, curve
from infoplane.experiments import curve_checks, ib_curve, known_joints
from infoplane.experiments.forward_annealing import forward_costs
from infoplane.experiments.ib_curve import IBCurve, Size

TINY = Size(("symmetric", "three-by-three"), ((8, 4, 2), (12, 4, 1)), 12, ("symmetric", "three-by-three"), 0)


@pytest.fixture(scope="module")
def three_by_three() -> xr.Dataset:
    return curve(known_joints.three_by_three(), np.geomspace(2.5, 20, 25))


def test_closed_forms_give_the_known_values():
    """Of a binary symmetric channel with crossover 0.1: nats, to the digits that are known."""
    plain = known_joints.symmetric_curve(np.array([1.5, 1.6, 2.0, 3.0, 5.0]))
    expected = [[0, 0], [0.089224, 0.056454], [0.482730, 0.282273], [0.657763, 0.358076], [0.691648, 0.367795]]
    np.testing.assert_allclose(plain, expected, atol=6e-7)
    dual = known_joints.symmetric_curve(np.array([0.82, 2.0, 5.0]), dual=True)
    np.testing.assert_allclose(dual, [[0, 0], [0.550121, 0.314573], [0.691654, 0.367796]], atol=6e-7)


def test_joints_are_those_they_are_said_to_be():
    assert known_joints.random_joint(64, 16, 0).mutual_information == pytest.approx(0.915152, abs=6e-7)
    assert len(known_joints.soft_rule().sufficient.p_x) == 44
    joint, family = known_joints.five_by_two()
    expected = np.exp(-np.outer(np.linspace(-1, 0.6, 5), [-1, 1]))
    np.testing.assert_allclose(joint.p_y_given_x, expected / expected.sum(axis=1, keepdims=True), rtol=1e-14)
    np.testing.assert_allclose(family.p_y_given_x, joint.p_y_given_x, rtol=1e-14)


def test_forward_annealing_is_a_fair_rival():
    """It finds the optimum where the transition is continuous, and never a cost below a certified one."""
    betas = [1.2, 2.0, 3.0]
    best = curve(known_joints.symmetric(), betas).objective
    np.testing.assert_allclose(forward_costs(known_joints.symmetric(), betas, 1e-2, 0), best, atol=1e-7)
    joint, betas = known_joints.random_joint(16, 8, 3), np.linspace(1.2, 30, 12)
    excess = forward_costs(joint, betas.tolist(), 1e-2, 0) - curve(joint, betas).objective.values
    assert excess.min() > -1e-9
    assert excess.max() > 1e-3  # the transition of this joint comes before clusters split by themselves


def test_checks_of_the_slope_see_what_is_wrong(three_by_three):
    assert curve_checks.slope_violation(three_by_three) < 1e-12
    assert curve_checks.largest_fall(three_by_three) < 1e-12
    bent = three_by_three.copy(deep=True)
    bent["mi_target"][15] -= 1e-3
    assert curve_checks.slope_violation(bent) > 1e-3
    fallen = three_by_three.copy(deep=True)
    fallen["mi_input"][15] -= 0.5
    assert curve_checks.largest_fall(fallen) > 0.3
    chord = three_by_three.copy(deep=True)
    chord["interpolated"][15] = True
    assert curve_checks.steps(chord).sizes["beta"] == 24


def test_entropies_are_those_of_the_clusters(three_by_three):
    solution = ip.bottleneck.solve(known_joints.three_by_three(), 20.0)
    assert curve_checks.entropies(three_by_three)[-1] == pytest.approx(solution.entropy, abs=1e-9)
    assert curve_checks.entropies(three_by_three)[0] == 0


@pytest.mark.parametrize(
    "joint",
    [known_joints.three_by_three(), pytest.param(known_joints.five_by_two()[0], marks=pytest.mark.slow)],
    ids=["3x3", "5x2"],
)
def test_predicted_numbers_of_clusters_are_found(joint):
    """The last splits of the five by two table lie far apart: a hill of its certificate does not last between them."""
    critical = critical_betas(joint)
    told = curve_checks.split_checks(joint, critical, IB())
    assert told["splits"] == len(joint.p_x) - 1
    assert told["beside"] == told["beside_right"] == 2 * told["splits"]
    assert told["between"] == told["between_right"] == told["splits"] + 1


def test_wrong_predictions_are_found_out():
    joint = known_joints.three_by_three()
    critical = critical_betas(joint)
    moved = type(critical.splits[1])(**{**vars(critical.splits[1]), "beta": 1.1 * critical.splits[1].beta})
    wrong = type(critical)(critical.onset, critical.first, (critical.splits[0], moved), critical.reach)
    told = curve_checks.split_checks(joint, wrong, IB())
    assert told["beside_right"] == told["beside"] - 1  # below the moved one there are three clusters already


def test_a_cluster_is_born_light_and_far_away():
    joint = known_joints.random_joint(16, 8, 3)
    critical = critical_betas(joint, limit=1)
    told = curve_checks.onset_checks(joint, (critical.onset, critical.first), IB())
    assert told["clusters_below"] == 1
    assert told["newborn_weight"] < 1e-3
    assert told["newborn_distance"] > 0.1
    # I(X;T) grows from nothing in proportion to the distance from the onset: no jump.
    assert told["rate_above_0.001"] / told["rate_above_0.0001"] == pytest.approx(10, rel=0.05)
    assert 0 < told["share_at_first"] < 1


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setattr(ib_curve, "QUICK", TINY)
    folder = tmp_path_factory.mktemp("ib-curve") / "run"
    yield IBCurve().run(quick=True, out=folder)
    patch.undo()


def _verdicts(datasets: dict[str, xr.Dataset]) -> dict[str, str]:
    return {claim.text.split(":")[0]: claim.verdict for claim in IBCurve().claims(datasets)}


@pytest.mark.slow
def test_the_whole_on_small_problems(tiny):
    verdicts = list(_verdicts(tiny.datasets).values())
    assert verdicts[:6] == ["holds"] * 6
    assert verdicts[6] == "fails"  # a cluster is born with no weight, so no information jumps
    assert set(tiny.figures) == {"curves", "bifurcation", "tree", "gaps", "forward", "onsets"}
    table = tiny.datasets["random"]
    assert table.forward_excess.dims == ("shape", "seed", "noise", "beta")
    assert int(table.onset.notnull().sum()) == 3
    kept = {p.name for p in (tiny.path / "pieces").iterdir()}
    assert kept == {"8x4-0.nc", "8x4-1.nc", "12x4-0.nc"}
    for name, dataset in tiny.datasets.items():
        xr.testing.assert_identical(ip.load(tiny.path / f"{name}.nc"), dataset)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "name", "value", "claim"),
    [
        ("random", "largest_gap", 1e-6, "Every solution"),
        ("random", "slope_violation", 1e-6, "The curve of IB"),
        ("random", "clusters_below", 2.0, "The trivial solution"),
        ("random", "forward_excess", -1e-3, "Coming from"),
        ("splits", "between_right", 1.0, "Critical betas"),
        ("closed-form", "error_dual", 1e-9, "IB and dual"),
        ("three-by-three-DIB", "mi_target", 0.0, "IB and DIB"),
    ],
)
def test_every_claim_can_fail(tiny, where, name, value, claim):
    doctored = {**tiny.datasets, where: tiny.datasets[where].copy(deep=True)}
    doctored[where][name][...] = value
    verdicts = _verdicts(doctored)
    assert [v for text, v in verdicts.items() if text.startswith(claim)] == ["fails"]


@pytest.mark.slow
def test_a_jump_would_be_seen(tiny):
    doctored = dict(tiny.datasets)
    for where in ("splits", "random"):
        doctored[where] = doctored[where].copy(deep=True)
        doctored[where]["rate_above_0.0001"] = doctored[where]["rate_above_0.01"] * 0.9
    assert [v for text, v in _verdicts(doctored).items() if "jump" in text] == ["holds"]
