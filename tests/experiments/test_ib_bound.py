"""Layers against the bottleneck's curve: every claim says what was put into the data, and nothing else."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

import infoplane as ip
from infoplane.bottleneck import Joint
from infoplane.experiments import base, ib_bound
from infoplane.plane import with_bound
from infoplane.plane.bounds import BETAS
from infoplane.plane.task_bound import bound_of

JOINT = Joint.from_conditional(np.stack([np.linspace(0.1, 0.9, 6), np.linspace(0.9, 0.1, 6)], axis=1))
BOUND = bound_of(JOINT)
LAYERS = ["hidden 1", "hidden 2", "output"]
CELLS = ("seed", "epoch", "layer")
RATES = np.array([1.4, 0.9, 0.5])
CRITICAL = [2.0, 6.0, 30.0]
NETWORKS = 12


def plane(below=(0.0, 0.0, 0.0), spare=0.0, betas=(20.0, 10.0, 4.0), share=0.05, edge=(False, False, False)):
    """Two checkpoints: far below the curve, then ``below`` it in nats, with ``spare`` nats of I(X;T) too many."""
    random = np.random.default_rng(0)
    noise = random.normal(0, 1e-3, (NETWORKS, 2, 3))
    relevant = np.maximum(BOUND(RATES) - np.array(below), 0.0)
    start = np.stack([relevant * 0.3, relevant])
    fitted = np.exp(np.log(betas) + 0.05 * random.normal(size=(NETWORKS, 2, 3)))
    fitted[:, :, list(edge)] = BETAS[1]
    found = xr.Dataset(
        {
            "mi_input": (CELLS, RATES + spare + np.abs(noise), {"quantity": "H(T)", "direction": "exact"}),
            "mi_target": (CELLS, start + 0 * noise, {"quantity": "I(T;Y)", "direction": "exact"}),
            "layer_beta": (CELLS, fitted),
            "layer_beta_at_edge": (CELLS, np.broadcast_to(edge, fitted.shape)),
        },
        {"seed": np.arange(NETWORKS), "epoch": [0, 100], "layer": LAYERS},
        {"ceiling_mi_target": JOINT.mutual_information, "critical_betas": json.dumps(CRITICAL), "gamma": 0.1},
    )
    found["layer_beta_residual"] = found.mi_input * share
    return with_bound(found, JOINT)


def test_layers_on_the_curve_end_near_it_and_others_do_not():
    on, off = plane(), plane(below=(0.0, 0.0, 0.1))
    assert ib_bound._near_the_curve(on, "", "").verdict == "holds"
    found = ib_bound._near_the_curve(off, "", "")
    assert found.verdict == "fails"
    assert found.numbers["output: distance at first, at least, at last, bits"].endswith(
        "0.144 [0.144, 0.144]"
    )  # 0.1 / ln 2
    never_off = on.isel(epoch=[1, 1])
    assert ib_bound._near_the_curve(never_off, "", "").verdict == "unclear"  # nothing was tested


def test_a_level_curve_does_not_hide_what_is_too_much():
    above = with_bound(plane(spare=3.0), JOINT)
    assert ib_bound._no_more_than_needed(plane(), "").verdict == "holds"
    found = ib_bound._no_more_than_needed(above, "")
    assert found.verdict == "fails"
    assert float(str(found.numbers["hidden 1: bits too many at first, at last"]).split()[1]) > 3 / np.log(2)


@pytest.mark.parametrize(("share", "verdict"), [(0.05, "holds"), (0.4, "fails")])
def test_residuals_decide_whether_the_equations_are_solved(share, verdict):
    assert ib_bound._solves_the_equations(plane(share=share), "", "").verdict == verdict


def test_betas_that_fall_or_rise_with_depth():
    assert ib_bound._falls_with_depth(plane(), "").verdict == "holds"
    assert ib_bound._falls_with_depth(plane(betas=(4.0, 10.0, 2.0)), "").verdict == "fails"
    assert ib_bound._falls_with_depth(plane(betas=(10.0, 10.0, 2.0)), "").verdict in ("unclear", "fails")
    tied = ib_bound._falls_with_depth(plane(edge=(True, True, False)), "")
    assert tied.verdict == "holds"  # two layers at the end of the range are not told apart, and not counted
    assert "hidden 1 to hidden 2: ln of the ratio" not in tied.numbers
    assert tied.numbers["before training the same"] == "holds"


def test_betas_at_critical_ones_count_only_if_chance_does_not_explain_their_pattern():
    near = ib_bound._near_critical(plane(betas=(30.0, 6.0, 2.1)), "", "")
    assert near.verdict == "holds"
    assert ib_bound._near_critical(plane(betas=(110.0, 13.5, 3.46)), "", "").verdict == "fails"
    one = plane(betas=(30.0, 6.6, 2.1), edge=(True, False, True))  # one place only, which chance finds too
    found = ib_bound._near_critical(one, "", "")
    assert float(found.numbers["p, betas independent"]) < 1e-4
    assert float(found.numbers["p, all betas moved together"]) > 0.05
    assert found.verdict == "unclear"
    assert str(found.numbers["layers compared"]).startswith(f"{NETWORKS} of {3 * NETWORKS}")


def test_the_hard_rule_is_degenerate_where_codes_are_pure():
    hard = plane(below=(0.0, 0.0, 0.1))
    hard["mi_target"][:, -1, :2] = JOINT.mutual_information
    betas = np.geomspace(1, 300, 5)
    level = np.ones((NETWORKS, 3, 5))
    level[:, 2] = betas  # a layer whose codes are mixed
    profiles = xr.Dataset(
        {"residual": (("rule", "seed", "layer", "beta"), level[None])},
        {"rule": ["hard"], "seed": np.arange(NETWORKS), "layer": LAYERS, "beta": betas},
    )
    assert ib_bound._degenerate(hard, profiles).verdict == "holds"
    profiles["residual"][:, 0, 0, 1] = 2.0
    assert ib_bound._degenerate(hard, profiles).verdict == "fails"
    impure = hard.assign(mi_target=hard.mi_target - 0.01)
    assert ib_bound._degenerate(impure, profiles).verdict == "unclear"


class _Tiny(ib_bound.IBBound):
    """The real experiment on two small networks."""

    def measure(self, run: base.Run) -> dict[str, xr.Dataset]:
        tiny = base.Run(True, 2, run.out, run.progress, run.measured)
        real = ib_bound.sizes, ib_bound.NETWORK
        ib_bound.sizes = lambda run, full, quick: {8_000: 4, 60: 3, 20: 2, 31: 5}[full]
        ib_bound.NETWORK = ip.networks.MLP([12, 4, 3, 2])
        try:
            return super().measure(tiny)
        finally:
            ib_bound.sizes, ib_bound.NETWORK = real


@pytest.mark.slow
def test_a_small_run_has_planes_betas_and_pictures_and_is_found_again(tmp_path):
    first = _Tiny().run(quick=True, seeds=2, out=tmp_path / "run")
    assert len(first.claims) == 11
    soft = first.datasets["gamma-1"]
    assert np.isfinite(soft.layer_beta).all()  # at every checkpoint, not at three
    assert len(json.loads(soft.attrs["critical_betas"])) > 3
    assert "bound_mi_input" in soft
    assert "bound_mi_input" not in first.datasets["hard"]
    assert {"plane-gamma-0.1", "betas-gamma-1", "profiles-hard", "critical-gamma-0.1"} <= set(first.figures)
    second = _Tiny().run(quick=True, seeds=2, out=tmp_path / "run")
    assert second.claims == first.claims
    for name, dataset in first.datasets.items():
        xr.testing.assert_identical(dataset, second.datasets[name])
