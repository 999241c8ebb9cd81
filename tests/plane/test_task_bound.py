"""The bound under the layers: the bottleneck's curve, enclosed to a known error, and carried by the plane."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, xlogy

import infoplane as ip
from infoplane import InputError, data, information_plane
from infoplane.bottleneck import Joint, curve, gaussian_curve, solve
from infoplane.estimators import Binned
from infoplane.plane import with_bound
from infoplane.plane.task_bound import Bound, bound_of, bound_of_plane, certain
from infoplane.plane.task_curve import TaskCurve
from infoplane.recordings import from_arrays
from infoplane.results import compact

# 64 patterns of six bits; the label depends on how many are lit.
BITS = ((np.arange(64)[:, None] >> np.arange(6)) & 1).astype(np.float32)
ONE = expit(1.2 * (BITS.sum(axis=1) - 2.6))
LABELS = (np.random.default_rng(0).random(64) < ONE).astype(np.int32)
SOFT = data.Task(BITS, LABELS, "six bits", np.stack([1 - ONE, ONE], axis=1), enumerated=True)


def informations(p_x, rows, encoder):
    """I(X;T) and I(T;Y) in nats, from the tables."""
    found = []
    for table in (p_x[:, None] * encoder, (p_x[:, None] * encoder).T @ rows):
        outer = np.outer(table.sum(1), table.sum(0))
        found.append(xlogy(table, np.where(table > 0, table / np.where(outer > 0, outer, 1), 1)).sum())
    return found


@pytest.mark.parametrize("seed", range(3))
def test_the_bound_encloses_the_optima_of_a_random_joint(seed):
    random = np.random.default_rng(seed)
    p_x, rows = random.dirichlet(np.ones(9)), random.dirichlet(np.full(4, 0.5), 9)
    bound = TaskCurve(rows, p_x).bound
    assert 0 < bound.error <= 2e-4
    joint = Joint.from_conditional(rows, p_x)
    for beta in random.uniform(1.05, 40, 12):
        optimum = solve(joint, beta)
        room = bound(optimum.mi_input) - optimum.mi_target
        assert -1e-8 <= room <= bound.error + 1e-8
    assert_allclose(bound.mi_target[-1], joint.mutual_information)
    assert_allclose(bound(1e6), joint.mutual_information)
    for encoder in (random.dirichlet(np.full(5, 0.1), 9) for _ in range(100)):
        rate, relevant = informations(p_x, rows, encoder)
        assert relevant <= bound(rate) + 1e-12
    for values in (bound.beta, bound.mi_input, bound.mi_target):
        assert (np.diff(values) >= 0).all()
    grid = np.linspace(0, 3, 500)
    below = np.interp(grid, bound.mi_input, bound.mi_target)
    assert_allclose((bound(grid) - below).max(), bound.error, rtol=0.05)
    assert (bound(grid) >= below - 1e-12).all()


def test_a_certain_label_is_cut_at_its_entropy():
    rates = np.array([-0.2, 0.0, 0.3, 0.5, 7.0, np.inf])
    assert_array_equal(certain(0.5)(rates), np.minimum(rates, 0.5))
    assert certain(0.5).error == 0
    copied = bound_of(Joint(np.eye(3)))
    assert_allclose(copied(rates), np.minimum(rates, np.log(3)))


def test_nothing_to_know_is_a_bound_of_zero():
    bound = bound_of(Joint([[0.2, 0.3], [0.2, 0.3]]))
    assert_allclose(bound([0.0, 1.0]), 0, atol=1e-15)


def test_chosen_inputs_have_a_curve_of_their_own():
    samples = np.sort(SOFT.split(0.4, 4)[0])
    task = TaskCurve(SOFT.p_y_given_x)
    part = task.of_samples(samples)
    assert_array_equal(part.beta, task.bound.beta)
    assert part.error < 4e-4
    joint = Joint.from_conditional(SOFT.p_y_given_x[samples])
    for beta in (1.9, 4.0, 31.0):
        optimum = solve(joint, beta)
        assert -1e-8 <= part(optimum.mi_input) - optimum.mi_target <= part.error + 1e-8
    assert abs(part(0.5) - task.bound(0.5)) > part.error  # another law of inputs, another curve


LAYERS = {
    "lit": SOFT.x.sum(axis=1, keepdims=True),
    "some": SOFT.x[:, :3],
    "one": SOFT.x[:, :1],
}  # every layer a function of the one before where it can be
TRAIN = np.stack([np.isin(np.arange(64), SOFT.split(0.8, seed)[0]) for seed in range(2)])


def soft_recording(**changes):
    held = {name: np.broadcast_to(values, (2, 1, *values.shape)) for name, values in LAYERS.items()}
    settings = {"p_y_given_x": SOFT.p_y_given_x, "enumerated": True, "train": TRAIN} | changes
    return from_arrays(held, SOFT.y, SOFT.x, **settings)


ESTIMATOR = Binned(7, range=(-0.5, 6.5))


def test_a_plane_of_a_random_label_carries_its_bound(tmp_path):
    plane = information_plane(soft_recording(), ESTIMATOR)
    bound = TaskCurve(SOFT.p_y_given_x).bound
    assert_array_equal(plane.bound, bound.beta)
    for row in range(2):
        assert_array_equal(plane.bound_mi_target[row], bound.mi_target)
    assert_allclose(plane.bound_distance, bound(plane.mi_input) - plane.mi_target)
    assert float(plane.bound_distance.min()) >= -1e-9
    assert plane.bound_mi_target.attrs["error"] == bound.error
    ip.save(plane, tmp_path / "plane.nc")
    loaded = ip.load(tmp_path / "plane.nc")
    assert loaded.identical(plane)
    small = compact(loaded)
    ip.save(small, tmp_path / "small.nc")
    kept = bound_of_plane(ip.load(tmp_path / "small.nc"))
    assert kept is not None
    rates = np.linspace(0, 9, 50)
    assert_allclose(kept(rates), bound(rates), atol=1e-15)
    assert (kept(small.mi_input) >= small.mi_target - 2**-12).all()


def test_every_split_and_network_has_the_bound_of_its_own_inputs():
    plane = information_plane(soft_recording(), ESTIMATOR, split=["all", "train", "test"])
    assert plane.bound_mi_input.dims == ("split", "seed", "bound")
    assert float(plane.bound_distance.min()) >= -1e-9
    for row in range(2):
        own = TaskCurve(SOFT.p_y_given_x).of_samples(np.flatnonzero(~TRAIN[row]))
        at = plane.sel(split="test", seed=row)
        assert_array_equal(at.bound_mi_target, own.mi_target)
        assert_allclose(at.bound_distance, own(at.mi_input) - at.mi_target)
    assert abs(plane.bound_mi_target[2, 0] - plane.bound_mi_target[2, 1]).max() > 1e-3
    alone = information_plane(soft_recording(), ESTIMATOR, split="test")
    assert_array_equal(alone.bound_distance, plane.bound_distance.sel(split="test"))
    assert plane.bound_mi_target.attrs["error"] >= alone.bound_mi_target.attrs["error"]
    drawn = bound_of_plane(alone)
    assert drawn is not None
    # The mean of networks lies under the mean bound, since that of each network does.
    means = alone[["mi_input", "mi_target"]].mean("seed")
    assert (drawn(means.mi_input) >= means.mi_target - 1e-9).all()


def test_a_certain_label_keeps_the_corner_and_carries_no_curve():
    y = (ONE > 0.5).astype(int)
    made = from_arrays(LAYERS, y, SOFT.x, p_y_given_x=np.eye(2)[y], enumerated=True)
    plane = information_plane(made, ESTIMATOR)
    assert "bound_mi_input" not in plane
    ceiling = plane.attrs["ceiling_mi_target"]
    assert_array_equal(plane.bound_distance, np.minimum(plane.mi_input, ceiling) - plane.mi_target)
    found = bound_of_plane(plane)
    assert found is not None
    assert found.certain
    assert found(9.0) == ceiling


def test_no_law_no_bound():
    unknown = from_arrays(LAYERS, SOFT.x.sum(axis=1) + 0.5, SOFT.x)  # a float target
    plane = information_plane(unknown, ESTIMATOR)
    assert np.isnan(plane.bound_distance).all()
    assert bound_of_plane(plane) is None


def test_a_task_of_too_many_laws_says_so_and_takes_a_bound():
    random = np.random.default_rng(0)
    laws = random.dirichlet([1, 1], 200)
    y = (random.random(200) < laws[:, 1]).astype(int)
    made = from_arrays({"t": random.normal(size=(200, 1))}, y, p_y_given_x=laws)
    plane = information_plane(made, Binned(4))
    assert np.isnan(plane.bound_distance).all()
    (note,) = [note for note in json.loads(plane.attrs["notes"]) if "bound" in note]
    assert "takes 200 values" in note
    coarse = Joint([[0.4, 0.1], [0.1, 0.4]])
    held = information_plane(made, Binned(4), bound=coarse)
    assert_allclose(held.bound_distance, bound_of(coarse)(held.mi_input) - held.mi_target)
    assert "takes 200 values" not in held.attrs["notes"]


def test_a_bound_can_be_a_joint_a_curve_or_another_plane():
    joint = Joint.from_conditional(SOFT.p_y_given_x)
    plane = information_plane(soft_recording(), ESTIMATOR)
    bare = plane.drop_vars(["bound_mi_input", "bound_mi_target", "bound"])
    coarse = curve(joint, [2.5, 5.0, 20.0])
    for given, error in ((joint, 1e-15), (plane, 1e-15), (coarse, 0.06)):
        held = with_bound(bare, given)
        assert bool((held.bound_distance >= -1e-9).all())
        assert_allclose(held.bound_distance, plane.bound_distance, atol=error)
        assert bool((held.bound_distance >= plane.bound_distance - plane.bound_mi_target.error - 1e-9).all())
    assert_allclose(with_bound(bare, coarse).bound_mi_target[0, -1], joint.mutual_information)
    one = with_bound(bare.isel(seed=0, drop=True), joint)
    assert one.bound_mi_input.dims == ("bound",)
    assert bound_of_plane(one) is not None
    again = with_bound(plane, coarse)  # in place of its own
    assert again.sizes["bound"] == 5
    several = with_bound(information_plane(soft_recording(), ESTIMATOR, split=["all", "train"]), joint)
    assert several.bound_mi_input.dims == ("seed", "bound")


def test_a_gaussian_curve_is_a_bound_too():
    one = np.eye(1)
    betas = np.geomspace(1.01, 1e4, 200)
    found = bound_of(gaussian_curve(one, one, 0.8 * one, betas))
    rates = np.linspace(0.01, 5, 30)
    exact = -0.5 * np.log1p(-0.64 * -np.expm1(-2 * rates))  # the channel X -> T of that rate, then Y
    assert (found(rates) >= exact - 1e-12).all()
    assert_allclose(found(rates), exact, atol=2e-4)


def test_a_bound_of_samples_is_never_below_a_certified_optimum():
    generator = np.random.default_rng(3)
    rows = generator.dirichlet(np.full(4, 0.3), 8) + 1e-4
    samples = generator.integers(8, size=10)
    found = TaskCurve(rows).of_samples(samples)
    joint = Joint.from_conditional(rows, np.bincount(samples, minlength=8) + 1e-300)
    points = curve(joint, np.geomspace(1.5, 30, 12))
    assert (found(points.mi_input.to_numpy()) >= points.mi_target.to_numpy() - 1e-7).all()


def test_an_uncertified_curve_is_no_bound():
    with pytest.raises(InputError, match="whose gap is known"):
        bound_of(curve(Joint([[6, 3, 1], [2, 8, 2], [1, 4, 9]]), [4.0, 8.0], certify=False))


def test_a_gap_raises_the_bound():
    points = curve(Joint([[6, 3, 1], [2, 8, 2], [1, 4, 9]]), [4.0, 8.0])
    lax = bound_of(points.assign(gap=points.gap + 0.04))
    assert_allclose(lax.mi_target[1:3], bound_of(points).mi_target[1:3] + np.array([0.01, 0.005]), atol=1e-9)


def test_what_is_no_bound_is_refused():
    plane = information_plane(soft_recording(), ESTIMATOR)
    dual = xr.Dataset(
        {"mi_input": ("beta", [0.1]), "mi_target": ("beta", [0.1])}, {"beta": [2.0]}, {"method": "DualIB()"}
    )
    with pytest.raises(InputError, match=r"a curve of DualIB\(\)"):
        with_bound(plane, dual)
    with pytest.raises(InputError, match="whose gap is known, got a curve without any"):
        with_bound(plane, dual.assign(mi_input=dual.mi_input * np.nan).assign_attrs(method="IB()"))
    for wrong in (
        0.5,
        "curve",
        xr.Dataset({"a": ("b", [1.0])}),
        plane.drop_vars(["bound_mi_input", "bound_mi_target", "bound_distance"]),
    ):
        with pytest.raises(InputError, match="A bound is a Joint, a curve"):
            information_plane(soft_recording(), ESTIMATOR, bound=wrong)


def test_lines_meet_where_they_should():
    bound = Bound(np.array([1.0, 2.0, np.inf]), np.array([0.0, 0.4, 1.0]), np.array([0.0, 0.3, 0.5]))
    assert_allclose(bound.corners, [0.2, 0.8])
    assert_allclose(bound.gaps, [0.05, 0.5 - (0.3 + 0.4 * 0.2 / 0.6)])
    assert_allclose(bound([0.1, 0.2, 0.6, 0.8, 3.0]), [0.1, 0.2, 0.4, 0.5, 0.5])
