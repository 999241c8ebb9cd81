"""Trained models: what must hold of any run, one at a time and together, resumed, saved, stopped, and bad input."""

from __future__ import annotations

from typing import Any, cast

import jax
import numpy as np
import pytest
import xarray as xr

import infoplane as ip
from infoplane import variational as v
from infoplane.data import Task
from infoplane.recordings.layout import read_npz

CLASSES, ENTROPY = 3, np.log(3)
OBJECTIVES = (v.VIB(3.0), v.VIB(30.0), v.CEB(10.0), v.DualVIB(10.0))
SETTINGS = {"encoder": v.Dense((16,)), "latent": 3, "epochs": 24, "checkpoint_epochs": [1, 8],
            "batch_size": 50, "optimizer": v.Optimizer(5e-3)}  # fmt: skip


def blobs(n: int = 1200, spread: float = 0.8) -> Task:
    """Three classes in five dimensions, in turn, so that both parts have each as often."""
    random = np.random.default_rng(7)
    y = np.arange(n) % CLASSES
    x = random.standard_normal((CLASSES, 5))[y] * 1.5 + spread * random.standard_normal((n, 5))
    return Task(x.astype(np.float32), y, "blobs")


@pytest.fixture(scope="module")
def fitted() -> v.Fitted:
    return v.fit(OBJECTIVES, blobs(), seed=[0, 1], **SETTINGS)


def only_tested() -> Task:
    """A class that no training sample has."""
    return Task(np.zeros((4, 2)), np.arange(4) % 3, "only tested", train=np.array([True, True, False, True]))


def told(fitted: v.Fitted) -> list[xr.Dataset]:
    """One dataset a model: its numbers over (epoch, split)."""
    whole = fitted.dataset.stack(model=("objective", "beta", "seed"))
    return [whole.isel(model=k) for k in range(whole.sizes["model"]) if np.isfinite(whole.loss.isel(model=k)).all()]


@pytest.mark.slow
def test_every_model_is_measured_at_every_checkpoint(fitted):
    ds = fitted.dataset
    assert ds.mi_input.dims == ("objective", "beta", "seed", "epoch", "split")
    assert list(ds.epoch) == [0, 1, 8, 24]
    assert list(ds.split) == ["train", "test"]
    assert len(told(fitted)) == 8
    assert ds.attrs["n_train"] == 960
    assert ds.mi_input.attrs == {"quantity": "I(X;Z)", "direction": "upper", "unit": "nats"}
    assert "no bound of I(X;Z)" in ds.rate_conditional.attrs["quantity"]
    assert ds.attrs["ceiling_mi_target"] == pytest.approx(ENTROPY, abs=1e-3)


@pytest.mark.slow
def test_what_must_hold_of_any_run(fitted):
    for one in told(fitted):
        error = 5 * (one.rate_stderr + one.distortion_stderr + one.rate_mixture_stderr + one.rate_conditional_stderr)
        for name in ("rate", "rate_conditional", "rate_mixture", "distortion", "distortion_readout", "loss"):
            assert np.isfinite(one[name]).all(), name  # at initialisation as well
        assert (one.mi_target <= one.mi_input + error).all()
        assert (ENTROPY - one.distortion <= one.rate + error).all()
        assert (one.rate_mixture <= one.rate_conditional + ENTROPY + error).all()
        assert (one.mi_input <= one.rate + 1e-9).all()
        last = one.isel(epoch=-1).sel(split="test")
        assert last.mi_target > 0.25
        assert last.accuracy > 0.6  # of three classes that overlap


@pytest.mark.slow
def test_more_is_kept_where_the_label_weighs_more(fitted):
    last = fitted.dataset.isel(epoch=-1).sel(split="test", objective="VIB")
    for name in ("mi_input", "mi_target", "rate"):
        assert (last[name].sel(beta=30.0) > last[name].sel(beta=3.0)).all()


@pytest.mark.slow
def test_rates_lie_above_what_the_encoder_itself_proves(fitted):
    """The batch's own encoders bound I(X;Z) from below and above, with no prior that could be wrong."""
    x = blobs().x[:800]
    for objective in OBJECTIVES:
        laws = fitted.laws(x, objective=objective, model_seed=0)
        z = fitted.encode(x, seed=3, objective=objective, model_seed=0)
        own = v.sandwich(z, laws.mean, laws.scale)
        model = fitted.model(objective, 0)
        rate = np.asarray(v.kl_standard(laws.mean, laws.scale))
        mixed = np.asarray(v.mixture_rate(z, laws.mean, laws.scale, model.conditionals(), np.full(3, 1 / 3)))
        for bound in (rate, mixed):
            apart = bound.mean() - own.lower.mean()
            assert apart > -4 * (bound.std() + own.lower.std()) / np.sqrt(len(x))


