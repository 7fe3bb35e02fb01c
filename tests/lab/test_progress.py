"""Does progress look right in a terminal, in a notebook and in a log file?"""

import importlib.util
import io
import subprocess
import sys
import textwrap
import types

import pytest

from skipgrade.lab import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run_bar(out: io.StringIO, monkeypatch) -> str:
    monkeypatch.setattr(sys, "stdout", out)
    with progress.Progress("net", steps=40, done=10) as bar:
        for epoch in (2, 3, 4):
            bar.epoch(epoch, 4)
            for _ in range(10):
                bar.step(1.25)
            bar.line(f"net epoch {epoch}/4: done")
    return out.getvalue()


def test_a_log_file_gets_one_line_an_epoch_and_nothing_else(monkeypatch):
    text = run_bar(io.StringIO(), monkeypatch)
    assert text.splitlines() == [f"net epoch {epoch}/4: done" for epoch in (2, 3, 4)]


def test_a_terminal_gets_a_live_bar_and_the_lines_stand_free(monkeypatch):
    text = run_bar(Terminal(), monkeypatch)
    assert "epoch 2/4" in text and "loss=1.250" in text and "40" in text
    for epoch in (2, 3, 4):
        assert f"\rnet epoch {epoch}/4: done\n" in text


def test_a_notebook_without_widgets_gets_no_warning():
    """tqdm.auto would write a TqdmWarning to stderr there."""
    code = textwrap.dedent("""
        import importlib.util, sys
        find = importlib.util.find_spec
        importlib.util.find_spec = lambda name, *a: None if name == "ipywidgets" else find(name, *a)
        sys.modules["ipywidgets"] = None
        from ipykernel.inprocess import InProcessKernelManager
        from IPython.core.interactiveshell import InteractiveShell
        shell = InteractiveShell.instance()
        shell.kernel = object()
        from skipgrade.lab import progress
        assert progress._in_notebook()
        with progress.Progress("net", steps=2, done=0) as bar:
            bar.epoch(1, 1); bar.step(1.0); bar.step(None); bar.line("done")
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "done" in done.stdout
    assert done.stderr == ""


@pytest.mark.skipif(not importlib.util.find_spec("ipywidgets"), reason="no widgets here")
def test_a_notebook_with_widgets_gets_the_widget_bar(monkeypatch):
    from tqdm.notebook import tqdm as widget_bar

    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    assert progress._kind() is widget_bar
