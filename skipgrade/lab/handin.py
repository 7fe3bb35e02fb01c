"""Packing a submission, after looking whether everything is there."""

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from torch import nn

from skipgrade.lab import leftover, session
from skipgrade.lab.checkpoint import in_half, load_weights
from skipgrade.lab.errors import LabError
from skipgrade.lab.files import run_file, write_atomically
from skipgrade.lab.history import History
from skipgrade.lab.machine import autograding
from skipgrade.lab.predicted import read_predictions

Models = Mapping[str, Callable[[], nn.Module]]


def hand_in(
    student_id: str,
    *,
    assignment: str,
    weights: Models | None = None,
    predictions: Sequence[str] = (),
    small: bool = False,
) -> Path:
    """Write `<assignment>_<student id>.zip` in this folder, or say everything that is missing.

    `weights` names the runs asked for and what builds their models: {"lenet5": LeNet5}.
    With `small` the weights are packed in float16, which halves the file; those here stay as they
    are.
    """
    target = Path(f"{assignment}_{student_id}.zip")
    if autograding():
        return target
    problems = _check_id(student_id)
    notebook, trouble = _notebook(assignment)
    problems += trouble
    for name, build in (weights or {}).items():
        problems += _check_run(name, build)
    for file in predictions:
        problems += _complaint(partial(read_predictions, file))
    if problems:
        raise LabError("Nothing was packed yet. Still to do:\n  - " + "\n  - ".join(problems))
    files = sorted({*Path().glob("*-best.safetensors"), *Path().glob("*-history.json")})
    files += [Path(file) for file in predictions]
    write_atomically(target, _zip(f"{assignment}.ipynb", notebook, files, small))
    print(f"{target} is ready: the notebook and {len(files)} files. Hand in this one file.")
    for line in leftover.told(assignment, json.loads(notebook)["cells"], weights or {}):
        print(line)
    if not session.download(target):
        print(f"Your browser was not offered the file: download {target.resolve()} yourself.")
    return target


def _check_id(student_id: str) -> list[str]:
    if re.fullmatch(r"[A-Za-z0-9-]+", student_id):
        return []
    return [
        f"student id {student_id!r}: only letters, digits and dashes. Write yours in the call "
        "of lab.hand_in."
    ]


def _notebook(assignment: str) -> tuple[bytes, list[str]]:
    path = Path(f"{assignment}.ipynb")
    try:
        content = session.colab_notebook()
    except session.PageSilentError as silent:
        told = f"Colab did not hand over the notebook ({silent})"
        put = f"download it (File > Download .ipynb) and upload it to {Path.cwd()} as {path}"
        if not path.is_file():
            return b"", [f"{told}: run this cell again; if that does not help, {put}."]
        print(f"{told}, so the file {path} is packed. If it is not the newest, {put}.")
        content = None
    if content is not None:
        return json.dumps(content).encode(), []
    if not path.is_file():
        return b"", [
            f"{path} is not in this folder ({Path.cwd()}): save the notebook under this name, "
            "next to its weights."
        ]
    saved = path.read_bytes()
    try:
        cells = json.loads(saved)["cells"]
        sources = {"".join(cell["source"]).strip() for cell in cells if cell["cell_type"] == "code"}
    except (ValueError, KeyError, TypeError) as error:
        return saved, [f"{path} is not a notebook file ({error!r}): save it again."]
    stale = session.unsaved_cell(sources)
    if stale:
        return saved, [
            f"{path} is not saved: the cell that starts {stale!r} has changed since you last saved "
            "the notebook. Save it (Ctrl+S), or run that cell again."
        ]
    return saved, []


def _check_run(name: str, build: Callable[[], nn.Module]) -> list[str]:
    problems = _complaint(lambda: History.read(run_file(name, "history.json")))
    try:
        model = build()
    except NotImplementedError:
        return [*problems, f"the model for {name!r} cannot be built: it is not filled in."]
    except Exception as error:  # the student's code: whatever it raises is the finding
        return [*problems, f"the model for {name!r} cannot be built: {error!r}."]
    return problems + _complaint(lambda: load_weights(model, run_file(name, "best.safetensors")))


def _complaint(look: Callable[[], object]) -> list[str]:
    try:
        look()
    except LabError as error:
        return [str(error)]
    return []


def _zip(notebook_name: str, notebook: bytes, files: Sequence[Path], small: bool) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(notebook_name, notebook)
        for file in files:
            if small and file.suffix == ".safetensors":
                archive.writestr(file.name, in_half(file))
            else:
                archive.write(file, file.name)
    return packed.getvalue()
