"""Where submissions are graded: in this process, on a cluster of its own, or on a given one."""

import logging
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext, suppress
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import dask
from dask.system import CPU_COUNT
from distributed import Client, SpecCluster, Worker, WorkerPlugin
from distributed import Future as DaskFuture
from distributed.security import Security
from distributed.system import MEMORY_LIMIT

from skipgrade.classroom import workers
from skipgrade.classroom.course import Course
from skipgrade.classroom.errors import CourseError
from skipgrade.classroom.nodes import local_cluster
from skipgrade.classroom.task import Graded, GradingJob, grade_here
from skipgrade.judging.grader.judge_kernel import dismiss
from skipgrade.judging.grader.preload import THREAD_SETTINGS, prepare_for, shared_by_workers

MEMORY_A_WORKER = 2 * 2**30
LEAST_AHEAD = 16
WORKER_TIMEOUT_S = 30.0
NO_CERTIFICATE = (
    "Tell Dask where its files lie: DASK_DISTRIBUTED__COMM__TLS__CA_FILE, "
    "DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT and DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY."
)
SHORT = "(is the machine short of memory?)"
# Deaths are counted by the task itself: Dask blames whatever its scheduler had sent to the worker.
DEATHS_DASK_FORGIVES = 100

Results = Callable[[Iterator[GradingJob]], Iterator[Graded]]


class ClusterLostError(CourseError):
    """There is nobody left to grade."""


class _Manners(WorkerPlugin):
    """Ends judge kernels when the run ends. On our own cluster, workers also ignore Ctrl-C and keep
    temporary files in `scratch`, which the coordinator removes.
    """

    def __init__(self, sources: list[Path], scratch: str | None = None) -> None:
        self.sources, self.scratch = sources, scratch
        self.name = f"skipgrade-{os.getpid()}-{id(self)}"

    def setup(self, worker: Worker) -> None:
        if self.scratch is None:
            return
        tempfile.tempdir = self.scratch
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    def teardown(self, worker: Worker) -> None:
        for path in self.sources:
            dismiss(path)


