"""Names that a source notebook's own cells define, for measuring what the course asks for."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def names(assignment: str, *cells: str) -> dict[str, Any]:
    """Run these code cells of the instructor's notebook, in its order; what they define."""
    path = ROOT / "source" / assignment / f"{assignment}.ipynb"
    found: dict[str, Any] = {"__name__": "__main__"}
    left = set(cells)
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell.get("id") in left:
            exec(compile("".join(cell["source"]), cell["id"], "exec"), found)
            left.discard(cell["id"])
    if left:
        raise LookupError(f"{path} has no cell {', '.join(sorted(left))}")
    return found
