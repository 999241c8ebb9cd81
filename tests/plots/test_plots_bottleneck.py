"""Pictures of bottleneck curves: what every one keeps, and that the points drawn are the numbers of the dataset."""

import io

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from plot_curves import BETAS, LAWS, WEIGHTS, doubtful, make_curve, without_clusters
from plot_planes import make_plane

from infoplane import InputError, plots
from infoplane.plots.beta import critical_betas, label_shown
from infoplane.plots.frontier import frontier

LN2 = np.log(2)
FACTOR = {"bits": 1 / LN2, "nats": 1.0}
OF_INFORMATION = {
    "bottleneck_curve": plots.bottleneck_curve,
    "information_against_beta": plots.information_against_beta,
    "cost_curve": plots.cost_curve,
}
OF_CLUSTERS = {
    "bifurcation": plots.bifurcation,
    "cluster_weights": plots.cluster_weights,
    "cluster_tree": plots.cluster_tree,
}
ALL = {**OF_INFORMATION, **OF_CLUSTERS, "gap_curve": plots.gap_curve}
CURVES = {
    "plain": make_curve(),
    "chords": make_curve(interpolated=True),
    "dual": make_curve("DualIB()"),
    "doubtful": doubtful(make_curve()),
    "no gap": make_curve(gap=np.nan),
    "gap of 0": make_curve(gap=0.0),
    "one beta": make_curve().isel(beta=[3]),
    "one cluster": make_curve().isel(beta=[0], cluster=[0]),
    "no attributes": make_curve().assign_attrs(onset=np.inf, first="?", critical_betas="[", mi_joint=0.31),
    "names of y": make_curve().assign_coords(y=["no", "yes"]),
    "beta 0": make_curve().assign_coords(beta=[0.0, *BETAS[1:]]),
    "wide": make_curve().assign_coords(beta=np.geomspace(1e-3, 1e4, 5)),
    "other order": make_curve().transpose("y", "cluster", "beta"),
    "no clusters": without_clusters(make_curve()),
}


def rendered(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=40)
    return buffer.getvalue()


def line(ax, label):
    (found,) = [one for one in ax.lines if one.get_label() == label]
    return np.column_stack(found.get_data())


def legend_words(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in ALL for kind in CURVES if name not in OF_CLUSTERS or kind != "no clusters"],
)
def test_draws_every_kind_of_curve_on_the_axes_given(name, kind):
    ds = CURVES[kind].copy(deep=True)
    ax = Figure().add_subplot()
    assert ALL[name](ds, ax=ax) is ax
    assert rendered(ax.figure)
    xr.testing.assert_identical(ds, CURVES[kind])


@pytest.mark.parametrize("name", ALL)
def test_makes_a_figure_of_its_own_in_which_nothing_is_cut_off(name):
    for curve in (make_curve(), make_curve("DualIB()", interpolated=True)):
        ax = ALL[name](curve)
        assert isinstance(ax, Axes)
        figure = ax.figure
        assert isinstance(figure, Figure)
        figure.draw_without_rendering()
        inside, shown = figure.bbox, figure.get_tightbbox().transformed(figure.dpi_scale_trans)
        assert shown.x0 >= inside.x0 - 1
        assert shown.y0 >= inside.y0 - 1
        assert shown.x1 <= inside.x1 + 1
        assert shown.y1 <= inside.y1 + 1
        legend = ax.get_legend()
        assert legend is not None
        area = legend.get_window_extent()
        assert not any(area.overlaps(one.get_window_extent().shrunk(0.99, 0.99)) for one in figure.axes)
        assert ALL[name](curve, legend=False).get_legend() is None


@pytest.mark.parametrize("name", OF_INFORMATION)
def test_prints_the_unit_and_refuses_another(name):
    for unit in ("bits", "nats"):
        assert f"({unit})" in ALL[name](make_curve(), unit=unit).get_ylabel()
    with pytest.raises(InputError, match="'bits' or 'nats'"):
        ALL[name](make_curve(), unit="bit")


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("wrong", [make_plane(), xr.Dataset(), 3, make_curve().drop_vars(["mi_target"]).isel(beta=[])])
def test_says_what_a_wrong_dataset_lacks(name, wrong):
    with pytest.raises(InputError, match=r"needs a curve|needs mi_target|nothing to plot"):
        ALL[name](wrong)


def test_says_which_variables_and_labels_there_are():
    with pytest.raises(InputError, match="needs marginal, decoder; the curve has mi_input"):
        plots.bifurcation(CURVES["no clusters"])
    with pytest.raises(InputError, match="the labels are 0 to 1"):
        plots.bifurcation(make_curve(), label=2)
    with pytest.raises(InputError, match="did you mean 'yes'"):
        plots.bifurcation(CURVES["names of y"], label="yess")
    for nothing in ([], {}, None):
        with pytest.raises(InputError, match="needs a curve, a list"):
            plots.bottleneck_curve(nothing)


