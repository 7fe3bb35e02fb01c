"""Too much of something."""

ATTACKS = {
    "processes without end": """
started = []
try:
    for _ in range(200):
        pid = os.fork()
        if pid == 0:
            signal.pause()
        started.append(pid)
finally:
    for pid in started:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
escaped = len(started)
""",
    "threads without end": """
import threading
ended, threads = threading.Event(), []
try:
    for _ in range(800 + 8 * os.cpu_count()):
        threads.append(threading.Thread(target=ended.wait))
        threads[-1].start()
    escaped = len(threads)
finally:
    ended.set()
    for thread in threads[:-1]:
        thread.join()
""",
    "processes each with threads": """
import threading
def do():
    for _ in range(100 + os.cpu_count()):
        threading.Thread(target=signal.pause, daemon=True).start()
    os.write(there, b'x')
    signal.pause()
here, there = os.pipe()
os.set_blocking(here, False)
started = []
try:
    for _ in range(10):
        pid = os.fork()
        if pid == 0:
            try:
                do()
            finally:
                os._exit(0)
        started.append(pid)
    time.sleep(2)
    escaped = len(os.read(here, 100)) == 10
finally:
    for pid in started:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
""",
    "sockets without end": """
import resource
pairs = []
def do():
    for _ in range(450):
        pairs.append(socket.socketpair())
    time.sleep(1.5)
    return True
started, status = [], []
try:
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            try:
                os._exit(0 if do() else 1)
            finally:
                os._exit(1)
        started.append(pid)
finally:
    status = [os.waitpid(pid, 0)[1] for pid in started]
escaped = status == [0] * 4
""",
    "files open without end": """
held = []
try:
    for _ in range(5000):
        held.append(os.open('/dev/null', os.O_RDONLY))
    escaped = len(held)
finally:
    for each in held:
        os.close(each)
""",
    "timers without end": """
import select
held = []
try:
    for _ in range(5000):
        held.append(call('timerfd_create', 1, 0))
    escaped = len(held)
finally:
    for each in held:
        os.close(each)
""",
    "signals without end": """
libc.sigqueue.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_void_p]
def do():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGRTMIN})
    return not any(libc.sigqueue(os.getpid(), signal.SIGRTMIN, None) for _ in range(5000))
escaped = in_child(do)
""",
    "more memory than allowed": "escaped = len(bytearray(3 * 2**30))",
    "more memory by mapping": "escaped = len(mmap.mmap(-1, 3 * 2**30, flags=mmap.MAP_PRIVATE))",
    "more shared memory than allowed": """
name = '/dev/shm/large'
try:
    with open(name, 'wb') as file:
        for _ in range(30):
            file.write(bytes(100 * 2**20))
    escaped = os.path.getsize(name)
finally:
    os.remove(name)
""",
    "one file larger than allowed": """
try:
    os.truncate(os.open('large', os.O_CREAT | os.O_RDWR), 8 * 2**30)
    escaped = True
finally:
    os.remove('large')
""",
}
# What these do shows only when the kernel has been stopped, or is gone: the reason says of what.
STOPPED = {
    "memory shared among processes": (
        "GiB of memory",
        """
for _ in range(20):  # each far below what one process may hold
    if os.fork() == 0:
        held = bytearray(b'x') * (75 * 2**20)
        signal.pause()
time.sleep(20)
""",
    ),
    "memory in shared mappings": (
        "GiB of memory",
        """
held = []
for _ in range(30):
    held.append(mmap.mmap(-1, 50 * 2**20))
    held[-1].write(b'x' * (50 * 2**20))
time.sleep(20)
""",
    ),
    "fill the disk": (
        "GiB of files",
        """
for number in range(40):
    with open(f'big-{number}', 'wb') as file:
        file.write(bytes(20 * 2**20))
time.sleep(20)
""",
    ),
    "fill the disk with files that have no name": (
        "GiB of files",
        """
held = []
for number in range(40):
    held.append(open('nameless', 'wb', buffering=0))
    os.remove('nameless')
    held[-1].write(bytes(20 * 2**20))
time.sleep(20)
""",
    ),
    "files without end": (
        "files",
        """
for folder in range(20):
    os.mkdir(f'many-{folder}')
    for number in range(1000):
        os.close(os.open(f'many-{folder}/{number}', os.O_CREAT))
time.sleep(20)
""",
    ),
    "folders in folders without end": (
        "folders into folders",
        """
for _ in range(3000):
    os.mkdir('deep', 0o700)
    os.chdir('deep')
time.sleep(20)
""",
    ),
}
LEFT_BEHIND = """
import subprocess
program = "import os, time; os.setsid(); time.sleep(600)"
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-c", program, MARK])
    os._exit(0)
"""
