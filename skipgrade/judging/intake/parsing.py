"""[grader] From the bytes of a submission to a notebook nothing after it stumbles over.

What a grader needs of a submitted notebook is little: its cells' types, texts and marks, and the
pictures in its written answers. Everything else (outputs, counts, ids, other metadata) is made
new, so that none of it can be wrong. What is wrong with those few is a reason for a zero.
"""

from __future__ import annotations

import json
from typing import Any

import nbformat
from nbformat import NotebookNode

LARGEST = 64 * 2**20
MOST_LISTS = 2_000_000  # an empty one takes two bytes in the file, and sixty in memory
MOST_CELLS = 2_000
DEEPEST = 200  # lists in lists: an output has ten or so
TOO_DEEP = "its JSON is nested too deep"
KINDS = ("code", "markdown", "raw")
ONLY_VERSION = 4  # of nbformat; older ones are brought up to it
MINOR = 4  # as released: cells without ids


class NotANotebookError(ValueError):
    """The text says what is wrong with the file, and where."""


def parse(content: str | bytes) -> NotebookNode:
    """The notebook in it, made sound; `NotANotebookError` where that cannot be."""
    raw = _current(_json(content))
    cells = raw.get("cells")
    if not isinstance(cells, list):
        raise NotANotebookError("it has no list of cells")
    if len(cells) > MOST_CELLS:
        raise NotANotebookError(f"it has {len(cells):,} cells; up to {MOST_CELLS:,} are read")
    sound = [_cell(number, cell) for number, cell in enumerate(cells, start=1)]
    return NotebookNode(
        nbformat=ONLY_VERSION, nbformat_minor=MINOR, metadata=NotebookNode(), cells=sound
    )


def _json(content: str | bytes) -> dict[str, Any]:
    if len(content) > LARGEST:
        raise NotANotebookError(f"it is larger than {LARGEST >> 20} MB")
    if isinstance(content, bytes):
        content = content.decode(json.detect_encoding(content), "replace")
    if content.count("[") + content.count("{") > MOST_LISTS:
        raise NotANotebookError(f"there are more than {MOST_LISTS:,} lists in it")
    try:
        raw = json.loads(content.removeprefix("\N{BYTE ORDER MARK}"))
    except json.JSONDecodeError as error:
        raise NotANotebookError(f"no valid JSON (line {error.lineno})") from error
    except RecursionError as error:
        raise NotANotebookError(TOO_DEEP) from error
    except ValueError as error:
        raise NotANotebookError("there is a number in it with thousands of digits") from error
    if not isinstance(raw, dict) or type(raw.get("nbformat")) is not int:
        raise NotANotebookError("JSON, but without the fields of a notebook")
    if not _depth_is_usual(raw):
        raise NotANotebookError(TOO_DEEP)
    return raw


def _depth_is_usual(raw: dict[str, Any]) -> bool:
    """Python from 3.13 on reads what is nested deeper than the rest of us could follow."""
    level: list[Any] = [raw]
    for _ in range(DEEPEST):
        parts = [one.values() if isinstance(one, dict) else one for one in level]
        level = [each for one in parts for each in one if isinstance(each, (dict, list))]
        if not level:
            return True
    return False


def _current(raw: dict[str, Any]) -> dict[str, Any]:
    """The same notebook in the format of today."""
    if raw["nbformat"] == ONLY_VERSION:
        return raw
    try:
        return dict(nbformat.convert(nbformat.from_dict(raw), ONLY_VERSION))
    except Exception as error:  # whatever a made-up notebook does to the converters
        told = f"nbformat cannot read its version {raw['nbformat']} ({type(error).__name__})"
        raise NotANotebookError(told) from error


def _cell(number: int, raw: Any) -> NotebookNode:
    if not isinstance(raw, dict):
        raise NotANotebookError(f"cell {number} is not a cell")
    kind = raw.get("cell_type")
    if kind not in KINDS:
        raise NotANotebookError(f"cell {number} has no known type")
    source = _text(raw.get("source"))
    if source is None:
        raise NotANotebookError(f"cell {number} has no source")
    cell = NotebookNode(cell_type=kind, metadata=_marks(raw.get("metadata")), source=source)
    if kind == "code":
        cell.update(outputs=[], execution_count=None)
    elif pictures := _pictures(raw.get("attachments")):
        cell.attachments = pictures
    return cell


def _text(value: Any) -> str | None:
    """A text, or lines of one; halves of characters, which no file can hold, are replaced."""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "".join(value)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else None


def _marks(metadata: Any) -> NotebookNode:
    """nbgrader's marks, of which only plain values can be right; `RestoreCells` does the rest."""
    if not isinstance(metadata, dict) or "nbgrader" not in metadata:
        return NotebookNode()
    marks = metadata["nbgrader"] if isinstance(metadata["nbgrader"], dict) else {}
    plain = {name: value for name, value in marks.items() if _is_plain(name) and _is_plain(value)}
    return NotebookNode(nbgrader=NotebookNode(plain))


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= 200 and value.isprintable()
    return value is None or isinstance(value, int | float)


def _pictures(attachments: Any) -> NotebookNode:
    """The pictures pasted into a text, by name and kind."""
    found = NotebookNode()
    for name, bundle in attachments.items() if isinstance(attachments, dict) else ():
        kinds = bundle.items() if isinstance(bundle, dict) else ()
        texts = {kind: text for kind, data in kinds if (text := _text(data)) is not None}
        if texts and _is_plain(name) and all(map(_is_plain, texts)):
            found[name] = NotebookNode(texts)
    return found
