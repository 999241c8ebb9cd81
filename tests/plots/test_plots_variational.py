"""Pictures of models trained for the bottleneck: what is drawn is what the dataset holds."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

import infoplane as ip
from infoplane import plots

SHAPE = ("objective", "beta", "seed", "epoch", "split")


def models(seeds: int = 2) -> xr.Dataset:
    """VIB at betas 2, 4 and 8, a baseline without a rate, two checkpoints; seeds apart by 0.2 nats."""
    size = (2, 4, seeds, 2, 2)
    values = {name: np.full(size, np.nan) for name in ("mi_input", "rate_conditional", "mi_target")}
    shift = 0.2 * np.arange(seeds)
    for name, row in {"mi_input": [1, 2, 8], "rate_conditional": [0.4, 1, 6], "mi_target": [0.5, 1, 2]}.items():
        for k, value in enumerate(row):
            values[name][0, k] = value + shift[:, None, None] - np.array([[0.05], [0.0]]) - np.array([0.0, 0.1])
    values["mi_target"][1, 3] = 2.0
    attributes = {"kind": "variational", "entropy_target_test": 2.3, "entropy_target_train": 2.2}
    coordinates = {"objective": ["VIB", "CrossEntropy"], "beta": [2.0, 4.0, 8.0, np.inf], "seed": range(seeds)}
    return xr.Dataset(
        {name: (SHAPE, array) for name, array in values.items()},
        coordinates | {"epoch": [0, 5], "split": ["train", "test"]},
        attributes | {"ceiling_mi_target": 2.3},
    )


def curves(ax) -> list[tuple[np.ndarray, np.ndarray]]:
    drawn = [line for line in ax.get_lines() if line.get_marker() not in ("None", "", None, "none")]
    return [(np.asarray(line.get_xdata()), np.asarray(line.get_ydata())) for line in drawn]


def test_the_plane_shows_means_of_the_last_checkpoint_on_the_part_asked_for() -> None:
    ((x, y),) = curves(plots.variational_plane(models()))
    np.testing.assert_allclose(x, np.array([1, 2, 8]) + 0.1 - 0.1)
    np.testing.assert_allclose(y, np.array([0.5, 1, 2]) + 0.1 - 0.1)
    ((x, _),) = curves(plots.variational_plane(models(), split="train"))
    np.testing.assert_allclose(x, np.array([1, 2, 8]) + 0.1)
    ((x, y),) = curves(plots.variational_plane(models(), unit="bits"))
    np.testing.assert_allclose(y, np.array([0.5, 1, 2]) / np.log(2))


def test_rates_are_named_by_what_they_bound() -> None:
    """The conditional rate is never drawn as I(X;Z), and forbids nothing."""
    marginal = plots.variational_plane(models())
    conditional = plots.variational_plane(models(), against="conditional")
    assert marginal.get_xlabel().startswith("I(X;Z), upper")
    assert conditional.get_xlabel().startswith("I(X;Z|Y), upper")
    ((x, _),) = curves(conditional)
    np.testing.assert_allclose(x, [0.4, 1, 6])
    legends = [[text.get_text() for text in ax.get_legend().get_texts()] for ax in (marginal, conditional)]  # type: ignore[union-attr]
    assert legends == [["VIB", "H(Y)", "I(Z;Y) = I(X;Z)"], ["VIB", "H(Y)"]]
    heights = [float(np.ravel(line.get_ydata())[0]) for line in marginal.get_lines() if line.get_linestyle() == "--"]
    assert heights == [2.3]


def test_bars_are_intervals_over_seeds_and_one_seed_has_none() -> None:
    bars = plots.variational_plane(models()).containers[0][2]  # type: ignore[index]
    ends = np.array([segment[:, 0] for segment in bars[0].get_segments()])
    np.testing.assert_allclose(ends[0], [0.9, 1.1])  # the bootstrap of two seeds reaches from one to the other
    alone = plots.variational_plane(models(1))
    assert len(curves(alone)) == 1
    assert len(curves(plots.variational_plane(models().isel(seed=0)))) == 1


def test_a_fitted_is_taken_as_its_dataset_and_panels_hold_both_axes() -> None:
    fitted = SimpleNamespace(dataset=models())
    np.testing.assert_array_equal(
        curves(plots.variational_plane(fitted))[0], curves(plots.variational_plane(models()))[0]
    )
    figure = plots.variational_panels(fitted)
    assert isinstance(figure, Figure)
    assert [ax.get_xlabel().split(",")[0] for ax in figure.axes] == ["I(X;Z)", "I(X;Z|Y)"]


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda ds: plots.variational_plane(ds.assign_attrs(kind="plane")), "variational.fit"),
        (lambda ds: plots.variational_plane(3), "variational.fit"),
        (lambda ds: plots.variational_plane(ds, split="tests"), "no part"),
        (lambda ds: plots.variational_plane(ds, against="conditonal"), "did you mean 'conditional'"),
        (lambda ds: plots.variational_plane(ds, unit="bit"), "unit"),
        (lambda ds: plots.variational_plane(ds.sel(objective=["CrossEntropy"])), "noisy encoder"),
    ],
)
def test_what_does_not_fit_is_refused(draw, words: str) -> None:
    with pytest.raises(ip.InputError, match=words):
        draw(models())
