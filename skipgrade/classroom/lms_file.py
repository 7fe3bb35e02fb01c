"""A gradebook file of a learning platform: read, filled in, and written as it came."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.roster import fold
from skipgrade.classroom.style import number


@dataclass(frozen=True)
class Layout:
    """How one platform writes its gradebook.

    `people` are the columns that say who a row is, the surest first; `undecorated` gives an
    assignment's name as a teacher typed it from what the platform makes of it in a header.
    """

    platform: str
    people: tuple[str, ...]
    needed: frozenset[str]
    undecorated: Callable[[str], str]
    score: str = ""  # the column itself, where a file is of one assignment alone
    most: str = ""  # the column with the most points
    where: str = ""  # to be found


LAYOUTS = {
    one.platform: one
    for one in (
        Layout(
            "canvas",
            ("SIS Login ID", "SIS User ID", "ID", "Student"),
            frozenset({"Student", "ID", "Section"}),
            lambda header: re.sub(r"\s*\(\d+\)$", "", header),
            where="Grades → Export → Export Entire Gradebook",
        ),
        Layout(
            "moodle",
            ("ID number", "Email address", "Username", "Full name", "Identifier"),
            frozenset({"Identifier", "Grade"}),
            lambda header: header,
            score="Grade",
            most="Maximum Grade",
            where="the assignment → Submissions → Download grading worksheet",
        ),
        Layout(
            "blackboard",
            ("Username", "Student ID", "Last Name"),
            frozenset({"Last Name", "First Name", "Username"}),
            lambda header: re.sub(r"\s*\[Total Pts:.*$", "", header),
            where="Grade Centre → Work Offline → Download",
        ),
        Layout(
            "gradescope",
            ("SID", "Email", "Name"),
            frozenset({"SID", "Email"}),
            lambda header: header,
            where="the course → Assignments → Download Grades",
        ),
    )
}


class LmsFile:
    """The rows of a platform's file; what is not filled in stays as it is, to the byte."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path, self.layout = path, layout
        text = self._read()
        self._end = "\r\n" if "\r\n" in text else "\n"
        self._delimiter = max(",;\t", key=text.partition("\n")[0].count)
        try:
            self._raw = _split(text, self._delimiter, self._end)
        except ValueError as error:
            raise CourseError(f"{path} is not a CSV file ({error}). Download it again.") from error
        self.header, *self.rows = [[_value(raw) for raw in row] for row in self._raw]
        if missing := layout.needed - {*self.header}:
            raise CourseError(
                f"{path} is not a gradebook of {layout.platform}: it has no column "
                f"{', '.join(sorted(missing))}. Download it: {layout.where}."
            )

    def _read(self) -> str:
        try:
            data = self.path.read_bytes()
            self._encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
            self._bom = data.startswith(b"\xef\xbb\xbf")
            return data.decode("utf-8-sig" if self._bom else self._encoding)
        except (OSError, UnicodeDecodeError) as error:
            raise CourseError(
                f"{self.path} cannot be read ({error}). Download it again."
            ) from error

    def column(self, assignment: str, name: str = "") -> int:
        """Where an assignment's points go: under `name`, or under its own."""
        if self.layout.score and not name:
            return self.header.index(self.layout.score)
        found = [
            index
            for index, header in enumerate(self.header)
            if fold(self.layout.undecorated(header)) == fold(name or assignment)
        ]
        if len(found) != 1:
            told = "no column" if not found else f"{len(found)} columns"
            raise CourseError(
                f"{self.path} has {told} {name or assignment}. It has: {', '.join(self.header)}. "
                "Say which with --column, as its header says."
            )
        return found[0]

    def people(self) -> list[tuple[int, list[str]]]:
        """Each row that is somebody's, and the names it gives them, the surest first."""
        columns = [self.header.index(one) for one in self.layout.people if one in self.header]
        found = []
        for place, row in enumerate(self.rows):
            names = [row[index].strip() for index in columns if index < len(row)]
            if any(names) and "Points Possible" not in (row[0].strip(), *names):
                found.append((place, [name for name in names if name]))
        return found

    def put(self, place: int, column: int, points: float) -> None:
        """Write points into one row, with the file's own quotes and decimal sign."""
        text = number(points)
        text = text.replace(".", ",") if self._writes_commas(column) else text
        row = self._raw[place + 1]
        row.extend([""] * (column + 1 - len(row)))
        row[column] = f'"{text}"' if row[column].startswith('"') else text

    def _writes_commas(self, column: int) -> bool:
        """As the file's own numbers of that column, and of the most points, do."""
        most = [self.header.index(self.layout.most)] if self.layout.most in self.header else []
        told = {row[index] for row in self.rows for index in (column, *most) if index < len(row)}
        return any(re.fullmatch(r"\d+,\d+", one) for one in told)

    def write(self, path: Path) -> None:
        written = self._end.join(self._delimiter.join(row) for row in self._raw)
        path.write_bytes(written.encode("utf-8-sig" if self._bom else self._encoding))


def _split(text: str, delimiter: str, end: str) -> list[list[str]]:
    """Rows of fields as they are written, quotes and all; put together they are the text."""
    field = re.compile(rf'"(?:[^"]|"")*"(?=[{delimiter}\r\n]|\Z)|[^{delimiter}\r\n]*')
    rows: list[list[str]] = [[]]
    at = 0
    while True:
        found = field.match(text, at)
        assert found is not None  # the empty field matches anywhere
        rows[-1].append(found[0])
        at = found.end()
        if text.startswith(delimiter, at):
            at += 1
        elif text.startswith(end, at):
            at += len(end)
            rows.append([])
        elif at < len(text):
            raise ValueError(f"a stray line end at character {at}")
        else:
            return rows


def _value(raw: str) -> str:
    return raw[1:-1].replace('""', '"') if len(raw) > 1 and raw[0] == raw[-1] == '"' else raw
