"""[judge's kernel] From which step to which a program's tensors go, and stretches of arithmetic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from skipgrade.judging.programs.operations import changes, is_view, written_names
from skipgrade.judging.programs.program import Node, Program, Ref

ARITHMETIC = frozenset([
    "add", "sub", "rsub", "mul", "div", "neg", "sqrt", "rsqrt", "pow", "square", "reciprocal",
    "addcmul", "addcdiv", "mean", "sum", "var", "var_mean", "std", "std_mean", "view", "reshape",
    "_unsafe_view", "unsqueeze", "squeeze", "expand", "permute", "transpose", "t", "numpy_T",
    "flatten", "unflatten", "detach", "alias", "clone", "_to_copy", "contiguous",
])  # fmt: skip
LONGEST = 40  # steps of one stretch
MOST_WALKS = 20_000  # back from the ends of stretches: more is looking for nothing


@dataclass
class Stretch:
    """Arithmetic with one tensor that goes in and one that comes out."""

    program: Program
    nodes: set[int]  # steps on what goes in
    steps: list[int]  # these and what they need besides, in order
    state: list[int]  # the weights they use
    constants: list[int]  # and the tensors that are neither weights nor computed
    source: int
    end: int
    result: int


class Flow:
    """Every tensor a program makes; one that is changed in place is another one from then on."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.number: list[int] = []  # of each value: the tensor's number in the program
        self.maker: dict[int, int] = {}
        self.users: dict[int, set[int]] = defaultdict(set)
        self.alive: set[int] = set()  # what follows from the inputs
        self.given: list[list[int]] = []
        self._made: list[list[int]] = []
        self._now: dict[int, int] = {}
        self._root: dict[int, int] = {}
        self._opaque: set[int] = set()
        self._walks = 0
        for number in (*range(len(program.state)), *program.input_numbers(), *program.constants):
            self._new(number)
        self.alive.update(self._now[number] for number in program.input_numbers())
        for index, node in enumerate(program.nodes):
            self._take(index, node)
        self.kept = {self._now[number] for number in program.outputs}

    def _new(self, number: int) -> int:
        self.number.append(number)
        self._now[number] = len(self.number) - 1
        return self._now[number]

    def _take(self, index: int, node: Node) -> None:
        numbers = list(node.tensors())
        written = [
            value.number
            for name in (written_names(node.op) if changes(node.op) else [])
            if isinstance(value := node.argument(name), Ref)
        ]
        shown = {self._root[number] for number in written if number in self._root}
        if shown:  # what is written into a part shows in the whole
            self._opaque.add(index)
        given = [self._now[number] for number in (*numbers, *sorted(shown))]
        self.given.append(given)
        for value in given:
            self.users[value].add(index)
        made = [
            self._new(number) for number in dict.fromkeys((*node.out, *written, *sorted(shown)))
        ]
        self._made.append(made)
        for value in made:
            self.maker[value] = index
        if not self.alive.isdisjoint(given):
            self.alive.update(made)
        if is_view(node.op) and numbers:
            root = self._root.get(numbers[0], numbers[0])
            self._root.update(dict.fromkeys(node.out, root))

    def _is_arithmetic(self, index: int | None) -> bool:
        if index is None or index in self._opaque:
            return False
        node = self.program.nodes[index]
        return node.name in ARITHMETIC

    def stretches(self, end: int, taken: set[int]) -> Iterator[Stretch]:
        """Those that end with this step, the longest first; none goes through steps `taken`."""
        whole = self._back(end, None, taken)
        if whole is None:
            return
        nodes, _ = whole
        starts = sorted(value for index in nodes - {end} for value in self._made[index])
        for start in (None, *starts):
            if self._walks > MOST_WALKS:
                return
            found = self._back(end, start, taken)
            if found is None or len(found[1]) != 1:
                continue
            stretch = self._stretch(end, *found)
            if stretch is not None:
                yield stretch

    def _back(
        self, end: int, start: int | None, taken: set[int]
    ) -> tuple[set[int], set[int]] | None:
        """Steps on the way back from `end`, and the tensors where it stops."""
        self._walks += 1
        if not self._is_arithmetic(end) or len(self._made[end]) != 1:
            return None
        nodes, sources, left = {end}, set(), [*self.given[end]]
        while left:
            value = left.pop()
            if value not in self.alive or self.number[value] < len(self.program.state):
                continue
            maker = self.maker.get(value)
            if value == start or maker is None or maker in taken or not self._is_arithmetic(maker):
                sources.add(value)
            elif maker not in nodes:
                nodes.add(maker)
                left.extend(self.given[maker])
            if len(nodes) > LONGEST:
                return None
        return nodes, sources

    def _stretch(self, end: int, nodes: set[int], sources: set[int]) -> Stretch | None:
        (source,) = sources
        (result,) = self._made[end]
        inner = {value for index in nodes for value in self._made[index]} - {result}
        if any(value in self.kept or not self.users[value] <= nodes for value in inner):
            return None
        steps, left = set(nodes), [v for n in nodes for v in self.given[n]]
        state: set[int] = set()
        constants: set[int] = set()
        while left:
            value = left.pop()
            if self.number[value] < len(self.program.state):
                state.add(self.number[value])
                continue
            if value in self.alive:
                continue
            maker = self.maker.get(value)
            if maker is None:
                constants.add(self.number[value])
                continue
            if maker not in steps:
                steps.add(maker)
                left.extend(self.given[maker])
            if len(steps) > 2 * LONGEST:
                return None
        return Stretch(
            self.program, nodes, sorted(steps), sorted(state), sorted(constants),
            self.number[source], end, self.number[result],
        )  # fmt: skip
