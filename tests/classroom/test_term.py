"""Does a term go from publishing to a changed grade, command by command?"""

from pathlib import Path

from tests.classroom import term


def test_a_term(tmp_path: Path) -> None:
    """As `make term`, with a small assignment in place of 01."""
    term.walk(term.Term(tmp_path, term.small, print))
