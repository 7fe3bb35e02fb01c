"""What a measurement was taken on."""

import json
import os
import platform
from pathlib import Path
from typing import Any

import torch
from torchvision import __version__ as torchvision_version


def machine() -> dict[str, Any]:
    cpu = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = models[0].partition(":")[2].strip() if models else cpu
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision_version,
    }


def save(file: Path, found: dict[str, Any]) -> None:
    """Figures, and the machine they were taken on."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"machine": machine()} | found, indent=1) + "\n")
