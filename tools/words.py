"""Plain words in everything people read: notebooks, messages, docstrings and documents.

    python tools/words.py [FILE ...]       without files: all of them

Prints every word of the list that it finds, with a plainer one; the status is 1 if there is any.
Of Python code it reads comments and strings; a string that is nothing else than the word is a name.
"""

import io
import json
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
READ = ("source/*/*.ipynb", "skipgrade/**/*.py", "skipgrade/**/*.j2", "docs/*.md", "*.md")

PLAINER = {
    r"mend(s|ed|ing)?": "fix",
    r"dear(er|est)?": "expensive",
    r"but for": "except for",
    r"beside": "next to",
    r"hand-ins?": "submission",
    r"(is|are|was|were) no (?!longer|more|less|fault)[a-z]+": "is not a",
    r"of (ours|yours|theirs)": "our, your, their; or leave it out",
    r"look at:": "Hint:",
    r"so long as": "as long as",
    r"in the wild": "elsewhere",
    r"afresh|anew": "again",
    r"seldom": "rarely",
    r"shall": "must, or will",
    r"lest|hence|whence|thence|whilst|upon": "so, while, on",
    r"([0-9][0-9.,]*|(?<=\})) %(?![\w(}])": "70%, without a space",
}
KINDS = ("COMMENT", "STRING", "FSTRING_MIDDLE")
WORD = r"(?<!there )(?<![\w`{/.-])(?:%s)(?![\w-])"
PATTERNS = {
    re.compile(WORD.replace("%s", word.replace(" ", r"\s+")), re.IGNORECASE): better
    for word, better in PLAINER.items()
}


def texts(path: Path) -> Iterator[tuple[str, int, str]]:
    """What people read of a file: the cell, if any, the line where it begins, and the text."""
    content = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        yield from spoken("", content)
    elif path.suffix != ".ipynb":
        yield "", 1, content
    else:
        for cell in json.loads(content)["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code":
                yield from spoken(cell["id"], source)
            else:
                yield cell["id"], 1, source


def spoken(cell: str, code: str) -> Iterator[tuple[str, int, str]]:
    """The comments and strings of Python code."""
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        kind, name = tokenize.tok_name[token.type], r"""['"][\w-]+['"]"""
        if kind in KINDS and not re.fullmatch(name, token.string):
            yield cell, token.start[0], token.string


def found(path: Path) -> Iterator[str]:
    """A line for every word of the list: where it is, and what to write."""
    for cell, first, text in texts(path):
        for pattern, better in PATTERNS.items():
            for match in pattern.finditer(text):
                line = first + text.count("\n", 0, match.start())
                place = f"{path}, cell {cell}" if cell else f"{path}"
                yield f"{place}, line {line}: {' '.join(match[0].split())!r}. Plainer: {better}"


def main(names: list[str]) -> int:
    paths = [Path(name) for name in names]
    paths = paths or sorted(path for pattern in READ for path in ROOT.glob(pattern))
    told = [line for path in paths for line in found(path)]
    print(*told, sep="\n", end="\n" if told else "")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
