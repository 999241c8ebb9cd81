"""The bound under the layers, and the pictures of fitted betas: their numbers, and what they refuse."""

import json

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from plot_planes import EPOCHS, LAYERS, make_plane

from infoplane import InputError, plots
from infoplane.bottleneck import Joint, curve
from infoplane.plane import with_bound
from infoplane.plane.betas import nearness
from infoplane.plane.task_bound import bound_of

LN2 = np.log(2)
FACTOR = {"bits": 1 / LN2, "nats": 1.0}
JOINT = Joint([[0.3, 0.05], [0.15, 0.1], [0.1, 0.15], [0.05, 0.1]])


def line(ax, label):
    (found,) = [one for one in ax.lines if one.get_label() == label]
    return np.column_stack(found.get_data())


def words(ax):
    legends = [ax.get_legend(), *ax.figure.legends]
    return [text.get_text() for legend in legends if legend for text in legend.get_texts()]


@pytest.mark.parametrize("draw", [plots.plane, plots.plane_snapshot, plots.plane_paths])
@pytest.mark.parametrize("unit", ["bits", "nats"])
def test_the_curve_of_a_random_label_lies_under_the_layers(draw, unit):
    bound = bound_of(JOINT)
    carried = draw(with_bound(make_plane(soft=True), JOINT), unit=unit)
    given = draw(make_plane(soft=True), bound=JOINT, unit=unit)
    for ax in (carried, given):
        drawn = line(ax, "bound")
        np.testing.assert_allclose(drawn[:-1, 0], bound.mi_input * FACTOR[unit])
        np.testing.assert_allclose(drawn[:-1, 1], bound.mi_target * FACTOR[unit])
        assert drawn[-1, 0] >= ax.get_xlim()[1]
        np.testing.assert_allclose(drawn[-1, 1], JOINT.mutual_information * FACTOR[unit])
    assert ax.get_xlim() == draw(make_plane(soft=True), unit=unit).get_xlim()
    assert "bound (IB curve)" in words(carried)
    assert "bound min(I(X;T), H(Y))" not in words(carried)
    assert "ceiling I(X;Y)" in words(carried)


def test_what_lies_above_every_line_of_the_bound_is_grey():
    coarse = curve(JOINT, [4.0, 8.0])
    ax = plots.plane(make_plane(soft=True), bound=coarse, unit="nats")
    (region,) = [
        one for one in ax.collections if np.allclose(one.get_facecolor()[:, :3], 0.93) and one.get_facecolor().size
    ]
    corners = region.get_paths()[0].vertices
    bound = bound_of(coarse)
    lower = corners[np.isin(corners[:, 0], bound.corners)]
    assert len(lower) > 0
    assert (corners[:, 1] >= bound(corners[:, 0]) - 1e-12).all()
    # A line that touches the curve at two points only is above it between them, and no grey lies below the line.
    middle = 0.5 * (bound.mi_input[1] + bound.mi_input[2])
    assert bound(middle) > np.interp(middle, bound.mi_input, bound.mi_target) + 1e-4


def test_another_bound_replaces_that_of_a_certain_label():
    ax = plots.plane(make_plane(), bound=JOINT)
    assert "bound (IB curve)" in words(ax)
    with pytest.raises(InputError, match="A bound is a Joint, a curve"):
        plots.plane(make_plane(), bound=3)


def test_a_bound_higher_than_all_layers_is_inside_the_frame():
    sure = Joint(np.eye(16))
    ax = plots.plane(make_plane(target="float"), bound=sure)
    assert ax.get_ylim()[1] > 4  # log2 16
    assert not any("ceiling I(X;Y)" in word for word in words(ax))


def fitted(edge=True):
    """A plane with betas that fall with depth, the first layer's at the end of the range."""
    ds = make_plane(soft=True)
    random = np.random.default_rng(3)
    shape = tuple(ds.sizes[d] for d in ("seed", "epoch", "layer"))
    beta = np.exp(random.normal([4.0, 3.0, 1.5], 0.2, shape))
    at_edge = np.zeros(shape, bool)
    if edge:
        beta[:, :, 0], at_edge[:, :, 0] = 300.0, True
    cells = ("seed", "epoch", "layer")
    return ds.assign(
        layer_beta=(cells, beta),
        layer_beta_at_edge=(cells, at_edge),
        layer_beta_residual=ds.mi_input * random.uniform(0.1, 0.6, shape),
    ).assign_attrs(critical_betas=json.dumps([2.0, 5.5, 17.0, 40.0]))


