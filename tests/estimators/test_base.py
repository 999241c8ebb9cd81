"""What the base class does for an estimator that only knows how to measure one pair of samples."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass

import numpy as np
import pytest

import infoplane as ip
from infoplane.errors import Refusal
from infoplane.estimators import Estimator, LayerBlock, by_name, names
from infoplane.samples import Variable

N = 50


@dataclass(frozen=True)
class Correlation(Estimator):
    """The information of two normal variables with the correlation seen: the skeleton from the contract's page."""

    scale: float = 1.0

    def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> ip.Estimate:
        rho = np.corrcoef(x.values[:, 0], y.values[:, 0])[0, 1]
        return ip.Estimate(-0.5 * self.scale * math.log(1.0 - rho**2), stderr=0.25, n_samples=x.n, method=str(self))


def test_a_new_estimator_measures_layers_one_by_one() -> None:
    random = np.random.default_rng(0)
    t = random.standard_normal((3, N, 1))
    y = np.repeat(random.integers(0, 2, (1, N, 1)), 3, axis=0)
    order = random.permutation(N)
    found = Correlation().layer(LayerBlock(t, y, np.stack([np.arange(N), order])))
    for cell in range(3):
        assert found.mi_input[cell] == Correlation().estimate(Variable(np.arange(N)[:, None]), Variable(t[cell])).value
        for column, rows in enumerate((np.arange(N), order)):
            one = Correlation().estimate(Variable(t[cell]), Variable(y[cell][rows]))
            assert found.mi_target[cell, column] == one.value
    assert found.mi_target.shape == (3, 2)
    assert (found.mi_input_stderr == 0.25).all()
    assert (found.mi_target_stderr == 0.25).all()
    assert np.isnan([found.mi_input_lower, found.mi_input_upper, found.mi_target_lower, found.mi_target_upper]).all()


def test_a_new_estimator_looks_at_the_input_where_there_is_one() -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((1, N, 1))
    block = LayerBlock(x + 1.0, random.integers(0, 2, (1, N, 1)), np.arange(N)[None], x=x)
    assert Correlation().layer(block).mi_input[0] > 0.95 * math.log(N)
    assert Correlation().layer(block).saturated[0]


def test_a_new_estimator_works_with_the_verb() -> None:
    x = np.random.default_rng(0).standard_normal(N)
    found = ip.mutual_information(x, x + 1e-3 * np.arange(N), Correlation(2.0), null=19)
    assert found.method == "Correlation(scale=2.0)"
    assert found.p_value == 1 / 20
    assert found.null < found.value


def test_an_estimator_without_entropy_says_so() -> None:
    with pytest.raises(ip.InputError, match="Correlation estimates no entropy"):
        ip.entropy(np.arange(5), Correlation())


def test_the_estimators_have_names_and_unknown_ones_the_nearest() -> None:
    assert {"Automatic", "Binned", "KSG", "PairwiseBounds", "Plugin", "WeightedKL"} <= set(names())
    with pytest.raises(ip.InputError, match="no estimator 'pairwisebound'; did you mean 'PairwiseBounds'"):
        by_name("pairwisebound")
    with pytest.raises(ip.InputError, match="Binned has no setting 'bin'; did you mean 'bins'"):
        by_name("binned", bin=3)
    with pytest.raises(ip.InputError, match="PairwiseBounds has no setting 'zzz'; Known: sigma, relative"):
        by_name("PairwiseBounds", zzz=1)
    with pytest.raises(ip.InputError, match="at least 2 bins, got 1"):
        by_name("binned", bins=1)


