"""A user's file with functions to sweep over, in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

STUDY = '''
import os
import signal
import time
from pathlib import Path

import numpy as np
import xarray as xr

import infoplane as ip

HERE = Path(__file__).parent


def told(text):
    """One line in a file that all processes append to."""
    with (HERE / "told.txt").open("a") as file:
        file.write(text + "\\n")


def number(n, seed=0):
    told(f"{n} {seed}")
    return n + 0.5 * seed


def several(n, seed=0):
    return {"sum": np.float64(n + seed), "even": bool(n % 2 == 0), "name": f"{n}/{seed}"}


def estimate(n, estimator, seed=0):
    of = {"quantity": f"I by {estimator.short}", "direction": "lower", "lower": n + seed, "warnings": ("few",)}
    return {"mi": ip.Estimate(n + seed, 0.5, **of).to("bits")}


def curve(n, seed=0):
    epochs = np.arange(n)
    return xr.Dataset({"loss": ("epoch", epochs + 10.0 * seed), "odd": ("epoch", epochs % 2 == 1)}, {"epoch": epochs})


def fails(n, seed=0):
    print("about to fail at", n)
    told(f"{n} {seed}")
    if n == 2:
        raise ZeroDivisionError("no such n")
    return float(n)


def refuses(n):
    told(str(n))
    raise ip.InputError("n is not to my liking; take another.")


def wrong(n):
    return {"a": [1, 2]}


def full(n):
    import errno

    def to_netcdf(*arguments, **named):
        Path(arguments[1]).write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    told(str(n))
    if not (HERE / "room").exists():
        xr.Dataset.to_netcdf = to_netcdf
    return 1.0


def dies(n):
    told(str(n))
    if n == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return float(n)


def slow(n, seed=0):
    told(f"{n} {seed}")
    time.sleep(0.05)
    return n + 0.5 * seed


def pinned(n):
    time.sleep(0.2)
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NPROC")
    return {"threads": max(int(os.environ[name]) for name in names), "process": os.getpid()}
'''


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Folder with study.py in it."""
    (tmp_path / "study.py").write_text(STUDY)
    return tmp_path


@pytest.fixture
def calls(study: Path):
    """What the functions have told, sorted."""
    return lambda: sorted((study / "told.txt").read_text().splitlines()) if (study / "told.txt").exists() else []


@pytest.fixture
def spec(study: Path):
    """Write study.toml, of one function over n and whatever else."""

    def write(function: str, more: str = "", n: str = "[1, 2, 3]") -> Path:
        path = study / "study.toml"
        path.write_text(f'run = "study.py:{function}"\nout = "out"\n{more}\n[grid]\nn = {n}\n')
        return path

    return write
