"""The files of a recording: written whole or not at all, read only where they are complete."""

from __future__ import annotations

import json
import os
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..errors import InputError
from ..rows import LARGE

FORMAT, VERSION = "infoplane-recording", 1
ARRAYS = ("y", "x", "p_y_given_x", "train", "groups")  # of the probe

CUT_OFF = "The recording was cut off, or is being written, in the middle of a snapshot; that snapshot is left out."


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with whole_file(path) as file:
        file.write(content)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write to that takes its name only once all is written."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays, whole or not at all."""
    with whole_file(path) as file:
        np.savez(file, **arrays)  # pyright: ignore[reportArgumentType]


def read_npz(path: Path, wanted: Callable[[str], bool] = lambda _: True) -> dict[str, np.ndarray]:
    """The arrays of a file, or those with a wanted name.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {
                k: _mapped(path, arrays, k) if _mappable(arrays, k) else arrays[k] for k in arrays.files if wanted(k)
            }
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        raise InputError(f"{path} is damaged and cannot be read; record it again.") from None


def _mappable(arrays: Any, name: str) -> bool:
    """Whether an array of a .npz is large and lies in the file as it is, uncompressed."""
    member = arrays.zip.getinfo(f"{name}.npy")
    return member.file_size > LARGE and member.compress_type == zipfile.ZIP_STORED


def _mapped(path: Path, arrays: Any, name: str) -> np.ndarray:
    """A large array of a .npz as a memory map; as it is where it cannot be mapped."""
    with arrays.zip.open(f"{name}.npy") as member:
        version = np.lib.format.read_magic(member)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(member)
        before = member.tell()
    start = arrays.zip.getinfo(f"{name}.npy").header_offset
    with path.open("rb") as file:  # the header of a member of a .zip: 30 bytes, its name and what its writer adds
        file.seek(start)
        head = file.read(30)
    offset = start + 30 + sum(struct.unpack("<HH", head[26:30])) + before
    return np.memmap(path, dtype, "r", offset, shape, "F" if fortran else "C")


def read_header(path: Path) -> dict[str, Any]:
    """The contents of recording.json.

    Raises:
        InputError: not a recording, or a layout newer than this version.
    """
    try:
        header = json.loads((path / "recording.json").read_text())
        if header["format"] != FORMAT:
            raise KeyError
        version = int(header["version"])
        header["layers"] = [str(name) for name in header["layers"]]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{path} is not a recording: it needs a recording.json of the format {FORMAT!r}.") from None
    if version > VERSION:
        raise InputError(f"{path} has layout version {version}, this infoplane reads up to {VERSION}; update it.")
    return header


def _complete(path: Path, text: bytes) -> dict[str, Any] | None:
    """A line of the index, if it is whole and its snapshot is there in full length."""
    try:
        line = json.loads(text)
        whole = (path / "snapshots" / line["file"]).stat().st_size == line["bytes"]
        return line if whole and isinstance(line["epoch"], int) and len(line["seeds"]) > 0 else None
    except (ValueError, OSError, KeyError, TypeError):
        return None


def read_index(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Complete snapshots, and what had to be left out."""
    file = path / "index.jsonl"
    lines = []
    for text in file.read_bytes().splitlines() if file.exists() else []:
        if (line := _complete(path, text)) is None:
            return lines, [CUT_OFF]
        lines.append(line)
    # A file that no line names: the writer was stopped between the two.
    named = {line["file"] for line in lines}
    unnamed = any(found.name not in named for found in (path / "snapshots").glob("*"))
    return lines, [CUT_OFF] if unnamed else []


def write_index(path: Path, lines: list[dict[str, Any]]) -> None:
    """Replace the index."""
    write_whole(path / "index.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())


def mend(path: Path) -> list[dict[str, Any]]:
    """Make a recording ready to be continued: the complete snapshots, with nothing else left in its folder."""
    lines, _ = read_index(path)
    write_index(path, lines)  # also ends a last line that was cut off just before its line end
    named = {line["file"] for line in lines}
    for file in (path / "snapshots").glob("*"):
        if file.name not in named:
            file.unlink()
    for file in path.glob(".*.partial"):
        file.unlink()
    return lines


def only_begun(path: Path) -> bool:
    """Whether a folder holds nothing but what a writer makes before the first snapshot."""
    begun = all(file.name in ("probe.npz", "snapshots") or file.suffix == ".partial" for file in path.iterdir())
    return begun and not any((path / "snapshots").glob("*"))
