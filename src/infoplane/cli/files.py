"""Files and options as a user types them."""

from __future__ import annotations

import ast
import zipfile
from pathlib import Path
from typing import Any

from ..errors import InputError, nearest
from ..rows import LARGE


def read_array(where: str) -> Any:
    """Samples from ``FILE.npy``, ``FILE.npz[:ARRAY]`` or ``FILE.csv[:COLUMN,COLUMN]``.

    Raises:
        InputError: no such file or part, another kind of file, or one that is not what its name says.
    """
    path, part = split(where)
    if not path.is_file():
        raise InputError(f"There is no file {path}.")
    readers = {".npy": _npy, ".npz": _npz, ".csv": _csv}
    if path.suffix.lower() not in readers:
        raise InputError(f"{path} has an unknown ending; known are .npy, .npz and .csv.")
    try:
        return readers[path.suffix.lower()](path, part)
    except InputError:
        raise
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        reason = (
            "it holds objects, which are never unpickled" if "pickle" in str(error).lower() else "it cannot be read"
        )
        raise InputError(f"{path} is not a valid {path.suffix.lower()} file: {reason}.") from None


def split(where: str) -> tuple[Path, str | None]:
    """The file, and the part of it that is asked for."""
    if Path(where).is_file() or ":" not in where:
        return Path(where), None
    path, part = where.rsplit(":", 1)
    return Path(path), part


def _npy(path: Path, part: str | None) -> Any:
    import numpy as np

    if part is not None:
        raise InputError(f"{path} is one array; leave out ':{part}'.")
    with path.open("rb") as file:
        if file.read(6) != b"\x93NUMPY":
            raise ValueError
    return np.load(path, mmap_mode="r" if path.stat().st_size > LARGE else None, allow_pickle=False)


def _npz(path: Path, part: str | None) -> Any:
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        names = list(arrays.files)
        if part is None and len(names) != 1:
            raise InputError(f"{path} holds {len(names)} arrays; write {path}:NAME. Known: {', '.join(names)}.")
        chosen = names[0] if part is None else part
        if chosen not in names:
            raise InputError(f"{path} has no array {chosen!r}; {nearest(chosen, names)}")
        return arrays[chosen]


def _csv(path: Path, part: str | None) -> Any:
    import pandas as pd

    table = pd.read_csv(path)
    # A first line of numbers is data, not a header.
    if all(is_number(name) for name in table.columns):
        table = pd.read_csv(path, header=None)
        table.columns = [str(i) for i in range(table.shape[1])]
    if part is not None:
        wanted = part.split(",")
        for name in wanted:
            if name not in table.columns:
                raise InputError(f"{path} has no column {name!r}; {nearest(name, [str(c) for c in table.columns])}")
        table = table[wanted]
    missing = int(table.isna().to_numpy().any(axis=1).sum())
    if missing:
        raise InputError(f"{path} has missing values in {missing} rows; drop or fill them.")
    if all(pd.api.types.is_numeric_dtype(table[name]) for name in table.columns):
        return table.to_numpy()
    return table.astype(str).to_numpy(dtype=str)


def is_number(text: str) -> bool:
    """Whether Python reads it as one."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def settings(pairs: list[str]) -> dict[str, Any]:
    """``["bins=50", "range=(-1, 1)"]`` to a mapping; a value that is no Python literal is text.

    ``true`` and ``false`` count in any case. A lower-case ``none`` stays text, which is a value of some settings
    (``correction=none``); in any other case it is None.

    Raises:
        InputError: an entry without ``=``.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.strip():
            raise InputError(f"--set takes NAME=VALUE, such as bins=50, got {pair!r}.")
        name, text = name.strip(), text.strip()
        word = text.capitalize()
        text = word if word in ("True", "False", "None") and text != "none" else text
        try:
            found[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError):
            found[name] = text
    return found
