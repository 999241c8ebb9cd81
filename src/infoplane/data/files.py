"""Where files of data are found: in the folder INFOPLANE_DATA, or else fetched once into the user's cache."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import InputError

FOLDER = "INFOPLANE_DATA"


@dataclass(frozen=True)
class File:
    """A published file.

    Attributes:
        place: within the folder INFOPLANE_DATA, and within the cache.
        sha256: of its bytes.
        urls: where it is published, tried in turn; none for a file that only a folder can have.
    """

    place: str
    sha256: str
    urls: tuple[str, ...] = ()


def find(file: File) -> Path:
    """Path of a file whose bytes are the published ones.

    Raises:
        InputError: the folder INFOPLANE_DATA lacks it or holds other bytes; or, where that is not set, it cannot be
            fetched.
    """
    folder = data_folder()
    return fetched(file) if folder is None else _of_folder(folder, file)


def data_folder() -> Path | None:
    """The folder INFOPLANE_DATA, or None where that is not set.

    Raises:
        InputError: it is set to something else than a folder.
    """
    given = os.environ.get(FOLDER)
    if not given:
        return None
    folder = Path(given).expanduser()
    if not folder.is_dir():
        raise InputError(
            f"{FOLDER} is set to {given}, which is no folder; set it to the folder of the data, or unset it."
        )
    return folder


def _of_folder(folder: Path, file: File) -> Path:
    path = folder / file.place
    if not path.is_file():
        here = f" from {file.urls[0]}" if file.urls else ""
        raise InputError(
            f"{FOLDER} is set to {folder}, which has no file {file.place}; put it there{here}, or unset {FOLDER} to "
            "have it fetched."
        )
    found = sha256(path)
    if found != file.sha256:
        raise InputError(
            f"{path} is not the published file: its SHA-256 starts {found[:12]} and should start {file.sha256[:12]}; "
            "replace it."
        )
    return path


def fetched(file: File) -> Path:
    """Path of a file in the cache, fetched and checked if it is not there yet.

    Raises:
        InputError: it cannot be fetched from any of its addresses, or what comes has other bytes.
    """
    import pooch

    place = Path(file.place)
    cache = Path(pooch.os_cache("infoplane")) / place.parent
    reasons = []
    for url in file.urls:
        try:
            return Path(pooch.retrieve(url, f"sha256:{file.sha256}", fname=place.name, path=cache))
        except (OSError, ValueError) as error:  # no network, an address that is gone; other bytes
            reasons.append(_why(url, error))
    tried = "; ".join(reasons)
    raise InputError(
        f"{file.place} cannot be fetched ({tried}). Without a network, set the environment variable {FOLDER} to a "
        f"folder that has the file {file.place}."
    )


def sha256(path: Path) -> str:
    """Hash of a file, in hexadecimal digits.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None


def _why(url: str, error: Exception) -> str:
    """Why nothing came of an address, without the chain of what lies below it."""
    # What pooch fetches with, and raises the errors of.
    from requests.exceptions import ConnectionError as NoConnection

    if isinstance(error, NoConnection):
        return f"{urlsplit(url).hostname} cannot be reached"
    return f"{url}: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
