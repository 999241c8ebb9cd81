"""Which layers are watched, what they give, and what is said of a model that does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch_models import data, plain

import infoplane as ip

PROBE = data(60, seed=7)


class Blocks(nn.Module):
    """One activation used twice, one part under two names, one that is never called."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.relu = nn.Linear(10, 6), nn.Linear(6, 6), nn.ReLU()
        self.alias = self.second
        self.unused = nn.Linear(3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(self.second(self.relu(self.first(x))))


def recorded(model: nn.Module, probe: tuple = PROBE, **settings: object) -> ip.recordings.Recording:
    watch = ip.torch.watch(model, probe, **settings)  # type: ignore[arg-type]
    watch.snapshot(0)
    return watch.recording


@pytest.mark.parametrize(
    ("layers", "names"),
    [
        (None, ("2", "5", "6")),
        ("2", ("2",)),
        (["5", "0"], ("0", "5")),  # in the order of the network
        (nn.Linear, ("0", "4", "6")),
        ([nn.Tanh, "6"], ("2", "6")),
        ("[04]", ("0", "4")),
        (re.compile("5|6"), ("5", "6")),
    ],
)
def test_layers_by_name_pattern_and_type(layers: object, names: tuple[str, ...]) -> None:
    assert recorded(plain(), layers=layers).layers == names


def test_values_are_those_of_the_layer() -> None:
    model = plain().eval()
    recording = recorded(model, batch_size=17)
    with torch.no_grad():
        np.testing.assert_allclose(recording.activations(0, 0, "2"), model[:3](PROBE[0]), atol=1e-6)
        np.testing.assert_allclose(recording.activations(0, 0, "6"), model(PROBE[0]), atol=1e-6)
    np.testing.assert_array_equal(recording.x, PROBE[0])
    np.testing.assert_array_equal(recording.y, PROBE[1])


def test_a_layer_called_twice_is_two_layers() -> None:
    recording = recorded(Blocks())
    assert recording.layers == ("relu (call 1)", "relu (call 2)")
    model = Blocks()
    with torch.no_grad():
        np.testing.assert_allclose(recording.activations(0, 0, "relu (call 2)"), model(PROBE[0]), atol=1e-6)
    assert recorded(Blocks(), layers=["alias", "second"]).layers == ("alias",)  # one part, watched once


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        (["secnd"], "no layer 'secnd'; did you mean 'second'"),
        ([nn.Conv2d], r"no layer <class .*Conv2d'>; its parts are of the types Linear, ReLU"),
        (["unused"], "unused is not called when the model runs"),
        (["("], "neither a name nor a regular expression"),
        ([3], "names, regular expressions or types of modules, got 3"),
        ([], "needs at least one layer"),
    ],
)
def test_layers_that_are_not_there(layers: list, words: str) -> None:
    with pytest.raises(ip.InputError, match=words):
        ip.torch.watch(Blocks(), PROBE, layers)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.lstm, self.attention = nn.LSTM(5, 4, batch_first=True), nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden, _ = self.lstm(x.reshape(len(x), 2, 5))
        return self.attention(hidden, hidden, hidden)[0]


def test_outputs_that_are_no_tensor() -> None:
    model = Recurrent()
    with pytest.raises(ip.InputError, match=r"'lstm' gives no tensor but tuple of Tensor, tuple; .*outputs="):
        ip.torch.watch(model, PROBE, ["lstm"], outputs={"lstm": lambda output: output})
    with pytest.raises(ip.InputError, match=r"'attention' gives no tensor but tuple of Tensor, Tensor"):
        ip.torch.watch(model, PROBE, ["attention"])
    taken: dict[str, Callable] = {"lstm": lambda out: out[0], "attention": lambda out: out[0]}
    recording = recorded(model, layers=["lstm", "attention"], outputs=taken)
    assert recording.activations(0, 0, "lstm").shape == (60, 8)
    with pytest.raises(ip.InputError, match=r"'lstm' gives the shape \(2, 2, 4\)|one row a sample"):
        ip.torch.watch(model, PROBE, ["lstm"], outputs={"lstm": lambda out: out[0].transpose(0, 1)[:1]})


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        ((PROBE[0][:, :4], PROBE[1]), "cannot be run on the probe: RuntimeError"),
        ((PROBE[0], PROBE[1][:30]), "one length, got 60 inputs and 30 targets"),
        ((PROBE[0][:1], PROBE[1][:1]), "at least 2 samples"),
        ((["text"], PROBE[1]), "needs a tensor or an array"),
        (PROBE[0], r"needs probe=\(x, y\)"),
    ],
)
def test_a_probe_that_does_not_fit(probe: object, words: str) -> None:
    with pytest.raises(ip.InputError, match=words):
        ip.torch.watch(plain(), probe)  # type: ignore[arg-type]


