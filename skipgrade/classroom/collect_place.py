"""One student's attempts, put where they are graded: the latest counts, earlier ones are kept.

An attempt is made ready in a folder next to it, and takes its place in one move. What was there is
first kept under collected/. Which attempts came before stands there in attempts.json.
"""

import hashlib
import json
import os
import shutil
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from nbgrader.utils import parse_utc

from skipgrade.classroom.collect_plan import Attempt
from skipgrade.classroom.collect_sources import odd_members
from skipgrade.judging.intake.plain_files import (
    MOST_BYTES,
    MOST_FILES,
    NotPlainFileError,
    entries,
    printable,
)
from skipgrade.judging.intake.submissions import DEEPEST_ZIP, TIMESTAMP
from skipgrade.judging.intake.unpack import NotUnpackedError, unpack

RECORD = "attempts.json"
ASK = "Ask the student to hand in again"


@dataclass
class Ready:
    """An attempt unpacked next to its place."""

    folder: Path
    digest: str
    time: datetime | None
    order: int
    attempt: Attempt


def make_ready(attempt: Attempt, folder: Path) -> Ready:
    """Unpack an attempt into a new folder; `NotUnpackedError` says what is wrong with it."""
    folder.mkdir(parents=True)
    _copy(attempt, folder)
    for _ in range(DEEPEST_ZIP):
        if not (packed := _only_zip(folder)):
            break
        _unpack(packed, folder, attempt)
    time = attempt.time
    if (folder / TIMESTAMP).is_file():
        if attempt.platform == "plain" and time is None:
            time = told_time(folder)
        else:
            attempt.odd.append(f"a {TIMESTAMP} of the student's own is left out")
        (folder / TIMESTAMP).unlink()
    _tell_alike(folder, attempt)
    ready = Ready(folder, digest(folder), time, attempt.order, attempt)
    if time:
        (folder / TIMESTAMP).write_text(f"{time:%Y-%m-%d %H:%M:%S} UTC\n")
    return ready


def _copy(attempt: Attempt, folder: Path) -> None:
    if len(attempt.files) > MOST_FILES:
        raise NotUnpackedError(f"holds {len(attempt.files):,} files; {MOST_FILES:,} are read")
    size = 0
    for path, item in attempt.files.items():
        try:
            item.copy(folder / path)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            why = "stands where another file or folder of the same name does"
            raise NotUnpackedError(f"{printable(str(path))} {why}") from error
        except (NotUnpackedError, NotPlainFileError) as error:
            raise NotUnpackedError(f"{printable(str(path))} {error}") from error
        size += (folder / path).stat().st_size
        if size > MOST_BYTES:
            raise NotUnpackedError(f"holds more than the {MOST_BYTES >> 30} GB that are read")


def _only_zip(folder: Path) -> Path | None:
    paths = [entry.path for entry in entries(folder)]
    if any(path.suffix.lower() == ".ipynb" for path in paths):
        return None
    zips = [path for path in paths if path.suffix.lower() == ".zip"]
    return folder / zips[0] if len(zips) == 1 else None


def _unpack(packed: Path, folder: Path, attempt: Attempt) -> None:
    inside = folder.with_name(f"{folder.name}-unpacked")
    try:
        unpack(packed, inside)
        with zipfile.ZipFile(packed) as archive:
            attempt.odd += odd_members(printable(packed.name), archive)
    except NotUnpackedError as error:
        if inside.exists():
            shutil.rmtree(inside)
        raise NotUnpackedError(f"{printable(packed.name)} {error}") from error
    packed.unlink()
    inside.mkdir(exist_ok=True)
    shutil.copytree(inside, folder, dirs_exist_ok=True, copy_function=_move_new)
    shutil.rmtree(inside)


def _move_new(origin: str, target: str) -> None:
    if not os.path.lexists(target):
        Path(origin).replace(target)


