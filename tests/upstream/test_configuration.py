"""Is what an instructor may write into nbgrader_config.py read as traitlets reads it?

traitlets gives a `LazyConfigValue` for a list nobody has set, which is no list: settings are read
from an object of their class, never from the configuration itself. A list that is set is a list,
and `+=` works; on one that is not, `+=` is traitlets' own TypeError, and the command ends there.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from nbgrader.converters import GenerateAssignment

from skipgrade.classroom import holdout
from skipgrade.classroom.course import Course
from skipgrade.judging.grader.execute import JudgedExecute, why_not_here
from skipgrade.sandbox import PROTECTIONS, SandboxProvisioner, missing_protections

ROOT = Path(__file__).parents[2]
WAYS = [
    "c.SandboxProvisioner.{name} = [{value!r}]",
    "c.SandboxProvisioner.{name}.append({value!r})",
    "c.SandboxProvisioner.{name}.extend([{value!r}])",
    "c.SandboxProvisioner.{name}.insert(0, {value!r})",
    "c.SandboxProvisioner.{name} = []\nc.SandboxProvisioner.{name} += [{value!r}]",
    "c.WarmProvisioner.{name} = [{value!r}]",
]


def course(folder: Path, *lines: str) -> Course:
    (folder / "nbgrader_config.py").write_text("\n".join(["c = get_config()", *lines]))
    return Course(folder)


class Prepared(JudgedExecute):
    """Ready to make the manager of a kernel, with no submission."""

    class Judge:
        preload = ("torch",)

    class Copy:
        folder = Path("/tmp/x/work")

    _judge, _workcopy = Judge(), Copy()  # type: ignore[assignment]


def readable(config: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What the kernel of a submission may read, besides the data sets' training files."""
    monkeypatch.delenv("SKIPGRADE_DATA", raising=False)
    manager = Prepared(config=config).create_kernel_manager()
    provisioner = SandboxProvisioner(config=manager.config)
    assert provisioner.preload == ["torch"]
    return list(provisioner.readable)


@pytest.mark.parametrize("way", WAYS)
def test_more_files_may_be_made_readable(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = course(tmp_path, way.format(name="readable", value="/data")).config
    for _ in range(2):  # the second submission of a run sees the same
        assert readable(config, monkeypatch, tmp_path) == ["/data"]


def test_training_files_are_added_to_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = course(tmp_path, "c.SandboxProvisioner.readable.append('/data')").config
    monkeypatch.setenv("SKIPGRADE_DATA", "/cifar")
    manager = Prepared(config=config).create_kernel_manager()
    first, *others = SandboxProvisioner(config=manager.config).readable
    assert first == "/data"
    assert others and all(path.startswith("/cifar/") for path in others)


@pytest.mark.parametrize("way", WAYS)
def test_a_missing_protection_may_be_accepted(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = next(iter(PROTECTIONS))
    monkeypatch.setattr("skipgrade.sandbox.confinement.missing", lambda: [name])
    assert name in why_not_here(course(tmp_path).config)
    config = course(tmp_path, way.format(name="accept_missing", value=name)).config
    assert why_not_here(config) == ""


def test_without_a_word_nothing_is_accepted(tmp_path: Path) -> None:
    config = course(tmp_path).config
    assert SandboxProvisioner(config=config).accept_missing == []
    assert bool(why_not_here(config)) == bool(missing_protections())


@pytest.mark.parametrize(
    ("line", "name"),
    [("", "holdout.key"), ("c.JudgedExecute.secret_file = 'other.key'", "other.key")],
)
def test_the_key_of_the_held_out_images(line: str, name: str, tmp_path: Path) -> None:
    assert holdout.secret_file(course(tmp_path, line)) == tmp_path / name


def test_releasing_adds_to_nbgraders_own_steps() -> None:
    """`GenerateAssignment.preprocessors.default()` in our own nbgrader_config.py."""
    steps = GenerateAssignment(config=Course(ROOT).config).preprocessors
    usual = GenerateAssignment().preprocessors
    kept = [step for step in steps if step in usual]
    assert kept == usual, "nbgrader's own steps of releasing are gone"
    ours = [step.__name__ for step in steps if step not in usual]
    assert ours == ["QuietStubs", "ColabHeader"] and steps[-1].__name__ == "ColabHeader"
