"""The data sets that commands take: files of arrays, and images by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, nearest

if TYPE_CHECKING:
    import numpy as np

_IMAGES = {"mnist": "mnist", "fashion-mnist": "fashion_mnist", "cifar10": "cifar10"}
_ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def read_data(command: str, data: str, train: int, test: int, seed: int) -> tuple[Any, Any, Any, Any]:
    """Inputs and targets to train on and to measure with, at most so many.

    Raises:
        InputError: no such file or data set, or arrays that are missing.
    """
    import numpy as np

    if data in _IMAGES:
        from .. import data as tasks

        read = getattr(tasks, _IMAGES[data])
        parts = [read(part).flattened() for part in ("train", "test")]
        cut = [part.take(np.arange(min(most, len(part.y)))) for part, most in zip(parts, (train, test), strict=True)]
        shift, scale = float(cut[0].x.mean()), float(cut[0].x.std()) or 1.0
        return tuple(v for part in cut for v in ((part.x - shift) / scale, part.y))  # type: ignore[return-value]
    path = Path(data)
    if path.suffix.lower() != ".npz":
        raise InputError(f"infoplane {command} takes a .npz file or a data set, got {data!r}; {nearest(data, _IMAGES)}")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as .npz: {error}.") from None
    if set(_ARRAYS) <= set(found):
        sizes = (train, train, test, test)
        return tuple(found[name][:most] for name, most in zip(_ARRAYS, sizes, strict=True))  # type: ignore[return-value]
    if not {"x", "y"} <= set(found) or len(found["x"]) != len(found["y"]):
        raise InputError(
            f"{path} needs the arrays {', '.join(_ARRAYS)}, or x and y of one length; it has {', '.join(found)}."
        )
    return _halved(found["x"], found["y"], train, test, seed)


def _halved(x: np.ndarray, y: np.ndarray, train: int, test: int, seed: int) -> tuple[Any, Any, Any, Any]:
    """A random half to train on, the other to measure with, at most so many of each."""
    import numpy as np

    order = np.random.default_rng(seed).permutation(len(x))
    half = (len(x) + 1) // 2
    first, second = order[:half][:train], order[half:][:test]
    return x[first], y[first], x[second], y[second]
