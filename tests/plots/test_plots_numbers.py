"""The points drawn are the numbers of the dataset, in the unit on the axis."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from plot_planes import EPOCHS, LAYERS, make_plane

from infoplane import plots
from infoplane.plots.style import colour_map, looks
from infoplane.plots.values import interval

LN2 = np.log(2)
FACTOR = {"bits": 1 / LN2, "nats": 1.0}


def line(ax, label):
    (found,) = [one for one in ax.lines if one.get_label() == label]
    return np.column_stack(found.get_data())


def points(ax, label):
    (found,) = [one for one in ax.collections if one.get_label() == label]
    return found


@pytest.mark.parametrize("unit", ["bits", "nats"])
def test_plane_shows_mean_paths_and_their_three_points(plane, unit):
    ax = plots.plane(plane, unit=unit)
    for k, layer in enumerate(LAYERS):
        x = plane.mi_input.to_numpy()[:, :, k].mean(0) * FACTOR[unit]
        y = plane.mi_target.to_numpy()[:, :, k].mean(0) * FACTOR[unit]
        np.testing.assert_allclose(line(ax, layer), np.column_stack([x, y]))
        stages = {"first checkpoint": 0, "maximal I(X;T)": x.argmax(), "last checkpoint": -1}
        for stage, at in stages.items():
            np.testing.assert_allclose(line(ax, f"{layer}, {stage}"), [[x[at], y[at]]])


def test_plane_bars_are_the_interval_over_networks(plane):
    ax = plots.plane(plane)
    bars = [np.array(one.get_segments()) for one in ax.collections if hasattr(one, "get_segments")]
    low, high = interval(plane.mi_input.to_numpy()[:, :, 0] / LN2)
    np.testing.assert_allclose(bars[0][0][:, 0], [low[0], high[0]])
    mean, deviation = plane.mi_input.to_numpy()[:, 0, 0].mean(), plane.mi_input.to_numpy()[:, 0, 0].std()
    assert low[0] < mean / LN2 < high[0]
    assert high[0] - low[0] < 4 * deviation / LN2  # 2 x 1.96 / sqrt(4) deviations, were it normal


def test_plane_can_end_earlier(plane):
    ax = plots.plane(plane, epoch=25)  # nearest: 30, the fourth
    assert len(line(ax, "output")) == 4


def test_plane_skips_what_is_not_finite(plane):
    plane.mi_input[0, 2, 0] = np.inf
    plane.mi_input[:, 3, 0] = np.nan
    drawn = line(plots.plane(plane), "hidden 1")
    np.testing.assert_allclose(drawn[2, 0], plane.mi_input.to_numpy()[1:, 2, 0].mean() / LN2)
    assert np.isnan(drawn[3, 0])
    assert not np.isnan(drawn[[0, 1, 2, 4]]).any()


@pytest.mark.parametrize("unit", ["bits", "nats"])
def test_bound_and_ceilings(unit):
    entropy = LN2 * FACTOR[unit]
    ax = plots.plane(make_plane(), unit=unit)
    bound = line(ax, "bound")
    np.testing.assert_allclose(bound[:2], [[0, 0], [entropy, entropy]])
    assert bound[2, 1] == pytest.approx(entropy)
    uprights = [one.get_xdata()[0] for one in ax.lines if list(one.get_ydata()) == [0, 1] and one.get_xdata()[0] > 0]
    assert uprights == [pytest.approx(np.log(4096) * FACTOR[unit])]


def legend_words(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_bound_only_for_a_certain_label():
    assert "bound min(I(X;T), H(Y))" in legend_words(plots.plane(make_plane()))
    soft = legend_words(plots.plane(make_plane(soft=True)))
    assert "ceiling I(X;Y)" in soft
    assert "bound min(I(X;T), H(Y))" not in soft
    regression = legend_words(plots.plane(make_plane(target="float")))
    assert not any("Y)" in word for word in regression)


def test_bounds_of_the_estimator_are_drawn_where_there_are_any():
    def thin(ax):
        return [np.column_stack(one.get_data()) for one in ax.lines if one.get_marker() in ("|", "_")]

    assert thin(plots.plane(make_plane())) == []
    ds = make_plane(bounds=True)
    across, along = thin(plots.plane(ds))[:2]
    middle = ds.mi_input.to_numpy()[:, -1, 0].mean() / LN2
    np.testing.assert_allclose(across[:, 0], [middle - 0.3 / LN2, middle + 0.3 / LN2])
    np.testing.assert_allclose(along[:, 0], middle)
    ax = plots.information_curves(ds, bounds=True)
    dotted = [one.get_ydata() for one in ax.lines if one.get_linestyle() == ":"]
    np.testing.assert_allclose(dotted[0], (ds.mi_input_lower.to_numpy()[:, :, 0].mean(0)) / LN2)
    assert len(dotted) == 2 * len(LAYERS)


@pytest.mark.parametrize("unit", ["bits", "nats"])
def test_snapshot_shows_every_network(plane, unit):
    ax = plots.plane_snapshot(plane, 5, unit=unit)
    assert ax.get_title() == "epoch 4"
    for k, layer in enumerate(LAYERS):
        now = np.column_stack([plane.mi_input.to_numpy()[:, 2, k], plane.mi_target.to_numpy()[:, 2, k]])
        np.testing.assert_allclose(points(ax, layer).get_offsets(), now * FACTOR[unit])
        np.testing.assert_allclose(points(ax, layer).get_facecolor()[0][:3], looks(3)[k].colour[:3])


def test_paths_are_coloured_by_epoch_and_joined_across_layers(plane):
    ax = plots.plane_paths(plane)
    x, y = (plane[name].to_numpy().mean(0) / LN2 for name in ("mi_input", "mi_target"))
    drawn = points(ax, "hidden 2")
    np.testing.assert_allclose(drawn.get_offsets(), np.column_stack([x[:, 1], y[:, 1]]))
    np.testing.assert_allclose(drawn.get_array(), EPOCHS)
    (joined,) = [one for one in ax.collections if hasattr(one, "get_segments")]
    np.testing.assert_allclose(joined.get_segments(), np.stack([x, y], axis=-1))
    shades = joined.get_colors()[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(shades) > 0).all()


def test_panels_share_axes_and_colours(plane):
    longer = plane.assign_coords(epoch=np.array(EPOCHS) * 10)
    longer = longer.assign(mi_input=longer.mi_input * 1.5)
    longer.mi_input.attrs["quantity"] = "H(T at 50 bins)"
    figure = plots.bin_size([(30, plane), (50, longer)])
    left, right = figure.axes[:2]
    assert [left.get_title(), right.get_title()] == ["30 bins", "50 bins"]
    assert left.get_xlim() == right.get_xlim()
    assert left.get_xlim()[1] > float(longer.mi_input.max()) / LN2
    assert points(left, "output").norm(30) == points(right, "output").norm(30)
    assert "bins" not in left.get_xlabel()
    assert "30 bins" in plots.path_panels([("tanh", plane)]).axes[0].get_xlabel()


def test_panels_give_a_layer_one_marker_whatever_the_depth(plane):
    shallow = plane.isel(layer=[0, 2])
    figure = plots.path_panels([("1 hidden", shallow), ("2 hidden", plane)])
    left, right = figure.axes[:2]
    for layer in ("hidden 1", "output"):
        shapes = [points(ax, layer).get_paths()[0].vertices for ax in (left, right)]
        np.testing.assert_array_equal(*shapes)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()][:3] == LAYERS


@pytest.mark.parametrize("unit", ["bits", "nats"])
@pytest.mark.parametrize("which", ["mi_input", "mi_target"])
def test_information_curves(plane, which, unit):
    ax = plots.information_curves(plane, which=which, unit=unit)
    values = plane[which].to_numpy() * FACTOR[unit]
    for k, layer in enumerate(LAYERS):
        np.testing.assert_allclose(line(ax, layer), np.column_stack([EPOCHS, values[:, :, k].mean(0)]))
    band = ax.collections[0].get_paths()[0].vertices
    low, high = interval(values[:, :, 0])
    np.testing.assert_allclose([band[:, 1].min(), band[:, 1].max()], [low.min(), high.max()])


@pytest.mark.parametrize("unit", ["bits", "nats"])
def test_training_curves(plane, unit):
    ax = plots.training_curves(plane, unit=unit)
    loss = plane.loss_test.to_numpy().mean(0) * FACTOR[unit]
    np.testing.assert_allclose(line(ax, "loss, test"), np.column_stack([EPOCHS, loss]))
    (other,) = [one for one in ax.figure.axes if one is not ax]
    np.testing.assert_allclose(line(other, "error, train")[:, 1], 1 - plane.accuracy_train.to_numpy().mean(0))


def test_a_loss_of_regression_has_no_unit_of_information():
    ds = make_plane(target="float")
    ax = plots.training_curves(ds)
    np.testing.assert_allclose(line(ax, "loss, train")[:, 1], ds.loss_train.to_numpy().mean(0))
    assert "bits" not in ax.get_ylabel()


def test_gradient_phases_are_relative_to_weights_and_marked(plane):
    from infoplane.plane import gradient_phases

    ax = plots.gradient_phases(plane)
    for k, layer in enumerate(LAYERS):
        for part, name in (("mean", "gradient_mean"), ("deviation", "gradient_std")):
            relative = (plane[name] / plane.weight_norm).to_numpy()[:, :, k].mean(0)
            np.testing.assert_allclose(line(ax, f"{layer}, {part}")[:, 1], relative)
    marks = [one.get_xdata()[0] for one in ax.lines if one.get_label() == "drift to diffusion"]
    epochs = gradient_phases(plane).drift_to_diffusion_epoch.mean("seed").to_numpy()
    np.testing.assert_allclose(marks, epochs[np.isfinite(epochs)])
    assert ax.get_legend().get_title().get_text() == "batch size 256"
    raw = plots.gradient_phases(plane.drop_vars("weight_norm"))
    np.testing.assert_allclose(line(raw, "output, mean")[:, 1], plane.gradient_mean.to_numpy()[:, :, 2].mean(0))
    assert "not divided" in raw.get_ylabel()


def test_layers_that_never_cross_have_no_mark(plane):
    plane["gradient_mean"] = plane.gradient_std * 2
    ax = plots.gradient_phases(plane)
    assert not [one for one in ax.lines if one.get_label() == "drift to diffusion"]


@pytest.mark.parametrize("unit", ["bits", "nats"])
def test_converged_and_compression(plane, unit):
    other = make_plane(draw=1)
    ax = plots.converged([("5 %", plane), ("85 %", other)], unit=unit)
    last = np.column_stack([other[n].to_numpy()[:, -1].mean(0) for n in ("mi_input", "mi_target")])
    np.testing.assert_allclose(line(ax, "85 %"), last * FACTOR[unit])
    ax = plots.compression([("tanh", plane), ("relu", other)], unit=unit)
    drawn = [one.get_ydata()[0] for one in ax.lines if one.get_marker() not in ("None", None, "")]
    falls = np.concatenate([ds.compression.to_numpy().mean(0) for ds in (plane, other)])
    np.testing.assert_allclose(drawn, falls * FACTOR[unit])
    assert [text.get_text() for text in ax.get_xticklabels()] == ["tanh", "relu"]
    without = plots.compression([("tanh", plane.drop_vars(["compression", "compression_null"]))], unit=unit)
    again = [one.get_ydata()[0] for one in without.lines if one.get_marker() not in ("None", None, "")]
    np.testing.assert_allclose(again, falls[:3] * FACTOR[unit])


def test_depth(table):
    ax = plots.depth(table)
    np.testing.assert_allclose(line(ax, "fit")[:, 1], np.exp(7.4 - 0.7 * np.array([2, 4])))
    (bars,) = ax.containers
    np.testing.assert_allclose(bars[0].get_ydata(), table.epochs_to_full)
    ends = np.array(bars[2][0].get_segments()[2:])[:, :, 1]
    np.testing.assert_allclose(ends, [[168, 300], [72, 120]])
    words = legend_words(ax)
    assert "median not reached" in words
    assert any(f"{np.exp(-0.7):.2g}" in word for word in words)
    assert ax.get_xticklabels()[0].get_text().startswith("1\n25")


@pytest.mark.parametrize("count", [2, 6, 10])
def test_layers_survive_grey(count):
    shades = [np.dot(to_rgb(look.colour), [0.2126, 0.7152, 0.0722]) for look in looks(count)]
    assert (np.diff(shades) > 0.5 / count / 2).all()
    assert shades[-1] < 0.85  # still to be seen on white
    assert len({look.marker for look in looks(count)}) == count
    ramp = colour_map()(np.linspace(0, 1, 256))[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(ramp) >= 0).all()
