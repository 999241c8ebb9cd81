"""What is published: the source distribution and the wheel build from it, hold what they should, and import."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("build")
ROOT = Path(__file__).parents[1]
LEFT_OUT = {"__pycache__", ".ruff_cache", ".pytest_cache"}


def files(folder: Path) -> set[str]:
    """Paths of a source folder, from the project's root."""
    found = (path for path in folder.rglob("*") if path.is_file() and not LEFT_OUT & set(path.parts))
    return {path.relative_to(ROOT).as_posix() for path in found}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A folder with both: the wheel is built from the source distribution, as an index would."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_the_source_distribution_holds_what_builds_tests_and_documents(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        inside = {name.partition("/")[2] for name in opened.getnames()}
    assert inside >= files(ROOT / "src") | files(ROOT / "tests") | files(ROOT / "benchmarks")
    assert inside >= {
        "README.md",
        "LICENSE",
        "CITATION.cff",
        "CHANGELOG.md",
        "Makefile",
        "docs/start.md",
        "docs/conf.py",
    }
    assert "docs/results/ib-bound/claims.json" in inside
    assert not [name for name in inside if name.startswith("docs/_build") or name.endswith(".nc")]
    assert archive.stat().st_size < 4e6


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert inside == {name.removeprefix("src/") for name in files(ROOT / "src") if "egg-info" not in name}
    assert {"infoplane/py.typed", "infoplane/report/style.css", "infoplane/experiments/ledger.toml"} <= inside


@pytest.mark.slow
def test_the_wheel_imports_and_measures_where_the_source_is_not(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    program = (
        "import sys; sys.path.insert(0, 'site'); import infoplane as ip, numpy as np\n"
        "assert ip.__file__.startswith(sys.argv[1]), ip.__file__\n"
        "from infoplane.cli import main; from infoplane.experiments import ledger\n"
        "x = np.random.default_rng(0).normal(size=(200, 1)); print(ip.mutual_information(x, x + 1.0).value > 1.0)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.strip() == "True", done.stderr
