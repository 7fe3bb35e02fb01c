"""[grader] What the process that kernels are forked from has imported and read, for one
assignment.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from skipgrade.sandbox import prepare, sharing

PACKAGES = [
    "numpy",
    "torch",
    "torch.utils.data",
    "torch.optim.lr_scheduler",
    "torchvision.datasets",
    "torchvision.models",
    "torchvision.transforms.v2",
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "ptflops",
    "PIL.Image:preinit",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.extensions.storemagic",
    "ipykernel.debugger",
    "pygments.formatters.html",
    "pygments.formatters.terminal256",
    "pygments.lexers.python",
    "stack_data",
    "skipgrade.sandbox.kernel_app",
    "skipgrade.lab",
    "skipgrade.lab.machine:keep_freed_memory",
    "skipgrade.judging.judge.judge_side",
    "skipgrade.judging.student_side",
]
THREAD_SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
DATA_SETS = ("cifar10", "cifar100")


def preload(source: Path) -> list[str]:
    """Modules to import, and `module:function` to call, before any kernel is forked."""
    text = source.read_text(encoding="utf-8")
    used = [name for name in DATA_SETS if f'\\"{name}\\"' in text]
    return [*PACKAGES, *(f"skipgrade.lab.warm:{name}" for name in used)]


def shared_by_workers() -> AbstractContextManager[dict[str, str]]:
    """What every worker on this machine needs in its environment to fork from one process.

    That process has one thread to compute with, whatever its kernels will have: threads of its own
    would not be there in a fork.
    """
    return sharing(PACKAGES, dict.fromkeys(THREAD_SETTINGS, "1"))


def prepare_for(source: Path, kernels: Mapping[str, str]) -> None:
    """Have that process read what this assignment needs, before the first worker asks."""
    prepare(kernels, preload(source))
