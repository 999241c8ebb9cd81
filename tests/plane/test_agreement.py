"""Agreement of estimators: verdicts where truth was put in, one common ground, scale told from clustering."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr
from agreement_planes import BITS, EPOCHS, FALL, FLAT, SHAKE, bins, noisy, path, plane

import infoplane as ip
from infoplane import InputError
from infoplane.estimators import Binned, PairwiseBounds
from infoplane.experiments import verdicts
from infoplane.plane import agreement, apart, by_estimator, rescalings
from infoplane.plane.agreement import of_one_recording, same_recording
from infoplane.plane.methods import method_of
from infoplane.plane.summary import add_summary
from infoplane.recordings import from_arrays

LAYERS = {"falls": path(FALL), "stays": path(FLAT), "shakes": path(SHAKE, 0.3)}


def test_every_estimator_says_what_was_put_in():
    other = {"falls": path(FALL, 1.0), "stays": path(FALL), "shakes": path(FLAT)}
    table = agreement([bins(LAYERS), bins(other, 10)])
    assert table.estimator.values.tolist() == ["30 bins, fixed range", "10 bins, fixed range"]
    assert table.settings.values.tolist() == ["Binned()", "Binned(bins=10)"]
    assert table.verdict.sel(estimator="30 bins, fixed range").values.tolist() == ["holds", "fails", "unclear"]
    assert table.verdict.sel(estimator="10 bins, fixed range").values.tolist() == ["holds", "holds", "fails"]
    # A maximum over 30 values of noise 0.01 lies some 0.02 above the path, less at its peak.
    np.testing.assert_allclose(table.fall.sel(layer="falls") * BITS, [2.0, 1.0], atol=0.03)
    assert bool((table.fall_lower < table.fall).all())
    assert bool((table.fall < table.fall_upper).all())
    np.testing.assert_allclose(table.excess, table.fall - table.compression_null, atol=1e-12)
    np.testing.assert_allclose(table.highest.sel(layer="falls") * BITS, 4.3, atol=0.03)
    assert bool(np.isnan(table.least).all())
    assert set(table.proved.values.ravel()) == {""}


def test_verdicts_are_those_of_the_experiments():
    """One rule for both: that of a whole plane, at its own checkpoints."""
    planes = [bins(LAYERS), noisy(LAYERS, 0.1)]
    table = agreement(planes)
    for row, whole in enumerate(map(add_summary, planes)):
        for layer in LAYERS:
            assert table.verdict.sel(layer=layer).values[row] == verdicts.compresses(whole, layer)
            mean = verdicts.compression(whole, layer)
            assert float(table.fall.sel(layer=layer)[row]) * BITS == pytest.approx(mean.value)


def test_who_could_not_have_seen_a_fall_is_blind():
    low = {name: 0.05 + 0 * values for name, values in LAYERS.items()}
    high = {"falls": 3.6 + path(FALL, 0.5), "stays": 3.7 + path(FLAT), "shakes": 3.5 + path(SHAKE, 0.3)}  # of 8 bits
    table = agreement([bins(high), bins(low, 10), bins(LAYERS, 20)])
    assert table.blind.values.tolist() == [["", "ceiling", ""], ["floor"] * 3, ["", "", ""]]
    assert table.verdict.values[0].tolist() == ["holds", "fails", "unclear"]  # a fall that is seen is seen


def test_bounds_alone_prove_a_fall_or_exclude_it_or_neither():
    """A fall of 2 bits whose values are known to 0.5 is one of 1.5 to 2.5; known to 3, one of -1 to 5."""
    exact = {name: values - 4 for name, values in LAYERS.items()}  # known to 0.01
    table = agreement([noisy(LAYERS, 0.1), noisy(LAYERS, 0.3, width=3.0), noisy(exact, 1.0, width=0.01), bins(LAYERS)])
    falls = table.sel(layer="falls")
    np.testing.assert_allclose(falls.least[:2] * BITS, [1.5, -1.0], atol=0.03)
    np.testing.assert_allclose(falls.most[:2] * BITS, [2.5, 5.0], atol=0.03)
    assert falls.proved.values.tolist() == ["holds", "unclear", "holds", ""]
    assert table.sel(layer="stays").proved.values.tolist() == ["unclear", "unclear", "fails", ""]
    assert bool((falls.least[:2] < falls.fall[:2]).all())


def test_all_are_judged_at_the_checkpoints_they_share():
    """The second plane has no checkpoint at the peak, so neither has it a peak for the first."""
    few = tuple(EPOCHS[12:])
    late = {name: values[12:] for name, values in LAYERS.items()}
    table = agreement([bins(LAYERS), bins(late, 10, epochs=few)])
    assert table.attrs["epochs"] == str([float(e) for e in few])
    values = path(FALL)[12:]
    np.testing.assert_allclose(table.fall.sel(layer="falls") * BITS, values.max() - values[-1], atol=0.04)
    two = bins({n: v[[0, -1]] for n, v in LAYERS.items()}, 50, epochs=(0, 29))
    with_two = agreement([bins(LAYERS), two, bins(LAYERS, 10)])
    assert with_two.sizes["estimator"] == 2
    assert with_two.attrs["left_out"] == '["50 bins, fixed range"]'


def test_planes_that_differ_in_the_target_alone_count_once():
    few = bins({n: v[:5] for n, v in LAYERS.items()}, epochs=EPOCHS[:5], estimator_target="Decoder()")
    table = agreement([few, bins(LAYERS), bins(LAYERS, 10)])
    assert table.sizes["estimator"] == 2
    assert len(json.loads(table.attrs["epochs"])) == 30
    with pytest.raises(InputError, match="needs two estimators"):
        agreement([few, bins(LAYERS)])
    nothing = bins(LAYERS, 10)
    nothing["mi_input"][...] = np.nan
    with pytest.raises(InputError, match="needs two estimators"):
        agreement([bins(LAYERS), nothing])


def test_layers_and_networks_that_all_have():
    fewer = bins({n: LAYERS[n] for n in ("stays", "falls")}, 10, seeds=5)
    table = agreement([bins(LAYERS), fewer])
    assert table.layer.values.tolist() == ["falls", "stays"]
    assert (table.sizes["seed"], table.attrs["networks"]) == (5, 5)


@pytest.mark.parametrize(
    "change",
    [{"task": "another"}, {"split": "test"}, {"n_samples": 99}, {"training": "{}"}, {"scale": 0.52}],
    ids=str,
)
def test_other_recordings_are_not_compared(change):
    other = bins(LAYERS, 10, **change)
    assert not same_recording(bins(LAYERS), other)
    with pytest.raises(InputError, match="one recording"):
        agreement([bins(LAYERS), other])
    assert of_one_recording([bins(LAYERS), other]) == []


def test_activations_decide_where_the_training_does_not_say():
    arrays = [bins(LAYERS, b, training='{"recording": "arrays"}') for b in (10, 30)]
    assert same_recording(*arrays)
    bare = [a.drop_vars("activation_std") for a in arrays]
    assert not same_recording(*bare)
    assert same_recording(*(bins(LAYERS, b).drop_vars("activation_std") for b in (10, 30)))
    assert not same_recording(*(a.assign_attrs(training="no JSON") for a in bare))
    kept = [ip.results.compact(arrays[0]), arrays[1]]
    assert same_recording(*kept)


def test_groups_keep_their_order_and_need_two_estimators():
    a, b, c = bins(LAYERS), bins(LAYERS, 10, task="another"), bins(LAYERS, 20)
    assert of_one_recording([a, b, c]) == [[a, c]]
    assert of_one_recording([a]) == []
    assert of_one_recording([]) == []


def test_methods_are_read_back_in_words():
    read = {
        "30 bins, equal mass, range over all epochs": bins(LAYERS, range="layer", kind="mass"),
        "30 bins, range of each epoch": bins(LAYERS, range="snapshot"),
        "30 bins, adaptive": bins(LAYERS, kind="adaptive"),
        "pairwise, noise 0.1": noisy(LAYERS, 0.1),
        "pairwise, noise 0.1 std(T)": noisy(LAYERS, 0.1, True),
        "KSG, noise 0.1": plane(LAYERS, "KSG(k=3)", "AdditiveGaussian(sigma=0.1, relative=False)"),
        "Plugin": plane(LAYERS, "Plugin()", "Identity(assume_stochastic=False)"),
        "30 bins, range -1 to 2": plane(LAYERS, "Plugin()", "Quantize(bins=30, range=(-1.0, 2.0), kind='width')"),
        "mine(3)": plane(LAYERS, "mine(3)", "who knows"),
    }
    assert {method_of(p).label: True for p in read.values()} == dict.fromkeys(read, True)
    assert method_of(read["KSG, noise 0.1"]).settings == "KSG() of AdditiveGaussian(sigma=0.1, relative=False)"
    alike = agreement([bins(LAYERS), plane(LAYERS, "Plugin()")])
    assert alike.estimator.values.tolist()[0] == "Binned()"


def test_a_plane_with_all_estimators_comes_apart_again(tmp_path):
    planes = {"a": bins(LAYERS, wall_time=1.5), "b": noisy(LAYERS, 0.1, wall_time=2.0, notes='["Beware."]')}
    planes["b"]["only_b"] = planes["b"].mi_input * 2
    joined = by_estimator(planes)
    assert joined.mi_input.dims[0] == "estimator"
    assert joined.activation_std.dims == ("seed", "epoch", "layer")  # the same in both, once
    ip.save(joined, tmp_path / "joined.nc")
    for name, found in apart(ip.load(tmp_path / "joined.nc")).items():
        for variable in planes[name]:
            xr.testing.assert_equal(found[variable], planes[name][variable])
        assert found.attrs == planes[name].attrs
        assert found.mi_input.attrs == planes[name].mi_input.attrs
    assert bool(np.isnan(apart(joined)["a"].only_b).all())
    xr.testing.assert_identical(agreement(joined), agreement(list(planes.values())))
    xr.testing.assert_identical(apart(planes["a"])[""], planes["a"])


def test_planes_on_other_axes_are_not_joined():
    with pytest.raises(InputError, match="'b' has another epoch"):
        by_estimator({"a": bins(LAYERS), "b": bins({n: v[:5] for n, v in LAYERS.items()}, epochs=EPOCHS[:5])})
    with pytest.raises(InputError, match="'a' has a further dimension"):
        by_estimator({"a": bins(LAYERS).expand_dims(split=["train"])})
    with pytest.raises(InputError, match="at least one"):
        by_estimator({})


OUTCOMES = {  # what the fixed resolution sees, what the moving one sees
    "vanishes": (path(FALL), path(FLAT)),
    "remains": (path(FALL), path(FALL, 1.0)),
    "unclear": (path(FALL), path(SHAKE, 0.3)),
    "appears": (path(FLAT), path(FALL)),
    "neither": (path(SHAKE, 0.3), path(FALL)),
}


def test_outcomes_of_a_rescaling():
    fixed, moving = ({name: pair[k] for name, pair in OUTCOMES.items()} for k in (0, 1))
    found = rescalings(agreement([bins(fixed), bins(moving, range="snapshot")]))
    assert {r.layer: r.outcome for r in found} == {name: name for name in OUTCOMES}
    one = found[1]
    assert (one.kind, one.fixed, one.moving) == ("snapshot", "30 bins, fixed range", "30 bins, range of each epoch")
    assert one.fall.value * BITS == pytest.approx(2.0, abs=0.03)
    assert one.fall_after.value * BITS == pytest.approx(1.0, abs=0.03)
    # Networks share no noise between estimators here: the change has both, 8 networks' worth of 0.01 bits each.
    assert one.change.value * BITS == pytest.approx(-1.0, abs=0.03)
    assert one.change.lower < one.change.value < one.change.upper
    high = {name: values + 3.8 for name, values in moving.items()}
    blind = rescalings(agreement([bins(fixed), bins(high, range="snapshot")]))
    assert [r.outcome for r in blind][:3] == ["blind", "remains", "blind"]


def test_bins_are_paired_with_as_many_bins():
    planes = [bins(LAYERS), bins(LAYERS, 10), bins(LAYERS, kind="mass"), bins(LAYERS, range="std")]
    planes += [bins(LAYERS, kind="adaptive"), bins(LAYERS, 20, "snapshot"), noisy(LAYERS, 0.1, True)]
    pairs = {(r.fixed, r.kind) for r in rescalings(agreement(planes))}
    assert pairs == {
        ("30 bins, fixed range", "std"),
        ("30 bins, fixed range", "adaptive"),
        ("30 bins, equal mass, fixed range", "adaptive"),
    }


def test_noise_is_paired_where_it_is_the_same_at_the_maximum():
    """I(X;T) is greatest at a third of the training, where the layer's deviation is 2; untrained it is 0.1."""
    scale = np.where(np.arange(len(EPOCHS)) < 5, 0.1, 2.0)
    alone = {"falls": path(FALL)}
    planes = [noisy(alone, 0.2, scale=scale), noisy(alone, 20.0, scale=scale)]
    planes += [noisy(alone, sigma, True, scale=scale) for sigma in (0.03, 0.12, 1.9)]
    found = rescalings(agreement(planes))
    assert [(r.fixed, r.moving, r.kind) for r in found] == [
        ("pairwise, noise 0.2", "pairwise, noise 0.12 std(T)", "noise"),  # 0.2 / 2 = 0.1
    ]  # 20 / 2 is further than twofold from all
    bare = [p.drop_vars("activation_std") for p in planes]
    assert rescalings(agreement(bare)) == []  # how the noises compare is not known


