"""What honest notebooks do: each leaves in `worked` whether everything went as it should."""

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
    "cuts a file of its own off": """
import os
open('long', 'w').write('longer than it should be')
os.truncate('long', 6)
held = open('long', 'r+')
held.truncate(4)
worked = open('long').read() == 'long'
""",
    "moves files between its folders": """
import os, shutil
for folder in 'from', 'to':
    os.makedirs(folder, exist_ok=True)
open('from/x', 'w').write('x')
shutil.move('from/x', 'to/x')
os.rename('to/x', 'to/y')
worked = open('to/y').read() == 'x' and not os.path.exists('from/x')
""",
    "renames files into other folders": """
import os
os.makedirs('other', exist_ok=True)
open('here', 'w').write('x')
os.replace('here', 'other/there')
worked = open('other/there').read() == 'x'
""",
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
    "imports what was not imported": "import json.tool, sqlite3, ssl, xml.dom.minidom\n"
    "worked = sqlite3.connect('own.db').execute('select 1').fetchone() == (1,)",
    "carries many tensors from worker processes": """
import torch
from torch.utils.data import DataLoader
loader = DataLoader(torch.arange(4000.0).view(2000, 2), batch_size=10, num_workers=2)
kept = list(loader)
worked = sum(float(batch.sum()) for batch in kept) == 4000 * 3999 / 2
""",
    "shares a tensor with a child": """
import os, torch
shared = torch.zeros(1000).share_memory_()
pid = os.fork()
if pid == 0:
    shared += 1
    os._exit(0)
os.waitpid(pid, 0)
worked = float(shared.sum()) == 1000
""",
    "shares memory by name": """
from multiprocessing.shared_memory import SharedMemory
made = SharedMemory(create=True, size=1000)
again = SharedMemory(made.name)
made.buf[7] = 42
worked = again.buf[7] == 42
again.close()
made.close()
made.unlink()
""",
    "speaks with processes in every way": """
import multiprocessing
def work(queue, lock, event, pipe):
    with lock:
        queue.put(6 * 7)
    event.set()
    pipe.send('done')
own, theirs = multiprocessing.Pipe()
queue, lock, event = multiprocessing.Queue(), multiprocessing.Lock(), multiprocessing.Event()
process = multiprocessing.Process(target=work, args=(queue, lock, event, theirs))
process.start()
worked = event.wait(20) and queue.get(timeout=20) == 42 and own.recv() == 'done'
process.join()
""",
    "has a manager's process": """
import multiprocessing
with multiprocessing.Manager() as manager:
    shared = manager.dict(a=1)
    worked = dict(shared) == {'a': 1}
""",
    "has an executor's processes": """
from concurrent.futures import ProcessPoolExecutor
with ProcessPoolExecutor(2) as pool:
    worked = list(pool.map(abs, [-1, 2])) == [1, 2]
""",
    "waits for programs in a loop of events": """
import asyncio, threading
async def ask():
    process = await asyncio.create_subprocess_exec('echo', 'x', stdout=asyncio.subprocess.PIPE)
    return (await process.communicate())[0]
async def serve():
    async def reply(reader, writer):
        writer.write(await reader.readline())
        writer.close()
    server = await asyncio.start_unix_server(reply, 'served')
    reader, writer = await asyncio.open_unix_connection('served')
    writer.write(b'hello\\n')
    return await reader.readline()
got = []
thread = threading.Thread(target=lambda: got.extend(map(asyncio.run, (ask(), serve()))))
thread.start()
thread.join()
worked = got == [b'x\\n', b'hello\\n']
""",
    "runs a shell line that prints": "!echo hello > printed\n"
    "worked = open('printed').read() == 'hello\\n' and _exit_code == 0",
    "keeps a data base": """
import sqlite3
with sqlite3.connect('kept.db') as base:
    base.execute('create table if not exists runs (loss real)')
    base.execute('insert into runs values (0.5)')
worked = sqlite3.connect('kept.db').execute('select loss from runs').fetchone() == (0.5,)
""",
    "locks a file of its own": """
import fcntl
with open('lock', 'w') as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    fcntl.lockf(file, fcntl.LOCK_UN)
    worked = True
""",
    "packs and unpacks an archive": """
import os, tarfile
open('packed', 'w').write('x')
with tarfile.open('a.tar.gz', 'w:gz') as archive:
    archive.add('packed')
os.remove('packed')
with tarfile.open('a.tar.gz') as archive:
    archive.extractall(**{'filter': 'data'} if hasattr(tarfile, 'data_filter') else {})
worked = open('packed').read() == 'x'
""",
    "maps an array from a file": """
import numpy
array = numpy.memmap('mapped', dtype='float32', mode='w+', shape=(1000,))
array[:] = 1
array.flush()
worked = float(numpy.memmap('mapped', dtype='float32', mode='r').sum()) == 1000
""",
    "stops a program that takes too long": """
import subprocess
try:
    subprocess.run(['sleep', '30'], timeout=0.2)
except subprocess.TimeoutExpired:
    worked = True
""",
    "looks at its own threads and files": """
import os, psutil, resource
own = psutil.Process()
worked = own.num_threads() > 1 and own.num_fds() > 3 and own.cpu_times().user > 0
worked = worked and resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 100 and os.cpu_count() > 0
""",
    "uses the machine's temporary folder": "open('/tmp/scratch', 'w').write('x')\n"
    "worked = open('/tmp/scratch').read() == 'x'",
    "has many worker processes": """
import torch
from torch.utils.data import DataLoader
loader = DataLoader(torch.arange(64.0), batch_size=2, num_workers=16)
worked = float(sum(batch.sum() for batch in loader)) == 2016.0
""",
}
