"""`skipgrade report --html`: a class on one page, which needs no other file and no script."""

import html
from collections.abc import Iterable
from pathlib import Path
from statistics import mean, median

from skipgrade.classroom.class_data import (
    Failing,
    Measured,
    accuracies,
    curves,
    failing,
    seconds,
    titles_of,
)
from skipgrade.classroom.course import Course
from skipgrade.classroom.figures import Figure, histogram
from skipgrade.classroom.record import Record
from skipgrade.classroom.report import Row, confinement
from skipgrade.classroom.style import number, style
from skipgrade.classroom.why import class_changes
from skipgrade.judging.printable import printable
from skipgrade.lab.history import History

TASKS = 12  # that cost most
SLOWEST = 5


def write(course: Course, assignment: str, table: list[Row], path: Path) -> None:
    titles = titles_of(course, assignment)
    taken = seconds(course, assignment)
    parts = [
        _head(assignment, table),
        _points(table),
        _tasks(failing(table, titles)),
        _accuracies(accuracies(course, assignment, table), titles),
        _curves(curves(course, assignment, table)),
        _waiting(table, titles),
        _changed(course, assignment, table),
        _students(table, taken),
        _in_force(table, taken),
    ]
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(assignment)}: the class</title><style>{style()}</style></head>\n"
        f"<body>\n{''.join(part + chr(10) for part in parts if part)}</body></html>\n"
    )
    path.write_text(page, encoding="utf-8")


def _text(value: object) -> str:
    return html.escape(printable(" ".join(str(value).split())))


def _task(title: str, cell: str) -> str:
    return f'{_text(title)} <span class="soft small">{_text(cell)}</span>'


def _section(title: str, content: str) -> str:
    return f"<h2>{_text(title)}</h2>\n{content}" if content else ""


def _figure(svg: str, told: str) -> str:
    return f"<figure>{svg}<figcaption>{_text(told)}</figcaption></figure>"


def _figures(figures: list[str]) -> str:
    return f'<div class="figures">{"".join(figures)}</div>' if figures else ""


def _points(table: list[Row]) -> str:
    totals = _totals(table)
    drawn = _figure(
        histogram(totals, _most(table)), "Totals so far: how many students reached them."
    )
    return _section("Points", _figures([drawn])) if totals else ""


def _rows(
    rows: Iterable[Iterable[str]], numbers: frozenset[int] = frozenset(), tag: str = "td"
) -> str:
    """Table rows of cells that are HTML already."""
    made = []
    for row in rows:
        cells = (
            f"<{tag}{' class=num' if index in numbers else ''}>{cell}</{tag}>"
            for index, cell in enumerate(row)
        )
        made.append(f"<tr>{''.join(cells)}</tr>")
    return "\n".join(made)


def _table(head: list[str], rows: Iterable[Iterable[str]], numbers: Iterable[int]) -> str:
    where = frozenset(numbers)
    return (
        f'<div class="wide"><table class="tasks"><thead>{_rows([head], where, "th")}</thead>'
        f"<tbody>{_rows(rows, where)}</tbody></table></div>"
    )


def _totals(table: list[Row]) -> list[float]:
    return [row.total for row in table if row.total is not None]


def _most(table: list[Row]) -> float:
    return max((row.marks.most for row in table if row.marks), default=0.0)


def _head(assignment: str, table: list[Row]) -> str:
    totals = _totals(table)
    told = f"{len(table)} submissions, {len(totals)} graded"
    if not totals:
        return f"<h1>{_text(assignment)}</h1><p>{told}</p>"
    return (
        f'<div class="soft">{told}</div><h1>{_text(assignment)}</h1>'
        f'<p class="total">{number(mean(totals))} of {number(_most(table))} '
        f"<small>on average; half of the class has {number(median(totals))} or more</small></p>"
    )


def _tasks(tasks: list[Failing]) -> str:
    rows = []
    for task in tasks[:TASKS]:
        reason, count = task.reason
        often = f" ({count} of {len(task.lost)})" if len(task.lost) > 1 else ""
        rows.append(
            [
                f"{_task(task.title, task.cell)}"
                f'<div class="small">{_text(reason)}<span class="soft">{often}</span></div>',
                str(len(task.lost)),
                f"{number(task.total / len(task.lost))} of {number(task.most)}",
            ]
        )
    head = ["task, and the commonest reason", "students", "each lost"]
    told = _table(head, rows, [1, 2]) if rows else "<p>Nobody has lost a point with a test.</p>"
    return _section("What costs most", told)


