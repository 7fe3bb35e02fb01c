"""The files that lie in what a platform hands out: a zip file, or a folder."""

import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from skipgrade.classroom.collect_names import parse
from skipgrade.judging.intake.plain_files import MOST_BYTES, copy_plain, entries, printable
from skipgrade.judging.intake.tidy import JUNK
from skipgrade.judging.intake.unpack import EMPTY, NotUnpackedError, inside_of

METADATA = "submission_metadata.yml"
MOST_METADATA = 2**26
AGAIN = "Download it again."


@dataclass(frozen=True)
class Item:
    """One file: where it lies within its source, and what puts a copy somewhere."""

    parts: tuple[str, ...]
    copy: Callable[[Path], None]


@dataclass
class Source:
    name: str
    items: list[Item]
    odd: list[str]  # what is not read, and why


def open_source(path: Path, assignment: str, stack: ExitStack) -> Source:
    """What lies in a zip file or folder; a zip file that is one submission is one item."""
    if path.is_symlink() or not path.exists():
        why = "is a link; name what it leads to." if path.is_symlink() else "is not there."
        return Source(path.name, [], [f"{path} {why}"])
    if path.is_dir():
        return _folder(path.resolve())
    alone = Source(path.name, [Item((path.name,), lambda target: copy_plain(path, target))], [])
    if path.suffix.lower() != ".zip":
        return alone
    try:
        archive = stack.enter_context(zipfile.ZipFile(path))
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        if parse(path.name, assignment):
            return alone
        why = f"{path.name} is damaged, or no zip file ({error}). {AGAIN}"
        return Source(path.name, [], [why])
    inside = _archive(path.name, archive)
    if not inside.items and not inside.odd and not parse(path.name, assignment):
        why = f"{path.name} {EMPTY}. {AGAIN} If a student made it, ask for a new one."
        return Source(path.name, [], [why])
    names = {part for item in inside.items for part in item.parts}
    many = METADATA in names or any(parse(name, assignment) for name in names)
    nested = any(len(item.parts) > 1 for item in inside.items)
    return inside if many or (nested and not parse(path.name, assignment)) else alone


def _folder(path: Path) -> Source:
    source = Source(path.name, [], [])
    for entry in entries(path):
        if entry.odd:
            source.odd.append(f"{path.name}/{entry}; it is left out.")
        elif not set(entry.path.parts) & set(JUNK):
            origin = path / entry.path
            parts = (path.name, *entry.path.parts)
            source.items.append(Item(parts, lambda to, origin=origin: copy_plain(origin, to)))  # type: ignore[misc]
    return source


def _archive(name: str, archive: zipfile.ZipFile) -> Source:
    source = Source(name, [], odd_members(name, archive))
    for member in archive.infolist():
        inside = inside_of(member)
        if inside is not None and not member.is_dir() and not set(inside.parts) & set(JUNK):
            source.items.append(Item(inside.parts, _extractor(archive, member)))
    return source


def odd_members(name: str, archive: zipfile.ZipFile) -> list[str]:
    """The links, and the paths that lead out or are too long, in words."""
    names = [one.filename for one in archive.infolist() if inside_of(one) is None]
    return [
        f"{printable(one)} in {name} is a link, or its path leads out or is too long; it is left "
        "out. If it is part of somebody's work, ask for a new zip file."
        for one in names
        if PurePosixPath(one).parts
    ]


def _extractor(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[Path], None]:
    def copy(target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if member.file_size > MOST_BYTES:
            raise NotUnpackedError(f"is larger than the {MOST_BYTES >> 30} GB that are read")
        try:  # zipfile reads no more than the size it was told
            with archive.open(member) as packed, target.open("xb") as file:
                shutil.copyfileobj(packed, file, 2**20)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise NotUnpackedError("is damaged") from error
        except RuntimeError as error:  # what zipfile raises for one that asks for a password
            raise NotUnpackedError("is locked with a password") from error

    return copy


class _Loader(yaml.SafeLoader):
    """YAML as Ruby writes it: objects are read as plain mappings, nothing is made of them."""


def _mapping(loader: _Loader, tag: str, node: yaml.Node) -> Any:
    plain = loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else {}
    return plain.get("utc", plain)


_Loader.add_multi_constructor("!ruby/", _mapping)


def metadata(source: Source, scratch: Path) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Gradescope's word on each submission: where it lies, and what is said of it."""
    for item in source.items:
        if item.parts[-1] != METADATA:
            continue
        path = scratch / METADATA
        try:
            item.copy(path)
            if path.stat().st_size > MOST_METADATA:
                raise NotUnpackedError("is too large")
            found = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
            if not isinstance(found, dict):
                raise NotUnpackedError("does not hold submissions")
        except (NotUnpackedError, yaml.YAMLError, UnicodeDecodeError) as error:
            text = str(error).splitlines()[0]
            source.odd.append(f"{METADATA} in {source.name} cannot be read ({text}). {AGAIN}")
            continue
        finally:
            path.unlink(missing_ok=True)
        for key, value in found.items():
            if isinstance(value, dict):
                yield (*item.parts[:-1], str(key)), value
