"""Is the sample class made of what it says, and are its weights of its own making?"""

import ast
from pathlib import Path

import nbformat
import pytest
import torch
from safetensors.torch import load_file, save_file

from skipgrade.classroom import sample
from skipgrade.classroom.course import Course
from tests.conftest import GradedClass

KEPT = sorted(sample.HERE.glob("trained/*/*.safetensors"))


@pytest.fixture(scope="module")
def course(demo_class: GradedClass) -> Course:
    return demo_class.course


def cells(course: Course, student: str) -> dict[str, nbformat.NotebookNode]:
    one = next(one for one in sample.SAMPLES if one.student == student)
    filled = sample.notebook(course, one).cells
    return {cell.metadata.nbgrader.grade_id: cell for cell in filled if "nbgrader" in cell.metadata}


def test_own_cells_all_find_their_place(course: Course) -> None:
    """A renamed cell in the source notebook must not silently turn a sample into another."""
    answers = set(sample.solutions(course))
    for path in sample.HERE.glob("cells/*.py"):
        names = {name for name, _ in sample._own_cells(path.stem)}
        assert names
        assert names <= answers | {"*"}, f"{path.name}: {names - answers}"


def test_correct_is_the_source_without_markers(course: Course) -> None:
    answers = cells(course, "correct")
    for name, answer in sample.solutions(course).items():
        assert answers[name].source == answer
        assert "SOLUTION" not in answer
        assert "MARK SCHEME" not in answer


def test_own_style_shares_no_code_answer_with_the_source(course: Course) -> None:
    solutions = sample.solutions(course)
    own = cells(course, "own-style")
    same = [
        name
        for name, cell in own.items()
        if cell.cell_type == "code"
        and cell.source == solutions.get(name)
        and not name.startswith("claim")
    ]
    assert same == []


def test_strips_asserts_leaves_every_other_stub(course: Course) -> None:
    stubs = [
        cell
        for cell in cells(course, "strips-asserts").values()
        if "# YOUR CODE HERE" in cell.source
    ]
    assert len(stubs) == len([n for n in sample.solutions(course) if not _is_text(course, n)]) - 1


def _is_text(course: Course, name: str) -> bool:
    return cells(course, "correct")[name].cell_type == "markdown"


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_kept_weights_are_small_and_half(path: Path) -> None:
    assert path.stat().st_size < 250_000
    assert {tensor.dtype for tensor in load_file(path).values()} == {torch.float16}
    assert path.with_name(path.name.replace("-best.safetensors", "-history.json")).is_file()


def test_packing_keeps_weights_to_half_precision(tmp_path: Path) -> None:
    weights = {"a": torch.randn(20, 3), "steps": torch.tensor(7)}
    run, kept, back = (tmp_path / name for name in ("run", "kept", "back"))
    run.mkdir()
    back.mkdir()
    save_file(weights, run / "net-best.safetensors")
    (run / "net-history.json").write_text("{}")
    (run / "net-resume.safetensors").write_bytes(b"")
    sample.pack(run, kept)
    sample.unpack(kept, back)
    assert sorted(path.name for path in back.iterdir()) == [
        "net-best.safetensors",
        "net-history.json",
    ]
    restored = load_file(back / "net-best.safetensors")
    assert restored["a"].dtype == torch.float32
    assert restored["steps"] == 7
    torch.testing.assert_close(restored["a"], weights["a"], atol=1e-3, rtol=1e-3)


def test_every_trained_sample_has_its_weights() -> None:
    wanted = {one.trained for one in sample.SAMPLES if one.trained}
    assert {path.parent.name for path in KEPT} == wanted


def test_no_sample_needs_to_be_confined() -> None:
    """They are graded on machines that cannot: none reaches out of its own process."""
    harmless = {"ast", "torch", "torchvision", "warnings"}
    reaching = {"open", "exec", "eval", "compile", "__import__", "getattr", "globals", "system"}
    for path in sample.HERE.glob("cells/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [str(node.module)]
            else:
                assert getattr(node, "id", "") not in reaching, f"{path.name}: {ast.unparse(node)}"
                continue
            assert {name.partition(".")[0] for name in modules} <= harmless, path.name
