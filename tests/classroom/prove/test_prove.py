"""Does `skipgrade prove` find unfair tests and blind ones, and say so?"""

import json
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from skipgrade import cli
from skipgrade.classroom.prove import Proof, _folder_of, prove
from skipgrade.classroom.prove.cells import BEGIN, END, read
from skipgrade.classroom.prove.equivalents import equivalents
from skipgrade.classroom.prove.found import Found
from skipgrade.classroom.prove.mutants import mutants
from skipgrade.classroom.prove.side_by_side import answers
from skipgrade.classroom.prove.table import wilson
from skipgrade.classroom.prove.trial import IMAGES, Bench, _some_images
from skipgrade.classroom.rehearsal import SOLUTION
from skipgrade.judging.judge.holdout import LABELS_FILE
from skipgrade.lab.pack import FILE as PACK_FILE
from tests.classroom.conftest import ASSIGNMENT
from tests.classroom.prove import snippets

UNFAIR = snippets.NET_TEST.replace(
    'check.parameters("Net()", worth=0.5)',
    'check.equal("[name for name, _ in Net().named_parameters()]", worth=0.5)',
)
BLIND = snippets.WORK_TEST.replace("work([3, 6, 9], False), work([], False)", "7")


def run(root: Path, capsys: pytest.CaptureFixture[str], *more: str, **changed: str):
    """The status and the output of the command, in a course with some cells changed."""
    snippets.course(root, **changed)
    status = cli.main(["--course", str(root), "prove", ASSIGNMENT, *more])
    return status, capsys.readouterr().out


