"""[judge's kernel, student's kernel] What a kernel can be asked. A question takes a namespace and
plain data, and gives plain data.

The same code answers in the student's kernel and in the judge's. In the student's kernel it runs
among hostile code and is believed nothing: whatever comes back is an answer, never a verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from skipgrade.judging.questions import figures, functions, learning, models, programs, values

Question = Callable[..., Any]

QUESTIONS: dict[str, Question] = {
    "value": values.value,
    "shapes": values.shapes,
    "program": programs.program,
    "program of one size": programs.one_size,
    "prepared": models.prepared,
    "function": functions.function,
    "training step": learning.training_step,
    "evaluation": learning.evaluation,
    "devices": learning.devices,
    "figure": figures.figure,
}
