"""Some of the samples in place of all: the same quantity, an error that grows as it should, and never in silence."""

from __future__ import annotations

import numpy as np
import pytest

import infoplane as ip
from infoplane.estimators import Binned, Decoder, Gaussian, PairwiseBounds, Subsampled
from infoplane.laws import correlated_normal


def test_few_samples_are_taken_whole() -> None:
    x, y = correlated_normal(0.5, 1, 1).sample(200, seed=0)
    assert ip.mutual_information(x, y, Subsampled(Gaussian())).value == ip.mutual_information(x, y, Gaussian()).value


def test_the_number_of_samples_used_and_the_error_it_brings_are_told() -> None:
    law = correlated_normal(0.5, 1, 1)
    found = [ip.mutual_information(*law.sample(4000, seed=s), Subsampled(Gaussian(), 250, 4)) for s in range(40)]
    assert found[0].n_samples == 1000
    assert "1,000 of 4,000 samples were used, in 4 random part(s) of 250" in found[0].notes[0]
    values = np.array([f.value for f in found])
    # 40 values know their spread to 11 %; the larger of two errors of which one has 3 degrees of freedom is 1 to 1.5
    # times as large on average
    ratio = np.mean([f.stderr for f in found]) / values.std(ddof=1)
    assert 0.75 < ratio < 2.0
    assert abs(values.mean() - 0.5) < 4 * values.std(ddof=1) / np.sqrt(40)


def test_as_many_parts_as_there_are_samples_for() -> None:
    x, y = correlated_normal(0.5, 1, 1).sample(700, seed=0)
    assert ip.mutual_information(x, y, Subsampled(Gaussian(), 300, 4)).n_samples == 600


def test_a_plane_is_that_of_the_parts() -> None:
    random = np.random.default_rng(0)
    y = random.integers(2, size=1200)
    layer = np.tanh(random.standard_normal((1200, 2)) + 3.0 * y[:, None] - 1.5)
    recording = ip.recordings.from_arrays({"a": layer}, y, ranges={"a": (-1.0, 1.0)}, enumerated=True)
    for estimator in (PairwiseBounds(0.3), Binned(4)):
        whole = ip.information_plane(recording, estimator)
        parts = ip.information_plane(recording, Subsampled(estimator, 300))
        assert parts.mi_target.attrs["quantity"] == whole.mi_target.attrs["quantity"]
        assert parts.mi_target.attrs["direction"] != "exact"
        assert "1,200 of 1,200 samples were used, in 4 random part(s) of 300" in str(parts.attrs["notes"])
        assert float(parts.mi_target.item()) == pytest.approx(float(whole.mi_target.item()), abs=0.05)
        assert float(parts.mi_input_stderr.item()) > 0


def test_what_cannot_be_wrapped_is_refused() -> None:
    for wrong in (lambda: Subsampled(Binned), lambda: Subsampled(Decoder(), samples=1), lambda: Subsampled(parts=0)):  # pyright: ignore
        with pytest.raises(ip.InputError):
            wrong()