def test_few_images_are_looked_at_but_the_whole_final_test(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = torch.arange(2000).view(-1, 1), torch.arange(2000)
    monkeypatch.setattr("skipgrade.classroom.prove.trial.open_images", lambda name: everything)
    images, labels = _some_images("cifar10")
    assert images.flatten().tolist() == labels.tolist() == list(range(IMAGES))
    assert [len(part) for part in _some_images("pack")] == [2000, 2000]


def test_fair_tests_that_see(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "proof.json"
    status, said = run(tmp_path / "course", capsys, "--sample", "12", "--json", str(file))
    assert status == cli.DONE, said
    assert "equivalents accepted: 12 of 12, of " in said and "(100.0%, 95% interval 75.7%" in said
    assert re.search(r"mutants caught: \d+ of 12, of \d+ there are", said)
    assert "not tried: 3 mutants in cells that train" in said
    assert "not asked, since they need cells that train, or a rehearsal's files: file-test" in said
    assert "not tried: parts of first that no test asked here looks at" in said
    (told,) = json.loads(file.read_text())
    assert told["equivalents"]["full_points"] == told["equivalents"]["tried"] == 12
    mutants = told["mutants"]["variants"]
    assert len(mutants) == 12 and all(one["diff"] for one in mutants)
    assert all(one["lost"] or one["stopped"] for one in mutants if one["cell"] == "net")


def test_an_unfair_test_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = run(tmp_path, capsys, "--sample", "60", net_test=UNFAIR)
    assert status == cli.NOT_DONE
    assert re.search(r"refused  net \(\w+.*\): net-test -2 \(Expected: ", said)
    assert re.search(r"\n +\+ .*(nn\.|self\.)", said)


def test_a_blind_test_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = run(tmp_path, capsys, "--sample", "20", work_test=BLIND)
    assert status == cli.DONE
    assert "survives work (" in said
    assert "a person has to say" in said


def test_known_survivors_are_not_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proof = prove(snippets.course(tmp_path / "first", work_test=BLIND), ASSIGNMENT, sample=15)
    (one, *others) = proof.survivors
    known = [{"cell": one[0].cell, "diff": one[0].diff, "why": "it is the same"}]
    file = tmp_path / "known.json"
    file.write_text(json.dumps({ASSIGNMENT: known}))
    arguments = ("--sample", "15", "--known", str(file))
    _, said = run(tmp_path / "second", capsys, *arguments, work_test=BLIND)
    assert "not counted: 1 mutants known to be right all the same" in said
    assert said.count("  survives ") == len(others)


def test_a_name_that_is_gone_is_not_there_from_before(tmp_path: Path) -> None:
    lost = losses(tmp_path, "work = 2\nspare = 1", "check.equal('spare')")
    assert lost[("-spare = 1", "+pass")] == {"work-test": 2.0}
    assert lost[("-work = 2", "+work = 3")] == {}, "no test names it"


def test_what_a_check_reads_in_the_notebook_is_what_the_variant_says(tmp_path: Path) -> None:
    lost = losses(tmp_path, "work = True", "check.written('work')")
    assert lost[("-work = True", "+work = False")] == {"work-test": 2.0}
    assert lost[("-work = True", "+work: bool = True")] == {}


def test_files_of_weights_bear_the_names_of_the_solution(tmp_path: Path) -> None:
    """A network whose parts have other names was not the one that was trained, only here."""
    reads = (
        "from skipgrade.judging import handed_in\n"
        "check.that(len(handed_in.weights('net')) == 4, expected='four', got='others')\n"
    )
    test = snippets.NET_TEST.replace("### END", f"{reads}### END")
    course = snippets.course(tmp_path / "course", net_test=test)
    path = course.folder("source", ASSIGNMENT) / f"{ASSIGNMENT}.ipynb"
    bench = Bench(path, tmp_path, "a seed")
    save_file(bench.solution["Net"]().state_dict(), tmp_path / "net-best.safetensors")
    solution = bench.ask(None, all_tests=True)
    assert solution.weighed == ["net-test"] and "net-test" not in solution.lost
    bench.learn(solution)
    (net,) = [one for one in read(path) if one.id == "net"]
    variants = list(equivalents(net, bench.solution))
    renamed = [one for one in variants if one.how == "attribute"]
    assert renamed and not any(bench.notices(one) for one in renamed)
    kept = next(one for one in variants if not one.renames and bench.notices(one))
    assert bench.ask(kept, all_tests=True).weighed == ["net-test"]


def losses(root: Path, code: str, asked: str) -> dict[tuple[str, ...], dict[str, float]]:
    """What each variant of a cell with this code loses in one test, by its changed lines."""
    test = f"pass\n### BEGIN HIDDEN TESTS\nfrom skipgrade.judging import check\n{asked}\n"
    cell = f"{BEGIN}\n{code}\n{END}"
    course = snippets.course(root, work=cell, work_test=f"{test}### END HIDDEN TESTS")
    path = course.folder("source", ASSIGNMENT) / f"{ASSIGNMENT}.ipynb"
    bench = Bench(path, root, "a seed")
    bench.learn(Found(lost={"file-test": 1.0, "net-test": 1.0}))
    (chosen,) = [one for one in read(path) if one.id == "work"]
    variants = [*mutants(chosen), *equivalents(chosen, bench.solution)]
    return {tuple(one.diff): bench.ask(one, all_tests=True).lost for one in variants}


def test_a_rehearsals_files_are_there_and_the_labels_of_its_final_test(tmp_path: Path) -> None:
    course = snippets.course(tmp_path)
    rehearsed = tmp_path / "build" / "rehearsal" / ASSIGNMENT
    files = rehearsed / "submitted" / SOLUTION / ASSIGNMENT
    files.mkdir(parents=True)
    (files / PACK_FILE).touch()
    (rehearsed / LABELS_FILE).touch()
    with _folder_of(course, ASSIGNMENT) as folder:
        assert Path.cwd() == folder and Path(PACK_FILE).exists()
        assert (folder.parent / LABELS_FILE).exists(), "where those of a course are looked for"


def test_the_same_seed_draws_the_same(tmp_path: Path) -> None:
    course = snippets.course(tmp_path)
    first, again, other = (prove(course, ASSIGNMENT, sample=2, seed=seed) for seed in (1, 1, 2))
    assert _diffs(first) == _diffs(again) != _diffs(other)


def _diffs(proof: Proof) -> list[list[str]]:
    return [one.diff for one, _ in [*proof.equivalents, *proof.mutants]]


def _answer(question: str) -> str:
    if question == "loops":
        while True:
            pass
    if question == "crashes":
        import os

        os._exit(3)
    return question.upper()


def test_a_process_that_loops_or_crashes_costs_only_its_own_answer() -> None:
    questions = ["a", "loops", "crashes", "b"]
    found = dict(answers(questions, _answer, workers=2, seconds=3))
    assert found == {"a": "A", "b": "B", "loops": "took too long", "crashes": "crashed"}


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [(0, 0, 0, 1), (200, 200, 0.9812, 1), (5, 10, 0.2366, 0.7634), (0, 20, 0, 0.1611)],
)
def test_the_interval_is_wilsons(count: int, total: int, low: float, high: float) -> None:
    assert wilson(count, total) == pytest.approx((low, high), abs=1e-4)
