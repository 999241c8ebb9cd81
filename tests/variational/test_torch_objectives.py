"""The losses in PyTorch equal those in JAX: values to 1e-6 and gradients, for every objective and noise model."""

from __future__ import annotations

import textwrap
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import infoplane as ip

torch = pytest.importorskip("torch")
v, o = ip.variational, ip.torch.objectives
RNG = np.random.default_rng(0)
N, D, K = 8, 5, 4
PARTS = {
    "mean": RNG.normal(size=(N, D)),
    "scale": RNG.uniform(0.2, 2, (N, D)),
    "logits": 2 * RNG.normal(size=(N, K)),
    "x": RNG.normal(size=(N, K)),
}
LABELS = RNG.integers(0, K, N)
PRIOR = (RNG.normal(size=D), RNG.uniform(0.5, 2, D))
CONDITIONAL = (RNG.normal(size=(K, D)), RNG.uniform(0.5, 2, (K, D)))
CONFUSION = v.Confusion(RNG.uniform(1, 10, (K, K)))
OBJECTIVES = [
    v.VIB(1000),
    v.VIB(3, labels=v.Smooth(0.2), schedule=v.Schedule(1, 100)),
    v.CEB(3),
    v.DualVIB(2),
    v.DualVIB(2, target=0.7, rate="marginal", labels=CONFUSION, noisy_target=True),
    v.SquaredVIB(2),
    v.NonlinearIB(2, power=2),
    v.CrossEntropy(0.1),
]


def tensors(kind: Any) -> dict[str, Any]:
    return {name: torch.tensor(value, dtype=kind, requires_grad=name != "x") for name, value in PARTS.items()}


def both(objective: Any, draws: int = 0) -> tuple[Any, Any]:
    """(loss, gradients of mean, scale and logits) of JAX and of PyTorch, in float64, at step 30."""
    parts = dict(PARTS)
    if draws:
        parts["logits"] = np.stack([parts["logits"] * (1 + k) for k in range(draws)])
    if objective.latent == "shared":
        parts["scale"] = np.array(0.7)
    settings = {"prior": PRIOR, "conditional": CONDITIONAL}

    def cost(mean: Any, scale: Any, logits: Any) -> Any:
        found = v.batch_terms(objective, mean, scale, logits, LABELS, x=parts["x"], **settings)
        return v.loss(v.averaged(found), objective.weights(30))

    names = ("mean", "scale", "logits")
    with jax.enable_x64(True):
        value, slopes = jax.jit(jax.value_and_grad(cost, argnums=(0, 1, 2)))(*(jnp.asarray(parts[n]) for n in names))
        ours = float(value), [np.asarray(slope) for slope in slopes]
    given = {name: torch.tensor(parts[name], requires_grad=True) for name in names}
    laws = {name: tuple(map(torch.tensor, law)) for name, law in settings.items()}
    found = o.terms(objective, *given.values(), torch.tensor(LABELS), x=torch.tensor(parts["x"]), **laws)
    total = o.loss(objective, found, 30)
    total.backward()
    zeros = (np.zeros(np.shape(parts[n])) for n in names)
    return ours, (total.item(), [z if g.grad is None else g.grad.numpy() for g, z in zip(given.values(), zeros)])  # noqa: B905


@pytest.mark.slow
@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda one: one.name)
def test_losses_and_gradients_agree(objective: Any) -> None:
    (ours, slopes), (theirs, other_slopes) = both(objective)
    assert theirs == pytest.approx(ours, abs=1e-10)
    for one, other in zip(slopes, other_slopes, strict=True):
        assert other == pytest.approx(one, abs=1e-10)


def test_several_draws_agree() -> None:
    (ours, _), (theirs, _) = both(v.DualVIB(2, target=1.0), draws=3)
    assert theirs == pytest.approx(ours, abs=1e-10)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda one: one.name)
def test_terms_agree_in_single_precision(objective: Any) -> None:
    """Every term of every sample to 1e-6 of its size, in the float that networks are trained with."""
    given = tensors(torch.float32)
    scale = 0.7 if objective.latent == "shared" else PARTS["scale"].astype(np.float32)
    given["scale"] = torch.tensor(scale)
    single = {name: tuple(p.astype(np.float32) for p in law)
              for name, law in (("prior", PRIOR), ("conditional", CONDITIONAL))}  # fmt: skip
    laws = {name: tuple(map(torch.tensor, law)) for name, law in single.items()}
    theirs = o.terms(objective, given["mean"], given["scale"], given["logits"], torch.tensor(LABELS), **laws)
    arrays = (PARTS["mean"].astype(np.float32), scale, PARTS["logits"].astype(np.float32))
    ours = v.batch_terms(objective, *arrays, LABELS, **single)
    for name, one, other in zip(v.Terms._fields, ours, theirs, strict=True):
        assert isinstance(other, float) == isinstance(one, float), name
        value = other if isinstance(other, float) else other.detach().numpy()
        assert value == pytest.approx(np.asarray(one), rel=1e-6, abs=2e-6), name
        assert isinstance(other, float) or other.dtype == torch.float32


