"""Programs as text, so that models can be read back without running what a file says."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..errors import InputError
from ..naming import Registry, dataclasses_of
from . import encoders, naming
from .label_noise import Teacher
from .model import Spread
from .program import Optimizer, Program

_ENCODERS = Registry("encoder", "Dense(widths=(256, 256))", lambda: dataclasses_of(encoders))


def encoder_by_name(name: str, **settings: Any) -> encoders.Encoder:
    """An encoder as one would write it, such as "Dense(widths=(256, 256))".

    Raises:
        InputError: an unknown name or setting, or a value that is refused.
    """
    return _ENCODERS.by_name(name, **settings)


def written_program(program: Program) -> dict[str, Any]:
    """What JSON can hold of a program.

    Raises:
        InputError: a noise model that is a function.
    """
    for one in program.objectives:
        if isinstance(one.noise, Teacher):
            raise InputError("Models whose labels come from a Teacher cannot be saved: its function cannot be written.")
    plain = {f.name: getattr(program, f.name) for f in dataclasses.fields(program)}
    return plain | {
        "objectives": [repr(one) for one in program.objectives],
        "encoder": repr(program.encoder),
        "spread": list(program.spread),
        "optimizer": dataclasses.asdict(program.optimizer),
    }


def read_program(written: dict[str, Any]) -> Program:
    """The program that was written."""
    return Program(
        **written
        | {
            "objectives": tuple(naming.by_name(one) for one in written["objectives"]),
            "encoder": encoder_by_name(written["encoder"]),
            "shape": tuple(written["shape"]),
            "spread": Spread(*written["spread"]),
            "optimizer": Optimizer(**written["optimizer"]),
        }
    )
