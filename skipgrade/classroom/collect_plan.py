"""Whose each file is, and which files are one attempt."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from skipgrade.classroom.collect_names import Name, parse, typed_id
from skipgrade.classroom.collect_sources import METADATA, Item, Source, metadata
from skipgrade.classroom.roster import FIT, Roster, fold
from skipgrade.judging.intake.plain_files import printable

AGAIN_ON_CANVAS = re.compile(r"-\d+(?=\.\w+$)")  # "net-1.csv": the second time it came
WORK = (".ipynb", ".zip")
BY_NAME = ("moodle", "classroom")  # platforms that tell a person's name, and no id
UNKNOWN = "Rename it to {assignment}_STUDENT.zip, or put it into a folder called STUDENT."


@dataclass
class Attempt:
    students: tuple[str, ...]
    source: str
    platform: str
    time: datetime | None = None
    order: int = 0
    files: dict[PurePosixPath, Item] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)


class NobodyError(ValueError):
    """Whose a file is cannot be told; the text says why, and what fixes it."""


class Plan:
    def __init__(
        self, assignment: str, roster: Roster | None, scratch: Path,
        asked: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        self.asked = asked  # the names of files the assignment speaks of
        self.assignment, self.roster, self.scratch = assignment, roster, scratch
        self.attempts: dict[tuple[object, ...], Attempt] = {}
        self.problems: dict[str, None] = {}  # in order, each once
        self.depth = 0  # of students' folders in the source at hand

    def add(self, source: Source) -> None:
        told = dict(metadata(source, self.scratch))
        work = [one.parts for one in source.items if one.parts[-1].lower().endswith(WORK)]
        self.depth = min(1, max(0, min((len(parts) for parts in work), default=2) - 2))
        for item in source.items:
            try:
                self._add(source, item, told)
            except NobodyError as error:
                self.problems[f"{source.name}: {error}"] = None
        self.problems |= dict.fromkeys(source.odd)

    def _add(self, source: Source, item: Item, told: dict[tuple[str, ...], Any]) -> None:
        parts = item.parts
        if parts[-1] == METADATA:
            return
        for at, part in enumerate(parts):
            if (word := told.get(parts[: at + 1])) is not None:
                people = word.get(":submitters") or []
                students = tuple(self._one_of(person) for person in people)
                attempt = self._attempt(source, "gradescope", students, _utc(word))
                return self._put(attempt, parts[at + 1 :] or (part,), item)
            name = parse(part, self.assignment)
            if name and (name.platform == "moodle" or at == len(parts) - 1):
                return self._add_named(source, name, parts[at + 1 :], item)
        who, rest = self._plain(parts)
        students = self.students_of(Name("plain", (who,)))
        self._put(self._attempt(source, "plain", students), rest, item)
        return None

    def _add_named(self, source: Source, name: Name, rest: tuple[str, ...], item: Item) -> None:
        if name.skipped:
            return
        students = self.students_of(name)
        time = name.time.astimezone(UTC) if name.time else None
        which = (time, name.file if name.platform == "hand_in" else "")
        attempt = self._attempt(source, name.platform, students, time, which)
        attempt.order = max(attempt.order, name.order)
        if name.late and "late" not in attempt.odd:
            attempt.odd.append("late")
        again = AGAIN_ON_CANVAS.sub("", name.file)
        file = again if name.platform == "canvas" and again in self.asked else name.file
        self._put(attempt, (file, *rest) if file else rest, item)

    def _attempt(
        self, source: Source, platform: str, students: tuple[str, ...],
        time: datetime | None = None, which: object = None,
    ) -> Attempt:  # fmt: skip
        key = (id(source), platform, students, which)
        new = Attempt(students, source.name, platform, time)
        return self.attempts.setdefault(key, new)

    def _put(self, attempt: Attempt, parts: tuple[str, ...], item: Item) -> None:
        path = PurePosixPath(*parts)
        if ".." in path.parts or not path.parts:
            raise NobodyError(f"{printable('/'.join(item.parts))} leads out of its folder.")
        typed = typed_id(path.name, self.assignment)
        if typed and fold(typed) not in {fold(one) for one in attempt.students}:
            attempt.odd.append(f"its zip file is named for {printable(typed)}")
        if path in attempt.files:
            attempt.odd.append(f"{printable(str(path))} is there twice; the first counts")
        attempt.files.setdefault(path, item)

    def _one_of(self, person: Any) -> str:
        """The student of one entry in Gradescope's list of submitters."""
        words = [str(person.get(key) or "") for key in (":sid", ":email", ":name")]
        return self.students_of(Name("gradescope", tuple(word for word in words if word)))[0]

    def _plain(self, parts: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        """A student's folder, or a file called like the student."""
        folders = parts[:-1]
        if self.assignment in folders[1:]:  # as under submitted/
            at = folders.index(self.assignment, 1)
            return parts[at - 1], parts[at + 1 :]
        if self.roster:
            for at, part in enumerate(folders):
                if self.roster.find(part) or self.roster.group(part):
                    return part, parts[at + 1 :]
            if self.roster.find(PurePosixPath(parts[-1]).stem):
                return PurePosixPath(parts[-1]).stem, parts[-1:]
        elif folders:
            at = min(self.depth, len(folders) - 1)
            return folders[at], parts[at + 1 :]
        raise NobodyError(
            f"whose {printable('/'.join(parts))} is cannot be told. "
            + UNKNOWN.format(assignment=self.assignment)
        )

    def students_of(self, name: Name) -> tuple[str, ...]:
        if not name.who:
            raise NobodyError("a submission without a submitter. Ask whose it is.")
        if self.roster is None:
            return (_fit(name),)
        found = [self.roster.find(who) for who in name.who]
        hits = [{one.id for one in some} for some in found if some]
        shown = printable(name.who[0])
        if hits:
            both = set.intersection(*hits)
            if len(both) == 1:
                return tuple(both)
            several = sorted(set.union(*hits))
            raise NobodyError(
                f"{shown} could be {' or '.join(several)}. Give the roster a column that "
                "tells them apart, or put the files into a folder called by the id."
            )
        for who in name.who:
            if group := self.roster.group(who):
                return tuple(sorted(one.id for one in group))
        raise NobodyError(
            f"nobody on the roster is {shown}. Add a row, or a column with this name."
        )


def _fit(name: Name) -> str:
    """A folder's name for a student, where no roster gives one."""
    student = name.who[0]
    if name.platform in BY_NAME:
        student = re.sub(r"[^\w.@+-]+", "-", student).strip("-._")
    if not FIT.fullmatch(student):
        raise NobodyError(
            f"{printable(student)!r} cannot be a folder's name. Give the student another id "
            "in a roster, with this one in a further column."
        )
    return student


def _utc(word: dict[str, Any]) -> datetime | None:
    time = word.get(":created_at")
    if isinstance(time, str):
        try:
            time = datetime.fromisoformat(time)
        except ValueError:
            return None
    if not isinstance(time, datetime):
        return None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