def _tell_alike(folder: Path, attempt: Attempt) -> None:
    seen: dict[str, PurePosixPath] = {}
    for entry in entries(folder):
        other = seen.setdefault(str(entry.path).casefold(), PurePosixPath(entry.path))
        if str(other) != str(entry.path):
            attempt.odd.append(f"{other} and {entry.path} differ only in case; both are there")


def digest(folder: Path) -> str:
    """The same for the same files, whatever the time of handing in."""
    total = hashlib.sha256()
    plain = [entry for entry in entries(folder) if not entry.odd and str(entry.path) != TIMESTAMP]
    for entry in sorted(plain, key=lambda entry: str(entry.path)):
        with (folder / entry.path).open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{entry.path!s}\0{content}\0".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def told_time(folder: Path) -> datetime | None:
    """What a timestamp.txt says, in UTC."""
    try:
        time = parse_utc((folder / TIMESTAMP).read_text(encoding="utf-8").strip())
    except (OSError, ValueError, OverflowError):
        return None
    return time.replace(tzinfo=UTC) if isinstance(time, datetime) else None


class Shelf:
    """A student's place under submitted/, and the shelf for earlier attempts."""

    def __init__(self, place: Path, kept: Path, scratch: Path) -> None:
        self.place, self.kept, self.scratch = place, kept, scratch
        self.record: dict[str, dict[str, Any]] = {}
        if (kept / RECORD).is_file():
            self.record = json.loads((kept / RECORD).read_text(encoding="utf-8"))

    def take(self, ready: Ready) -> str:
        """Place an attempt, keep it as an earlier one, or leave all as it is; says which."""
        now = digest(self.place) if self.place.is_dir() else ""
        if ready.digest == now:
            self._note(ready)
            if ready.time and told_time(self.place) != ready.time:
                _write_beside(self.place / TIMESTAMP, (ready.folder / TIMESTAMP).read_text())
                return "time noted"
            return "unchanged"
        if now and not self._later(ready, now):
            known = ready.digest in self.record
            self._keep(ready.folder, ready.digest, ready.time)
            self._note(ready)
            return "unchanged" if known else "earlier, kept"
        placed, old = self.scratch / "placed", self.scratch / f"old-{now}"
        shutil.copytree(ready.folder, placed)
        self.place.parent.mkdir(parents=True, exist_ok=True)
        if now:
            self._keep(self.place, now, told_time(self.place))
            self.place.rename(old)
        try:
            placed.rename(self.place)
        except BaseException:
            if now and not self.place.exists():
                old.rename(self.place)
            raise
        self._note(ready)
        return "replaced" if now else "placed"

    def _later(self, ready: Ready, now: str) -> bool:
        """By the time told, else by the platform's count, else what was never seen before."""
        there = self.record.get(now, {})
        time = told_time(self.place)
        if ready.time and time and ready.time.replace(microsecond=0) != time:
            return ready.time > time
        same = there.get("platform") == ready.attempt.platform
        if same and there.get("order", 0) != ready.order:
            return bool(ready.order > there.get("order", 0))
        return ready.digest not in self.record

    def _keep(self, folder: Path, name: str, time: datetime | None) -> None:
        target = self.kept / f"{f'{time:%Y-%m-%d_%H-%M-%S}' if time else 'no-time'}-{name[:8]}"
        if not target.exists():
            beside = self.scratch / f"kept-{name}"
            shutil.copytree(folder, beside, symlinks=True)
            self.kept.mkdir(parents=True, exist_ok=True)
            shutil.move(beside, target)

    def _note(self, ready: Ready) -> None:
        note = {"platform": ready.attempt.platform, "order": ready.order,
                "from": ready.attempt.source}  # fmt: skip
        if ready.digest in self.record and self.record[ready.digest]["order"] >= ready.order:
            return
        self.record[ready.digest] = note
        self.kept.mkdir(parents=True, exist_ok=True)
        _write_beside(self.kept / RECORD, json.dumps(self.record, indent=1))


def _write_beside(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
