"""The benchmark: resuming, executors, sizes, and what it says of its estimators."""

from __future__ import annotations

import json
import math
import statistics
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import xarray as xr
from calibration_stubs import Always, MeanOfX, Noisy

import infoplane as ip
from infoplane import InputError, calibration
from infoplane.calibration import Grid, Size
from infoplane.calibration.tables import markdown

GRIDS = (
    Grid((Always(1.0), MeanOfX()), ("normal", "cube"), (0.0, 1.0), (Size(1, 1), Size(2, 2)), (30, 60), 3),
    Grid((Always(1.0, most=1),), ("noisy",), (0.5,), (Size(1, 1, 4),), (30,), 2),
)


def timeless(dataset: xr.Dataset) -> xr.Dataset:
    found = dataset.drop_vars("seconds")
    del found.attrs["wall_time"]
    return found


def test_the_same_samples_for_every_estimator():
    both = calibration.run((Grid((Noisy(), MeanOfX()), ("normal",), (1.0,), (Size(1, 1),), (30,), 3),))
    seeds = both["data_seed"].values
    np.testing.assert_array_equal(seeds[0], seeds[1])


def test_one_dataset_of_several_grids():
    found = calibration.run(GRIDS)
    assert found["value"].dims == ("estimator", "law", "dimension", "n", "mi", "repetition")
    assert list(found["dimension"].values) == ["1+1", "2+2", "1+label of 4"]
    assert int((found["data_seed"] >= 0).sum()) == 2 * 2 * 2 * 2 * 2 * 3 + 2
    absent = found.sel(estimator="MeanOfX()", law="noisy")
    assert absent["value"].isnull().all()
    assert (absent["reason"] == "not asked for").all()
    refused = found.sel(estimator="Always(most=1)", law="noisy", dimension="1+label of 4", n=30, mi=0.5)
    assert refused["reason"].item() == "Always takes 1 columns, got 2."
    assert float(refused["refused_share"]) == 1.0
    assert refused["settings"].item() == str(Always(1.0, most=1))


@pytest.mark.parametrize("cut", [0, 1, 40, 300, 2000, -1, -30])
def test_a_run_killed_anywhere_continues_to_the_same_result(tmp_path, cut):
    store = tmp_path / "folder" / "cases.jsonl"
    whole = calibration.run(GRIDS, store=store)
    text = store.read_bytes()
    kept = text[:cut]
    store.write_bytes(kept)
    Always.asked.clear()
    again = calibration.run(GRIDS, store=store)
    xr.testing.assert_identical(timeless(again), timeless(whole))
    complete = sum(b'["Always' in line or b'"[\\"Always' in line for line in kept.split(b"\n")[:-1])
    expected = sum(b"Always" in line for line in text.split(b"\n")) - complete
    assert len(Always.asked) == expected
    Always.asked.clear()
    xr.testing.assert_identical(timeless(calibration.run(GRIDS, store=store)), timeless(whole))
    assert Always.asked == []  # found, not measured


def test_more_repetitions_measure_only_what_is_new(tmp_path):
    few = Grid((Always(),), ("normal",), (1.0,), (Size(1, 1),), (30,), 2)
    more = Grid((Always(),), ("normal",), (1.0,), (Size(1, 1),), (30,), 5)
    calibration.run((few,), store=tmp_path / "cases.jsonl")
    Always.asked.clear()
    found = calibration.run((more,), store=tmp_path / "cases.jsonl")
    assert [call[-1] for call in Always.asked] == [2, 3, 4]
    xr.testing.assert_identical(timeless(found), timeless(calibration.run((more,))))


def test_a_damaged_line_is_measured_again(tmp_path):
    store = tmp_path / "cases.jsonl"
    whole = calibration.run(GRIDS, store=store)
    lines = store.read_text().splitlines()
    lines[3] = lines[3][:20] + "?" + lines[3][21:40]
    store.write_text("\n".join(lines) + "\n")
    xr.testing.assert_identical(timeless(calibration.run(GRIDS, store=store)), timeless(whole))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("a table\nof something\n", "is no file of cases"),
        ("half a line of something", "is no file of cases"),
        (json.dumps({"file": "infoplane cases", "version": "0.0.1"}) + "\n", r"measured with infoplane 0\.0\.1"),
    ],
)
def test_a_file_of_something_else_is_left_alone(tmp_path, content, sentence):
    store = tmp_path / "cases.jsonl"
    store.write_text(content)
    with pytest.raises(InputError, match=sentence):
        calibration.run(GRIDS, store=store)
    assert store.read_text() == content


def test_an_executor_changes_nothing(tmp_path):
    with ThreadPoolExecutor(2) as executor:
        found = calibration.run(GRIDS, store=tmp_path / "cases.jsonl", executor=executor)
    xr.testing.assert_identical(timeless(found), timeless(calibration.run(GRIDS)))


def test_the_file_brings_everything_back(tmp_path):
    found = calibration.run(GRIDS)
    ip.save(found, tmp_path / "benchmark.nc")
    xr.testing.assert_identical(ip.load(tmp_path / "benchmark.nc"), found)