def test_betas_are_geometric_means_between_critical_betas():
    ds = fitted()
    ax = plots.layer_betas(ds)
    for k, layer in enumerate(LAYERS):
        expected = np.exp(np.log(ds.layer_beta.to_numpy()[:, :, k]).mean(0))
        np.testing.assert_allclose(line(ax, layer), np.column_stack([EPOCHS, expected]))
    level = [one.get_ydata()[0] for one in ax.lines if list(one.get_xdata()) == [0, 1]]
    assert level == [2.0, 5.5, 17.0, 40.0, 300.0]
    assert ax.get_yscale() == "log"
    assert {"critical betas", "end of the range searched"} <= set(words(ax))
    assert "critical betas" not in words(plots.layer_betas(ds.drop_attrs()))
    with pytest.raises(InputError, match="all nan, as for a certain label"):
        plots.layer_betas(ds.assign(layer_beta=ds.layer_beta * np.nan))
    with pytest.raises(InputError, match="needs layer_beta"):
        plots.layer_betas(make_plane())


@pytest.mark.parametrize("unit", ["bits", "nats"])
def test_distances_to_the_bound_are_drawn_over_epochs(unit):
    ds = with_bound(make_plane(soft=True), JOINT)
    ax = plots.bound_distances(ds, unit=unit)
    for k, layer in enumerate(LAYERS):
        np.testing.assert_allclose(line(ax, layer)[:, 1], ds.bound_distance.to_numpy()[:, :, k].mean(0) * FACTOR[unit])
    assert f"({unit})" in ax.get_ylabel()
    with pytest.raises(InputError, match=r"this plane has none; infoplane.plane.with_bound"):
        plots.bound_distances(make_plane(soft=True))


def test_residuals_are_shares_of_the_information():
    ds = fitted()
    ax = plots.layer_residuals(ds)
    share = (ds.layer_beta_residual / ds.mi_input).to_numpy().mean(0)
    for k, layer in enumerate(LAYERS):
        np.testing.assert_allclose(line(ax, layer)[:, 1], share[:, k])
    assert ax.get_ylim() == (0, 1)


@pytest.mark.parametrize("unit", ["bits", "nats"])
def test_profiles_mark_the_valley_and_leave_a_level_line_unmarked(unit):
    betas = np.geomspace(1, 100, 9)
    valley, level = (np.log(betas) - np.log(10)) ** 2 + 0.5, np.full(9, 2.0)
    ds = xr.Dataset(
        {"residual": (("seed", "layer", "beta"), np.stack([[valley, level], [valley + 0.2, level]]))},
        {"seed": [0, 1], "layer": ["a", "b"], "beta": betas},
    )
    ax = plots.beta_profiles(ds, unit=unit)
    np.testing.assert_allclose(line(ax, "a")[:, 1], (valley + 0.1) * FACTOR[unit])
    marks = [np.column_stack(one.get_data()) for one in ax.lines if one.get_marker() != "None"]
    assert len(marks) == 1
    np.testing.assert_allclose(marks[0], [[10, 0.6 * FACTOR[unit]]])
    assert f"({unit})" in ax.get_ylabel()
    with pytest.raises(InputError, match="needs a dataset with residual"):
        plots.beta_profiles(fitted())


def test_distances_are_counted_and_random_ones_drawn_beside():
    ds = fitted()
    ax = plots.critical_distances(ds)
    found = nearness(ds.layer_beta.to_numpy()[:, -1], np.array([2.0, 5.5, 17.0, 40.0]), ds.layer_beta_at_edge[:, -1])
    assert found.counted == 8  # the first layer stands at the end of the range
    heights = sum(bar.get_height() for group in ax.containers for bar in group)
    inside = np.nansum(found.distance <= np.log(np.sqrt(300 / 40.0)) * 2)
    assert heights == inside
    (stairs,) = [one for one in ax.patches if hasattr(one, "get_data")]
    np.testing.assert_allclose(stairs.get_data().values.sum(), 8, rtol=1e-3)
    assert ax.get_legend().get_title().get_text() == "8 compared"
    with pytest.raises(InputError, match="needs the attribute critical_betas"):
        plots.critical_distances(ds.drop_attrs())


@pytest.mark.parametrize("draw", [plots.layer_betas, plots.layer_residuals, plots.critical_distances])
def test_they_draw_on_the_axes_given_and_leave_the_data_alone(draw):
    ds = fitted()
    ax = Figure().add_subplot()
    assert draw(ds, ax=ax) is ax
    ax.figure.draw_without_rendering()
    xr.testing.assert_identical(ds, fitted())
