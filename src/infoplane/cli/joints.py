"""Joint distributions as a user keeps them: a table of weights in a file, or two columns of samples."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import InputError
from .files import is_number, read_array, split

if TYPE_CHECKING:
    import numpy as np

    from ..bottleneck import Joint


class Table(NamedTuple):
    """What was read.

    Attributes:
        joint: the distribution.
        labels: the names of y, None where the file has none.
        told: how the file was read, in a few words.
    """

    joint: Joint
    labels: list[str] | None
    told: str


def read_joint(where: str, *, samples: bool = False) -> Table:
    """A joint distribution from ``FILE.npy``, ``FILE.npz[:ARRAY]`` or ``FILE.csv``.

    In a CSV file the first line is a header if it has a cell, besides its first, that is no number; the first column
    holds names of rows if one of its cells below the first line is no number. An empty first cell says that there are
    both, whatever they look like. Numbers that may as well be names, 0, 1, 2, ..., are refused. Empty lines are left
    out.

    Args:
        where: the file, and which part of it.
        samples: it holds pairs of values to be counted: two columns, or ``FILE.csv:X,Y``, ``FILE.npz:X,Y``.

    Raises:
        InputError: no such file or part, or none that can be used: its line and column.
    """
    if samples:
        return _counted(where)
    from ..bottleneck import Joint

    path, part = split(where)
    if path.suffix.lower() == ".csv" and path.is_file():
        if part is not None:
            raise InputError(f"{path} is one table; leave out ':{part}', or count its columns with --samples.")
        weights, labels, told = _csv(path)
    else:
        weights, labels, told = read_array(where), None, ""
    joint = Joint(weights)
    return Table(joint, labels, f"{joint.shape[0]} x {joint.shape[1]} weights{told}")


def _csv(path: Path) -> tuple[np.ndarray, list[str] | None, str]:
    """Weights, names of the columns, and what was taken for names."""
    import numpy as np

    lines = _lines(path)
    first, rest = lines[0][1], lines[1:]
    both = first[0] == "" and len(first) > 1
    header = both or not all(map(is_number, first[1:])) or (len(first) == 1 and not is_number(first[0]))
    body = rest if header else lines
    if not body:
        raise InputError(f"{path} has a header and no rows below it.")
    named = len(first) > 1 and (both or not all(is_number(cells[0]) for _, cells in body))
    if not both:
        _check_plain(path, header, named, first, [cells[0] for _, cells in rest])
    skip = int(named)
    for line, cells in body:
        for column, cell in enumerate(cells[skip:], start=1 + skip):
            if not is_number(cell):
                what = "an empty cell" if cell == "" else repr(cell)
                raise InputError(f"{path} needs numbers, got {what} in line {line}, column {column}.")
    weights = np.array([[float(cell) for cell in cells[skip:]] for _, cells in body])
    told = f"; {'a header' if header else 'no header'}, {'names of rows' if named else 'no names of rows'}"
    return weights, first[skip:] if header else None, told


def _check_plain(path: Path, header: bool, named: bool, first: list[str], column: list[str]) -> None:
    """Refuse what can as well be names as weights, such as the numbers 0, 1, 2 that tables are written with.

    Raises:
        InputError: the first line or column may be names.
    """
    names_below = len(first) > 1 and column and all(map(is_number, column))
    if not header and (_counts(first) or (named and names_below) or (named and _counts(first[1:]))):
        raise InputError(
            f"{path} begins with the line {','.join(first[:6])}: names or weights? For names of columns and rows leave "
            "the first cell empty; for names of columns alone use names that are no numbers."
        )
    if header and not named and _counts(column):
        raise InputError(
            f"{path} has {', '.join(column[:3])}, ... in its first column: names of rows or weights? For names leave "
            "the first cell of the header empty; weights can also stand without a header."
        )


def _counts(cells: list[str]) -> bool:
    """Whether these are 0, 1, 2, ... or 1, 2, 3, ..., three of them at least."""
    return len(cells) > 2 and any(cells == [str(k + start) for k in range(len(cells))] for start in (0, 1))


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """(line number, cells) of every line that is not empty, all of one length."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"{path} is not a valid .csv file: it is no text.") from None
    lines = [(number, cells) for number, cells in lines if any(cells)]
    if not lines:
        raise InputError(f"{path} is empty; it needs a table of weights, rows x and columns y.")
    number, first = lines[0]
    if len(first) == 1 and any(mark in first[0] for mark in ";\t"):
        raise InputError(f"{path} separates its cells by something else; a .csv file has commas and decimal points.")
    for line, cells in lines:
        if len(cells) != len(first):
            raise InputError(
                f"{path} needs lines of one length, got {len(first)} cells in line {number} and {len(cells)} in line "
                f"{line}."
            )
    return lines


def _counted(where: str) -> Table:
    """Pairs of values, counted."""
    import numpy as np

    from ..bottleneck import Joint

    path, part = split(where)
    if part is None:
        x, y = _columns(where, read_array(where))
    else:
        names = [name.strip() for name in part.split(",")]
        if len(names) != 2:
            raise InputError(f"--samples counts pairs of two columns, as in {path.name}:x,y, got {where!r}.")
        x, y = (_flat(name, read_array(f"{path}:{name}")) for name in names)
    joint = Joint.from_samples(x, y)
    labels = [str(value) for value in np.unique(np.asarray(y))]
    return Table(joint, labels, f"{joint.shape[0]} x {joint.shape[1]} counts of {len(x)} pairs")


def _columns(where: str, array: Any) -> tuple[Any, Any]:
    if array.ndim != 2 or array.shape[1] != 2:
        shape = " x ".join(map(str, array.shape))
        raise InputError(f"--samples counts pairs of two columns; {where} is {shape}: name two, as in FILE.csv:x,y.")
    return array[:, 0], array[:, 1]


def _flat(name: str, array: Any) -> Any:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise InputError(f"--samples needs one column each; {name} has shape {array.shape}.")
    return array