def test_leaves_settings_alone():
    before = dict(matplotlib.rcParams)
    for draw in ALL.values():
        draw(make_curve())
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("unit", ["bits", "nats"])
def test_the_curve_and_its_ceilings(unit):
    curve = make_curve()
    ax = plots.bottleneck_curve(curve, unit=unit)
    expected = np.column_stack([curve.mi_input, curve.mi_target]) * FACTOR[unit]
    np.testing.assert_allclose(line(ax, "curve"), expected)
    np.testing.assert_allclose(line(ax, "gap ≤ 1e-7 nats"), expected)
    levels = [one.get_ydata()[0] for one in ax.lines if list(one.get_xdata()) == [0, 1]]
    uprights = [one.get_xdata()[0] for one in ax.lines if list(one.get_ydata()) == [0, 1]]
    np.testing.assert_allclose([*levels, *uprights], np.array([0.31, 1.05]) * FACTOR[unit])
    assert not {"not certified", "not converged", "chord, interpolated"} & set(legend_words(ax))


def test_points_on_chords_without_a_gap_and_unconverged_are_marked():
    curve = doubtful(make_curve(interpolated=True))
    ax = plots.bottleneck_curve(curve, unit="nats")
    x, y = curve.mi_input.to_numpy(), curve.mi_target.to_numpy()
    kinds = {"gap ≤ 1e-7 nats": [0, 4, 5], "not certified": [1, 2], "chord, interpolated": [3], "not converged": [4]}
    for label, at in kinds.items():
        np.testing.assert_allclose(line(ax, label), np.column_stack([x[at], y[at]]))
        assert label in legend_words(ax)


def test_several_curves_are_named_by_method_by_pairs_or_by_mapping():
    ib, dual = make_curve(), make_curve("DualIB()")
    for given, names in (
        ([ib, dual], ["IB", "DualIB"]),
        ([ib, ib], ["IB", "IB (2)"]),
        ([("a", ib), ("b", dual)], ["a", "b"]),
        ({"one": ib, "other": dual}, ["one", "other"]),
    ):
        assert legend_words(plots.bottleneck_curve(given))[:2] == names


def test_what_no_encoder_reaches_lies_above_every_certificate():
    curve = make_curve(gap=1e-3)
    rates = np.linspace(0, 2, 41)
    lines = [rates, np.full(41, 0.31)]
    for beta, x, y in zip(BETAS, curve.mi_input.to_numpy(), curve.mi_target.to_numpy(), strict=True):
        lines.append(y + (rates - x + 1e-3) / beta)
    known = frontier([curve])
    assert known.certified
    np.testing.assert_allclose(known.above(rates), np.min(lines, axis=0))
    for other in (make_curve("DIB()"), make_curve(gap=np.nan)):
        bare = frontier([other])
        assert not bare.certified
        np.testing.assert_allclose(bare.above(rates), np.minimum(rates, 0.31))
    of_two_problems = frontier([curve, make_curve(mi_joint=0.4)])
    assert of_two_problems.mi_joint is None
    np.testing.assert_allclose(of_two_problems.above(rates), rates)


def test_the_grey_region_begins_at_the_frontier():
    ax = plots.bottleneck_curve(make_curve(), unit="nats")
    edge = ax.collections[0].get_paths()[0].vertices
    below = edge[edge[:, 1] < ax.get_ylim()[1] - 1e-9]
    np.testing.assert_allclose(below[:, 1], frontier([make_curve()]).above(below[:, 0]), atol=1e-12)
    assert "out of reach (certificates)" in legend_words(ax)
    assert "out of reach: I(T;Y) > I(X;T)" in legend_words(plots.bottleneck_curve(make_curve("DIB()")))


@pytest.mark.parametrize("draw", [plots.bifurcation, plots.cluster_weights])
def test_clusters_stand_at_their_law_or_weight_with_area_by_weight(draw):
    curve = make_curve(interpolated=True)  # whose chord is left out
    ax = draw(curve)
    (marks,) = ax.collections
    counts = [len(w) for w in WEIGHTS]
    heights = LAWS if draw is plots.bifurcation else WEIGHTS
    expected = np.column_stack([np.repeat(BETAS, counts), np.concatenate(heights)])
    np.testing.assert_allclose(marks.get_offsets(), expected)
    areas = marks.get_sizes()
    np.testing.assert_allclose(areas / areas[0], np.concatenate(WEIGHTS))
    joints = line(ax, "links").reshape(-1, 3, 2)[:, :2]
    np.testing.assert_allclose(joints[0], [[1.0, heights[0][0]], [2.0, heights[1][0]]])
    # The clusters 0.85 and 0.95 at beta 6 are nearer, by KL, to 0.9 at beta 3 than to 0.2.
    np.testing.assert_allclose(joints[5:7, 0], [[3.0, heights[2][1]]] * 2)
    assert len(joints) == sum(counts[1:])


