"""What every plot function keeps: its Axes, the global settings, one sentence for bad input, all kinds of planes."""

import io
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from plot_planes import make_plane, make_table

from infoplane import InputError, plots


def pair(draw):
    """A plot of several planes, as one of a single plane."""
    return lambda ds, **options: draw([("5 %", ds), ("85 %", ds)], **options)


OF_ONE = {
    "plane": plots.plane,
    "plane up to an epoch": lambda ds, **options: plots.plane(ds, epoch=5, **options),
    "plane_snapshot": plots.plane_snapshot,
    "plane_paths": plots.plane_paths,
    "training_curves": plots.training_curves,
    "gradient_phases": plots.gradient_phases,
    "information_curves": lambda ds, **options: plots.information_curves(ds, bounds=True, **options),
    "information_curves of the target": lambda ds, **options: plots.information_curves(
        ds, which="mi_target", **options
    ),
    "converged": pair(plots.converged),
    "compression": pair(plots.compression),
}
UNITLESS = {"gradient_phases"}

with_nan = make_plane()
with_nan["mi_input"][1, 2, 0] = np.nan
with_nan["mi_target"][:, :, 1] = np.nan
with_nan["mi_input"][0, 0, 2] = np.inf
with_nan["loss_train"][0, 1] = np.nan
with_nan["gradient_mean"][0] = np.nan
with_nan["drift_to_diffusion_epoch"][:, 0] = np.nan

PLANES = {
    "classes": make_plane(),
    "nan": with_nan,
    "one network": make_plane(1),
    "no dimension seed": make_plane(2).isel(seed=0),
    "one checkpoint": make_plane().isel(epoch=[2]),
    "one layer": make_plane().isel(layer=[1]),
    "float target": make_plane(target="float"),
    "soft rule": make_plane(soft=True),
    "pairwise bounds": make_plane(bounds=True),
    "full batch": make_plane().assign(gradient_std=lambda ds: ds.gradient_std * 0),
    "no epoch 0": make_plane().isel(epoch=slice(1, None)),
    "no summary": make_plane().drop_vars(["compression", "compression_null", "drift_to_diffusion_epoch"]),
    "another order of dimensions": make_plane().transpose("layer", "epoch", "seed"),
}


def rendered(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=40)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", PLANES)
@pytest.mark.parametrize("name", OF_ONE)
def test_draws_every_kind_of_plane_on_the_axes_given(name, kind):
    ds = PLANES[kind].copy(deep=True)
    figure = Figure()
    ax = figure.add_subplot()
    assert OF_ONE[name](ds, ax=ax) is ax
    assert rendered(figure)
    xr.testing.assert_identical(ds, PLANES[kind])


@pytest.mark.parametrize("name", OF_ONE)
def test_makes_a_figure_of_its_own_without_axes(name, plane):
    ax = OF_ONE[name](plane)
    assert isinstance(ax, Axes)
    assert isinstance(ax.figure, Figure)
    assert ax.figure.get_layout_engine() is not None


@pytest.mark.parametrize("name", OF_ONE)
def test_no_words_are_cut_off_or_on_one_another(name, plane):
    figure = OF_ONE[name](plane).figure
    figure.draw_without_rendering()
    inside, shown = figure.bbox, figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    assert shown.x0 >= inside.x0 - 1
    assert shown.y0 >= inside.y0 - 1
    assert shown.x1 <= inside.x1 + 1
    assert shown.y1 <= inside.y1 + 1
    legends = [ax.get_legend() for ax in figure.axes if ax.get_legend()] + figure.legends
    assert legends
    for legend in legends:
        area = legend.get_window_extent()
        assert not any(area.overlaps(ax.get_window_extent().shrunk(0.99, 0.99)) for ax in figure.axes)


@pytest.mark.parametrize("name", sorted(set(OF_ONE) - UNITLESS))
def test_prints_the_unit_and_refuses_another(name, plane):
    for unit in ("bits", "nats"):
        ax = OF_ONE[name](plane, unit=unit)
        assert f"({unit})" in ax.get_ylabel()
    with pytest.raises(InputError, match="'bits' or 'nats'"):
        OF_ONE[name](plane, unit="bit")


@pytest.mark.parametrize("name", OF_ONE)
@pytest.mark.parametrize("wrong", [[1, 2, 3], xr.Dataset(), make_table(), make_plane().drop_vars("mi_target")])
def test_says_what_a_wrong_dataset_lacks(name, wrong):
    if name in ("training_curves", "gradient_phases") and isinstance(wrong, xr.Dataset) and "loss_train" in wrong:
        pytest.skip("needs no mi_target")
    with pytest.raises(InputError, match="needs"):
        OF_ONE[name](wrong)


@pytest.mark.parametrize("name", OF_ONE)
def test_asks_to_choose_among_splits(name, plane):
    both = xr.concat([plane, plane], xr.DataArray(["train", "test"], dims="split", name="split"))
    with pytest.raises(InputError, match=r"sel\(split='train'\)"):
        OF_ONE[name](both)


def test_refuses_what_is_no_axes_and_no_epoch(plane):
    with pytest.raises(InputError, match="must be a matplotlib Axes"):
        plots.plane(plane, ax=Figure())
    with pytest.raises(InputError, match="epoch must be a number"):
        plots.plane_snapshot(plane, "last")
    with pytest.raises(InputError, match="did you mean 'mi_input'"):
        plots.information_curves(plane, which="mi_inputs")
    with pytest.raises(InputError, match="list of"):
        plots.converged(plane)
    with pytest.raises(InputError, match="same layers"):
        plots.converged([("a", plane), ("b", plane.isel(layer=[0]))])
    with pytest.raises(InputError, match="epochs_to_full"):
        plots.depth(plane)


def test_leaves_settings_alone(plane, table):
    before = dict(matplotlib.rcParams)
    for draw in OF_ONE.values():
        draw(plane)
    plots.depth(table)
    plots.figures(plane)
    assert dict(matplotlib.rcParams) == before


def test_never_imports_pyplot():
    code = """if True:
        import io, sys
        import numpy as np, xarray as xr
        from infoplane import plots
        random = np.random.default_rng(0)
        cells = ("seed", "epoch", "layer")
        about = {"quantity": "I", "direction": "exact"}
        ds = xr.Dataset(
            {n: (cells, random.random((3, 4, 2)), about) for n in ("mi_input", "mi_target")},
            coords={"seed": range(3), "epoch": [0, 1, 2, 5], "layer": ["a", "b"]},
        )
        for figure in plots.figures(ds).values():
            figure.savefig(io.BytesIO())
        sys.exit("matplotlib.pyplot" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_standard_set(plane):
    assert list(plots.figures(plane)) == ["plane", "snapshots", "paths", "information", "training", "gradient-phases"]
    bare = plane[["mi_input", "mi_target"]]
    drawn = plots.figures(bare, unit="nats")
    assert list(drawn) == ["plane", "snapshots", "paths", "information"]
    assert all(isinstance(figure, Figure) and rendered(figure) for figure in drawn.values())
    assert [ax.get_title() for ax in drawn["snapshots"].axes] == ["epoch 0", "epoch 4", "epoch 200"]
