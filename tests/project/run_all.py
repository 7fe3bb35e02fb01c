"""Runs a notebook's code cells as a student's Run All does, with nothing but what the students'
wheel asks for: a plain program, for a process of its own.

    python run_all.py WHEEL NOTEBOOK

Prints as JSON which cells raised what. A Run All ends at the first; here the cells below it run,
too. `%pip` needs a notebook: the install cell, which does nothing where all is there, is left out.
"""

import contextlib
import gc
import io
import json
import linecache
import sys
from email.parser import Parser
from importlib import metadata
from importlib.abc import MetaPathFinder
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement  # of matplotlib's
from packaging.utils import canonicalize_name


def asked_for(wheel: Path) -> set[str]:
    """The packages a student gets with the wheel: what it asks for, and what those ask for."""
    with ZipFile(wheel) as file:
        (described,) = (name for name in file.namelist() if name.endswith("/METADATA"))
        told = Parser().parsestr(file.read(described).decode())
    left, found = list(told.get_all("Requires-Dist") or []), {"skipgrade"}
    while left:
        wanted = Requirement(left.pop())
        name = canonicalize_name(wanted.name)
        if name in found or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        with contextlib.suppress(metadata.PackageNotFoundError):  # of another system's
            left += metadata.requires(name) or []
            found.add(name)
    return found


class NothingElse(MetaPathFinder):
    """Hides every installed package that was not asked for."""

    def __init__(self, asked: set[str]) -> None:
        holders = metadata.packages_distributions().items()
        self.hidden = {
            module
            for module, packages in holders
            if not asked & {canonicalize_name(one) for one in packages}
        }

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name.partition(".")[0] in self.hidden:
            raise ModuleNotFoundError(f"{name} is no package of the wheel's", name=name)


def run_all(cells: list[dict]) -> list[dict[str, str]]:
    names: dict = {"__name__": "__main__"}
    stopped = []
    for number, cell in enumerate(cells):
        source = "".join(cell["source"])
        if cell["cell_type"] != "code" or "%pip" in source:
            continue
        file = f"<cell {number}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said):
                exec(compile(source, file, "exec"), names)
        except Exception as error:
            raised = {"kind": type(error).__name__, "text": str(error)}
            missing = {"name": getattr(error, "name", None) or ""}
            stopped.append({"source": source, "said": said.getvalue(), **raised, **missing})
    return stopped


if __name__ == "__main__":
    gc.disable()  # most of the time is imports, and what they make stays
    wheel, notebook = map(Path, sys.argv[1:])
    sys.meta_path.insert(0, NothingElse(asked_for(wheel)))
    sys.path.insert(0, str(wheel))
    import skipgrade

    assert str(skipgrade.__file__).startswith(str(wheel)), skipgrade.__file__
    print(json.dumps(run_all(json.loads(notebook.read_text(encoding="utf-8"))["cells"])))
