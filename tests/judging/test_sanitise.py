"""Is what a submission wrote harmless wherever it is shown, and still what its author wrote?"""

from __future__ import annotations

import html
import random
import re
import time
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import nbformat
import pytest
from nbconvert.exporters import ResourcesDict
from nbconvert.filters import markdown2html
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell
from nbgrader.utils import compute_checksum, determine_grade

from skipgrade.judging.grader.outputs import write_verdict
from skipgrade.judging.pages.markup import BREAK, safe_html, safe_markdown, safe_tex
from skipgrade.judging.pages.sanitise import Sanitise, UnfitNameError, sanitise
from skipgrade.judging.verdict import Verdict
from tests.judging import hostile
from tests.judging.hostile import CELL, MARKDOWN, METADATA, OUTPUTS, SHOWN_WITH

ATTRIBUTES = {"href", "rel", "src", "alt", "title", "width", "height", "colspan", "rowspan"}
MARKDOWNS_OWN = {"id", "class"}  # nbconvert gives them to headings and to coloured code
ADDRESS = re.compile(r"https?://|mailto:|#|data:image/(png|jpeg|gif|webp|svg\+xml);base64,")
TEX = re.compile(r"\\(href|style|class|cssId|unicode|require|def|bbox|rule|raise|rlap|mmlToken)\b")
SHOWN_BY: dict[str, Callable[[str], str]] = {"text/html": str, "text/markdown": markdown2html}


def notebook(*cells: NotebookNode, metadata: dict[str, Any] | None = None) -> NotebookNode:
    """A notebook nobody has looked at: nbformat's own functions refuse some of these."""
    own = nbformat.from_dict(metadata or {})
    return NotebookNode(nbformat=4, nbformat_minor=5, metadata=own, cells=list(cells))


class Found(HTMLParser):
    """What a page's markup could do."""

    def __init__(self, page: str, also: set[str] | None = None) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.allowed = ATTRIBUTES | (also or set())
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "iframe", "form", "svg", "base", "meta", "object", "link"):
            self.wrong.append(tag)
        for name, value in attrs:
            if name not in self.allowed:
                self.wrong.append(f"{tag} {name}={value}")
            if name in ("href", "src") and not ADDRESS.match(value or ""):
                self.wrong.append(f"{tag} {name}={value}")
            if tag == "img" and name == "src" and not (value or "").startswith("data:"):
                self.wrong.append(f"{tag} {name}={value}")

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", MARKDOWN)
def test_markdown_that_would_do_something_is_text(name: str) -> None:
    page = markdown2html(safe_markdown(MARKDOWN[name]))
    found = Found(page, MARKDOWNS_OWN)
    assert found.wrong == []
    assert not TEX.search(found.text)


@pytest.mark.parametrize("name", OUTPUTS)
def test_outputs_that_would_do_something_are_text(name: str) -> None:
    cell = new_code_cell("1", outputs=[])
    cell.outputs = [
        NotebookNode(output_type="display_data", data=OUTPUTS[name], metadata=SHOWN_WITH)
    ]
    sanitise(notebook(cell))
    (output,) = cell.outputs
    assert set(output.data) <= {
        "text/plain",
        "text/html",
        "text/markdown",
        "text/latex",
        "image/png",
    }
    assert output.metadata == {}
    for kind, text in output.data.items():
        page = SHOWN_BY.get(kind, html.escape)(text)
        found = Found(page, MARKDOWNS_OWN)
        assert found.wrong == []
        assert kind == "text/plain" or not TEX.search(found.text)


@pytest.mark.parametrize(
    "text",
    [
        "Plain *words*, **bold**, `code <b>`, 3 < 4 & 5 > 2, a_b and 2 * 3.",
        "# A heading\n\n- one\n- two\n  1. three\n\n> said\n\n---\n\n| a | b |\n|---|---|\n| 1 | 2 |",
        "The loss $L = -\\sum_i y_i \\log p_i$ and\n$$\\begin{aligned} a &= b \\\\ c &< d \\end{aligned}$$",
        "See [this](https://arxiv.org/abs/1512.03385 'ResNet'), [part 2](#part-2), me@example.org.",
        "<details>\n<summary>More</summary>\n\nH<sub>2</sub>O<br>\n</details>",
        "```python\nfor i in range(3): print(i <= 2 and x[i] != 1 & 3)\n```",
        f"![a curve](data:image/png;base64,{hostile.PNG})",
        "$x_{i+1} \\in \\mathbb{R}^{n\\times m}$, \\_, \\*, C:\\\\5, 50 %",
        "\\\\[2pt] is room for a row",
    ],
)
def test_plain_markdown_stays_as_it_is(text: str) -> None:
    assert safe_markdown(text) == text


@pytest.mark.parametrize(
    "text",
    ["`if a <b and layers[0](x)[1]: print('\\n')`", "a <b", "$a<b$", "x[0](y)", "R&D &#40;"],
)
def test_what_is_broken_up_is_seen_as_it_was(text: str) -> None:
    broken = safe_markdown(text)
    assert broken != text and broken.replace(BREAK, "") == text
    assert safe_markdown(broken) == broken


