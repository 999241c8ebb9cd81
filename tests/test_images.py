"""Image data: shapes, ranges, pictures that belong to their labels, and messages where a file or network is missing."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import infoplane as ip
from infoplane.data import Task, files, images

DATA = Path(os.environ.get("INFOPLANE_DATA") or "/nowhere")
LOADERS = {"mnist": ip.data.mnist, "fashion-mnist": ip.data.fashion_mnist, "cifar10": ip.data.cifar10}


def loaded(name: str, part: Any) -> Task:
    if not (DATA / name).is_dir():
        pytest.skip(f"the images are not here: INFOPLANE_DATA names no folder with {name}/")
    return LOADERS[name](part)


SIZES = {
    ("mnist", "train"): (60_000, 28, 28),
    ("mnist", "test"): (10_000, 28, 28),
    ("fashion-mnist", "train"): (60_000, 28, 28),
    ("fashion-mnist", "test"): (10_000, 28, 28),
    ("cifar10", "train"): (4_000, 32, 32, 3),
    ("cifar10", "test"): (1_000, 32, 32, 3),
}


@pytest.mark.parametrize(("name", "part"), SIZES)
def test_shapes_ranges_and_classes(name: str, part: str) -> None:
    task = loaded(name, part)
    if name == "cifar10" and "subset" not in task.name:
        pytest.skip("the folder has all of CIFAR-10")
    assert task.x.shape == SIZES[name, part]
    assert (task.x.dtype, task.y.dtype) == (np.float32, np.int64)
    assert (task.x.min(), task.x.max()) == (0.0, 1.0)
    counts = np.bincount(task.y)
    if name == "fashion-mnist":
        np.testing.assert_array_equal(counts, len(task.y) // 10)
    elif name == "mnist":
        published = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
        tested = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
        np.testing.assert_array_equal(counts, published if part == "train" else tested)
    else:
        assert len(counts) == 10
        assert abs(counts - len(task.y) / 10).max() < 4 * np.sqrt(len(task.y) * 0.09)


def nearest_mean_accuracy(name: str) -> float:
    """Share of test images nearest to the mean of their own class among training images; 0.1 for shuffled labels."""
    train, test = loaded(name, "train").flattened(), loaded(name, "test").flattened()
    means = np.stack([train.x[train.y == label].mean(axis=0) for label in range(10)])
    distances = (means**2).sum(axis=1) - 2 * test.x @ means.T
    return float((distances.argmin(axis=1) == test.y).mean())


@pytest.mark.parametrize(("name", "low", "high"), [("mnist", 0.81, 0.83), ("fashion-mnist", 0.67, 0.69)])
def test_pictures_belong_to_their_labels(name: str, low: float, high: float) -> None:
    """82.03 % of MNIST are nearest to the mean of their class: a well-known figure."""
    assert low < nearest_mean_accuracy(name) < high


def test_small_photographs_belong_to_their_labels() -> None:
    """Ships and airplanes are the bluest, frogs and deer the least; axes and channels in disorder show here too."""
    task = loaded("cifar10", "all")
    assert nearest_mean_accuracy("cifar10") > 0.22  # 0.1 by chance, with a standard error of 0.01
    blueness = [(task.x[task.y == k][..., 2] - task.x[task.y == k][..., 0]).mean() for k in range(10)]
    assert set(np.argsort(blueness)[-2:]) == {0, 8}
    neighbours = np.corrcoef(task.x[:, 1:].ravel()[::97], task.x[:, :-1].ravel()[::97])[0, 1]
    assert neighbours > 0.9


def test_a_nought_is_hollow_and_a_one_is_thin() -> None:
    task = loaded("mnist", "test")
    ink = [float(task.x[task.y == k].mean()) for k in range(10)]
    assert (np.argmin(ink), np.argmax(ink)) == (1, 0)
    centre = [float(task.x[task.y == k][:, 13:15, 13:15].mean()) for k in range(10)]
    assert np.argmin(centre) == 0
    assert np.argmax(centre) in (1, 8)


def test_both_parts_come_with_their_own_split() -> None:
    both, test = loaded("mnist", "all"), loaded("mnist", "test")
    train, rest = both.split(1.0, seed=3, kind="own")
    np.testing.assert_array_equal(np.sort(train), np.arange(60_000))
    np.testing.assert_array_equal(both.x[np.sort(rest)], test.x)
    np.testing.assert_array_equal(both.y[np.sort(rest)], test.y)
    assert (train[:100] != np.arange(100)).any()
    assert both.flattened().x.shape == (70_000, 784)
    assert (both.name, test.name) == ("MNIST", "MNIST, test")


# A small set of files in the published formats, in place of the published ones.
X = np.random.default_rng(0).integers(0, 256, (12, 28, 28), dtype=np.uint8)
Y = np.arange(12, dtype=np.uint8) % 10


def idx(values: np.ndarray, magic: int) -> bytes:
    return gzip.compress(np.array([magic, *values.shape], ">u4").tobytes() + values.tobytes())


FILES = {
    f"{start}-{kind}-idx{axes}-ubyte.gz": idx(values, 2048 + axes)
    for start in ("train", "t10k")
    for kind, axes, values in (("images", 3, X), ("labels", 1, Y))
}


def archive() -> bytes:
    """CIFAR-10's binary version with two images a batch: pixel (row, column) of channel c has the value below."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as out:
        for name in (*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin"):
            one = np.concatenate([[7], np.arange(3072) // 12, [3], np.arange(3072) % 256]).astype(np.uint8).tobytes()
            entry = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            entry.size = len(one)
            out.addfile(entry, io.BytesIO(one))
    return content.getvalue()


def hashed(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no INFOPLANE_DATA, and other files than the real ones at addresses that need no network."""
    cifar = archive()
    for name, content in {**FILES, "cifar-10-binary.tar.gz": cifar}.items():
        (tmp_path / "web").mkdir(exist_ok=True)
        (tmp_path / "web" / name).write_bytes(content)
    monkeypatch.delenv("INFOPLANE_DATA", raising=False)
    monkeypatch.setattr(images, "_HASHES", {"mnist": {name: hashed(content) for name, content in FILES.items()}})
    place = "cifar10/cifar-10-binary.tar.gz"
    monkeypatch.setattr(images, "_CIFAR", files.File(place, hashed(cifar), ("https://there/cifar-10-binary.tar.gz",)))
    monkeypatch.setattr(images, "_MIRRORS", {"mnist": ("https://gone/", "https://there/")})
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache" / name)
    asked: list[str] = []

    def download(url: str, known_hash: str, fname: str, path: Path) -> str:
        """What pooch.retrieve promises: a file in the cache with the hash asked for."""
        if (Path(path) / fname).is_file():
            return str(Path(path) / fname)
        asked.append(url)
        if not url.startswith("https://there/"):
            raise OSError("Name or service not known")
        content = (tmp_path / "web" / url.removeprefix("https://there/")).read_bytes()
        if known_hash != f"sha256:{hashed(content)}":
            raise ValueError("SHA256 hash of downloaded file does not match the known hash")
        Path(path).mkdir(parents=True, exist_ok=True)
        (Path(path) / fname).write_bytes(content)
        return str(Path(path) / fname)

    monkeypatch.setattr("pooch.retrieve", download)
    return tmp_path


def test_files_are_fetched_once_from_the_first_address_that_answers(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = ip.data.mnist("all")
    np.testing.assert_array_equal(np.round(task.x * 255).astype(np.uint8), np.concatenate([X, X]))
    np.testing.assert_array_equal(task.y, np.concatenate([Y, Y]))
    assert task.train is not None
    assert task.train.sum() == 12
    assert (published / "cache" / "infoplane" / "mnist" / "train-images-idx3-ubyte.gz").is_file()
    monkeypatch.setattr(images, "_MIRRORS", {"mnist": ("https://gone/",)})
    np.testing.assert_array_equal(ip.data.mnist("train").x, task.x[:12])


def test_the_binary_version_of_cifar_is_read_channel_by_channel(published: Path) -> None:
    task = ip.data.cifar10("all")
    assert (task.x.shape, task.name) == ((12, 32, 32, 3), "CIFAR-10")
    np.testing.assert_array_equal(task.y, [7, 3] * 6)
    row, column, channel = np.meshgrid(np.arange(32), np.arange(32), np.arange(3), indexing="ij")
    place = 1024 * channel + 32 * row + column
    for image, wanted in ((task.x[0], place // 12), (task.x[1], place % 256)):
        np.testing.assert_array_equal(np.round(255 * image), wanted % 256)
    assert len(ip.data.cifar10("test").y) == 2


def test_without_a_network_the_message_says_how_to_go_on(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_MIRRORS", {"mnist": ("https://gone/",)})
    with pytest.raises(ip.InputError, match=r"cannot be fetched .*gone.*set the environment variable INFOPLANE_DATA"):
        ip.data.mnist()


def test_other_bytes_are_not_taken(published: Path) -> None:
    (published / "web" / "train-labels-idx1-ubyte.gz").write_bytes(FILES["train-images-idx3-ubyte.gz"])
    with pytest.raises(ip.InputError, match=r"train-labels-idx1-ubyte.gz cannot be fetched .*does not match"):
        ip.data.mnist()


@pytest.fixture
def folder(published: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """INFOPLANE_DATA with the small set."""
    for name, content in FILES.items():
        (published / "data" / "mnist").mkdir(parents=True, exist_ok=True)
        (published / "data" / "mnist" / name).write_bytes(content)
    monkeypatch.setenv("INFOPLANE_DATA", str(published / "data"))
    return published / "data"


def test_a_folder_is_read_in_place_of_the_network(folder: Path) -> None:
    np.testing.assert_array_equal(np.round(ip.data.mnist("test").x * 255).astype(np.uint8), X)
    assert not (folder.parent / "cache").exists()


def test_a_folder_without_the_file_says_which(folder: Path) -> None:
    (folder / "mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    assert len(ip.data.mnist("train").y) == 12
    with pytest.raises(ip.InputError, match=r"has no file mnist/t10k-labels-idx1-ubyte.gz; put it there from https://"):
        ip.data.mnist("test")
    with pytest.raises(ip.InputError, match=r"has no file cifar10/cifar-10-binary\.tar\.gz"):
        ip.data.cifar10()


def test_a_folder_with_another_file_of_that_name_is_refused(folder: Path) -> None:
    (folder / "mnist" / "t10k-images-idx3-ubyte.gz").write_bytes(FILES["t10k-labels-idx1-ubyte.gz"])
    with pytest.raises(ip.InputError, match="is not the published file: its SHA-256 starts"):
        ip.data.mnist("test")


def test_a_folder_that_is_none_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INFOPLANE_DATA", str(tmp_path / "nothing"))
    with pytest.raises(ip.InputError, match="which is no folder; set it to the folder of the data, or unset it"):
        ip.data.fashion_mnist()


@pytest.mark.parametrize("load", LOADERS.values())
def test_an_unknown_part_is_refused(load: Any) -> None:
    with pytest.raises(ip.InputError, match="did you mean 'train'"):
        load("training")


# What a task of images offers beside.
SMALL = Task(X.astype(np.float32), Y.astype(np.int64), "small", train=np.arange(12) < 9)


def test_some_samples_of_a_task() -> None:
    part = SMALL.take(np.array([3, 10, 0]), "three")
    np.testing.assert_array_equal(part.y, Y[[3, 10, 0]])
    np.testing.assert_array_equal(part.train, [True, False, True])  # pyright: ignore
    np.testing.assert_array_equal(SMALL.take(SMALL.y == 1).x, X[Y == 1])
    assert (part.name, SMALL.take([1]).name, part.enumerated) == ("three", "small", False)


@pytest.mark.parametrize("rows", [[12], [-1], [0.5], [[0]], [True, False]])
def test_samples_that_are_not_there_are_refused(rows: Any) -> None:
    with pytest.raises(ip.InputError, match=r"take needs indices in 0\.\.11, or 12 booleans"):
        SMALL.take(rows)


def test_a_fraction_of_the_own_training_part() -> None:
    train, rest = SMALL.split(2 / 3, seed=1, kind="own")
    assert len(train) == 6
    assert train.max() < 9
    np.testing.assert_array_equal(np.sort(np.r_[train, rest]), np.arange(12))
    np.testing.assert_array_equal(train, SMALL.split(2 / 3, seed=1, kind="own")[0])


def test_data_without_a_split_of_their_own() -> None:
    with pytest.raises(ip.InputError, match="12-bit, hard rule comes without a split of its own"):
        ip.data.twelve_bit().split(kind="own")


def test_training_on_images_says_to_flatten_them() -> None:
    network = ip.networks.MLP([784, 4, 10])
    with pytest.raises(ip.InputError, match=r"needs \(n, 784\); use task\.flattened\(\)"):
        ip.networks.train_ensemble(network, SMALL, seeds=1, epochs=1)
    settings: dict[str, Any] = {"seeds": 2, "epochs": 1, "train_fraction": 1.0, "split": "own", "batch_size": 4}
    recording = ip.networks.train_ensemble(network, SMALL.flattened(), **settings)
    np.testing.assert_array_equal(recording.probe.train, np.tile(SMALL.train, (2, 1)))  # pyright: ignore