@pytest.mark.parametrize(
    "text", ["Debiased(WeightedKL(k=40), permutations=8)", "debiased(estimator=weightedkl(k=40), permutations=8)"]
)
def test_an_estimator_is_read_as_it_is_written(text: str) -> None:
    made = by_name(text)
    assert str(made).startswith("Debiased(estimator=WeightedKL(k=40,")
    assert by_name(str(made)) == made
    assert by_name("Binned(range=(-1, 1))", bins=7) == ip.estimators.Binned(7, range=(-1, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Debiased(WeightedKL(k=40)", "cannot be read as an estimator"),
        ("Debiased(Weighted())", "no estimator 'Weighted'; did you mean 'WeightedKL'"),
        ("Binned(bins=__import__('os').getpid())", "is no plain value"),
        ("Binned(bin=3)", "no setting 'bin'"),
        ("PCA(4)", "is no estimator"),
    ],
)
def test_what_cannot_be_read_is_refused_and_never_run(text: str, message: str) -> None:
    with pytest.raises(ip.InputError, match=message):
        by_name(text)


@dataclass(frozen=True)
class Choosy(Correlation):
    """Sees nothing in layers of three units."""

    needs_input = True

    def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> ip.Estimate:
        if 3 in (x.dim, y.dim):
            raise Refusal("Choosy sees nothing in 3 dimensions; compress.")
        return super().estimate(x, y, seed=seed)


def test_a_sweep_records_a_refusal_and_goes_on() -> None:
    random = np.random.default_rng(0)
    layers = {"narrow": random.standard_normal((N, 2)), "wide": random.standard_normal((N, 3))}
    recording = ip.recordings.from_arrays(layers, random.integers(0, 2, N), x=random.standard_normal((N, 1)))
    plane = ip.information_plane(recording, Choosy(), channel=ip.channels.AdditiveGaussian(0.1)).squeeze()
    assert np.isfinite(plane.mi_input.sel(layer="narrow"))
    assert np.isnan(plane.mi_input.sel(layer="wide"))
    assert np.isnan(plane.mi_target.sel(layer="wide"))
    assert "Choosy sees nothing in 3 dimensions; compress." in plane.attrs["notes"]
    with pytest.raises(Refusal, match="compress"):
        ip.mutual_information(layers["wide"], layers["wide"], Choosy())


@dataclass(frozen=True)
class Doubtful(Correlation):
    """Doubts values above a half, and says which."""

    def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> ip.Estimate:
        found = super().estimate(x, y, seed=seed)
        doubt = f"{found.value:.3f} nats is much for {y.name}."
        return dataclasses.replace(found, warnings=(doubt,) if found.value > 0.5 else ())


def test_a_plane_keeps_the_warnings_of_its_estimates() -> None:
    random = np.random.default_rng(0)
    y = random.integers(0, 2, N)
    known = np.stack([y[:, None] + spread * random.standard_normal((N, 1)) for spread in (0.1, 9.0, 0.2)])
    recording = ip.recordings.from_arrays({"t": known[None], "u": random.standard_normal((1, 3, N, 1))}, y)
    channel = ip.channels.Identity(assume_stochastic=True)
    plane = ip.information_plane(recording, Doubtful(), channel=channel, null=2).squeeze()
    assert plane.warned.dtype == bool
    assert plane.warned.sel(layer="t").values.tolist() == [True, False, True]
    assert not plane.warned.sel(layer="u").any()
    notes = [note for note in json.loads(plane.attrs["notes"]) if "is much" in note]
    value = float(plane.mi_target.sel(layer="t")[0])
    assert notes == [f"I(T;Y), in 2 of 6 cells: {value:.3f} nats is much for y."]  # once, whatever the numbers
    mixed = ip.information_plane(recording, Correlation(), estimator_target=Doubtful(), channel=channel).squeeze()
    assert mixed.warned.equals(plane.warned)
    assert [note for note in json.loads(mixed.attrs["notes"]) if "is much" in note] == notes
    binned = ip.information_plane(recording, ip.estimators.Binned(5))
    assert not binned.warned.any()
    assert not ip.information_plane(recording, ip.estimators.PairwiseBounds(0.1)).warned.any()


def test_a_real_warning_reaches_the_plane_and_its_file(tmp_path) -> None:
    """Nearest neighbours read low where T is nearly a function of X: said of one estimate, and of a plane."""
    random = np.random.default_rng(0)
    x = random.standard_normal((300, 2))
    t = x @ random.standard_normal((2, 2)) + 1e-3 * random.standard_normal((300, 2))
    assert ip.mutual_information(x, t, ip.estimators.KSG()).warnings
    recording = ip.recordings.from_arrays({"t": t}, random.integers(0, 2, 300), x=x, noise="0.001")
    plane = ip.information_plane(recording, ip.estimators.KSG())
    assert plane.warned.all()
    assert any("I(X;T), in 1 of 1 cells" in note for note in json.loads(plane.attrs["notes"]))
    ip.save(plane, tmp_path / "plane.nc")
    assert ip.load(tmp_path / "plane.nc").warned.dtype == bool
    ip.save(plane.drop_vars("warned"), tmp_path / "older.nc")  # as files before this variable are
    assert "warned" not in ip.load(tmp_path / "older.nc")


def test_without_inputs_a_sweep_says_so_and_still_measures_the_target() -> None:
    random = np.random.default_rng(0)
    recording = ip.recordings.from_arrays({"t": random.standard_normal((N, 2))}, random.integers(0, 2, N))
    plane = ip.information_plane(recording, Choosy(), channel=ip.channels.AdditiveGaussian(0.1)).squeeze()
    assert np.isnan(plane.mi_input)
    assert np.isfinite(plane.mi_target)
    assert "the recording has none: record x" in plane.attrs["notes"]
