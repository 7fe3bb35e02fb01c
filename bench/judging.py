"""What judging all cells of a right hand-in costs, without kernels: 02, 04 and 08.

    .venv/bin/python bench/judging.py [ASSIGNMENT ...] [--rounds R] [--json FILE]

Both notebooks are the solution's, in this process. Runs are made, not trained: weights as they are
drawn, histories that promise as much. In a first round the solution is asked what every submission
is compared with; after that each round is another submission, and the median is told.
"""

import argparse
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any

os.environ |= {"SKIPGRADE_DATASET": "builtin", "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
os.environ["NBGRADER_EXECUTION"] = "autograde"  # backbones are random then

import torch
from safetensors.torch import save_file
from surroundings import save

from skipgrade import lab
from skipgrade.judging.judge import judge_side
from skipgrade.judging.judge import trial as trials
from skipgrade.judging.judge.answer_cache import CachedNotebook
from skipgrade.judging.judge.answerers import LocalNotebook
from skipgrade.judging.judge.handed_in import HandedIn
from skipgrade.judging.judge.holdout import open_images
from skipgrade.judging.judge.trial import Trial
from tests.assignments import tuning
from tests.assignments.cnn_design import labelled_by
from tests.assignments.variants import Assignment
from tests.forged import test_04 as plain_residual_mobile
from tests.forged import test_08 as transfer

Known = Callable[[str], Any]  # what there is for a cell
HandsIn = Callable[[Path], tuple[Assignment, Known, Known]]


def hand_in_02(folder: Path) -> tuple[Assignment, Known, Known]:
    """Writes the files; the assignment, and for each cell what the notebook holds and the images
    held out."""
    tuning.write_runs(folder)
    given = tuning.results(folder)
    held_out = labelled_by(tuning.trained("LeNet5Swish")[0], 0.8)
    return tuning.TRIAL, lambda cell: given, lambda cell: held_out


def hand_in_04(folder: Path) -> tuple[Assignment, Known, Known]:
    made = plain_residual_mobile
    for number, name in enumerate(made.NETWORKS):
        save_file(made.runs_of.fresh(name).state_dict(), f"{name}-best.safetensors")
        made.runs_of.history(name, 4.5 - number / 10)
    return made.TRIAL, lambda cell: made.given(folder), lambda cell: made.holdout(cell, folder)


def hand_in_08(folder: Path) -> tuple[Assignment, Known, Known]:
    made = transfer
    made.trained(made.TRIAL.solution)
    hundred = made.TRIAL.solution["build_hundred"]()
    save_file(hundred.state_dict(), "hundred-best.safetensors")
    lab.History("hundred", made.epochs(3)).write("hundred-history.json")
    lab.History("own", made.epochs(9, 2.0)).write("own-history.json")
    return made.TRIAL, lambda cell: made.given(folder, cell), lambda cell: open_images


HAND_INS: dict[str, HandsIn] = {"02": hand_in_02, "04": hand_in_04, "08": hand_in_08}


def measure(number: str, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch, chdir(scratch), redirect_stdout(io.StringIO()):
        folder = Path(scratch)
        assignment, given, held_out = HAND_INS[number](folder)
        solution = CachedNotebook(LocalNotebook(assignment.solution))
        found = []
        for seed in range(rounds + 1):
            names = assignment.student({})
            trial = Trial(
                LocalNotebook(names), solution, open_images, True, str(seed), HandedIn(folder)
            )
            found.append(_judged(assignment, trial, names, given, held_out))
    return {
        "cells": len(assignment.source.tests),
        "lost": found[-1][1],
        "first_s": found[0][0],
        "each_s": statistics.median(seconds for seconds, _ in found[1:]),
    }


def _judged(
    assignment: Assignment, trial: Trial, names: dict[str, Any], given: Known, held_out: Known
) -> tuple[float, list[str]]:
    """Processor time of all cells, and those that lost something."""
    total, lost = 0.0, []
    for cell, test in assignment.source.tests.items():
        names.update(given(cell))
        trial.holdout = held_out(cell)
        trials.begin(trial)
        trial.begin_cell(cell)
        began = time.process_time()
        verdict = judge_side.verdict_on(test.hidden, cell, assignment.solution)
        total += time.process_time() - began
        if verdict.share < 1:
            lost.append(cell)
    trials.end()
    return total, lost


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("assignments", nargs="*", default=list(HAND_INS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, default=Path("build/bench-judging.json"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = {}
    for number in arguments.assignments:
        found[number] = told = measure(number, arguments.rounds)
        lost = ", ".join(told["lost"]) or "nothing"
        print(
            f"{number}  {told['cells']:3} cells{told['each_s']:6.2f} s of CPU for a hand-in"
            f"{told['first_s']:6.2f} s for the first   lost: {lost}",
            flush=True,
        )
    save(arguments.json, found)


if __name__ == "__main__":
    main()
