"""Does the hand-in hold everything, or say plainly what is missing?"""

import json
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, load_file

from skipgrade import lab
from skipgrade.lab import leftover, session
from skipgrade.lab.checkpoint import save_weights
from skipgrade.lab.visible import Task

ASSIGNMENT = "01-lenet5-pipeline"


def save_notebook(*sources: str) -> None:
    cells = [{"cell_type": "code", "source": source.splitlines(True)} for source in sources]
    Path(f"{ASSIGNMENT}.ipynb").write_text(json.dumps({"cells": cells, "nbformat": 4}))


@pytest.fixture
def trained(net, loaders):
    save_notebook("x = 1")
    lab.fit(net(), loaders, name="lenet5", epochs=1)
    lab.fit(net(), loaders, name="extra", epochs=1)
    return net


def test_a_complete_hand_in_becomes_one_zip(trained, capsys):
    lab.write_predictions("guess.csv", torch.tensor([3, 1, 2]))
    path = lab.hand_in(
        "ab-12", assignment=ASSIGNMENT, weights={"lenet5": trained}, predictions=["guess.csv"]
    )
    assert path.name == f"{ASSIGNMENT}_ab-12.zip" and path.name in capsys.readouterr().out
    with zipfile.ZipFile(path) as archive:
        assert set(archive.namelist()) == {
            f"{ASSIGNMENT}.ipynb",
            "lenet5-best.safetensors",
            "lenet5-history.json",
            "extra-best.safetensors",
            "extra-history.json",
            "guess.csv",
        }
        for name in archive.namelist():
            assert archive.read(name) == Path(name).read_bytes()


def test_a_small_hand_in_holds_the_same_weights_in_half_precision(trained):
    path = lab.hand_in("ab-12", assignment=ASSIGNMENT, weights={"lenet5": trained}, small=True)
    with zipfile.ZipFile(path) as archive:
        packed = load(archive.read("lenet5-best.safetensors"))
        history = archive.read("lenet5-history.json")
    assert history == Path("lenet5-history.json").read_bytes()
    whole = load_file("lenet5-best.safetensors")
    assert packed.keys() == whole.keys()
    for name, tensor in whole.items():
        floats = tensor.dtype == torch.float32
        assert packed[name].dtype == (torch.float16 if floats else tensor.dtype)
        assert torch.allclose(packed[name].to(tensor.dtype), tensor, rtol=1e-3, atol=1e-6)


def test_weights_too_large_for_half_precision_are_packed_as_they_are(trained):
    net = trained()
    with torch.no_grad():
        next(net.parameters()).mul_(1e6)
    save_weights(net, Path("lenet5-best.safetensors"))
    path = lab.hand_in("ab-12", assignment=ASSIGNMENT, weights={"lenet5": trained}, small=True)
    with zipfile.ZipFile(path) as archive:
        packed = archive.read("lenet5-best.safetensors")
    assert packed == Path("lenet5-best.safetensors").read_bytes()


def test_everything_missing_is_listed_at_once():
    Path("guess.csv").write_text("id,label\n0,1\n2,1\n")
    with pytest.raises(lab.LabError) as caught:
        lab.hand_in(
            "my id!",
            assignment=ASSIGNMENT,
            weights={"lenet5": lambda: torch.nn.Linear(2, 2)},
            predictions=["guess.csv", "gone.csv"],
        )
    message = str(caught.value)
    for part in (
        "'my id!'",
        f"{ASSIGNMENT}.ipynb is not in this folder",
        "lenet5-history.json is missing",
        "lenet5-best.safetensors is missing",
        "guess.csv, line 3: want id 1",
        "gone.csv is missing",
    ):
        assert part in message
    assert not list(Path().glob("*.zip"))


def test_weights_that_do_not_load_into_the_model_are_found(trained):
    with pytest.raises(lab.LabError, match=r"lenet5-best\.safetensors does not fit"):
        lab.hand_in("a", assignment=ASSIGNMENT, weights={"lenet5": lambda: trained(9)})


