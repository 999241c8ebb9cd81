"""Entry points: a function of the user's, found again on whatever machine a job runs."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import InputError, nearest
from .spec import Job, Spec

_LOADED: dict[tuple[str, str], Any] = {}
_LOADING = threading.RLock()


def load(run: str, base: str) -> Callable[..., Any]:
    """The function of an entry point.

    Args:
        run: ``module:function`` or ``file.py:function``. A file is read again when its content has changed, a module
            once a process.
        base: where a relative file starts, and the first folder in which modules are looked for.

    Raises:
        InputError: no such file, module or function, or one that fails on import.
    """
    where, _, name = run.rpartition(":")
    with _LOADING:
        _make_importable(Path(base))
        try:
            module = _file(Path(base) / where) if where.endswith(".py") else importlib.import_module(where)
        except InputError:
            raise
        except (Exception, SystemExit) as error:
            raise InputError(f"{run} cannot be imported: {type(error).__name__}: {error}") from error
    found = getattr(module, name, None)
    if not callable(found):
        known = [key for key, one in vars(module).items() if inspect.isfunction(one) and not key.startswith("_")]
        said = nearest(name, known) if known else "It has none."
        raise InputError(f"{where} has no function {name!r}; {said}")
    return found


def _file(path: Path) -> Any:
    """The module of a file, under a name that no other file has."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"The entry point's file {path} cannot be read ({error.strerror or error}); it must be where the spec "
            "says, on every machine that runs jobs."
        ) from None
    known = (str(path), hashlib.sha256(content).hexdigest())
    if known not in _LOADED:
        name = f"infoplane_sweep_{path.stem}_{known[1][:12]}"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses look theirs up by name
        _make_importable(path.parent)
        try:
            # What is compiled is what was read: a cached one may be of an earlier edit within the same second.
            exec(compile(content, str(path), "exec"), module.__dict__)
        except BaseException:
            del sys.modules[name]
            raise
        _LOADED[known] = module
    return _LOADED[known]


def _make_importable(folder: Path) -> None:
    """Modules of a folder can be imported, as beside a script, and stay so for what a function imports late."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
        importlib.invalidate_caches()


def check(spec: Spec) -> None:
    """Find out before any job runs that its function can be imported and takes what the jobs would give it.

    Raises:
        InputError: it cannot or does not.
    """
    if spec.of_experiments:
        return
    run = spec.run[0]
    function = load(run, str(spec.base))
    names = [*spec.settings, *spec.axes]
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of some built-in functions: their first call will tell
        return
    takes = signature.parameters.values()
    known = [one.name for one in takes if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    anything = any(one.kind is one.VAR_KEYWORD for one in takes)
    for name in names:
        if name not in known and not anything:
            said = nearest(name, known) if known else "It takes none."
            raise InputError(f"{run} takes no argument {name!r}, which the sweep gives it; {said}")
    for one in takes:
        needed = one.default is one.empty and one.kind is not one.VAR_POSITIONAL and one.kind is not one.VAR_KEYWORD
        if needed and one.name not in names:
            raise InputError(f"{run} needs an argument {one.name!r}; give it under [settings] or [grid].")


def call(job: Job) -> Any:
    """What the function of a job returns."""
    arguments = dict(job.arguments)
    if "estimator" in arguments:
        from ..estimators import by_name

        arguments["estimator"] = by_name(arguments["estimator"])
    return load(job.run, job.base)(**arguments)
