"""Does `make lint` find words that are not plain, and only where people read them?"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "words.py"


def words(*files: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOL), *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("text", "better"),
    [
        ("Errors name the cell and the mend.", "fix"),
        ("Fifty layers would be dear.", "expensive"),
        ("Right, but\nfor one cell.", "except for"),
        ("The file lies beside the notebook.", "next to"),
        ("Two Hand-ins are late.", "submission"),
        ("That is no notebook.", "is not a"),
        ("A preprocessor of ours.", "leave it out"),
        ("Look at: the sign.", "Hint:"),
        ("At least 70 % of the images.", "without a space"),
        ("Drawn anew.", "again"),
    ],
)
def test_a_word_of_the_list_is_found(text: str, better: str, tmp_path: Path) -> None:
    """In a document, in a notebook's text, and in a message of Python code."""
    document, module, notebook = (tmp_path / f"a.{end}" for end in ("md", "py", "ipynb"))
    document.write_text(f"# Title\n\n{text}\n")
    module.write_text(f'import math\n\nprint("""{text}""")\n')
    cell = {"cell_type": "markdown", "id": "task", "source": [text]}
    code = {"cell_type": "code", "id": "test", "source": [f"assert True, '''{text}'''"]}
    notebook.write_text(json.dumps({"cells": [cell, code]}))
    done = words(document, module, notebook)
    lines = done.stdout.splitlines()
    assert done.returncode == 1 and len(lines) == 4
    assert all(better in line for line in lines)
    assert lines[0].startswith(f"{document}, line 3: ")
    assert "cell task, line 1: " in lines[2] and "cell test, line 1: " in lines[3]


def test_names_and_ordinary_words_are_left_alone(tmp_path: Path) -> None:
    module = tmp_path / "a.py"
    module.write_text(
        'beside = {"hand-in": 70 % 3}\n'
        'mend(beside["beside"])  # recommended: there is no better way, and it is no longer slow\n'
        'print(f"{beside:.0%}", "%d %s" % (1, "a"), "lab.hand_in")\n'
    )
    document = tmp_path / "a.md"
    document.write_text("A path: `source/hand-in-text.md`. Dearest-neighbour. 70% of it.\n")
    done = words(module, document)
    assert (done.returncode, done.stdout) == (0, "")


def test_what_people_read_is_plain() -> None:
    done = words()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
