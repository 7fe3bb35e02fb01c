"""Does the table say the most useful thing in the room it has?"""

from skipgrade.classroom.report import Loss, Row, lines


def table(*losses: Loss, width: int = 120, most: int | None = None) -> list[str]:
    row = Row("ada", score=1, max_score=9, losses=list(losses))
    return list(lines([row], width, most))[2:]


def test_what_came_stands_before_what_was_expected() -> None:
    reason = "Expected: 62,006 trainable parameters\nGot: 83,126\nLook at: the sizes"
    (line,) = table(Loss("size", 1, reason))
    assert line.split(None, 4) == [
        "ada", "1", "/", "9", "-1 size: 83,126 (expected 62,006 trainable parameters)"
    ]  # fmt: skip


def test_a_cell_that_was_stopped_is_named_before_what_followed_from_it() -> None:
    earlier = "An earlier cell (setup): it was stopped after 60 s."
    reason = f"Expected: a value\nGot: NameError\n{earlier}"
    (line,) = table(Loss("test", 2, reason))
    assert f"{earlier} NameError" in line


def test_dearest_losses_come_first_and_the_rest_is_counted() -> None:
    losses = [Loss(f"cell-{points}", points, "wrong") for points in (1, 3, 2, 5, 4)]
    text = table(*losses, most=3)
    assert ["-5" in text[0], "-4" in text[1]] == [True, True]
    assert text[2].strip() == "... and 3 more like these"
    assert len(table(*losses)) == 5


def test_no_line_is_wider_than_the_terminal() -> None:
    assert all(len(line) <= 80 for line in table(Loss("c", 1, "word " * 99), width=80))


def test_a_problem_with_the_file_is_the_only_reason() -> None:
    row = Row("ada", max_score=9, losses=[Loss("c", 1, "wrong")], problem="is not a notebook")
    text = list(lines([row]))[2:]
    assert len(text) == 1
    assert text[0].endswith("is not a notebook")


def test_a_score_that_is_outdated_says_so_before_anything_else() -> None:
    row = Row("ada", max_score=9, losses=[Loss("c", 1, "wrong")], outdated="handed in again")
    text = list(lines([row]))[2:]
    assert "handed in again. Run `skipgrade grade` again" in text[0]
    assert "-1 c: wrong" in text[1]


def test_the_table_ends_with_what_the_sandbox_kept() -> None:
    told = "Submissions ran confined"
    assert told not in "".join(lines([Row("ada")]))
    *_, last = lines([Row("ada", unprotected=[]), Row("bob")])
    assert last.startswith(f"{told}: own files")
    *_, last = lines([Row("ada", unprotected=[]), Row("bob", unprotected=["signals"])])
    assert last.startswith(f"{told} but for: signals.")
