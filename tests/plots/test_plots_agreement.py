"""Estimators side by side: what is written and marked in the matrix, on the sweep of the noise, in the panels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from agreement_planes import BITS, FALL, FLAT, SHAKE, bins, noisy, path
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from infoplane import InputError, plots
from infoplane.plane import agreement, by_estimator
from infoplane.plots.style import colour_map

LAYERS = {"falls": path(FALL), "stays": path(FLAT), "shakes": path(SHAKE, 0.3)}
FULL = {name: values + 3.8 for name, values in LAYERS.items()}  # of 8 bits
PLANES = [bins(LAYERS), bins(FULL, range="snapshot"), noisy(LAYERS, 0.1), noisy(LAYERS, 1.0, width=3.0)]
SWEEP = [noisy({n: v * s for n, v in LAYERS.items()}, 1 - s, m) for m in (False, True) for s in (0.9, 0.5, 0.02)]


@pytest.fixture(scope="module")
def table():
    return agreement(PLANES)


def words(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def fits(figure: Figure) -> bool:
    figure.draw_without_rendering()
    inside, shown = figure.bbox, figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    return shown.x0 >= -1 and shown.y0 >= -1 and shown.x1 <= inside.x1 + 1 and shown.y1 <= inside.y1 + 1


@pytest.mark.parametrize("unit", ["bits", "nats"])
def test_the_matrix_writes_falls_and_bounds_and_who_cannot_tell(table, unit):
    ax = plots.agreement(table, unit=unit)
    factor = BITS if unit == "bits" else 1.0
    telling = table.fall.values[table.blind.values == ""] * factor
    assert [w for w in words(ax) if w[0].isdigit()] == [f"{v:.2f}" for v in telling]
    assert [w for w in words(ax) if w[0].isalpha()] == ["at ceiling"] * 2
    assert f"[{1.5 * factor / BITS:.1f}, {2.5 * factor / BITS:.1f}]" in words(ax)
    strong = [text.get_text() for text in ax.texts if text.get_fontweight() == "bold"]
    assert len(strong) == int((table.proved == "holds").sum()) == 1
    assert f"({unit})" in ax.figure.axes[-1].get_ylabel()


def test_every_verdict_has_its_mark(table):
    ax = plots.agreement(table)
    marks = [one for one in ax.lines if one.get_marker() in ("o", "x")]
    drawn = {
        (int(one.get_xdata()[0]), int(one.get_ydata()[0])): (one.get_marker(), one.get_markerfacecolor())
        for one in marks
    }
    kinds = {"holds": ("o", False), "unclear": ("o", True), "fails": ("x", False)}
    for row in range(4):
        for column in range(3):
            cell = table.isel(estimator=row, layer=column)
            if cell.blind.item():
                assert (column, row) not in drawn
            else:
                marker, face = drawn[column, row]
                assert (marker, face == "none") == kinds[cell.verdict.item()]


def test_the_darker_the_more_is_lost(table):
    boxes = [p for p in plots.agreement(table).patches if isinstance(p, Rectangle)]
    shades = {p.get_xy(): to_rgb(p.get_facecolor()) for p in boxes if not p.get_hatch()}
    assert len(shades) == 10
    assert len([p for p in boxes if p.get_hatch()]) == 2
    assert min(shades, key=lambda place: np.dot(shades[place], [0.2126, 0.7152, 0.0722]))[0] == 0  # "falls"
    most = table.fall.values.argmax() // 3
    np.testing.assert_allclose(shades[0, most], colour_map()(0)[:3], atol=0.01)


def test_lines_part_resolutions_that_stay_from_those_that_move(table):
    ax = plots.agreement(table)
    borders = [one.get_ydata()[0] for one in ax.lines if len(one.get_xdata()) == 2]
    assert borders == [1, 2]  # fixed bins, moving bins, fixed noise


def test_the_matrix_takes_planes_too_and_fits():
    ax = plots.agreement(PLANES)
    assert [t.get_text() for t in ax.get_yticklabels()] == agreement(PLANES).estimator.values.tolist()
    assert fits(ax.figure)
    alone = plots.agreement(by_estimator(dict(zip("abcd", PLANES, strict=True))), legend=False)
    assert words(alone) == words(ax)
    assert alone.get_legend() is None
    given = Figure().add_subplot()
    assert plots.agreement(PLANES[:2], given) is given
    with pytest.raises(InputError, match="'bits' or 'nats'"):
        plots.agreement(PLANES, unit="bit")
    with pytest.raises(InputError, match="two estimators"):
        plots.agreement(PLANES[:1])


def test_the_sweep_draws_falls_and_what_bounds_say_of_them():
    ax = plots.fall_against_noise(SWEEP, "falls")
    sweep = agreement(SWEEP).sel(layer="falls")
    sigmas = np.array([0.1, 0.5, 0.98])
    for line, rows in zip([c for c in ax.containers if c.has_yerr], (slice(0, 3), slice(3, 6)), strict=True):
        np.testing.assert_allclose(line.lines[0].get_xdata(), sigmas)
        np.testing.assert_allclose(line.lines[0].get_ydata(), sweep.fall[rows] * BITS)
    for band, rows in zip(ax.collections[::2], (slice(0, 3), slice(3, 6)), strict=True):
        drawn = band.get_paths()[0].vertices
        assert drawn[:, 1].min() == pytest.approx(float(sweep.least[rows].min()) * BITS)
        assert drawn[:, 1].max() == pytest.approx(float(sweep.most[rows].max()) * BITS)
    filled = [one for one in ax.lines if one.get_marker() == "o" and one.get_markerfacecolor() != "white"]
    seen = sigmas[sweep.verdict.values[:3] == "holds"]
    assert 0 < len(seen) < 3
    np.testing.assert_allclose(filled[0].get_xdata(), seen)
    assert fits(ax.figure)


def test_one_panel_a_layer_on_one_scale():
    figure = plots.fall_panels(SWEEP, unit="nats")
    assert [ax.get_title() for ax in figure.axes] == list(LAYERS)
    assert len({ax.get_ylim() for ax in figure.axes}) == 1
    assert sum("(nats)" in ax.get_ylabel() for ax in figure.axes) == 1
    assert fits(figure)


def test_a_sweep_needs_noises_and_a_layer():
    with pytest.raises(InputError, match="two noises or more"):
        plots.fall_against_noise([bins(LAYERS), noisy(LAYERS, 0.1)], "falls")
    with pytest.raises(InputError, match="no layer 'hidden'"):
        plots.fall_against_noise(SWEEP, "hidden")


def test_panels_of_one_layer_show_every_estimator_and_bands_for_bounds():
    odd = bins(LAYERS, 10).assign_attrs(estimator="KSG()", channel="AdditiveGaussian(sigma=0.1, relative=False)")
    figure = plots.estimator_panels([*PLANES, noisy(LAYERS, 0.1, True), odd], "falls")
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == [
        "bins that stay",
        "bins that move with T",
        "noise that stays",
        "noise that moves with T",
        "other estimators",
    ]
    ax = figure.axes[2]
    means = [one for one in ax.lines if len(one.get_xdata()) == 30]
    for drawn, band, plane in zip(means, ax.collections, PLANES[2:], strict=True):
        np.testing.assert_allclose(drawn.get_ydata(), plane.mi_input.sel(layer="falls").mean("seed") * BITS)
        lowest = plane.mi_input_lower.sel(layer="falls").mean("seed").min() * BITS
        assert band.get_paths()[0].vertices[:, 1].min() == pytest.approx(float(lowest))
    shown = [text.get_text() for ax in figure.axes for text in ax.get_legend().get_texts()]
    assert {"30 bins, fixed range", "noise 0.1", "noise 0.1 std(T)", "KSG, noise 0.1"} < set(shown)
    assert fits(figure)
    figure.savefig(io.BytesIO(), dpi=40)
    with pytest.raises(InputError, match="no layer 'hidden'"):
        plots.estimator_panels(PLANES, "hidden")
    with pytest.raises(InputError, match="at least one plane"):
        plots.estimator_panels([], "falls")
