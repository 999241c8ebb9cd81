"""The curve as a dataset, and the critical betas along it."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_problems import BETAS, SYMMETRIC, THREE, informations, random_joint, tables
from hypothesis import given, settings
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from scipy.special import rel_entr

import infoplane as ip
from infoplane.bottleneck import IB, DualIB, Joint, critical_betas, curve, solve


@given(table=tables(most=6))
@settings(max_examples=12, deadline=None)
def test_the_curve_is_monotone_and_concave_with_slope_one_over_beta(table):
    joint = Joint(table)
    found = curve(joint, np.geomspace(0.8, 80, 15))
    rate, relevant, beta = (found[name].to_numpy() for name in ("mi_input", "mi_target", "beta"))
    assert (np.diff(rate) > -1e-9).all()
    assert (np.diff(relevant) > -1e-9).all()
    # Each point lies under the tangent at each other one: concavity with those slopes.
    tangents = relevant[:, None] + (rate[None] - rate[:, None]) / beta[:, None]
    assert (relevant[None] <= tangents + 1e-9).all()
    assert (relevant <= np.minimum(rate, joint.mutual_information) + 1e-12).all()
    assert found.attrs["violations"] == 0


def test_slope_of_the_cost_is_the_information():
    """dL/dbeta = -I(T;Y) and dF/dbeta = E[d], by central differences."""
    step = 1e-4
    for method, joint in ((IB(), THREE), (DualIB(), THREE), (IB(), random_joint(12, 4))):
        for beta in (5.0, 9.0):
            low, here, high = (solve(joint, b, method) for b in (beta - step, beta, beta + step))
            slope = (high.free_energy - low.free_energy) / (2 * step)
            assert_allclose(slope, (here.free_energy - here.mi_input) / beta, atol=1e-6)
            if isinstance(method, IB):
                assert_allclose((high.objective - low.objective) / (2 * step), -here.mi_target, atol=1e-6)


def test_points_of_a_curve_are_those_of_single_solutions():
    joint = random_joint(20, 6, seed=1)
    found = curve(joint, [9.0, 2.0, 5.0])
    assert_allclose(found.beta, [2, 5, 9])
    for beta in (2.0, 5.0, 9.0):
        alone, point = solve(joint, beta), found.sel(beta=beta)
        assert_allclose(float(point.objective), alone.objective, atol=2e-7)
        assert int(point.n_clusters) == alone.n_clusters
        k = alone.n_clusters
        assert_allclose(point.marginal[:k], alone.marginal, atol=1e-4)
        assert np.isnan(point.marginal[k:]).all()
        assert_allclose(point.decoder[:k].sum("y"), 1, atol=1e-12)


def test_a_curve_keeps_labels_that_never_occur_and_tells_its_problem():
    found = curve(Joint([[3, 0, 1], [1, 0, 2]]), [3.0, 30.0])
    assert found.sizes["y"] == 3
    joint = Joint([[3, 0, 1], [1, 0, 2]])
    assert_allclose(found.attrs["mi_joint"], joint.mutual_information)
    assert found.attrs["kind"] == "curve"
    assert found.attrs["method"] == "IB()"
    assert found.mi_target.attrs == {"quantity": "I(T;Y)", "direction": "exact", "unit": "nats"}


def test_a_curve_comes_back_from_its_file(tmp_path):
    for method in (IB(), DualIB()):
        found = curve(THREE, [3.0, 5.0, 10.0], method)
        ip.save(found, tmp_path / "curve.nc")
        back = ip.load(tmp_path / "curve.nc")
        assert back.identical(found)


def test_the_default_grid_runs_from_below_the_onset_to_saturation():
    for joint in (SYMMETRIC, random_joint(8, 4)):
        for method in (IB(), DualIB()):
            found = curve(joint, method=method)
            assert 0.9 * found.attrs["onset"] < float(found.beta[0]) < found.attrs["onset"]
            assert int(found.n_clusters[0]) == 1
            assert float(found.mi_target[-1]) > 0.999 * joint.mutual_information
            assert int((found.n_clusters == 1).sum()) < 10  # hardly any of it is spent on nothing


def test_the_default_grid_of_a_problem_without_information_is_trivial():
    found = curve(Joint([[1, 2], [2, 4]]))
    assert (found.n_clusters == 1).all()
    assert found.attrs["onset"] == np.inf


@pytest.mark.parametrize("betas", [[], [-1.0], [np.nan], [1.0, np.inf], ["x"]])
def test_grids_that_are_none_are_refused(betas):
    with pytest.raises(ip.InputError, match="curve needs"):
        curve(THREE, betas)


def test_chords_fill_the_jump_of_certain_labels():
    joint = Joint([[0.2, 0], [0.3, 0], [0, 0.1], [0, 0.4]])
    found = curve(joint, [0.9, 1.1], chords=3)
    filled = found.isel(beta=found.interpolated.to_numpy())
    assert_allclose(filled.beta, 1.0)
    assert_allclose(filled.mi_input, np.log(2) * np.array([0.25, 0.5, 0.75]))
    assert_allclose(filled.mi_target, filled.mi_input)
    assert_allclose(filled.objective, 0, atol=1e-12)
    assert_allclose(filled.marginal.sum("cluster"), 1)
    assert_allclose(filled.n_clusters, 3)  # the blank, and one for each class
    assert not found.interpolated.values[[0, -1]].any()


@pytest.mark.parametrize("method", [IB(), DualIB()], ids=str)
def test_a_curve_that_bends_all_the_way_gets_no_chords(method):
    """Clusters are born with weight 0, so on a generic table no information jumps, though the laws do."""
    joint = random_joint(5, 3, seed=1)
    assert not curve(joint, [0.3, 30.0], method, chords=2).interpolated.any()
    for split in critical_betas(joint, method).splits:
        below, above = (solve(joint, split.beta * (1 + side * 1e-7), method) for side in (-1, 1))
        assert_allclose(above.mi_input, below.mi_input, atol=1e-4)


def test_chords_lie_on_the_optimum():
    """A table with a linear piece that is not all of it: two blocks, certain which, and noise within one of them."""
    joint = Joint([[3, 1, 0], [1, 3, 0], [0, 0, 4]])
    found = curve(joint, [0.9, 1.2, 20.0], chords=3)
    filled = found.isel(beta=found.interpolated.to_numpy())
    assert filled.sizes["beta"] == 3
    assert_allclose(filled.beta, 1.0)
    assert float(found.gap.max()) < 1e-8
    assert_allclose(filled.free_energy, solve(joint, 1.0).free_energy, atol=1e-9)
    assert (np.diff(found.mi_input) > 0).all()


def test_equal_laws_of_the_ends_of_a_chord_are_one_cluster():
    """Of both ends of this piece the law of the certain block is the same."""
    joint = Joint([[3, 1, 0, 0], [1, 3, 0, 0], [0, 0, 4, 0], [0, 0, 0, 2]])
    found = curve(joint, [1.0 - 1e-3, 1.0 + 1e-3], chords=1)
    point = found.isel(beta=found.interpolated.to_numpy()).squeeze()
    laws = point.decoder.to_numpy()[: int(point.n_clusters)]
    assert np.isfinite(laws).all()
    assert len(np.unique(laws.round(5), axis=0)) == len(laws)
    assert (np.diff(point.marginal[: len(laws)]) <= 0).all()


def test_methods_without_chords_say_so():
    with pytest.raises(ip.InputError, match="chords=0, got 2"):
        curve(THREE, [3.0], ip.bottleneck.DIB(), chords=2)


@pytest.mark.parametrize("p", [0.02, 0.1, 0.3])
def test_critical_betas_of_the_symmetric_channel(p):
    joint = Joint([[1 - p, p], [p, 1 - p]])
    plain, dual = critical_betas(joint), critical_betas(joint, DualIB())
    for found, exact in ((plain, 1 / (1 - 2 * p) ** 2), (dual, 4 / np.log((1 - p) / p) ** 2)):
        assert_allclose([found.first, *found.all], exact, rtol=1e-10)
        assert found.onset <= found.first
        assert_allclose(found.onset, exact, rtol=1e-8)
        assert not found.splits[0].apart


def least_ratio(joint):
    """inf over laws w of X of KL(w || p(x)) / KL(wW || p(y)), by a general minimiser from several starts."""

    def ratio(logits):
        w = np.exp(logits - logits.max())
        w /= w.sum()
        return float(rel_entr(w, joint.p_x).sum() / rel_entr(w @ joint.p_y_given_x, joint.p_y).sum())

    starts = np.random.default_rng(0).normal(size=(6, joint.shape[0]))
    precise = {"xatol": 1e-10, "fatol": 1e-15, "maxiter": 4000}
    return min(minimize(ratio, start, method="Nelder-Mead", options=precise).fun for start in starts)


def test_onset_before_the_local_critical_beta():
    found = critical_betas(THREE)
    assert_allclose([found.onset, found.first], [3.039239, 3.041163], atol=2e-6)  # recorded by a coarser search
    assert_allclose(found.onset, least_ratio(THREE), rtol=1e-9)
    assert found.splits[0].apart
    second = found.splits[1]
    assert second.n_clusters == (2, 3)
    assert 4 < second.beta < 5
    for joint, onset, first in ((random_joint(64, 16), 3.0165, 3.3819), (random_joint(256, 32), 2.5197, 6.6301)):
        dataset = curve(joint, [onset * 0.999, onset * 1.001])
        assert_allclose([dataset.attrs["onset"], dataset.attrs["first"]], [onset, first], atol=1e-4)
        assert dataset.n_clusters.values.tolist() == [1, 2]


@pytest.mark.parametrize("method", [IB(), DualIB()], ids=str)
@pytest.mark.parametrize("seed", [0, 3])
def test_clusters_change_at_the_critical_betas_and_nowhere_else(method, seed):
    joint = random_joint(6, 4, seed=seed)
    found = critical_betas(joint, method)
    assert found.complete
    assert (np.diff(found.all) > 0).all()
    for split in found.splits:
        below, above = (solve(joint, split.beta * (1 + side * 1e-3), method) for side in (-1, 1))
        assert (below.n_clusters, above.n_clusters) == split.n_clusters
        assert split.local >= split.beta * (1 - 1e-9)
    ends = [0.5 * found.onset, *found.all, 4 * found.all[-1]]
    for left, right, k in zip(ends[:-1], ends[1:], [1, *[s.n_clusters[1] for s in found.splits]], strict=True):
        for share in (0.1, 0.5, 0.9):
            assert solve(joint, left + share * (right - left), method).n_clusters == k


@given(table=tables(zeros=False, most=5))
@settings(max_examples=10, deadline=None)
def test_the_first_critical_beta_is_one_over_the_maximal_correlation(table):
    joint = Joint(table)
    scaled = joint.table / np.sqrt(np.outer(joint.p_x, joint.p_y))
    correlation = np.linalg.svd(scaled, compute_uv=False)[1]
    found = critical_betas(joint)
    if correlation > 1e-6:
        assert_allclose(found.first, 1 / correlation**2, rtol=1e-8)
    assert 1 <= found.onset <= found.first
    assert solve(joint, found.onset * (1 - 1e-6)).n_clusters == 1
    assert solve(joint, min(found.onset * (1 + 1e-3), 1e6)).mi_input >= 0


def test_no_encoder_pays_below_the_onset():
    """The onset is the least I(X;T) / I(T;Y) of any encoder; random ones stay above it."""
    joint = random_joint(7, 4, seed=9)
    onset = curve(joint, [1.0]).attrs["onset"]
    generator = np.random.default_rng(0)
    for _ in range(200):
        encoder = generator.dirichlet(np.full(3, generator.choice([0.1, 1.0])), size=7)
        rate, relevant = informations(joint.p_x, joint.p_y_given_x, encoder)
        assert rate >= onset * relevant * (1 - 1e-9)


def test_critical_betas_of_nothing_and_of_other_methods():
    found = critical_betas(Joint([[1, 2], [2, 4]]))
    assert (found.onset, found.first, len(found.splits)) == (np.inf, np.inf, 0)
    certain = critical_betas(Joint([[0.2, 0], [0, 0.1]]))
    assert_allclose([certain.onset, certain.first, *certain.all], 1, rtol=1e-9)
    with pytest.raises(ip.InputError, match="it has no critical betas"):
        critical_betas(THREE, ip.bottleneck.DIB())


def test_a_limit_on_solutions_is_kept_and_told():
    found = critical_betas(random_joint(40, 10), limit=10)
    assert not found.complete
    assert len(found.splits) < 39


def test_progress_is_told():
    told = []
    curve(THREE, BETAS[:4], progress=lambda *what: told.append(what))
    assert told[-1] == ("betas", 4, 4)


def test_default_grids_of_other_methods():
    joint = Joint([[1, 0, 2, 0], [0, 0, 0, 0], [0, 0, 3, 4], [1, 2, 0, 0]])
    assert float(curve(joint).mi_target[-1]) > 0.999 * joint.mutual_information
    for method in (ip.bottleneck.Agglomerative(2), ip.bottleneck.Sequential(2)):
        found = curve(THREE, None, method)
        assert float(found.beta[-1]) < 100
        assert (found.n_clusters == 2).all()
