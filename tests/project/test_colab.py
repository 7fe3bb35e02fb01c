"""Does the first cell leave Colab's Python and PyTorch as they are, and fetch little besides?"""

import json
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from importlib import metadata
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from skipgrade.classroom.colab import COLABS_OWN, light_requirements

ROOT = Path(__file__).parents[2]
(WHEEL,) = (ROOT / "release").glob("*.whl")
NO_UPPER_BOUND = {">=", ">", "!="}


@pytest.fixture(scope="module")
def told() -> Message:
    with ZipFile(WHEEL) as file:
        (name,) = (name for name in file.namelist() if name.endswith("/METADATA"))
        return Parser().parsestr(file.read(name).decode())


@pytest.mark.parametrize("python", ["3.11.0", "3.12.11", "3.13.0", "3.14.0"])
def test_the_wheel_takes_the_python_that_is_there(told: Message, python: str) -> None:
    assert python in SpecifierSet(told["Requires-Python"])


def test_the_wheel_pins_nothing(told: Message) -> None:
    for line in told.get_all("Requires-Dist") or []:
        asked = Requirement(line)
        assert {bound.operator for bound in asked.specifier} == {">="}, line
        assert not asked.extras and not asked.url, line


def installed_with(lines: list[str]) -> Iterator[tuple[str, Requirement]]:
    """Each package the first cell installs, with each thing it asks for."""
    left, seen = [Requirement(line.strip('"')).name for line in lines], set()
    while left:
        name = canonicalize_name(left.pop())
        if name in seen or name in COLABS_OWN:
            continue
        seen.add(name)
        for line in metadata.requires(name) or []:
            asked = Requirement(line)
            if asked.marker is None or asked.marker.evaluate({"extra": ""}):
                yield name, asked
                left.append(asked.name)


def test_nothing_it_installs_makes_pip_replace_what_colab_has() -> None:
    """pip replaces an installed package only where a bound excludes it."""
    found = list(installed_with(light_requirements()))
    of_colab = [(name, asked) for name, asked in found if asked.name.lower() in COLABS_OWN]
    assert {name for name, _ in of_colab} >= {"matplotlib", "ptflops"}, "nothing was looked at"
    for name, asked in of_colab:
        assert {bound.operator for bound in asked.specifier} <= NO_UPPER_BOUND, f"{name}: {asked}"


def test_a_student_gets_few_packages() -> None:
    """The four that the bench needs and Colab may lack, and what matplotlib is made of."""
    lines = light_requirements()
    names = {Requirement(line.strip('"')).name for line in lines}
    assert names == {"matplotlib", "ptflops", "safetensors", "tqdm"}
    others = {canonicalize_name(asked.name) for _, asked in installed_with(lines)} - COLABS_OWN
    assert len(names | others) <= 12, sorted(names | others)


@pytest.mark.parametrize("path", sorted(ROOT.glob("release/*/*.ipynb")), ids=lambda path: path.stem)
def test_the_first_code_cell_is_this_one(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    first = next("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert "%pip install -q --no-deps https://" in first and WHEEL.name in first
    assert f"%pip install -q {' '.join(light_requirements())}\n" in first
