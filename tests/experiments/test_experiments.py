"""Experiments: honest verdicts from numbers, runs that continue, results that carry their own story."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import infoplane as ip
from infoplane.experiments import base, verdicts
from infoplane.experiments.black_box import BlackBox
from infoplane.experiments.depth import _epochs_to_full
from infoplane.experiments.verdicts import Mean
from infoplane.plane.summary import add_summary


@pytest.mark.parametrize(
    ("mean", "above", "below"),
    [
        (Mean(2.0, 1.5, 2.5), "holds", "fails"),
        (Mean(0.5, 0.2, 0.8), "fails", "holds"),
        (Mean(1.1, 0.8, 1.4), "unclear", "unclear"),
        (Mean(math.nan, math.nan, math.nan), "unclear", "unclear"),
    ],
)
def test_a_verdict_follows_the_interval(mean, above, below):
    assert mean.above(1.0) == above
    assert mean.below(1.0) == below


def test_verdicts_combine():
    assert verdicts.all_of(["holds", "holds"]) == "holds"
    assert verdicts.all_of(["holds", "unclear"]) == "unclear"
    assert verdicts.all_of(["unclear", "fails"]) == "fails"
    assert verdicts.any_of(["fails", "unclear"]) == "unclear"
    assert verdicts.any_of(["fails", "holds"]) == "holds"
    assert [verdicts.opposite(v) for v in ("holds", "fails", "unclear")] == ["fails", "holds", "unclear"]


def _plane(paths: dict[str, np.ndarray], target: np.ndarray | None = None) -> xr.Dataset:
    """A plane of 12 networks whose I(X;T), in bits, follows the given paths up to a little noise."""
    random = np.random.default_rng(5)
    layers = list(paths)
    epochs = np.arange(len(next(iter(paths.values()))))
    level = np.stack([paths[name] for name in layers], axis=-1)[None] * np.ones((12, 1, 1))
    mi_input = (level + 0.005 * random.normal(size=level.shape)) * math.log(2)
    mi_target = np.zeros_like(mi_input) if target is None else target
    cells = ("seed", "epoch", "layer")
    dataset = xr.Dataset(
        {"mi_input": (cells, mi_input), "mi_target": (cells, mi_target)},
        coords={"seed": np.arange(12), "epoch": epochs, "layer": layers},
    )
    return add_summary(dataset)


def test_compression_is_seen_where_it_was_put_and_only_there():
    time = np.linspace(0, 1, 40)
    plane = _plane(
        {"hidden 1": 5 + time, "hidden 2": 5 + np.where(time < 0.3, time, 0.9 - 2 * time), "output": 0 * time}
    )
    assert verdicts.compresses(plane, "hidden 1") == "fails"
    assert verdicts.compresses(plane, "hidden 2") == "holds"
    assert verdicts.last_hidden(plane) == "hidden 2"
    assert verdicts.compression(plane, "hidden 2").value == pytest.approx(1.4, abs=0.1)


def test_noise_alone_is_not_compression():
    plane = _plane({"hidden 1": np.zeros(200), "output": np.zeros(200)})
    assert float(plane.compression.mean()) > 0  # a maximum of noise is above its end
    assert verdicts.compresses(plane, "hidden 1") == "fails"


def test_epochs_to_full_counts_networks_that_never_get_there_as_slow():
    ceiling = math.log(2)
    target = np.zeros((12, 40, 2))
    target[:7, 10:, 1] = ceiling  # seven of twelve arrive at epoch 10
    planes = {"1-hidden": _plane({"hidden 1": np.zeros(40), "output": np.zeros(40)}, target)}
    target = np.zeros((12, 40, 2))
    target[:5, 10:, 1] = ceiling  # five of twelve: the median network never arrives
    planes["2-hidden"] = _plane({"hidden 1": np.zeros(40), "output": np.zeros(40)}, target)
    for plane in planes.values():
        plane.attrs["ceiling_mi_target"] = ceiling
    table = _epochs_to_full(planes)
    np.testing.assert_array_equal(table.epochs_to_full, [10.0, np.nan])
    np.testing.assert_allclose(table.reached, [7 / 12, 5 / 12])


class _Tiny(BlackBox):
    """The real experiment's claims and figures on a run of seconds."""

    def measure(self, run: base.Run) -> dict[str, xr.Dataset]:
        network = ip.networks.MLP([12, 4, 3, 2])
        recording = run.ensemble("tanh", network, ip.data.twelve_bit(), epochs=6, checkpoint_epochs=4)
        return {
            "binned": run.plane("binned", recording, ip.estimators.Binned(10), null=4),
            "pairwise": run.plane("pairwise", recording, ip.estimators.PairwiseBounds(), epochs=[0, 6]),
        }


