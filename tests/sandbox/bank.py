"""Ways out of a kernel, and what honest notebooks do: each a cell that says what it achieved.

`ATTACKS` leave in `escaped` what they got hold of, or raise. They find the names of `Targets` as
variables. They are bounded, so that they can also be shown to work where nothing stops them.
`HONEST` cells leave in `worked` whether everything went as it should.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass
class Targets:
    """A course with secrets, somebody else's files, and a world that listens."""

    SOURCE: str
    LABELS: str
    OTHER: str  # another submission
    GRADEBOOK: str
    OUTSIDE: str  # a folder
    PARENT: int
    PORT: int
    SOCKET: str
    ABSTRACT: str

    def code(self) -> str:
        return "\n".join(f"{name} = {value!r}" for name, value in asdict(self).items())


SECRET = "the answer to everything"


@contextmanager
def targets(root: Path) -> Iterator[Targets]:
    """Make what the attacks are after, and listen where they might call."""
    made = {"SOURCE": "source.ipynb", "LABELS": "labels", "OTHER": "other.ipynb", "GRADEBOOK": "db"}
    paths = {name: str(root / file) for name, file in made.items()}
    for path in paths.values():
        Path(path).write_text(SECRET)
    outside = root / "outside"
    outside.mkdir()
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as unix,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        unix.bind(str(root / "socket"))
        name = f"skipgrade-test-{os.getpid()}"
        abstract.bind("\0" + name)
        for listening in (unix, abstract):
            listening.listen()
        yield Targets(
            **paths,
            OUTSIDE=str(outside),
            PARENT=os.getpid(),
            PORT=tcp.getsockname()[1],
            SOCKET=str(root / "socket"),
            ABSTRACT=name,
        )


READ = "escaped = open({}).read()"
LIBC = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
CALL = LIBC + "result = libc.{}\nassert result >= 0, os.strerror(ctypes.get_errno())\n"

ATTACKS = {
    "read the source notebook": READ.format("SOURCE"),
    "read the held-out labels": READ.format("LABELS"),
    "read another submission": READ.format("OTHER"),
    "read the source through a link": "import os\nos.symlink(SOURCE, 'link')\n"
    + READ.format("'link'"),
    "read the source through a hard link": "import os\nos.link(SOURCE, 'hard')\n"
    + READ.format("'hard'"),
    "read the source through /proc": READ.format("'/proc/self/root' + SOURCE"),
    "read the source in a subprocess": "import subprocess\n"
    "escaped = subprocess.run(['cat', SOURCE], capture_output=True, check=True).stdout",
    "list the course": "import os\nescaped = os.listdir(os.path.dirname(SOURCE))",
    "list the processes": "import os\nescaped = [n for n in os.listdir('/proc') if n.isdigit()]",
    "read the grader's environment": "escaped = open(f'/proc/{PARENT}/environ', 'rb').read()",
    "read the grader's memory": "escaped = open(f'/proc/{PARENT}/mem', 'rb')",
    "write the gradebook": "escaped = open(GRADEBOOK, 'a').write('100')",
    "delete the gradebook": "import os\nos.remove(GRADEBOOK)\nescaped = True",
    "empty the gradebook": "import os\nos.truncate(GRADEBOOK, 0)\nescaped = True",
    "lock the gradebook away": "import os\nos.chmod(GRADEBOOK, 0)\n"
    "escaped = os.stat(GRADEBOOK).st_mode & 0o777 == 0",
    "write outside": "open(OUTSIDE + '/mark', 'w').close()\nescaped = True",
    "write outside through a link": "import os\nos.symlink(OUTSIDE, 'out')\n"
    "open('out/mark', 'w').close()\nescaped = True",
    "move a file outside": "import os\nopen('own', 'w').close()\n"
    "os.rename('own', OUTSIDE + '/mark')\nescaped = True",
    "write into the Python environment": "import torch, os\n"
    "path = os.path.dirname(torch.__file__) + '/skipgrade-mark'\nopen(path, 'w').close()\n"
    "os.remove(path)\nescaped = True",
    "call over TCP": "import socket\nescaped = socket.create_connection(('127.0.0.1', PORT), 2)",
    "listen on TCP": "import socket\nescaped = socket.create_server(('127.0.0.1', 0))",
    "send over UDP": "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
    "escaped = s.sendto(b'x', ('127.0.0.1', PORT))",
    "call over IPv6": "import socket\nescaped = socket.socket(socket.AF_INET6)",
    "call a unix socket elsewhere": "import socket\ns = socket.socket(socket.AF_UNIX)\n"
    "s.connect(SOCKET)\nescaped = True",
    "call a unix socket through a link": "import os, socket\nos.symlink(SOCKET, 'near')\n"
    "s = socket.socket(socket.AF_UNIX)\ns.connect('near')\nescaped = True",
    "call an abstract socket": "import socket\ns = socket.socket(socket.AF_UNIX)\n"
    "s.connect('\\0' + ABSTRACT)\nescaped = True",
    "signal the grader": "import os\nos.kill(PARENT, 0)\nescaped = True",
    "trace the grader": CALL.format("ptrace(0x4206, PARENT, 0, 0)") + "escaped = True\n"
    "libc.ptrace(17, PARENT, 0, 0)",
    "limit the grader": "import resource\n"
    "escaped = resource.prlimit(PARENT, resource.RLIMIT_NOFILE, (4096, 4096)) or True",
    "a namespace of one's own": CALL.format("unshare(0x04000000)") + "escaped = True",
    "a program from memory": "import os\nescaped = os.memfd_create('x')",
    "rights through sudo": "import subprocess\n"
    "status = open('/proc/self/status').read()\n"
    "escaped = 'NoNewPrivs:\\t0' in status",
    "a hostile pickle for weights": "import pickle, torch\n"
    "class Hostile:\n    def __reduce__(self):\n"
    '        return exec, (f\'open({OUTSIDE + "/mark"!r}, "w").close()\',)\n'
    "with open('net-best.safetensors', 'wb') as file:\n    pickle.dump(Hostile(), file)\n"
    "pickle.load(open('net-best.safetensors', 'rb'))\nescaped = True",
    "processes without end": "import os, signal\nstarted = []\ntry:\n"
    "    for _ in range(200):\n        pid = os.fork()\n"
    "        if pid == 0:\n            signal.pause()\n        started.append(pid)\n"
    "finally:\n    for pid in started:\n        os.kill(pid, signal.SIGKILL)\n"
    "        os.waitpid(pid, 0)\nescaped = len(started)",
    "more memory than allowed": "escaped = len(bytearray(3 * 2**30))",
}
# What these do shows only when the kernel has been stopped, or is gone.
STOPPED = {
    "memory shared among processes": "import os, signal, time\n"
    "for _ in range(10):\n    if os.fork() == 0:\n"
    "        held = bytearray(b'x') * (300 * 2**20)\n        signal.pause()\n"
    "time.sleep(20)",
    "fill the disk": "for number in range(40):\n"
    "    with open(f'big-{number}', 'wb') as file:\n        file.write(bytes(20 * 2**20))\n"
    "import time\ntime.sleep(20)",
}
LEFT_BEHIND = """
import os, subprocess, sys
program = "import os, time; os.setsid(); time.sleep(600)"
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-c", program, MARK])
    os._exit(0)
"""