def _accuracies(measured: dict[str, list[Measured]], titles: dict[str, str]) -> str:
    figures = []
    for cell, found in measured.items():
        found = sorted(found, key=lambda one: one.accuracy)
        top = max(one.accuracy for one in found)
        bars = found[0].bars
        best = max(bars)
        figure = Figure(
            f"accuracies in {cell}", len(found) + 1, 100 * max(top, best) * 1.08, "students", "%"
        )
        for bar in bars:
            figure.level(100 * bar, f"{100 * bar:.4g}% for all points" if bar == best else "")
        for place, one in enumerate(found, start=1):
            reached = sum(one.accuracy >= bar for bar in bars)
            state = "full" if reached == len(bars) else "part" if reached else "none"
            told = printable(f"{one.student}: {one.accuracy:.1%}")
            figure.dot(place, 100 * one.accuracy, told, f"var(--{state})")
        title = titles.get(cell, cell)
        figures.append(
            _figure(
                figure.svg(), f"{title} ({cell}): on as many held-out images as the verdict took."
            )
        )
    return _section("Accuracies", _figures(figures))


def _curves(runs: dict[str, dict[str, History]]) -> str:
    figures = []
    for run, histories in sorted(runs.items()):
        longest = max(len(one) for one in histories.values())
        top = 100 * max(max(one["val_accuracy"]) for one in histories.values())
        figure = Figure(f"training curves of {run}", longest, top * 1.08, "epochs", "%")
        for student, history in sorted(histories.items()):
            points = [(float(n), 100 * a) for n, a in enumerate(history["val_accuracy"], start=1)]
            told = printable(f"{student}: {max(history['val_accuracy']):.1%}")
            figure.line(points, told, "var(--link)")
            if len(points) == 1:
                figure.dot(*points[0], told, "var(--link)")
        told = f"{run}: validation accuracy as the {len(histories)} histories handed in tell it."
        figures.append(_figure(figure.svg(), told))
    return _section("Training", _figures(figures))


def _waiting(table: list[Row], titles: dict[str, str]) -> str:
    waits: dict[str, int] = {}
    for row in table:
        for task in row.marks.tasks if row.marks else ():
            if task.waits or task.again:
                waits[task.cell] = waits.get(task.cell, 0) + 1
    order = {cell: index for index, cell in enumerate(titles)}
    rows = [
        [_task(titles.get(cell, cell), cell), str(count)]
        for cell, count in sorted(waits.items(), key=lambda one: order.get(one[0], len(order)))
    ]
    return _section("Waits for a person", _table(["task", "answers"], rows, [1])) if rows else ""


def _changed(course: Course, assignment: str, table: list[Row]) -> str:
    """What changed since the grading before, where the report's points are the last one's."""
    found = Record(course.root, assignment).graded()
    pairs = {
        row.student: (kept[-2], kept[-1])
        for row in table
        if len(kept := found.get(row.student, [])) > 1 and round(kept[-1].points, 4) == row.score
    }
    rows = [
        [_text(cell), _text(because), "<br>".join(_text(f"{points}  {who}") for points, who in by)]
        for cell, because, by in class_changes(pairs)
    ]
    told = _table(["test", "because", "points, and whose"], rows, []) if rows else ""
    return _section("Changed since the grading before", told)


def _students(table: list[Row], taken: dict[str, float]) -> str:
    rows = []
    for row in sorted(table, key=lambda row: -1.0 if row.total is None else row.total):
        told = [one for one in (row.outdated, row.problem) if one]
        told += [f"repaired: {one}" for one in row.repairs]
        marks = row.marks
        if marks and marks.late:
            told.append(f"{marks.late_in_words}: {number(-marks.late)}")
        rows.append(
            [
                _text(row.student)
                + "".join(f'<div class="small soft">{_text(one)}</div>' for one in told),
                "not graded" if row.total is None else f"<b>{number(row.total)}</b>",
                f"{number(row.score)} of {number(row.max_score)}",
                number(marks.bonus) if marks and marks.most_bonus else "",
                f'<span class="waits">{number(row.to_read)}</span>' if row.to_read else "",
                f"{taken[row.student]:.0f} s" if row.student in taken else "",
            ]
        )
    head = ["student", "total", "by tests", "bonus", "not read yet", "time"]
    return _section("Everybody", _table(head, rows, range(1, 6)))


def _in_force(table: list[Row], taken: dict[str, float]) -> str:
    known = {row.student: taken[row.student] for row in table if row.student in taken}
    told = confinement(table)
    if known:
        slowest = sorted(known, key=lambda student: -known[student])[:SLOWEST]
        named = ", ".join(f"{student} ({known[student]:.0f} s)" for student in slowest)
        told.append(f"Grading took {mean(known.values()):.0f} s each; longest: {named}.")
    repaired = sum(bool(row.repairs) for row in table)
    told.append(f"{repaired} of {len(table)} submissions were repaired before they were graded.")
    return _section("How it was graded", "".join(f"<p>{_text(one)}</p>" for one in told))