@pytest.mark.slow
def test_a_run_writes_everything_once_and_finds_it_again(tmp_path):
    first = _Tiny().run(quick=True, seeds=2, out=tmp_path / "run")
    names = {p.relative_to(tmp_path / "run").as_posix() for p in (tmp_path / "run").rglob("*") if p.is_file()}
    assert {"run.json", "claims.json", "report.html", "binned.nc", "pairwise.nc", "figures/plane.png"} <= names
    assert not [name for name in names if "partial" in name]
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "run" / "recordings").rglob("*.npz")}
    second = _Tiny().run(quick=True, seeds=2, out=tmp_path / "run")
    assert kept == {p: p.stat().st_mtime_ns for p in (tmp_path / "run" / "recordings").rglob("*.npz")}
    for name, dataset in first.datasets.items():
        xr.testing.assert_identical(dataset, second.datasets[name])
        xr.testing.assert_identical(dataset, ip.load(tmp_path / "run" / f"{name}.nc"))
    assert second.claims == first.claims
    claims = json.loads((tmp_path / "run" / "claims.json").read_text())
    assert [c["verdict"] for c in claims["claims"]] == [c.verdict for c in first.claims]
    assert json.loads(first.datasets["binned"].attrs["claims"]) == claims["claims"]


@pytest.mark.slow
def test_another_run_in_the_same_folder_is_refused(tmp_path):
    _Tiny().run(quick=True, seeds=2, out=tmp_path / "run")
    with pytest.raises(ip.InputError, match="holds another run"):
        _Tiny().run(quick=True, seeds=3, out=tmp_path / "run")


@pytest.mark.slow
def test_an_interrupted_run_leaves_nothing_half_written_and_goes_on(tmp_path):
    """Stopped between two planes and inside the training: the second call ends with what an undisturbed run gives."""

    class Stop(Exception):
        pass

    def stop_at(stage: str):
        def progress(what: str, done: int, total: int) -> None:
            if what.startswith(stage):
                raise Stop

        return progress

    for stage in ("tanh: training", "binned: measuring", "pairwise: measuring"):
        with pytest.raises(Stop):
            _Tiny().run(quick=True, seeds=2, out=tmp_path / "run", progress=stop_at(stage))
        assert not list((tmp_path / "run").rglob("*partial*"))
    resumed = _Tiny().run(quick=True, seeds=2, out=tmp_path / "run")
    whole = _Tiny().run(quick=True, seeds=2)
    for name, dataset in whole.datasets.items():
        found = resumed.datasets[name]
        for variable in dataset:
            np.testing.assert_array_equal(found[variable], dataset[variable], err_msg=str(variable))


OF_IMAGES = (
    "lossy-mnist",
    "lossy-cifar10",
    "mnist-plane",
    "resnet-plane",
    "infinite-mnist",
    "infinite-sample-size",
    "random-labels",
    "vib-mnist",
    "robustness",
    "out-of-distribution",
    "variational-plane",
    "dual-vib-cifar10",
)


