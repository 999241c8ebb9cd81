"""Values between the ends of brackets: what is drawn is what the plane says, layer by layer and run by run."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from plot_planes import make_plane

from infoplane import InputError, plots


def noisy_plane(draw=0):
    """A plane with brackets, whose ends lie unequally far from the value."""
    ds = make_plane(draw=draw)
    return ds.assign(
        {
            f"{name}_bracket_{end}": ds[name] + shift
            for name in ("mi_input", "mi_target")
            for end, shift in (("lower", -0.1), ("upper", 0.3))
        }
    )


NOISY = noisy_plane()


@pytest.mark.parametrize(("unit", "factor"), [("nats", 1.0), ("bits", 1 / np.log(2))])
@pytest.mark.parametrize("which", ["mi_input", "mi_target"])
def test_lines_are_means_and_bands_go_from_end_to_end(which, unit, factor):
    ax = plots.bracket_curves(NOISY, which=which, unit=unit)
    lines = [line for line in ax.lines if not line.get_label().startswith("_")]
    assert [line.get_label() for line in lines] == ["hidden 1", "hidden 2", "output"]
    assert f"({unit})" in ax.get_ylabel()
    for k, line in enumerate(lines):
        middle = NOISY[which][:, :, k].mean("seed") * factor
        np.testing.assert_allclose(line.get_ydata(), middle)
        band = ax.collections[2 * k].get_paths()[0].vertices[:, 1]  # a band, then error bars, for every layer
        assert band.min() == pytest.approx(float(middle.min()) - 0.1 * factor)
        assert band.max() == pytest.approx(float(middle.max()) + 0.3 * factor)


def test_runs_side_by_side_show_one_layer():
    runs = [("no penalty", NOISY), ("penalty", noisy_plane(1).isel(layer=[1]))]
    ax = plots.bracket_runs(runs, "hidden 2", unit="nats")
    lines = [line for line in ax.lines if not line.get_label().startswith("_")]
    for line, (label, ds) in zip(lines, runs, strict=True):
        assert line.get_label() == label
        np.testing.assert_allclose(line.get_ydata(), ds.mi_input.sel(layer="hidden 2").mean("seed"))
    assert len({line.get_color() for line in lines}) == 2


def test_panels_have_a_column_a_run_and_nothing_is_cut_off():
    proxies = make_plane().assign(ratio=lambda ds: ds.mi_target / ds.mi_input)
    runs = {"one": (NOISY, proxies), "other": (noisy_plane(1), proxies)}
    figure = plots.bracket_panels(runs, {"ratio": {"label": "spread"}, "weight_norm": {}})
    assert isinstance(figure, Figure)
    grid = np.reshape(figure.axes, (3, 2))
    assert [ax.get_title() for ax in grid[0]] == ["one", "other"]
    assert [ax.get_ylabel() for ax in grid[:, 0]] == ["I(X;T)  (bits)", "spread", "weight_norm"]
    assert not any(ax.get_ylabel() for ax in grid[:, 1])
    figure.draw_without_rendering()
    shown = figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    assert min(shown.x0, shown.y0) >= -1
    assert max(shown.x1 - figure.bbox.x1, shown.y1 - figure.bbox.y1) <= 1


def test_one_sentence_for_what_does_not_fit():
    with pytest.raises(InputError, match="needs mi_input_bracket_lower and _upper"):
        plots.bracket_curves(make_plane())
    with pytest.raises(InputError, match="which is 'mi_input' or 'mi_target'"):
        plots.bracket_curves(NOISY, which="mi_inputs")
    with pytest.raises(InputError, match="'bits' or 'nats'"):
        plots.bracket_curves(NOISY, unit="bit")
    with pytest.raises(InputError, match="no layer 'hidden 9' in a; it has hidden 1"):
        plots.bracket_runs([("a", NOISY)], "hidden 9")
    with pytest.raises(InputError, match="at least one run and one measure"):
        plots.bracket_panels({}, {"weight_norm": {}})
    with pytest.raises(InputError, match="layers hidden 1, hidden 2, output in every dataset; b differs"):
        plots.bracket_panels({"b": (NOISY, make_plane().isel(layer=[0]))}, {"weight_norm": {}})