def test_a_model_that_cannot_be_built_is_a_finding(trained):
    def stub():
        raise NotImplementedError

    with pytest.raises(lab.LabError, match="'lenet5' cannot be built: it is not filled in"):
        lab.hand_in("a", assignment=ASSIGNMENT, weights={"lenet5": stub})


def test_a_file_that_is_no_notebook_is_found(trained):
    Path(f"{ASSIGNMENT}.ipynb").write_text("{'cells'")
    with pytest.raises(lab.LabError, match="is not a notebook"):
        lab.hand_in("a", assignment=ASSIGNMENT)


def test_autograding_packs_nothing(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    lab.hand_in("<your id>", assignment=ASSIGNMENT, weights={"lenet5": torch.nn.Identity})
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("executed", "saved", "stale"),
    [
        (["a = 1", "lab.hand_in('x')"], ["a = 1", "lab.hand_in('x')"], None),
        (["a = 1", "lab.hand_in('x')"], ["a = 1"], "lab.hand_in('x')"),
        (["def f():\n  return 2", "h()"], ["def f():\n  return 1", "h()"], "def f():"),
        (["def f():\n  return 1", "def f():\n  return 2", "h()"],
         ["def f():\n  return 2", "h()"], None),
        (["print(a)  # a cell since deleted", "h()"], ["h()"], None),
        (["", "h()\n"], ["h()"], None),
        ([], ["h()"], None),
    ],
)  # fmt: skip
def test_a_cell_run_in_another_form_than_the_file_holds_is_noticed(executed, saved, stale):
    assert session.last_run_not_in(executed, set(saved)) == stale


def test_on_colab_the_notebook_comes_from_the_page(monkeypatch, trained):
    shown = {"cells": [], "nbformat": 4, "from": "the page"}
    asked = []

    def blocking_request(what, **_):
        asked.append(what)
        return {"ipynb": shown}

    on_colab(monkeypatch, blocking_request)
    Path(f"{ASSIGNMENT}.ipynb").unlink()
    with zipfile.ZipFile(lab.hand_in("a", assignment=ASSIGNMENT)) as archive:
        assert json.loads(archive.read(f"{ASSIGNMENT}.ipynb")) == shown
    assert asked == ["get_ipynb"]


def on_colab(monkeypatch, blocking_request=None):
    """A module like Colab's; without the function, as if Colab had renamed it."""
    given = {} if blocking_request is None else {"blocking_request": blocking_request}
    message = types.SimpleNamespace(**given)
    monkeypatch.setitem(sys.modules, "google.colab", types.SimpleNamespace(_message=message))
    monkeypatch.setitem(sys.modules, "google.colab._message", message)


def times_out(what, **_):
    raise TimeoutError("nobody answers")


CHANGED: list[Any] = [
    None,
    times_out,
    lambda what, **_: None,
    lambda what: {"ipynb": {}},
    lambda *_, **__: {},
]


@pytest.mark.parametrize("request_to_page", CHANGED)
def test_when_colab_has_changed_the_file_is_packed_and_that_is_said(
    monkeypatch, trained, capsys, request_to_page
):
    on_colab(monkeypatch, request_to_page)
    with zipfile.ZipFile(lab.hand_in("a", assignment=ASSIGNMENT)) as archive:
        assert archive.read(f"{ASSIGNMENT}.ipynb") == Path(f"{ASSIGNMENT}.ipynb").read_bytes()
    said = capsys.readouterr().out
    assert said.count("Colab did not hand over the notebook") == 1
    assert f"the file {ASSIGNMENT}.ipynb is packed" in said


def test_without_page_and_file_it_says_how_to_get_the_file(monkeypatch, trained):
    on_colab(monkeypatch)
    Path(f"{ASSIGNMENT}.ipynb").unlink()
    with pytest.raises(lab.LabError, match=r"Colab did not hand over.*download it \(File"):
        lab.hand_in("a", assignment=ASSIGNMENT)


