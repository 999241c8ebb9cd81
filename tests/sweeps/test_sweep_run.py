"""Sweeps in this process: what is kept, what is not run again, what goes wrong, and the dataset of it all."""

from __future__ import annotations

import fcntl
import json
import re

import numpy as np
import pytest
import xarray as xr

import infoplane as ip
from infoplane.sweeps import Stopped, gather, plan, read, sweep


def test_results_are_kept_gathered_and_not_run_again(spec, study, calls):
    path = spec("number", "seeds = 2")
    assert [done for _, done in plan(path)] == [False] * 6
    assert not (study / "out").exists()
    told = []
    first = sweep(path, progress=lambda *state: told.append(state))
    assert (first.total, first.done, first.found, first.complete) == (6, 6, 0, True)
    assert told[0] == ("jobs", 0, 6)
    assert told[-1] == ("jobs", 6, 6)
    ran = calls()
    assert len(ran) == len(set(ran)) == 6
    jobs = sorted((study / "out" / "jobs").iterdir())
    assert [file.name for file in jobs] == sorted(f"{job.key}.nc" for job in read(path).jobs())
    jobs[0].unlink()
    jobs[1].write_bytes(b"damaged")
    again = sweep(path)
    assert (again.done, again.found) == (2, 4)
    assert len(calls()) == 8
    found = gather(study / "out")
    assert found.value.dims == ("n", "seed")
    np.testing.assert_array_equal(found.value, [[1, 1.5], [2, 2.5], [3, 3.5]])
    ip.save(found, study / "all.nc")
    xr.testing.assert_identical(found, ip.load(study / "all.nc"))


def test_a_grid_may_grow_and_what_is_missing_is_nan(spec, study, calls):
    sweep(spec("several", n="[1, 2]"))
    path = read(spec("several", n="[1, 2, 3]"))
    assert [done for _, done in plan(path)] == [True, True, False]
    found = gather(study / "out")
    assert found.even.dtype == bool
    assert found["name"].values.tolist() == ["1/0", "2/0"]
    with pytest.raises(ip.InputError, match=r"whose n has also 2: a grid may grow, not shrink"):
        sweep(spec("several", n="[1]"))
    sweep(path)
    next((study / "out" / "jobs").glob(f"{list(path.jobs())[2].key}.nc")).unlink()
    found = gather(study / "out")
    assert found.attrs["jobs_missing"] == 1
    np.testing.assert_array_equal(found["sum"], [1, 2, np.nan])
    np.testing.assert_array_equal(found.even, [0, 1, np.nan])
    assert found["name"].values.tolist() == ["1/0", "2/0", ""]


def test_estimates_are_nats_with_their_error_and_what_differs_is_a_variable(spec, study):
    sweep(spec("estimate", 'seeds = 2\nestimators = ["KSG(k=3)", "Gaussian"]', n="[200]"))
    found = gather(study / "out").sel(n=200)
    assert found.mi.dims == ("estimator", "seed")
    assert found.mi.attrs["unit"] == "nats"
    np.testing.assert_allclose(found.mi, [[200, 201]] * 2, rtol=1e-15)  # to bits and back
    np.testing.assert_allclose(found.mi_stderr, 0.5, rtol=1e-15)
    np.testing.assert_array_equal(found.mi_upper, np.nan)
    assert set(found.mi_warnings.values.ravel()) == {"few"}
    names = found.mi_quantity.sel(seed=0).values.tolist()
    assert names[0] != names[1]


def test_datasets_are_joined_over_their_own_coordinates(spec, study):
    sweep(spec("curve", "seeds = [3]"))
    found = gather(study / "out")
    assert found.loss.dims == ("n", "seed", "epoch")
    np.testing.assert_array_equal(found.loss.sel(n=2, seed=3), [30, 31, np.nan])
    np.testing.assert_array_equal(found.odd.sel(n=2, seed=3), [0, 1, np.nan])


