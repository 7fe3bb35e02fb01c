"""Can a hand-in do anything to who looks at it: in Formgrader, in feedback, in the report?"""

import importlib.util
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import Config

from skipgrade.classroom import report
from skipgrade.classroom.course import Course
from tests.classroom import browser
from tests.judging import hostile, tiny
from tests.judging.hostile import CELL, MARKDOWN, METADATA, OUTPUTS, SHOWN_WITH
from tests.judging.tiny import ANSWERS, NAME

needs_chromium = pytest.mark.skipif(browser.PROGRAM is None, reason="no chromium is installed")
NBCLASSIC = importlib.util.find_spec("nbclassic")
CDN = re.compile(r'https://cdnjs\.cloudflare\.com/ajax/libs/mathjax/[^"]*')
MATHJAX = "/mathjax/MathJax.js?config=TeX-AMS-MML_HTMLorMML-full"  # without its own Safe mode
GOOD = """\
Because $a<b \\le \\frac{1}{2}$ and `x < y && z`:

```python
if a <b and c > d: print("<b>")
```

See [the paper](https://arxiv.org/abs/1512.03385), <https://arxiv.org/abs/1502.03167> and
![my curve](attachment:my%20curve.png). *Note* that H<sub>2</sub>O is **wet**.

| network | top-1 |
|---|---|
| LeNet-5 | 63 % |
"""


@dataclass
class Pages:
    """The course with one hand-in graded, its folder of pages, and the pages' names."""

    course: Course
    folder: Path

    def notebook(self) -> nbformat.NotebookNode:
        folder = self.course.folder("autograded", NAME, "mallory")
        return nbformat.read(folder / f"{NAME}.ipynb", as_version=4)


def formgrader(course: Course, notebook: Path) -> str:
    """The page as Formgrader's SubmissionHandler makes it, with the course's configuration."""
    config = Config(course.config)
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    resources = {
        "assignment_id": NAME, "notebook_id": NAME, "submission_id": "0", "index": 0, "total": 1,
        "base_url": "", "student": "mallory", "last_name": None, "first_name": None,
        "notebook_path": "",
    }  # fmt: skip
    page, _ = HTMLExporter(config=config).from_filename(str(notebook), resources=resources)
    return page


def site(folder: Path) -> Path:
    """A folder served as Formgrader serves: its own scripts, and MathJax where we have it."""
    shutil.copytree(handlers.static_path, folder / "formgrader" / "static")
    if NBCLASSIC is not None and NBCLASSIC.origin is not None:
        own = Path(NBCLASSIC.origin).parent / "static" / "components" / "MathJax"
        (folder / "mathjax").symlink_to(own)
    return folder


def put(folder: Path, name: str, page: str) -> None:
    (folder / f"{name}.html").write_text(CDN.sub(MATHJAX, page))


def hand_in(folder: Path) -> None:
    path = folder / f"{NAME}.ipynb"
    nb = nbformat.read(path, as_version=4)
    nb.metadata.update(METADATA)
    why = nb.cells[-1]
    why.source = GOOD
    why.attachments = {"my curve.png": {"image/png": hostile.PNG}}
    nb.cells += [new_markdown_cell(source, metadata=CELL) for source in MARKDOWN.values()]
    nb.cells += [
        new_raw_cell(MARKDOWN["script"], metadata=CELL),
        new_code_cell(hostile.displays(), metadata=CELL),
    ]
    for cell in nb.cells:
        cell.pop("id", None)
    nbformat.write(nb, path)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    root = tmp_path_factory.mktemp("pages") / "course"
    tiny_course = tiny.make(root, more=[tiny.written_answer()])
    shows = f"{hostile.displays()}\n{ANSWERS['double']}".replace("2 * x", "3 * x")
    hand_in(tiny_course.hand_in("mallory", {**ANSWERS, "double": shows}))
    for command in ("autograde", "generate_feedback"):
        done = tiny_course.nbgrader(command, NAME)
        assert done.returncode == 0, done.stderr[-3000:]
    course, folder = Course(root), site(tmp_path_factory.mktemp("site"))
    graded = course.folder("autograded", NAME, "mallory") / f"{NAME}.ipynb"
    put(folder, "formgrader", formgrader(course, graded))
    feedback = course.folder("feedback", NAME, "mallory") / f"{NAME}.html"
    put(folder, "feedback", feedback.read_text())
    return Pages(course, folder)


