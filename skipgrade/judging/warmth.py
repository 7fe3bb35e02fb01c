"""What the process that kernels are forked from has imported and read, for one assignment."""

from __future__ import annotations

from skipgrade.judging.source import SourceNotebook

PACKAGES = [
    "numpy",
    "torch",
    "torch.utils.data",
    "torch.optim.lr_scheduler",
    "torchvision.datasets",
    "torchvision.models",
    "torchvision.transforms.v2",
    "matplotlib.pyplot",
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
