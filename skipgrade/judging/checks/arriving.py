"""[judge's kernel] Check.learns(moves=True): do images and labels go to the device of the model?

The judge's models lie on the CPU and on "meta", which every machine has.
"""

from __future__ import annotations

from skipgrade.judging.checks.asking import ask_student
from skipgrade.judging.checks.forms import fits
from skipgrade.judging.checks.learning import CLASSES, FEATURES, Draw, Fault
from skipgrade.judging.judge.trial import Trial
from skipgrade.judging.verdict import message

EXPECTED = "images and labels on the device of the model's parameters"
HINT = "next(model.parameters()).device, and .to(device) for both."


def check_devices(trial: Trial, function: str, evaluates: bool, hint: str) -> list[Fault]:
    """What never arrives anywhere (an exception before the model is called) is no fault here."""
    draw = Draw(trial.generator(f"devices {function}"))
    homes = [("cpu", "meta")[draw.count(0, 1)] for _ in range(6)] + ["meta"]
    images, labels = draw.normal(4, *FEATURES).float(), draw.labels(4)
    labels[0] = CLASSES - 1
    got = ask_student(
        trial, EXPECTED, hint, "devices",
        function=function, evaluates=evaluates, homes=homes, images=images, labels=labels,
    )  # fmt: skip
    if not fits(got, [[[str], [[str, str]], bool]] * len(homes)):
        return [Fault(message(EXPECTED, "a malformed answer", hint), 0.25)]
    said = [
        _said(images_on, met_on, sent_away, home)
        for (images_on, met_on, sent_away), home in zip(got, homes, strict=True)
    ]
    wrong = next(filter(None, said), "")
    return [Fault(message(EXPECTED, wrong, hint or HINT), 0.25)] if wrong else []


def _said(images: list[str], pairs: list[list[str]], sent_away: bool, home: str) -> str:
    if sent_away:
        return "the model moved to another device"
    if any(device != home for device in images):
        return "images on another device than the model"
    if any(scores != labels for scores, labels in pairs):
        return "labels on another device than the scores"
    return ""