def test_names_and_sizes():
    assert ip.experiments.names() == [
        "black-box",
        "train-size",
        "depth",
        "gradient-phases",
        "bin-size",
        "nonlinearity",
        "one-neuron",
        "deep-linear",
        "estimators",
        "noisy",
        "quantised",
        "regularisation",
        "second-rule",
        "layer-measures",
        "lossy-synthetic",
        "lossy-mnist",
        "lossy-cifar10",
        "mnist-plane",
        "resnet-plane",
        "ib-bound",
        "ib-curve",
        "dual-ib",
        "dual-prediction",
        "infinite-gaussian",
        "infinite-mnist",
        "infinite-sample-size",
        "random-labels",
        "infinite-depth",
        "infinite-width-limit",
        "vib-mnist",
        "variational-tightness",
        "robustness",
        "out-of-distribution",
        "variational-plane",
        "dual-vib-cifar10",
    ]
    for name in ip.experiments.names():
        experiment = ip.experiments.describe(name)
        least = 2 if name in OF_IMAGES else 10 if experiment.unit == "networks" else 5
        assert experiment.seeds >= least
        assert experiment.title
        assert experiment.source
    with pytest.raises(ip.InputError, match="did you mean 'depth'"):
        ip.experiments.run("dept")
    with pytest.raises(ip.InputError, match="at least 2 networks"):
        ip.experiments.run("depth", seeds=1)


RESULTS = Path(__file__).parents[2] / "docs" / "results"
AS_AT_FULL_SIZE = ("lossy-mnist", "lossy-cifar10", "mnist-plane")  # a quick run has all their claims and figures
IN_PIECES = ("lossy-mnist", "mnist-plane")  # found again piece by piece: run twice


def the_same(found: base.Result, again: base.Result) -> None:
    assert again.claims == found.claims
    assert set(again.datasets) == set(found.datasets)
    for name, dataset in found.datasets.items():
        for variable in dataset.data_vars:
            np.testing.assert_array_equal(dataset[variable], again.datasets[name][variable], err_msg=str(variable))


@pytest.mark.slow
@pytest.mark.parametrize("name", ip.experiments.names())
def test_every_quick_experiment_runs_and_states_its_claims(name, tmp_path):
    if name in OF_IMAGES and "INFOPLANE_DATA" not in os.environ:
        pytest.skip("INFOPLANE_DATA is not set: no images here")
    fewest = ip.experiments.describe(name).fewest_seeds  # a run of the usual quick size takes up to a minute
    result = ip.experiments.run(name, quick=True, seeds=fewest, out=tmp_path / name)
    assert result.claims
    assert result.figures
    assert all(claim.verdict in ("holds", "fails", "unclear") for claim in result.claims)
    for dataset in base.planes(result.datasets):
        if "estimator" in dataset.dims:  # the direct route is nan where a layer has no noise
            dataset = dataset.drop_sel(estimator="direct", errors="ignore")
        # An objective need not have models of another's betas.
        have = np.isfinite(dataset.loss) if dataset.attrs.get("kind") == "variational" else True
        assert np.any(have)
        assert bool((np.isfinite(dataset.mi_input) | ~np.asarray(have)).all())
        if dataset.attrs.get("kind") == "ensemble" and "ceiling_mi_target" not in dataset.attrs:
            continue  # of numbers: a differential entropy is no ceiling
        ceiling = "mi_joint" if dataset.attrs.get("kind") == "curve" else "ceiling_mi_target"
        assert float(dataset.mi_target.max()) <= dataset.attrs[ceiling] + 1e-9
    assert (tmp_path / name / "report.html").exists() == bool(base.planes(result.datasets))
    if name in AS_AT_FULL_SIZE:
        kept = json.loads((RESULTS / name / "claims.json").read_text())
        assert [claim.text for claim in result.claims] == [claim["text"] for claim in kept["claims"]]
        assert {path.stem for path in (RESULTS / name / "figures").glob("*.png")} <= set(result.figures)
        assert {path.stem for path in (RESULTS / name).glob("*.nc")} <= set(result.datasets)
    if name in IN_PIECES:
        pieces = [p for below in ("recordings", "pieces") for p in (tmp_path / name / below).rglob("*") if p.is_file()]
        written = [path.stat().st_mtime_ns for path in pieces]
        the_same(result, ip.experiments.run(name, quick=True, seeds=fewest, out=tmp_path / name))
        assert written
        assert written == [path.stat().st_mtime_ns for path in pieces]