def test_summary_against_plain_loops():
    grid = Grid(
        (Noisy(1.0, 0.1), Always(1.0, 0.3, "Beware.")), ("normal", "cube"), (1.0, 1.15), (Size(1, 1),), (30,), 4
    )
    found = calibration.run((grid,))
    held = calibration.summary(found).sel(estimator="Noisy()")
    rows = found.sel(estimator="Noisy()").squeeze(drop=True)
    errors, covered, halves, allowed, spreads = [], [], [], [], []
    for law in rows["law"].values:
        for mi in rows["mi"].values:
            cell = rows.sel(law=law, mi=mi)
            spread = statistics.stdev(float(v) for v in cell["value"].values)
            for k in range(4):
                value, low, high = (float(cell[name][k]) for name in ("value", "lower", "upper"))
                errors.append(value - mi)
                covered.append(float(low <= mi <= high))
                halves.append((high - low) / 2)
                spreads.append(spread)
                allowed.append(max(0.1, 3 * spread))
    assert int(held["cases"]) == 16
    assert float(held["unwarned"]) == 1.0
    assert float(held["coverage"]) == pytest.approx(statistics.mean(covered))
    assert float(held["half_width"]) == pytest.approx(statistics.mean(halves))
    assert float(held["spread"]) == pytest.approx(statistics.mean(spreads))
    assert float(held["allowed_half_width"]) == pytest.approx(statistics.mean(allowed))
    assert float(held["rmse"]) == pytest.approx(math.sqrt(statistics.mean(e * e for e in errors)))
    assert float(held["largest_error"]) == pytest.approx(max(map(abs, errors)))
    warned = calibration.summary(found).sel(estimator="Always(stderr=0.3, warning='Beware.')")
    assert float(warned["unwarned"]) == 0.0
    assert float(warned["coverage_all"]) == 1.0


def test_what_holds_and_what_fails():
    """Right and narrow; right and too wide; wrong and sure."""
    tried = (Always(1.0, 0.04), Always(1.0, 0.2), Always(1.5, 0.04))
    found = calibration.summary(calibration.run((Grid(tried, ("normal",), (1.0,), (Size(1, 1),), (30,), 3),)))
    np.testing.assert_array_equal(found["holds"], [1.0, 0.0, 0.0])


def test_every_failure_is_listed_with_its_numbers():
    found = calibration.run((Grid((Always(1.0, 0.1),), ("normal",), (0.0, 1.0, 4.0), (Size(1, 1),), (30,), 3),))
    first, second = calibration.failures(found)
    assert (first["truth"], first["bias"], first["covered"], first["unwarned"]) == (4.0, -3.0, 0, 3)
    assert (second["mi"], second["estimator"], second["n"]) == (0.0, "Always()", 30)
    text = markdown(found)
    assert "| Always() | normal | 1+1 | 30 | 4.00 | −3.00 |" in text
    assert text.count("0 of 3") == 2


def test_names_leave_out_what_is_default():
    estimators = ip.estimators
    assert estimators.KSG().short == "KSG()"
    assert estimators.InfoNCE(steps=10).short == "InfoNCE(steps=10)"  # its critic is made by a factory
    nested = estimators.Debiased(estimators.KozachenkoLeonenko(), permutations=3)
    assert nested.short == "Debiased(KozachenkoLeonenko(), permutations=3)"


def test_presets_are_reduced_to_what_is_named():
    grids = calibration.preset("quick", estimators=["ksg"], laws=["cube"], repetitions=2)
    assert [grid.estimators[0].short for grid in grids] == ["KSG()"]
    assert {case.family for grid in grids for case in grid.cases()} == {"cube"}
    assert {case.repetition for grid in grids for case in grid.cases()} == {0, 1}
    full = calibration.preset("full", estimators=["KSG"], laws=["cube", "noisy"])
    assert [grid.laws for grid in full] == [("cube",), ("noisy",)]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: calibration.preset("fast"), "There is no preset 'fast'"),
        (lambda: calibration.preset("quick", laws=["norml"]), "did you mean 'normal'"),
        (lambda: calibration.preset("quick", laws=["noisy"]), "has none of the laws noisy"),
        (lambda: calibration.preset("quick", estimators=["KSGG"]), "There is no estimator 'KSGG'"),
        (lambda: calibration.preset("quick", repetitions=1), "repetitions needs a whole number, 2 or more"),
        (lambda: calibration.run(()), "one grid or more"),
        (lambda: calibration.summary(xr.Dataset()), "it lacks value"),
    ],
)
def test_bad_input_is_one_sentence(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()


@pytest.mark.parametrize("name", calibration.PRESETS)
def test_the_presets_can_be_run(name):
    cases = [case for grid in calibration.preset(name) for case in grid.cases()]
    assert len({case.key for case in cases}) == len(cases)
    assert any(case.estimator.short == "Automatic()" for case in cases)
    seeds = {(str(case.law), case.n, case.repetition): case.data_seed for case in cases}
    assert len(set(seeds.values())) == len(seeds)