def test_code_with_a_break_is_not_coloured() -> None:
    """A lexer would mark the invisible character as the student's mistake."""
    page = markdown2html(safe_markdown("```python\nif a <b: net.layers[0](x)\n```"))
    assert "err" not in page and "if a &lt;" in page


def test_pictures_are_attachments_or_data() -> None:
    attached = {"my fig.png": {"image/png": hostile.PNG}, "x": {"image/svg+xml": "PHN2Zz4="}}
    cell = new_markdown_cell("![a](attachment:my%20fig.png) ![b](attachment:x) ![c](https://a/b)")
    cell.attachments = {**attached, "bad": {"image/png": '"><script>'}, "worse": "text"}
    sanitise(notebook(cell))
    assert cell.source == (
        f"![a](attachment:picture-1.png) {BREAK}(b: not shown) !{BREAK}[c](https://a/b)"
    )
    assert cell.attachments == {"picture-1.png": {"image/png": hostile.PNG}}


def test_a_picture_in_html_becomes_one_in_markdown() -> None:
    text = f'<img width="300" src="data:image/png;base64,{hostile.PNG}" onerror="x">'
    assert safe_markdown(text) == f"![](data:image/png;base64,{hostile.PNG})"


def test_a_table_stays_a_table() -> None:
    frame = (
        '<div>\n<style scoped>th {color: red}</style>\n<table border="1" class="dataframe">'
        '<thead><tr style="text-align: right;"><th></th><th colspan="2">a &lt; b</th></tr></thead>'
        "<tbody><tr><th>0</th><td>1.5</td></tr></tbody></table>\n</div>"
    )
    assert safe_html(frame) == (
        '<div>\n\n<table><thead><tr><th></th><th colspan="2">a &lt; b</th></tr></thead>'
        "<tbody><tr><th>0</th><td>1.5</td></tr></tbody></table>\n</div>"
    )


def test_html_is_balanced() -> None:
    assert safe_html("</div></p><b>1<i>2</b>3<td>") == "<b>1<i>2</i></b>3<td></td>"
    deep = safe_html("<div>" * 3000 + "x")
    assert deep.count("<div>") == deep.count("</div>") == 40