HONEST = {
    "loads data in worker processes": "import torch\nfrom torch.utils.data import DataLoader\n"
    "loader = DataLoader(torch.arange(8.0), batch_size=4, num_workers=2)\n"
    "worked = float(sum(batch.sum() for batch in loader)) == 28.0",
    "uses a pool of processes": "import math, multiprocessing\n"
    "with multiprocessing.Pool(2) as pool:\n"
    "    worked = pool.map(math.sqrt, [4, 9]) == [2.0, 3.0]",
    "calls a program": "import subprocess\n"
    "worked = subprocess.run(['echo', 'x'], capture_output=True).stdout == b'x\\n'",
    "runs a shell line": "lines = !echo hello\nworked = lines == ['hello']",
    "saves and loads weights": "import torch\ntorch.save({'w': torch.ones(3)}, 'own.pt')\n"
    "worked = torch.load('own.pt')['w'].tolist() == [1, 1, 1]",
    "copies files about": "import shutil, pathlib\npathlib.Path('a').mkdir(exist_ok=True)\n"
    "pathlib.Path('a/x').write_text('x')\nshutil.copytree('a', 'b', dirs_exist_ok=True)\n"
    "shutil.copy('a/x', 'y')\nshutil.make_archive('z', 'zip', 'b')\n"
    "worked = pathlib.Path('z.zip').exists() and pathlib.Path('y').read_text() == 'x'",
    "uses temporary files": "import tempfile\nwith tempfile.TemporaryDirectory() as folder:\n"
    "    worked = bool(open(folder + '/x', 'w').write('x'))",
    "runs threads": "import threading\nseen = []\n"
    "t = threading.Thread(target=seen.append, args=(1,))\nt.start()\nt.join()\n"
    "worked = seen == [1]",
    "trains on several cores": "import torch\ntorch.set_num_threads(2)\n"
    "net = torch.nn.Conv2d(3, 8, 3)\nloss = net(torch.randn(16, 3, 32, 32)).square().mean()\n"
    "loss.backward()\nworked = bool(net.weight.grad.abs().sum() > 0)",
    "draws a figure to a file": "import matplotlib.pyplot as plt, pathlib\n"
    "plt.plot([1, 2])\nplt.savefig('figure.png')\nplt.close()\n"
    "worked = pathlib.Path('figure.png').stat().st_size > 1000",
    "sees its own processes and memory": "import os, psutil\n"
    "worked = psutil.Process().memory_info().rss > 0 and psutil.virtual_memory().total > 0",
    "imports what was not imported": "import json.tool, torchvision.ops, sqlite3, ssl\n"
    "worked = sqlite3.connect('own.db').execute('select 1').fetchone() == (1,)",
}