def graded(name, kind, source):
    marks = {"grade_id": name, "solution": True}
    return {"cell_type": kind, "source": source, "metadata": {"nbgrader": marks}}


STUB = "def f():\n    # YOUR CODE HERE\n    raise NotImplementedError()"


def test_what_is_left_is_named_and_the_file_packed_all_the_same(trained, monkeypatch, capsys):
    cells = [
        graded("filled", "code", "x = 1"),
        graded("stub", "code", STUB),
        graded("claim", "code", "# True or False?\n# YOUR CODE HERE"),
        graded("written", "markdown", "Because."),
        *(graded(f"why-{n}", "markdown", "YOUR ANSWER HERE") for n in range(1, 8)),
    ]
    Path(f"{ASSIGNMENT}.ipynb").write_text(json.dumps({"cells": cells, "nbformat": 4}))
    tasks = [Task(f"t{n}", f"Task {n}", 1.0, False, "assert x == 1, 'one'") for n in range(1, 8)]
    monkeypatch.setattr(leftover, "released", lambda: {ASSIGNMENT: tasks})
    monkeypatch.setattr(session, "names", lambda: {"x": 2})
    assert lab.hand_in("a", assignment=ASSIGNMENT, weights={"lenet5": trained}).is_file()
    assert capsys.readouterr().out.splitlines()[-10:] == [
        "Still open (the file can be handed in all the same):",
        "- code that is not filled in: stub, claim",
        "- answers that are not written: why-1, why-2, why-3, why-4, why-5 and 2 more",
        "- runs on the drawn images, worth little where the official ones are asked for: lenet5",
        "- 7 of 7 visible tests do not pass; lab.check() shows all:",
        *(f"  - Task {n}: one" for n in range(1, 6)),
    ]


def test_nothing_is_said_where_nothing_is_left(trained, monkeypatch, capsys):
    tasks = [Task("t", "Task", 1.0, False, "assert x == 1")]
    monkeypatch.setattr(leftover, "released", lambda: {ASSIGNMENT: tasks})
    monkeypatch.setattr(session, "names", lambda: {"x": 1})
    history = json.loads(Path("lenet5-history.json").read_text())
    history["settings"]["images"] = "official"
    Path("lenet5-history.json").write_text(json.dumps(history))
    capsys.readouterr()
    lab.hand_in("a", assignment=ASSIGNMENT, weights={"lenet5": trained})
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize("works", [True, False])
def test_on_colab_the_browser_is_offered_the_file(monkeypatch, trained, capsys, works):
    offered = []

    def download(path):
        offered.append(path)
        if not works:
            raise RuntimeError("the page is gone")

    on_colab(monkeypatch, lambda what, **_: {"ipynb": {"cells": []}})
    browser = types.SimpleNamespace(download=download)
    monkeypatch.setattr(sys.modules["google.colab"], "files", browser, raising=False)
    path = lab.hand_in("a", assignment=ASSIGNMENT)
    assert offered == [str(path)]
    assert (f"download {path.resolve()} yourself" in capsys.readouterr().out) == (not works)


def test_predictions_come_back_as_they_were_written():
    scores = torch.eye(5)[[4, 0, 2]]
    lab.write_predictions("guess.csv", scores)
    assert lab.read_predictions("guess.csv").tolist() == [4, 0, 2]


@pytest.mark.parametrize(
    "text",
    ["", "0,1\n", "id,label\n", "id,label\n0,cat\n", "id,label\n0,-1\n", "id,label\n0,1,2\n",
     "id,label\n1,1\n", "id,label\n0,1.5\n"],
)  # fmt: skip
def test_malformed_predictions_are_refused_by_name(text):
    Path("guess.csv").write_text(text)
    with pytest.raises(lab.LabError, match=r"guess\.csv"):
        lab.read_predictions("guess.csv")