def test_the_standard_prior_agrees() -> None:
    mean, scale = PARTS["mean"], PARTS["scale"]
    theirs = o.kl_standard(torch.tensor(mean), torch.tensor(scale)).numpy()
    assert theirs == pytest.approx(np.asarray(v.kl_standard(mean, scale)), rel=1e-5)
    one = torch.zeros(D, dtype=torch.float64), torch.ones(D, dtype=torch.float64)
    assert theirs == pytest.approx(o.kl_diagonal(torch.tensor(mean), torch.tensor(scale), one).numpy(), abs=1e-12)


def test_noise_models_agree() -> None:
    labels = torch.tensor(LABELS)
    for model in (v.Smooth(0.1), CONFUSION):
        theirs = o.probabilities(model, labels, classes=K).numpy()
        assert theirs == pytest.approx(np.asarray(model.probabilities(LABELS, classes=K)), abs=1e-6)
    weights = torch.ones((), requires_grad=True)
    teacher = v.Teacher(lambda x: 2.0 * x * weights)
    law = o.probabilities(teacher, labels, torch.tensor(PARTS["x"]), classes=K, dtype=torch.float64)
    assert not law.requires_grad
    assert law.numpy() == pytest.approx(np.asarray(jax.nn.softmax(2.0 * PARTS["x"])), abs=1e-6)
    drawn = [o.probabilities(v.Gaussian(0.1), labels, classes=K, generator=torch.Generator().manual_seed(1)).numpy()
             for _ in range(2)]  # fmt: skip
    assert (drawn[0] == drawn[1]).all()
    assert drawn[0].sum(axis=1) == pytest.approx(np.ones(N), abs=1e-6)
    assert (drawn[0] > 0).all()


def test_the_example_of_the_module_runs() -> None:
    text = (o.__doc__ or "").split("::\n", 1)[1].split("``terms.rate``")[0]
    found: dict[str, Any] = {}
    exec(textwrap.dedent(text), found)
    assert found["loss"].item() > 0
    assert found["terms"].rate.shape == (100,)


@pytest.mark.parametrize("kind", [torch.int32, torch.uint8, torch.int64])
def test_any_kind_of_whole_number_is_a_label(kind: torch.dtype) -> None:
    laws = tuple(torch.tensor(one) for one in CONDITIONAL)
    given = {**tensors(torch.float64), "conditional": laws}
    terms = [o.terms(v.CEB(3), labels=torch.tensor(LABELS, dtype=one), **given) for one in (kind, torch.int64)]
    for found, known in zip(*terms, strict=True):
        assert torch.equal(torch.as_tensor(found), torch.as_tensor(known))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"objective": "vib"}, "an objective such as VIB"),
        ({"labels": torch.full((N,), K)}, r"labels in 0..3, got 4..4"),
        ({"labels": torch.full((N,), -1)}, r"labels in 0..3, got -1..-1"),
        ({"labels": torch.zeros(N)}, "8 integer labels, got torch.float32"),
        ({"labels": torch.zeros(3, dtype=torch.long)}, r"8 integer labels, got torch.int64 of \(3,\)"),
        ({"objective": v.CEB(2)}, "needs the conditional prior"),
        ({"objective": v.VIB(2), "scale": None}, "needs a noisy encoder"),
        ({"objective": v.VIB(2, labels=v.Confusion([[1, 2], [2, 1]]))}, "has 2 classes, and the labels have 4"),
        ({"objective": v.VIB(2, labels=v.Teacher(abs))}, "give x="),
    ],
)
def test_what_is_refused(change: dict[str, Any], message: str) -> None:
    given = {"objective": v.VIB(2), "labels": torch.tensor(LABELS), **tensors(torch.float64), **change}
    with pytest.raises(ip.InputError, match=message):
        o.terms(given["objective"], given["mean"], given["scale"], given["logits"], given["labels"])
