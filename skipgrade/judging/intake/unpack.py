"""[grader] A submission handed in as a zip file, unpacked within limits."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path, PurePosixPath

from skipgrade.judging.intake.plain_files import (
    DEEPEST,
    LONGEST,
    MOST_BYTES,
    MOST_FILES,
    NotPlainFileError,
    open_plain,
)

CHUNK = 2**20
LINK = 0o120000  # of a Unix mode, which zip keeps in the upper half of an entry's attributes
KIND = 0o170000
EMPTY = "is empty: there are no files in it"


class NotUnpackedError(ValueError):
    """The text says what is wrong with the zip file."""


def unpack(path: Path, target: Path) -> None:
    """Put the plain files of a zip file into a new folder; links and odd paths are left out."""
    try:
        with open_plain(path) as file, zipfile.ZipFile(file) as archive:
            _unpack(archive, target)
    except NotPlainFileError as error:
        raise NotUnpackedError(str(error)) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise NotUnpackedError("is damaged, or no zip file") from error
    except RuntimeError as error:  # what zipfile raises for one that asks for a password
        raise NotUnpackedError("is locked with a password") from error


def _unpack(archive: zipfile.ZipFile, target: Path) -> None:
    members = [one for one in archive.infolist() if not one.is_dir()]
    if not members:
        raise NotUnpackedError(EMPTY)
    if len(members) > MOST_FILES:
        raise NotUnpackedError(f"holds {len(members):,} files; up to {MOST_FILES:,} are read")
    if not any(inside_of(member) for member in members):
        raise NotUnpackedError("holds only links, or paths that lead out or are too long")
    left = MOST_BYTES
    for member in members:
        inside = inside_of(member)
        if inside is None or (target / inside).exists():
            continue
        (target / inside).parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as packed, (target / inside).open("xb") as file:
            while chunk := packed.read(CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise NotUnpackedError(
                        f"holds more than the {MOST_BYTES >> 30} GB that are read"
                    )
                file.write(chunk)


def inside_of(member: zipfile.ZipInfo) -> Path | None:
    """Where a member belongs; None for a link, and for a path that leads out."""
    path = PurePosixPath(member.filename.replace("\\", "/"))
    if (member.external_attr >> 16) & KIND == LINK or path.is_absolute() or ".." in path.parts:
        return None
    if len(path.parts) > DEEPEST or len(str(path).encode("utf-8", "replace")) > LONGEST:
        return None
    return Path(*path.parts) if path.parts and "\0" not in member.filename else None
