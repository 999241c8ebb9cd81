"""The ensemble as a user meets it: the result over time, classes, samples, ridge, and bad input."""

from typing import Any, cast

import numpy as np
import pytest

import infoplane as ip
from infoplane.infinite import At, Conv, Dense, Ensemble, Kernels

RNG = np.random.default_rng(0)
X, X_TEST = RNG.standard_normal((40, 3)), RNG.standard_normal((25, 3))
Y, Y_TEST = X.sum(axis=1), X_TEST.sum(axis=1)
TIMES = [0.0, 1e-6, 0.1, 10.0, 1e12, np.inf]
NET = Dense(2, "erf")


@pytest.fixture(scope="module")
def result():
    return Ensemble(NET, X, Y).information(X_TEST, Y_TEST, TIMES, joint=[0.1, np.inf])


def test_the_result_is_a_curve_over_time(result, tmp_path):
    ip.results.check(result)
    assert result.mi_input.attrs["quantity"] == "I(X;Z|D)"
    assert result.mi_target.attrs == {**result.mi_target.attrs, "quantity": "I(Z;Y|D)", "direction": "lower"}
    assert all(v.dims == ("time",) for v in result.data_vars.values())
    for name, values in result.data_vars.items():
        if not str(name).endswith(("_joint", "_joint_train", "_upper")):
            assert not np.isnan(values).any(), name
    ip.save(result, tmp_path / "ensemble.nc")
    assert ip.load(tmp_path / "ensemble.nc").identical(result)


def test_the_schema_refuses_other_dimensions(result):
    with pytest.raises(ip.InputError, match="An ensemble's loss_gibbs has the dimensions"):
        ip.results.check(result.assign(loss_gibbs=("other", np.zeros(3))))


def test_joint_quantities_are_there_where_asked(result):
    for name in ("loss_bayes_joint", "mi_output_data_joint", "loss_bayes_joint_train"):
        np.testing.assert_array_equal(np.isnan(result[name]), [True, True, False, True, True, False])
    assert (result.loss_bayes <= result.loss_gibbs + 1e-12).all()
    gibbs = result.loss_gibbs.values[[2, 5]]
    assert (result.loss_bayes_joint.values[[2, 5]] <= gibbs + 1e-12).all()


def test_limits_of_the_result(result):
    first, last = result.isel(time=0), result.isel(time=-1)
    for name in ("mi_output_data", "mi_parameters_data", "parameter_distance", "action", "fisher_energy"):
        assert float(first[name]) == pytest.approx(0, abs=1e-12)
    assert float(first.mi_input_lower) == pytest.approx(0, abs=0.1)
    assert np.isinf(last.mi_parameters_data)
    assert np.isfinite(last.mi_output_data)
    assert (result.mi_input_lower <= np.log(25)).all()
    spread = 2 / 25 + (result.mi_input_spread + result.mi_input_lower_spread)
    assert (result.mi_input_lower <= result.mi_input_upper + spread).all()
    np.testing.assert_allclose(result.generalisation_gap, result.loss_gibbs - result.loss_gibbs_train)
    at_end = result.sel(time=1e12)
    assert float(at_end.mi_input) == pytest.approx(float(last.mi_input), rel=1e-6)


@pytest.mark.parametrize("labels", [np.array([3, 5, 9]), np.array(["cat", "dog", "owl"])])
def test_classes(labels):
    codes, codes_test = (np.digitize(v, [-1, 1]) for v in (Y, Y_TEST))
    ensemble = Ensemble(NET, X, labels[codes])
    np.testing.assert_array_equal(ensemble.classes, labels)
    np.testing.assert_allclose(ensemble.targets.values.sum(axis=1), 0, atol=1e-15)
    ds = ensemble.information(X_TEST, labels[codes_test], [0.0, 1.0, np.inf])
    mean, _ = ensemble.predict(X_TEST, 1.0)
    assert float(ds.accuracy[1]) == (mean.argmax(axis=1) == codes_test).mean() > 0.6
    assert (ds.mi_target <= ds.attrs["entropy_target"] + 1e-9).all()
    assert float(ds.mi_target[1]) > 0.2
    with pytest.raises(ip.InputError, match="classes that the training targets lack"):
        ensemble.information(X_TEST, np.array([*labels[codes_test][:-1], 77 if labels.dtype.kind == "i" else "x"]), 1.0)


