"""The losses of :mod:`infoplane.variational` as plain functions on PyTorch tensors, for a training loop of one's own.

beta multiplies I(Z;Y), and everything is in nats. A complete step, for an encoder that gives 2 d numbers::

    import torch
    import infoplane as ip

    hidden = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 256), torch.nn.ReLU())
    encoder = torch.nn.Sequential(hidden, torch.nn.Linear(256, 64))
    decoder = torch.nn.Linear(32, 10)
    optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 1e-3)
    objective = ip.variational.VIB(beta=1000)

    batches = [(torch.rand(100, 784), torch.randint(10, (100,)))]  # a DataLoader of yours
    for step, (x, y) in enumerate(batches):
        mean, rho = encoder(x).chunk(2, dim=1)
        scale = torch.nn.functional.softplus(rho) + 1e-3
        z = mean + scale * torch.randn_like(mean)
        terms = ip.torch.objectives.terms(objective, mean, scale, decoder(z), y)
        loss = ip.torch.objectives.loss(objective, terms, step)
        optimiser.zero_grad(), loss.backward(), optimiser.step()

``terms.rate`` then bounds I(X;Z), H(Y) less ``terms.distortion`` is at most I(Z;Y): one number per sample each.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.nn import functional

from ..errors import InputError
from ..variational import objectives
from ..variational.label_noise import FLOOR, Confusion, Gaussian, LabelNoise, Smooth, Teacher
from ..variational.objectives import Objective, Terms

Law = tuple[torch.Tensor, torch.Tensor]


def kl_standard(mean: torch.Tensor, scale: Any) -> torch.Tensor:
    """(n,) KL(N(mean, scale^2) || N(0, I)) in closed form, nats; mean and scale (n, d), or scale one number."""
    scale = torch.as_tensor(scale, dtype=mean.dtype, device=mean.device).expand_as(mean)
    return (0.5 * (mean * mean + scale * scale - 1.0) - scale.log()).sum(dim=-1)


def kl_diagonal(mean: torch.Tensor, scale: Any, prior: Law) -> torch.Tensor:
    """(n,) KL(N(mean, scale^2) || prior) in closed form, nats; the prior (d,), or (n, d) for one a sample."""
    centre, width = prior
    scale = torch.as_tensor(scale, dtype=mean.dtype, device=mean.device)
    ratio, shift = scale / width, (mean - centre) / width
    return (0.5 * (ratio * ratio + shift * shift - 1.0) - ratio.log()).sum(dim=-1)


def kl_classes(mean: torch.Tensor, scale: Any, priors: Law, labels: torch.Tensor) -> torch.Tensor:
    """(n,) KL(N(mean, scale^2) || b(.|y)) in closed form, nats; priors (classes, d), labels (n,) integers."""
    labels = labels.long()  # bytes and booleans would be taken as a mask
    return kl_diagonal(mean, scale, (priors[0][labels], priors[1][labels]))


def distortion(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """(n,) cross-entropy of the decoder, nats, averaged over draws of Z.

    Args:
        logits: (n, classes), or (draws, n, classes).
        target: (n,) integer labels, or (n, classes) laws.
    """
    logs = functional.log_softmax(logits, dim=-1)
    if target.ndim == 1:
        target = functional.one_hot(target.long(), logits.shape[-1])
    return _over_draws(-(target.to(logs.dtype) * logs).sum(dim=-1))


def divergence(logits: torch.Tensor, law: torch.Tensor) -> torch.Tensor:
    """(n,) KL(c(.|z) || p~), nats: the expectation over the decoder's law, p~ clipped to [1e-7, 1 - 1e-7].

    Args:
        logits: (n, classes), or (draws, n, classes).
        law: (n, classes) p~.
    """
    logs = functional.log_softmax(logits, dim=-1)
    return _over_draws((logs.exp() * (logs - law.clamp(FLOOR, 1.0 - FLOOR).log())).sum(dim=-1))


def kernel_rate(mean: torch.Tensor, scale: Any) -> torch.Tensor:
    """(n,) pairwise-kernel bound on I(X;Z) for Z = f(x) + N(0, s^2 I), nats, at most ln n; mean (n, d) f, scale s."""
    f = mean - mean.mean(dim=0)
    squares = (f * f).sum(dim=1)
    exponents = -(squares[:, None] + squares - 2.0 * f @ f.T).clamp(min=0.0) / (2.0 * scale * scale)
    own = torch.eye(len(mean), dtype=torch.bool, device=mean.device)
    return math.log(len(mean)) - exponents.masked_fill(own, 0.0).logsumexp(dim=1)


def probabilities(
    noise: LabelNoise,
    labels: torch.Tensor,
    x: torch.Tensor | None = None,
    *,
    classes: int,
    generator: torch.Generator | None = None,
    dtype: torch.dtype | None = None,
) -> torch.Tensor:
    """(n, classes) laws p~(.|x, y) of a noise model; a teacher's function takes and gives tensors here.

    Args:
        noise: the model.
        labels: (n,) integers.
        x: inputs, for a teacher.
        classes: their number.
        generator: of what is drawn.
        dtype: of the result; PyTorch's default if None.

    Raises:
        InputError: a number of classes other than that of the matrix, no inputs, or an unknown model.
    """
    dtype, labels = dtype or torch.get_default_dtype(), labels.long()
    hot = functional.one_hot(labels, classes).to(dtype)
    if isinstance(noise, Smooth):
        return (1.0 - noise.eps) * hot + noise.eps / classes
    if isinstance(noise, Confusion):
        if classes != len(noise.matrix):
            raise InputError(f"Confusion has {len(noise.matrix)} classes, and the labels have {classes}.")
        return torch.tensor(noise.matrix, dtype=dtype, device=labels.device)[labels]
    if isinstance(noise, Gaussian):
        drawn = torch.randn(hot.shape, dtype=dtype, device=hot.device, generator=generator)
        noisy = (hot + noise.scale * drawn).clamp(FLOOR, 1.0)
        return noisy / noisy.sum(dim=-1, keepdim=True)
    if isinstance(noise, Teacher):
        if x is None:
            raise InputError("Teacher needs the inputs its network looks at: give x=...")
        with torch.no_grad():
            return functional.softmax(noise.function(x), dim=-1).to(dtype)
    raise InputError(f"There is no PyTorch form of {noise!r}; use Smooth, Confusion, Gaussian or Teacher.")


def terms(
    objective: Objective,
    mean: torch.Tensor,
    scale: Any,
    logits: torch.Tensor,
    labels: torch.Tensor,
    *,
    x: torch.Tensor | None = None,
    prior: Law | None = None,
    conditional: Law | None = None,
    generator: torch.Generator | None = None,
) -> Terms:
    """All terms that the objective may weigh, one per sample, as :func:`infoplane.variational.batch_terms` has them.

    Args:
        objective: of :mod:`infoplane.variational`.
        mean, scale: (n, d) of e(z|x); scale may be one number, or None for a network without noise: its rates are
            infinite, and left out here.
        logits: (n, classes), or (draws, n, classes), of the decoder at drawn z.
        labels: (n,) integers.
        x: inputs, for a teacher.
        prior: (mean, scale) of m(z), (d,) each; N(0, I) if None.
        conditional: (mean, scale) of b(z|y), (classes, d) each; needed where the objective has a conditional rate.
        generator: of Gaussian label noise.

    Returns:
        Terms; 0.0 for what the objective does not need or was not given.

    Raises:
        InputError: labels that do not fit the logits, or no conditional prior where one is needed.
    """
    labels = _checked(objective, logits, labels)
    objective.check_parts(scale, conditional)
    plain = law = distortion(logits, labels)
    if objective.noise is not None:
        settings = {"classes": logits.shape[-1], "generator": generator, "dtype": logits.dtype}
        law = probabilities(objective.noise, labels, x, **settings)
    noisy = objective.decoder_target == "noise model"
    rate, rate_conditional = 0.0, 0.0
    if scale is not None:
        rate = kl_standard(mean, scale) if prior is None else kl_diagonal(mean, scale, prior)
    if scale is not None and conditional is not None:
        rate_conditional = kl_classes(mean, scale, conditional, labels)
    return Terms(
        distortion=plain,
        cross_entropy=distortion(logits, law) if noisy else plain,
        rate=rate,
        rate_conditional=rate_conditional,
        divergence=divergence(logits, law) if objective.uses_divergence else 0.0,
        kernel=kernel_rate(mean, scale) if objective.uses_kernel else 0.0,
    )


def loss(objective: Objective, terms: Terms, step: int = 0) -> torch.Tensor:
    """The number to minimise, in nats: the averages of the terms, weighed as the objective says.

    Args:
        objective: of :mod:`infoplane.variational`.
        terms: one per sample, or averages.
        step: updates made before, for a schedule.
    """
    return objectives.loss(objectives.averaged(terms), objective.weights(step))


def _over_draws(values: torch.Tensor) -> torch.Tensor:
    return values.reshape(-1, values.shape[-1]).mean(dim=0)


def _checked(objective: Objective, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """(n,) labels as PyTorch indexes by them."""
    if not isinstance(objective, Objective):
        raise InputError(f"terms needs an objective such as VIB(beta=1000), got {objective!r}.")
    n, classes = logits.shape[-2:]
    if labels.shape != (n,) or labels.is_floating_point():
        raise InputError(f"terms needs {n} integer labels, got {labels.dtype} of {tuple(labels.shape)}.")
    labels = labels.long()
    if n and (int(labels.min()) < 0 or int(labels.max()) >= classes):
        raise InputError(f"terms needs labels in 0..{classes - 1}, got {int(labels.min())}..{int(labels.max())}.")
    return labels
