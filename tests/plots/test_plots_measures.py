"""Pictures of layer measures, activations and noise sweeps: what they show, and what they refuse."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from infoplane import InputError, plots

EPOCHS = [0, 1, 5, 40]
LAYERS = ["hidden 1", "hidden 2"]
CELLS = ("seed", "epoch", "layer")


def measures(seeds: int = 3) -> xr.Dataset:
    random = np.random.default_rng(0)
    shape = (seeds, len(EPOCHS), len(LAYERS))
    return xr.Dataset(
        {
            "n_codes": (CELLS, random.integers(1, 100, shape)),
            "left": (CELLS, random.random(shape), {"unit": "nats", "quantity": "H(X|T)"}),
            "nothing": (CELLS, np.full(shape, np.nan)),
            "per_seed": (("seed", "epoch"), random.random(shape[:2])),
        },
        coords={"seed": np.arange(seeds), "epoch": EPOCHS, "layer": LAYERS},
    )


def activity() -> xr.Dataset:
    histogram = np.zeros((len(EPOCHS), 2, 10))
    histogram[:, 0, 3], histogram[:, 1, 9] = 1.0, 0.999
    histogram[:, 1, 0] = 0.001 * np.array([0.5, 1.0, 1.0, 1.0])
    return xr.Dataset(
        {
            "histogram": (("epoch", "layer", "bin"), histogram),
            "low": ("layer", [-1.0, 0.0]),
            "high": ("layer", [1.0, 5.0]),
        },
        coords={"seed": [0], "epoch": EPOCHS, "layer": LAYERS},
    )


def sweep(seeds: int = 3) -> xr.Dataset:
    sigma = np.array([0.01, 0.1, 1.0, 10.0])
    top = 3.0 / (1 + sigma[:, None, None, None] * np.ones((1, seeds, len(EPOCHS), 2)))
    values = {"mi_input_lower": top / 2, "mi_input_upper": top, "mi_target_lower": top / 9, "mi_target_upper": top / 3}
    return xr.Dataset(
        {name: (("sigma", *CELLS), value) for name, value in values.items()},
        coords={"sigma": sigma, "seed": np.arange(seeds), "epoch": EPOCHS, "layer": LAYERS},
        attrs={"ceiling_mi_input": 4.0, "ceiling_mi_target": 0.7, "relative": 0},
    )


DRAWN = {
    "layer_curves": lambda ax=None, **o: plots.layer_curves(measures(), "left", ax, **o),
    "activity_map": lambda ax=None, **o: plots.activity_map(activity(), "hidden 1", ax, **o),
    "against_noise": lambda ax=None, **o: plots.against_noise(sweep(), "hidden 2", ax, **o),
}
PANELS = {
    "measure_panels": lambda: plots.measure_panels(
        {"tanh": measures(), "ReLU": measures()}, {"n_codes": {"label": "codes", "scale": "log"}, "left": {}}
    ),
    "activity_panels": lambda: plots.activity_panels({"tanh": activity(), "ReLU": activity()}, LAYERS),
    "noise_panels": lambda: plots.noise_panels({"tanh": sweep(), "ReLU": sweep()}, LAYERS),
}


def rendered(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=40)
    return buffer.getvalue()


@pytest.mark.parametrize("name", DRAWN)
def test_draws_on_the_axes_given_or_on_its_own(name: str) -> None:
    ax = Figure().add_subplot()
    assert DRAWN[name](ax) is ax
    own = DRAWN[name]()
    assert isinstance(own, Axes)
    assert rendered(own.figure)  # pyright: ignore
    with pytest.raises(InputError, match="must be a matplotlib Axes"):
        DRAWN[name](ax=1)


@pytest.mark.parametrize("name", PANELS)
def test_panels_have_titles_above_and_epochs_or_noise_below(name: str) -> None:
    figure = PANELS[name]()
    assert rendered(figure)
    panels = figure.axes[:4]
    assert [bool(ax.get_title()) for ax in panels] == [True, True, False, False]
    assert [bool(ax.get_xlabel()) for ax in panels] == [False, False, True, True]
    assert [bool(ax.get_ylabel()) for ax in panels] == [True, False, True, False]
    figure.draw_without_rendering()
    shown = figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    assert shown.x0 >= figure.bbox.x0 - 1
    assert shown.x1 <= figure.bbox.x1 + 1


def test_curves_are_means_over_networks_in_the_unit_asked_for() -> None:
    for unit, factor in (("bits", 1 / math.log(2)), ("nats", 1.0)):
        ax = plots.layer_curves(measures(), "left", unit=unit)
        lines = {line.get_label(): line for line in ax.lines}
        expected = measures()["left"].mean("seed").sel(layer="hidden 2") * factor
        np.testing.assert_allclose(np.asarray(lines["hidden 2"].get_ydata()), expected)
        assert ax.get_ylabel() == f"H(X|T)  ({unit})"
    ax = plots.layer_curves(measures(), "n_codes", scale="log")  # no information, so no unit
    assert (ax.get_ylabel(), ax.get_yscale()) == ("n_codes", "log")
    assert rendered(plots.layer_curves(measures(1), "nothing").figure)  # pyright: ignore


def test_a_map_shows_shares_where_the_activations_are() -> None:
    ax = plots.activity_map(activity(), "hidden 2")
    (mesh,) = (c for c in ax.collections if isinstance(c, QuadMesh))
    values = np.ma.filled(np.ma.masked_invalid(mesh.get_array()), 0.0).reshape(10, len(EPOCHS))
    np.testing.assert_allclose(values[9], 0.999)
    np.testing.assert_allclose(values[0], [0.0, 0.001, 0.001, 0.001])  # below one in a thousand stays white
    assert not values[1:9].any()
    assert ax.get_ylim() == (0.0, 5.0)
    edges = mesh.get_coordinates()[0, :, 0]  # pyright: ignore
    assert (edges[:-1] <= EPOCHS).all()
    assert (edges[1:] >= EPOCHS).all()


def test_a_band_reaches_from_the_mean_lower_to_the_mean_upper_bound() -> None:
    ax = plots.against_noise(sweep(), "hidden 1", epochs=[0, 40], unit="nats")
    drawn = [line for line in ax.lines if line.get_label() == "epoch 40"]
    low, high = (np.asarray(line.get_ydata()) for line in drawn)
    np.testing.assert_allclose(low, 1.5 / (1 + sweep().sigma))
    np.testing.assert_allclose(high, 3.0 / (1 + sweep().sigma))
    assert {line.get_label() for line in ax.lines if str(line.get_label()).startswith("epoch")} == {
        "epoch 0",
        "epoch 40",
    }
    assert ax.get_ylim()[1] == pytest.approx(1.08 * 4.0)
    relative = plots.against_noise(sweep().assign_attrs(relative=1), "hidden 1", which="mi_target")
    assert relative.get_xlabel() == "sigma / std(T)"
    assert relative.get_ylabel() == "I(T + noise; Y)  (bits)"


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.layer_curves(measures(), "loss"), "needs loss"),
        (lambda: plots.layer_curves(measures(), "per_seed"), "it lacks layer"),
        (lambda: plots.layer_curves(measures(), "left", scale="square"), "'linear' and 'log', got 'square'"),
        (lambda: plots.layer_curves(measures(), "left", unit="bit"), "'bits' or 'nats'"),
        (lambda: plots.measure_panels({}, {"left": {}}), "at least one run"),
        (lambda: plots.measure_panels({"a": measures(), "b": measures().isel(layer=[0])}, {"left": {}}), "same layers"),
        (lambda: plots.activity_map(measures(), "hidden 1"), "lacks histogram, low, high"),
        (lambda: plots.activity_map(activity(), "hidden 9"), "a layer of this dataset, hidden 1, hidden 2"),
        (lambda: plots.activity_panels({"a": activity()}, []), "one run and one layer"),
        (lambda: plots.against_noise(measures(), "hidden 1"), "lacks mi_input_lower, mi_input_upper, sigma"),
        (lambda: plots.against_noise(sweep(), "output"), "got 'output'"),
        (lambda: plots.against_noise(sweep(), "hidden 1", which="loss"), "'mi_input' or 'mi_target', got 'loss'"),
        (lambda: plots.noise_panels({}, LAYERS), "one run and one layer"),
    ],
)
def test_says_what_it_needs(draw, message) -> None:
    with pytest.raises(InputError, match=message):
        draw()
