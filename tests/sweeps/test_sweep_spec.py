"""The spec of a sweep: what it says, what it refuses, and the hash by which a job is known."""

from __future__ import annotations

import datetime
import re

import numpy as np
import pytest

import infoplane as ip
from infoplane.sweeps import read


def jobs(**table):
    return list(read({"run": "study.py:f", **table}).jobs())


def test_jobs_are_the_product_of_the_grid_with_the_seeds_fastest():
    found = jobs(settings={"sigma": 2.0}, grid={"n": [10, 20], "kind": ["a", "b"]}, estimators=["KSG(k=3)"], seeds=2)
    assert len(found) == 8
    assert list(found[0].place) == ["n", "kind", "estimator", "seed"]
    assert [job.place["seed"] for job in found] == [0, 1] * 4
    assert found[-1].arguments == {"sigma": 2.0, "n": 20, "kind": "b", "estimator": "KSG(k=3)", "seed": 1}


def test_the_hash_says_what_the_job_is_and_not_where_or_how_it_was_written():
    one = jobs(grid={"n": [1]}, settings={"a": 1, "b": [2.0, {"c": "d"}]})[0]
    other = jobs(grid={"n": np.array([1.0])}, settings={"b": (2, {"c": "d"}), "a": 1})[0]
    assert one.key == other.key
    assert one.text == '{"arguments":{"a":1,"b":[2,{"c":"d"}],"n":1},"run":"study.py:f"}'
    assert one.key == "998e5ac540e28ee2"  # it names files: another one would run everything again
    keys = {job.key for job in jobs(grid={"n": [1, 2]}, settings={"a": 1}, seeds=3)}
    assert len(keys) == 6
    assert one.key not in keys


def test_a_grid_of_whole_and_other_numbers_keeps_its_jobs_when_it_grows():
    before = {job.key for job in jobs(grid={"beta": [0, 1]})}
    assert before < {job.key for job in jobs(grid={"beta": [0, 0.5, 1]})}


def test_values_that_are_lists_have_their_json_as_coordinate():
    first, second = jobs(grid={"widths": [[12, 10], [12, 5]]})
    assert first.place == {"widths": "[12,10]"}
    assert second.arguments == {"widths": [12, 5]}


def test_paths_are_relative_to_the_spec(spec, study, monkeypatch):
    path = spec("number")
    monkeypatch.chdir("/")
    found = read(path)
    assert found.out == study / "out"
    assert next(found.jobs()).base == str(study)


WRONG = [
    ({"estimatros": ["KSG"]}, "no key 'estimatros'; did you mean 'estimators'?"),
    ({"run": None}, "needs run"),
    ({"run": 3}, "run is the name"),
    ({"run": "study.py:"}, "module:function or file.py:function"),
    ({"run": "black-bix"}, "no experiment 'black-bix'; did you mean 'black-box'?"),
    ({"run": ["black-box", "black-box"]}, "twice"),
    ({"run": ["a.py:f", "b.py:f"]}, "several experiments or one entry point"),
    ({"run": "black-box", "estimators": ["KSG"]}, "its own estimators"),
    ({"run": "black-box", "seeds": 3}, "[settings] seeds = 8"),
    ({"run": "black-box", "settings": {"quik": True}}, "did you mean 'quick'?"),
    ({"run": "black-box", "settings": {"quick": 1}}, "quick of an experiment is true or false"),
    ({"run": "black-box", "settings": {"seeds": 1}}, "at least 2 networks"),
    ({"grid": {}}, "grid of a sweep is empty"),
    ({"grid": []}, "grid is a table"),
    ({"grid": {"n": []}}, "grid.n is an empty list"),
    ({"grid": {"n": 3}}, "grid.n needs a list of values"),
    ({"grid": {"n": "abc"}}, "grid.n needs a list of values"),
    ({"grid": {"n": [1, "a"]}}, "several kinds (numbers, text)"),
    ({"grid": {"n": [1, 2, 1.0]}}, "twice"),
    ({"grid": {"n": [float("nan")]}}, "nan"),
    ({"grid": {"n": [datetime.date(2020, 1, 1)]}}, "needs text, numbers"),
    ({"grid": {"a-b": [1]}}, "'a-b' cannot be one"),
    ({"grid": {"seed": [1]}}, "seeds = 8"),
    ({"grid": {"n": [1]}, "settings": {"n": 2}}, "both a setting and in the grid"),
    ({"seeds": 0}, "seeds needs"),
    ({"seeds": [1, 1]}, "seeds has 1 twice"),
    ({"seeds": True}, "seeds needs"),
    ({"seeds": [-1]}, "seeds needs"),
    ({"estimators": "KSG"}, "estimators needs a list"),
    ({"estimators": ["KGS"]}, "did you mean 'KSG'?"),
    ({"estimators": ["KSG(j=3)"]}, "no setting 'j'"),
    ({"estimators": ["KSG", "ksg()"]}, "twice"),
    ({"out": 3}, "out is the folder"),
    ({"grid": {"a": range(1001), "b": range(1000)}}, "1001000 jobs"),
]


@pytest.mark.parametrize(("change", "message"), WRONG, ids=[message[:40] for _, message in WRONG])
def test_what_cannot_be_used_is_refused_in_one_sentence(change, message):
    table = {key: value for key, value in ({"run": "study.py:f"} | change).items() if value is not None}
    with pytest.raises(ip.InputError, match=re.escape(message)):
        read(table)


def test_files_that_are_no_spec(tmp_path):
    path = tmp_path / "bad.toml"
    with pytest.raises(ip.InputError, match="cannot be read: No such file"):
        read(path)
    path.write_text("run = [")
    with pytest.raises(ip.InputError, match="not valid TOML"):
        read(path)
    path.write_bytes(b"run = '\xff'")
    with pytest.raises(ip.InputError, match="UTF-8"):
        read(path)
    with pytest.raises(ip.InputError, match="TOML file or a mapping, got an object of the type int"):
        read(3)  # type: ignore[arg-type]
