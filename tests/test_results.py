"""A result written and read back is equal; a file that is none is refused; nothing is half written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import infoplane as ip
from infoplane.results import SCHEMA_VERSION, attributes, check, provenance


def plane() -> xr.Dataset:
    random = np.random.default_rng(0)
    sizes = {"seed": 2, "epoch": 3, "layer": 2}
    cube = {name: (tuple(sizes), random.random(tuple(sizes.values()))) for name in ("mi_input", "mi_target")}
    dataset = xr.Dataset(
        {
            **cube,
            "mi_input_stderr": (tuple(sizes), np.full((2, 3, 2), np.nan)),
            "saturated": (tuple(sizes), random.random((2, 3, 2)) < 0.5),
            "n_codes": (tuple(sizes), random.integers(0, 99, (2, 3, 2), np.int32)),
            "loss_train": (("seed", "epoch"), random.random((2, 3)).astype(np.float32)),
            "kept": ("seed", np.array(["yes", "naïve"])),
            "wall": ((), np.inf),
        },
        {"seed": [3, 1], "epoch": [0, 10, 100], "layer": ["hidden 1", "output"]},
        provenance(task="12-bit", sigma=0.1, seeds=[3, 1], title="Ein Gruß", empty="", nothing=None),
    )
    for name in ("mi_input", "mi_target"):
        dataset[name].attrs = {"quantity": "I(X;T)", "direction": "estimate", "ceiling": 1.5, "count": 3}
    return dataset


def test_a_result_written_and_read_back_is_equal(tmp_path: Path) -> None:
    ip.save(plane(), tmp_path / "new folder" / "a.nc")
    back = ip.load(tmp_path / "new folder" / "a.nc")
    xr.testing.assert_identical(back, plane())
    for name, variable in plane().variables.items():
        if variable.dtype.kind != "U":
            assert back[name].dtype == variable.dtype
    for where, there in ((plane(), back), (plane()["mi_input"], back["mi_input"])):
        assert {k: type(v) for k, v in there.attrs.items()} == {k: type(v) for k, v in where.attrs.items()}


def test_a_real_plane_written_and_read_back_is_equal(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    recording = ip.recordings.from_arrays({"a": random.random((2, 3, 40, 2))}, random.integers(0, 2, 40))
    dataset = ip.information_plane(recording, ip.estimators.Binned(5, (0.0, 1.0)))
    ip.save(dataset, tmp_path / "a.nc")
    xr.testing.assert_identical(ip.load(tmp_path / "a.nc"), dataset)


def test_other_results_than_planes_are_kept_too(tmp_path: Path) -> None:
    other = xr.Dataset({"accuracy": ("depth", [0.5, 0.9])}, {"depth": [1, 2]}, {"schema_version": SCHEMA_VERSION})
    ip.save(other, tmp_path / "a.nc")
    xr.testing.assert_identical(ip.load(tmp_path / "a.nc"), other)


def test_saving_again_replaces_the_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    for value in (1.0, 2.0):
        ip.save(plane().assign_attrs(value=value), path)
        ip.load(path)  # readers do not hold the file
    assert ip.load(path).attrs["value"] == 2.0
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_an_error_and_stays_as_it_was(tmp_path: Path) -> None:
    file, folder = tmp_path / "file", tmp_path / "folder"
    file.write_text("here first")
    folder.mkdir()
    for path in (file / "a.nc", file / "deep" / "a.nc", folder):
        with pytest.raises(ip.InputError, match="cannot be written"):
            ip.save(plane(), path)
    assert sorted(tmp_path.rglob("*")) == [file, folder]
    assert file.read_text() == "here first"


def test_a_failure_half_way_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.nc"
    ip.save(plane(), path)

    def fail(self: xr.Dataset, target: Path, **_: object) -> None:
        Path(target).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", fail)
    with pytest.raises(ip.InputError, match=r"a\.nc cannot be written: No space left on device"):
        ip.save(plane(), path)
    assert list(tmp_path.iterdir()) == [path]
    xr.testing.assert_identical(ip.load(path), plane())


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ip.InputError, match="There is no file"):
        ip.load(tmp_path / "missing.nc")
    with pytest.raises(ip.InputError, match="There is no file"):
        ip.load(tmp_path)
    for content in (b"", b"not a netCDF file", bytes(range(256)) * 40, b"CDF\x01" + bytes(60)):
        (tmp_path / "other.nc").write_bytes(content)
        with pytest.raises(ip.InputError, match="is not a result of infoplane"):
            ip.load(tmp_path / "other.nc")


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    ip.save(plane(), tmp_path / "a.nc")
    whole = (tmp_path / "a.nc").read_bytes()
    for share in (0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        (tmp_path / "cut.nc").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(ip.InputError, match="is not a result of infoplane"):
            ip.load(tmp_path / "cut.nc")


def test_netcdf_of_others_is_refused(tmp_path: Path) -> None:
    for version in ({}, {"schema_version": "one"}):
        xr.Dataset({"a": 1.0}, attrs=version).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
        with pytest.raises(ip.InputError, match="netCDF but no result of infoplane: it has no schema_version"):
            ip.load(tmp_path / "a.nc")


@pytest.mark.parametrize("kind", ["plane", "other"])
def test_a_newer_schema_asks_for_an_update(tmp_path: Path, kind: str) -> None:
    dataset = plane() if kind == "plane" else xr.Dataset({"a": 1.0})
    ip.save(dataset.assign_attrs(schema_version=SCHEMA_VERSION + 1), tmp_path / "a.nc")
    with pytest.raises(
        ip.InputError, match=f"schema version {SCHEMA_VERSION + 1}, .* reads up to {SCHEMA_VERSION}; update"
    ):
        ip.load(tmp_path / "a.nc")


def test_a_plane_is_held_to_its_schema() -> None:
    assert check(plane()) is not None
    with pytest.raises(ip.InputError, match="it lacks mi_target"):
        check(plane().drop_vars("mi_target"))
    with pytest.raises(
        ip.InputError, match=r"mi_input has the dimensions \('seed', 'epoch', 'layer'\), got \('epoch', 'seed'"
    ):
        check(plane().transpose("epoch", "seed", "layer"))
    for attribute in ("quantity", "direction"):
        wrong = plane()
        del wrong["mi_target"].attrs[attribute]
        with pytest.raises(ip.InputError, match="mi_target needs the attributes 'quantity' and 'direction'"):
            check(wrong)
    with pytest.raises(ip.InputError, match="Attribute 'seeds' must be text or a number, got list"):
        check(plane().assign_attrs(seeds=[1, 2]))
    assert check(plane().expand_dims(split=["train", "test"])) is not None


def test_provenance_is_text_and_numbers() -> None:
    found = provenance(bins=30, seeds=[1, 2], missing=None)
    assert all(isinstance(value, str | int | float) for value in found.values())
    assert "missing" not in found
    assert (found["unit"], found["schema_version"], found["bins"]) == ("nats", SCHEMA_VERSION, 30)
    assert json.loads(str(found["seeds"])) == [1, 2]
    assert {"infoplane", "jax", "numpy", "xarray", "python"} <= set(json.loads(str(found["versions"])))


def test_attributes_in_json_are_read_as_mappings() -> None:
    dataset = xr.Dataset(attrs={"ceilings": '{"log n": 2.5}'})
    assert attributes(dataset, "ceilings") == {"log n": 2.5}
    assert attributes(dataset, "absent") == {}


def test_a_compact_copy_is_close_never_larger_and_smaller_on_disk(tmp_path):
    random = np.random.default_rng(0)
    recording = ip.recordings.from_arrays({"t": random.uniform(-1, 1, size=(4, 30, 50, 2))}, np.arange(50) % 2)
    plane = ip.information_plane(recording, ip.estimators.Binned(5))
    small = ip.results.compact(plane)
    ip.save(plane, tmp_path / "plane.nc")
    ip.save(small, tmp_path / "small.nc")
    assert bool((small.mi_input <= plane.mi_input).all())
    np.testing.assert_allclose(small.mi_input, plane.mi_input, rtol=2**-11)
    np.testing.assert_allclose(small.bound_distance, plane.bound_distance, atol=2**-12)
    assert (tmp_path / "small.nc").stat().st_size < (tmp_path / "plane.nc").stat().st_size
    assert ip.load(tmp_path / "small.nc").attrs["compact"]


def test_a_compact_copy_keeps_losses_gaps_and_limits() -> None:
    """Losses near 9.2 nats differ by 0.001 from share to share: 16 digits are steps of 2.4e-4 there, 8 are 0.06."""
    long, short = np.linspace(9.19, 9.21, 100), [0.9961, 1.0 - 1e-12]
    made = xr.Dataset(
        {
            "loss_gibbs": ("time", long),
            "generalisation_gap": ("time", long / 10),
            "value": ("time", long - 9.2),
            "slope_limit": ("net", short),
            "gradient": ("time", long),
        }
    )
    small = ip.results.compact(made)
    np.testing.assert_allclose(small.loss_gibbs, long, rtol=2.0**-15)
    assert (small.loss_gibbs.diff("time") >= 0).all()
    np.testing.assert_allclose(small.generalisation_gap, long / 10, rtol=2.0**-15)
    np.testing.assert_allclose(small.value, long - 9.2, rtol=0, atol=2.0**-13 * 1.001)  # and a float32's rounding
    np.testing.assert_array_equal(small.slope_limit, short)
    assert float(abs(small.gradient - long).max()) > 0.005
    ensemble = ip.results.compact(made.assign_attrs(kind="ensemble"))
    np.testing.assert_allclose(ensemble.gradient, long, rtol=2.0**-15)


def curve() -> xr.Dataset:
    joint = ip.bottleneck.Joint([[6, 3, 1], [2, 8, 2], [1, 4, 9]])
    found = ip.bottleneck.curve(joint, [2, 4, 8], ip.bottleneck.DualIB())
    return found.assign_coords(y=["low", "middle", "hoch ü"]).assign_attrs(title="a curve")


def test_a_curve_written_and_read_back_is_equal(tmp_path: Path) -> None:
    made = curve()
    ip.save(made, tmp_path / "curve.nc")
    back = ip.load(tmp_path / "curve.nc")
    xr.testing.assert_identical(back, made)
    assert {name: v.dtype.kind for name, v in back.variables.items()} == {
        n: v.dtype.kind for n, v in made.variables.items()
    }
    assert {k: type(v) for k, v in back.attrs.items()} == {k: type(v) for k, v in made.attrs.items()}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda ds: ds.drop_vars("mi_target"), "not an information curve: it lacks mi_target"),
        (lambda ds: ds.assign(gap=(("beta", "y"), np.zeros((3, 3)))), r"A curve's gap has the dimensions \('beta',\)"),
        (lambda ds: ds.assign(mi_input=("beta", ds.mi_input.values)), "A curve's mi_input needs the attributes"),
        (lambda ds: ds.assign_attrs(kind="plane"), "A plane's mi_input has the dimensions"),
    ],
)
def test_what_is_no_curve_is_refused(change, sentence: str) -> None:
    with pytest.raises(ip.InputError, match=sentence):
        check(change(curve()))


def test_longer_names_joined_to_what_was_read_are_written_whole(tmp_path):
    for name in ("VIB", "DualVIB"):
        one = xr.Dataset({"value": ("objective", [1.0])}, {"objective": [name]}, provenance())
        ip.save(one, tmp_path / f"{name}.nc")
    read = [ip.load(tmp_path / f"{name}.nc") for name in ("VIB", "DualVIB")]
    ip.save(xr.concat(read, "objective", combine_attrs="override"), tmp_path / "both.nc")
    assert ip.load(tmp_path / "both.nc").objective.to_numpy().tolist() == ["VIB", "DualVIB"]
