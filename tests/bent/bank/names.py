"""Names, folders and zip files."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from tests.bent.bank.bending import bend
from tests.bent.course import NAME


def renamed(title: str, old: str, new: str) -> None:
    @bend(title)
    def _(folder: Path) -> None:
        (folder / new).parent.mkdir(parents=True, exist_ok=True)
        (folder / old).rename(folder / new)


NOTEBOOK, WEIGHTS, TABLE = f"{NAME}.ipynb", "plain-best.safetensors", "table.csv"
renamed("the notebook with (1)", NOTEBOOK, f"{NAME} (1).ipynb")
renamed("the notebook with (2), no space", NOTEBOOK, f"{NAME}(2).ipynb")
renamed("a copy of the notebook", NOTEBOOK, f"Copy of {NAME}.ipynb")
renamed("Jupyter's copy of the notebook", NOTEBOOK, f"{NAME}-Copy1.ipynb")
renamed("Windows' copy of the notebook", NOTEBOOK, f"{NAME} - Copy.ipynb")
renamed("the notebook under a name of its own", NOTEBOOK, "homework_final.ipynb")
renamed("the notebook in capitals", NOTEBOOK, f"{NAME.upper()}.ipynb")
renamed("another case of the ending", NOTEBOOK, f"{NAME}.IPYNB")
renamed("the notebook as JSON", NOTEBOOK, f"{NAME}.ipynb.json")
renamed("the notebook as text", NOTEBOOK, f"{NAME}.ipynb.txt")
renamed("weights with (1)", WEIGHTS, "plain-best (1).safetensors")
renamed("weights with (2)", WEIGHTS, "plain-best(2).safetensors")
renamed("weights in another case", WEIGHTS, "Plain-Best.safetensors")
renamed("a table with (1)", TABLE, "table (1).csv")
renamed("a table in another case", TABLE, "Table.CSV")
renamed("weights in a folder of their own", WEIGHTS, f"weights/{WEIGHTS}")
renamed("a table in a folder of its own", TABLE, f"out/{TABLE}")


@bend("everything one folder down")
def _(folder: Path) -> None:
    _down(folder, folder / NAME)


@bend("everything two folders down, with the rubbish of a Mac")
def _(folder: Path) -> None:
    _down(folder, folder / "content" / "homework 7")
    for path in ("__MACOSX/content/homework 7", ".ipynb_checkpoints"):
        (folder / path).mkdir(parents=True)
    (folder / "__MACOSX/content/homework 7" / f"._{NOTEBOOK}").write_bytes(b"\0\5\x16\7")
    (folder / ".ipynb_checkpoints" / f"{NAME}-checkpoint.ipynb").write_text("{}")
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")


@bend("the notebook one folder down, its files beside the folder")
def _(folder: Path) -> None:
    (folder / "notebook").mkdir()
    (folder / NOTEBOOK).rename(folder / "notebook" / NOTEBOOK)


def _down(folder: Path, target: Path) -> None:
    inside = list(folder.iterdir())
    target.mkdir(parents=True)
    for path in inside:
        path.rename(target / path.name)


def zipped(title: str, name: str, inside: str = "", *, loose: tuple[str, ...] = ()) -> None:
    @bend(title)
    def _(folder: Path) -> None:
        paths = [path for path in folder.iterdir() if path.name not in loose]
        with zipfile.ZipFile(folder / name, "w") as archive:
            for path in paths:
                archive.write(path, inside + path.name)
        for path in paths:
            path.unlink()


zipped("the zip file as lab.hand_in wrote it", f"{NAME}_4711.zip")
zipped("a zip file with a folder in it", "homework.zip", "homework/")
zipped("a zip file with other separators", "homework.zip", "homework\\")
zipped("a zip file, the weights beside it", "homework.zip", loose=(WEIGHTS,))
zipped("a zip file in capitals", "HOMEWORK.ZIP")


@bend("a zip file in a zip file")
def _(folder: Path) -> None:
    inner = folder.parent / "inner.zip"
    with zipfile.ZipFile(inner, "w") as archive:
        for path in list(folder.iterdir()):
            archive.write(path, path.name)
            path.unlink()
    with zipfile.ZipFile(folder / "outer.zip", "w") as archive:
        archive.write(inner, f"{NAME}_4711.zip")
    inner.unlink()


@bend("the zip file beside what was in it")
def _(folder: Path) -> None:
    shutil.make_archive(str(folder.parent / "all"), "zip", folder)
    (folder.parent / "all.zip").rename(folder / "all.zip")


@bend("an older notebook beside it")
def _(folder: Path) -> None:
    (folder / "scratch.ipynb").write_text((folder / NOTEBOOK).read_text())
    (folder / f"{NAME} (1).ipynb").write_text("{}")


@bend("checkpoints beside it")
def _(folder: Path) -> None:
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / f"{NAME}-checkpoint.ipynb").write_text("{}")
