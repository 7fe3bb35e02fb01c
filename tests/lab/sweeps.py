"""Three runs to sweep over, with a step that leaves behind which process it ran in."""

import os
import time
from functools import partial
from pathlib import Path

import torch
from torch.optim import SGD

from skipgrade import lab

RATES = (0.5, 0.1, 0.02)
pause = 0.0  # in each step
COLUMNS = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate")


def sgd(lr: float):
    return partial(SGD, lr=lr, momentum=0.9)


def grid(rates=RATES):
    return {lr: {"optimizer": sgd(lr)} for lr in rates}


def numbers(history: lab.History):
    return {column: history[column] for column in COLUMNS}


def noting_step(model, images, labels, loss_fn, optimizer):
    """A step that draws, and leaves behind which process it ran in."""
    time.sleep(pause)
    with Path("pids").open("a") as file:
        file.write(f"{os.getpid()} {torch.get_num_threads()}\n")
    optimizer.zero_grad()
    loss = loss_fn(model(images + 0.1 * torch.randn_like(images)), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


def processes() -> set[int]:
    return {int(line.split()[0]) for line in Path("pids").read_text().splitlines()}
