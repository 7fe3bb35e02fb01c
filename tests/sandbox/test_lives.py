"""What comes of a kernel when it, its supervisor, its zygote or its owner ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from skipgrade.sandbox import confinement, kernel_manager, sharing
from skipgrade.sandbox.provisioner import SandboxMissingError
from tests.sandbox.bank import LEFT_BEHIND
from tests.sandbox.bank.world import TOOLS
from tests.sandbox.spoken import Kernel, confined, needs_confinement

ROOT = Path(__file__).parents[2]
pytestmark = needs_confinement


def processes_named(mark: str) -> list[int]:
    return [p.pid for p in psutil.process_iter(["cmdline"]) if mark in (p.info["cmdline"] or [])]


def test_a_process_in_the_background_ends_with_the_kernel(tmp_path: Path) -> None:
    mark = f"skipgrade-mark-{os.getpid()}"
    kernel = confined(tmp_path)
    kernel.run(f"{TOOLS}\nMARK = {mark!r}\n{LEFT_BEHIND}", "nothing")
    deadline = time.monotonic() + 30
    while not processes_named(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_named(mark)
    kernel.close()
    assert not processes_named(mark)


def test_two_kernels_draw_different_numbers(tmp_path: Path) -> None:
    """Both are forks of one process, whose generators had a state."""
    drawn = []
    for _ in range(2):
        kernel = confined(tmp_path)
        code = "import numpy, random, uuid\ndrawn = [numpy.random.rand(), random.random()]"
        drawn.append(kernel.run(code + "\ndrawn = [str(x) for x in drawn]", "drawn"))
        kernel.close()
    assert not set(drawn[0]) & set(drawn[1])


OWNER = """
import signal, sys, tempfile
from pathlib import Path
from tests.sandbox.spoken import Kernel, confined, needs_confinement
kernel = confined(Path(tempfile.mkdtemp(dir=sys.argv[1])))
process = kernel.provisioner.process
kernel.run("import subprocess\\nchild = subprocess.Popen(['sleep', '600']).pid", "child")
print(process.pid, kernel.manager.connection_file, kernel.manager.provisioner._private, flush=True)
signal.pause()
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_an_owner_that_dies_leaves_nothing(tmp_path: Path, end: int) -> None:
    """Neither kernel nor zygote, neither sockets nor folders."""
    command = [sys.executable, "-c", OWNER.replace("\\\\n", "\\n"), str(tmp_path)]
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert owner.stdout is not None
    kernel, connection, private = owner.stdout.readline().split()
    family = {owner.pid, *(child.pid for child in psutil.Process(owner.pid).children(True))}
    assert int(kernel) in family and Path(connection).exists() and Path(private).exists()
    owner.send_signal(end)
    owner.wait(30)
    deadline = time.monotonic() + 30
    while any(map(psutil.pid_exists, family)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in family if psutil.pid_exists(pid)]
    assert not Path(connection).parent.exists() and not Path(private).exists()


WAITING = """
listening = socket.socket(socket.AF_UNIX)
listening.bind('waits')
listening.listen(0)
for _ in range(150):
    pid = os.fork()
    if pid == 0:
        socket.socket(socket.AF_UNIX).connect('waits')
        os._exit(0)
    time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
done = True
"""


def test_callers_that_are_killed_while_they_wait_do_not_pile_up(tmp_path: Path) -> None:
    kernel = confined(tmp_path)
    assert kernel.run(TOOLS + WAITING, "done") is True
    supervisor = psutil.Process(kernel.provisioner.process.pid).parent()
    assert supervisor is not None and supervisor.num_threads() < 80
    kernel.close()


def test_a_notebook_may_lie_in_shared_memory() -> None:
    """Some graders have their temporary folders there."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        kernel = confined(Path(folder))
        kernel.run("open('own', 'w').close()", "nothing")
        kernel.close()
        assert Path(folder, "own").exists()


def test_a_zygote_that_died_is_replaced(tmp_path: Path) -> None:
    first = confined(tmp_path)
    supervisor = psutil.Process(first.provisioner.process.pid).parent()
    assert supervisor is not None
    zygote = supervisor.parent()
    assert zygote is not None
    zygote.kill()
    zygote.wait(30)
    second = confined(tmp_path)
    assert second.run("answer = 6 * 7", "answer") == 42
    assert first.run("answer = 6 * 7", "answer") == 42  # it has a supervisor of its own
    for kernel in (first, second):
        kernel.close()


def test_a_warden_that_was_killed_takes_its_kernel_along(tmp_path: Path) -> None:
    kernel = confined(tmp_path)
    process = kernel.provisioner.process
    supervisor = psutil.Process(process.pid).parent()
    assert supervisor is not None
    supervisor.kill()
    assert process.wait(30) == -signal.SIGKILL
    deadline = time.monotonic() + 30
    while psutil.pid_exists(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(process.pid)
    kernel.close()


def test_a_machine_that_offers_less_is_told_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(confinement, "files_kept_by", lambda: "")
    with pytest.raises(
        SandboxMissingError, match=r"(?s)files: closed.*accept_missing = \['files'\]"
    ) as e:
        kernel_manager("student").start_kernel(cwd=str(tmp_path))
    assert "signals:" not in str(e.value)


def zygote_of(kernel: Kernel) -> psutil.Process:
    *_, zygote = psutil.Process(kernel.provisioner.process.pid).parents()[:2]
    return zygote


def test_several_processes_may_share_a_zygote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sharing(["json"], {}) as told:
        monkeypatch.setenv(*next(iter(told.items())))
        kernel = confined(tmp_path)
        shared = zygote_of(kernel)
        assert str(Path(next(iter(told.values()))).parent) in shared.cmdline()
        assert kernel.run("answer = 6 * 7", "answer") == 42
        kernel.close()
        shared.kill()
        shared.wait(30)
        alone = confined(tmp_path)  # the one of this process takes over
        assert zygote_of(alone) != shared
        alone.close()


def test_what_an_order_wants_imported_is_there_for_those_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zygote begun early is told later what it is for; threads are as each kernel is told."""
    there = "threads = sys.modules['torch'].get_num_threads() if 'torch' in sys.modules else 0"
    with sharing(["json"], {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}) as told:
        monkeypatch.setenv(*next(iter(told.items())))
        monkeypatch.setenv("OMP_NUM_THREADS", "2")
        found = []
        for modules in ([], ["torch"], []):
            kernel = confined(tmp_path, preload=modules)
            found.append(kernel.run(f"import sys\n{there}", "threads"))
            kernel.close()
        assert found == [0, 2, 2]


COUNTED = """
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

drawn, draw = [], Figure.draw
Figure.draw = lambda self, renderer: (drawn.append(1), draw(self, renderer))[1]
plt.plot([1, 2])
"""


def test_a_figure_is_laid_out_and_drawn_for_those_who_see_it_alone(tmp_path: Path) -> None:
    """Once for its size and once for the picture, as `print_figure` does; then it is closed."""
    kernel = confined(tmp_path, preload=["matplotlib.pyplot", "matplotlib_inline.backend_inline"])
    kernel.run(COUNTED, "made")
    assert kernel.run("found = [len(drawn), len(plt.get_fignums())]", "found") == [2, 0]
    kernel.close()
