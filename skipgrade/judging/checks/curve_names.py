"""[judge's kernel] Does a curve bear the name of another one, or a panel that of another measure?

Students name their curves as they like. A name is refused only where it says something that is not
so: `val` on the training curve, `plain` on the residual network's while the plain one's is called
something else, the rate of another run, `loss` alone over what is all accuracy.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")
PART = re.compile(rf"[a-z]+|{NUMBER.pattern}")
DENIED = re.compile(r"\b(?:no|not|non|without|off|false)\b|w/o|=\s*0\b|[≠¬]")
AROUND = r"\s+(?:[a-z]+[\s-]+)?(?:shortcut|skip)[\w-]*(?:[\s-]connections?)?"
SET = r"|shortcuts?\s*=\s*"
WITHOUT = re.compile(rf"(?:\b(?:without|no|ohne|sans)|w/o){AROUND}{SET}(?:false|no)\b")
WITH = re.compile(rf"\b(?:with|mit|avec){AROUND}{SET}(?:true|yes)\b")
KINDS = ("resnet", "residual")  # what has the shortcuts that a plain network does without
SPLITS = ("training", "validation", "test")  # nobody calls one of them by the name of another
MEASURES = ("loss", "accuracy")
TIMES = ("epoch", "step")
SHORTEST = 3  # letters that stand for a longer word: `val`

Names = Mapping[str, Sequence[str]]  # for each label, what the curves with its values are called


def wrongly_named(label: str, names: Names) -> bool:
    """Whether all curves of this label have a name that belongs to another of the labels."""
    questions = _questions(list(names))
    kinds = {word for words in questions for word in words.values()}
    told = {
        one: [_in_words_of(kinds, name.lower()) for name in some] for one, some in names.items()
    }
    return all(
        any(_is_anothers(name, label, place, questions, told) for place in questions)
        for name in told[label]
    )


def _in_words_of(kinds: Collection[str], name: str) -> str:
    """A name that tells networks apart by their shortcuts, in the words of the labels."""
    kind = next((one for one in KINDS if one in kinds), None)
    if kind is None or "plain" not in kinds:
        return name
    rest, without = WITHOUT.subn(" ", name)
    rest, having = WITH.subn(" ", rest)
    if not without and not having:
        return name
    for word in KINDS:  # a "ResNet without shortcuts" is plain
        rest = rest.replace(word, " ")
    return " ".join([rest, *["plain"] * without, *[kind] * having])


def other_measure(texts: Collection[str], labels: Collection[str]) -> tuple[str, str] | None:
    """The one measure that the curves of a panel have, and the other one that its texts name.

    None where that is not so. `labels` are what the curves were asked for as.
    """
    of = [[measure for measure in MEASURES if _bears(label.lower(), measure)] for label in labels]
    named = [m for m in MEASURES if any(_bears(text.lower(), m) for text in texts)]
    if not of or len(named) != 1 or any(len(one) != 1 or one == named for one in of):
        return None
    return of[0][0], named[0]


def exchanged(xlabel: str, ylabel: str) -> bool:
    """Whether the labels of two axes say that time goes up and a measure to the right."""
    x, y = xlabel.lower(), ylabel.lower()
    across = [word for word in (*MEASURES, *TIMES) if _bears(x, word)]
    upward = [word for word in (*MEASURES, *TIMES) if _bears(y, word)]
    return bool(across and upward) and set(across) <= set(MEASURES) and set(upward) <= set(TIMES)


def _questions(labels: list[str]) -> list[dict[str, str]]:
    """In what the labels differ: for each place where they do, every label's word there.

    `plain test accuracy` and `residual training loss` differ in three; labels of different length
    and names such as `trial-two` are compared as a whole, up to their first space.
    """
    parts = {label: PART.findall(label.lower()) for label in labels}
    if len({len(words) for words in parts.values()}) > 1 or any("-" in label for label in labels):
        parts = {label: [label.split()[0].lower()] for label in labels}
    places = range(len(next(iter(parts.values()))))
    asked = [{label: words[place] for label, words in parts.items()} for place in places]
    return [words for words in asked if len(set(words.values())) > 1]


def _is_anothers(
    name: str,
    label: str,
    words: Mapping[str, str],
    questions: Sequence[Mapping[str, str]],
    names: Names,
) -> bool:
    own = words[label]
    if _bears(name, own) or DENIED.search(name):
        return False
    others = {word for word in words.values() if word != own and _bears(name, word)}
    if len(others) != 1:  # a `training - validation` belongs to neither
        return False
    (other,) = others
    if own in SPLITS and other in SPLITS:
        return True
    having = [one for one, word in words.items() if word == other]
    rest = [question for question in questions if question is not words]
    twins = [one for one in having if all(each[one] == each[label] for each in rest)]
    theirs = [each.lower() for one in twins or having for each in names[one]]
    return not any(_bears(each, other) for each in theirs)


def _bears(name: str, word: str) -> bool:
    if NUMBER.fullmatch(word):
        return float(word) in [float(number) for number in NUMBER.findall(name)]
    if not word.isalpha():
        return re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", name) is not None
    return any(_alike(part, word) for part in PART.findall(name))


def _alike(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return one == other or (len(short) >= SHORTEST and long.startswith(short))
