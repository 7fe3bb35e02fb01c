"""The class list: a CSV file with columns id, name, email, and any other as a further name."""

import csv
import re
import unicodedata
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from skipgrade.classroom.errors import CourseError

FIT = re.compile(r"\w[\w.@+ -]{0,98}\w|\w")  # what may be a folder's name
GROUPS = ("group", "team")
MOST_WORDS = 4  # of a name, whose words come in any order


@dataclass(frozen=True)
class Student:
    id: str
    names: frozenset[str]  # folded
    groups: frozenset[str] = frozenset()


class Roster:
    def __init__(self, students: list[Student]) -> None:
        self.students = students

    @classmethod
    def read(cls, path: Path) -> "Roster":
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.DictReader(file))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise CourseError(f"{path} cannot be read ({error}). Save it as CSV, UTF-8.") from error
        students: dict[str, Student] = {}
        for number, row in enumerate(rows, 2):
            columns = {(key or "").strip().lower(): _text(value) for key, value in row.items()}
            student = columns.get("id", "")
            if not FIT.fullmatch(student):
                raise CourseError(
                    f"{path}, line {number}: {student!r} is not a student id. The column id takes "
                    "letters, digits, dots and dashes, beginning with a letter or digit."
                )
            if student.casefold() in students:
                raise CourseError(f"{path}, line {number}: {student} is there twice. Remove one.")
            students[student.casefold()] = _student(student, columns)
        return cls(list(students.values()))

    def find(self, who: str) -> list[Student]:
        """Every student of that id, name, email or other alias; whole groups of that name."""
        folded = fold(who)
        return [one for one in self.students if folded in one.names]

    def group(self, who: str) -> list[Student]:
        return [one for one in self.students if fold(who) in one.groups]


def fold(text: str) -> str:
    """The same for all spellings of a name: without case, accents, spaces and signs."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if letter.isalnum())


def _student(student: str, columns: dict[str, str]) -> Student:
    names = {fold(student)}
    for column, value in columns.items():
        if column in GROUPS or not value:
            continue
        names.add(fold(value))
        words = re.split(r"[\s,]+", value)
        if 1 < len(words) <= MOST_WORDS:
            names |= {fold("".join(order)) for order in permutations(words)}
        if "@" in value:
            names.add(fold(value.split("@")[0]))
    groups = {fold(columns[name]) for name in GROUPS if columns.get(name)}
    return Student(student, frozenset(names - {""}), frozenset(groups - {""}))


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
