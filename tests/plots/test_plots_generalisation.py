"""What a layer forgets against test accuracy: the points are the networks', the scale keeps all of them in view."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from plot_planes import make_plane

from infoplane import InputError, plots

OTHER = make_plane(3, draw=1)


@pytest.mark.parametrize(("unit", "factor"), [("nats", 1.0), ("bits", 1 / np.log(2))])
def test_every_network_is_a_point(plane, unit, factor):
    ax = plots.against_accuracy([("relu", plane), ("relu, L2", OTHER)], "hidden 2", unit=unit)
    assert ax.get_xlabel() == f"fall of I(X;T) after its maximum  ({unit})"
    for line, ds in zip(ax.lines, (plane, OTHER), strict=True):
        np.testing.assert_allclose(line.get_xdata(), ds.compression.sel(layer="hidden 2") * factor)
        np.testing.assert_allclose(line.get_ydata(), 100 * ds.accuracy_test[:, -1])
    without = plots.against_accuracy([("relu", plane.drop_vars("compression"))], "hidden 2", unit=unit)
    np.testing.assert_allclose(without.lines[0].get_xdata(), ax.lines[0].get_xdata())


def test_a_run_with_l2_is_the_same_mark_open(plane):
    lines = plots.against_accuracy([("relu", plane), ("relu, L2", OTHER), ("tanh, L2", plane)], "output").lines
    plain, open_one, alone = lines
    assert plain.get_marker() == open_one.get_marker() != alone.get_marker()
    assert plain.get_color() == open_one.get_color() != alone.get_color()
    assert plain.get_markerfacecolor() != "none"
    assert open_one.get_markerfacecolor() == alone.get_markerfacecolor() == "none"


def test_perfect_networks_and_networks_at_chance_are_both_in_the_picture(plane):
    accuracy = plane.accuracy_test.copy(data=np.linspace(0.0, 1.0, plane.accuracy_test.size).reshape(4, -1))
    ax = plots.against_accuracy([("a", plane.assign(accuracy_test=accuracy))], "output")
    low, high = ax.get_ylim()
    shown = ax.lines[0].get_ydata()
    assert low <= shown.min() < shown.max() == 100 == high
    assert [text.get_text() for text in ax.get_yticklabels()][-3:] == ["98", "99", "100"]


def test_panels_share_the_axis_of_accuracy_and_nothing_is_cut_off(plane):
    figure = plots.accuracy_panels([("relu", plane), ("relu, L2", OTHER)], ["hidden 1", "hidden 2", "output"])
    assert isinstance(figure, Figure)
    assert [ax.get_title() for ax in figure.axes] == ["hidden 1", "hidden 2", "output"]
    assert len({ax.get_ylim() for ax in figure.axes}) == 1
    figure.draw_without_rendering()
    shown = figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    assert min(shown.x0, shown.y0) >= -1
    assert max(shown.x1 - figure.bbox.x1, shown.y1 - figure.bbox.y1) <= 1


def test_one_sentence_for_what_is_missing(plane):
    with pytest.raises(InputError, match="no layer 'hidden 9' in a; it has hidden 1, hidden 2, output"):
        plots.against_accuracy([("a", plane)], "hidden 9")
    with pytest.raises(InputError, match="needs accuracy_test"):
        plots.against_accuracy([("a", make_plane(target="float"))], "output")
    with pytest.raises(InputError, match=r"needs a list of \(label, plane\) pairs"):
        plots.against_accuracy(plane, "output")
    with pytest.raises(InputError, match="'bits' or 'nats'"):
        plots.against_accuracy([("a", plane)], "output", unit="bit")
    with pytest.raises(InputError, match="accuracy_panels needs a list of layers"):
        plots.accuracy_panels([("a", plane)], "output")
