"""A second copy of a run's files, in SKIPGRADE_RUNS: a folder that outlives this machine.

The resume file alone decides where a run stands (see `checkpoint`), so it is copied first, and of
the others only the best weights, which an earlier epoch may have written.
"""

import os
from pathlib import Path

from skipgrade.lab.errors import LabError
from skipgrade.lab.files import KINDS, run_file, write_atomically
from skipgrade.lab.retraining import retraining

VARIABLE = "SKIPGRADE_RUNS"
RESUME, BEST = "resume.safetensors", "best.safetensors"


def keep(name: str, *, best: bool) -> None:
    """Copy where the run stands now, and the best weights where this epoch's are the `best`."""
    folder = _folder()
    if folder is None:
        return
    for path in (run_file(name, RESUME), run_file(name, BEST)):
        kept = folder / path.name
        stale = best or path.name.endswith(RESUME) or not kept.exists()
        if stale and path.exists():
            write_atomically(kept, path.read_bytes())


def fetch(name: str) -> None:
    """Bring back a run that this folder has lost; what lies here already counts."""
    folder = _folder()
    if folder is None or run_file(name, RESUME).exists():
        return
    for kind in (BEST, RESUME):
        path = run_file(name, kind)
        kept = folder / path.name
        if kept.exists():
            write_atomically(path, kept.read_bytes())


def forget(name: str) -> None:
    """Delete every file of the run, so that the next `fit` with this name starts again."""
    folder = _folder()
    for path in (run_file(name, kind) for kind in KINDS):
        path.unlink(missing_ok=True)
        if folder is not None:
            (folder / path.name).unlink(missing_ok=True)


def _folder() -> Path | None:
    chosen = os.environ.get(VARIABLE)
    if not chosen or retraining():
        return None
    folder = Path(chosen).expanduser()
    if not folder.parent.is_dir():
        raise LabError(
            f"{VARIABLE} is {chosen}, but there is no folder {folder.parent}. On Colab, mount your "
            "Drive first: from google.colab import drive; drive.mount('/content/drive')."
        )
    folder.mkdir(exist_ok=True)
    return folder
