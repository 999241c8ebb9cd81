"""Pictures of estimates against a known truth."""

import io

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from infoplane import InputError, plots

ROUTES = ["coordinates: A", "PCA codes: A", "autoencoder codes: A", "images: A"]


def estimates(laws=("one", "two")):
    random = np.random.default_rng(0)
    mis = np.linspace(0, 10, 6)
    shape = (len(laws), len(ROUTES), len(mis), 3)
    values = mis[:, None] + 0.1 * random.standard_normal(shape)
    values[:, 3, 1::2] = np.nan  # measured at every second truth
    values[0, 2, :, 2] = np.inf
    coords = {"law": list(laws), "route": ROUTES, "mi": mis, "seed": [0, 1, 2]}
    return xr.Dataset({"mi_estimate": (tuple(coords), values)}, coords)


def rendered(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=40)
    return buffer.getvalue()


@pytest.mark.parametrize("difference", [False, True])
def test_curves_are_the_means_and_the_truth_is_red(difference):
    dataset = estimates().sel(law="two")
    before = dataset.copy(deep=True)
    ax = Figure().add_subplot()
    assert plots.against_truth(dataset, ax, difference=difference) is ax
    xr.testing.assert_identical(dataset, before)
    red = [line for line in ax.lines if line.get_color() == "red"]
    assert len(red) == 1
    np.testing.assert_allclose(red[0].get_ydata(), [0, 0] if difference else [0, 10])
    curve = next(line for line in ax.lines if line.get_color() != "red")
    expected = dataset.mi_estimate[0].mean("seed") - (dataset.mi if difference else 0)
    np.testing.assert_allclose(curve.get_ydata(), expected, atol=1e-12)
    assert len(ax.collections) == len(ROUTES)  # a band each
    assert rendered(ax.figure)


def test_bits_and_a_choice_of_routes():
    ax = plots.against_truth(estimates().isel(law=0), routes=["images: A"], unit="bits")
    assert "(bits)" in ax.get_xlabel()
    curve = next(line for line in ax.lines if line.get_color() != "red")
    np.testing.assert_allclose(curve.get_xdata(), np.array([0, 4, 8]) / np.log(2))


def test_panels_have_a_row_a_law_and_a_column_an_input():
    dataset = estimates()
    dataset["mi_estimate"][:, 3] = np.nan  # a route that nobody measured has no column
    figure = plots.against_truth_panels(dataset)
    titles = [ax.get_title() for ax in figure.axes]
    assert titles == ["one: coordinates", "one: codes", "two: coordinates", "two: codes"]
    figure.draw_without_rendering()
    inside, shown = figure.bbox, figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    assert shown.x0 >= inside.x0 - 1
    assert shown.y0 >= inside.y0 - 1
    assert shown.x1 <= inside.x1 + 1
    assert shown.y1 <= inside.y1 + 1


def test_latent_sizes_rings_the_true_one():
    mis, dims = [0.0, 2.0], [1, 2, 4]
    coords = {"law": ["one"], "latent": dims, "route": ["a"], "mi": mis, "seed": [0, 1, 2]}
    values = np.broadcast_to(np.array(mis)[:, None] + np.array([0.5, 0.1, 0.3])[:, None, None, None], (1, 3, 1, 2, 3))
    dataset = xr.Dataset({"mi_estimate": (tuple(coords), values.copy())}, coords)
    dataset["found"] = (("law", "seed"), [[2, 2, 3]])
    dataset["true"] = (("law", "seed"), [[2, 2, 2]])
    ax = plots.latent_sizes(dataset)
    ring = next(line for line in ax.lines if line.get_color() == "red")
    np.testing.assert_allclose([*ring.get_xdata(), *ring.get_ydata()], [2, 0.1])
    assert "found: 2, 3" in ax.get_legend().get_texts()[0].get_text()
    assert rendered(ax.figure)


def test_a_route_ends_where_it_refuses_as_dimensions_grow():
    values = np.array([[2.0, 2.2], [1.0, 1.2], [0.1, 0.3]])[:, None, None, :] + np.zeros((3, 2, 1, 2))
    values[2, 0] = np.nan
    coords = {"dim": [1, 4, 40], "route": ["coordinates: A", "coordinates: B"], "mi": [2.0], "seed": [0, 1]}
    ax = plots.against_dimension(xr.Dataset({"mi_estimate": (tuple(coords), values)}, coords), unit="bits")
    points = [line for line in ax.lines if line.get_marker() in ("o", "s")]
    for line, end in zip(points, (2, 3), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), [1, 4, 40][:end])
        np.testing.assert_allclose(line.get_ydata(), np.array([2.1, 1.1, 0.2][:end]) / np.log(2))
    (red,) = [line for line in ax.lines if line.get_color() == "red"]
    np.testing.assert_allclose(red.get_ydata(), 2.0 / np.log(2))
    assert "(bits)" in ax.get_ylabel()
    assert rendered(ax.figure)


def test_one_sentence_for_what_cannot_be_drawn():
    dataset = estimates()
    for draw, wrong, says in (
        (plots.against_truth, dataset, r"sel\(law="),
        (plots.against_truth, xr.Dataset(), "mi_estimate"),
        (plots.against_truth, dataset.isel(law=0, route=0, drop=True), "lacks route"),
        (plots.against_truth_panels, dataset.isel(law=0), "over law"),
        (plots.latent_sizes, dataset, "latent sizes"),
        (plots.against_dimension, dataset, "over dim"),
    ):
        with pytest.raises(InputError, match=says):
            draw(wrong)
    with pytest.raises(InputError, match="no route 'B'"):
        plots.against_truth(dataset.isel(law=0), routes=["B"])
    with pytest.raises(InputError, match="'bits' or 'nats'"):
        plots.against_truth(dataset.isel(law=0), unit="bit")
