"""Is every command line of the documents run by a test, or named here with the reason it is not?"""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY", "autograded/README")),
    *sorted(ROOT.glob("docs/*.md")),
]
PROGRAMS = ("skipgrade", "nbgrader", "make", "docker", "podman")
TERM = "tests/classroom/term.py"  # runs commands as the documents have them
EXCHANGE = "tests/classroom/test_exchange.py"
NEW = (
    "tests/classroom/test_new_course.py",
    '["sh", "-c", line]',
)  # reads its lines in the document
# Commands that another test runs: where, and the words there that do.
RUN_ELSEWHERE = {
    "skipgrade publish ADDRESS": (TERM, "skipgrade publish {"),
    "skipgrade grade ASSIGNMENT --scheduler tls://head-node:8786": (
        "tests/classroom/test_cluster.py", '"--scheduler", address',
    ),
    "nbgrader autograde ASSIGNMENT": ("tests/conftest.py", '"autograde", sample.ASSIGNMENT'),
    "nbgrader release_assignment ASSIGNMENT": (EXCHANGE, '"release_assignment", bent.NAME'),
    "nbgrader collect ASSIGNMENT": (EXCHANGE, '"collect", bent.NAME'),
    "nbgrader release_feedback ASSIGNMENT": (EXCHANGE, '"release_feedback", bent.NAME'),
    "skipgrade why STUDENT ASSIGNMENT": (TERM, "skipgrade why {READ} ASSIGNMENT"),
    "skipgrade ask STUDENT ASSIGNMENT": (TERM, "skipgrade ask {READ} ASSIGNMENT"),
    "skipgrade new ~/vision --assignments 01,05": NEW,
    "skipgrade doctor": NEW,
    "skipgrade lint": NEW,
    "skipgrade publish git@github.com:me/homework.git": NEW,
    "skipgrade collect ASSIGNMENT submissions.zip": NEW,
    "skipgrade holdout build": ("tests/classroom/test_holdout.py", '"holdout", "build"'),
    "skipgrade audit ASSIGNMENT --sample 5 --figure curves.png": (
        "tests/classroom/audit/test_audit.py", '"audit", *arguments',
    ),
    "make demo": ("tests/machines/test_elsewhere.py", '"demo"'),
    "make term": ("tests/classroom/test_term.py", "term.walk("),
    "make release": (TERM, 'term.run("skipgrade release")'),
}  # fmt: skip
NOT_RUN = {
    "make test": "it is what runs this",
    "make coverage": "it runs tests",
    "make install": "without it nothing here runs",
    "make lock": "it asks the package index for everything",
    "make lock UPGRADE=1": "the same",
    "make lock-oldest": "the same",
    "make test-oldest": "it installs a second environment",
    ".venv/bin/python bench/train_sample_class.py": "it trains for minutes",
    "docker run": "there is no Docker where tests run, and the document says so",
    "podman run": "the same",
}


def commands() -> Iterator[str]:
    """Every command line in a block, without its comment."""
    for document in DOCUMENTS:
        fenced = False
        for line in document.read_text().splitlines():
            if line.startswith("```"):
                fenced = not fenced
            elif fenced or line.startswith("    "):
                command = re.sub(r"\s+#.*", "", line.strip())
                program, _, _ = command.partition(" ")
                if program in PROGRAMS or program.startswith(".venv/bin/"):
                    yield " ".join(shlex.split(command))


def plain(command: str) -> str:
    return re.sub(r"\b0\d-[a-z0-9-]+", "ASSIGNMENT", command)


FOUND = sorted({plain(command) for command in commands()})


def literals() -> set[str]:
    """The commands that the term runs word for word."""
    found = re.findall(r"""term\.run\(\s*f?(["'])(.*?)\1\s*\)""", (ROOT / TERM).read_text())
    return {" ".join(shlex.split(text)) for _, text in found}


def not_run(command: str) -> bool:
    return command in NOT_RUN or any(
        command.startswith(f"{one} ") for one in NOT_RUN if "run" in one
    )


def test_there_are_commands() -> None:
    assert len(FOUND) > 20 and len(literals()) > 10


@pytest.mark.parametrize("command", FOUND)
def test_a_test_runs_it(command: str) -> None:
    if command in RUN_ELSEWHERE:
        path, words = RUN_ELSEWHERE[command]
        assert words in (ROOT / path).read_text(), f"{path} no longer runs `{command}`"
    elif not not_run(command):
        assert command in literals(), f"let {TERM} run `{command}`, or say here where it is run"


@pytest.mark.parametrize("command", [one for one in FOUND if one.startswith("make ")])
def test_make_knows_the_target(command: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", *command.split()[1:]], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_nothing_here_has_left_the_documents() -> None:
    there = set(FOUND)
    for command in {*RUN_ELSEWHERE, *NOT_RUN}:
        assert any(one == command or one.startswith(f"{command} ") for one in there), command
