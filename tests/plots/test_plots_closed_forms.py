"""Pictures of closed forms with what was measured beside them: the numbers drawn, and what is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from infoplane import InputError, plots

BITS = 1 / np.log(2)
WEIGHTS = np.geomspace(0.1, 100, 7)
PARTS = {"mi_input": "I(X;T)", "mi_relevant": "I(X relevant; T)"}


def curves() -> xr.DataArray:
    values = np.log1p(np.outer([1.0, 2.0], WEIGHTS))
    return xr.DataArray(values, {"activation": ["tanh", "relu"], "weight": WEIGHTS}, ("activation", "weight"))


def repeated(values: xr.DataArray, off: float = 0.0) -> xr.DataArray:
    return (values + off).expand_dims(seed=4) + xr.DataArray([-0.1, 0.1, -0.2, 0.2], dims="seed")


def linear() -> xr.Dataset:
    random, dims = np.random.default_rng(0), ("seed", "epoch", "layer")
    names = ("mi_input", "mi_target", "mi_relevant")
    values = {name: (dims, random.random((3, 4, 2))) for name in names}
    losses = {name: (dims[:2], random.random((3, 4))) for name in ("loss_population", "loss_train")}
    coords = {"seed": [0, 1, 2], "epoch": [0, 1, 10, 100], "layer": ["hidden 1", "output"]}
    return xr.Dataset({**values, **losses}, coords)


def rendered(figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=40)
    return buffer.getvalue()


def test_lines_are_the_truth_points_the_means_and_bands_the_bounds() -> None:
    ax = Figure().add_subplot()
    some = repeated(curves().isel(weight=[0, 3]))
    bounds = repeated(curves(), -0.5), repeated(curves(), 0.5)
    assert plots.against_weight(curves(), ax, estimates=some, bounds=bounds) is ax
    lines = [line for line in ax.lines if line.get_linestyle() != "None"]
    points = [line for line in ax.lines if line.get_linestyle() == "None"]
    for k in range(2):
        np.testing.assert_allclose(lines[k].get_ydata(), curves()[k] * BITS)
        np.testing.assert_allclose(points[k].get_ydata(), curves()[k, [0, 3]] * BITS, atol=1e-12)
    assert "(bits)" in ax.get_ylabel()
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["tanh", "relu", "from samples", "bounds from samples"]
    assert rendered(ax.figure)


def test_panels_against_the_weight_have_one_legend() -> None:
    figure = plots.weight_panels(
        {"a": (curves(), {"estimates": repeated(curves())}), "b": (curves(), {}), "c": (curves(), {})}
    )
    assert [ax.get_title() for ax in figure.axes] == ["a", "b", "c"]
    assert [ax.get_legend() is not None for ax in figure.axes] == [False, True, False]
    assert rendered(figure)


def test_parts_are_means_over_networks() -> None:
    exact, measured = linear(), linear() + 0.1
    ax = plots.information_parts(exact, "output", PARTS, measured=measured, unit="nats")
    lines = [line for line in ax.lines if line.get_linestyle() != "None"]
    points = [line for line in ax.lines if line.get_linestyle() == "None"]
    for k, name in enumerate(PARTS):
        truth = exact[name].sel(layer="output").mean("seed")
        np.testing.assert_allclose(lines[k].get_ydata(), truth)
        np.testing.assert_allclose(points[k].get_ydata(), truth + 0.1)
    assert "(nats)" in ax.get_ylabel()
    assert rendered(ax.figure)


def test_part_panels_have_a_row_a_run_and_a_column_a_layer() -> None:
    figure = plots.part_panels({"few": (linear(), linear()), "many": (linear(), None)}, PARTS)
    assert [ax.get_title() for ax in figure.axes] == ["loss", "hidden 1", "output", "", "", ""]
    assert figure.axes[3].get_ylabel().startswith("many")
    assert rendered(figure)


def test_what_cannot_be_drawn_is_refused() -> None:
    wrong = {
        "arrays over activation, weight": lambda: plots.against_weight(curves().isel(weight=0)),
        "arrays over activation, weight, seed": lambda: plots.against_weight(curves(), estimates=curves()),
        "at least one panel": lambda: plots.weight_panels({}),
        "'bits' or 'nats'": lambda: plots.against_weight(curves(), unit="bit"),
        "lacks 'hidden 9'": lambda: plots.information_parts(linear(), "hidden 9", PARTS),
        "lacks mi_other": lambda: plots.information_parts(linear(), "output", {"mi_other": "?"}),
        "at least one plane": lambda: plots.part_panels({}, PARTS),
        "lacks loss_train": lambda: plots.part_panels({"few": (linear().drop_vars("loss_train"), None)}, PARTS),
    }
    for part, draw in wrong.items():
        with pytest.raises(InputError) as caught:
            draw()
        assert part in str(caught.value)