def default_workers() -> int:
    """As many as the machine has cores, and memory for."""
    return max(1, min(CPU_COUNT, int(MEMORY_LIMIT // MEMORY_A_WORKER)))


@contextmanager
def here(course: Course) -> Iterator[Results]:
    """Grade in this process, one submission after the other."""

    def results(jobs: Iterator[GradingJob]) -> Iterator[Graded]:
        for job in jobs:
            yield _in_a_thread(job, course)

    yield results


def _in_a_thread(job: GradingJob, course: Course) -> Graded:
    """In the main thread nbclient would end the student's kernel on Ctrl-C, and grade on."""
    future: Future[Graded] = Future()

    def grade() -> None:
        future.set_result(grade_here(job, course))

    threading.Thread(target=grade, daemon=True).start()
    return future.result()


@contextmanager
def local(
    processes: int, sources: list[Path], kernels: Mapping[str, str] | None
) -> Iterator[Results]:
    """A cluster of processes on this machine, reachable from it alone, and with a key.

    `kernels`, which goes into their environment, says what they fork kernels from.
    """
    workers.begin()
    threads = str(max(1, CPU_COUNT // processes))
    environment = {name: os.environ.get(name, threads) for name in THREAD_SETTINGS}
    with (
        tempfile.TemporaryDirectory(prefix="skipgrade-run-") as scratch,
        _kernels_for(sources, kernels) as shared,
        dask.config.set(settings(scratch, environment | dict(shared))),
        _started(processes, scratch) as cluster,
        Client(cluster) as client,
        _manners(client, _Manners(sources, scratch)),
    ):
        yield lambda jobs: _results(client, jobs, least=1, patience=WORKER_TIMEOUT_S)


def settings(scratch: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """What our own cluster's configuration says otherwise than Dask's."""
    return {
        "temporary-directory": scratch,
        "distributed.scheduler.allowed-failures": DEATHS_DASK_FORGIVES,
        "distributed.nanny.environ": environment,
        "distributed.nanny.pre-spawn-environ": {},  # would be left in our own
        "distributed.worker.multiprocessing-method": workers.METHOD,
        "distributed.worker.profile.enabled": False,  # nobody looks at it
    }


def _started(processes: int, folder: str) -> SpecCluster:
    try:
        return local_cluster(processes, folder)
    except RuntimeError as error:
        raise ClusterLostError(f"no worker could be started: {error} {SHORT}") from error


@contextmanager
def _kernels_for(
    sources: list[Path], kernels: Mapping[str, str] | None
) -> Iterator[Mapping[str, str]]:
    with nullcontext(kernels) if kernels else shared_by_workers() as shared:
        for source in sources:
            prepare_for(source, shared)
        yield shared


@contextmanager
def given(address: str, sources: list[Path], say: Callable[[str], None]) -> Iterator[Results]:
    """A cluster somebody else runs; its workers see the course at the same path as we do."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with _client(address) as client:
        say(f"  {_threads(client)} worker thread(s) at {address}")
        with _manners(client, _Manners(sources)):
            yield lambda jobs: _results(client, jobs, least=LEAST_AHEAD)


def _client(address: str) -> Client:
    try:
        arguments = Security().get_connection_args("client")
        if address.startswith("tls:") and arguments["ssl_context"] is None:
            raise CourseError(f"{address} speaks TLS. {NO_CERTIFICATE}")
        return Client(address)
    except (OSError, ValueError, RuntimeError) as error:
        tls = "" if address.startswith("tls:") else " With TLS its address begins with tls://."
        raise CourseError(
            f"No scheduler answers at {address} ({error}). Start it, or leave out --scheduler.{tls}"
        ) from error


@contextmanager
def _manners(client: Client, plugin: _Manners) -> Iterator[None]:
    client.register_plugin(plugin)
    try:
        yield
    finally:
        if client.status == "running":
            with suppress(OSError):  # the scheduler has just gone, and the client does not know it
                client.unregister_worker_plugin(plugin.name)


def _threads(client: Client) -> int:
    return sum(client.nthreads().values())


def _results(
    client: Client, jobs: Iterator[GradingJob], least: int, patience: float | None = None
) -> Iterator[Graded]:
    """Grade with as many jobs at the scheduler as there are threads, or `least` if that is more.

    So memory stays flat however large the class is. `patience` is for how many seconds there may
    be no worker at all.
    """
    sent: dict[str, tuple[DaskFuture[Graded], str]] = {}  # what is not held is cancelled
    finished: SimpleQueue[DaskFuture[Graded]] = SimpleQueue()
    room = max(least, _threads(client))

    def send(some: Iterable[GradingJob]) -> None:
        for job in some:
            future = client.submit(grade_here, job, pure=False)
            sent[str(future.key)] = future, job.student
            future.add_done_callback(finished.put)

    send(islice(jobs, room))
    while sent:
        future = _next(finished, client, patience)
        _, student = sent.pop(str(future.key))
        if future.status in ("cancelled", "lost"):
            raise ClusterLostError("the connection to the scheduler is lost")
        graded = _outcome(future, student)
        del future
        send(islice(jobs, 1))
        yield graded


def _next(
    finished: SimpleQueue[DaskFuture[Graded]], client: Client, patience: float | None
) -> DaskFuture[Graded]:
    """The next that is done; raises where nobody has been there to do it for too long."""
    seen = time.monotonic()
    while True:
        with suppress(Empty):
            return finished.get(timeout=1.0)
        if patience is None or _threads(client) > 0:
            seen = time.monotonic()
        elif time.monotonic() - seen > patience:
            raise ClusterLostError(f"all workers have died {SHORT}")


def _outcome(future: DaskFuture[Graded], student: str) -> Graded:
    if future.status == "finished":
        graded: Graded = future.result()
        return graded
    error = future.exception()
    return Graded(student, failure=f"not graded: {type(error).__name__}: {error}", log=str(error))
