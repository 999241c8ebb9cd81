"""Pictures of infinitely wide ensembles: what is drawn is what the datasets hold."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import infoplane as ip
from infoplane import plots

TIMES = np.array([0.0, 1.0, 10.0, np.inf])


@pytest.fixture
def ensemble() -> xr.Dataset:
    values = {"mi_input": [0.0, 1.0, 2.0, 3.0], "mi_target": [-0.1, 0.2, 0.4, 0.3], "loss_gibbs": [2.0, 1.0, 0.9, 1.1]}
    values |= {"mi_input_lower": [0.0, 0.9, 1.5, 1.6], "fisher_trace": [5.0] * 4}
    return xr.Dataset({k: ("time", v) for k, v in values.items()}, {"time": TIMES}, {"kind": "ensemble"})


def lines(ax) -> list[tuple[list[float], list[float]]]:
    return [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in ax.get_lines() if len(line.get_xdata())]


def test_a_quantity_over_time_with_its_ends(ensemble: xr.Dataset) -> None:
    ax = plots.over_time(ensemble, "loss_gibbs")
    assert lines(ax) == [([1.0, 10.0], [1.0, 0.9]), ([1 / 3], [2.0]), ([30.0], [1.1])]
    assert ax.get_xscale() == "log"
    assert ax.get_ylabel() == "Gibbs loss, test  (nats)"
    assert plots.over_time(ensemble, "fisher_trace", unit="bits").get_ylabel() == "trace of the Fisher information"
    in_bits = lines(plots.over_time(ensemble, "mi_input", unit="bits"))[0][1]
    np.testing.assert_allclose(in_bits, np.array([1.0, 2.0]) / np.log(2))


def test_several_data_sets_have_a_mean_and_a_band(ensemble: xr.Dataset) -> None:
    several = xr.concat([ensemble, ensemble + 1.0, ensemble + 2.0], "seed")
    ax = plots.over_time({"one": several, "other": ensemble}, "loss_gibbs")
    np.testing.assert_allclose(lines(ax)[0], ([1.0, 10.0], [2.0, 1.9]))
    assert len(ax.collections) == 1
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["one", "other"]


def test_panels_hold_what_was_asked_for(ensemble: xr.Dataset) -> None:
    figure = plots.over_time_panels(ensemble, ["loss_gibbs", "mi_input", "mi_target", "fisher_trace"])
    assert len(figure.axes) == 4


def test_the_plane_has_the_path_and_the_optimum(ensemble: xr.Dataset) -> None:
    curve = ip.bottleneck.gaussian_curve([[1.0]], [[1.0]], [[0.9]], np.geomspace(1.3, 1e3, 30))
    ax = plots.ensemble_plane({"net": ensemble}, curve=curve)
    assert ([0.0, 1.0, 2.0, 3.0], [-0.1, 0.2, 0.4, 0.3]) in lines(ax)
    drawn = next(line for line in ax.get_lines() if line.get_color() == "0.45")
    most = -0.5 * np.log(1 - 0.81 * (1 - np.exp(-2 * np.asarray(drawn.get_xdata()))))
    # The chords of thirty points lie a little above the curve.
    np.testing.assert_allclose(drawn.get_ydata(), most, atol=0.02)
    legend = ax.get_legend()
    assert legend is not None
    assert "Information Bottleneck" in [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda one: plots.over_time({}, "loss_gibbs"), "no ensemble"),
        (lambda one: plots.over_time(one, "entropy"), "has no entropy"),
        (lambda one: plots.over_time(one.isel(time=0), "loss_gibbs"), "over time"),
        (lambda one: plots.over_time_panels(one, []), "at least one"),
        (lambda one: plots.over_time(one, "loss_gibbs", unit="bit"), "unit"),
    ],
)
def test_what_does_not_fit_is_refused(ensemble: xr.Dataset, draw, words: str) -> None:
    with pytest.raises(ip.InputError, match=words):
        draw(ensemble)
