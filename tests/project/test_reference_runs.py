"""Do the docs say what was measured, and the notebooks ask what the docs say?"""

import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "bench"))
import results  # noqa: E402

CONTENT = json.loads(results.MEASURED.read_text())


def code(assignment: str) -> str:
    path = next((ROOT / "source").glob(f"{assignment}-*/*.ipynb"))
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def test_the_table_is_that_of_the_measured_runs() -> None:
    text = results.TABLE.read_text()
    assert results.with_table(text, results.table(CONTENT)) == text, "run `make results`"


@pytest.mark.parametrize(
    ("assignment", "name", "pattern"),
    [
        ("01", "01 lenet5", r"tiers=\{(0\.\d+): 1\.0"),
        ("02", "02 tuned", r"tiers=\{(0\.\d+): 1\.0"),
        ("04", "04 plain", r'GOAL = \{"plain": (0\.\d+)'),
        ("04", "04 residual", r'GOAL = \{.*?"residual": (0\.\d+)'),
        ("04", "04 mobile", r'GOAL = \{.*?"mobile": (0\.\d+)'),
        ("05", "05 final test", r"tiers=\{(0\.\d+): 1\.0"),
        ("06", "06 resnet18", r"tiers = \{(0\.\d+) \+ ABOVE: 1\.0"),
        ("07", "07 resnet", r"else \{(0\.\d+): 1\.0"),
    ],
)
def test_the_bar_is_the_notebooks(assignment: str, name: str, pattern: str) -> None:
    asked = next(one for one in results.ASKED if one.run == name)
    found = re.search(pattern, code(assignment))
    assert found and float(found[1]) == asked.bar


def test_few_honest_runs_miss_a_bar() -> None:
    found = results.reached(CONTENT)
    widest = max(one.spread or 0 for one in found.values())
    missed = {
        asked.run: found[asked.run].missed(asked.bar, asked.spread or widest)
        for asked in results.ASKED
        if asked.bar
    }
    assert [run for run, share in missed.items() if share > 0.001] == []


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    results.draw(CONTENT, tmp_path / "runs.png")
    assert (tmp_path / "runs.png").read_bytes().startswith(b"\x89PNG")