def test_samples_have_the_moments():
    ensemble = Ensemble(NET, X, Y)
    mean, covariance = ensemble.predict(X_TEST[:3], 0.5)
    found = ensemble.samples(X_TEST[:3], 0.5, 20_000, seed=1)
    assert found.shape == (20_000, 3, 1)
    assert (np.abs(found.mean(axis=0) - mean)[:, 0] < 4 * np.sqrt(np.diag(covariance) / 20_000)).all()
    np.testing.assert_allclose(np.cov(found[:, :, 0].T), covariance, atol=0.06 * covariance.max())
    np.testing.assert_array_equal(found[:5], ensemble.samples(X_TEST[:3], 0.5, 20_000, seed=1)[:5])


def test_the_same_from_kernels():
    train = Kernels(*NET.covariances(X, curvature=True))
    at = At(NET.covariances(X_TEST, X), NET.kernels(X_TEST)[0])
    found = Ensemble.from_kernels(train, Y).information(at, Y_TEST, TIMES, joint=True)
    other = Ensemble(NET, X, Y).information(X_TEST, Y_TEST, TIMES, joint=True)
    for name in other.data_vars:
        np.testing.assert_allclose(found[name], other[name], rtol=1e-7, atol=1e-8, err_msg=str(name))


def test_what_exists_depends_on_the_network():
    relu = Ensemble(Dense(2, "relu"), X, Y).information(X_TEST, Y_TEST, [1.0])
    assert "mi_parameters_data_linearised" in relu
    assert "mi_parameters_data" not in relu
    assert relu.mi_parameters_data_linearised.attrs["direction"] == "estimate"
    assert relu.mi_output_data_joint_train.attrs["direction"] == "exact"
    assert all("direction" not in relu[name].attrs for name in relu if str(name).endswith(("_stderr", "_spread")))
    readout = Ensemble(Dense(2, "relu"), X, Y, kernel="nngp").information(X_TEST, Y_TEST, [1.0])
    assert readout.mi_parameters_data_curvature.item() == 0
    assert readout.mi_parameters_data.item() == pytest.approx(readout.mi_output_data_joint_train.item(), rel=1e-8)
    ridge = Ensemble(NET, X, Y, ridge=0.1).information(X_TEST, Y_TEST, [1.0])
    assert "action" not in ridge
    assert "ridge" in ridge.attrs["notes"]


