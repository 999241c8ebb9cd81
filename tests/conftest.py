"""What all tests share: property tests draw the same examples every time; the command line called as from a shell;
what was compiled once, in this process or another, is not compiled again.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from infoplane.cli import main

# JAX reads these when it is imported, in subprocesses too. The folder goes when the environment goes.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(sys.prefix) / "jax-cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
os.environ["COLUMNS"] = "200"  # read once by each of the terminal's writers, whichever test imports it first

settings.register_profile("infoplane", deadline=None, derandomize=True, database=None, max_examples=60)
settings.load_profile("infoplane")


@pytest.fixture
def call(monkeypatch, capfd, tmp_path):
    """Run one command in an empty folder; returns (exit status, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["infoplane", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        return int(ended.value.code or 0), out, err

    return run
