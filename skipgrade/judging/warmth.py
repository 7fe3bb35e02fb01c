"""What the process that kernels are forked from has imported and read, for one assignment."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from skipgrade.judging.source import SourceNotebook, read_source
from skipgrade.sandbox import sharing

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
    "IPython.core.completer",
    "skipgrade.sandbox.kernel_app",
    "skipgrade.lab",
    "skipgrade.judging.ruling",
    "skipgrade.judging.witness",
]
DATA_SETS = ("cifar10", "cifar100")


def preload(source: SourceNotebook) -> list[str]:
    """Modules to import, and `module:function` to call, before any kernel is forked."""
    text = source.path.read_text(encoding="utf-8")
    used = [name for name in DATA_SETS if f'\\"{name}\\"' in text]
    return [*PACKAGES, *(f"skipgrade.lab.warm:{name}" for name in used)]


def shared_by_workers(
    source: Path, environment: Mapping[str, str]
) -> AbstractContextManager[dict[str, str]]:
    """What every worker on this machine needs in its environment to fork from one process."""
    return sharing(preload(read_source(source)), environment)
