"""At what Linux offers beyond files and sockets: each a way to speak past them, or to break things.

The arguments make no sense: it counts whether Linux would look at them at all.
"""

REACHED = "escaped = reached({})"
IN_CHILD = """
def do():
    return {}
escaped = in_child(do)
"""
MACHINE_CODE = """
def do():
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(bytes.fromhex({!r}))
    run = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    return run() > 0
if os.uname().machine != 'x86_64':
    raise NotImplementedError('for one kind of processor')
escaped = in_child(do)
"""

ATTACKS = {
    "a namespace for mounts": IN_CHILD.format("call('unshare', 0x00020000) == 0"),
    "a namespace for users": IN_CHILD.format("call('unshare', 0x10000000) == 0"),
    "a namespace for the network": IN_CHILD.format("call('unshare', 0x40000000) == 0"),
    "a namespace for processes": IN_CHILD.format("call('unshare', 0x20000000) == 0"),
    "a child in a namespace": """
pid = call('clone', 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0)
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)
escaped = True
""",
    "a child in a namespace by clone3": """
arguments = struct.pack('11Q', 0x10000000, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, 0)
pid = call(435, arguments, 88)
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)
escaped = True
""",
    "enter a namespace": REACHED.format("'setns', -1, 0"),
    "mount a file system": REACHED.format("'mount', 0, b'/nowhere', 0, 0, 0"),
    "take a mount away": REACHED.format("'umount2', b'/nowhere', 0"),
    "another root folder": REACHED.format("'chroot', b'/nowhere'"),
    "another root mount": REACHED.format("'pivot_root', b'/nowhere', b'/nowhere'"),
    "open a file system": REACHED.format("430, b'none', 0"),
    "open a tree of mounts": REACHED.format("428, -100, b'/nowhere', 0"),
    "move a mount": REACHED.format("429, -1, b'', -1, b'', 0"),
    "pick a file system": REACHED.format("433, -100, b'/nowhere', 0"),
    "change a mount": REACHED.format("442, -100, b'/nowhere', 0, 0, 0"),
    "list the mounts": REACHED.format("458, 0, 0, 0, 0"),
    "describe a mount": REACHED.format("457, 0, 0, 0, 0"),
    "name a file by its number": REACHED.format("'name_to_handle_at', -100, b'/', 0, 0, 0"),
    "open a file by its number": REACHED.format("'open_by_handle_at', -1, 0, 0"),
    "a program from memory": "escaped = os.memfd_create('x')",
    "a secret in memory": REACHED.format("447, 0"),
    "shared memory by key": REACHED.format("'shmget', 1, 4096, 0o1600"),
    "attach shared memory": REACHED.format("'shmat', 0, 0, 0"),
    "remove shared memory": REACHED.format("'shmctl', -1, 0, 0"),
    "semaphores by key": REACHED.format("'semget', 1, 1, 0o1600"),
    "change others' semaphores": REACHED.format("'semop', -1, bytes(6), 1"),
    "remove others' semaphores": REACHED.format("'semctl', -1, 0, 0, 0"),
    "wait for others' semaphores": REACHED.format("'semtimedop', -1, bytes(6), 1, 0"),
    "a message queue by key": REACHED.format("'msgget', 1, 0o1600"),
    "read others' messages": REACHED.format("'msgrcv', -1, bytes(16), 8, 0, 0o4000"),
    "send others messages": REACHED.format("'msgsnd', -1, bytes(16), 8, 0o4000"),
    "remove others' messages": REACHED.format("'msgctl', -1, 0, 0"),
    "a message queue by name": REACHED.format("'mq_open', b'skipgrade-mark', 0, 0, 0"),
    "remove a message queue": REACHED.format("'mq_unlink', b'skipgrade-mark'"),
    "watch a folder": REACHED.format("'inotify_init1', 0"),
    "watch a folder the old way": REACHED.format("'inotify_init'"),
    "watch a file system": REACHED.format("'fanotify_init', 0, 0"),
    "watch the Python environment by signals": """
held = os.open(sys.prefix, os.O_RDONLY)
fcntl.fcntl(held, fcntl.F_NOTIFY, 1)
escaped = True
""",
    "watch it behind the upper half of a number": "held = os.open(sys.prefix, os.O_RDONLY)\n"
    "call('fcntl', held, 1026 | 1 << 32, 1)\nescaped = True",
    "delay whoever opens a file": "held = os.open(os.path.realpath(sys.executable), os.O_RDONLY)\n"
    "fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_RDLCK)\nescaped = True",
    "lock a file of all kernels": """
held, other = (os.open(os.__file__, os.O_RDONLY) for _ in 'ab')
fcntl.flock(held, fcntl.LOCK_EX)
def do():
    try:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
escaped = in_child(do)
os.close(held)
""",
    "lock a part of a file of all kernels": """
held = open(os.__file__, 'rb')
fcntl.lockf(held, fcntl.LOCK_SH)
def do():
    asked = struct.pack('hhqqi', fcntl.F_WRLCK, 0, 0, 0, 0)
    found = fcntl.fcntl(os.open(os.__file__, os.O_RDONLY), fcntl.F_GETLK, asked)
    return struct.unpack('hhqqi', found)[0] != fcntl.F_UNLCK
escaped = in_child(do)
held.close()
""",
    "lock an open file of all kernels": """
held = os.open(os.__file__, os.O_RDONLY)
fcntl.fcntl(held, 37, struct.pack('hhqqi', fcntl.F_RDLCK, 0, 0, 0, 0))
def do():
    asked = struct.pack('hhqqi', fcntl.F_WRLCK, 0, 0, 0, 0)
    found = fcntl.fcntl(os.open(os.__file__, os.O_RDONLY), fcntl.F_GETLK, asked)
    return struct.unpack('hhqqi', found)[0] != fcntl.F_UNLCK
escaped = in_child(do)
os.close(held)
""",
    "wider pipes": "a, b = os.pipe()\nescaped = fcntl.fcntl(a, 1031, 2**20)",
    "a key of one's own": REACHED.format("'add_key', b'user', b'x', b'y', 1, -3"),
    "ask for a key": REACHED.format("'request_key', b'user', b'x', 0, 0"),
    "read the keys": REACHED.format("'keyctl', 0, -3, 0, 0, 0"),
    "a program in Linux": REACHED.format("'bpf', 0, 0, 0"),
    "count what processors do": REACHED.format("'perf_event_open', 0, 0, -1, -1, 0"),
    "answer for pages": REACHED.format("'userfaultfd', 1"),
    "calls in a ring": REACHED.format("425, 1, 0"),
    "enter a ring": REACHED.format("426, -1, 0, 0, 0, 0, 0"),
    "a filter over the filter": REACHED.format("'seccomp', 1, 0, 0"),
    "a filter by prctl": REACHED.format("'prctl', 22, 2, 0, 0, 0"),
    "memory always at one place": """
call('personality', 0x0040000)
escaped = call('personality', 0xffffffff) & 0x0040000
call('personality', 0)
""",
    "segments of one's own": REACHED.format("'modify_ldt', 0, 0, 0"),
    "speak to devices": REACHED.format("'iopl', 9"),
    "speak to a device": REACHED.format("'ioperm', 2**20, 1, 1"),
    "a module in Linux": REACHED.format("'init_module', 0, 0, 0"),
    "a module from a file": REACHED.format("'finit_module', -1, 0, 0"),
    "take a module out": REACHED.format("'delete_module', 0, 0"),
    "another Linux": REACHED.format("'kexec_load', 0, 0, 0, 2**40"),
    "another Linux from a file": REACHED.format("'kexec_file_load', -1, -1, 0, 0, 2**40"),
    "start the machine again": REACHED.format("'reboot', 0, 0, 0, 0"),
    "swap to a file": REACHED.format("'swapon', b'/nowhere', 0"),
    "swap no more": REACHED.format("'swapoff', b'/nowhere'"),
    "write down who runs what": REACHED.format("'acct', b'/nowhere/at/all'"),
    "change who may store how much": REACHED.format("'quotactl', 0, 0, 0, 0"),
    "change it by descriptor": REACHED.format("443, -1, 0, 0, 0"),
    "another name for the machine": REACHED.format("'sethostname', 0, 2**20"),
    "another domain": REACHED.format("'setdomainname', 0, 2**20"),
    "set the clock": REACHED.format("'clock_settime', 2**20, 0"),
    "set the time of day": REACHED.format("'settimeofday', bytes(8) + b'\\xff' * 8, 0"),
    "turn the clock": REACHED.format("'clock_adjtime', 2**20, 0"),
    "read the machine's messages": REACHED.format("'syslog', 10, 0, 0"),
    "read and write out of order": REACHED.format("'io_setup', 0, 0"),
    "calls of a smaller processor": MACHINE_CODE.format("b814000000cd80c3"),  # getpid, int 0x80
    "calls with short addresses": IN_CHILD.format("call(0x40000000 + 39) > 0"),
    "calls that are newer than we": REACHED.format("500, 0, 0, 0"),
}
