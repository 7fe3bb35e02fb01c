"""`nbgrader zip_collect` by the rule of `skipgrade collect`."""

from pathlib import Path

from nbgrader.plugins.zipcollect import FileNameCollectorPlugin
from traitlets import List, Unicode

from skipgrade.classroom.collect_names import parse
from skipgrade.classroom.collect_plan import NobodyError, Plan
from skipgrade.classroom.roster import Roster


class PlatformNames(FileNameCollectorPlugin):
    """Whose an extracted file is: told by the folder or the file that a platform named."""

    roster = Unicode(help="A CSV with columns id and name; see docs/tas.md.").tag(config=True)
    valid_ext = List(default_value=[".ipynb", ".safetensors", ".json", ".csv"]).tag(config=True)

    def collect(self, submitted_file: str) -> dict[str, str] | None:
        path = Path(submitted_file)
        if path.suffix not in self.valid_ext:
            return None
        assignment = self.parent.coursedir.assignment_id
        roster = Roster.read(Path(self.roster)) if self.roster else None
        plan = Plan(assignment, roster, path.parent)
        for part in _below(path, self.parent.extracted_directory):
            name = parse(part, assignment) or parse(f"{part}.zip", assignment)
            if name is None or name.skipped:
                continue
            try:
                (student,) = plan.students_of(name)
            except (NobodyError, ValueError) as error:
                self.log.warning("%s: %s", submitted_file, error)
                return None
            file = name.file if part == path.name and name.file else path.name
            told = {"timestamp": f"{name.time} UTC"} if name.time else {}
            return {"student_id": student, "file_id": file, **told}
        self.log.warning("%s: no platform writes such a name", submitted_file)
        return None


def _below(path: Path, folder: str) -> tuple[str, ...]:
    parts = path.parts
    return parts[parts.index(folder) + 1 :] if folder in parts else parts
