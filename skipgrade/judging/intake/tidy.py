"""[grader] The files of a submission under the names its assignment asks for.

Browsers, learning platforms and unpacking programs rename: `01 (1).ipynb`, a folder around
everything, another case. What can be put right without a guess is, and said.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from skipgrade.judging.intake.plain_files import printable

NOTEBOOK = ".ipynb"
JUNK = ("__MACOSX", ".ipynb_checkpoints", "__pycache__")
# What a second file is called: " (1)", "(1)", " - Copy", " - Copy (2)", "_copy", "Copy of ".
AGAIN = re.compile(r"(?:\s*\((\d+)\)|(?:\s*-\s*|_)copy(?:\s*\(?(\d+)\)?)?)$", re.IGNORECASE)
COPY_OF = re.compile(r"^copy of ", re.IGNORECASE)
MORE_ENDINGS = re.compile(r"(?<=\.ipynb)\.(?:json|txt)$", re.IGNORECASE)  # given by browsers
WORD = re.compile(r"""["']([\w.][\w. -]*)["']""")
OF_A_RUN = ("-best.safetensors", "-history.json")


@dataclass(frozen=True)
class Wanted:
    """The names an assignment knows: its notebooks, and files its notebooks speak of."""

    notebooks: frozenset[str]
    files: frozenset[str]


@dataclass(frozen=True)
class Tidied:
    """`origins`: each file as it is to be read, and where it lies in what was handed in."""

    origins: dict[Path, Path]
    told: list[str]


def wanted(folder: Path) -> Wanted:
    """What the source folder of an assignment tells."""
    notebooks, files = set(), set()
    for path in folder.glob(f"*{NOTEBOOK}"):
        notebooks.add(path.name)
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        words = {word for cell in cells for word in WORD.findall("".join(cell["source"]))}
        files |= {word for word in words if Path(word).suffix in (".safetensors", ".json", ".csv")}
        files |= {word + end for word in words for end in OF_A_RUN}
    return Wanted(frozenset(notebooks), frozenset(files))


def tidy(found: Collection[Path], asked: Wanted) -> Tidied:
    """Where the files asked for are among those `found`; every other file stays where it is."""
    origins = {path: path for path in found if not set(path.parts) & set(JUNK)}
    told = list(_out_of_a_folder(origins, asked)) if asked.notebooks else []
    told += _renamed(origins, asked)
    told += _up_from_folders(origins, asked)
    told += _only_notebook(origins, asked)
    return Tidied(origins, told)


def _out_of_a_folder(origins: dict[Path, Path], asked: Wanted) -> Iterator[str]:
    """Move up what lies next to the notebook, where the notebook lies in one folder alone."""
    if any(_alike(path.name) in _alikes(asked.notebooks) for path in _top(origins)):
        return
    places = {
        path.parent
        for path in origins
        if path.suffix == NOTEBOOK and _alike(path.name) in _alikes(asked.notebooks)
    }
    if len(places) != 1 and not any(path.suffix == NOTEBOOK for path in _top(origins)):
        places = places or {path.parent for path in origins if path.suffix == NOTEBOOK}
    if len(places) != 1:
        return
    (place,) = places
    inside = [path for path in origins if place in path.parents]
    for path in inside:
        target = path.relative_to(place)
        if target not in origins:
            origins[target] = origins.pop(path)
    yield f"the notebook lay in the folder {printable(str(place))}, and is read from there"


def _renamed(origins: dict[Path, Path], asked: Wanted) -> Iterator[str]:
    """Give back the names that a second download, or another case, took."""
    names = {_alike(name): name for name in (*asked.files, *asked.notebooks)}
    for path in sorted(_top(origins), key=lambda path: _number(path.name), reverse=True):
        if path.name in asked.notebooks or path.name in asked.files:
            continue
        alike = names.get(_alike(path.name)) or _without_number(path.name)
        if alike != path.name and Path(alike) not in origins:
            origins[Path(alike)] = origins.pop(path)
            yield f"{printable(path.name)} is read as {printable(alike)}"


def _up_from_folders(origins: dict[Path, Path], asked: Wanted) -> Iterator[str]:
    """A file asked for that lies in some folder, and nowhere else."""
    for name in sorted(asked.files - {path.name for path in _top(origins)}):
        there = [path for path in origins if _alike(path.name) == _alike(name)]
        if len(there) == 1 and len(there[0].parts) > 1:
            origins[Path(name)] = origins.pop(there[0])
            yield f"{printable(str(there[0]))} is read as {printable(name)}"


def _only_notebook(origins: dict[Path, Path], asked: Wanted) -> Iterator[str]:
    """One notebook is asked for and one was handed in: it is that one, whatever its name."""
    there = [path for path in _top(origins) if path.suffix.lower() == NOTEBOOK]
    if len(asked.notebooks) == len(there) == 1 and there[0].name not in asked.notebooks:
        (name,) = asked.notebooks
        origins[Path(name)] = origins.pop(there[0])
        yield f"{printable(there[0].name)}, the only notebook, is read as {name}"


def _top(paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if len(path.parts) == 1]


def _alikes(names: Iterable[str]) -> set[str]:
    return {_alike(name) for name in names}


@lru_cache(maxsize=4096)  # the names asked for are looked at in every submission
def _alike(name: str) -> str:
    """The same for all names that one file may have been given."""
    return unicodedata.normalize("NFC", _without_number(name)).casefold()


def _without_number(name: str) -> str:
    """The name without what a browser or a copy adds to it."""
    path = Path(COPY_OF.sub("", MORE_ENDINGS.sub("", name)))
    stem = path.stem
    while (shorter := AGAIN.sub("", stem)) != stem and shorter:
        stem = shorter
    return stem + path.suffix


def _number(name: str) -> int:
    """Which copy it is: the last download is what was meant."""
    found = AGAIN.search(Path(name).stem)
    return int(found[1] or found[2] or 1) if found else 0
