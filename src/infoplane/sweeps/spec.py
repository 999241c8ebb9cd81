"""What a sweep is: read from TOML, checked, and taken apart into jobs that are each known by a hash."""

from __future__ import annotations

import hashlib
import itertools
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, nearest
from . import values

_KEYS = ("run", "out", "seeds", "estimators", "settings", "grid")
_EXAMPLE = 'run = "study.py:measure"'
_MOST_JOBS = 1_000_000


@dataclass(frozen=True)
class Job:
    """One point of a sweep's grid.

    Attributes:
        run: name of an experiment, or the entry point ``module:function`` or ``file.py:function``.
        arguments: what it is called with, as JSON has it.
        place: its coordinates: a value for every dimension of the grid.
        base: folder of the spec, from which an entry point is looked up; not part of what the job is.
    """

    run: str
    arguments: Mapping[str, Any]
    place: Mapping[str, Any]
    base: str

    @property
    def text(self) -> str:
        """What the job is, as canonical JSON: equal jobs have equal texts, wherever and however they are written."""
        return values.canonical({"run": self.run, "arguments": self.arguments})

    @property
    def key(self) -> str:
        """Hash of :attr:`text`, which names the job's files."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    @property
    def label(self) -> str:
        """Its place in words."""
        return ", ".join(f"{name}={value}" for name, value in self.place.items()) or self.run


@dataclass(frozen=True)
class Spec:
    """A sweep.

    Attributes:
        run: an experiment, several, or one entry point.
        axes: values of every dimension of the grid, in the order of the gathered dataset's dimensions.
        settings: arguments that are the same for all jobs.
        out: folder of results.
        base: folder from which a relative entry point is looked up.
        name: of the spec.
    """

    run: tuple[str, ...]
    axes: Mapping[str, tuple[Any, ...]]
    settings: Mapping[str, Any]
    out: Path
    base: Path
    name: str

    @property
    def of_experiments(self) -> bool:
        """Whether it runs the package's experiments rather than a function of the user's."""
        return ":" not in self.run[0]

    @property
    def n_jobs(self) -> int:
        """How many jobs there are."""
        count = 1
        for axis in self.axes.values():
            count *= len(axis)
        return count

    def jobs(self) -> Iterator[Job]:
        """All jobs, the last dimension fastest."""
        for point in itertools.product(*self.axes.values()):
            arguments = dict(self.settings) | dict(zip(self.axes, point, strict=True))
            run = arguments.pop("experiment", self.run[0]) if self.of_experiments else self.run[0]
            place = {name: values.label(value) for name, value in zip(self.axes, point, strict=True)}
            yield Job(run, arguments, place, str(self.base))

    def record(self) -> dict[str, Any]:
        """What the folder of results keeps of it."""
        run = list(self.run) if "experiment" in self.axes else self.run[0]
        axes = {name: list(axis) for name, axis in self.axes.items()}
        return {"run": run, "settings": dict(self.settings), "axes": axes}


def read(spec: str | Path | Mapping[str, Any] | Spec) -> Spec:
    """Read a sweep and check it; nothing is run and nothing is written.

    Args:
        spec: a TOML file, or the same as a mapping (relative paths then start at the current folder). Its keys:

            - ``run``: the name of an experiment, a list of names (the dimension ``experiment``), or an entry point
              ``module:function`` or ``file.py:function`` that takes keyword arguments;
            - ``[grid]``: for each argument a list of values; each is a dimension of the result;
            - ``estimators``: as the command line writes them, ``["KSG(k=3)", "Gaussian"]``: the argument ``estimator``;
            - ``seeds``: their number, or their list: the argument ``seed``;
            - ``[settings]``: arguments that are the same for all jobs;
            - ``out``: folder of results; ``results/NAME`` beside the spec if left out.

    Raises:
        InputError: no such file, unknown keys or names (the message has the nearest one), or values that do not fit.
    """
    if isinstance(spec, Spec):
        return spec
    if isinstance(spec, Mapping):
        return _spec(spec, Path.cwd(), "sweep")
    if not isinstance(spec, str | Path):
        raise InputError(f"A sweep needs a TOML file or a mapping, got an object of the type {type(spec).__name__}.")
    path = Path(spec)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not valid TOML: {error}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text in UTF-8.") from None
    except OSError as error:
        raise InputError(f"The spec {path} cannot be read: {error.strerror or error}.") from None
    return _spec(table, path.absolute().parent, path.stem)


def _spec(table: Mapping[str, Any], base: Path, name: str) -> Spec:
    for key in table:
        if key not in _KEYS:
            raise InputError(f"A sweep has no key {key!r}; {nearest(key, _KEYS)}")
    run = _run(table.get("run"))
    settings = {key: values.plain(value, f"settings.{key}") for key, value in _table(table, "settings").items()}
    axes: dict[str, tuple[Any, ...]] = {"experiment": run} if isinstance(table["run"], list | tuple) else {}
    grid = _table(table, "grid")
    if "grid" in table and not grid:
        raise InputError("The grid of a sweep is empty; give it an argument with its values, such as n = [100, 1000].")
    axes |= {key: values.axis(value, f"grid.{key}") for key, value in grid.items()}
    if "estimators" in table:
        axes["estimator"] = values.estimators(table["estimators"])
    if "seeds" in table:
        axes["seed"] = values.seeds(table["seeds"])
    _check_names(settings, grid)
    out = table.get("out", f"results/{name}")
    if not isinstance(out, str | Path) or not str(out):
        raise InputError(f"out is the folder of results, a text, got {out!r}.")
    spec = Spec(run, axes, settings, base / out, base, name)
    if spec.of_experiments:
        _check_experiments(spec, table)
    if spec.n_jobs > _MOST_JOBS:
        raise InputError(f"This sweep has {spec.n_jobs} jobs; more than {_MOST_JOBS} are not run as one sweep.")
    return spec


def _run(given: Any) -> tuple[str, ...]:
    """The experiments, or the entry point."""
    if given is None:
        raise InputError(f"A sweep needs run: an experiment or an entry point, such as {_EXAMPLE}.")
    several = isinstance(given, list | tuple)
    run = tuple(given) if several else (given,)
    if not run or not all(isinstance(one, str) and one.strip() for one in run):
        raise InputError(f"run is the name of an experiment, a list of names, or an entry point, got {given!r}.")
    if several and any(":" in one for one in run):
        raise InputError(f"A sweep runs several experiments or one entry point, got {given!r}.")
    if len(set(run)) < len(run):
        raise InputError(f"run names an experiment twice: {given!r}.")
    if ":" in run[0] and not all(part.strip() for part in run[0].rsplit(":", 1)):
        raise InputError(f"An entry point is module:function or file.py:function, got {run[0]!r}.")
    return run


def _table(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = table.get(name, {})
    if not isinstance(found, Mapping):
        raise InputError(f"{name} is a table, [{name}], of names and values, got {found!r}.")
    for key in found:
        if not isinstance(key, str) or not key.isidentifier():
            raise InputError(f"{name} holds names of arguments; {key!r} cannot be one.")
    return found


def _check_names(settings: Mapping[str, Any], grid: Mapping[str, Any]) -> None:
    for name, proper in (("seed", "seeds = 8"), ("estimator", 'estimators = ["KSG(k=3)"]')):
        if name in grid or (name == "estimator" and name in settings):
            raise InputError(f"{name} is written at the top of a sweep: {proper}.")
    for name in grid:
        if name in settings:
            raise InputError(f"{name} is both a setting and in the grid; keep one of them.")


def _check_experiments(spec: Spec, table: Mapping[str, Any]) -> None:
    """Names and sizes of experiments: all that can be set of them."""
    from .. import experiments

    for name in spec.run:
        experiments.describe(name)
    if "estimators" in table:
        raise InputError("An experiment brings its own estimators; leave out estimators.")
    if "seeds" in table:
        raise InputError("An experiment brings its own seeds; their number is a setting: [settings] seeds = 8.")
    known = {"quick": bool, "seeds": int}
    given = {name: (value,) for name, value in spec.settings.items()}
    given |= {name: axis for name, axis in spec.axes.items() if name != "experiment"}
    for name, axis in given.items():
        if name not in known:
            raise InputError(f"An experiment has no setting {name!r}; {nearest(name, known)}")
        for value in axis:
            if type(value) is not known[name]:
                wanted = "true or false" if name == "quick" else "a whole number"
                raise InputError(f"{name} of an experiment is {wanted}, got {value!r}.")
    for name in spec.run:
        experiment = experiments.describe(name)
        for count in given.get("seeds", ()):
            if count < experiment.fewest_seeds:
                raise InputError(f"{name} needs at least {experiment.fewest_seeds} {experiment.unit}, got {count}.")


def check_same(spec: Spec, kept: Mapping[str, Any], folder: Path) -> None:
    """Refuse a folder of another sweep; a grid that has grown is the same sweep.

    Raises:
        InputError: another function, other settings, other dimensions, or fewer values of one.
    """
    ours = json.loads(values.canonical(spec.record()))
    theirs = json.loads(values.canonical(kept))
    other = f"{folder} holds another sweep"
    end = "choose a new --out or delete it."
    several = isinstance(ours["run"], list) and isinstance(theirs["run"], list)
    if not several and ours["run"] != theirs["run"]:
        raise InputError(f"{other}, of {theirs['run']!r}, not {ours['run']!r}; {end}")
    if ours["settings"] != theirs["settings"]:
        raise InputError(f"{other}, with the settings {theirs['settings']}, not {ours['settings']}; {end}")
    if list(spec.axes) != list(kept["axes"]):
        there, here = (", ".join(axes) or "nothing" for axes in (kept["axes"], spec.axes))
        raise InputError(f"{other}, over {there}, not over {here}; {end}")
    for name, axis in theirs["axes"].items():
        lost = [value for value in axis if value not in ours["axes"][name]]
        if lost:
            raise InputError(
                f"{folder} holds a sweep whose {name} has also {lost[0]!r}: a grid may grow, not shrink; put it back, "
                f"or {end}"
            )