def test_settings_are_checked() -> None:
    for settings, words in [
        ({"kep": "weights"}, "no argument 'kep'; did you mean 'keep'"),
        ({"keep": "all"}, "no keep='all'"),
        ({"keep": "nothing"}, "needs an estimator"),
        ({"seed": -1}, "whole number"),
        ({"pooling": {"9": ip.torch.Flatten()}}, "layer '9', which is not watched"),
        ({"pooling": "mean"}, "takes Flatten"),
        ({"compressor": ip.compressors.Autoencoder(2)}, r"takes PCA\(dim\)"),
    ]:
        with pytest.raises(ip.InputError, match=words):
            ip.torch.watch(plain(), PROBE, **settings)  # type: ignore[arg-type]


class Careless(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear, self.tanh = nn.Linear(10, 4), nn.Tanh()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.tanh(functional.dropout(self.linear(x), 0.5, training=True))


def test_dropout_left_on_is_said_unless_declared() -> None:
    assert any("tanh gave other values in each pass" in note for note in recorded(Careless()).notes)
    recording = recorded(plain(), stochastic=[nn.Dropout])
    assert recording.noise == "left on in evaluation: 3"
    assert not recording.notes
    assert np.abs(recording.activations(0, 0, "5") - recorded(plain()).activations(0, 0, "5")).max() > 0.01


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64])
def test_other_precisions(kind: torch.dtype) -> None:
    model = plain().to(kind)
    recording = recorded(model)
    values = recording.activations(0, 0, "2")
    assert values.dtype == (np.float64 if kind == torch.float64 else np.float32)
    assert np.abs(values - recorded(plain()).activations(0, 0, "2")).max() < 0.02


def test_compiled_models_run_uncompiled_for_a_snapshot() -> None:
    model = plain().eval()
    compiled = torch.compile(model, backend="eager")
    compiled(PROBE[0])  # compiled before it is watched
    watch = ip.torch.watch(compiled, PROBE)  # type: ignore[arg-type]
    watch.snapshot(0)
    assert watch.layers == ("2", "5", "6")
    np.testing.assert_allclose(
        watch.recording.activations(0, 0, "2"), recorded(plain()).activations(0, 0, "2"), atol=1e-6
    )
    with pytest.raises(ip.InputError, match=r"before torch\.compile"):
        watch.noise(0.1)


class Wrapped(nn.Module):
    def __init__(self, **parts: nn.Module) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for part in self.children():
            x = part(x)
        return x


def test_wrapped_models_keep_their_names() -> None:
    wanted = recorded(plain())
    for model, front in [
        (Wrapped(module=plain()), ""),
        (nn.DataParallel(plain()), ""),
        (Wrapped(body=torch.compile(plain(), backend="eager")), "body."),  # type: ignore[dict-item]
    ]:
        for keep in ("activations", "weights"):
            found = recorded(model, keep=keep)
            assert found.layers == tuple(front + name for name in wanted.layers)
            np.testing.assert_allclose(found.activations(0, 0, front + "5"), wanted.activations(0, 0, "5"), atol=1e-6)


def test_inputs_by_position_and_by_name() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.out = nn.Identity()

        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return self.out(a - b)

    a, y = PROBE
    by_place = recorded(Two(), ((a, 2 * a), y), layers=["out"])
    by_name = recorded(Two(), ({"b": 2 * a, "a": a.numpy()}, y), layers=["out"])
    np.testing.assert_allclose(by_place.activations(0, 0, "out"), -a, atol=1e-6)
    np.testing.assert_allclose(by_name.activations(0, 0, "out"), -a, atol=1e-6)
    assert by_place.x is not None
    assert by_place.x.shape == (60, 20)


def test_in_outer_modes() -> None:
    model = plain()
    with torch.inference_mode():
        inside, probe = recorded(model), (PROBE[0].clone(), PROBE[1])
    np.testing.assert_array_equal(recorded(model, probe).activations(0, 0, "2"), inside.activations(0, 0, "2"))
    with torch.no_grad():
        np.testing.assert_array_equal(recorded(model).activations(0, 0, "2"), inside.activations(0, 0, "2"))
        assert not torch.is_grad_enabled()


def test_diverged_layers_are_refused() -> None:
    model = plain()
    with torch.no_grad():
        model[0].weight[0, 0] = torch.nan
    with pytest.raises(ip.InputError, match="has nan or infinity; stop recording when a run diverges"):
        recorded(model)