def test_a_ridge_may_be_a_share_of_the_diagonal():
    share = Ensemble(NET, X, Y, ridge=1e-3, relative_ridge=True)
    added = 1e-3 * NET.kernels(X)[1].diagonal().mean()
    assert share.ridge == pytest.approx(added, rel=1e-12)
    for a, b in zip(
        share.predict(X_TEST, np.inf), Ensemble(NET, X, Y, ridge=added).predict(X_TEST, np.inf), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_images_through_convolutions_equal_their_kernels():
    images, others = RNG.standard_normal((12, 6, 6, 2)), RNG.standard_normal((7, 6, 6, 2))
    y, y_test = images.mean(axis=(1, 2)), others.mean(axis=(1, 2))
    net = Conv(2, "erf", 1.3, 0.2)
    ensemble = Ensemble(net, images, y)
    cross, own = Kernels(*net.kernels(others, images)), net.kernels(others)[0]
    mean, covariance = ensemble.predict(others, np.inf)
    np.testing.assert_allclose(mean, cross.ntk @ np.linalg.solve(net.kernels(images)[1], y), rtol=1e-8)
    from_kernels = Ensemble.from_kernels(net.covariances(images, curvature=True), y)
    np.testing.assert_allclose(covariance, from_kernels.predict(At(cross, own), np.inf)[1], rtol=1e-8, atol=1e-12)
    found = ensemble.information(others, y_test, [0.1, 10.0])
    again = from_kernels.information(At(cross, own), y_test, [0.1, 10.0])
    for name in found:
        np.testing.assert_allclose(found[name], again[name], rtol=1e-7, atol=1e-10, err_msg=str(name))
    assert (found.mi_parameters_data >= found.mi_output_data_joint_train).all()


def test_data_sets_drawn_anew_are_one_result_and_keep_all_notes(tmp_path):
    first = Ensemble(NET, X, Y).information(X_TEST, Y_TEST, [0.1, 1.0])
    doubled = Ensemble(NET, np.concatenate([X, X[:5]]), np.concatenate([Y, Y[:5]]))
    second = doubled.information(X_TEST, Y_TEST, [0.1, 1.0])
    both = ip.infinite.repeated({3: first, 8: second})
    assert both.mi_input.dims == ("seed", "time")
    assert list(both.seed) == [3, 8]
    assert "5 of 45 modes" in both.attrs["notes"]
    assert both.attrs["modes_at_floor"] == 5
    assert both.attrs["wall_time"] == pytest.approx(first.attrs["wall_time"] + second.attrs["wall_time"])
    np.testing.assert_array_equal(both.mi_target.sel(seed=8), second.mi_target)
    ip.save(both, tmp_path / "both.nc")
    with pytest.raises(ip.InputError, match="those of seed 2 are others"):
        ip.infinite.repeated({1: first, 2: first.isel(time=[0])})
    with pytest.raises(ip.InputError, match="got none"):
        ip.infinite.repeated({})


def test_duplicates_and_saturation_are_reported():
    doubled = Ensemble(NET, np.concatenate([X, X[:5]]), np.concatenate([Y, Y[:5]]))
    ds = doubled.information(
        np.concatenate([X_TEST, X_TEST[:2], X[:3]]), np.zeros(30) + RNG.normal(size=30), TIMES, joint=True
    )
    assert ds.attrs["modes_at_floor"] == 5
    assert "below rounding" in ds.attrs["notes"]
    assert "ceiling ln M" in ds.attrs["notes"]
    assert np.isfinite(ds.mi_input).all()
    assert np.isfinite(ds.loss_bayes_joint).all()


def test_same_seed_same_bits_and_sorted_times():
    ensemble = Ensemble(NET, X, Y)
    a, b = (ensemble.information(X_TEST, Y_TEST, t, seed=3) for t in ([1.0, 0.1], [0.1, 1.0]))
    assert a.drop_attrs().identical(b.drop_attrs())
    assert not a.mi_input.equals(ensemble.information(X_TEST, Y_TEST, [0.1, 1.0], seed=4).mi_input)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Ensemble(NET, np.where(X > 2, np.nan, X), Y), "nan or infinite"),
        (lambda: Ensemble(NET, X, Y[:-1]), "one row of y_train for each of the 40 points, got 39"),
        (lambda: Ensemble(NET, X, np.full(40, np.nan)), "y_train has nan"),
        (lambda: Ensemble(NET, X, np.zeros(40, int)), "two classes or more"),
        (lambda: Ensemble(NET, X, Y, ridge=-1), "ridge"),
        (lambda: Ensemble(NET, X, Y, kernel="rbf"), "'rbf'"),
        (lambda: Ensemble(cast(Any, "net"), X, Y), "needs a network"),
        (lambda: Ensemble(NET, X, Y).predict(X_TEST[:, :2], 1.0), "width"),
        (lambda: Ensemble(NET, X, Y).predict(X_TEST, -1.0), "from 0 to infinity, got -1"),
        (lambda: Ensemble(NET, X, Y).predict(X_TEST, np.nan), "got nan"),
        (lambda: Ensemble(NET, X, Y).predict(X_TEST, cast(Any, [1.0, 2.0])), "one time"),
        (lambda: Ensemble(NET, X, Y).samples(X_TEST, 1.0, 0), "count"),
        (lambda: Ensemble(NET, X, Y).information(X_TEST, Y_TEST, [1.0], draws=0), "draws"),
        (lambda: Ensemble(NET, X, Y).information(X_TEST, Y_TEST, []), "one time or a list"),
        (lambda: Ensemble(NET, X, Y).information(X_TEST, Y_TEST, "late"), "as numbers"),
        (lambda: Ensemble(NET, X, Y).information(X_TEST, Y_TEST, [1.0], joint=[2.0]), "members of times, got 2"),
        (lambda: Ensemble(NET, X, Y).information(X_TEST, Y_TEST[:-1], [1.0]), "got 24"),
        (lambda: Ensemble(NET, X, Y).information(X_TEST[:1], Y_TEST[:1], [1.0]), "two evaluation points"),
        (lambda: Ensemble(NET, X, Y).information(X_TEST, Y_TEST, [1.0], entropy_target=np.inf), "entropy_target"),
        (lambda: Ensemble(NET, X, Y).information(X_TEST, np.ones((25, 2)), [1.0]), r"shape \(n, 1\)"),
        (lambda: Ensemble.from_kernels(Kernels(np.ones((2, 3)), np.ones((2, 3))), [1.0, 2.0]), r"shape \(2, 2\)"),
        (lambda: Ensemble.from_kernels(Kernels(np.eye(2), np.array([[1, 2], [0, 1.0]])), [1.0, 2.0]), "symmetric"),
        (lambda: Ensemble.from_kernels(Kernels(np.eye(2), np.eye(2)), [1.0, 2.0]).predict(X, 1.0), "At"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(make, message):
    with pytest.raises(ip.InputError, match=message):
        make()


def test_more_points_than_memory_holds_are_refused_before_their_kernels_are_made(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("infoplane.infinite.tiles._memory", lambda: 1e4)
    monkeypatch.setattr(NET.__class__, "covariances", lambda *_, **__: pytest.fail("kernels were made"))
    with pytest.raises(ip.InputError, match=r"Ensemble of 40 training points needs 8.19e-05 GB .* Take fewer points"):
        Ensemble(NET, X, Y)
