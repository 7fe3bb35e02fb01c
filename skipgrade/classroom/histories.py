"""Training histories as they were handed in, for what looks at a whole class."""

from pathlib import Path

from skipgrade.judging.intake.plain_files import NotPlainFileError, open_plain
from skipgrade.lab.errors import LabError
from skipgrade.lab.history import History

END = "-history.json"


def histories_in(folder: Path, largest: int) -> dict[str, History]:
    """By run; what is not a history, or larger than so many bytes, is left out: its student is told
    by the judge.
    """
    found = {}
    for path in sorted(folder.glob(f"*{END}")):
        try:
            with open_plain(path) as file:
                text = file.read(largest + 1)
            if len(text) <= largest:
                found[path.name.removesuffix(END)] = History.parse(text, path)
        except (NotPlainFileError, LabError, OSError):
            continue
    return found
