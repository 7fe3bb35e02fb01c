"""What learning platforms call a student's files: one pattern a platform.

    moodle      Ada Example_1234567_assignsubmission_file_/01.zip, or _file_01.zip without folders
    blackboard  Homework 1_aexample_attempt_2026-11-20-10-11-12_01.zip
    canvas      exampleada_LATE_12345_67890_01.zip
    hand_in     01-lenet5-pipeline_s1001.zip, which lab.hand_in writes
    classroom   Ada Example - 01-lenet5-pipeline.ipynb

Gradescope's names (submission_67890) mean nothing without its submission_metadata.yml.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from skipgrade.judging.intake.tidy import AGAIN

PATTERNS = {
    "moodle": re.compile(
        r"(?P<who>.+)_(?P<number>\d+)_assignsubmission_(?P<kind>file|onlinetext)(?:_(?P<file>.*))?"
    ),
    "blackboard": re.compile(
        r".+_(?P<who>[^_]+)_attempt_(?P<time>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|(?P<note>\.txt))"
    ),
    "canvas": re.compile(
        r"(?P<who>[^_]+)_(?P<late>LATE_)?(?P<number>\d+)_(?P<order>\d+)_(?P<file>.+)"
    ),
}
CLASSROOM = re.compile(r"(?P<who>.+?) - (?P<file>.+\.(?:ipynb|zip|safetensors|json|csv))", re.I)


@dataclass(frozen=True)
class Name:
    """What a name tells; `who` are the names a student may be known by, the surest first."""

    platform: str
    who: tuple[str, ...]
    file: str = ""  # "" for a folder
    time: datetime | None = None  # by the platform's clock
    order: int = 0  # of attempts whose time is not told
    late: bool = False
    skipped: bool = False  # nothing that was handed in: what the platform writes itself


def parse(name: str, assignment: str) -> Name | None:
    """What a file's or folder's name tells; None where no platform writes such names."""
    if found := PATTERNS["moodle"].fullmatch(name):
        return _moodle(found)
    if found := PATTERNS["blackboard"].fullmatch(name):
        time = _time(found["time"])
        return Name("blackboard", (found["who"],), found["file"] or "", time,
                    skipped=bool(found["note"])) if time else None  # fmt: skip
    if found := PATTERNS["canvas"].fullmatch(name):
        who = (found["who"], found["number"])
        return Name("canvas", who, found["file"], order=int(found["order"]),
                    late=bool(found["late"]))  # fmt: skip
    if typed := typed_id(name, assignment):
        return Name("hand_in", (typed,), name, order=_copy(name))
    if found := CLASSROOM.fullmatch(name):
        return Name("classroom", (found["who"],), found["file"])
    return None


def typed_id(name: str, assignment: str) -> str:
    """The id that a student gave to lab.hand_in, where that wrote this name."""
    path = PurePosixPath(name)
    stem = AGAIN.sub("", path.stem)
    fits = path.suffix.lower() == ".zip" and stem.startswith(f"{assignment}_")
    return stem[len(assignment) + 1 :] if fits else ""


def _moodle(found: re.Match[str]) -> Name:
    who = found["who"]
    after_group = [who[at.end() :] for at in re.finditer("-", who)]  # "Team A-Ada Example"
    names = (who, *after_group, f"{who} {found['number']}")
    return Name("moodle", names, found["file"] or "", skipped=found["kind"] != "file")


def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d-%H-%M-%S")
    except ValueError:
        return None


def _copy(name: str) -> int:
    found = AGAIN.search(PurePosixPath(name).stem)
    return int(found[1] or found[2] or 1) if found else 0
