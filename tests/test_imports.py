"""Imports are cheap, point one way, and lead to names that say what they are."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import infoplane as ip

PACKAGE = Path(ip.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# A part of the package may import its own level and those above it in this list: never one below.
LEVELS = (
    {"draws", "errors", "naming", "progress", "rows", "threads"},
    {"estimate"},
    {"samples", "channels", "data", "results"},
    {"estimators", "compressors", "laws"},
    {"resampling", "ceilings", "recordings", "networks"},
    {"measures"},
    {"calibration", "plane", "bottleneck", "infinite", "variational"},
    {"watching", "costs"},
    {"torch", "jax"},
    {"plots"},
    {"report"},
    {"experiments"},
    {"sweeps"},
    {"cli"},
    {"__main__"},
)
LEVEL = {part: level for level, parts in enumerate(LEVELS) for part in parts}


def dotted(path: Path) -> str:
    """The module of a file, within the package: 'plane.compute', and 'plane' for its __init__."""
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {dotted(path): path for path in FILES}
PUBLIC = {name: inspect.getmodule(getattr(ip, name)) for name in ip._NAMES if callable(getattr(ip, name))}


def is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def statements(node: ast.AST, late: bool = False) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Import statements that run, and whether late: inside a function."""
    for child in ast.iter_child_nodes(node):
        if is_for_type_checkers(child):
            continue
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, late
        yield from statements(child, late or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))


def target(module: str, name: str) -> str:
    """The module that ``from module import name`` leads to, '' for what the package itself defines."""
    inner = f"{module}.{name}".lstrip(".")
    if inner in MODULES:
        return inner
    if module == "" and name in PUBLIC:  # loaded lazily from where it is defined
        return str(PUBLIC[name].__name__).removeprefix("infoplane.")
    return module


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """(module, late) of every import of a file that stays within the package."""
    package = list(path.relative_to(PACKAGE).parent.parts)
    for node, late in statements(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.split(".")[0] == "infoplane"]
            found = [name.removeprefix("infoplane").lstrip(".") for name in names]
        elif node.level == 0:
            if (node.module or "").split(".")[0] != "infoplane":
                continue
            base = (node.module or "").removeprefix("infoplane").lstrip(".")
            found = [target(base, alias.name) for alias in node.names]
        else:
            base = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
            found = [target(".".join(filter(None, base)), alias.name) for alias in node.names]
        yield from ((module, late) for module in found if module)


@pytest.mark.parametrize("path", [p for p in FILES if p.parent != PACKAGE or p.stem != "__init__"], ids=dotted)
def test_imports_point_one_way(path: Path) -> None:
    own = dotted(path).split(".")[0]
    assert own in LEVEL, f"{own} has no place in the order of imports; give it one"
    upward = [module for module, _ in imports(path) if LEVEL[module.split(".")[0]] > LEVEL[own]]
    assert upward == []


def test_the_reader_of_imports_sees_what_is_there() -> None:
    """Were it blind, the test above would pass on anything."""
    assert ("estimators.base", False) in set(imports(MODULES["estimators.plugin"]))
    assert ("errors", False) in set(imports(MODULES["estimators.plugin"]))
    assert ("networks.storage", True) in set(imports(MODULES["recordings.disk"]))
    assert ("measures", True) in set(imports(MODULES["cli.app"]))
    assert all(module in MODULES for path in FILES for module, _ in imports(path))


def test_no_files_import_each_other_in_a_circle() -> None:
    waiting = {
        name: {m for m, late in imports(path) if not late and m != name} for name, path in MODULES.items() if name
    }
    while waiting:
        free = [name for name, needs in waiting.items() if not needs & waiting.keys()]
        assert free, f"these import each other in a circle: {sorted(waiting)}"
        for name in free:
            del waiting[name]


def run(code: str) -> tuple[str, float]:
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip(), time.perf_counter() - start


def test_importing_the_package_is_cheap_and_does_not_load_jax() -> None:
    """Time beyond that of a bare interpreter, in turns, since the machine may be busy."""
    beyond = []
    for _ in range(5):
        beyond.append(-run("pass")[1] + run("import infoplane")[1])
    assert statistics.median(beyond) < 0.2
    heavy = "{'jax', 'torch', 'matplotlib', 'plotly', 'xarray', 'typer'}"
    assert run(f"import sys, infoplane; print(sorted({heavy} & set(sys.modules)))")[0] == "[]"


def test_every_public_name_loads_alone() -> None:
    for name in ("mutual_information", "estimators", "load"):
        assert run(f"import infoplane as ip; print(ip.{name}.__name__.split('.')[-1])")[0] == name


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'mutual_informations'"):
        ip.mutual_informations  # noqa: B018  # pyright: ignore
    assert set(ip.__all__) <= set(dir(ip))


def documented() -> dict[str, object]:
    """Every public name, and the public classes and functions of the public modules that are defined there."""
    found: dict[str, object] = {}
    for name in ip.__all__:
        if name == "torch" and not importlib.util.find_spec("torch"):
            continue
        value = getattr(ip, name)
        found[name] = value
        if isinstance(value, ModuleType):
            members = {key: v for key, v in vars(value).items() if not key.startswith("_")}
            ours = {k: v for k, v in members.items() if getattr(v, "__module__", "").startswith(value.__name__)}
            found |= {f"{name}.{k}": v for k, v in ours.items() if inspect.isclass(v) or inspect.isfunction(v)}
    del found["__version__"]
    return found


@pytest.mark.parametrize("name", documented())
def test_every_public_name_is_documented(name: str) -> None:
    text = inspect.getdoc(documented()[name]) or ""
    assert len(text.split()) >= 5
    assert not text.startswith(name.split(".")[-1] + "(")  # what a dataclass writes itself is no documentation