@pytest.mark.parametrize(
    "piece",
    [
        "<!--",
        "<a ",
        "<a '",
        "</",
        "<img src=",
        "&#",
        "<",
        "\\",
        "[",
        "![",
        "](",
        "`",
        "$",
        "<b",
        "\n",
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    """Time proportional to length: html.parser takes minutes for 100,000 characters of '<a '."""
    text = piece * (400_000 // len(piece))
    started = time.process_time()
    safe_html(text)
    safe_markdown(text)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "word", ["href", "style", "def", "newcommand", "Href", "begingroup", "let"]
)
def test_words_of_tex_are_known_or_broken(word: str) -> None:
    assert safe_tex(f"$\\{word}{{x}}$ \\alpha") == f"$\\{BREAK}{word}{{x}}$ \\alpha"


def test_rows_are_not_moved_out_of_the_page() -> None:
    for room in ("-1em", "20em", " 9 9 em", "+.5in"):
        assert safe_tex(f"a\\\\[{room}]b") == f"a\\\\{BREAK}[{room}]b"


def test_an_unanswered_cell_is_still_worth_nothing() -> None:
    """nbgrader compares it with what was released; it must not look answered."""
    marks = {"grade_id": "why", "grade": True, "solution": True, "locked": False, "points": 2}
    cell = new_markdown_cell("<i>Why?</i> <span style='x'>$\\href{a}{b}$</span> [x](y)")
    cell.metadata["nbgrader"] = NotebookNode(marks)
    cell.metadata.nbgrader.checksum = compute_checksum(cell)
    sanitise(notebook(cell))
    assert determine_grade(cell) == (0, 2)
    cell.source += " Because."
    sanitise(notebook(cell))
    assert determine_grade(cell) == (None, 2)
    assert f"<{BREAK}span" in cell.source


def test_metadata_that_pages_read_is_gone() -> None:
    marks = {"grade_id": "a"}
    cell = new_code_cell("1", metadata={**CELL, "nbgrader": marks})
    cell.metadata["execution"] = {"a": "b\ud800", "c": 1}
    cell.execution_count, cell.id = "<b>", "a b"
    raw = new_raw_cell("<script>x</script>", metadata=CELL)
    nb = notebook(
        cell, raw, metadata={**METADATA, "kernelspec": {"name": "python3", "display_name": "P"}}
    )
    sanitise(nb)
    assert set(nb.metadata) == {"kernelspec", "language_info"}
    assert nb.metadata.language_info["pygments_lexer"] == "ipython3"
    assert cell.metadata == {"nbgrader": marks, "execution": {"a": "b?", "c": ""}}
    assert (cell.execution_count, cell.id) == (None, "cell-1")
    assert raw.metadata == {} and "<script" not in raw.source
    nbformat.validate(nb)


ODD: list[Any] = [
    {"output_type": "stream", "name": ["stdout"], "text": {"a": 1}},
    {"output_type": "stream", "name": "<b>", "text": "lone \ud800 half"},
    {"output_type": "error", "ename": 1, "evalue": None, "traceback": [1, "line", None]},
    {"output_type": "error", "traceback": "text"},
    {"output_type": "display_data", "data": {"text/plain": 5, "image/png": ["a", 1]}, "metadata": 3},
    {"output_type": "display_data", "data": [1]},
    {"output_type": "execute_result", "data": {"text/plain": "1"}, "execution_count": 10**4000},
    {"output_type": "display_data", "data": {"\ud800": "x"}},
    {"output_type": "nonsense"},
    {},
    7,
]  # fmt: skip


def test_odd_outputs_become_sound_ones() -> None:
    cell = new_code_cell("1")
    cell.outputs = [NotebookNode(one) if isinstance(one, dict) else one for one in ODD]
    nb = notebook(cell)
    sanitise(nb)
    assert len(cell.outputs) == 8
    nbformat.validate(nb)
    nbformat.writes(nb).encode()


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", 'a" onclick="x', "a&lt;b"])
def test_a_students_folder_is_no_markup(name: str) -> None:
    """Formgrader puts its name into its pages as it is; such a submission is left ungraded."""
    with pytest.raises(UnfitNameError, match="rename it"):
        Sanitise().preprocess(notebook(), ResourcesDict(nbgrader={"student": name}))
    Sanitise().preprocess(notebook(), ResourcesDict(nbgrader={"student": "o'neil-42 é"}))


def test_twice_is_as_good_as_once() -> None:
    cells = [new_markdown_cell(source, metadata=CELL) for source in MARKDOWN.values()]
    code = new_code_cell("1")
    code.outputs = [
        NotebookNode(output_type="display_data", data=data) for data in OUTPUTS.values()
    ]
    nb = notebook(*cells, code)
    sanitise(nb)
    once = nbformat.writes(nb)
    sanitise(nb)
    assert nbformat.writes(nb) == once


def test_a_figure_keeps_its_size_and_a_drawing_is_shown_as_a_picture() -> None:
    cell = new_code_cell("1")
    cell.outputs = [
        NotebookNode(output_type="display_data", data={"image/png": hostile.PNG + "\n"}, metadata={"image/png": {"width": 640, "height": 10**9}}),
        NotebookNode(output_type="display_data", data={"image/svg+xml": hostile.SVG, "text/plain": "<Figure>"}),
    ]  # fmt: skip
    sanitise(notebook(cell))
    figure, drawing = cell.outputs
    assert figure.data == {"image/png": hostile.PNG}
    assert figure.metadata == {"image/png": {"width": 640}}
    assert drawing.data["text/html"].startswith('<img src="data:image/svg+xml;base64,')


def test_tex_in_a_reason_is_not_typeset() -> None:
    marks = {"grade_id": "a", "points": 1, "grade": True, "solution": False}
    cell = new_code_cell("1", metadata={"nbgrader": marks})
    write_verdict(cell, Verdict.zero("Got: $\\style{color:red}{1}$"))
    assert (
        cell.outputs[0].data["text/html"].startswith('<div class="tex2jax_ignore mathjax_ignore"')
    )


PIECES = [
    "<", ">", "/", "!", "?", "[", "]", "(", ")", ":", "&", "#", "\\", "`", "```", "~~~", "\n", " ", "$", '"', "=",
    "<b>", "</b>", "<br/>", "script", "img src=", "javascript:", "https://a.b/c", "attachment:", "a.png", "data:",
    "image/png;base64,AAAA", "bsol;", "#92;", "href", "alpha", "mermaid", "python", "2em", "-", "<!--", "-->", "![a]",
]  # fmt: skip


def test_nothing_dangerous_comes_of_what_is_taken_away() -> None:
    """Pieces put together at random: what is left out never joins its two sides."""
    draw = random.Random(10)
    bare = re.compile(
        r"</?(?:b|br|code|del|details|em|i|ins|kbd|s|small|strong|sub|summary|sup|u)\s?/?>"
    )
    for _ in range(20_000):
        text = "".join(draw.choices(PIECES, k=draw.randint(2, 14)))
        safe = safe_markdown(text, {"a.png": "a.png"})
        left = bare.sub("@", safe)
        assert not re.search(r"<[A-Za-z/!?]|\]:|&(?:#|bsol)|[`~]{3}[ \t]*mermaid", left), text
        assert not re.search(
            r"\]\((?!\s*<?(?:https?://|mailto:|#|attachment:a\.png\)|data:image/png;))", left
        ), text
        assert not re.search(
            r"!\[(?!a?\]\((?:attachment:a\.png|data:image/png;base64,AAAA)\))", left
        ), text
        assert not re.search(r"\\(?!alpha\b|b\b)[A-Za-z]", left), text
