"""The verdict in a cell's outputs, so that nbgrader's `determine_grade` reads just that.

nbgrader takes the first of these it meets: an error or anything on stderr is zero; an
`execute_result` is the number of points; neither is full marks. What a submission prints must
therefore never look like one of them.
"""

from __future__ import annotations

import html

from nbformat import NotebookNode
from nbformat.v4 import new_output

from skipgrade.judging.verdict import Verdict

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
    reason = "\n".join(verdict.reasons)
    cell.metadata["skipgrade"] = {
        "points": points, "max": most, "reason": reason, "notes": verdict.notes,
        "seconds": round(verdict.seconds, 3),
    }  # fmt: skip
    page = _page(points, most, reason, verdict.notes)
    shown = [new_output("display_data", data=page)]
    if points == 0 and most > 0:
        shown.append(
            new_output(
                "error", ename="CheckFailed", evalue=reason, traceback=["No points: see above."]
            )
        )
    elif points < most:
        read_by_nbgrader = {**page, "text/plain": repr(points)}
        shown = [new_output("execute_result", data=read_by_nbgrader, execution_count=None)]
    cell.outputs = shown + list(cell.outputs)


def _page(points: float, most: float, reason: str, notes: list[str]) -> dict[str, str]:
    """The verdict for people, as HTML and as text."""
    colour = COLOURS["full" if points == most else "part" if points else "none"]
    head = f"{points:g} of {most:g} points"
    lines = [head, *reason.splitlines(), *notes]
    body = "<br>".join(html.escape(line) for line in lines[1:])
    page = (
        f'<div style="border-left:4px solid {colour};padding:.4em .8em">'
        f"<b>{head}</b>{'<br>' if body else ''}{body}</div>"
    )
    return {"text/html": page, "text/plain": "\n".join(lines)}
