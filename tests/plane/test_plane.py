"""The plane holds, cell by cell, what the verbs say of the same activations; and says how it was seen."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import xlogy

import infoplane as ip
from infoplane import InputError, data, information_plane, mutual_information
from infoplane.channels import AdditiveGaussian, Identity, Quantize
from infoplane.estimators import Binned, PairwiseBounds, Plugin
from infoplane.recordings import from_arrays

RANDOM = np.random.default_rng(0)
N = 80
Y = np.arange(N) % 3
ARRAYS = {
    "wide": np.tanh(RANDOM.normal(size=(2, 3, N, 3)) + Y[:, None]),
    "thin": 5 * RANDOM.normal(size=(2, 3, N, 1)) * np.array([1.0, 2.0, 0.5])[:, None, None] + Y[:, None],
}
CELLS = [(s, e, layer) for s in range(2) for e in range(3) for layer in ARRAYS]


def recording(**settings):
    return from_arrays(ARRAYS, Y, **{"ranges": {"wide": (-1, 1)}, **settings})


def direct(t, estimator, y=Y):
    return mutual_information(np.arange(len(t)), t, estimator), mutual_information(t, y, estimator)


def own_range(seed, layer):
    return float(ARRAYS[layer][seed].min()), float(ARRAYS[layer][seed].max())


RANGES = {
    "known": lambda seed, layer: (-1.0, 1.0) if layer == "wide" else own_range(seed, layer),
    "layer": own_range,
    "global": lambda seed, layer: tuple(f(own_range(seed, k)[end] for k in ARRAYS) for end, f in enumerate((min, max))),
    (-2.0, 2.0): lambda seed, layer: (-2.0, 2.0),
}  # fmt: skip


@pytest.mark.parametrize("policy", list(RANGES), ids=str)
def test_binned_cells_equal_the_verb(policy):
    plane = information_plane(recording(), Binned(8, range=policy))
    for seed, epoch, layer in CELLS:
        span = RANGES[policy](seed, layer)
        t, cell = ARRAYS[layer][seed, epoch], plane.sel(seed=seed, epoch=epoch, layer=layer)
        input_, target = direct(t, Binned(8, range=span))
        assert_allclose(cell.mi_input, input_.value, atol=1e-12)
        assert_allclose(cell.mi_target, target.value, atol=1e-12)
        assert_allclose(cell.mi_target_stderr, target.stderr, atol=1e-12)
        assert int(cell.out_of_range) == ((t < span[0]) | (t > span[1])).sum()
    assert plane.mi_input.attrs["quantity"] == "H(T at 8 bins)"
    assert (plane.mi_input.direction, plane.mi_target.direction) == ("estimate", "estimate")
    assert_allclose(plane.attrs["ceiling_mi_input"], np.log(N))
    p = np.bincount(Y) / N
    assert_allclose(plane.attrs["ceiling_mi_target"], -(p * np.log(p)).sum())


def test_adaptive_bins_follow_each_snapshot_and_mass_bins_do_not():
    adaptive = information_plane(recording(), Binned(8, kind="adaptive"))
    mass = information_plane(recording(), Binned(8, range="layer", kind="mass"))
    for seed, epoch, layer in CELLS:
        t = ARRAYS[layer][seed, epoch]
        input_, target = direct(t, Binned(8, kind="adaptive"))
        cell = {"seed": seed, "epoch": epoch, "layer": layer}
        assert_allclose(adaptive.mi_input.sel(cell), input_.value, atol=1e-12)
        assert_allclose(adaptive.mi_target.sel(cell), target.value, atol=1e-12)
        pool = np.sort(ARRAYS[layer][seed].ravel())  # all epochs of this seed and layer
        codes = np.searchsorted(pool[np.arange(1, 8) * len(pool) // 8], t, side="right")
        _, counts = np.unique(codes, axis=0, return_counts=True)
        assert_allclose(mass.mi_input.sel(cell), -(counts / N * np.log(counts / N)).sum(), atol=1e-12)


def test_pairwise_cells_equal_the_verb():
    estimator = PairwiseBounds(0.3)
    plane = information_plane(recording(), estimator)
    for seed, epoch, layer in CELLS:
        t, cell = ARRAYS[layer][seed, epoch], plane.sel(seed=seed, epoch=epoch, layer=layer)
        for name, found in zip(("mi_input", "mi_target"), direct(t, estimator), strict=True):
            for end, expected in (("", found.value), ("_lower", found.lower), ("_upper", found.upper)):
                assert_allclose(cell[name + end], expected, atol=1e-6)  # sums in single precision
            assert found.lower <= found.value <= found.upper
    assert plane.mi_input.attrs["direction"] == "interval"
    assert plane.mi_input.attrs["quantity"] == "I(X; T + noise 0.3)"


def test_plugin_with_quantize_is_binned(trained):
    one, other = (
        information_plane(trained, Plugin(), channel=Quantize(30)),
        information_plane(trained, Binned(30)),
    )
    for name in ("mi_input", "mi_target", "mi_input_stderr", "n_codes"):
        assert_array_equal(one[name], other[name])
    assert one.mi_input.attrs["quantity"] == other.mi_input.attrs["quantity"]


@pytest.mark.parametrize("estimator", [Binned(20), PairwiseBounds(0.1)], ids=lambda e: type(e).__name__)
def test_weights_recording_equals_its_activations(trained, estimator):
    held = {
        layer: np.array([[trained.activations(s, e, layer) for e in trained.epochs] for s in trained.seeds])
        for layer in trained.layers
    }
    copy = from_arrays(
        held, trained.y, trained.x, epochs=trained.epochs, seeds=trained.seeds, train=trained.probe.train,
        ranges={k: v for k, v in trained.ranges.items() if v}, enumerated=True, scalars=trained.scalars,
        p_y_given_x=trained.probe.p_y_given_x,
    )  # fmt: skip
    chosen = {"epochs": [12], "split": "test"} if isinstance(estimator, PairwiseBounds) else {}
    first, second = (information_plane(r, estimator, **chosen) for r in (trained, copy))
    assert set(first) == set(second)
    for name in first:
        assert_allclose(first[name], second[name], atol=1e-6, err_msg=str(name))


def test_splits(trained):
    estimator = Binned(30)
    several = information_plane(trained, estimator, split=["train", "test", "all"])
    assert list(several.split.values) == ["train", "test", "all"]
    for split in ("train", "test", "all"):
        single = information_plane(trained, estimator, split=split)
        assert_array_equal(several.mi_input.sel(split=split), single.mi_input)
        assert single.mi_input.attrs["direction"] == ("exact" if split == "all" else "estimate")
        t = trained.activations(4, 12, "hidden 2", split)
        samples = trained.samples(split)
        y = trained.y if samples is None else trained.y[samples[1]]
        cell = single.sel(seed=4, epoch=12, layer="hidden 2")
        input_, target = direct(t, Binned(30, range=(-1, 1)), y)
        assert_allclose([cell.mi_input, cell.mi_target], [input_.value, target.value], atol=1e-12)
        assert_allclose(single.attrs["ceiling_mi_input"], np.log(len(y)))
        assert single.attrs["n_samples"] == len(y)
        assert (float(cell.mi_input_stderr) == 0) == (split == "all")
        assert float(single.bound_distance.min()) >= -1e-9
    assert several.mi_input.attrs["direction"] == "estimate"  # not exact on all its splits


def test_subsets_of_epochs_and_layers(trained):
    whole = information_plane(trained, Binned(10))
    part = information_plane(trained, Binned(10), layers=["output", "hidden 1"], epochs=[12, 0, 12])
    assert list(part.layer.values) == ["output", "hidden 1"]
    assert list(part.epoch.values) == [0, 12]  # in order of time, each once
    wanted = whole.sel(layer=["output", "hidden 1"], epoch=[0, 12])
    for name in ("mi_input", "mi_target", "weight_norm", "loss_train"):
        assert_array_equal(part[name], wanted[name])
    with pytest.raises(InputError, match="no layer 'hidden1'; did you mean 'hidden 1'"):
        information_plane(trained, Binned(10), layers=["hidden1"])
    with pytest.raises(InputError, match="no epoch 5"):
        information_plane(trained, Binned(10), epochs=[5])
    for nothing, words in (
        ({"layers": []}, "one layer and one epoch"),
        ({"epochs": []}, "one layer and one epoch"),
        ({"split": []}, "one split"),
    ):
        with pytest.raises(InputError, match=f"information_plane needs at least {words}"):
            information_plane(trained, Binned(10), **nothing)


def test_float_target():
    y = ARRAYS["thin"][0, 0, :, 0] + RANDOM.normal(size=N)
    made = from_arrays(ARRAYS, y)
    plane = information_plane(made, Binned(6))
    assert "ceiling_mi_target" not in plane.attrs
    assert np.isnan(plane.bound_distance).all()
    t = ARRAYS["wide"][1, 2]
    codes = np.clip(np.floor((y - y.min()) * 6 / (y.max() - y.min())), 0, 5).astype(int)
    expected = mutual_information(t, codes, Binned(6, range=own_range(1, "wide")))
    assert_allclose(plane.mi_target.sel(seed=1, epoch=2, layer="wide"), expected.value, atol=1e-12)

    with pytest.raises(InputError, match=r"y is continuous; name another estimator.*estimator_target=Binned"):
        information_plane(made, PairwiseBounds(0.3))
    both = information_plane(made, PairwiseBounds(0.3), estimator_target=Binned(6), null=3)
    assert_array_equal(both.mi_target, plane.mi_target)
    alone = information_plane(recording(), PairwiseBounds(0.3))
    assert_allclose(both.mi_input, alone.mi_input, atol=1e-6)
    assert_allclose(both.mi_input_lower, alone.mi_input_lower, atol=1e-6)
    assert np.isnan(both.mi_target_lower).all()
    assert both.mi_target.attrs["direction"] == "estimate"
    assert both.mi_target.attrs["estimator"] == str(Binned(6))


def test_channel_errors_and_names():
    with pytest.raises(InputError, match=r"Binned.*brings its own channel.*leave out channel=AdditiveGaussian"):
        information_plane(recording(), Binned(8), channel=AdditiveGaussian(0.1))
    with pytest.raises(InputError, match=r"does not say what T is.*Quantize\(bins=30\).*PairwiseBounds"):
        information_plane(recording(), Plugin())
    with pytest.raises(InputError, match=r"Fitting channels: Quantize\(bins=30\).*assume_stochastic=True"):
        information_plane(recording(), Plugin(), channel=Identity())
    with pytest.raises(InputError, match="channel must be Quantize"):
        information_plane(recording(), Plugin(), channel="quantize")
    with pytest.raises(InputError, match="needs an estimator such as Binned"):
        information_plane(recording(), "binned")
    codes = {"codes": (ARRAYS["thin"] > 0).astype(int)}
    assumed = information_plane(from_arrays(codes, Y), Plugin(), channel=Identity(assume_stochastic=True))
    assert "taken as stochastic" in json.loads(assumed.attrs["notes"])[0]
    assert "assumed stochastic" in assumed.mi_input.attrs["quantity"]
    declared = information_plane(from_arrays(codes, Y, np.arange(N), noise="a coin in every unit"), Plugin())
    assert declared.mi_input.attrs["quantity"] == "I(X;T) of the noisy network"
    assert declared.attrs["noise"] == "a coin in every unit"
    assert json.loads(declared.attrs["notes"]) == []


def test_bad_recordings():
    with pytest.raises(InputError, match="y has one class only"):
        information_plane(from_arrays({"a": ARRAYS["thin"]}, Y * 0), Binned(8))
    with pytest.raises(InputError, match="at least 4 samples, got 3"):
        information_plane(from_arrays({"a": np.eye(3)}, [0, 1, 1]), Binned(8))


def test_flags_and_counts():
    spread = np.stack([np.linspace(-1, 1, N)] * 6, axis=1)
    layers = {"dead": np.full((N, 2), 0.3), "apart": spread, "labels": Y[:, None] / 2.0}
    made = from_arrays(layers, Y, ranges=dict.fromkeys(layers, (-1, 1)))
    plane = information_plane(made, Binned(2 * N)).isel(seed=0, epoch=0)
    assert plane.dead.values.tolist() == [True, False, False]
    assert plane.saturated.values.tolist() == [False, True, False]
    assert plane.n_codes.values.tolist() == [1, N, 3]
    assert_allclose(plane.mi_input, [0, np.log(N), plane.attrs["ceiling_mi_target"]], atol=1e-12)
    # "apart" after "dead" gains information, which data processing forbids; "labels" after "apart" does not.
    assert int(plane.violations_input) == int(plane.violations_target) == 1
    swapped = information_plane(made, Binned(2 * N), layers=["labels", "apart", "dead"])
    assert int(swapped.violations_input[0, 0]) == 1  # counted along the network, not along the list
    noisy = information_plane(made, PairwiseBounds(1e-3), layers=["apart", "labels"]).isel(seed=0, epoch=0)
    assert noisy.saturated.values.tolist() == [True, False]
    narrow = information_plane(made, Binned(4, range=(-0.5, 0.5)), layers=["apart"])
    assert narrow.out_of_range.item() == 6 * N / 2


@pytest.mark.parametrize(("gamma", "bits"), [(0.1, 0.3775), (1, 0.906), (8.254, 0.990)])
def test_soft_rule_uses_the_law_not_the_drawn_labels(gamma, bits):
    task = data.twelve_bit(gamma)
    made = from_arrays({"lit": task.x.sum(1, keepdims=True)}, task.y, p_y_given_x=task.p_y_given_x, enumerated=True)
    plane = information_plane(made, Binned(13, range=(-0.5, 12.5)), null=2)
    assert_allclose(plane.attrs["ceiling_mi_target"] / np.log(2), bits, atol=6e-4)
    joint = np.stack([task.p_y_given_x[task.x.sum(1) == k].sum(0) for k in range(13)]) / 4096
    expected = (xlogy(joint, joint) - xlogy(joint, np.outer(joint.sum(1), joint.sum(0)))).sum()
    assert_allclose(plane.mi_target, expected, atol=1e-12)
    assert_allclose(plane.mi_input / np.log(2), 2.838529, atol=1e-6)
    assert plane.mi_target.attrs["direction"] == "exact"
    assert np.isfinite(plane.layer_beta).all()
    assert 0 < plane.bound_distance.item() <= plane.attrs["ceiling_mi_target"] - expected + 1e-9
    assert plane.bound_mi_target.attrs["error"] <= 2e-4


TINY = arrays(np.float64, (16, 2), elements=st.floats(-1, 1, width=32))


@settings(max_examples=40, deadline=None)
@given(TINY, arrays(np.int64, 16, elements=st.integers(0, 2)), st.integers(2, 9))
def test_exact_planes_keep_to_their_limits(t, y, bins):
    y = np.r_[0, 1, y[2:]]
    made = from_arrays({"t": t}, y, ranges={"t": (-1, 1)}, enumerated=True)
    plane = information_plane(made, Binned(bins))
    mi_input, mi_target = plane.mi_input.item(), plane.mi_target.item()
    assert -1e-9 <= mi_target <= min(mi_input, plane.attrs["ceiling_mi_target"]) + 1e-9
    assert mi_input <= np.log(16) + 1e-9
    assert plane.bound_distance.item() >= -1e-9


def test_result_is_the_same_twice_and_after_a_file(trained, tmp_path):
    first, second = (information_plane(trained, Binned(30), null=3, seed=5) for _ in range(2))
    assert first.drop_attrs().identical(second.drop_attrs())
    ip.save(first, tmp_path / "plane.nc")
    assert ip.load(tmp_path / "plane.nc").identical(first)


def test_progress_ends_at_its_total(trained):
    seen = []
    information_plane(trained, Binned(10), split=["train", "all"], progress=lambda *step: seen.append(step))
    assert seen[-1][1] == seen[-1][2]
    done = [d for _, d, _ in seen]
    assert done == sorted(done)


def test_integer_layers_are_counted_as_they_are_and_a_float_target_has_its_own_range():
    random = np.random.default_rng(8)
    codes = random.integers(0, 5, size=(1, 1, 300, 2))
    y = codes[0, 0, :, 0] % 2
    discrete = ip.information_plane(ip.recordings.from_arrays({"codes": codes}, y), ip.estimators.Plugin())
    assert discrete.mi_input.attrs["quantity"] == "H(T), T discrete"
    expected = ip.entropy(codes[0, 0], ip.estimators.Plugin()).value
    assert discrete.mi_input.item() == pytest.approx(expected, abs=1e-12)

    t = random.uniform(-1, 1, size=(300, 1))
    target = 100 + 10 * t[:, 0]  # far outside T's range: put into T's bins, it would be constant
    recording = ip.recordings.from_arrays({"t": t}, target)
    plane = ip.information_plane(recording, ip.estimators.Binned(4, range=(-1.0, 1.0)))
    assert plane.mi_target.item() > 1.0


def test_a_noisy_discrete_network_is_not_a_function_of_its_input():
    random = np.random.default_rng(2)
    x = np.repeat(np.arange(10), 40)
    t = (x % 2 + (random.random(400) < 0.2)) % 2  # one bit of x, flipped one time in five
    recording = from_arrays({"bit": t[:, None]}, x % 2, x, noise="a flip, probability 0.2")
    plane = information_plane(recording, Plugin())
    assert plane.mi_input.item() == pytest.approx(mutual_information(x, t, Plugin()).value, abs=1e-12)
    assert plane.mi_input.item() < 0.3  # not H(T), which is ln 2
    with pytest.raises(InputError, match="record x too"):
        information_plane(from_arrays({"bit": t[:, None]}, x % 2, noise="a flip"), Plugin())


def test_pairwise_bounds_take_random_labels_by_their_law_or_leave_them_to_another_estimator():
    task = data.twelve_bit(gamma=0.1)
    t, law = task.x[::16], task.p_y_given_x[::16]
    plane, other = (
        information_plane(from_arrays({"x": t}, y, p_y_given_x=law), PairwiseBounds(1.0), null=3)
        for y in (task.y[::16], 1 - task.y[::16])
    )
    for name in ("mi_target", "mi_target_lower", "mi_target_upper"):
        assert plane[name].item() == other[name].item()  # the law counts, whatever labels were drawn
    kernel = [np.exp(-((t[:, None] - t) ** 2).sum(2) / k) for k in (8, 2)]
    whole = [-np.log(k.mean(1)).mean() for k in kernel]
    weight = law / law.sum(0)
    within = [-(law.mean(0) * (weight * np.log(k @ weight)).sum(0)).sum() for k in kernel]
    expected = [whole[0] - within[1], whole[1] - within[1], whole[1] - within[0]]
    found = [plane[name].item() for name in ("mi_target_lower", "mi_target", "mi_target_upper")]
    assert_allclose(found, expected, atol=1e-6)
    assert plane.mi_target.attrs["direction"] == "interval"
    assert 0 < plane.mi_target_p_value.item() <= 1
    binned = information_plane(
        from_arrays({"x": t}, task.y[::16], p_y_given_x=law), PairwiseBounds(1.0), estimator_target=Binned(2)
    )
    assert binned.mi_target.item() <= binned.attrs["ceiling_mi_target"] + 1e-12


def test_labels_with_gaps_are_the_same_labels():
    random = np.random.default_rng(4)
    t = random.normal(size=(200, 2))
    y = (t[:, 0] > 0).astype(int)
    planes = [information_plane(from_arrays({"t": t}, labels), PairwiseBounds(0.3)) for labels in (y, y * 199)]
    assert planes[0].mi_target.item() == planes[1].mi_target.item()


def test_several_splits_each_carry_their_own_ceilings():
    train = np.arange(N) < 60
    plane = information_plane(from_arrays({"t": ARRAYS["thin"]}, Y, train=train), Binned(4), split=["train", "test"])
    by_split = json.loads(plane.attrs["by_split"])
    assert by_split["train"]["n_samples"] == 60
    assert by_split["test"]["ceiling_mi_input"] == pytest.approx(np.log(20))


@pytest.mark.parametrize("wrong", [{"null": -1}, {"null": 2.5}, {"seed": -1}, {"seed": "a"}])
def test_counts_and_seeds_are_whole_numbers(wrong):
    with pytest.raises(InputError, match="takes a whole number"):
        information_plane(from_arrays({"t": ARRAYS["thin"]}, Y), Binned(4), **wrong)
