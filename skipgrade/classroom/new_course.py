"""A course of one's own: the chosen assignments of skipgrade, and what grading them takes.

The notebooks hold the answers, and a submission can read what is installed where it is graded: so
no wheel has them. They come from a clone, or from the source archive of one.
"""

import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from skipgrade import __version__
from skipgrade.classroom.course import CONFIG_FILE, Course
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.paths import PROJECT

COPIED = (CONFIG_FILE, ".gitignore", "LICENSE", "docs/students.md")
ABOUT = "source/README.md"  # of all assignments together
VERSION = "skipgrade/__init__.py"
KNOWN = (*COPIED, ABOUT, VERSION)
NOTEBOOK = re.compile(r"source/([^/]+)/\1\.ipynb")
SOURCE = "Name one with --from: a clone of skipgrade, or its source archive (.tar.gz or .zip)."
BROKEN = (OSError, EOFError, RuntimeError, tarfile.TarError, zipfile.BadZipFile, zlib.error)
README = """\
# {name}

A course made by `skipgrade new`, with solutions and hidden tests under `source/`: keep it private.
Students get what `skipgrade publish` writes. skipgrade's docs/instructors.md says how to go on,
from here to the first grades.

{assignments}
"""

Say = Callable[[str], None]


def make(folder: Path, wanted: Sequence[str], origin: Path | None, say: Say) -> Course:
    """Write a course into an empty folder: all assignments, or those whose names begin so."""
    folder = folder.resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CourseError(f"{folder} is there already. Name a folder that is new, or empty.")
    material = _material(origin or PROJECT)
    _demand_complete(material, origin)
    notebooks = {found[1]: name for name in material if (found := NOTEBOOK.fullmatch(name))}
    chosen = _chosen(sorted(notebooks), wanted)
    about = [ABOUT] if ABOUT in material and len(chosen) == len(notebooks) else []
    for name in (*COPIED, *about, *(notebooks[assignment] for assignment in chosen)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(material[name])
    _configure(folder / CONFIG_FILE, folder.name, chosen)
    listed = "\n".join(f"- {assignment}" for assignment in chosen)
    (folder / "README.md").write_text(README.format(name=folder.name, assignments=listed))
    say(f"  {folder}: {', '.join(chosen)}")
    return Course(folder)


def _material(origin: Path) -> dict[str, bytes]:
    """What a course is made of, by its name in the clone or archive."""
    if origin.is_dir():
        paths = [*(origin / name for name in KNOWN), *origin.glob("source/*/*.ipynb")]
        files = {path.relative_to(origin).as_posix(): path for path in paths if path.is_file()}
        return {name: path.read_bytes() for name, path in files.items()}
    try:
        read = _in_zip if zipfile.is_zipfile(origin) else _in_tar
        return dict(read(origin))
    except BROKEN as error:
        reason = str(error).splitlines()[0].rstrip(":")
        raise CourseError(f"{origin} cannot be read as an archive ({reason}). {SOURCE}") from error


def _in_tar(origin: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(origin) as archive:
        for member in archive:
            if (name := _needed(member.name)) and (file := archive.extractfile(member)):
                yield name, file.read()


def _in_zip(origin: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(origin) as archive:
        for member in archive.namelist():
            if name := _needed(member):
                yield name, archive.read(member)


def _needed(member: str) -> str:
    """Its name below the one folder that holds everything; empty for what a course does without."""
    name = member.partition("/")[2]
    return name if name in KNOWN or NOTEBOOK.fullmatch(name) else ""


def _demand_complete(material: dict[str, bytes], origin: Path | None) -> None:
    if missing := [name for name in (*COPIED, VERSION) if name not in material]:
        raise CourseError(
            f"{origin} is not skipgrade's: {missing[0]} is missing. {SOURCE}"
            if origin
            else "skipgrade is installed here without its notebooks, since a submission can read "
            f"what is installed. {SOURCE}"
        )
    told = re.search(r'__version__ = "(.+)"', material[VERSION].decode())
    version = told[1] if told else "an unknown version"
    if version != __version__:
        raise CourseError(
            f"{origin} is of skipgrade {version}, and {__version__} is installed. Take the one of "
            f"{__version__}, or install the other."
        )


def _chosen(there: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The names that begin with what is wanted: each begins one; nothing wanted: all."""
    chosen = set()
    for text in wanted:
        meant = [name for name in there if text and name.startswith(text)]
        if len(meant) != 1:
            raise CourseError(
                f"{text!r} names {len(meant)} assignments. There is: {', '.join(there)}."
            )
        chosen.update(meant)
    return sorted(chosen or there)


def _configure(file: Path, name: str, chosen: Sequence[str]) -> None:
    """The course's name, and rules that speak of its own assignments only."""
    groups = Course(file.parent).config.Marking.capped
    left = [[one for one in group if one in chosen] for group in groups]
    text = _set(file.read_text(), "CourseDirectory.course_id", re.sub(r"[^\w-]+", "-", name))
    text = _set(text, "Marking.capped", [group for group in left if group])
    file.write_text(text)


def _set(config: str, setting: str, value: object) -> str:
    text, lines = re.subn(
        rf"^c\.{setting} = .*$", lambda _: f"c.{setting} = {value!r}", config, flags=re.MULTILINE
    )
    assert lines == 1, f"c.{setting} stands {lines} times in {CONFIG_FILE}"
    return text
