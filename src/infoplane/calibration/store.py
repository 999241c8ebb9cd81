"""Finished cases on disk: one line of JSON each, so that a run killed at any moment loses at most the case at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from pathlib import Path

from .. import __version__
from ..errors import InputError
from .cases import Record

_HEADER = {"file": "infoplane cases", "version": __version__}


class CaseFile(MutableMapping[str, Record]):
    """Records by key, each appended to a file as it comes.

    The first line says what the file is and which version wrote it; every other is ``[key, [value, stderr, ...]]``.
    A line that was cut off is dropped and its case measured again; floats come back with all their digits.

    Raises:
        InputError: the file is something else, or of another version, whose numbers may differ.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._records: dict[str, Record] = {}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._open()
        except OSError as error:
            raise InputError(f"{self.path} cannot be used: {error.strerror or error}.") from None

    def _open(self) -> None:
        text = self.path.read_bytes() if self.path.exists() else b""
        whole = text[: text.rfind(b"\n") + 1]
        if not whole:
            if text and not json.dumps(_HEADER).encode().startswith(text):
                raise InputError(f"{self.path} is no file of cases; choose another folder or delete it.")
            self.path.write_text(json.dumps(_HEADER) + "\n")
            return
        lines = whole.splitlines()
        self._check(_read(lines[0]))
        for line in lines[1:]:
            match _read(line):
                case [str(key), [*values]] if len(values) == len(Record._fields):
                    self._records[key] = Record(*values)
        if len(whole) < len(text):
            with self.path.open("r+b") as file:
                file.truncate(len(whole))

    def _check(self, header: object) -> None:
        if not isinstance(header, dict) or header.get("file") != _HEADER["file"]:
            raise InputError(f"{self.path} is no file of cases; choose another folder or delete it.")
        if header.get("version") != __version__:
            raise InputError(
                f"{self.path} was measured with infoplane {header.get('version')}, this is {__version__}; "
                "choose another folder or delete it."
            )

    def __getitem__(self, key: str) -> Record:
        return self._records[key]

    def __setitem__(self, key: str, record: Record) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([key, list(record)]) + "\n")
        self._records[key] = record

    def __delitem__(self, key: str) -> None:
        raise TypeError("What was measured stays measured.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)


def _read(line: bytes) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None
