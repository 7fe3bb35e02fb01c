"""The notebook's file, as editors write it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.bent.bank.bending import bend, code, text, whole, words
from tests.bent.course import NAME


@whole("Colab's metadata")
def _(notebook: dict[str, Any]) -> None:
    notebook["nbformat_minor"] = 0
    notebook["metadata"] = {
        "colab": {"provenance": [], "gpuType": "T4", "toc_visible": True},
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python"},
        "accelerator": "GPU",
        "widgets": {"application/vnd.jupyter.widget-state+json": {"abc": {"model_name": "HBox"}}},
    }
    for number, each in enumerate(notebook["cells"]):
        each["metadata"] |= {
            "id": f"aB{number}",
            "executionInfo": {"status": "ok", "user": {"displayName": "A Name", "userId": "1"}},
            "outputId": "c", "colab": {"base_uri": "https://localhost:8080/"},
        }  # fmt: skip
    badge = '<a href="https://colab.research.google.com/github/x">Open In Colab</a>'
    notebook["cells"].insert(0, words(badge, id="view-in-github", colab_type="text"))


@whole("widget outputs without their state")
def _(notebook: dict[str, Any]) -> None:
    notebook["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {}}
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "1", "version_major": 2}}
    output = {"output_type": "display_data", "data": view | {"text/plain": "0%"}, "metadata": {}}
    notebook["cells"].insert(2, code("1") | {"outputs": [output]})


@whole("cells without outputs and counts")
def _(notebook: dict[str, Any]) -> None:
    for each in notebook["cells"]:
        each.pop("outputs", None)
        each.pop("execution_count", None)


@whole("cells without metadata")
def _(notebook: dict[str, Any]) -> None:
    for each in notebook["cells"]:
        if "nbgrader" not in each["metadata"]:
            del each["metadata"]


@whole("no metadata of the notebook")
def _(notebook: dict[str, Any]) -> None:
    notebook["metadata"] = {}


@whole("another kernel's name")
def _(notebook: dict[str, Any]) -> None:
    notebook["metadata"]["kernelspec"] = {"name": "conda-env-dl-py", "display_name": "Python (dl)"}


@whole("a kernelspec that says nothing")
def _(notebook: dict[str, Any]) -> None:
    notebook["metadata"]["kernelspec"] = {}


@whole("no minor version")
def _(notebook: dict[str, Any]) -> None:
    del notebook["nbformat_minor"]


@whole("cell ids, some of them twice")
def _(notebook: dict[str, Any]) -> None:
    notebook["nbformat_minor"] = 5
    for number, each in enumerate(notebook["cells"]):
        each["id"] = f"cell-{number // 2}"


@whole("texts as one string")
def _(notebook: dict[str, Any]) -> None:
    for each in notebook["cells"]:
        each["source"] = text(each)


@whole("line ends of Windows")
def _(notebook: dict[str, Any]) -> None:
    for each in notebook["cells"]:
        each["source"] = text(each).replace("\n", "\r\n")


@bend("a byte-order mark")
def _(folder: Path) -> None:
    path = folder / f"{NAME}.ipynb"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


@bend("UTF-16")
def _(folder: Path) -> None:
    path = folder / f"{NAME}.ipynb"
    path.write_bytes(path.read_text().encode("utf-16"))


@bend("spaces around the JSON")
def _(folder: Path) -> None:
    path = folder / f"{NAME}.ipynb"
    path.write_text(f"\n\n {path.read_text()}\n\n")
