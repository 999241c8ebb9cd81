"""The experiment dual-ib: the authors' example, comparisons that can fail, verdicts from numbers."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import infoplane as ip
from infoplane.bottleneck import IB, DualIB, ExponentialFamily, curve
from infoplane.experiments import dual_checks, dual_ib, known_joints
from infoplane.experiments.dual_ib import DualIBExample

JOINT = known_joints.random_joint(5, 3, 1, floor=0.05)
BETAS = np.geomspace(0.8, 30, 12)


@pytest.fixture(scope="module")
def curves() -> dict[str, xr.Dataset]:
    methods = {"IB": IB(), "dualIB": DualIB(), "dualExpIB": DualIB(ExponentialFamily.of(JOINT))}
    return {name: curve(JOINT, BETAS, method) for name, method in methods.items()}


def test_the_dual_lies_below_the_curve_of_ib_and_above_nothing_else(curves):
    assert dual_checks.above(curves["dualIB"], curves["IB"]) <= 1e-12
    assert dual_checks.below(curves["dualIB"], curves["IB"]) > 1e-5  # it is another curve
    assert dual_checks.above(curves["IB"], curves["IB"]) == pytest.approx(0, abs=1e-12)
    lifted = curves["dualIB"].copy(deep=True)
    lifted["mi_target"][6] = lifted["mi_target"][6] + 0.1
    assert dual_checks.above(lifted, curves["IB"]) > 0.05


def test_the_dual_has_the_lower_cost_of_its_own(curves):
    assert dual_checks.above_cost(JOINT, curves["dualIB"]) <= 1e-12
    dearer = curves["dualIB"].copy(deep=True)
    dearer["objective"][...] = dearer["objective"] + 1.0
    assert dual_checks.above_cost(JOINT, dearer) > 0.5


def test_differences_of_curves(curves):
    assert dual_checks.difference(curves["dualExpIB"], curves["dualIB"]) < 1e-11
    assert (
        dual_checks.difference(curves["IB"].assign(mi_target_geometric=curves["IB"].mi_target), curves["dualIB"]) > 1e-3
    )
    other = curves["dualIB"].copy(deep=True)
    other["n_clusters"][3] += 1
    assert dual_checks.difference(other, curves["dualIB"]) == np.inf


def test_numbers_of_a_random_joint():
    numbers = dual_checks.numbers(JOINT, ExponentialFamily.of(JOINT), 8)
    assert numbers["largest_gap"] < 1e-9
    assert numbers["family_difference"] < 1e-11
    assert numbers["encoder_difference"] < 1e-9
    assert numbers["onset_dual"] < numbers["onset_IB"] <= numbers["first_IB"]


def test_the_example_is_run_as_the_authors_run_it():
    betas = 2.0 ** np.linspace(6, 1, dual_ib.BETAS[0])
    assert len(betas) == 1000
    assert (betas[0], betas[-1]) == (64.0, 2.0)
    assert known_joints.five_by_two()[0].p_x == pytest.approx(np.full(5, 0.2))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The experiment with few betas and joints."""
    patch = pytest.MonkeyPatch()
    for name, value in (("BETAS", (1000, 10)), ("POINTS", (40, 6)), ("SCALES", (0.05, 0.5, 2.0))):
        patch.setattr(dual_ib, name, value)
    yield DualIBExample().run(quick=True, seeds=2, out=tmp_path_factory.mktemp("dual-ib") / "run")
    patch.undo()


@pytest.mark.slow
def test_the_whole(small):
    assert [claim.verdict for claim in small.claims] == ["holds"] * 9
    assert set(small.figures) == {"bifurcations", "input-information", "target-information", "curves"}
    for name, dataset in small.datasets.items():
        xr.testing.assert_identical(ip.load(small.path / f"{name}.nc"), dataset)
    assert small.datasets["dualIB"].y.values.tolist() == ["-1", "+1"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "name", "value", "claim"),
    [
        ("IB", "gap", 1e-6, "Every solution"),
        ("dualExpIB", "objective", 5.0, "dualExpIB"),
        ("random-joints", "above_ib", 1e-6, "I(T;Y) of the dual"),
        ("random-joints", "above_ib_cost", 1e-6, "The dual's cost"),
        ("random-joints", "onset_dual", 99.0, "On every random joint"),
        ("weak-dependence", "first_dual", 1.0, "For weak dependence"),
    ],
)
def test_every_claim_can_fail(small, where, name, value, claim):
    doctored = {**small.datasets, where: small.datasets[where].copy(deep=True)}
    doctored[where][name][...] = value
    assert [c.verdict for c in DualIBExample().claims(doctored) if c.text.startswith(claim)] == ["fails"]


@pytest.mark.slow
def test_claims_on_splits_and_laws_can_fail(small):
    doctored = {name: dataset.copy(deep=True) for name, dataset in small.datasets.items()}
    doctored["dualIB"].attrs |= {"critical_betas": "[9.0]", "born_apart": "[false]"}
    for name in ("dualIB", "dualExpIB"):
        doctored[name]["mi_target_geometric"][...] = 0.0
    doctored["random-joints"]["geometric_excess"][...] = -0.1
    verdicts = {claim.text: claim.verdict for claim in DualIBExample().claims(doctored)}
    assert [v for text, v in verdicts.items() if text.startswith("In the example")] == ["fails", "fails"]
    assert [v for text, v in verdicts.items() if "geometric" in text] == ["fails"]
