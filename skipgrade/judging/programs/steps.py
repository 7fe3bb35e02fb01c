"""[judge's kernel] A program as its author would tell it: layer by layer, activations included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from skipgrade.judging.programs.formulas import told
from skipgrade.judging.programs.naming_steps import Given, frame_of_zeros, label, padded
from skipgrade.judging.programs.operations import MADE, changes, is_view
from skipgrade.judging.programs.program import Node, Program
from skipgrade.judging.programs.running import shapes_in

FROM_NOTHING = frozenset(MADE.split()) - {"native_dropout", "dropout", "zero", "fill"}


@dataclass
class Step:
    """One step on the maps: what it is, which steps it follows, and which weights it uses."""

    label: str
    follows: tuple[int, ...]  # numbers of steps, from 1 on; 0 is what goes in
    weights: tuple[int, ...]

    @property
    def kind(self) -> str:
        """Its label without sizes: convolution, batch norm, ReLU."""
        return self.label.split(" (")[0]


def steps(program: Program, inputs: Sequence[Tensor]) -> list[Step]:
    """All that is done to the inputs, in order; reshaping and copies are not steps."""
    nodes = told(program, inputs, doubtful=True).nodes
    uses = Counter(number for node in nodes for number in node.tensors())
    walk = _Walk(program, shapes_in(program, inputs), uses)
    for node in nodes:
        walk.take(node)
    return walk.steps


class _Walk:
    """Follows the inputs through a program: from which step does each tensor come?"""

    def __init__(
        self, program: Program, shapes: dict[int, tuple[int, ...]], uses: Counter[int]
    ) -> None:
        self.steps: list[Step] = []
        self._shapes = shapes
        self._uses = uses
        self._frame: dict[int, int] = {}  # of maps with zeros around them: how many on each side
        first = next((shapes[number] for number in program.input_numbers()), ())
        self._batch = first[0] if first else 1
        self._came_from = dict.fromkeys(program.input_numbers(), 0)
        self._root: dict[int, int] = {}  # of a view: what it is a view of
        self._weight = {number: number for number in range(len(program.state))}
        self._drop: dict[int, float] = {}  # of a drawn mask: the chance that it keeps a number

    def take(self, node: Node) -> None:
        given = list(node.tensors())
        self._follow_weights_and_masks(node, given)
        alive = [] if node.name in FROM_NOTHING else [n for n in given if self._is_alive(n)]
        if not alive or not node.out:
            if given and is_view(node.op):  # who writes into it writes into all of it
                self._root.update(dict.fromkeys(node.out, self._base(given[0])))
            return
        sources = sorted({self._came_from[self._base(number)] for number in alive})
        name = label(node, self._given(node, given, alive, sources))
        if name is not None:
            sources = [self._add(node, name, given, sources)]
        if is_view(node.op):
            for number in node.out:
                self._root[number] = self._base(alive[0])
        for number in [*node.out, *(given[:1] if changes(node.op) else [])]:
            if name is None and is_view(node.op):
                continue
            self._root.pop(number, None) if name is not None and number in node.out else None
            self._came_from[self._base(number)] = max(sources)

    def _add(self, node: Node, told: str, given: list[int], sources: list[int]) -> int:
        if told == "Swish" and self.steps[sources[-1] - 1].label == "sigmoid":  # x * sigmoid(x)
            self.steps[sources[-1] - 1] = Step(told, tuple(sources[:-1]), ())
            return sources[-1]
        if frame := frame_of_zeros(node):
            self._frame[node.out[0]] = frame
        before = self._frame.get(given[0], 0) if self._uses[given[0]] == 1 else 0
        if before and sources == [len(self.steps)] and (whole := padded(told, before)):
            told, sources = whole, list(self.steps.pop().follows)  # F.pad, then a convolution
        weights = tuple(self._weight[number] for number in given if number in self._weight)
        self.steps.append(Step(told, tuple(sources), weights))
        return len(self.steps)

    def _given(self, node: Node, given: list[int], alive: list[int], sources: list[int]) -> Given:
        mask = next((number for number in given if number in self._drop), None)
        gate = self.steps[sources[1] - 1] if len(sources) == 2 else None
        return Given(
            before=self._shapes[alive[0]],
            after=self._shapes[node.out[0]],
            shapes=[self._shapes[number] for number in given],
            alive=[number in alive for number in given],
            branches=len(sources),
            gated=gate is not None and gate.kind == "sigmoid" and gate.follows == (sources[0],),
            keeps=None if mask is None else self._drop[mask],
            mask=() if mask is None else self._shapes[mask],
            batch=self._batch,
        )

    def _follow_weights_and_masks(self, node: Node, given: list[int]) -> None:
        if len(given) == 1 and given[0] in self._weight and (is_view(node.op) or node.name == "t"):
            self._weight.update(dict.fromkeys(node.out, self._weight[given[0]]))
        if node.name == "bernoulli":
            chance = node.argument("p")
            chance = float(chance) if isinstance(chance, int | float) else 0.5
            self._drop.update(dict.fromkeys(node.out, chance))
        elif given and given[0] in self._drop and not self._is_alive(given[-1]):
            self._drop.update(dict.fromkeys(node.out, self._drop[given[0]]))

    def _is_alive(self, number: int) -> bool:
        return self._base(number) in self._came_from

    def _base(self, number: int) -> int:
        return self._root.get(number, number)
