"""Pictures along the depth of a network: chains, floors, checkpoints and their errors."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import infoplane as ip
from infoplane import plots

CELLS = ("seed", "epoch", "layer")


def plane(seeds: int = 1) -> xr.Dataset:
    values = np.array([[[3.0, 1.0, 2.0], [2.5, 0.5, 2.2]]]) + np.arange(seeds)[:, None, None]
    found = xr.Dataset(
        {"mi_input": (CELLS, values), "mi_target": (CELLS, values / 2)},
        {"seed": np.arange(seeds), "epoch": [0, 9], "layer": ["stem", "inner", "block"]},
        {"ceiling_mi_target": 2.3},
    )
    for name in ("mi_input", "mi_target"):
        found[name].attrs = {"quantity": "I(X;T)", "direction": "estimate"}
        found[f"{name}_stderr"] = (CELLS, np.full(values.shape, 0.1))
    return found


def drawn(ax) -> list[tuple[list, list]]:
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in ax.get_lines()]


def test_a_line_a_checkpoint_through_the_chain() -> None:
    ax = plots.layer_profile(plane(), chain=["stem", "block"], unit="nats", step="update")
    assert ([0, 2], [3.0, 2.0]) in drawn(ax)
    assert ([1], [1.0]) in drawn(ax)  # passed by: a mark of its own
    legend = ax.get_legend()
    assert legend is not None
    assert [t.get_text() for t in legend.get_texts()] == ["update 0", "update 9", "passed by"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["stem", "inner", "block"]


def test_bars_are_errors_of_one_network_and_intervals_of_several() -> None:
    (low, high) = plots.layer_profile(plane(), unit="nats").collections[0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((3.0 - 0.196, 3.0 + 0.196))
    (low, high) = plots.layer_profile(plane(3), unit="nats").collections[0].get_segments()[0][:, 1]
    assert 3.0 <= low < 4.0 < high <= 5.0


def test_floors_and_ceilings_of_the_label() -> None:
    floors = xr.DataArray([0.2, 1.1], dims="epoch", coords={"epoch": [0, 9]})
    ax = plots.layer_profile(plane(), which="mi_target", floors=floors, unit="nats")
    levels = [line.get_ydata()[0] for line in ax.get_lines() if line.get_linestyle() in (":", "--")]
    assert levels == pytest.approx([0.2, 1.1, 2.3])
    figure = plots.layer_profile_panels({"one": plane(), "other": plane()}, floors=floors)
    assert len(figure.axes) == 4


def test_long_labels_stand_in_two_lines_and_short_ones_in_one() -> None:
    long, short = plane(), plane()
    long["mi_input"].attrs["quantity"] = "I(X;T) of the noisy network, of compressed variables"
    short["mi_input"].attrs["quantity"] = "H(T at 30 bins)"
    assert plots.layer_profile(long).get_ylabel() == "I(X;T) of the noisy network, of\ncompressed variables  (bits)"
    assert plots.layer_profile(short).get_ylabel() == r"$I(X;\hat{T})$ = H(T at 30 bins)  (bits)"


def test_what_is_missing_leaves_a_gap() -> None:
    holes = plane()
    holes["mi_input"][0, 0, 1] = np.nan
    assert np.isnan(drawn(plots.layer_profile(holes, unit="nats"))[0][1][1])


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ip.InputError, match="chain names 'blok'"):
        plots.layer_profile(plane(), chain=["blok"])
    with pytest.raises(ip.InputError, match="'mi_input' or 'mi_target'"):
        plots.layer_profile(plane(), which="mi_inputs")
    with pytest.raises(ip.InputError, match="at least one plane"):
        plots.layer_profile_panels({})
