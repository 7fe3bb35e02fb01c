"""Do report, feedback, export and Formgrader show the same points?"""

import pytest
from traitlets.config import Config

from skipgrade.classroom import marks
from skipgrade.classroom.course import Course
from skipgrade.classroom.marking import Marking
from skipgrade.classroom.marks import Marks, Task

from .conftest import ASSIGNMENT
from .gradebooks import grade_by_hand

TASKS = [
    Task("a", 30, 50),
    Task("b", 24, 50, extra=1, by_hand=True),
    Task("c-bonus", 9, 10, bonus=True),
]


def test_bonus_and_extra_credit_come_on_top_of_the_points() -> None:
    one = Marks(TASKS)
    assert (one.points, one.most, one.bonus, one.most_bonus, one.extra) == (54, 100, 9, 10, 1)
    assert one.total == one.gross == 64
    assert one.to_read == 0


def test_late_comes_off_before_the_share_for_a_malformed_submission() -> None:
    one = Marks(TASKS, late=14, format_share=0.2)
    assert one.format_penalty == 10
    assert one.total == 40


def test_no_penalty_makes_less_than_nothing() -> None:
    assert Marks(TASKS, late=99, format_share=0.2).total == 0


def test_never_more_than_the_cap() -> None:
    """100 and 10, never more than 100."""
    best = [Task("a", 99, 100), Task("bonus", 10, 10, bonus=True)]
    assert Marks(best).total == 109
    assert (Marks(best, capped=True).total, Marks(best, capped=True).over) == (100, 9)
    worse = [Task("a", 85, 100), Task("bonus", 10, 10, bonus=True)]
    assert Marks(worse, capped=True).total == 95
    late = Marks(best, capped=True, late=20)
    assert late.total == 89, "a penalty comes off what was earned, not off the cap"


def test_a_cap_over_several_assignments() -> None:
    """Bonus of one fills up what is missing in another."""
    first = Marks([Task("a", 54, 54), Task("bonus", 4, 4, bonus=True)])
    second = Marks([Task("b", 27, 30), Task("bonus", 6, 6, bonus=True)])
    third = Marks([Task("c", 10, 16)])
    assert marks.together([first, third], 100) == 68, "the missing one counts for nothing"
    assert first.total == 58
    assert marks.together([first, second, third], 100) == 100
    assert marks.together([first, second, Marks([Task("c", 0, 16)])], 100) == 91


CLAIMS = [(1, (1, 0), False), (2, (1, 0.5), False), (3, (1, 0), True)]  # points, whether they wait


def test_a_choice_counts_with_its_explanation() -> None:
    """Ten coins earn nothing; what nobody has read yet takes nothing away."""
    told = [
        Task(f"claim-{number:02d}-{kind}", points, 1, by_hand=kind == "why", waits=waits)
        for number, points_of, waits in CLAIMS
        for kind, points in zip(("test", "why"), points_of, strict=True)
    ]
    one = Marks(marks.explained([*told, Task("other-test", 2, 2)], Marking()), format_share=0.5)
    assert [task.cell for task in one.tasks if task.unexplained] == ["claim-01-test"]
    assert (one.gross, one.unexplained, one.total) == (5.5, 1, 2.25)


def test_which_cell_explains_a_choice() -> None:
    assert Marking().explanation_of("claim-07-test") == "claim-07-why"
    assert Marking().explanation_of("place-test") is None
    own = Marking(explained={"guess-*": "why-*"})
    assert own.explanation_of("guess-a") == "why-a" and own.explanation_of("claim-07-test") is None


def test_what_waits_counts_for_nothing_and_is_told() -> None:
    one = Marks([Task("a", 3, 3), Task("b", 0, 2, by_hand=True, waits=True)])
    assert (one.total, one.to_read, one.most) == (3, 2, 5)
    assert [task.lost for task in one.tasks] == [0, 0]


def test_the_rules_are_configuration() -> None:
    config = Config()
    config.Marking.bonus = ["extra-*"]
    config.Marking.capped = [["01", "02"], ["03"]]
    config.Marking.malformed = {"01": ["ada"]}
    rules = Marking(config=config)
    assert rules.is_bonus("extra-1") and not rules.is_bonus("bonus")
    assert rules.capped_with("02") == ["01", "02"] and rules.capped_with("04") == []
    assert rules.format_share("01", "ada") == 0.2
    assert rules.format_share("01", "bob") == rules.format_share("02", "ada") == 0.0


@pytest.mark.parametrize("by_hand", [False, True])
def test_the_gradebook_and_we_add_up_the_same(finished: Course, by_hand: bool) -> None:
    """Formgrader shows the gradebook's score."""
    if by_hand:
        grade_by_hand(finished, "wrong")
    with finished.gradebook() as book:
        for submission in book.assignment_submissions(ASSIGNMENT):
            one = marks.marks_of(submission, Marking())
            assert one.gross == submission.score
            assert one.most + one.most_bonus == submission.max_score
            for task, kind in ((False, "code"), (True, "written")):
                ours = sum(t.points + t.extra for t in one.tasks if t.by_hand is task)
                assert ours == getattr(submission, f"{kind}_score")
    with finished.gradebook() as book:
        found = marks.find(book, ASSIGNMENT, "wrong", Marking())
        assert marks.find(book, ASSIGNMENT, "nobody", Marking()) is None
    assert found is not None
    assert found.total == (3.75 if by_hand else 0.0)
