"""The experiment resnet-plane: its networks, training that resumes, chains, and claims that follow the numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import infoplane as ip
from infoplane.experiments import resnet_claims
from infoplane.experiments.resnet_plane import ResNetPlane

torch = pytest.importorskip("torch", reason="the networks of this experiment are trained with PyTorch")

from infoplane.experiments import resnet_planes as parts  # noqa: E402
from infoplane.experiments.large_networks import ResNet, VisionTransformer  # noqa: E402

TINY = parts.Size(images=256, probe=40, width=2, marks=(("resnet", (0, 2)), ("transformer", (0, 2))), code_steps=20)


def images(part: str) -> ip.data.Task:
    random = np.random.default_rng(len(part))
    return ip.data.Task(random.random((300, 28, 28)).astype(np.float32), random.integers(0, 2, 300), f"noise, {part}")


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> parts.Images:
    monkeypatch.setattr(parts, "fashion_mnist", images)
    return parts.Images.read(TINY)


def test_the_networks_have_their_usual_sizes() -> None:
    assert sum(p.numel() for p in ResNet().parameters()) == 11_173_962 - 2 * 64 * 9  # two input channels fewer
    assert parts.widest(parts.ARMS["resnet"], parts.FULL) == 64 * 28 * 28
    assert parts.widest(parts.ARMS["transformer"], parts.FULL) == 50 * 64
    for model in (ResNet(2), VisionTransformer(8, 1, 2)):
        assert model(torch.zeros(3, 1, 28, 28)).shape == (3, 10)


@pytest.mark.parametrize("name", parts.ARMS)
def test_layers_are_those_of_the_network(name: str) -> None:
    arm = parts.ARMS[name]
    names = dict(arm.make(TINY).named_modules())
    assert set(arm.chain) < set(arm.layers) <= set(names)
    assert [name for name in arm.layers if name in arm.chain] == list(arm.chain)


@pytest.mark.slow
def test_everything_passes_through_the_chain() -> None:
    """Of a layer in the chain a change changes the output; beside what is inside a block there is a way round."""
    model = ResNet(2).eval()
    x = torch.rand(2, 1, 28, 28)
    for name in parts.ARMS["resnet"].layers:
        handle = model.get_submodule(name).register_forward_hook(lambda _m, _i, output: torch.zeros_like(output))
        blind = torch.equal(*(model(one) for one in (x, 1 - x)))
        handle.remove()
        assert blind == (name in parts.ARMS["resnet"].chain), name


@pytest.mark.slow
def test_interrupted_training_goes_on_to_the_same_bits(data: parts.Images, tmp_path: Path) -> None:
    arm = parts.ARMS["resnet"]
    whole = parts.Training(arm, 0, TINY, data, None)
    for mark in (2, 4):
        whole.advance(mark)
    first = parts.Training(arm, 0, TINY, data, tmp_path)
    first.advance(2)  # what a run leaves behind that is killed on its way to the next mark
    again = parts.Training(arm, 0, TINY, data, tmp_path)
    assert again.updates == 2
    again.advance(4)
    for name, value in whole.model.state_dict().items():
        torch.testing.assert_close(again.model.state_dict()[name], value, rtol=0, atol=0, msg=name)
    assert again.noise.sigmas == first.noise.sigmas


def test_a_snapshot_scores_the_noisy_network(data: parts.Images) -> None:
    one = parts.Training(parts.ARMS["transformer"], 0, TINY, data, None)
    told = one.snapshot()
    assert told["passes"] == pytest.approx(3.0)  # moments, one power, projections
    assert 0.0 < told["loss_test"] < 5.0
    recording = one.watch.recording
    assert recording.compressed == (False, True)
    assert recording.activations(0, 0, "block1").shape == (40, 4)
    assert recording.pooled == {"norm": "first token"}
    assert set(recording.own_noises) == set(one.arm.layers[:-1])


def _plane(mi_input: float = 1.0, mi_target: float = 1.0, **values: float) -> xr.Dataset:
    """Three layers, one of them passed by; two checkpoints; all values alike unless they are told."""
    layers, estimators = ["a", "a.inner", "b"], ["WeightedKL", "KSG"]
    cells = ("estimator", "seed", "epoch", "layer")
    given = {"mi_input": mi_input, "mi_target": mi_target, "mi_input_null": 0.01, "mi_input_p_value": 0.1}
    given |= {"mi_input_stderr": 0.05, "mi_target_stderr": 0.05, "loss_bound_input_vacuous": 1.0, **values}
    one = xr.Dataset(
        {k: (cells, np.full((2, 1, 2, 3), v)) for k, v in given.items()},
        {"estimator": estimators, "seed": [0], "epoch": [0, 9], "layer": layers, "dim": [1, 2, 4], "checked": [0, 9]},
    )
    one["loss_test"], one["accuracy_test"] = (("seed", "epoch"), [[2.3, 0.3]]), (("seed", "epoch"), [[0.1, 0.9]])
    for name in ("loss_bound_input", "snr_bound", "explained_variance"):
        one[name] = (cells[1:], np.full((1, 2, 3), 0.5))
    for name, value in (("sweep_mi_target", 1.0), ("sweep_mi_target_stderr", 0.01)):
        one[name] = (("estimator", "dim", "seed", "checked", "layer"), np.full((2, 3, 1, 2, 3), value))
    one.attrs = {"chain": json.dumps(["a", "b"]), "ceiling_mi_target": 2.3}
    return one


def test_the_output_proves_what_layers_know() -> None:
    plane = _plane(mi_target=1.5)
    np.testing.assert_allclose(resnet_claims.floors(plane), [0.0, 2.0])
    claim = resnet_claims._proved("resnet", plane)
    assert claim.verdict == "fails"
    assert claim.numbers["layers whose code tells less, beyond errors"] == "a, b"  # of a.inner nothing is proved
    assert resnet_claims._proved("resnet", _plane(mi_target=2.1)).verdict == "holds"


def test_only_the_chain_is_held_to_the_order() -> None:
    plane = _plane()
    plane["mi_target"].loc[{"layer": "a.inner"}] = 0.2  # passed by: it may know less than b
    assert resnet_claims._ordered("resnet", plane).verdict == "holds"
    plane["mi_target"].loc[{"layer": "b"}] = 1.3
    claim = resnet_claims._ordered("resnet", plane)
    assert claim.verdict == "fails"
    assert claim.numbers["I(T;Y): rises by over two errors along the chain"] == "2 of 2"


def test_falls_count_beyond_errors_and_by_both_estimators() -> None:
    plane = _plane(mi_input=2.0)
    assert resnet_claims._compresses("resnet", plane).verdict == "fails"
    plane["mi_input"].loc[{"epoch": 9, "layer": "b", "estimator": "KSG"}] = 1.0
    assert resnet_claims._compresses("resnet", plane).verdict == "unclear"
    plane["mi_input"].loc[{"epoch": 9, "layer": "b"}] = 1.0
    claim = resnet_claims._compresses("resnet", plane)
    assert claim.verdict == "holds"
    assert claim.numbers["layers that fall, by both estimators"] == "b"


def test_further_verdicts() -> None:
    plane = _plane()
    assert resnet_claims._learned("resnet", plane).verdict == "holds"
    assert resnet_claims._null("resnet", plane).verdict == "holds"
    assert resnet_claims._null("resnet", _plane(mi_input_null=-0.2)).verdict == "fails"
    assert resnet_claims._vacuous("resnet", plane).verdict == "fails"
    assert resnet_claims._vacuous("resnet", _plane(loss_bound_input_vacuous=0.0)).verdict == "holds"
    assert resnet_claims._sizes("resnet", plane).verdict == "holds"
    plane["sweep_mi_target"].loc[{"dim": 4, "layer": "a"}] = 1.2
    assert resnet_claims._sizes("resnet", plane).numbers["layer"] == "a"
    plane["mi_input"].loc[{"layer": ["a", "a.inner", "b"], "estimator": "KSG"}] = [3.0, 2.0, 1.0]
    plane["mi_input"].loc[{"layer": ["a", "a.inner", "b"], "estimator": "WeightedKL"}] = [1.0, 2.0, 3.0]
    assert resnet_claims._agree("resnet", plane).verdict == "fails"


def test_without_torch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from infoplane.experiments import with_torch

    monkeypatch.setattr(with_torch, "find_spec", lambda name: None)
    with pytest.raises(ip.InputError, match=r"resnet-plane trains with PyTorch; .*infoplane\[torch\]"):
        ResNetPlane().run(quick=True)
