"""Grading on Dask gives what `nbgrader autograde` gives, also when workers die."""

import contextlib
import json
import multiprocessing.util
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import nbformat
import psutil
import pytest
from distributed import Client, default_client
from distributed.comm.core import CommClosedError

from skipgrade import cli
from skipgrade.classroom import cluster, grading, progress
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.task import Graded, GradingJob
from tests.conftest import BIN, run_nbgrader

from .conftest import ASSIGNMENT, submit
from .gradebooks import content, students

TLS_FILES = [f"distributed.comm.tls.{name}" for name in ("ca-file", "client.cert", "client.key")]
KILL = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)"
KILL_ONCE = """\
import pathlib
flag = pathlib.Path({flag!r})
if not flag.exists():
    flag.touch()
    import os, signal
    os.kill(os.getppid(), signal.SIGKILL)"""


def quiet(text: str) -> None:
    """Progress nobody reads."""


@pytest.fixture(scope="module")
def stock(
    released_once: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Course, Path]]:
    """A class graded by the stock command, and the flag that keeps one of it from killing."""
    folder = tmp_path_factory.mktemp("class")
    course = Course(shutil.copytree(released_once, folder / "stock"))
    with course.gradebook() as book:
        book.update_or_create_assignment(ASSIGNMENT, duedate="2026-01-02 12:00:00 UTC")
    flag = folder / "killed"
    submit(course, "right", "2 * x")
    submit(course, "wrong", "x + 1")
    submit(course, "untouched")
    submit(course, "kills-once", "x + x\n" + KILL_ONCE.format(flag=str(flag)))
    late = submit(course, "late", "x * 2")
    (late.parent / "timestamp.txt").write_text("2026-01-03 12:00:00 UTC")
    answered = submit(course, "answered", "sum([x, x])")
    answered.write_text(answered.read_text().replace("Why?", "Because."))
    fresh = shutil.copytree(course.root, folder / "fresh")
    flag.touch()
    done = run_nbgrader(course, "autograde", ASSIGNMENT)
    assert done.returncode == 0, done.stderr[-2000:]
    yield Course(fresh), flag


@pytest.fixture
def fresh(stock: tuple[Course, Path], tmp_path: Path) -> Course:
    """The same class, not graded yet."""
    return Course(shutil.copytree(stock[0].root, tmp_path / "course"))


def graded_by_stock(stock: tuple[Course, Path]) -> Course:
    return Course(stock[0].root.parent / "stock")