def harm(seen: browser.Seen) -> list[str]:
    """What got through of the hostile hand-in."""
    found = ["a script ran"] if "data-ran" in seen.dom.split("<head")[0] else []
    found += [f"asked for {path}" for path in seen.asked if "stolen" in path]
    found += [f"reached {told[:200]!r}" for told in seen.elsewhere if "leak.example" in told]
    good = re.compile(r"https?://|mailto:|#|/formgrader/|/notebooks/")
    found += [f"link to {link}" for link in seen.links() if not good.match(link)]
    return found


@needs_chromium
@pytest.mark.parametrize("page", ["formgrader", "feedback"])
def test_nothing_of_a_hostile_hand_in_runs_or_loads(pages: Pages, page: str) -> None:
    seen = browser.look_at(pages.folder, f"{page}.html")
    assert harm(seen) == []
    assert "1 of 2 points" not in seen.dom and "0 of 2 points" in seen.dom


@needs_chromium
@pytest.mark.filterwarnings("ignore::UserWarning:nbconvert", "ignore:.*not able to be represented")
def test_the_same_hand_in_shown_as_it_is_does_harm(pages: Pages, tmp_path: Path) -> None:
    """Would the tests above see it?"""
    nb = nbformat.v4.new_notebook(metadata=METADATA)
    bundles = [
        new_output("display_data", data=data, metadata=SHOWN_WITH) for data in OUTPUTS.values()
    ]
    nb.cells = [new_markdown_cell(MARKDOWN[name]) for name in ("script", "onerror", "links")]
    nb.cells.append(new_code_cell("1", outputs=bundles))
    nbformat.write(nb, tmp_path / "raw.ipynb")
    put(pages.folder, "raw", formgrader(pages.course, tmp_path / "raw.ipynb"))
    told = "\n".join(harm(browser.look_at(pages.folder, "raw.html")))
    assert "a script ran" in told and "stolen" in told and "leak.example" in told
    assert "link to javascript:" in told


def test_nothing_is_stored_before_it_is_sanitised(pages: Pages) -> None:
    """Someone may look while the notebook still runs: nbgrader writes it before that."""
    steps = [step.__name__ for step in pages.course.config.Autograde.sanitize_preprocessors]
    assert steps.index("OverwriteCellsAtOnce") < steps.index("Sanitise")


def test_verdicts_alone_look_like_verdicts(pages: Pages) -> None:
    """Style, class and id come from nbgrader and from us; every box is one of the judge's."""
    judged = [cell for cell in pages.notebook().cells if "skipgrade" in cell.metadata]
    for page in ("formgrader", "feedback"):
        text = (pages.folder / f"{page}.html").read_text()
        boxes = 'class="reason verdict ' if page == "feedback" else "border-left-width:8px"
        assert len(judged) == 3
        written = 1 if page == "feedback" else 0  # there a box says that it is not read yet
        assert text.count(boxes) == len(judged) + written
        body = text[text.index("<body") :]
        assert "9 of 9 points" in body
        assert not re.search(rf"<\w[^<>]*{re.escape(hostile.BOX)}", body)


def test_the_answer_can_still_be_read(pages: Pages) -> None:
    for page in ("formgrader", "feedback"):
        text = (pages.folder / f"{page}.html").read_text().replace("\u200b", "")
        assert "<code>x &lt; y &amp;&amp; z</code>" in text
        assert "H<sub>2</sub>O" in text and "<strong>wet</strong>" in text
        assert '<a href="https://arxiv.org/abs/1512.03385">the paper</a>' in text
        assert f'alt="my curve" src="data:image/png;base64,{hostile.PNG}"' in text
        assert "<td>LeNet-5</td>" in text and "\\frac{1}{2}$" in text


def test_the_report_steers_no_terminal(pages: Pages) -> None:
    lines = list(report.lines(report.rows(pages.course, NAME)))
    assert all(line.isprintable() for line in lines)


@needs_chromium
@pytest.mark.skipif(NBCLASSIC is None, reason="nbclassic, which holds MathJax 2, is not installed")
def test_mathjax_typesets_sums_and_no_styles(pages: Pages) -> None:
    seen = browser.look_at(pages.folder, "formgrader.html")
    assert harm(seen) == []
    assert 'class="mfrac"' in seen.dom
    body = re.sub(r"<script.*?</script>", "", seen.dom[seen.dom.index("<body") :], flags=re.DOTALL)
    assert 'href="javascript' not in body and body.count('id="why"') == 1  # the score's own
