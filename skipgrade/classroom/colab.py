"""The first two cells of every released notebook, and a form that Colab reads."""

from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from packaging.requirements import Requirement
from traitlets import Unicode, default

from skipgrade import __version__
from skipgrade.classroom.wheel import requirements

EXAMPLE = "https://github.com/skipgrade/skipgrade"  # to be replaced by each course's own
COLABS_OWN = {"numpy", "pillow", "torch", "torchvision"}
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
GITHUB = "https://github.com/"
INSTALL = """\
# On Colab this installs the course's code; where it is installed it does nothing.
import importlib.util

if importlib.util.find_spec("skipgrade") is None:
    %pip install -q --no-deps {wheel}
    %pip install -q {requirements}
    importlib.invalidate_caches()
    try:
        from skipgrade import lab
    except ImportError as error:
        raise SystemExit(
            f"The course's code could not be installed ({{error}}). Look whether the internet "
            "works and run this cell again; if that does not help, send your teacher what it shows."
        ) from None
"""
WELCOME = """\
[![Open in Colab]({badge})]({address})

On Colab, save a copy in your Drive first (*File → Save a copy in Drive*) and work in the copy.
"""


class ColabHeader(NbGraderPreprocessor):
    """Adds a badge cell and an install cell; has to be the last of the list.

    Colab reads nbformat 4.4, which has no cell ids: they go, and nbgrader's own `grade_id`s in
    the metadata are what ties the cells to the gradebook.
    """

    repository = Unicode(help="The course's public repository, an https address").tag(config=True)
    branch = Unicode("main", help="The branch students open").tag(config=True)
    release_url = Unicode(help="Where the folder release/ can be downloaded from").tag(config=True)

    @default("release_url")
    def _release_url(self) -> str:
        return f"{self.repository}{self._of_its_host}/raw/{self.branch}/release"

    @property
    def _of_its_host(self) -> str:
        """What GitLab, wherever it runs, puts between a repository and a place in it."""
        return "/-" if "gitlab" in self.repository.split("/")[2] else ""

    def notebook_address(self, assignment: str, notebook: str) -> str:
        """Where Colab opens a released notebook; from elsewhere than GitHub it opens an upload."""
        path = f"{self.branch}/release/{assignment}/{notebook}.ipynb"
        if self.repository.startswith(GITHUB):
            repository = self.repository.removeprefix(GITHUB)
            return f"https://colab.research.google.com/github/{repository}/blob/{path}"
        return f"{self.repository}{self._of_its_host}/blob/{path}"

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        if not self.repository:
            raise ValueError("nbgrader_config.py does not set c.ColabHeader.repository")
        where = resources["nbgrader"]
        welcome = WELCOME.format(
            badge=BADGE, address=self.notebook_address(where["assignment"], where["notebook"])
        )
        install = INSTALL.format(
            wheel=f"{self.release_url}/{wheel_name()}", requirements=" ".join(light_requirements())
        )
        nb.cells = [
            nbformat.v4.new_markdown_cell(welcome.strip()),
            nbformat.v4.new_code_cell(install.strip()),
            *nb.cells,
        ]
        for cell in nb.cells:
            cell.pop("id", None)
        nb.nbformat_minor = 4
        nb.metadata["accelerator"] = "GPU"
        return nb, resources


def wheel_name() -> str:
    """The file students install; a link to it stands in every released notebook."""
    return f"skipgrade-{__version__}-py3-none-any.whl"


def light_requirements() -> list[str]:
    """What the student's bench needs, less what Colab has and must stay as it is there."""
    needed = {Requirement(line).name: f'"{line}"' for line in requirements()}
    return [line for name, line in sorted(needed.items()) if name not in COLABS_OWN]
