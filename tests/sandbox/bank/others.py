"""At other processes: the grader's, here, stands for all."""

REACHED = "escaped = reached({})"

ATTACKS = {
    "list the processes": "escaped = [n for n in os.listdir('/proc') if n.isdigit()]",
    "read the grader's environment": "escaped = open(f'/proc/{PARENT}/environ', 'rb').read()",
    "read the grader's command": "escaped = open(f'/proc/{PARENT}/cmdline', 'rb').read()",
    "read the grader's memory": "escaped = str(open(f'/proc/{PARENT}/mem', 'rb'))",
    "read where the grader's memory lies": "escaped = open(f'/proc/{PARENT}/maps').read()",
    "read what the grader uses": "escaped = open(f'/proc/{PARENT}/io').read()",
    "read where the grader works": "escaped = os.readlink(f'/proc/{PARENT}/cwd')",
    "list what the grader has open": "escaped = os.listdir(f'/proc/{PARENT}/fd')",
    "open what the grader has open": "escaped = os.open(f'/proc/{PARENT}/fd/1', os.O_WRONLY)",
    "read the first process's command": "escaped = open('/proc/1/cmdline', 'rb').read()",
    "read one's supervisor's memory": "escaped = str(open(f'/proc/{os.getppid()}/mem', 'rb'))",
    "signal the grader": "os.kill(PARENT, 0)\nescaped = True",
    "signal the grader's group": "os.killpg(os.getpgid(PARENT), 0)\nescaped = True",
    "wake the grader": "os.kill(PARENT, signal.SIGCONT)\nescaped = True",
    "signal one's supervisor": "os.kill(os.getppid(), 0)\nescaped = True",
    "signal a thread of the grader": "call('tkill', PARENT, 0)\nescaped = True",
    "signal a thread in the grader": "call('tgkill', PARENT, PARENT, 0)\nescaped = True",
    "queue a signal for the grader": """
information = struct.pack('3i', 0, 0, -1).ljust(128, b'\\0')
call('rt_sigqueueinfo', PARENT, 0, information)
escaped = True
""",
    "queue a signal for a thread": """
information = struct.pack('3i', 0, 0, -1).ljust(128, b'\\0')
call('rt_tgsigqueueinfo', PARENT, PARENT, 0, information)
escaped = True
""",
    "hold on to the grader": "escaped = os.pidfd_open(PARENT)",
    "signal the grader by what holds it": "held = os.open(f'/proc/{PARENT}', os.O_RDONLY)\n"
    "signal.pidfd_send_signal(held, 0)\nescaped = True",
    "signal by what holds a child": """
pid = os.fork()
if pid == 0:
    signal.pause()
try:
    held = os.pidfd_open(pid)
    signal.pidfd_send_signal(held, 0)
    escaped = True
finally:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
""",
    "take a descriptor of the grader's": "escaped = call(438, os.pidfd_open(PARENT), 0, 0)",
    "have Linux signal the grader when data comes": """
a, b = socket.socketpair()
fcntl.fcntl(a, fcntl.F_SETOWN, PARENT)
escaped = fcntl.fcntl(a, fcntl.F_GETOWN) == PARENT
""",
    "have a socket signal the grader": "a, b = socket.socketpair()\n"
    "fcntl.ioctl(a, 0x8901, struct.pack('i', PARENT))\nescaped = True",
    "have a timer signal the grader": """
about = struct.pack('QiiI', 0, 0, 4, PARENT).ljust(64, b'\\0')
escaped = call('timer_create', 0, about, ctypes.create_string_buffer(8)) == 0
""",
    "trace the grader": """
call('ptrace', 0x4206, PARENT, 0, 0)
escaped = True
call('ptrace', 17, PARENT, 0, 0)
""",
    "be traced by the grader": "call('ptrace', 0, 0, 0, 0)\nescaped = True",
    "read from the grader": REACHED.format("'process_vm_readv', PARENT, 0, 0, 0, 0, 0"),
    "write to the grader": REACHED.format("'process_vm_writev', PARENT, 0, 0, 0, 0, 0"),
    "compare with the grader": REACHED.format("'kcmp', os.getpid(), PARENT, 1, 0, 0"),
    "advise on the grader's memory": REACHED.format("'process_madvise', -1, 0, 0, 0, 0"),
    "reap the grader's memory": REACHED.format("448, -1, 0"),
    "move the grader's memory": REACHED.format("'move_pages', PARENT, 0, 0, 0, 0, 0"),
    "move the grader elsewhere": REACHED.format("'migrate_pages', PARENT, 0, 0, 0"),
    "read the grader's list of locks": "a, b = (ctypes.create_string_buffer(8) for _ in 'ab')\n"
    "call('get_robust_list', PARENT, a, b)\nescaped = True",
    "limit the grader": "escaped = resource.prlimit(PARENT, resource.RLIMIT_NOFILE, (4096, 4096))"
    " or True",
    "read the grader's limits": "escaped = resource.prlimit(PARENT, resource.RLIMIT_NOFILE)[0]",
    "slow the grader": """
before = os.getpriority(os.PRIO_PROCESS, PARENT)
os.setpriority(os.PRIO_PROCESS, PARENT, before + 1)
escaped = os.getpriority(os.PRIO_PROCESS, PARENT) != before
""",
    "put the grader on one processor": """
before = os.sched_getaffinity(PARENT)
os.sched_setaffinity(PARENT, {0})
escaped = os.sched_getaffinity(PARENT) != before
os.sched_setaffinity(PARENT, before)
""",
    "let the grader run last": """
os.sched_setscheduler(PARENT, os.SCHED_IDLE, os.sched_param(0))
escaped = os.sched_getscheduler(PARENT) == os.SCHED_IDLE
os.sched_setscheduler(PARENT, os.SCHED_OTHER, os.sched_param(0))
""",
    "let the grader's disk wait": "call('ioprio_set', 1, PARENT, 3 << 13)\n"
    "escaped = call('ioprio_get', 1, PARENT) == 3 << 13\ncall('ioprio_set', 1, PARENT, 0)",
    "run before all others": """
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
escaped = os.sched_getscheduler(0) == os.SCHED_FIFO
os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
""",
    "run more often": """
os.setpriority(os.PRIO_PROCESS, 0, -5)
escaped = os.getpriority(os.PRIO_PROCESS, 0) == -5
os.setpriority(os.PRIO_PROCESS, 0, 0)
""",
    "share a processor core with nobody": REACHED.format("'prctl', 62, 1, 0, 0, 0"),
    "hide from the supervisor": """
call('prctl', 4, 0, 0, 0, 0)
escaped = call('prctl', 3, 0, 0, 0, 0) == 0
call('prctl', 4, 1, 0, 0, 0)
""",
    "outlive the supervisor": """
set_to = ctypes.c_int(0)
call('prctl', 1, 0, 0, 0, 0)
call('prctl', 2, ctypes.byref(set_to), 0, 0, 0)
escaped = set_to.value == 0
""",
    "be killed last": "open('/proc/self/oom_score_adj', 'w').write('-1000')\nescaped = True",
    "be another user": "os.setuid(65533)\nescaped = True",
    "be in another group": "os.setgid(65533)\nescaped = True",
    "be in many groups": "os.setgroups([0, 42])\nescaped = True",
    "rights through sudo": "escaped = 'NoNewPrivs:\\t0' in open('/proc/self/status').read()",
    "rights of root": """
rows = dict(line.split(':\\t', 1) for line in open('/proc/self/status').read().splitlines())
mine = ['CapEff', 'CapPrm', 'CapInh', 'CapAmb'] + ['CapBnd'] * (os.getuid() == 0)
escaped = any(int(rows[name], 16) for name in mine)
""",
    "more files than allowed": "resource.setrlimit(resource.RLIMIT_NOFILE, (2**20, 2**20))\n"
    "escaped = True",
}