@pytest.mark.slow
def test_planes_stay_planes(tmp_path):
    (tmp_path / "planes.py").write_text(
        "import numpy as np, infoplane as ip\n"
        "def plane(seed, bins):\n"
        "    random = np.random.default_rng(seed)\n"
        "    layer = random.uniform(-1, 1, (1, 2, 50, 2))\n"
        "    y = random.integers(0, 2, 50)\n"
        "    recording = ip.recordings.from_arrays({'a': layer}, y, epochs=[0, 1], seeds=[seed])\n"
        "    return ip.information_plane(recording, ip.estimators.Binned(bins))\n"
    )
    table = {"run": str(tmp_path / "planes.py:plane"), "grid": {"bins": [4, 8]}, "seeds": [5, 6]}
    sweep(table, tmp_path / "out")
    found = gather(tmp_path / "out")
    assert found.mi_input.dims == ("bins", "seed", "epoch", "layer")
    assert found.mi_input_quantity.sel(bins=4, seed=5).item() == "H(T at 4 bins)"
    ip.save(found, tmp_path / "all.nc")
    xr.testing.assert_identical(found, ip.load(tmp_path / "all.nc"))


def test_a_job_that_raises_is_tried_again_and_told_with_its_log(spec, calls, capsys):
    done = sweep(spec("fails"), retries=2)
    assert not done.complete
    (failure,) = done.failed
    assert (failure.job.label, failure.attempts, failure.error) == ("n=2", 3, "ZeroDivisionError: no such n")
    assert calls() == ["1 0", "2 0", "2 0", "2 0", "3 0"]
    log = failure.log.read_text()
    assert log.count("about to fail at 2") == log.count('raise ZeroDivisionError("no such n")') == 3
    assert capsys.readouterr().out == ""
    assert sweep(spec("fails"), retries=0).found == 2


def test_what_would_fail_again_is_not_tried_again(spec, calls):
    done = sweep(spec("refuses"))
    assert [one.attempts for one in done.failed] == [1, 1, 1]
    assert done.failed[0].error == "n is not to my liking; take another."
    assert len(calls()) == 3


def test_a_function_that_returns_something_else_is_told(spec, study):
    done = sweep(spec("wrong"))
    message = "study.py:wrong returned an object of the type list for 'a'; a job of a sweep returns an xarray Dataset"
    assert done.failed[0].error.startswith(message)
    assert list((study / "out" / "jobs").iterdir()) == []
    with pytest.raises(ip.InputError, match="No job of the sweep"):
        gather(study / "out")


def test_a_full_disk_stops_the_sweep_with_nothing_half_written(spec, study, calls, monkeypatch):
    monkeypatch.setattr(xr.Dataset, "to_netcdf", xr.Dataset.to_netcdf)  # the job replaces it; put back afterwards
    with pytest.raises(Stopped, match=r"No space left on device; make room and run the same .* 0 of 3 jobs are done"):
        sweep(spec("full"))
    assert calls() == ["1"]
    assert list((study / "out" / "jobs").iterdir()) == []
    assert "No space left on device" in next((study / "out" / "logs").iterdir()).read_text()
    monkeypatch.undo()
    (study / "room").touch()
    assert sweep(spec("full")).done == 3


