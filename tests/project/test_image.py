"""Is the container's image made of files that are there, and of nothing that must stay at home?"""

from __future__ import annotations

import re
import shlex
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KNOWN = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "CMD"}
DOCUMENT = (ROOT / "docs" / "instructors.md").read_text()
RUNS = re.findall(r"^(?:docker|podman) run .*$", DOCUMENT, re.M)
# Of `docker run` and `podman run`: with a value, and without.
WITH_VALUE = {"--cap-add", "--user", "--userns", "-v"}
ALONE = {"--rm", "-it", "--init"}


def instructions() -> list[tuple[str, str]]:
    """Of the Dockerfile, with lines that go on joined."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found = [line.partition(" ") for line in lines]
    return [(name, rest) for name, _, rest in found]


def copied() -> list[str]:
    return [
        source for name, rest in instructions() if name == "COPY" for source in rest.split()[:-1]
    ]


def ignored(path: str) -> bool:
    """The last line of .dockerignore that fits a path, or a folder it is in, decides."""
    verdict = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        around = [path, *map(str, Path(path).parents)]
        anywhere = pattern.removeprefix("**/") if pattern.startswith("**/") else None
        if any(fnmatch(each, pattern) or Path(each).name == anywhere for each in around):
            verdict = not line.startswith("!")
    return verdict


def test_every_instruction_is_one() -> None:
    first, *_ = found = instructions()
    assert first[0] == "FROM"
    assert {name for name, _ in found} == KNOWN
    version = re.fullmatch(r"python:(3\.\d+)-slim-\w+", first[1])
    assert version and version[1] in ("3.11", "3.12", "3.13")


def test_what_is_copied_is_there_and_let_through() -> None:
    assert copied()
    for source in copied():
        assert (ROOT / source).exists(), source
        assert not ignored(source), source


def test_nothing_of_a_course_is_let_through() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    let_through = {path.split("/")[0] for path in tracked if not ignored(path)}
    assert let_through == set(copied())
    for private in (
        "holdout.key",
        "holdout-labels.safetensors",
        "gradebook.db",
        "submitted/ada/01/01.ipynb",
        "source/01/01.ipynb",
        ".skipgrade/graded/x",
    ):
        assert ignored(private), private
    assert ignored("skipgrade/__pycache__/cli.pyc")


def test_the_installer_comes_with_its_hashes() -> None:
    """The image's first command, as the shell runs it."""
    (line,) = [rest for name, rest in instructions() if name == "RUN" and "uv.lock" in rest]
    command = line.partition(">")[0]
    found = subprocess.run(
        ["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert found.startswith("uv==") and found.count("--hash=sha256:") > 10
    assert found.count("==") == 1


@pytest.mark.parametrize("line", RUNS)
def test_how_it_is_run_in_the_docs(line: str) -> None:
    words = shlex.split(line)[2:]
    while words[0].startswith("-"):
        flag = words.pop(0)
        assert flag in ALONE | WITH_VALUE, flag
        if flag in WITH_VALUE:
            words.pop(0)
    image, *command = words
    assert image == "skipgrade" and command[0] == "skipgrade"
    assert "--cap-add SYS_PTRACE" in line


def test_the_docs_run_it() -> None:
    assert len(RUNS) == 3


@pytest.mark.parametrize("tool", ["docker", "podman"])
def test_make_builds_it(tool: str) -> None:
    told = subprocess.run(
        [
            "make",
            "--no-print-directory",
            "--dry-run",
            "image",
            *([] if tool == "docker" else [f"DOCKER={tool}"]),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told.splitlines()[-1] == f"{tool} build --tag skipgrade ."
