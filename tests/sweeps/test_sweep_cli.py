"""The commands sweep and gather as a user meets them; and the page about them does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import infoplane as ip

PAGE = (Path(__file__).parents[2] / "docs" / "sweeps.md").read_text(encoding="utf-8")


def test_a_dry_run_lists_the_jobs_and_writes_nothing(call, spec, study):
    path = spec("number", "seeds = 2")
    status, out, _ = call("sweep", str(path), "--dry-run")
    assert status == 0
    assert "6 jobs: 0 done, 6 to run." in out
    assert next(ip.sweeps.read(path).jobs()).key in out
    assert not (study / "out").exists()
    ip.sweeps.sweep(spec("number", "seeds = 2", n="[1]"))
    status, out, _ = call("sweep", str(spec("number", "seeds = 2")), "--dry-run")
    assert "6 jobs: 2 done, 4 to run." in out
    assert out.count("to run │") == 4


def test_what_cannot_be_used_is_one_sentence_and_status_2(call, spec, study):
    path = spec("number", "sedes = 2").rename(study / "misspelt.toml")
    for arguments, message in (
        ((str(path),), "infoplane: A sweep has no key 'sedes'; did you mean 'seeds'? Known: run, out, seeds"),
        (("nothere.toml",), "infoplane: The spec nothere.toml cannot be read: No such file or directory."),
        ((str(spec("number")), "--workers", "2", "--scheduler", "tcp://127.0.0.1:1"), "a --scheduler has workers of"),
    ):
        status, out, err = call("sweep", *arguments)
        assert (status, out) == (2, "")
        assert message in err
    status, _, err = call("gather", str(study))
    assert status == 2
    assert "is not the folder of a sweep" in err


@pytest.mark.slow
def test_failures_are_a_table_with_logs_and_status_1(call, spec, study):
    status, out, err = call("sweep", str(spec("fails")), "--workers", "1", "--retries", "1")
    assert status == 1
    assert "2 of 3 jobs done, 1 failed" in err
    assert re.search(r"│ n=2 │ 2 +│ ZeroDivisionError: no such n │ logs/[0-9a-f]{16}\.log │", out)
    assert "2 of 3 jobs are done" in out
    assert "1 failed: mend what their logs say, and the same command runs them again." in out
    status, out, _ = call("gather", str(study / "out"), "--out", "all.nc")
    assert status == 0
    assert "1 of 3 jobs are not done yet" in out
    assert ip.load("all.nc").value.isnull().sum() == 1


@pytest.mark.slow
def test_the_example_of_the_page_runs_as_it_stands(call, tmp_path):
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    python, toml = (next(text for kind, text in blocks if kind == wanted) for wanted in ("python", "toml"))
    shell = next(text for kind, text in blocks if kind == "console")
    (tmp_path / "study.py").write_text(python)
    (tmp_path / "study.toml").write_text(toml)
    for line in shell.splitlines():
        words = line.split("#")[0].split()
        assert words[:2] == ["$", "infoplane"]
        status, out, err = call(*words[2:])
        assert status == 0, out + err
    found = ip.load("results/study/gathered.nc")
    assert found.value.dims == ("n", "estimator", "seed")
    assert found.attrs["jobs_missing"] == 0
    for text in (text for kind, text in blocks if kind == "toml"):
        (tmp_path / "other.toml").write_text(text)
        ip.sweeps.read(tmp_path / "other.toml")
