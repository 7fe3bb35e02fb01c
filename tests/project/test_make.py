"""Does a fresh machine get a clear word, and a finished one JupyterLab with nbgrader?"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


@pytest.mark.parametrize("python", ["false", "no-such-python"])
def test_unusable_python_is_named_before_anything_is_built(tmp_path: Path, python: str) -> None:
    (tmp_path / "skipgrade").mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "skipgrade/__init__.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    done = subprocess.run(
        ["make", "install", f"PYTHON={python}"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "Python 3.11, 3.12 or 3.13" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_help_lists_the_commands() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for command in ("demo", "test", "lint", "lab", "release", "lock"):
        assert f"make {command} " in done.stdout


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        (["labextension", "list"], ["@jupyter/nbgrader"]),
        (
            ["server", "extension", "list"],
            ["nbgrader.server_extensions.formgrader", "nbgrader.server_extensions.assignment_list"],
        ),
    ],
    ids=["Create Assignment in JupyterLab", "Formgrader on the server"],
)
def test_nbgrader_extensions_are_enabled(command: list[str], wanted: list[str]) -> None:
    environment = os.environ | {"NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run(
        [BIN / "jupyter", *command], capture_output=True, text=True, env=environment, check=True
    )
    lines = (done.stdout + done.stderr).splitlines()
    for name in wanted:
        assert any(name in line and "enabled" in line for line in lines), f"{name} is not enabled"
        assert any(name in line and "OK" in line for line in lines), f"{name} does not load"


def test_precommit_runs_what_lint_runs_from_the_environment() -> None:
    """No hook may fetch anything: each is a tool of .venv that `make lint` runs too."""
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    lint = (ROOT / "Makefile").read_text().split("\nlint:")[1].split("\n\n")[0]
    tools = set()
    for repo in config["repos"]:
        assert repo["repo"] == "local"
        for hook in repo["hooks"]:
            assert hook["language"] == "system"
            path, *_ = hook["entry"].split()
            assert (BIN / Path(path).name).is_file()
            tools.add(Path(path).name)
    assert tools == {"nbstripout", "ruff", "mypy"}
    for tool in tools:
        assert f"/{tool}" in lint


def test_what_shares_something_costly_runs_in_one_process(request: pytest.FixtureRequest) -> None:
    """Or every process would rehearse every assignment."""
    if hasattr(request.config, "workerinput"):
        assert request.node.nodeid.endswith("@test_make.py")
