"""[grader] The verdict in a cell's outputs, so that nbgrader's `determine_grade` reads just that.

nbgrader takes the first of these it meets: an error or anything on stderr is zero; an
`execute_result` is the number of points; neither is full marks. What a submission prints must
therefore never look like one of them.
"""

from __future__ import annotations

import html
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

from skipgrade.judging.verdict import Verdict, reasons_as_data, reasons_of

NO_TEX = "tex2jax_ignore mathjax_ignore"  # names MathJax 2 and 3 leave alone
COLOURS = {"full": "#2e7d32", "part": "#b26a00", "none": "#b71c1c"}


def flatten_outputs(cell: NotebookNode) -> None:
    """Keep what the visible part showed, in a form that decides nothing."""
    for output in cell.outputs:
        if output.output_type == "stream":
            output.name = "stdout"
        elif output.output_type == "execute_result":
            output.output_type = "display_data"
            output.pop("execution_count", None)
        elif output.output_type == "error":
            text = "\n".join(output.traceback) or f"{output.ename}: {output.evalue}"
            output.clear()
            output.update(new_output("stream", name="stdout", text=text + "\n"))


def write_verdict(cell: NotebookNode, verdict: Verdict) -> None:
    """Put the verdict first, where no amount of printing can push it out of sight."""
    most = float(cell.metadata.nbgrader["points"])
    points = round(most * min(1.0, max(0.0, verdict.share)), 4)
    cell.metadata["skipgrade"] = NotebookNode(
        points=points,
        max=most,
        reasons=reasons_as_data(verdict.reasons),
        earlier=verdict.earlier,
        notes=verdict.notes,
        accuracies=verdict.accuracies,
        seconds=round(verdict.seconds, 3),
    )
    page = _page(cell.metadata["skipgrade"], followed=bool(cell.outputs))
    shown = [new_output("display_data", data=page)]
    if points == 0 and most > 0:
        shown.append(
            new_output(
                "error",
                ename="CheckFailed",
                evalue="\n".join(verdict.reasons),
                traceback=["No points: see above."],
            )
        )
    elif points < most:
        read_by_nbgrader = {**page, "text/plain": repr(points)}
        shown = [new_output("execute_result", data=read_by_nbgrader, execution_count=None)]
    cell.outputs = shown + list(cell.outputs)


def shown_by_notebook(cell: NotebookNode) -> list[NotebookNode]:
    """A judged cell's outputs without those that `write_verdict` put first."""
    kept = cell.metadata["skipgrade"]
    return list(cell.outputs[1 if kept["points"] >= kept["max"] else 2 :])


def _page(kept: dict[str, Any], *, followed: bool) -> dict[str, str]:
    """The verdict for people, as HTML and as text."""
    points, most = kept["points"], kept["max"]
    colour = COLOURS["full" if points == most else "part" if points else "none"]
    head = f"{points:g} of {most:g} points"
    told = "\n".join([*reasons_of(kept), *kept["notes"]]).splitlines()
    body = "".join(f"<br>{html.escape(line)}" for line in told)
    if followed:
        body += '<div style="color:#666;margin-top:.4em">Below: what the notebook showed.</div>'
    page = (
        f'<div class="{NO_TEX}" style="border:1px solid {colour};border-left-width:8px;'
        f'background:#fafafa;color:#222;padding:.4em .8em"><b>{head}</b>{body}</div>'
    )
    return {"text/html": page, "text/plain": "\n".join([head, *told])}
