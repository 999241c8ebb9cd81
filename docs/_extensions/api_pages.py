"""Writes the pages of the API reference: one a room, from what the package itself calls public.

A room's page has the module's docstring, a table of its names with their first sentences, and then every name in full.
Nothing is listed by hand: a name added to a module's ``__all__`` is on the page of the next build.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

# Order and captions of the overview; rooms that are not named here come last.
ROOMS = {
    "Measure": ("estimators", "channels", "compressors", "calibration", "laws"),
    "Networks and planes": ("data", "networks", "recordings", "watching", "torch", "jax", "plane"),
    "The bottleneck and its relatives": ("bottleneck", "infinite", "variational"),
    "Results": ("results", "plots", "report", "experiments", "sweeps"),
}

_OVERVIEW = """\
API reference
=============

Public names by room, written from the docstrings. What no page lists is private and may change without notice.

.. automodule:: infoplane
   :no-members:

{captions}

.. currentmodule:: infoplane

.. autosummary::
   :nosignatures:

{names}

{entries}"""

_CAPTION = """\
.. toctree::
   :maxdepth: 1
   :caption: {caption}

{rooms}
"""

_ROOM = """\
{title}
{line}

.. automodule:: {module}
   :no-members:

.. currentmodule:: {module}
{elsewhere}
.. autosummary::
   :nosignatures:

{names}

{entries}"""


def public(module: str) -> list[str]:
    """The public names of a module: ``__all__``, or what is defined there and has no underscore."""
    loaded = importlib.import_module(module)
    own = [n for n, v in vars(loaded).items() if not n.startswith("_") and getattr(v, "__module__", "") == module]
    return list(getattr(loaded, "__all__", own))


def pages() -> dict[str, str]:
    """Text of every page of the reference, by file name without ending."""
    import infoplane

    there: list[str] = list(infoplane._MODULES)
    named = {caption: [room for room in rooms if room in there] for caption, rooms in ROOMS.items()}
    listed = [room for rooms in named.values() for room in rooms]
    if others := sorted(set(there) - set(listed)):
        named["Others"], listed = others, [*listed, *others]
    captions = [
        _CAPTION.format(caption=caption, rooms="\n".join(f"   {room}" for room in rooms))
        for caption, rooms in named.items()
    ]
    top = list(infoplane._NAMES)
    overview = _OVERVIEW.format(
        names="\n".join(f"   {name}" for name in top),
        entries=entries("infoplane", top),
        captions="\n".join(captions),
    )
    return {"index": overview} | {room: page(f"infoplane.{room}") for room in listed}


def page(module: str) -> str:
    """The page of one room; a name that it shares with another is documented once, and named here."""
    names = public(module)
    here = [name for name in names if home(module, name) == module]
    table = [name for name in here if kind(module, name) not in ("alias", "constant")]
    return _ROOM.format(
        title=module,
        line="=" * len(module),
        module=module,
        elsewhere="".join(
            f"\n:py:obj:`~{home(module, name)}.{name}` is documented in ``{home(module, name)}``.\n"
            for name in names
            if name not in here
        ),
        names="\n".join(f"   {name}" for name in table),
        entries=entries(module, here),
    )


def home(module: str, name: str) -> str:
    """Where a public name is documented: at the top if it is there, else in the room that defines it."""
    import infoplane

    value = getattr(importlib.import_module(module), name)
    if name in infoplane._NAMES and getattr(infoplane, name) is value:
        return "infoplane"
    defined = ".".join(getattr(value, "__module__", module).split(".")[:2])
    return defined if defined != module and name in public(defined) else module


def entries(module: str, names: list[str]) -> str:
    """A directive for every name, by what it is."""
    return "\n".join(entry(module, name) for name in names)


def entry(module: str, name: str) -> str:
    value, what = getattr(importlib.import_module(module), name), kind(module, name)
    if what == "alias":
        return f".. py:data:: {name}\n\n   Another name of :py:class:`{module}.{value.__name__}`.\n"
    if what == "constant":
        keys = f", of {', '.join(f'``{key}``' for key in value)}" if isinstance(value, dict) else ""
        return f".. py:data:: {name}\n\n   {type(value).__name__}{keys}.\n"
    if what == "module":
        return f".. automodule:: {module}.{name}\n\n.. currentmodule:: {module}\n"
    return f".. auto{what}:: {name}\n"


def kind(module: str, name: str) -> str:
    """ "module", "class", "exception" or "function"; "alias", a second name of a class; "constant", all else."""
    value: Any = getattr(importlib.import_module(module), name)
    if isinstance(value, type):
        if value.__name__ != name:
            return "alias"
        return "exception" if issubclass(value, BaseException) else "class"
    if type(value).__name__ == "module":
        return "module"
    return "function" if callable(value) and hasattr(value, "__qualname__") else "constant"


def write(app: Any) -> None:
    """Write the pages below ``api/``; files that would not change are left alone, so that builds stay incremental."""
    folder = Path(app.srcdir) / "api"
    folder.mkdir(exist_ok=True)
    texts = pages()
    for name, text in texts.items():
        path = folder / f"{name}.rst"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for stale in set(folder.glob("*.rst")) - {folder / f"{name}.rst" for name in texts}:
        stale.unlink()


_BAR = re.compile(r"(``.*?``)|\|")
_SHARED = re.compile(r"^:(ivar|param) ((?:\w+, )+\w+):", re.MULTILINE)


def tidy(app: Any, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Say in reStructuredText what our docstrings write more plainly.

    |x| is a size there, and would be a substitution; two names that share a sentence (``lower, upper: ends``) would be
    read as a type and a name.
    """
    text = _BAR.sub(lambda found: found.group(1) or "\\|", "\n".join(lines))
    lines[:] = [line for part in re.split(r"\n(?=:)", text) for line in _apart(part).split("\n")]


def _apart(field: str) -> str:
    """A field of several names as one field a name, each with the sentence."""
    shared = _SHARED.match(field)
    if shared is None:
        return field
    return "\n".join(f":{shared[1]} {name}:{field[shared.end() :]}" for name in shared[2].split(", "))


def setup(app: Any) -> dict[str, bool]:
    app.connect("builder-inited", write)
    app.connect("autodoc-process-docstring", tidy)
    return {"parallel_read_safe": True}
