"""Do the rooms of the house import only what they may?"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "skipgrade"
MAY_IMPORT = {
    "lab": set(),
    "sandbox": set(),
    "judging": {"sandbox", "lab"},
    "classroom": {"judging", "sandbox", "lab"},
}
# The packages students need, and what those bring along.
BENCH_NEEDS = {"torch", "torchvision", "matplotlib", "tqdm", "safetensors", "numpy", "PIL"}
ONLY_WHERE_PRESENT = {"google", "IPython"}


def imported(path: Path) -> Iterator[str]:
    """Every module a file imports, at its top or anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files(room: str) -> list[Path]:
    return [path for path in PACKAGE.glob(f"{room}/**/*.py") if "cells" not in path.parts]


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_room_imports_only_what_it_may(room: str) -> None:
    assert files(room)
    for path in files(room):
        for name in imported(path):
            if name.startswith("skipgrade.") and name != "skipgrade.__version__":
                other = name.split(".")[1]
                assert other in {room, *MAY_IMPORT[room]}, f"{path} imports {name}"


def test_bench_needs_only_the_students_packages() -> None:
    allowed = BENCH_NEEDS | ONLY_WHERE_PRESENT | set(sys.stdlib_module_names) | {"skipgrade"}
    for path in files("lab"):
        for name in imported(path):
            assert name.split(".")[0] in allowed, f"{path} imports {name}"


def test_no_file_has_outgrown_its_room() -> None:
    long = {
        str(path): lines
        for path in PACKAGE.rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 400
    }
    assert not long, "what second job has it taken on?"


def test_grading_does_not_wait_for_torch() -> None:
    """It is imported once, where kernels are forked."""
    modules = ("skipgrade.cli", "skipgrade.classroom.task", "skipgrade.judging.grader.execute")
    code = f"import sys, {', '.join(modules)}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


JUDGING = sorted(p for p in (PACKAGE / "judging").rglob("*.py") if p.read_text())
FOLDERS = {"grader": "grader", "intake": "grader", "pages": "grader", "judge": "judge's kernel"}


def runs_in(path: Path) -> str:
    named, _, _ = path.read_text().splitlines()[0].removeprefix('"""[').partition("]")
    return named


@pytest.mark.parametrize("path", JUDGING, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_of_judging_says_first_in_which_process_it_runs(path: Path) -> None:
    assert set(runs_in(path).split(", ")) <= {"grader", "judge's kernel", "student's kernel"}
    assert runs_in(path) == FOLDERS.get(path.parent.name, runs_in(path))


def test_the_docs_list_every_module_of_judging() -> None:
    _, section = Path("docs/architecture.md").read_text().split("## The modules of judging")
    listed = re.findall(r"^\| `([\w/]+\.py)` \| ([^|]+) \| [^|]+ \|$", section, re.MULTILINE)
    modules = [path for path in JUDGING if path.name != "__init__.py"]
    there = {(str(path.relative_to(PACKAGE / "judging")), runs_in(path)) for path in modules}
    assert set(listed) == there
