"""Does a feedback page keep the grader's folders to itself?"""

import sysconfig
from pathlib import Path

import nbformat
from nbconvert.exporters import ResourcesDict

from skipgrade.classroom.paths import PROJECT, HidePaths


def hidden(*texts: str) -> list[str]:
    output = nbformat.v4.new_output("error", ename="E", evalue=texts[0], traceback=list(texts))
    cell = nbformat.v4.new_code_cell("1", outputs=[output])
    cell, _ = HidePaths().preprocess_cell(cell, ResourcesDict(), 0)
    assert cell.outputs[0].evalue == cell.outputs[0].traceback[0]
    return cell.outputs[0].traceback


def test_only_the_part_inside_a_package_stays() -> None:
    site = sysconfig.get_paths()["purelib"]
    assert hidden(
        f"\x1b[32m{PROJECT}/skipgrade/lab/plots.py:149\x1b[39m", f"File {site}/torch/nn.py:3"
    ) == ["\x1b[32mskipgrade/lab/plots.py:149\x1b[39m", "File torch/nn.py:3"]


def test_home_is_nobodys_business() -> None:
    assert hidden(f"No such file: {Path.home()}/grades.csv") == ["No such file: grades.csv"]


def test_what_is_no_path_stays() -> None:
    assert hidden("ratio 1/2", "https://example.org/a/b") == [
        "ratio 1/2",
        "https://example.org/a/b",
    ]


def test_markup_is_not_cut() -> None:
    """What stands on both sides of a folder may be harmless, and not what they make together."""
    link = f"[x]{Path.home()}/(javascript:alert(1)) &{Path.home()}/#92;"
    data = {"text/markdown": link, "text/html": link, "text/plain": link}
    output = nbformat.v4.new_output("display_data", data=data)
    cell = nbformat.v4.new_code_cell("1", outputs=[output])
    cell, _ = HidePaths().preprocess_cell(cell, ResourcesDict(), 0)
    cut = "[x](javascript:alert(1)) &#92;"
    assert cell.outputs[0].data == {"text/markdown": link, "text/html": link, "text/plain": cut}
    assert cell.outputs[0].output_type == "display_data"
