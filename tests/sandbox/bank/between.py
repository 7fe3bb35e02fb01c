"""From one kernel to another that runs at the same time: what one does, and what the other sees.

Both know `MARK`. The second also knows `FIRST`, the number of the first one, and `PLACE`, where
that works. What it finds out goes into `heard`.
"""

BETWEEN = {
    "a file in shared memory": (
        "open('/dev/shm/' + MARK, 'w').write('note')",
        "heard = open('/dev/shm/' + MARK).read()",
    ),
    "the name of a file in shared memory": (
        "open('/dev/shm/' + MARK, 'w').write('note')",
        "heard = os.path.exists('/dev/shm/' + MARK)",
    ),
    "a file in the temporary folder": (
        "open('/tmp/' + MARK, 'w').write('note')",
        "heard = open('/tmp/' + MARK).read()",
    ),
    "a file in the working folder": (
        "open(MARK, 'w').write('note')",
        "heard = open(PLACE + '/' + MARK).read()",
    ),
    "a unix socket": (
        "listening = socket.socket(socket.AF_UNIX)\nlistening.bind(MARK)\nlistening.listen()",
        "s = socket.socket(socket.AF_UNIX)\ns.connect(PLACE + '/' + MARK)\nheard = True",
    ),
    "an abstract name": (
        "listening = socket.socket(socket.AF_UNIX)\nlistening.bind('\\0' + MARK)",
        """
s = socket.socket(socket.AF_UNIX)
try:
    s.bind('\\0' + MARK)
except OSError as error:
    heard = error.errno == errno.EADDRINUSE
""",
    ),
    "a named semaphore": (
        "libc.sem_open.restype = ctypes.c_void_p\n"
        "assert libc.sem_open(MARK.encode(), os.O_CREAT, 0o600, 1)",
        "libc.sem_open.restype = ctypes.c_void_p\n"
        "heard = bool(libc.sem_open(MARK.encode(), 0))\n"
        "libc.sem_unlink(MARK.encode())",
    ),
    "a semaphore by key": (
        "call('semget', 77123, 1, 0o1600)",
        "heard = call('semget', 77123, 1, 0o600) >= 0\n"
        "call('semctl', call('semget', 77123, 1, 0o600), 0, 0, 0)",
    ),
    "a message queue by name": (
        "call('mq_open', MARK.encode(), os.O_CREAT | os.O_RDWR, 0o600, 0)",
        "heard = call('mq_open', MARK.encode(), os.O_RDWR, 0o600, 0) >= 0\n"
        "call('mq_unlink', MARK.encode())",
    ),
    "a lock of a shared file": (
        "held = os.open(os.__file__, os.O_RDONLY)\nfcntl.flock(held, fcntl.LOCK_EX)",
        """
other = os.open(os.__file__, os.O_RDONLY)
try:
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    heard = True
""",
    ),
    "a lock of a shared file's part": (
        "held = open(os.__file__, 'rb')\nfcntl.lockf(held, fcntl.LOCK_SH)",
        """
asked = struct.pack('hhqqi', fcntl.F_WRLCK, 0, 0, 0, 0)
found = fcntl.fcntl(os.open(os.__file__, os.O_RDONLY), fcntl.F_GETLK, asked)
heard = struct.unpack('hhqqi', found)[0] != fcntl.F_UNLCK
""",
    ),
    "the clock of a shared file": (
        "os.utime(os.__file__, (os.getpid(), os.stat(os.__file__).st_mtime))",
        "heard = os.stat(os.__file__).st_atime == FIRST\n"
        "os.utime(os.__file__, (time.time(), os.stat(os.__file__).st_mtime))",
    ),
    "a signal": (
        "got = []\nsignal.signal(signal.SIGUSR1, lambda *_: got.append(1))",
        "os.kill(FIRST, signal.SIGUSR1)\nheard = True",
    ),
    "its memory": (
        "note = b'note'",
        "heard = str(open(f'/proc/{FIRST}/mem', 'rb'))",
    ),
    "its command": (
        "call('prctl', 15, MARK.encode(), 0, 0, 0)",
        "heard = open(f'/proc/{FIRST}/comm').read()",
    ),
    "its limits": (
        "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))",
        "heard = resource.prlimit(FIRST, resource.RLIMIT_CORE) == (0, 0)",
    ),
    "its priority": (
        "os.setpriority(os.PRIO_PROCESS, 0, 3)",
        "heard = os.getpriority(os.PRIO_PROCESS, FIRST) == 3",
    ),
    "its processors": (
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})",
        "heard = os.sched_getaffinity(FIRST) != os.sched_getaffinity(0)",
    ),
    "its threads' number": (
        "import threading\n[threading.Thread(target=time.sleep, args=(9,)).start() for _ in 'abc']",
        "heard = len(os.listdir(f'/proc/{FIRST}/task'))",
    ),
}
