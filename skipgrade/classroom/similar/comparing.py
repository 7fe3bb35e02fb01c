"""All pairs of a class: what is read of each submission, and what two of them share."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

from tqdm import tqdm

from skipgrade.classroom.course import Course
from skipgrade.classroom.histories import histories_in
from skipgrade.classroom.roster import Roster
from skipgrade.classroom.similar import texts, weights
from skipgrade.judging.intake.plain_files import printable
from skipgrade.judging.intake.submissions import PlainHandIns

NAMED = 0.97  # likeness of weights; honest runs that start alike end below (docs/results.md)
LARGEST_TEXT = 16 * 2**20
QUIET = logging.getLogger("skipgrade.similar")  # grading tells what is left out of a submission
QUIET.addHandler(logging.NullHandler())
QUIET.propagate = False


@dataclass
class Work:
    """What is kept of one submission."""

    student: str
    sketches: dict[str, weights.Sketch] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    histories: dict[str, dict[str, Any]] = field(default_factory=dict)
    written: dict[str, list[texts.Run]] = field(default_factory=dict)


@dataclass
class Pair:
    """Two students, and what their submissions share, in words, the strongest first."""

    students: tuple[str, str]
    shared: list[str]
    strength: float


class Submissions:
    """The submissions of an assignment, as nbgrader would read them."""

    def __init__(self, course: Course, assignment: str) -> None:
        self._course, self._assignment = course, assignment
        self._hand_ins = PlainHandIns.of(course.directory(assignment), QUIET)
        self.students = course.submissions(assignment)

    def file(self, student: str, name: str) -> Path:
        return self._hand_ins.hand_in(student, self._assignment).folder / name

    def read(self, student: str) -> Work:
        work = self.read_weights(student)
        folder = self._hand_ins.hand_in(student, self._assignment).folder
        notebook = _notebook(folder)
        released = self._released
        for kind in texts.KINDS:
            cells = kind.cells(notebook, released.names)
            work.written[kind.name] = texts.runs(cells, kind.length, released.runs[kind])
        return work

    def read_weights(self, student: str) -> Work:
        """Without what is written."""
        folder = self._hand_ins.hand_in(student, self._assignment).folder
        work = Work(student)
        for path in sorted(folder.glob("*best.safetensors")):
            if path.is_file():
                work.digests[path.name] = _digest(path)
                work.sketches[path.name] = weights.sketch(weights.matrices(path))
        for run, history in histories_in(folder, LARGEST_TEXT).items():
            seconds = history["seconds"] if len(history) > 1 else []
            work.histories[run] = {"settings": history.settings, "seconds": seconds}
        return work

    @cached_property
    def _released(self) -> texts.Released:
        """What everybody got: its runs are nobody's own, its names are names."""
        return texts.Released.of(
            texts.parsed(path.read_bytes())
            for step in ("release", "source")
            for path in sorted(self._course.folder(step, self._assignment).glob("*.ipynb"))
        )


def compare(
    course: Course,
    assignment: str,
    roster: Roster | None = None,
) -> list[Pair]:
    """The pairs that share more than chance and the text explain, the strongest first."""
    course.require(assignment)
    submissions = Submissions(course, assignment)
    reading = tqdm(submissions.students, desc="reading", leave=False, disable=None)
    works = [submissions.read(student) for student in reading]
    telling = {
        kind.name: texts.rare({work.student: work.written[kind.name] for work in works})
        for kind in texts.KINDS
    }
    found = []
    pairs = list(combinations(works, 2))
    for one, other in tqdm(pairs, desc="comparing", leave=False, disable=None):
        if roster and _together(roster, one.student, other.student):
            continue
        shared = [
            *(found[1:] for found in same_weights(submissions, one, other)),
            *_same_histories(one, other),
            *_same_texts(one, other, telling),
        ]
        if shared:
            shared.sort(reverse=True)
            found.append(
                Pair((one.student, other.student), [text for _, text in shared], shared[0][0])
            )
    return sorted(found, key=lambda pair: (-pair.strength, pair.students))


def same_weights(
    submissions: Submissions, one: Work, other: Work
) -> Iterator[tuple[str, float, str]]:
    """The first one's file, how much it has in common with one of the other's, and in words."""
    for name, sketch in one.sketches.items():
        for other_name, other_sketch in other.sketches.items():
            where = name if name == other_name else f"{name} and {other_name}"
            if one.digests[name] == other.digests[other_name]:
                yield name, 1.0, f"{printable(where)}: the same file, byte for byte"
            elif weights.worth_a_look(sketch, other_sketch):
                some = weights.matrices(submissions.file(one.student, name))
                others = weights.matrices(submissions.file(other.student, other_name))
                alike = weights.likeness(some, others)
                if alike >= NAMED:
                    told = f"{printable(where)}: weights {alike:.1%} alike{_how(one, other)}"
                    yield name, alike, told


def _how(one: Work, other: Work) -> str:
    """What may explain it: the same recipe from the same seed ends nearly alike."""
    same = [
        name
        for name, told in one.histories.items()
        if name in other.histories and told["settings"] == other.histories[name]["settings"]
    ]
    return " (same settings and seed: may be two runs of one recipe)" if same else ""


def _same_histories(one: Work, other: Work) -> Iterator[tuple[float, str]]:
    for name, told in one.histories.items():
        for other_name, others in other.histories.items():
            if told["seconds"] and told["seconds"] == others["seconds"]:
                where = name if name == other_name else f"{name} and {other_name}"
                yield 1.0, f"{printable(where)}: every epoch took the same time, to the millisecond"


def _same_texts(
    one: Work, other: Work, telling: dict[str, frozenset[texts.Run]]
) -> Iterator[tuple[float, str]]:
    for kind in texts.KINDS:
        some, others = one.written[kind.name], other.written[kind.name]
        common = texts.in_common(kind, some, others, telling[kind.name])
        if common.named:
            passage = printable(common.passage)
            shown = passage if len(passage) <= 90 else f"{passage[:90]}..."
            yield common.share, f"{kind.name}: {common.share:.0%} the same, among it: {shown}"


def _together(roster: Roster, one: str, other: str) -> bool:
    groups = {student.id: student.groups for student in roster.students}
    return bool(groups.get(one, frozenset()) & groups.get(other, frozenset()))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _notebook(folder: Path) -> texts.Notebook:
    """The first that is not too large to be one."""
    for path in sorted(folder.glob("*.ipynb")):
        if path.is_file() and path.stat().st_size <= LARGEST_TEXT:
            return texts.parsed(path.read_bytes())
    return texts.parsed(b"")


def lines(pairs: list[Pair], students: int) -> Iterator[str]:
    """The list as text."""
    looked = students * (students - 1) // 2
    yield f"{students} submissions, {looked:,} pairs; {len(pairs) or 'none'} to look at"
    for pair in pairs:
        yield ""
        yield " and ".join(printable(student) for student in pair.students)
        yield from (f"  {text}" for text in pair.shared)
    if pairs:
        yield ""
        yield "A list to look at, not a verdict: read both submissions, and ask."


def as_json(assignment: str, pairs: list[Pair]) -> str:
    told = {"assignment": assignment, "pairs": [asdict(pair) for pair in pairs]}
    return json.dumps(told, indent=1)
