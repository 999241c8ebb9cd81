"""Which parts of a model are watched: by name, pattern or type, in the order in which the model computes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ..errors import InputError, nearest

Layer = str | re.Pattern[str] | type[nn.Module]
Outputs = Mapping[str, Callable[[Any], Any]]

_ACTIVATIONS = tuple(
    kind
    for name in nn.modules.activation.__all__
    if isinstance(kind := getattr(nn.modules.activation, name), type) and kind is not nn.MultiheadAttention
)


@dataclass(frozen=True, eq=False)
class Tap:
    """One output that is watched.

    Attributes:
        name: of the layer in results.
        module: whose output it is.
        call: which of the module's calls in one forward pass, from 0.
        select: takes the tensor out of what the module returns.
        part: that tensor is the output itself, seen another way at most, or one of its parts: it can be replaced.
    """

    name: str
    module: nn.Module
    call: int
    select: Callable[[Any], Any]
    part: bool


def named(model: nn.Module) -> dict[str, nn.Module]:
    """All parts of a model by name, without what compiling and parallel wrappers put in front; shared ones by each."""
    found = {}
    for name, module in model.named_modules(remove_duplicate=False):
        clean = ".".join(part for part in name.split(".") if part not in ("_orig_mod", "module"))
        if clean:
            found.setdefault(clean, module)
    return found


def chosen(model: nn.Module, layers: Iterable[Layer] | Layer | None) -> dict[str, nn.Module]:
    """The modules that a user named.

    Args:
        model: theirs.
        layers: names, regular expressions that match a whole name, or types of modules; None for activation functions
            and the last part of the model, or without such functions for all parts that have weights.

    Raises:
        InputError: nothing has such a name, pattern or type.
    """
    known = named(model)
    if layers is None:
        return _usual(known)
    wanted = [layers] if isinstance(layers, str | re.Pattern | type) else list(layers)
    found: dict[str, nn.Module] = {}
    for one in wanted:
        matches = _matching(one, known)
        if not matches:
            what = one.pattern if isinstance(one, re.Pattern) else one
            near = nearest(str(what), list(known)) if not isinstance(one, type) else _kinds(known)
            raise InputError(f"The model has no layer {what if isinstance(one, type) else repr(what)}; {near}")
        found |= matches
    if not found:
        raise InputError("watch needs at least one layer; leave layers out for the usual ones.")
    return found


def _matching(one: Any, known: dict[str, nn.Module]) -> dict[str, nn.Module]:
    if isinstance(one, type) and issubclass(one, nn.Module):
        return {name: module for name, module in known.items() if isinstance(module, one)}
    if isinstance(one, str) and one in known:
        return {one: known[one]}
    if not isinstance(one, str | re.Pattern):
        raise InputError(f"layers takes names, regular expressions or types of modules, got {one!r}.")
    try:
        pattern = re.compile(one)
    except re.error as wrong:
        raise InputError(f"layers: {one!r} is neither a name nor a regular expression ({wrong}).") from None
    return {name: module for name, module in known.items() if pattern.fullmatch(name)}


def _kinds(known: dict[str, nn.Module]) -> str:
    return "its parts are of the types " + ", ".join(sorted({type(module).__name__ for module in known.values()})) + "."


def _usual(known: dict[str, nn.Module]) -> dict[str, nn.Module]:
    leaves = {name: module for name, module in known.items() if not any(module.children())}
    active = {name: module for name, module in leaves.items() if isinstance(module, _ACTIVATIONS)}
    if not active:
        norms = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)
        active = {
            name: module
            for name, module in leaves.items()
            if any(True for _ in module.parameters(recurse=False)) and not isinstance(module, norms)
        }
    if not leaves or not active:
        raise InputError("The model has no parts to watch by themselves; name layers, or give its layers as modules.")
    last = list(leaves)[-1]
    return {**active, last: leaves[last]}


def last_part(model: nn.Module) -> nn.Module | None:
    """The part without parts that comes last; of most models, what gives the output."""
    leaves = [module for module in named(model).values() if not any(module.children())]
    return leaves[-1] if leaves else None


def tap(name: str, module: nn.Module, call: int, calls: int, output: Any, outputs: Outputs, n: int) -> Tap:
    """The tap of one call of a module, after a look at what it gave for n samples.

    Raises:
        InputError: its output is no tensor with one row a sample.
    """
    label = name if calls == 1 else f"{name} (call {call + 1})"
    select = outputs.get(name, _only_tensor)
    value = select(output)
    if not isinstance(value, torch.Tensor):
        held = type(output).__name__ + (
            f" of {', '.join(type(part).__name__ for part in _parts(output))}" if _parts(output) else ""
        )
        key = repr(next(iter(output))) if isinstance(output, Mapping) and output else "0"
        raise InputError(
            f"Layer {name!r} gives no tensor but {held}; say which part to take, as in "
            f"outputs={{{name!r}: lambda output: output[{key}]}}, or watch another layer."
        )
    if value.ndim < 1 or value.shape[0] != n:
        raise InputError(
            f"Layer {name!r} gives the shape {tuple(value.shape)} for {n} samples; one row a sample is needed: bring "
            f"the samples to the front, as in outputs={{{name!r}: lambda output: output.transpose(0, 1)}}."
        )
    if value.is_complex():
        raise InputError(f"Layer {name!r} gives complex numbers; take parts with outputs={{{name!r}: ...}}.")
    return Tap(label, module, call, select, _is_part(value, output))


def _is_part(value: torch.Tensor, output: Any) -> bool:
    if isinstance(output, torch.Tensor):  # a transpose holds the same numbers, a mean or a piece does not
        return value.numel() == output.numel() and value.data_ptr() == output.data_ptr()
    return any(part is value for part in _parts(output))


def _only_tensor(output: Any) -> Any:
    """The output, or the one tensor in it."""
    tensors = [part for part in _parts(output) if isinstance(part, torch.Tensor)]
    return tensors[0] if len(tensors) == 1 and len(_parts(output)) <= 2 else output


def _parts(output: Any) -> list[Any]:
    if isinstance(output, Mapping):
        return list(output.values())
    return list(output) if isinstance(output, tuple | list) else []