def test_the_label_shown_is_the_one_that_varies_most_or_the_one_asked_for():
    three = make_curve()
    ones = three["decoder"].isel(y=1)
    three = three.drop_vars("decoder")
    three["decoder"] = (("beta", "cluster", "y"), np.stack([ones * 0.1, ones * 0.9, 1 - ones], axis=-1))
    assert label_shown(three, None) == (2, "2")
    assert label_shown(make_curve(), None) == (1, "1")  # of two, which vary alike, the last
    named = CURVES["names of y"]
    assert label_shown(named, "no") == label_shown(named, 0) == (0, "no")
    assert plots.bifurcation(named, label="no").get_ylabel() == "p(y = no | t)"
    assert "geometric" in plots.bifurcation(make_curve("DualIB()")).get_ylabel()


def test_critical_betas_are_drawn_where_the_curve_knows_them():
    drawn = plots.bifurcation(make_curve())
    assert [one.get_xdata()[0] for one in drawn.lines if one.get_label() != "links"] == [1.5, 1.75]
    assert legend_words(drawn)[-2:] == ["onset, 1.5", "first local critical beta, 1.75"]
    assert list(critical_betas(CURVES["no attributes"])) == []
    gaussian = plots.information_against_beta(CURVES["no clusters"])
    assert "critical betas" in legend_words(gaussian)
    assert [b for _, b in critical_betas(CURVES["no clusters"])] == [1.5, 4.0]
    close = plots.bifurcation(make_curve(onset=1.50001, first=1.50002))
    assert legend_words(close)[-2:] == ["onset, 1.50001", "first local critical beta, 1.50002"]
    outside = plots.bifurcation(make_curve(onset=0.2, first=0.2))
    assert [one.get_label() for one in outside.lines] == ["links"]


@pytest.mark.parametrize("unit", ["bits", "nats"])
def test_informations_and_counts_against_beta(unit):
    curve = make_curve("DualIB()", interpolated=True)
    ax = plots.information_against_beta(curve, unit=unit)
    for name, label in (("mi_input", "I(X;T)"), ("mi_target", "I(T;Y)"), ("mi_target_geometric", "geometric")):
        np.testing.assert_allclose(line(ax, label), np.column_stack([curve.beta, curve[name] * FACTOR[unit]]))
    (other,) = [one for one in ax.figure.axes if one is not ax]
    np.testing.assert_allclose(line(other, "n_clusters"), np.column_stack([BETAS, [1, 2, 2, 3, 3]]))
    assert other.get_xlim() == ax.get_xlim()
    gaussian = plots.information_against_beta(CURVES["no clusters"])
    (other,) = [one for one in gaussian.figure.axes if one is not gaussian]
    assert other.get_ylabel() == "components"
    places = [one.transData.transform([(3.0, 0)])[0, 0] for one in (other, gaussian)]
    assert places[0] == pytest.approx(places[1])


def test_costs_and_what_has_no_bits():
    curve = make_curve()
    ax = plots.cost_curve(curve)
    np.testing.assert_allclose(line(ax, "cost")[:, 1], curve.objective / LN2)
    np.testing.assert_allclose(line(ax, "free energy")[:, 1], curve.free_energy / LN2)
    squared = plots.cost_curve(make_curve("SquaredIB()"))
    np.testing.assert_allclose(line(squared, "cost")[:, 1], curve.objective)
    assert "in nats" in squared.get_ylabel()


def test_gaps_stand_on_a_logarithmic_axis_with_the_tolerance():
    curve = doubtful(make_curve())
    curve["gap"][0] = 0.0
    ax = plots.gap_curve(curve)
    assert ax.get_yscale() == "log"
    np.testing.assert_allclose(line(ax, "gap"), [[3.0, 1e-3], [6.0, 1e-14], [12.0, 1e-14]])
    np.testing.assert_allclose(line(ax, "0, or rounding"), [[1.0, 1e-17]])
    assert [one.get_ydata()[0] for one in ax.lines if list(one.get_xdata()) == [0, 1]] == [1e-7]
    assert [text.get_text() for text in ax.texts] == ["no gap is known at 1 of 5 betas"]
    assert plots.gap_curve(make_curve(gap=np.nan)).texts[0].get_text() == "no gap is known"
    assert "256 starts" in ax.get_legend().get_title().get_text()


def test_the_standard_picture_has_four_panels_with_or_without_clusters():
    labels = [ax.get_ylabel() for ax in plots.bottleneck_panels(make_curve()).axes]
    assert any(text.startswith("p(y = 1 | t)") for text in labels)
    bare = plots.bottleneck_panels(CURVES["no clusters"], unit="nats")
    assert any(ax.get_ylabel() == "cost  (nats)" for ax in bare.axes)
    assert len(bare.axes) == len(labels) == 5  # one is the right axis of the counts
    assert rendered(bare)