def test_two_sweeps_in_one_folder_are_kept_apart(spec, study):
    path = spec("number")
    sweep(path)
    with (study / "out" / ".lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ip.InputError, match=r"Another sweep is at work in .*out \(process \d+ on .*wait for it"):
            sweep(path)
    assert sweep(path).found == 3  # a lock that nobody holds blocks nobody


def test_folders_of_something_else_are_refused(spec, study):
    sweep(spec("number", n="[1]"))
    others = (
        (spec, ("fails",), "of 'study.py:number', not 'study.py:fails'"),
        (spec, ("number", "[settings]\nseed = 1"), "with the settings {}, not {'seed': 1}"),
        (spec, ("number", "seeds = 2"), "over n, not over n, seed"),
    )
    for write, arguments, message in others:
        path = write(*arguments, n="[1]")
        for act in (sweep, plan):
            with pytest.raises(ip.InputError, match=re.escape(message)):
                act(path)
    (study / "other").mkdir()
    (study / "other" / "file").touch()
    for folder, message in ((study / "other", "not empty and holds no sweep"), (study / "study.py", "not a folder")):
        with pytest.raises(ip.InputError, match=message):
            sweep(spec("number"), folder)


def test_results_of_a_newer_version_are_refused(spec, study):
    path = spec("number", n="[1]")
    sweep(path)
    (file,) = (study / "out" / "jobs").iterdir()
    ip.save(ip.load(file).assign_attrs(schema_version=99), file)
    for act in (lambda: sweep(path), lambda: gather(study / "out"), lambda: plan(path)):
        with pytest.raises(ip.InputError, match="schema version 99, this infoplane reads up to 1; update"):
            act()
    header = study / "out" / "sweep.json"
    header.write_text(json.dumps(json.loads(header.read_text()) | {"version": 2}))
    with pytest.raises(ip.InputError, match="layout version 2"):
        sweep(path)


ENTRIES = [
    ("nothere.py:f", "nothere.py cannot be read"),
    ("nothere.deeper:f", "ModuleNotFoundError: No module named 'nothere'"),
    ("broken.py:f", "broken.py:f cannot be imported: SyntaxError"),
    ("raising.py:f", "raising.py:f cannot be imported: RuntimeError: at import"),
    ("study.py:numbr", "study.py has no function 'numbr'; did you mean 'number'?"),
    ("study.py:HERE", "study.py has no function 'HERE'"),
    ("study.py:estimate", "needs an argument 'estimator'"),
    ("study.py:told", "takes no argument 'n', which the sweep gives it; Known: text."),
]


@pytest.mark.parametrize(("run", "message"), ENTRIES, ids=[run for run, _ in ENTRIES])
def test_entry_points_that_cannot_be_used_are_refused_before_anything_runs(run, message, study, monkeypatch):
    monkeypatch.chdir(study)
    (study / "broken.py").write_text("def f(:")
    (study / "raising.py").write_text("raise RuntimeError('at import')")
    with pytest.raises(ip.InputError, match=re.escape(message)):
        sweep({"run": run, "grid": {"n": [1]}}, study / "out")
    assert not (study / "out").exists()


def test_a_file_that_was_edited_is_read_again(spec, study):
    sweep(spec("number", n="[1]"))
    text = (study / "study.py").read_text()
    (study / "study.py").write_text(text.replace("return n + 0.5 * seed", "return n + 100"))
    sweep(spec("number", n="[1, 2]"))
    np.testing.assert_array_equal(gather(study / "out").value, [1, 102])


@pytest.mark.slow  # importing the experiments alone takes seconds
def test_experiments_as_jobs_give_verdicts_and_their_datasets(tmp_path, monkeypatch):
    from infoplane.experiments import Claim, Experiment, registry

    class Tiny(Experiment):
        name, title, source = "tiny", "A tiny experiment", "nobody"
        size = 1

        def measure(self, run):
            epochs = np.arange(self.size)
            return {"losses": run.table("losses", lambda: xr.Dataset({"loss": ("epoch", epochs)}, {"epoch": epochs}))}

        def claims(self, datasets):
            numbers = {"fall, bits": "1.92 [1.81, -2e-3]", "largest gap": 4e-13, "which": "hidden 1, hidden 4"}
            first = Claim("It falls.", "holds", numbers, "nobody, p. 3")
            return [first, *[Claim(f"And {k}.", "fails", {"k": k}, "nobody") for k in range(2, self.size + 9)]]

        def draw(self, datasets):
            return {}

    class Other(Tiny):
        name, size = "other", 3

    monkeypatch.setattr(registry, "_EXPERIMENTS", {"tiny": Tiny(), "other": Other()})
    table = {"run": ["tiny", "other"], "settings": {"quick": True}, "grid": {"seeds": [2, 3]}}
    assert list(read(table).axes) == ["experiment", "seeds"]
    assert sweep(table, tmp_path / "out").complete
    found = gather(tmp_path / "out")
    assert found.verdict.dims == ("experiment", "seeds", "claim")
    assert found.claim.values.tolist()[:2] == ["1: It falls.", "2: And 2."]
    assert found.claim.values.tolist()[-1] == "11: And 11."  # in their own order, not in that of letters
    assert found.verdict.sel(claim="11: And 11.", seeds=2).values.tolist() == ["", "fails"]
    one = found.sel(quantity="1: fall, bits", experiment="tiny", seeds=3)
    assert [float(one[f"number{end}"]) for end in ("", "_lower", "_upper")] == [1.92, 1.81, -0.002]
    assert float(found.number.sel(quantity="1: largest gap")[0, 0]) == 4e-13
    assert np.isnan(found.number.sel(quantity="1: which")).all()
    losses = gather(tmp_path / "out", "losses")
    assert losses.loss.dims == ("experiment", "seeds", "epoch")
    np.testing.assert_array_equal(losses.loss.sel(seeds=2), [[0, np.nan, np.nan], [0, 1, 2]])
    with pytest.raises(ip.InputError, match="has no dataset 'loses'; did you mean 'losses'"):
        gather(tmp_path / "out", "loses")