@pytest.mark.slow
def test_together_or_alone_is_the_same(fitted):
    alone = v.fit(OBJECTIVES[2], blobs(), seed=1, **SETTINGS)
    here = fitted.dataset.sel(objective="CEB", beta=10.0, seed=1)
    there = alone.dataset.sel(objective="CEB", beta=10.0, seed=1)
    for name in ("loss", "rate", "rate_conditional", "mi_target"):
        np.testing.assert_allclose(here[name], there[name], rtol=2e-3, atol=2e-3, err_msg=name)


@pytest.mark.slow
def test_models_are_used_saved_and_read_back(fitted, tmp_path):
    x, chosen = blobs().x[:20], {"objective": OBJECTIVES[0], "model_seed": 1}
    z = fitted.encode(x, seed=0, **chosen)
    assert z.shape == (20, 3)
    np.testing.assert_array_equal(z, fitted.encode(x, seed=0, **chosen))
    assert not np.allclose(z, fitted.encode(x, seed=1, **chosen))
    mean, scale = fitted.laws(x, **chosen)
    np.testing.assert_array_equal(fitted.encode(x, seed=None, **chosen), mean)
    many = np.stack([fitted.encode(x, seed=k, **chosen) for k in range(400)])
    assert (np.abs(many.mean(axis=0) - mean) < 5 * scale / 20).all()
    probabilities = fitted.predict(x, samples=12, **chosen)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-5)
    assert (fitted.predict(x, samples=0, **chosen) != probabilities).any()
    fitted.save(tmp_path / "models")
    again = v.Fitted.load(tmp_path / "models")
    assert again.objectives == fitted.objectives
    xr.testing.assert_identical(again.dataset, fitted.dataset)
    np.testing.assert_array_equal(again.encode(x, **chosen), fitted.encode(x, **chosen))
    with pytest.raises(ip.InputError, match="name one with objective="):
        fitted.encode(x)
    with pytest.raises(ip.InputError, match="name one with model_seed="):
        fitted.encode(x, objective=OBJECTIVES[0])
    with pytest.raises(ip.InputError, match="shape \\(n, 5\\)"):
        fitted.encode(x[:, :4], **chosen)
    with pytest.raises(ip.InputError, match="holds no fitted models"):
        v.Fitted.load(tmp_path)


@pytest.mark.slow
def test_a_killed_run_goes_on_and_a_finished_one_is_read(tmp_path):
    class Kill(Exception):
        pass

    def stop(what: str, done: int, total: int) -> None:
        if done == 8:
            raise Kill

    given = {**SETTINGS, "seed": [0, 1], "path": tmp_path / "run"}
    with pytest.raises(Kill):
        v.fit(OBJECTIVES[0], blobs(), progress=stop, **given)
    seen: list[int] = []
    resumed = v.fit(OBJECTIVES[0], blobs(), progress=lambda what, done, total: seen.append(done), **given)
    assert seen == [24]
    whole = v.fit(OBJECTIVES[0], blobs(), **{**given, "path": None})
    for name in whole.dataset:
        np.testing.assert_allclose(resumed.dataset[name], whole.dataset[name], rtol=1e-5, atol=1e-6, err_msg=str(name))
    read = v.fit(OBJECTIVES[0], blobs(), progress=lambda *a: pytest.fail("trained again"), **given)
    xr.testing.assert_identical(read.dataset, resumed.dataset)
    with pytest.raises(ip.InputError, match="choose another folder"):
        v.fit(OBJECTIVES[1], blobs(), **given)


@pytest.mark.slow
def test_a_loss_that_is_lost_leaves_the_last_good_models(tmp_path):
    wild = v.Optimizer(learning_rate=1e9)
    given = {**SETTINGS, "optimizer": wild, "polyak": 0.0, "path": tmp_path / "run"}
    with pytest.raises(v.DivergedError, match=r"VIB\(beta=3.0\) with seed 0 is no longer finite in epoch 1") as lost:
        v.fit([v.CrossEntropy(), OBJECTIVES[0]], blobs(), **given)
    assert lost.value.epoch == 0
    x, good = blobs().x[:20], lost.value.fitted
    assert np.isfinite(good.predict(x, objective=OBJECTIVES[0])).all()
    rate = good.dataset.rate.sel(objective="VIB", beta=3.0).squeeze().sel(split="test")
    assert np.isfinite(rate).values.tolist() == [True, False, False, False]  # measured at epoch 0, and not afterwards
    kept = v.Fitted.load(tmp_path / "run" / "last-good")
    np.testing.assert_array_equal(kept.encode(x, objective=OBJECTIVES[0]), good.encode(x, objective=OBJECTIVES[0]))
    assert "no longer finite" in kept.dataset.attrs["diverged"]
    with pytest.raises(ip.InputError, match="a run that diverged"):
        v.fit([v.CrossEntropy(), OBJECTIVES[0]], blobs(), **{**given, "path": tmp_path / "run" / "last-good"})