def test_scale_alone_vanishes_and_clustering_remains():
    """Two made layers, measured: one only shrinks; in the other every class collapses onto its centre."""
    random = np.random.default_rng(1)
    n, epochs = 240, 8
    y = np.arange(n) % 3
    centres = np.array([-0.6, 0.0, 0.6])[y][:, None]
    away = random.uniform(-0.3, 0.3, (3, n, 1))
    size = np.geomspace(1, 1e-3, epochs)
    arrays = {
        "shrinks": np.stack([[s * (centres + a) for s in size] for a in away]),
        "clusters": np.stack([[centres + s * a for s in size] for a in away]),
    }
    recording = from_arrays(arrays, y, ranges=dict.fromkeys(arrays, (-1.0, 1.0)))
    estimators = [Binned(30), Binned(30, range="snapshot"), Binned(30, range="std"), Binned(30, kind="adaptive")]
    estimators += [PairwiseBounds(0.1), PairwiseBounds(0.2, relative=True)]
    table = agreement([ip.information_plane(recording, e) for e in estimators])
    found = {(r.layer, r.kind): r.outcome for r in rescalings(table)}
    assert found == {
        **{("shrinks", kind): "vanishes" for kind in ("snapshot", "std", "adaptive", "noise")},
        **{("clusters", kind): "remains" for kind in ("snapshot", "std", "noise")},
        ("clusters", "adaptive"): "vanishes",  # its order of values does not change: quantiles see no clusters
    }
    moving = table.sel(layer="shrinks").isel(estimator=table.follows_scale.values)
    np.testing.assert_allclose(moving.fall, 0, atol=2e-3)  # rounding moves single values over walls