def listening() -> set[str]:
    """Every address at which this process, or one it started, takes calls from the network.

    But for kernels': without a judge, as in this course, they are nbgrader's own.
    """
    me, found = psutil.Process(), set()
    for process in (me, *me.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "ipykernel_launcher" not in process.cmdline():
                found |= {
                    f"{one.laddr.ip}:{one.laddr.port}"
                    for one in process.net_connections("inet")
                    if one.status == psutil.CONN_LISTEN
                }
    return found


class Watching(progress.Lines):
    """Lines that look who listens on the network, once everybody is at work."""

    before: set[str]
    listening: set[str]
    known: set[str]

    def done(self, outcome: progress.Outcome) -> None:
        if self.count == 0:
            Watching.listening = listening() - Watching.before
            told = default_client().scheduler_info()
            workers = told["workers"]
            nannies = {worker["nanny"] for worker in workers.values()}
            Watching.known = {told["address"], *workers, *nannies}
        super().done(outcome)


def test_gradebook_is_that_of_the_stock_command(fresh: Course, stock: tuple[Course, Path]) -> None:
    said: list[str] = []
    Watching.before = listening()
    outcomes = grading.grade(fresh, ASSIGNMENT, say=said.append, workers=2, show=Watching)
    assert [one.failure for one in outcomes] == [None] * 6
    assert content(fresh) == content(graded_by_stock(stock))
    for student in students(fresh):
        name = f"{ASSIGNMENT}.ipynb"
        ours, theirs = (
            nbformat.read(course.folder("autograded", ASSIGNMENT, student) / name, as_version=4)
            for course in (fresh, graded_by_stock(stock))
        )
        assert [cell.source for cell in ours.cells] == [cell.source for cell in theirs.cells]
        marks = [[cell.metadata.get("nbgrader") for cell in one.cells] for one in (ours, theirs)]
        assert marks[0] == marks[1]
    assert all(address.startswith("tls://127.0.0.1:") for address in Watching.known)
    assert len(Watching.known) == 5, "a scheduler, and two workers with a nanny each"
    assert {f"tls://{address}" for address in Watching.listening} == Watching.known
    assert "left" in said[0]


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files that is empty; pytest's own are too deep for unix sockets."""
    multiprocessing.util.get_temp_dir()  # this process's own, gone when it ends
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


def test_a_port_that_is_taken_is_nobodys_concern(recwarn: pytest.WarningsRecorder) -> None:
    """Dask's web server would want 8787, and warn."""
    with socket.socket() as taken:
        with contextlib.suppress(OSError):  # by somebody else, which is as good
            taken.bind(("127.0.0.1", 8787))
            taken.listen()
        with cluster.local(1, [], {"a": "b"}):
            pass
    assert not [str(one.message) for one in recwarn if "8787" in str(one.message)]


def test_workers_that_die(fresh: Course, stock: tuple[Course, Path], empty: Path) -> None:
    """One death costs nothing; a submission that kills twice is not graded, the others are."""
    submit(fresh, "kills-always", "x\n" + KILL)
    submit(fresh, "not-json").write_text('{"cells": [')
    flag = stock[1]
    flag.unlink()
    outcomes = grading.grade(fresh, ASSIGNMENT, say=quiet, workers=2)
    assert flag.exists()
    assert not list(empty.iterdir()), "what the dead left behind is gone as well"
    told = {one.student: one for one in outcomes}
    assert len(told) == 8
    assert not told["kills-always"].scored
    assert "its worker died 2 times" in str(told["kills-always"].failure)
    assert "not a notebook" in str(told["not-json"].failure)
    ours = content(fresh)
    assert ours.pop(("not-json",))["score"] == 0
    theirs = content(graded_by_stock(stock))
    assert {key: told for key, told in ours.items() if key[0] != "not-json"} == theirs
    assert any("kills-always: not graded" in line for line in progress.summary(outcomes))


def test_a_class_does_not_wait_for_workers_that_are_gone(
    fresh: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies while it starts is not started again: so all of them can be lost."""

    class LoseWorkers(progress.Lines):
        def done(self, outcome: progress.Outcome) -> None:
            default_client().cluster.scale(0)

    monkeypatch.setattr(cluster, "WORKER_TIMEOUT_S", 1.0)
    with pytest.raises(grading.GradingStoppedError, match="all workers have died") as stopped:
        grading.grade(fresh, ASSIGNMENT, say=quiet, workers=1, show=LoseWorkers)
    assert len(stopped.value.left) == 5
    assert len(students(fresh)) == 1


def test_workers_that_do_not_start_are_told_of(
    fresh: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(workers: int, folder: str) -> None:
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr(cluster, "local_cluster", fail)
    with pytest.raises(
        grading.GradingStoppedError, match=r"no worker could be started: Nanny failed"
    ):
        grading.grade(fresh, ASSIGNMENT, say=quiet, workers=1)


@contextlib.contextmanager
def dask(command: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([BIN / "dask", command, *arguments], stderr=subprocess.DEVNULL) as one:
        try:
            yield one
        finally:
            one.kill()


def test_given_cluster_and_its_loss(fresh: Course, tmp_path: Path) -> None:
    """A scheduler by address grades; when it goes, the run says what is left and goes on later."""
    told = tmp_path / "scheduler.json"
    place = ("--scheduler-file", str(told))
    with (
        dask("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", *place) as boss,
        dask("worker", "--nthreads", "1", "--no-dashboard", "--no-nanny", *place),
    ):
        while not told.is_file():
            assert boss.poll() is None
            time.sleep(0.1)

        address = json.loads(told.read_text())["address"]
        first, *_ = fresh.submissions(ASSIGNMENT)
        where = ["--course", str(fresh.root), "grade", ASSIGNMENT, "--student", first]
        assert cli.main([*where, "--scheduler", address]) == cli.DONE

        class LoseAfterOne(progress.Lines):
            def done(self, outcome: progress.Outcome) -> None:
                boss.kill()

        with pytest.raises(grading.GradingStoppedError, match="scheduler is lost") as stopped:
            grading.grade(fresh, ASSIGNMENT, say=quiet, scheduler=address, show=LoseAfterOne)
    assert len(stopped.value.left) == 4
    kept = sorted(students(fresh))
    assert first in kept and len(kept) == 2
    assert not any(one.fresh for one in grading.grade(fresh, ASSIGNMENT, kept, quiet))


def test_a_loss_not_noticed_yet_is_told_all_the_same() -> None:
    """The connection is gone, and the client's status does not say so yet."""
    client = Mock(status="running")
    client.unregister_worker_plugin.side_effect = CommClosedError("connection reset by peer")
    with pytest.raises(cluster.ClusterLostError), cluster._manners(client, Mock()):
        raise cluster.ClusterLostError("the connection to the scheduler is lost")


def test_nobody_at_the_address_is_a_plain_word(
    finished: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dask.config

    (finished.folder("submitted", ASSIGNMENT, "right") / "new.txt").write_text("new")
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(CourseError, match="No scheduler answers at tcp"),
    ):
        grading.grade(finished, ASSIGNMENT, say=quiet, scheduler="tcp://127.0.0.1:9")


@pytest.mark.parametrize(
    ("settings", "address", "told"),
    [
        ({}, "tls://127.0.0.1:9", "speaks TLS. Tell Dask where its files lie: DASK_DISTRIBUTED"),
        (dict.fromkeys(TLS_FILES, "/gone.pem"), "tls://127.0.0.1:9", "No such file"),
        ({"distributed.comm.require-encryption": True}, "tcp://127.0.0.1:9", "begins with tls://"),
        ({}, "tcp://127.0.0.1:9", "begins with tls://"),
    ],
)
def test_what_is_wrong_with_the_connection_is_told_in_plain_words(
    settings: dict[str, object], address: str, told: str
) -> None:
    import dask.config

    with (
        dask.config.set(settings | {"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(CourseError, match=told),
        cluster.given(address, [], quiet),
    ):
        pass


def test_orders_are_made_only_as_far_ahead_as_there_are_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What keeps the coordinator small: neither jobs nor results pile up."""
    monkeypatch.setattr(cluster, "grade_here", graded_at_once)
    made = 0

    def jobs() -> Iterator[GradingJob]:
        nonlocal made
        for number in range(40):
            made += 1
            yield GradingJob("", "", f"s{number}", [], "", "", {}, {})

    with Client(
        n_workers=1, threads_per_worker=3, processes=False, dashboard_address=None
    ) as client:
        seen = []
        for number, graded in enumerate(cluster._results(client, jobs(), least=1)):
            seen.append(graded.student)
            assert made <= number + 1 + 3
            assert len(client.futures) <= 4
    assert sorted(seen) == sorted(f"s{number}" for number in range(40))


def graded_at_once(job: GradingJob) -> Graded:
    return Graded(job.student)
