"""Are the names, and the arguments, we use of other packages still there?

Each row says what is relied on, which file of ours does, and which arguments it gives. What such a
thing has to do beyond being there is asked in the other files of this folder.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

PACKAGE = Path(__file__).parents[2] / "skipgrade"


class Row(NamedTuple):
    what: str  # module:name
    where: str  # the file below skipgrade/ that relies on it
    arguments: tuple[str, ...] = ()


NBGRADER = [
    Row("nbgrader.converters:Autograde.exporter_class", "../nbgrader_config.py"),
    Row("nbgrader.converters:Autograde.start", "classroom/course.py", ("self",)),
    Row("nbgrader.converters.base:NbGraderException", "classroom/course.py"),
    Row("nbgrader.coursedir:CourseDirectory.format_path", "judging/intake/submissions.py",
        ("nbgrader_step", "student_id", "assignment_id", "escape")),
    Row("nbgrader.coursedir:CourseDirectory.db_url", "classroom/course.py"),
    Row("nbgrader.preprocessors:Execute.error_on_timeout", "judging/grader/recovery.py"),
    Row("nbgrader.preprocessors:Execute.preprocess", "judging/grader/execute.py",
        ("nb", "resources", "km")),
    Row("nbgrader.preprocessors:CheckCellMetadata.preprocess", "judging/grader/cell_metadata.py",
        ("nb", "resources")),
    Row("nbgrader.preprocessors:SaveAutoGrades.preprocess", "judging/grader/gradebook_cells.py",
        ("nb", "resources")),
    Row("nbgrader.preprocessors:OverwriteCells.preprocess", "judging/grader/gradebook_cells.py",
        ("nb", "resources")),
    Row("nbgrader.api:Gradebook.find_grade", "judging/grader/gradebook_cells.py",
        ("grade_cell", "notebook", "assignment", "student")),
    Row("nbgrader.api:Gradebook.find_comment", "judging/grader/gradebook_cells.py",
        ("solution_cell", "notebook", "assignment", "student")),
    Row("nbgrader.api:Gradebook.find_source_cell", "judging/grader/gradebook_cells.py",
        ("name", "notebook", "assignment")),
    Row("nbgrader.utils:is_grade", "judging/grader/execute.py", ("cell",)),
    Row("nbgrader.utils:parse_utc", "judging/intake/submissions.py", ("ts",)),
    Row("nbgrader.api:Gradebook.update_or_create_submission", "classroom/task.py",
        ("assignment", "student")),
    Row("nbgrader.api:Base.metadata", "classroom/rows.py"),
    Row("nbgrader.preprocessors:AssignLatePenalties.init_plugin", "classroom/marking.py"),
    Row("nbgrader.preprocessors:ClearMarkScheme.begin_mark_scheme_delimeter",
        "classroom/mark_schemes.py"),
]  # fmt: skip
JUPYTER = [
    Row("nbclient.client:NotebookClient.execute_cell", "judging/grader/recovery.py",
        ("cell", "cell_index", "store_history")),
    Row("nbclient.client:NotebookClient.output", "judging/grader/recovery.py",
        ("outs", "msg", "display_id", "cell_index")),
    Row("nbclient.client:NotebookClient.handle_comm_msg", "judging/grader/recovery.py",
        ("outs", "msg", "cell_index")),
    Row("nbclient.client:NotebookClient.start_new_kernel_client", "judging/grader/recovery.py"),
    Row("nbclient.client:NotebookClient.create_kernel_manager", "judging/grader/execute.py"),
    Row("nbclient.client:NotebookClient.on_cell_execute", "judging/grader/recovery.py"),
    Row("nbclient.client:NotebookClient.timeout_func", "judging/grader/recovery.py"),
    Row("nbclient.exceptions:DeadKernelError", "judging/grader/recovery.py"),
    Row("nbclient.exceptions:CellTimeoutError", "judging/grader/recovery.py"),
    Row("nbclient.util:run_sync", "judging/grader/recovery.py", ("coro",)),
    Row("nbclient.util:ensure_async", "judging/grader/recovery.py", ("obj",)),
    Row("nbconvert.exporters:NotebookExporter.from_filename", "judging/intake/exporter.py",
        ("filename", "resources")),
    Row("nbconvert.exporters:NotebookExporter.from_notebook_node", "judging/intake/exporter.py",
        ("nb", "resources")),
    Row("jupyter_client.provisioning:LocalProvisioner.process", "sandbox/provisioner.py"),
    Row("jupyter_client.provisioning:LocalProvisioner.pid", "sandbox/provisioner.py"),
    Row("jupyter_client.provisioning:LocalProvisioner.pgid", "sandbox/provisioner.py"),
    Row("jupyter_client.provisioning:LocalProvisioner.cwd", "sandbox/provisioner.py"),
    Row("jupyter_client.provisioning:LocalProvisioner.pre_launch", "sandbox/provisioner.py"),
    Row("jupyter_client.provisioning:LocalProvisioner.cleanup", "sandbox/provisioner.py",
        ("restart",)),
    Row("jupyter_client.provisioning:LocalProvisioner.kill", "sandbox/provisioner.py",
        ("restart",)),
    Row("jupyter_client.manager:AsyncKernelManager.client_factory", "sandbox/kernels/__init__.py"),
    Row("jupyter_client.session:Session.feed_identities", "judging/grader/student_messages.py",
        ("msg_list", "copy")),
    Row("jupyter_client.session:Session.deserialize", "judging/grader/student_messages.py",
        ("msg_list", "content", "copy")),
    Row("ipykernel.iostream:IOPubThread", "sandbox/kernel_app.py", ("socket", "pipe", "session")),
    Row("ipykernel.iostream:IOPubThread._handle_pipe_msg", "sandbox/kernel_app.py"),
    Row("ipykernel.kernelapp:IPKernelApp.init_shell", "sandbox/kernel_app.py"),
    Row("ipykernel.kernelapp:IPKernelApp._bind_socket", "sandbox/kernel_app.py", ("s", "port")),
    Row("ipykernel.kernelapp:IPKernelApp._apply_curve_server_options", "sandbox/kernel_app.py",
        ("socket",)),
    Row("ipykernel.kernelapp:IPKernelApp.configure_tornado_logger", "sandbox/kernel_app.py"),
    Row("ipykernel.kernelapp:IPKernelApp.abs_connection_file", "sandbox/kernel_app.py"),
    Row("IPython.core.interactiveshell:InteractiveShell.var_expand", "sandbox/kernel_app.py",
        ("cmd", "depth")),
    Row("IPython.core.pylabtools:activate_matplotlib", "sandbox/kernel_app.py", ("backend",)),
    Row("IPython.core.history:HistoryManager.input_hist_raw", "lab/session.py"),
    Row("matplotlib_inline.backend_inline:configure_inline_support", "sandbox/kernel_app.py",
        ("shell", "backend")),
]  # fmt: skip
OTHERS = [
    Row("distributed:Future.add_done_callback", "classroom/cluster.py", ("fn",)),
    Row("distributed:Client.register_plugin", "classroom/cluster.py", ("plugin",)),
    Row("distributed:Client.unregister_worker_plugin", "classroom/cluster.py", ("name",)),
    Row("distributed:Client.nthreads", "classroom/cluster.py"),
    Row("distributed.system:MEMORY_LIMIT", "classroom/cluster.py"),
    Row("dask.system:CPU_COUNT", "classroom/cluster.py"),
    Row("multiprocessing.forkserver:ensure_running", "classroom/workers.py"),
    Row("atexit:_run_exitfuncs", "sandbox/start_kernel.py"),
    Row("hatchling.builders.wheel:WheelBuilder.build", "classroom/wheel.py",
        ("directory", "versions")),
    Row("torch.utils.weak:WeakTensorKeyDictionary", "judging/questions/tracing.py"),
    Row("torch.overrides:TorchFunctionMode", "judging/questions/tracing.py"),
    Row("torch.utils._python_dispatch:TorchDispatchMode", "judging/programs/recording.py"),
    Row("torch._C:_get_mkldnn_enabled", "judging/programs/recording.py"),
    Row("torch._C:_set_mkldnn_enabled", "judging/programs/recording.py"),
    Row("torchvision.datasets:CIFAR10.train_list", "lab/official.py"),
    Row("torchvision.datasets:CIFAR10.test_list", "lab/official.py"),
    Row("torchvision.datasets:CIFAR10.base_folder", "lab/official.py"),
    Row("torchvision.datasets:CIFAR10.meta", "lab/official.py"),
    Row("torchvision.datasets:CIFAR10.url", "lab/official.py"),
    Row("torchvision.datasets:CIFAR100.meta", "lab/official.py"),
    Row("torchvision.datasets.utils:check_integrity", "lab/official.py", ("fpath", "md5")),
]  # fmt: skip


def found(what: str) -> Any:
    """The thing itself; for a trait, not its value but the trait."""
    module, _, names = what.partition(":")
    thing: Any = importlib.import_module(module)
    for name in names.split("."):
        thing = inspect.getattr_static(thing, name)
    return thing


def arguments_of(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(getattr(function, "__func__", function))


@pytest.mark.parametrize("row", [*NBGRADER, *JUPYTER, *OTHERS], ids=lambda row: row.what)
def test_it_is_there(row: Row) -> None:
    told = f"{row.what} has changed, and skipgrade/{row.where} relies on it (docs/upstream.md)"
    try:
        thing = found(row.what)
    except (ImportError, AttributeError) as error:
        pytest.fail(f"{told}: {error}")
    if row.arguments:
        taken = arguments_of(thing).parameters
        anything = any(one.kind is one.VAR_KEYWORD for one in taken.values())
        missing = [name for name in row.arguments if name not in taken]
        assert not missing or anything, f"{told}: it no longer takes {', '.join(missing)}"


@pytest.mark.parametrize("row", [*NBGRADER, *JUPYTER, *OTHERS], ids=lambda row: row.what)
def test_the_table_is_true_of_our_own_files(row: Row) -> None:
    name = row.what.rpartition(":")[2].rpartition(".")[2]
    used = (PACKAGE / row.where).read_text()
    assert name in used, f"{row.where} no longer uses {row.what}"
