"""Text for terminals and logs. Names, reasons and tracebacks there come from students."""


def printable(text: object) -> str:
    """The text in one line, with everything that would steer a terminal or turn it round escaped.

    Escaped are control characters (ESC, C1, line ends), marks that change the writing direction,
    halves of surrogate pairs, and what else Python does not call printable.
    """
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in str(text)
    )


def printable_lines(text: str, between: str = "\n") -> str:
    """The same for a text of several lines, which stay apart."""
    return between.join(printable(line) for line in text.split("\n"))
