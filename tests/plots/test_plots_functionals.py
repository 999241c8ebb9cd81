"""Pictures of several functionals, and of scores against samples: what is drawn, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from infoplane import InputError, plots
from infoplane.bottleneck import IB, DualIB, Joint, curve

JOINT = Joint([[6, 3, 1], [2, 8, 2], [1, 4, 9]])


@pytest.fixture(scope="module")
def curves() -> dict[str, xr.Dataset]:
    betas = np.geomspace(2.5, 20, 8)
    return {"IB": curve(JOINT, betas, IB()), "dual": curve(JOINT, betas, DualIB())}


def lines_of(ax) -> dict[str, np.ndarray]:
    return {str(line.get_label()): np.asarray(line.get_ydata(), dtype=float) for line in ax.lines}


def test_shares_are_of_the_ceilings(curves):
    ax = plots.information_shares(curves, which="mi_target")
    drawn = lines_of(ax)
    np.testing.assert_allclose(drawn["IB"], curves["IB"].mi_target / JOINT.mutual_information)
    np.testing.assert_allclose(drawn["geometric"], curves["dual"].mi_target_geometric / JOINT.mutual_information)
    given = Figure().add_subplot()
    assert plots.information_shares(curves, given) is given
    np.testing.assert_allclose(lines_of(given)["dual"], curves["dual"].mi_input / JOINT.entropy_x)
    with pytest.raises(InputError, match="mi_input or mi_target"):
        plots.information_shares(curves, which="gap")


def test_panels_have_a_place_for_everything(curves):
    figure = plots.curve_panels({"one": curves, "two": {"IB": curves["IB"]}, "three": curves})
    assert [ax.get_title() for ax in figure.axes] == ["one", "two", "three"]
    figure = plots.bifurcation_panels(curves, label=2)
    assert [ax.get_title() for ax in figure.axes[:2]] == ["IB", "dual"]
    assert len(figure.axes) == 4
    for draw in (plots.curve_panels, plots.bifurcation_panels):
        with pytest.raises(InputError, match="at least one"):
            draw({})


def random_table() -> xr.Dataset:
    axes = {"shape": ["8x4", "9x4"], "seed": [0, 1], "noise": [0.01, 0.1], "beta": [2.0, 3.0, 5.0]}
    excess = np.full((2, 2, 2, 3), 1e-3)
    excess[0, 1] = 1e-15
    excess[1, 1] = np.nan
    table = xr.Dataset({"forward_excess": (tuple(axes), excess)}, axes)
    table["onset"] = (("shape", "seed"), [[1.5, 2.0], [2.5, np.nan]])
    table["first"] = (("shape", "seed"), [[1.6, 2.1], [5.0, np.nan]])
    return table


def test_forward_annealing_shows_the_worst_joint():
    figure = plots.forward_panels(random_table())
    assert [ax.get_title() for ax in figure.axes] == ["8x4: 2 joints", "9x4: 1 joints"]
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), 1e-3)
    with pytest.raises(InputError, match="forward_excess"):
        plots.forward_panels(random_table().drop_vars("forward_excess"))


def test_onsets_are_where_they_are():
    ax = plots.onsets(random_table())
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [1.6, 2.1])
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), [2.5, np.nan])
    with pytest.raises(InputError, match="onset and first"):
        plots.onsets(xr.Dataset())


def scores(shift: float = 0.0) -> xr.DataArray:
    values = np.arange(12.0).reshape(3, 4) + shift
    return xr.DataArray(values, {"seed": [0, 1, 2], "n": [1.0, 10.0, 100.0, np.inf]}, ("seed", "n"))


def test_scores_against_samples_are_means_with_the_known_law_apart():
    ax = plots.against_samples({"a": scores(), "b": scores(1.0)}, label="nats", zero=True)
    ends = [(line.get_xdata(), line.get_ydata()) for line in ax.lines]
    np.testing.assert_array_equal(ends[0][0], [1, 10, 100])
    np.testing.assert_array_equal(ends[0][1], [4, 5, 6])
    np.testing.assert_array_equal(ends[1][0], [300])
    np.testing.assert_array_equal(ends[1][1], [7])
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1", "10", "100", "known"]
    assert ax.get_ylabel() == "nats"
    given = Figure().add_subplot()
    assert plots.against_samples({"a": scores().isel(n=slice(None, 3))}, given) is given


def test_panels_of_scores_agree_on_their_looks():
    figure = plots.sample_panels({"one": {"a": scores(), "b": scores()}, "two": {"b": scores()}}, "nats")
    one, two = figure.axes
    assert two.lines[0].get_color() == one.lines[2].get_color() != one.lines[0].get_color()
    assert [text.get_text() for text in two.get_legend().get_texts()] == ["a", "b"]
    figure.canvas.draw()


def test_other_scores_are_refused():
    with pytest.raises(InputError, match="at least one line"):
        plots.against_samples({})
    with pytest.raises(InputError, match="over n and seed"):
        plots.against_samples({"a": scores().isel(seed=0)})
    with pytest.raises(InputError, match="at least one panel"):
        plots.sample_panels({})
