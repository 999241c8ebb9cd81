"""Images with labels: MNIST, Fashion-MNIST and CIFAR-10, from the folder INFOPLANE_DATA or fetched once."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path
from typing import Literal

import numpy as np

from ..errors import InputError, nearest
from .files import File, data_folder, find
from .task import Task

PartName = Literal["train", "test", "all"]

_IDX_IMAGES, _IDX_LABELS = 2051, 2049  # first four bytes of such a file: its type, and the number of its axes
_MIRRORS = {
    "mnist": ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    "fashion-mnist": ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
}
_HASHES = {
    "mnist": {
        "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
}
_CIFAR = File(
    "cifar10/cifar-10-binary.tar.gz",
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
)
_CIFAR_SUBSET = File(
    "cifar10/cifar10_lossless_4000_1000.npz", "e48015fd8460684d29ab3dbc926453b35d776cd6dfb7a97b78f8e209f63c9802"
)


def mnist(part: PartName = "train") -> Task:
    """MNIST: 60,000 training and 10,000 test images of handwritten digits.

    Read from the folder INFOPLANE_DATA where that is set (``mnist/train-images-idx3-ubyte.gz`` and so on), otherwise
    fetched once into the user's cache; either way the bytes are checked. Source: LeCun, Cortes and Burges.

    Args:
        part: "train", "test", or "all" for both, the training images first; the task then has that split as its own:
            ``task.split(1.0, kind="own")``.

    Returns:
        Task with x (n, 28, 28) float32 in [0, 1], 0 the background; y (n,) int64, the digit.

    Raises:
        InputError: an unknown part, a file that is missing or not the published one, or no network to fetch it.
    """
    return _parts("MNIST", "mnist", part)


def fashion_mnist(part: PartName = "train") -> Task:
    """Fashion-MNIST: 60,000 training and 10,000 test images of articles of clothing, of ten kinds.

    Found like :func:`mnist`, in ``fashion-mnist/``. Classes: 0 T-shirt, 1 trouser, 2 pullover, 3 dress, 4 coat,
    5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 ankle boot. Source: arXiv:1708.07747.

    Args:
        part: as for :func:`mnist`.

    Returns:
        Task with x (n, 28, 28) float32 in [0, 1]; y (n,) int64.

    Raises:
        InputError: as :func:`mnist`.
    """
    return _parts("Fashion-MNIST", "fashion-mnist", part)


def cifar10(part: PartName = "train") -> Task:
    """CIFAR-10: 50,000 training and 10,000 test photographs of ten kinds, or a subset of them.

    The folder INFOPLANE_DATA may have the whole set (``cifar10/cifar-10-binary.tar.gz``), or 4,000 training and 1,000
    test images of it (``cifar10/cifar10_lossless_4000_1000.npz``); then the name of the task says so. Without that
    folder the whole set is fetched. Source: Krizhevsky 2009, Learning multiple layers of features from tiny images.

    Args:
        part: as for :func:`mnist`.

    Returns:
        Task with x (n, 32, 32, 3) float32 in [0, 1], channels red, green, blue; y (n,) int64: 0 airplane, 1 automobile,
        2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship, 9 truck.

    Raises:
        InputError: as :func:`mnist`.
    """
    wanted = _wanted("cifar10", part)
    folder = data_folder()
    if folder is not None and not (folder / _CIFAR.place).is_file() and (folder / _CIFAR_SUBSET.place).is_file():
        with np.load(find(_CIFAR_SUBSET)) as kept:
            pairs = [(kept[f"x_{one}"], kept[f"y_{one}"]) for one in wanted]
        return _task("CIFAR-10 (subset of 4,000 + 1,000)", part, pairs)
    path = find(_CIFAR)
    return _task("CIFAR-10", part, [_binary_batches(path, one) for one in wanted])


def _wanted(who: str, part: str) -> list[str]:
    if part not in ("train", "test", "all"):
        raise InputError(f"{who} has no part {part!r}; {nearest(str(part), ['train', 'test', 'all'])}")
    return ["train", "test"] if part == "all" else [part]


def _parts(title: str, folder: str, part: PartName) -> Task:
    """Some of a set of four files of the MNIST kind."""
    pairs = []
    for one in _wanted(folder.replace("-", "_"), part):
        start = "train" if one == "train" else "t10k"
        images, labels = f"{start}-images-idx3-ubyte.gz", f"{start}-labels-idx1-ubyte.gz"
        pairs.append((_idx(_file(folder, images), _IDX_IMAGES), _idx(_file(folder, labels), _IDX_LABELS)))
    return _task(title, part, pairs)


def _file(folder: str, name: str) -> Path:
    return find(File(f"{folder}/{name}", _HASHES[folder][name], tuple(f"{url}{name}" for url in _MIRRORS[folder])))


def _idx(path: Path, magic: int) -> np.ndarray:
    """Bytes of a compressed IDX file: four big-endian numbers of 4 bytes or more, the axes' lengths, then values."""
    content = gzip.decompress(path.read_bytes())
    axes = magic % 256
    header = np.frombuffer(content, ">u4", count=1 + axes)
    if header[0] != magic:
        raise InputError(f"{path} is no IDX file of the kind {magic}: it starts with {header[0]}; replace it.")
    return np.frombuffer(content, np.uint8, offset=4 * (1 + axes)).reshape(header[1:].tolist())


def _binary_batches(path: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of CIFAR-10's binary version: records of a label and 3,072 values, channel by channel."""
    names = [f"data_batch_{k}.bin" for k in range(1, 6)] if part == "train" else ["test_batch.bin"]
    with tarfile.open(path, "r:gz") as archive:
        members = {Path(member.name).name: member for member in archive.getmembers() if member.isfile()}
        files = [archive.extractfile(members[name]) for name in names]
        content = b"".join(file.read() for file in files if file is not None)
    records = np.frombuffer(content, np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    return records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), records[:, 0]


def _task(title: str, part: PartName, pairs: list[tuple[np.ndarray, np.ndarray]]) -> Task:
    """A task of images with values 0..255, of one part or of both."""
    x = np.concatenate([images for images, _ in pairs]).astype(np.float32) / np.float32(255)
    y = np.concatenate([labels for _, labels in pairs]).astype(np.int64)
    if part != "all":
        return Task(x, y, f"{title}, {part}")
    return Task(x, y, title, train=np.arange(len(y)) < len(pairs[0][1]))
