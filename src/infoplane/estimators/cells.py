"""Snapshots of a layer whose codes differ in width: measured in groups of one width, and put together again."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from .base import LayerBlock, LayerInformation


def alike(layers: Sequence[np.ndarray], sources: Sequence[np.ndarray]) -> list[list[int]]:
    """Cells whose codes of layer and input, (n, columns) each, have the same columns; ``sources`` may be empty."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for cell, layer in enumerate(layers):
        groups.setdefault((layer.shape[1], sources[cell].shape[1] if sources else 0), []).append(cell)
    return list(groups.values())


def part_of(
    block: LayerBlock, cells: list[int], layers: Sequence[np.ndarray], sources: Sequence[np.ndarray]
) -> LayerBlock:
    """Some cells of a block, with codes of layer and input in their place."""
    walls = {name: getattr(block, name) for name in ("low", "high", "interior", "p_y_given_x")}
    return dataclasses.replace(
        block,
        activations=np.stack([layers[cell] for cell in cells]),
        y=block.y[cells],
        x=np.stack([sources[cell] for cell in cells]) if sources else None,
        **{name: None if values is None else values[cells] for name, values in walls.items()},
    )


def joined(parts: list[tuple[list[int], LayerInformation]]) -> LayerInformation:
    """What was found of groups of cells, in the order of the cells."""
    found = [part for _, part in parts]
    order = np.argsort(np.concatenate([cells for cells, _ in parts]), kind="stable")
    columns = [f.name for f in dataclasses.fields(LayerInformation) if f.name not in ("notes", "doubts", "further")]
    nothing = [np.full(len(part.mi_input), math.nan) for part in found]
    return LayerInformation(
        **{name: np.concatenate([getattr(part, name) for part in found])[order] for name in columns},
        notes=tuple(dict.fromkeys(note for part in found for note in part.notes)),
        doubts=tuple(doubt._replace(cell=cells[doubt.cell]) for cells, part in parts for doubt in part.doubts),
        further={
            name: np.concatenate([p.further.get(name, n) for p, n in zip(found, nothing, strict=True)])[order]
            for name in dict.fromkeys(name for part in found for name in part.further)
        },
    )
