"""The student's bench: images, training that survives a disconnect, figures and the submission."""

from skipgrade.lab import draw
from skipgrade.lab.backbone import backbone
from skipgrade.lab.checking import check
from skipgrade.lab.data import MEAN, STD, dataset, normalisation, raw, source
from skipgrade.lab.errors import LabError
from skipgrade.lab.evaluating import evaluate, predictions
from skipgrade.lab.fitting import fit
from skipgrade.lab.handin import hand_in
from skipgrade.lab.history import History
from skipgrade.lab.keeping import forget
from skipgrade.lab.loaders import Data, load
from skipgrade.lab.machine import device, seed_everything
from skipgrade.lab.pack import Pack, open_pack
from skipgrade.lab.plots import (
    plot_confusion,
    plot_history,
    plot_images,
    plot_sweep,
    plot_weights,
)
from skipgrade.lab.predicted import read_predictions, write_predictions
from skipgrade.lab.schedules import cosine, one_cycle
from skipgrade.lab.signatures import signature
from skipgrade.lab.sweeping import sweep
from skipgrade.lab.unfilled import if_filled_in

__all__ = [
    "MEAN",
    "STD",
    "Data",
    "History",
    "LabError",
    "Pack",
    "backbone",
    "check",
    "cosine",
    "dataset",
    "device",
    "draw",
    "evaluate",
    "fit",
    "forget",
    "hand_in",
    "if_filled_in",
    "load",
    "normalisation",
    "one_cycle",
    "open_pack",
    "plot_confusion",
    "plot_history",
    "plot_images",
    "plot_sweep",
    "plot_weights",
    "predictions",
    "raw",
    "read_predictions",
    "seed_everything",
    "signature",
    "source",
    "sweep",
    "write_predictions",
]
