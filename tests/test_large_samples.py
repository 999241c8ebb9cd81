"""Arrays read in blocks of rows: the same numbers as in memory, whatever the block, and no copy of the whole."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import infoplane as ip
from infoplane import rows
from infoplane.channels import AdditiveGaussian, Identity, Quantize
from infoplane.compressors import CCA, PCA, cca, pca
from infoplane.estimators import KSG, Binned, Compressed, Plugin, WeightedKL, kozachenko, neighbours
from infoplane.recordings import layout
from infoplane.samples import Variable, moderate, variable

N, D = 300, 12


@contextlib.contextmanager
def tiny(block: int = 7) -> Iterator[None]:
    """Every array is large, and blocks hold a few rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "LARGE", 0)
        patch.setattr(rows, "_rows_of", lambda x: block)
        patch.setattr(pca, "_BLOCK_BYTES", 1)
        patch.setattr(pca, "_FEWEST_ROWS", block)
        for module in (cca, kozachenko, neighbours):
            patch.setattr(module, "_ROWS", 5 * block)
        yield


def data(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, d) samples with four strong directions, labels that the first tells of, and two noisy directions."""
    random = np.random.default_rng(seed)
    labels = random.integers(3, size=N)
    latent = random.standard_normal((N, 4)) * [4.0, 3.0, 2.0, 1.5]
    latent[:, 0] += 4.0 * labels
    x = latent @ random.standard_normal((4, D)) + 0.1 * random.standard_normal((N, D))
    return x.astype(np.float32), labels, latent[:, :2] + random.standard_normal((N, 2))


def mapped(folder: Path, x: np.ndarray) -> np.ndarray:
    np.save(folder / "x.npy", x)
    return np.load(folder / "x.npy", mmap_mode="r")


ROUTES: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], float]] = {
    "labels through PCA": lambda x, y, z: float(ip.mutual_information(x, y, Compressed(WeightedKL(k=5), x=PCA(2)))),
    "numbers through PCA": lambda x, y, z: float(ip.mutual_information(x, z, Compressed(WeightedKL(), x=PCA(2)))),
    "one compressor for both": lambda x, y, z: float(
        ip.mutual_information(x, x[::-1], Compressed(WeightedKL(), x=PCA(1), y=PCA(1), share=True))
    ),
    "CCA": lambda x, y, z: float(ip.mutual_information(x, z, Compressed(KSG(), x=CCA(2)))),
    "half to fit": lambda x, y, z: float(ip.mutual_information(x, z, Compressed(KSG(), x=PCA(2), holdout=0.4))),
    "half samples": lambda x, y, z: ip.mutual_information(x, z, Compressed(KSG(), x=PCA(2)), subsamples=4).stderr,
    "bins": lambda x, y, z: float(ip.mutual_information(x, y, Binned(3))),
    "bins of deviations": lambda x, y, z: float(ip.mutual_information(x, y, Binned(2, range="std"))),
    "codes": lambda x, y, z: float(ip.mutual_information(np.round(x).astype(int) // 8, y, Plugin("miller-madow"))),
}


@pytest.mark.parametrize("route", ROUTES)
def test_a_memory_map_in_blocks_gives_the_value_in_memory(route: str, tmp_path: Path) -> None:
    x, y, z = data()
    expected = ROUTES[route](x, y, z)
    with tiny():
        found = ROUTES[route](mapped(tmp_path, x), y, z)
    # float32 products of another block differ by 1e-7, and neighbours see no more of that than of the data's own digits
    assert found == pytest.approx(expected, abs=1e-5)


def planes(layers: dict[str, np.ndarray], y: np.ndarray, z: np.ndarray) -> list[xr.Dataset]:
    train = np.arange(N) % 3 > 0
    recording = ip.recordings.from_arrays(layers, y, x=z, train=train)
    assumed = Identity(assume_stochastic=True)
    codes = ip.recordings.compressed(recording, layers=PCA(2))
    through = Compressed(WeightedKL(k=5), y=PCA(2))
    return [
        ip.information_plane(recording, Binned(2), null=3),
        ip.information_plane(recording, Plugin(), channel=Quantize(2), split=["train", "test"]),
        ip.information_plane(recording, through, channel=assumed, split="train", null=2),
        ip.information_plane(recording, through, channel=AdditiveGaussian(0.5, relative=True)),
        ip.information_plane(codes, WeightedKL(k=5), channel=assumed),
    ]


@pytest.mark.slow
def test_planes_of_memory_maps_are_those_in_memory(tmp_path: Path) -> None:
    x, y, z = data()
    expected = planes({"a": x, "b": x[:, :5].copy(), "dead": np.zeros((N, 3), np.float32)}, y, z)
    with tiny():
        file = mapped(tmp_path, x)
        found = planes({"a": file, "b": file[:, :5], "dead": np.zeros((N, 3), np.float32)}, y, z)
    for one, other in zip(found, expected, strict=True):
        for name in other.data_vars:
            if name == "mi_input_calibration":  # not made for large layers
                continue
            np.testing.assert_allclose(
                one[name].to_numpy().astype(float), other[name].to_numpy().astype(float), atol=2e-5, err_msg=str(name)
            )


def test_a_large_snapshot_is_mapped_from_the_folder_it_was_written_to(tmp_path: Path) -> None:
    x, y, z = data()
    with tiny(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "LARGE", 1000)
        ip.recordings.from_arrays({"a": x, "b": np.asfortranarray(z)}, y).save(tmp_path / "run")
        opened = ip.recordings.open(tmp_path / "run")
        for name, layer in (("a", x), ("b", z)):
            snapshot = opened.activations(0, 0, name)
            np.testing.assert_array_equal(snapshot, layer)
            assert isinstance(snapshot, np.memmap)
        found = ip.information_plane(opened, Binned(2))
    expected = ip.information_plane(ip.recordings.from_arrays({"a": x, "b": z}, y), Binned(2))
    np.testing.assert_allclose(found.mi_input, expected.mi_input, rtol=1e-12)


@given(block=st.integers(1, 400), n=st.integers(20, 80), d=st.integers(1, 9), seed=st.integers(0, 9))
@settings(max_examples=15, deadline=None)
def test_moments_ends_and_checks_depend_on_no_block(block: int, n: int, d: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    x = random.standard_normal((n, d)) * 10.0 ** random.integers(-3, 4, d) + 100.0
    with tiny(block):
        mean, variance = pca.moments(x)
        low, high = rows.extents(x)
        middle, deviation = rows.mean_and_deviation(x)
        codes = Variable(np.round(x).astype(int)).codes
        fitted = PCA(1).fit(x)
        again = np.asarray(rows.Picked(x, np.arange(0, n, 2)))
        joined = rows.Stacked(x, x[:5])
        noise = rows.Noisy(x, 2.0, dict(np.random.default_rng(1).bit_generator.state))
        np.testing.assert_array_equal(np.concatenate([b for _, b in rows.blocks(joined)]), np.concatenate([x, x[:5]]))
        np.testing.assert_array_equal(joined[[n + 1, 3]], x[[1, 3]])
        np.testing.assert_allclose(noise[[n - 1, 0]], np.asarray(noise)[[n - 1, 0]])
        whole = np.asarray(noise)
    np.testing.assert_array_equal(whole, x + 2.0 * np.random.default_rng(1).standard_normal(x.shape))
    np.testing.assert_allclose(mean, x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(variance, x.var(axis=0), rtol=1e-9)
    np.testing.assert_array_equal([low, high], [x.min(axis=0), x.max(axis=0)])
    np.testing.assert_allclose([middle, deviation], [x.mean(), x.std()], rtol=1e-9)
    assert len(np.unique(codes)) == len(np.unique(np.round(x), axis=0))
    np.testing.assert_array_equal(again, x[::2])
    # against the full decomposition: the first singular value, and the subspace where it stands out
    exact = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)[0] ** 2 / n
    assert fitted.eigenvalues[0] == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 6, 7, N - 1])
def test_what_is_no_number_is_found_in_any_block(bad: float, row: int, tmp_path: Path) -> None:
    x, y, _ = data()
    x[row, 3] = bad
    file = mapped(tmp_path, x)
    with tiny():
        with pytest.raises(ip.InputError, match=rf"in 1 of {N} rows, first in row {row};"):
            ip.mutual_information(file, y, Compressed(x=PCA(2)))
        with pytest.raises(ip.InputError, match=rf"by position, row {row};"):
            ip.recordings.from_arrays({"a": file}, y)
        for work in (lambda: PCA(2).fit(file), lambda: PCA(2).fit(np.delete(x, row, axis=0)).encode(file)):
            with pytest.raises(ip.InputError, match=rf"1 of its {N} samples hold nan or infinity, first in row {row};"):
                work()


def test_large_maps_are_not_copied_at_the_door(tmp_path: Path) -> None:
    x, _, _ = data()
    with tiny():
        for order in (x, np.asfortranarray(x)):
            file = mapped(tmp_path, order)
            assert np.shares_memory(variable(file).values, file)
            assert np.shares_memory(moderate(variable(file)).values, file)


def test_pages_of_a_file_are_given_back_and_changes_kept(tmp_path: Path) -> None:
    x, _, _ = data()
    np.save(tmp_path / "x.npy", x)
    for mode in ("r", "r+", "c"):
        with tiny():
            file = np.load(tmp_path / "x.npy", mmap_mode=mode)
            changed = x.copy()
            if mode != "r":
                file[5] = changed[5] = 1.0
            for view in (file, np.asarray(file)[10:], file[::3], file.T):
                rows.release(view)
            np.testing.assert_array_equal(file, changed)
