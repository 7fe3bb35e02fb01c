"""A very big class at one scheduler: what is held in memory there, and by the command.

    .venv/bin/python bench/many.py [N] [--workers W] [--json FILE]

`skipgrade grade --scheduler` on N cheap hand-ins. The scheduler and its W workers are Dask's own;
the workers do all a worker does except for one thing: in place of running and judging a notebook
they copy one that was graded before (`as_if_judged.py`). So thousands take minutes.
"""

import argparse
import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from as_if_judged import GRADED_BEFORE
from grading import BIN, CHEAP, ENVIRONMENT, cheap, hand_in_cheaply, pace
from surroundings import save

from skipgrade.classroom import grading, release
from skipgrade.classroom.course import Course
from skipgrade.classroom.record import Record

HERE = Path(__file__).parent
START_TIMEOUT_S = 60.0


def class_of(count: int, folder: Path) -> tuple[Course, Path]:
    """The first is graded for real; where what came of it lies, which stands for all."""
    course = Course(cheap(folder).root)  # with the configuration it has now
    release.generate(course, [CHEAP], lambda text: None)
    first = hand_in_cheaply(course, count)
    grading.grade(course, CHEAP, [first], lambda text: None)
    return course, course.folder("autograded", CHEAP, first)


@contextmanager
def dask(*command: str, template: Path, log: Path) -> Iterator[psutil.Popen]:
    """A process of Dask's command line, ended at the end."""
    environment = os.environ | ENVIRONMENT | {GRADED_BEFORE: str(template)}
    environment["PYTHONPATH"] = os.pathsep.join([str(HERE), str(HERE.parent)])
    with log.open("w") as output:
        process = psutil.Popen(
            [BIN / "dask", *command], stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait()


@contextmanager
def watched(process: psutil.Popen) -> Iterator[list[int]]:
    """The bytes of memory it holds, twice a second."""
    seen: list[int] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.5):
            with suppress(psutil.NoSuchProcess):
                seen.append(process.memory_info().rss)

    watching = threading.Thread(target=watch)
    watching.start()
    yield seen
    ended.set()
    watching.join()


def wait_for(file: Path) -> None:
    begun = time.monotonic()
    while not file.is_file():
        if time.monotonic() - begun > START_TIMEOUT_S:
            raise TimeoutError(f"{file} was not written: the scheduler did not start")
        time.sleep(0.1)


def measure(count: int, workers: int, scratch: Path) -> dict[str, Any]:
    course, template = class_of(count, scratch / "course")
    place = scratch / "scheduler.json"
    with ExitStack() as running:

        def begin(name: str, *command: str) -> psutil.Popen:
            log = scratch / f"{name}.log"
            return running.enter_context(dask(*command, template=template, log=log))

        scheduler = begin(
            "scheduler", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
            "--scheduler-file", str(place),
        )  # fmt: skip
        wait_for(place)
        for number in range(workers):
            begin(
                f"worker-{number}", "worker", "--scheduler-file", str(place), "--nthreads", "1",
                "--no-nanny", "--no-dashboard", "--preload", "as_if_judged",
                "--local-directory", str(scratch),
            )  # fmt: skip
        address = json.loads(place.read_text())["address"]
        command = [str(BIN / "skipgrade"), "grade", CHEAP, "--scheduler", address]
        with watched(scheduler) as memory, pace(Record(course.root, CHEAP).folder) as moments:
            begun = time.perf_counter()
            with (scratch / "log").open("w") as output:
                grading_it = psutil.Popen(
                    command, cwd=course.root, env=os.environ | ENVIRONMENT, stdout=output,
                    stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                )  # fmt: skip
                with watched(grading_it) as memory_of_the_command:
                    code = grading_it.wait()
            wall = time.perf_counter() - begun
        assert code == 0, (scratch / "log").read_text()[-3000:]
    with course.gradebook() as book:
        scores = [one["score"] for one in book.submission_dicts(CHEAP)]
    assert len(scores) == count and set(scores) == {3.0}, f"scores: {sorted(set(scores))}"
    tenth = max(2, len(moments) // 10)
    return {
        "hand_ins": count,
        "workers": workers,
        "wall_s": round(wall, 1),
        "scheduler_mib": [round(max(part) / 2**20) for part in thirds(memory)],
        "command_mib": [round(max(part) / 2**20) for part in thirds(memory_of_the_command)],
        "first_tenth_ms": round(1e3 * (moments[tenth - 1] - moments[0]) / (tenth - 1), 1),
        "last_tenth_ms": round(1e3 * (moments[-1] - moments[-tenth]) / (tenth - 1), 1),
    }


def thirds(seen: list[int]) -> list[list[int]]:
    size = max(1, len(seen) // 3)
    return [seen[:size], seen[size : 2 * size], seen[2 * size :] or seen[-1:]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("count", nargs="?", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path, default=Path("build/bench-many.json"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = measure(arguments.count, arguments.workers, Path(scratch))
    print(
        "{hand_ins} hand-ins, {workers} workers: {wall_s} s; the scheduler held at most "
        "{scheduler_mib} MiB in the first, second and last third of it, the command "
        "{command_mib} MiB; {first_tenth_ms} ms from one result to the next in the "
        "first tenth, {last_tenth_ms} ms in the last".format(**found)
    )
    save(arguments.json, found)


if __name__ == "__main__":
    main()
