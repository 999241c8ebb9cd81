"""One call on a compressed recording: estimators beside each other, sweep, null, monitor; closed forms where known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from linear_recordings import linear_network

import infoplane as ip
from infoplane.compressors import PCA
from infoplane.estimators import WeightedKL
from infoplane.plane import apart, lossy_plane
from infoplane.plane.lossy import processing_violations
from infoplane.recordings import compressed, from_arrays

_SEEDS = 20


@pytest.fixture(scope="module")
def found() -> xr.Dataset:
    network = linear_network(n=1500)
    return lossy_plane(compressed(network.recording, layers=PCA(2)), dims=(1, 2, 4, 16), null=4)


def test_estimators_stand_beside_the_direct_route(found: xr.Dataset) -> None:
    assert found["estimator"].to_numpy().tolist() == ["WeightedKL", "KSG", "direct"]
    assert not found["mi_input"].isnull().any()
    assert not found["mi_target"].isnull().any()
    planes = apart(found)
    assert planes["direct"]["mi_input"].attrs["direction"] == "upper"
    assert "compressed" in planes["KSG"]["mi_input"].attrs["quantity"]


def test_null_and_sweep_are_made_at_the_checked_epochs(found: xr.Dataset) -> None:
    null = found["mi_input_null"].sel(estimator="KSG")
    assert (abs(null) < 0.1).all()
    assert (found["mi_input_p_value"].sel(estimator=["WeightedKL", "KSG"]) == 1 / 5).all()
    sweep = found["sweep_mi_input"].sel(estimator="WeightedKL", seed=0, layer="wide", checked=1)
    assert (sweep.sel(dim=[1, 2, 4]).diff("dim") > 0.3).all()  # four inputs: each further direction adds
    assert bool(sweep.sel(dim=16).isnull())
    assert "20 dimensions" in found.attrs["checked_notes"]


def test_the_sweep_at_the_size_of_the_code_is_the_plane(found: xr.Dataset) -> None:
    for name in ("WeightedKL", "KSG"):
        for kind in ("input", "target"):
            swept = found[f"sweep_mi_{kind}"].sel(estimator=name, dim=2).rename(checked="epoch")
            np.testing.assert_allclose(swept, found[f"mi_{kind}"].sel(estimator=name), rtol=1e-9)


def test_it_can_be_saved_and_read(found: xr.Dataset, tmp_path: Path) -> None:
    ip.save(found, tmp_path / "plane.nc")
    assert ip.load(tmp_path / "plane.nc").identical(found)


def test_bounds_that_exclude_nothing_are_marked(found: xr.Dataset) -> None:
    vacuous = found["loss_bound_input"] >= found["mi_input"]
    assert (found["loss_bound_input_vacuous"] == vacuous).all()


def test_violations_count_beyond_their_errors() -> None:
    dims, layers = ("seed", "epoch", "layer"), ["b", "a", "c"]
    value = np.array([[[1.0, 1.1, 0.5], [1.0, 1.5, 2.0]]])
    plane = xr.Dataset(
        {
            **{f"mi_{k}": (dims, value) for k in ("input", "target")},
            "mi_input_stderr": (dims, np.full(value.shape, 0.1)),
            "mi_target_stderr": (dims, np.full(value.shape, np.nan)),
        },
        coords={"layer": layers},
    )
    counted = processing_violations(plane, layers, 2.0)
    assert counted["violations_input_beyond"].to_numpy().tolist() == [[0, 2]]
    assert counted["violations_target_beyond"].to_numpy().tolist() == [[0, 0]]
    other = processing_violations(plane, ["c", "a", "b"], 2.0)  # the network's order counts, not the dataset's
    assert other["violations_input_beyond"].to_numpy().tolist() == [[1, 0]]


@pytest.mark.slow
@pytest.mark.parametrize("inputs", [2, 3, 4])
def test_intervals_cover_the_closed_form_where_nothing_is_lost(inputs: int) -> None:
    covered = 0
    for seed in range(_SEEDS):
        network = linear_network(seed, n=10_000, inputs=inputs, epochs=1)
        codes = compressed(network.recording, layers=PCA(inputs))
        plane = ip.information_plane(codes, WeightedKL(), layers=["wide"]).squeeze()
        reach = 1.96 * float(plane["mi_input_stderr"])
        covered += abs(float(plane["mi_input"]) - network.information(0, "wide")) < reach
    assert covered >= 17


@pytest.mark.parametrize("fit", ["snapshot", "reference"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_loss_bound_covers_what_is_lost(seed: int, fit: str) -> None:
    network = linear_network(seed, n=3000)
    plane = ip.information_plane(compressed(network.recording, layers=PCA(2), fit=fit), WeightedKL())  # type: ignore[arg-type]
    for epoch in (0, 1):
        for layer in ("wide", "deeper"):
            cell = plane.sel(seed=0, epoch=epoch, layer=layer)
            lost = network.information(epoch, layer) - float(cell["mi_input"])
            assert lost > 0.3
            assert lost < float(cell["loss_bound_input"]) + 3 * float(cell["mi_input_stderr"])


def test_the_sweep_shows_what_little_variance_carried() -> None:
    random = np.random.default_rng(0)
    n, told = 3000, random.standard_normal((3000, 1))
    nuisance = random.standard_normal((n, 2)) * [9.0, 7.0]
    layer = np.hstack([nuisance, 0.3 * told + 0.05 * random.standard_normal((n, 1)), np.zeros((n, 3))])
    layer = layer @ np.linalg.qr(random.standard_normal((6, 6)))[0]
    layer += 1e-3 * random.standard_normal(layer.shape)
    recording = from_arrays({"a": layer}, (told[:, 0] > 0).astype(int), x=told, noise="some")
    found = lossy_plane(compressed(recording, layers=PCA(2)), {"WeightedKL": WeightedKL()}, dims=(1, 2, 4), null=0)
    assert float(found["explained_variance"].squeeze()) > 0.99  # and next to no information
    sweep = found["sweep_mi_input"].squeeze()
    assert abs(float(sweep.sel(dim=2))) < 0.1
    assert float(sweep.sel(dim=4)) > 1.5


def test_only_the_chain_is_held_to_the_order() -> None:
    """A branch that carries nothing, between two layers that carry all."""
    random = np.random.default_rng(0)
    x = random.standard_normal((1500, 3))
    layers = {"before": x + 0.3 * random.standard_normal(x.shape), "branch": random.standard_normal(x.shape)}
    layers["after"] = layers["before"] + 0.3 * random.standard_normal(x.shape)
    recording = from_arrays(layers, y=(x[:, 0] > 0).astype(int), x=x, noise="its own")
    codes = compressed(recording, layers=PCA(2))
    all_of_them, chain = (
        lossy_plane(codes, {"KSG": ip.estimators.KSG()}, dims=(), null=0, chain=chain)
        for chain in (None, ("before", "after"))
    )
    assert int(all_of_them["violations_input_beyond"].sum()) == 1
    assert int(chain["violations_input_beyond"].sum()) == 0
    assert chain.attrs["chain"] == '["before", "after"]'
    for wrong, words in ((["bfore"], "bfore"), (["after", "before"], "order of the network"), ([], "two measured")):
        with pytest.raises(ip.InputError, match=words):
            lossy_plane(codes, chain=wrong)


def test_what_does_not_fit_is_refused() -> None:
    recording = linear_network(n=200).recording
    with pytest.raises(ip.InputError, match="compressed recording"):
        lossy_plane(recording)  # type: ignore[arg-type]
    codes = compressed(recording, layers=PCA(2))
    with pytest.raises(ip.InputError, match="measured"):
        lossy_plane(codes, epochs=[0], checked=[1])
    with pytest.raises(ip.InputError, match="dims"):
        lossy_plane(codes, dims=(0,))
