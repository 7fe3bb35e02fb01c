"""What an instructor's own Run All leaves under source/, kept away from students.

nbgrader releases every file that lies next to a source notebook, and copies it over the student's
file of the same name before grading. For weights and histories both would be a gift.
"""

from pathlib import Path

PATTERNS = (
    "*-best.safetensors",
    "*-last.safetensors",
    "*-resume.*",
    "*-history.json",
    "*.zip",
    "data/**/*",
)


def beside_notebooks(source: Path) -> dict[str, list[str]]:
    """The leftovers of each assignment, as `Autograde.exclude_overwriting` wants them."""
    return {
        folder.name: [str(path.relative_to(folder)) for path in leftovers(folder)]
        for folder in sorted(source.glob("*/"))
    }


def leftovers(folder: Path) -> list[Path]:
    """What training and handing in have left in one assignment's folder."""
    found = {path for pattern in PATTERNS for path in folder.glob(pattern) if path.is_file()}
    return sorted(found)


def drop_from_release(*, assignment: str, student: str, notebooks: list[str]) -> None:
    """`GenerateAssignment.post_convert_hook`: runs in the course folder after each release."""
    for folder in Path("release").glob(assignment):
        for path in leftovers(folder):
            path.unlink()
        data = folder / "data"
        if data.is_dir():
            _remove_empty(data)


def _remove_empty(folder: Path) -> None:
    for child in folder.iterdir():
        if child.is_dir():
            _remove_empty(child)
    if not any(folder.iterdir()):
        folder.rmdir()
