"""Are the packages we declare those we import, no more and no fewer?"""

import ast
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.project.test_dependencies import ROOT, project

IMPORTED_WHERE_PRESENT = {"google", "IPython"}  # by the bench: Colab's, and any notebook's
NOT_IMPORTED = {
    "ptflops": "assignment 04 counts with it",
    "cryptography": "Dask makes its key with it",
    "jupyterlab": "make lab",
}


def modules(path: Path) -> Iterator[str]:
    """The first names of what a file imports, at its top or anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).partition(".")[0]


def imported(of_the_bench: bool) -> set[str]:
    """The packages behind the imports of skipgrade/lab, or of all the rest."""
    known = metadata.packages_distributions()
    found: set[str] = set()
    for path in ROOT.glob("skipgrade/**/*.py"):
        inside = path.relative_to(ROOT / "skipgrade").parts
        if "cells" in inside or (inside[0] == "lab") != of_the_bench:
            continue
        for name in set(modules(path)) - set(sys.stdlib_module_names) - {"skipgrade"}:
            if of_the_bench and name in IMPORTED_WHERE_PRESENT:
                continue
            assert name in known, f"{path} imports {name}, which is not installed"
            (package,) = {canonicalize_name(one) for one in known[name]}
            found.add(package)
    return found


def declared(lines: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in lines}


def test_students_install_what_the_bench_imports() -> None:
    assert imported(of_the_bench=True) == declared(project()["dependencies"]) - {"ptflops"}


def test_staff_install_what_the_rest_imports() -> None:
    bench = declared(project()["dependencies"])
    staff = declared(project()["optional-dependencies"]["staff"])
    wanted = imported(of_the_bench=False)
    assert wanted - bench - staff == set(), "imported and not declared"
    assert staff - wanted == NOT_IMPORTED.keys() - bench, "declared and not imported"


@pytest.mark.parametrize("package", NOT_IMPORTED)
def test_what_is_not_imported_is_still_declared(package: str) -> None:
    extras = project()["optional-dependencies"]
    assert package in declared([*project()["dependencies"], *extras["staff"]])


def test_what_staff_need_is_bounded_to_what_was_tried() -> None:
    open_ended = {"packaging", "cryptography"}
    for line in project()["optional-dependencies"]["staff"]:
        requirement = Requirement(line)
        bounded = any(one.operator in ("<", "==") for one in requirement.specifier)
        assert bounded == (requirement.name not in open_ended), line
