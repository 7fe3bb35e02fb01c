"""[judge's kernel] What layers a program is made of, in order of use: its structure, no numbers."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from skipgrade.judging.programs.formulas import told
from skipgrade.judging.programs.operations import changes, is_view
from skipgrade.judging.programs.program import Node, Program
from skipgrade.judging.programs.running import shapes_in

Layer = dict[str, Any]
Shape = tuple[int, ...]

CONVOLUTIONS = {"convolution", "_convolution", "conv2d"}
PRODUCTS = {"linear", "addmm", "mm", "matmul", "bmm", "baddbmm"}
NORMS = {
    "batch_norm": "batch norm",
    "native_batch_norm": "batch norm",
    "cudnn_batch_norm": "batch norm",
    "_native_batch_norm_legit": "batch norm",
    "_native_batch_norm_legit_no_training": "batch norm",
    "_batch_norm_with_update": "batch norm",
    "_batch_norm_no_update": "batch norm",
    "native_layer_norm": "layer norm",
    "native_group_norm": "group norm",
}
SMALLER = 1.5  # how many times the pixels that come out fit into those that went in, at least


def structure(program: Program, x: Tensor) -> list[Layer]:
    """Convolutions, linear layers, norms, what makes maps smaller, and joins of branches.

    Each with the `shape` that comes out for one image. Activations, reshaping, and what is
    computed from weights alone are not layers here.
    """
    walk = _Walk(shapes_in(program, [x]), program.input_numbers())
    for node in told(program, [x]).nodes:
        walk.take(node)
    return walk.layers


class _Walk:
    """Follows the images through a program: from which layer does each tensor come?"""

    def __init__(self, shapes: dict[int, Shape], images: range) -> None:
        self.layers: list[Layer] = []
        self._shapes = shapes
        self._origin = dict.fromkeys(images, 0)  # of what depends on images: layers are 1, 2, ...
        self._base: dict[int, int] = {}  # of a view: what it is a view of

    def take(self, node: Node) -> None:
        given = list(node.tensors())
        sources = [number for number in given if self._root(number) in self._origin]
        origins = {self._origin[self._root(number)] for number in sources} - {0}
        layer = self._layer(node, sources) if sources and node.out else None
        if layer is None and len(origins) > 1:
            layer = {"layer": "join"}
        if layer is not None:
            self._add(layer, self._shapes[node.out[0]][1:], origins)
            origins = {len(self.layers)}
        for number in node.out:
            self._base.pop(number, None)
            if given and is_view(node.op) and layer is None:
                self._base[number] = self._root(given[0])
        if sources:
            touched = [*node.out, *(given[:1] if changes(node.op) else [])]
            for number in touched:
                self._origin[self._root(number)] = max(origins, default=0)

    def _root(self, number: int) -> int:
        return self._base.get(number, number)

    def _add(self, layer: Layer, shape: Shape, origins: set[int]) -> None:
        """One more layer; picking rows and then columns is one."""
        picking = layer["layer"] == "picking" and origins == {len(self.layers)}
        if picking and self.layers[-1]["layer"] == "picking":
            self.layers.pop()
        self.layers.append({**layer, "shape": shape})

    def _layer(self, node: Node, sources: list[int]) -> Layer | None:
        result = self._shapes[node.out[0]]
        given = [self._shapes[number] for number in node.tensors()]
        if node.name in CONVOLUTIONS and len(given[1]) == 4:
            return {
                "layer": "convolution",
                "kernel": "x".join(str(side) for side in given[1][2:]),
                "stride": max(node.argument("stride") or [1]),
                "grouped": given[1][1] < given[0][1],
            }
        if node.name in PRODUCTS and len(sources) == 1:
            return {"layer": "linear", "inputs": self._shapes[sources[0]][-1]}
        if node.name in NORMS:  # an instance norm takes its images as maps of one image
            alone = NORMS[node.name] == "batch norm" and given[0][0] == 1
            return {"layer": "instance norm" if alone else NORMS[node.name]}
        before = max(_area(self._shapes[number]) for number in sources)
        if 0 < SMALLER * _area(result) < before:
            name = node.name
            kind = "max pool" if "max" in name else "average pool" if "avg" in name else "picking"
            return {"layer": kind}
        return None


def _area(shape: Shape) -> int:
    """Height times width of maps; 0 for anything that is not a batch of maps."""
    return shape[2] * shape[3] if len(shape) == 4 else 0
