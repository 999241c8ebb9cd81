"""calibrate: what it measures, what it says, and what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr
from calibration_stubs import Always, Bound, MeanOfX, Noisy

import infoplane as ip
from infoplane import InputError, calibration
from infoplane.calibration import CONTINUOUS, LABELS, Size
from infoplane.calibration.families import known
from infoplane.laws.normal import CorrelatedNormal


def test_bias_spread_and_coverage_of_an_estimator_that_always_says_one():
    found = ip.calibrate(50, 2, 1, Always(1.0, 0.1), mis=(0.0, 1.0, 1.1, 4.0), laws=["normal"], repetitions=3)
    assert found["value"].dims == ("law", "mi", "repetition")
    np.testing.assert_allclose(found["bias"].sel(law="normal"), [1.0, 0.0, -0.1, -3.0], atol=1e-12)
    np.testing.assert_allclose(found["spread"], 0.0, atol=1e-12)
    np.testing.assert_array_equal(found["coverage"].sel(law="normal"), [0, 1, 1, 0])  # 1 -+ 0.196
    np.testing.assert_allclose(found["half_width"], 0.1 * 1.959964, rtol=1e-6)
    assert int(found["n"]) == 50
    assert str(found["dimension"].item()) == "2+1"


def test_intervals_of_an_honest_estimator_cover_in_95_percent():
    """2,000 cases: the share lies within 0.95 -+ 4 sqrt(0.95 0.05 / 2000) = 0.02, and the spread is the noise."""
    found = ip.calibrate(3, 1, 1, Noisy(1.0, 0.2), mis=[1.0], laws=["normal", "uniform"], repetitions=1000)
    assert abs(float(found["covered"].mean()) - 0.95) < 0.02
    np.testing.assert_allclose(found["spread"], 0.2, rtol=4 / math.sqrt(2 * 999))
    np.testing.assert_allclose(found["bias_stderr"], found["spread"] / math.sqrt(1000), rtol=1e-12)
    assert (abs(found["bias"]) < 4 * found["bias_stderr"]).all()


def test_samples_are_those_of_the_law_and_no_two_cases_share_them():
    found = ip.calibrate(40, 2, 2, MeanOfX(), mis=(0.0, 1.0), laws=["normal", "uniform"], repetitions=3)
    for law in ("normal", "uniform"):
        for mi in (0.0, 1.0):
            one = found.sel(law=law, mi=mi, repetition=2)
            x, _ = CONTINUOUS[law](mi, Size(2, 2)).sample(40, int(one["data_seed"]))
            assert float(one["value"]) == x.mean()
    assert len(np.unique(found["data_seed"])) == found["data_seed"].size
    again = ip.calibrate(40, 2, 2, MeanOfX(), mis=[1.0], laws=["uniform"], repetitions=2, seed=1)
    np.testing.assert_array_equal(again["value"].values[0, 0], found["value"].sel(law="uniform", mi=1.0)[1:])


@pytest.mark.parametrize("size", [Size(1, 1), Size(3, 2), Size(10, 10)], ids=str)
def test_every_family_has_the_size_and_information_asked_for(size):
    for name, family in known(size).items():
        for mi in (0.0, 0.5, 4.0):
            law = family(mi, size)
            assert (law.dim_x, law.dim_y, law.kinds) == (size.dim_x, size.dim_y, ("continuous", "continuous"))
            least = law.normal.mutual_information == 0 if name == "student" else False
            assert law.mutual_information == pytest.approx(mi, abs=1e-12) or (least and law.mutual_information > mi)


def test_labels_are_one_discrete_column():
    Always.asked.clear()
    found = ip.calibrate(60, 3, 1, Always(0.5), classes=4, repetitions=2)
    assert set(found["law"].values) == set(LABELS)
    assert {call[:2] for call in Always.asked} == {("continuous", "discrete")}
    assert float(found["truth"].max()) == pytest.approx(0.95 * math.log(4), abs=1e-4)
    assert "3 dimensions and 4 classes" in found.attrs["verdict"]


def test_a_refusal_is_a_nan_with_its_reason():
    found = ip.calibrate(50, 3, 3, Always(most=4), mis=[1.0], laws=["normal", "cube"], repetitions=2)
    assert found["value"].isnull().all()
    assert (found["reason"] == "Always takes 4 columns, got 6.").all()
    assert found["coverage"].isnull().all()
    assert found.attrs["verdict"].endswith("gives no value: Always takes 4 columns, got 6.")
    assert float(calibration.summary(found)["refused"][0]) == 1.0


def test_a_warning_is_counted_and_kept_out_of_what_is_believed():
    found = ip.calibrate(50, 1, 1, Always(9.0, 0.1, "Far off."), mis=[1.0], laws=["normal"], repetitions=2)
    assert found["warned_share"].item() == 1.0
    assert found["warning"].item() == "Far off."
    assert calibration.failures(found) == []
    assert float(calibration.summary(found)["unwarned"][0]) == 0.0
    assert "100 % of cases carry a warning" in found.attrs["verdict"]
    assert "no unwarned intervals" in found.attrs["verdict"].lower()


def test_bounds_and_infinite_values_are_kept_as_they_are():
    found = ip.calibrate(50, 1, 1, Bound(), mis=(0.5, 2.0), laws=["normal"], repetitions=2)
    np.testing.assert_array_equal(found["coverage"][0], [0.0, 1.0])  # 0.8 to infinity
    assert np.isinf(found["half_width"]).all()
    found = ip.calibrate(50, 1, 1, Always(math.inf, math.nan), mis=[1.0], laws=["normal"], repetitions=2)
    assert found["bias"].item() == math.inf
    assert "high without bound" in found.attrs["verdict"]


def test_the_verdict_in_words():
    found = ip.calibrate(2000, 3, 3, Always(1.0), mis=(1.0, 1.05, 4.0), laws=["normal", "cube"], repetitions=2)
    assert found.attrs["verdict"] == (
        "At n = 2,000 and 3+3 dimensions Always() is within 0.1 nats of the truth up to 1.05 nats on all 2 laws. "
        "Largest error: low by 3 nats at 4 on normal. Its 95 % intervals hold the truth in 67 % of 12 unwarned cases."
    )
    assert found["verdict"].sel(law="cube").item() == (
        "within 0.1 nats up to 1.05 nats; low by 3 nats at 4; "
        "its 95 % intervals hold the truth in 67 % of 6 unwarned cases"
    )
    wide = ip.calibrate(2000, 3, 3, Always(1.0), mis=(1.0, 1.05), laws=["normal"], repetitions=2)
    assert "from 1 to 1.05 nats on normal. Its" in wide.attrs["verdict"]
    never = ip.calibrate(2000, 3, 3, Always(2.0), mis=(0.0, 2.0), laws=["normal"], repetitions=2)
    assert "not even at 0 nats on normal. Largest error: high by 2 nats at 0" in never.attrs["verdict"]
    kind = ip.calibrate(2000, 3, 3, Always(2.0), mis=(0.0, 2.0), laws=["normal"], repetitions=2, tolerance=2.5)
    assert "within 2.5 nats of the truth from 0 to 2 nats on normal. Its" in kind.attrs["verdict"]


def test_a_user_brings_laws_of_his_own():
    laws = {"sparse": lambda mi, size: CorrelatedNormal(mi, size.dim_x, size.dim_y, pairs=1)}
    found = ip.calibrate(50, 3, 3, Always(), mis=[2.0], laws=laws, repetitions=2)
    assert list(found["law"].values) == ["sparse"]
    assert found["truth"].item() == 2.0


def test_progress_and_the_file(tmp_path):
    told = []
    found = ip.calibrate(
        50, 1, 1, Always(), mis=[1.0], laws=["normal"], repetitions=4, progress=lambda *step: told.append(step)
    )
    assert told[0] == ("calibrating", 0, 4)
    assert told[-1] == ("calibrating", 4, 4)
    ip.save(found, tmp_path / "calibration.nc")
    xr.testing.assert_identical(ip.load(tmp_path / "calibration.nc"), found)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"n": 1}, "n needs a whole number, 2 or more"),
        ({"dim_x": 0}, "dim_x needs a whole number, 1 or more"),
        ({"classes": 1}, "classes needs a whole number, 2 or more"),
        ({"classes": 4, "dim_y": 2}, "pass dim_y=1"),
        ({"laws": ["norml"]}, "did you mean 'normal'"),
        ({"laws": ["noisy"]}, "no family of laws in 1\\+1 dimensions"),
        ({"laws": []}, "one family or more"),
        ({"repetitions": 1}, "repetitions needs a whole number, 2 or more"),
        ({"mis": [-1.0]}, "0 or more"),
        ({"mis": ["a"]}, "0 or more"),
        ({"tolerance": 0}, "tolerance above 0"),
        ({"estimator": Always}, "needs an estimator such as"),
        ({"seed": -1}, "seed needs a whole number"),
    ],
)
def test_bad_input_is_one_sentence(settings, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        ip.calibrate(**{"n": 50, "dim_x": 1, "dim_y": 1, "estimator": Always(), "repetitions": 2, **settings})
    assert str(caught.value).endswith(".")
    assert len(str(caught.value)) < 320


def test_a_real_estimator_at_a_small_size():
    """KSG at 1+1, n = 1,000, truth 0 and 1: unbiased to 0.02 within 4 standard errors of 6 draws."""
    found = ip.calibrate(1000, 1, 1, ip.estimators.KSG(), mis=(0.0, 1.0), laws=["normal"], repetitions=6)
    assert (abs(found["bias"]) < 0.02 + 4 * found["bias_stderr"]).all()
    assert (found["value"].notnull()).all()
