"""At files: a course's, another submission's, the machine's."""

READ = "escaped = open({}).read()"
OPEN = "escaped = os.open({}, os.O_RDONLY)"

ATTACKS = {
    "read the source notebook": READ.format("SOURCE"),
    "read the held-out labels": READ.format("LABELS"),
    "read another submission": READ.format("OTHER"),
    "read the source through a link": "os.symlink(SOURCE, 'link')\n" + READ.format("'link'"),
    "read the source through a hard link": "os.link(SOURCE, 'hard')\n" + READ.format("'hard'"),
    "link the source into shared memory": "os.link(SOURCE, '/dev/shm/' + MARK)\n"
    + READ.format("'/dev/shm/' + MARK"),
    "read the source through /proc/self/root": READ.format("'/proc/self/root' + SOURCE"),
    "read the source through /proc/thread-self": READ.format("'/proc/thread-self/root' + SOURCE"),
    "read the source through /proc/self/cwd": READ.format("'/proc/self/cwd' + '/..' * 20 + SOURCE"),
    "read the source by openat2": "escaped = call('openat2', -100, SOURCE.encode(), bytes(24), 24)",
    "read the source through its bare path": """
held = os.open(SOURCE, os.O_PATH)
escaped = open(f'/proc/self/fd/{held}').read()
""",
    "read the source in a subprocess": """
import subprocess
escaped = subprocess.run(['cat', SOURCE], capture_output=True, check=True).stdout
""",
    "run the source as a program": "os.execve(SOURCE, [SOURCE], {})",
    "list the course": "escaped = os.listdir(os.path.dirname(SOURCE))",
    "list the temporary folder": "escaped = os.path.basename(ELSEWHERE) in os.listdir('/tmp')",
    "read in the temporary folder": "escaped = open(ELSEWHERE) and 'opened'",
    "list shared memory": "escaped = os.path.basename(IN_MEMORY) in os.listdir('/dev/shm')",
    "read in shared memory": READ.format("IN_MEMORY"),
    "change in shared memory": "escaped = open(IN_MEMORY, 'r+').write('changed')",
    "delete in shared memory": "os.remove(IN_MEMORY)\nescaped = True",
    "know of files in shared memory": "escaped = os.path.exists(IN_MEMORY)",
    "leave a file in shared memory": "open('/dev/shm/' + MARK, 'w').write('left')",
    "leave a file in the temporary folder": "open('/tmp/' + MARK, 'w').write('left')",
    "read the machine's passwords": READ.format("'/etc/shadow'"),
    "list the grader's home": "import pwd\nescaped = os.listdir(pwd.getpwuid(os.getuid()).pw_dir)",
    "write the gradebook": "escaped = open(GRADEBOOK, 'a').write('100')",
    "delete the gradebook": "os.remove(GRADEBOOK)\nescaped = True",
    "empty the gradebook": "os.truncate(GRADEBOOK, 0)\nescaped = True",
    "empty the gradebook by opening it": """
escaped = os.open(GRADEBOOK, os.O_RDONLY | os.O_TRUNC)
""",
    "empty the gradebook by opening it for nothing": """
escaped = os.open(GRADEBOOK, os.O_ACCMODE | os.O_TRUNC)
""",
    "empty the gradebook by openat2": """
how = struct.pack('3Q', os.O_ACCMODE | os.O_TRUNC, 0, 0)
escaped = call('openat2', -100, GRADEBOOK.encode(), how, 24)
""",
    "empty the gradebook through a link": """
os.symlink(GRADEBOOK, 'short')
os.truncate('short', 0)
escaped = True
""",
    "change what one may read": "escaped = open(SHOWN, 'a').write('more')",
    "empty what one may read": "os.truncate(SHOWN, 0)\nescaped = True",
    "empty what one may read by opening it": """
escaped = os.open(SHOWN, os.O_RDONLY | os.O_TRUNC)
""",
    "empty what one may read by opening it for nothing": """
escaped = os.open(SHOWN, os.O_ACCMODE | os.O_TRUNC)
""",
    "empty what one may read by openat2": """
how = struct.pack('3Q', os.O_TRUNC, 0, 0)
escaped = call('openat2', -100, SHOWN.encode(), how, 24)
""",
    "put a file in the place of what one may read": """
open('own', 'w').close()
os.replace('own', SHOWN)
escaped = True
""",
    "link what one may read to write to it": """
os.link(SHOWN, 'shown')
escaped = open('shown', 'a').write('more')
""",
    "rename the gradebook": "os.rename(GRADEBOOK, GRADEBOOK + MARK)\nescaped = True",
    "put a file in the gradebook's place": "open('own', 'w').close()\n"
    "os.replace('own', GRADEBOOK)\nescaped = True",
    "exchange the gradebook for a file": "open('own', 'w').close()\n"
    "call('renameat2', -100, b'own', -100, GRADEBOOK.encode(), 2)\nescaped = True",
    "lock the gradebook away": "os.chmod(GRADEBOOK, 0)\n"
    "escaped = os.stat(GRADEBOOK).st_mode & 0o777 == 0",
    "lock the gradebook away by fchmodat2": "call(452, -100, GRADEBOOK.encode(), 0, 0)\n"
    "escaped = os.stat(GRADEBOOK).st_mode & 0o777 == 0",
    "give the gradebook away": "os.chown(GRADEBOOK, 65533, -1)\n"
    "escaped = os.stat(GRADEBOOK).st_uid == 65533",
    "turn the gradebook's clock back": "os.utime(GRADEBOOK, (0, 0))\n"
    "escaped = os.stat(GRADEBOOK).st_mtime == 0",
    "write on the gradebook's label": "os.setxattr(GRADEBOOK, 'user.grade', b'100')\n"
    "escaped = True",
    "write on a label of one's own": "open('own', 'w').close()\n"
    "os.setxattr('own', 'user.note', b'hidden')\nescaped = True",
    "write outside": "open(OUTSIDE + '/' + MARK, 'w').close()\nescaped = True",
    "write outside through a link": "os.symlink(OUTSIDE, 'out')\n"
    "open('out/' + MARK, 'w').close()\nescaped = True",
    "make a folder outside": "os.mkdir(OUTSIDE + '/' + MARK)\nescaped = True",
    "make a pipe outside": "os.mkfifo(OUTSIDE + '/' + MARK)\nescaped = True",
    "make a nameless file outside": "escaped = os.open(OUTSIDE, os.O_TMPFILE | os.O_RDWR)",
    "move a file outside": "open('own', 'w').close()\n"
    "os.rename('own', OUTSIDE + '/' + MARK)\nescaped = True",
    "link a file outside": "open('own', 'w').close()\n"
    "os.link('own', OUTSIDE + '/' + MARK)\nescaped = True",
    "put a link outside": "os.symlink('own', OUTSIDE + '/' + MARK)\nescaped = True",
    "take the folder outside away": "os.rmdir(OUTSIDE)\nos.mkdir(OUTSIDE)\nescaped = True",
    "write into the Python environment": """
import torch
path = os.path.join(os.path.dirname(torch.__file__), 'skipgrade-mark')
open(path, 'w').close()
os.remove(path)
escaped = True
""",
    "a hostile pickle for weights": """
import pickle
class Hostile:
    def __reduce__(self):
        return exec, (f'open({OUTSIDE + "/" + MARK!r}, "w").close()',)
with open('net-best.safetensors', 'wb') as file:
    pickle.dump(Hostile(), file)
pickle.load(open('net-best.safetensors', 'rb'))
escaped = True
""",
    "make a program that runs as its owner": "open('own', 'w').close()\n"
    "os.chmod('own', 0o4755)\nescaped = os.stat('own').st_mode & stat.S_ISUID",
    "make a disk": "os.mknod('disk', stat.S_IFBLK | 0o600, os.makedev(254, 0))\nescaped = True",
    "make the machine's memory": "os.mknod('memory', stat.S_IFCHR | 0o600, os.makedev(1, 1))\n"
    "escaped = True",
    "open a disk": """
disks = [f'/dev/{name}' for name in ('vda', 'sda', 'nvme0n1', 'xvda', 'loop0')]
escaped = os.open(next(filter(os.path.exists, disks), disks[0]), os.O_RDONLY)
""",
    "open the machine's memory": OPEN.format("'/dev/mem'"),
    "open the machine's messages": OPEN.format("'/dev/kmsg'"),
    "open a terminal": "escaped = os.open('/dev/ptmx', os.O_RDWR)",
    "open a tunnel": "escaped = os.open('/dev/net/tun', os.O_RDWR)",
    "open a file system of one's own": "escaped = os.open('/dev/fuse', os.O_RDWR)",
    "open a machine in the machine": "escaped = os.open('/dev/kvm', os.O_RDWR)",
    "press the magic key": "escaped = os.open('/proc/sysrq-trigger', os.O_WRONLY)",
    "change the machine's settings": "escaped = os.open('/proc/sys/kernel/hostname', os.O_RDWR)",
    "read where Linux lies": READ.format("'/proc/kallsyms'"),
    "read who locks what": "escaped = os.open('/proc/locks', os.O_RDONLY)",
    "read who shares memory": READ.format("'/proc/sysvipc/shm'"),
    "read the machine's mounts": READ.format("'/proc/self/mountinfo'"),
    "read all unix sockets": READ.format("'/proc/self/net/unix'"),
    "read all connections": READ.format("'/proc/self/net/tcp'"),
    "read all unix sockets by a thread's table": READ.format(
        "f'/proc/self/task/{os.getpid()}/net/unix'"
    ),
    "read what the first kernel was started with": READ.format("'/proc/self/environ'"),
    "leave one's control group": """
groups = '/sys/fs/cgroup'
for folder in (groups, *(os.path.join(groups, name) for name in ('unified', 'memory', 'pids'))):
    try:
        open(os.path.join(folder, 'cgroup.procs'), 'w').write(str(os.getpid()))
        escaped = True
    except OSError:
        pass
""",
}