@pytest.mark.slow
def test_a_network_lost_after_the_last_loss_is_not_called_good():
    """The loss of the only step of an epoch is that before it: what the step made of the numbers is looked at too."""
    settings = {"epochs": 1, "checkpoint_epochs": [1], "batch_size": 960, "polyak": 0.0, "latent": 3}
    with pytest.raises(v.DivergedError, match="no longer finite in epoch 1") as lost:
        v.fit(OBJECTIVES[0], blobs(), encoder=v.Dense((16,)), optimizer=v.Optimizer(1e30), **settings)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(lost.value.fitted.models))


@pytest.mark.slow
def test_epochs_are_so_many_steps_and_looking_on_changes_nothing(tmp_path):
    task = blobs(90)  # 72 to train on: three batches of 20, and an incomplete one that is left out
    settings = {"encoder": v.Dense((4,)), "latent": 2, "epochs": 5, "batch_size": 20}
    once = v.fit(v.VIB(3.0), task, checkpoint_epochs=[5], path=tmp_path / "run", **settings)
    often = v.fit(v.VIB(3.0), (task.x, task.y), checkpoint_epochs=range(6), **settings)
    for one, other in zip(jax.tree.leaves(once.models), jax.tree.leaves(often.models), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
    kept = read_npz(tmp_path / "run" / "training-0.npz")
    last = max((name for name in kept if name.startswith("state/")), key=lambda name: int(name[6:]))
    assert int(kept[last]) == 5 * 3


@pytest.mark.slow
def test_the_accuracy_is_that_of_predictions(fitted):
    task = blobs()
    _, rows = task.split(0.8, seed=0, kind="stratified")
    x, y, which = task.x[rows], task.y[rows], {"objective": OBJECTIVES[1], "model_seed": 0}
    first, second = (fitted.predict(x, samples=12, seed=k, **which).argmax(axis=1) for k in (0, 1))
    told = fitted.dataset.accuracy.sel(objective="VIB", beta=30.0, seed=0, split="test").isel(epoch=-1)
    flips = int((first != second).sum())  # what other draws of z change; each may add or take one
    assert abs(float(told) - (first == y).mean()) <= 5 * np.sqrt(flips + 1) / len(y)
    many = fitted.predict(x, samples=1500, **which)  # more draws than are held at once
    np.testing.assert_allclose(many.sum(axis=1), 1.0, rtol=1e-5)
    assert np.abs(many - fitted.predict(x, samples=1500, seed=1, **which)).max() < 5 * np.sqrt(0.25 / 1500) * np.sqrt(2)


@pytest.mark.slow
def test_other_data_under_the_same_name_are_another_training(tmp_path):
    task = blobs(90)
    settings = {"encoder": v.Dense((4,)), "latent": 2, "epochs": 1, "path": tmp_path / "run"}
    first = v.fit(v.VIB(3.0), task, **settings)
    xr.testing.assert_identical(v.fit(v.VIB(3.0), task, **settings).dataset, first.dataset)
    with pytest.raises(ip.InputError, match="another"):
        v.fit(v.VIB(3.0), Task(-7 * task.x, np.roll(task.y, 1), task.name), **settings)


@pytest.mark.slow
def test_patience_keeps_the_best_and_stops():
    task = blobs(150, spread=3.0)  # few and noisy, so that long training overfits
    settings = {**SETTINGS, "epochs": 400, "checkpoint_epochs": list(range(0, 400, 10)), "encoder": v.Dense((64, 64)),
                "optimizer": v.Optimizer(3e-3), "polyak": 0.0}  # fmt: skip
    found = v.fit(v.VIB(1e4), task, patience=5, **settings)
    best = float(found.dataset.best_epoch.squeeze())
    measured = np.isfinite(found.dataset.loss.squeeze().sel(split="train").to_numpy())
    assert 0 < best < 400
    assert not measured.all()
    assert found.dataset.epoch[measured].max() == best + 50
    kept = ip.results.kept_models(found.dataset).squeeze()
    assert float(kept.epoch) == best
    drawn = ip.plots.variational_plane(found, unit="nats").lines[0].get_ydata()
    assert float(np.squeeze(drawn)) == pytest.approx(float(kept.mi_target.sel(split="test")))


@pytest.mark.slow
def test_kinds_of_representations_are_trained_side_by_side():
    objectives = (v.CrossEntropy(), v.CrossEntropy(smoothing=0.1), v.NonlinearIB(10.0), v.SquaredVIB(30.0), v.VIB(30.0))
    found = v.fit(objectives, blobs(), **SETTINGS)
    last = found.dataset.isel(epoch=-1, seed=0).sel(split="test")
    plain = last.sel(objective="CrossEntropy()", beta=np.inf)
    assert np.isnan(plain.mi_input)  # of a function that has no noise there is no rate
    assert plain.mi_target > 0.5
    kernel = last.sel(objective="NonlinearIB", beta=10.0)
    assert np.isfinite(kernel.mi_input)
    task = blobs()  # bounds within a thousand samples: the test part is 240, and what fills it up does not count
    _, rows = task.split(0.8, seed=0, kind="stratified")
    laws = found.laws(task.x[rows], objective=objectives[2])
    known = v.kernel_bounds(laws.mean, float(laws.scale[0, 0])).upper
    assert float(kernel.kernel) == pytest.approx(float(np.mean(known)), rel=1e-4)
    scales = found.laws(blobs().x[:5], objective=objectives[2]).scale
    assert np.unique(scales).size == 1
    np.testing.assert_array_equal(found.encode(blobs().x[:5], objective=objectives[0], seed=4),
                                  found.encode(blobs().x[:5], objective=objectives[0], seed=None))  # fmt: skip


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: v.fit(v.VIB(1.0), cast(Any, "mnist")), "or a Task"),
        (lambda: v.fit(v.VIB(1.0), (np.zeros((3, 2)), np.array(["a", "b", "a"]))), "numpy.unique"),
        (lambda: v.fit(cast(Any, "VIB"), blobs()), "needs an objective"),
        (lambda: v.fit([], blobs()), "needs an objective"),
        (lambda: v.fit([v.VIB(1.0), v.VIB(1.0)], blobs()), "two of these are the same"),
        (lambda: v.fit([v.DualVIB(1.0, labels=v.Teacher(lambda x, k=k: x)) for k in range(2)], blobs()), "names that"),
        (
            lambda: v.fit(v.VIB(1.0), (1e30 * np.ones((40, 2)), np.arange(40) % 2), encoder=v.Dense((2,)), latent=2),
            "not finite before training",
        ),
        (lambda: v.fit(v.VIB(1.0), Task(np.zeros((4, 2)), np.zeros(4, int), "one")), "two classes or more"),
        (lambda: v.fit(v.VIB(1.0), Task(np.zeros((4, 2)), np.array([0, 1, -1, 2]), "low")), "labels in 0"),
        (lambda: v.fit(v.VIB(1.0), Task(np.zeros((4, 2)), np.linspace(0, 1, 4), "numbers")), "whole numbers 0, 1"),
        (lambda: v.fit(v.VIB(1.0), Task(np.full((4, 2), np.nan), np.arange(4) % 2, "nan")), "finite input"),
        (lambda: v.fit(v.VIB(1.0), Task(np.zeros((40, 2)), np.arange(40) % 4 + 1, "from one")), "none of \\[0\\]"),
        (lambda: v.fit(v.VIB(1.0), only_tested()), "none of \\[2\\]"),
        (lambda: v.Optimizer(-1.0), "learning_rate > 0"),
        (lambda: v.Optimizer(every=0), "every"),
        (lambda: v.fit(v.VIB(1.0), blobs(), spread=v.Spread(0.0, -5.0)), "least >= 0"),
        (lambda: v.fit(v.VIB(1.0), blobs(), latent=0), "latent"),
        (lambda: v.fit(v.VIB(1.0), blobs(), epochs=-1), "epochs"),
        (lambda: v.fit(v.VIB(1.0), blobs(), polyak=1.0), "polyak"),
        (lambda: v.fit(v.VIB(1.0), blobs(), patience=0), "patience"),
        (lambda: v.fit(v.VIB(1.0), blobs(), seed=[0, 0]), "several different"),
        (lambda: v.fit(v.VIB(1.0), blobs(), checkpoint_epochs=[50]), "up to the last epoch, 20"),
        (lambda: v.fit(v.VIB(1.0), blobs(), encoder=v.Convolutional()), "needs images"),
        (lambda: v.VIB(0.0), "beta"),
        (lambda: v.CEB(0.5), "beta"),
        (lambda: v.WideResNet(depth=12), "6 k \\+ 4"),
        (lambda: v.WideResNet(groups=5), "divide 16"),
        (lambda: v.Dense((0,)), "positive whole numbers"),
    ],
)  # fmt: skip
def test_bad_input_is_told(make, message):
    with pytest.raises(ip.InputError, match=message):
        make()
