"""At sockets, of every kind."""

SOCKET = "escaped = str(socket.socket({}))"
DATAGRAM = """
s = socket.socket(socket.AF_UNIX, socket.{kind})
escaped = s.sendto(b'x', DATAGRAMS)
"""

ATTACKS = {
    "call over TCP": "escaped = str(socket.create_connection(('127.0.0.1', PORT), 2))",
    "listen on TCP": "escaped = str(socket.create_server(('127.0.0.1', 0)))",
    "send over UDP": "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
    "escaped = s.sendto(b'x', ('127.0.0.1', PORT))",
    "call over IPv6": SOCKET.format("socket.AF_INET6"),
    "ping": SOCKET.format("socket.AF_INET, socket.SOCK_DGRAM, 1"),
    "make packets by hand": SOCKET.format("socket.AF_INET, socket.SOCK_RAW, 255"),
    "listen to the wire": SOCKET.format("socket.AF_PACKET, socket.SOCK_RAW, 0x300"),
    "ask Linux about the network": SOCKET.format("socket.AF_NETLINK, socket.SOCK_RAW, 0"),
    "ask Linux about all sockets": SOCKET.format("socket.AF_NETLINK, socket.SOCK_DGRAM, 4"),
    "call the machine around this one": SOCKET.format("socket.AF_VSOCK, socket.SOCK_STREAM"),
    "have Linux compute": SOCKET.format("socket.AF_ALG, socket.SOCK_SEQPACKET"),
    "speak to a car": SOCKET.format("29, socket.SOCK_RAW, 1"),
    "speak Bluetooth": SOCKET.format("31, socket.SOCK_RAW, 1"),
    "open a key socket": SOCKET.format("15, socket.SOCK_RAW, 2"),
    "a family behind the upper half of a number": "escaped = call('socket', 2 | 1 << 32, 1, 0)",
    "send a unix datagram": DATAGRAM.format(kind="SOCK_DGRAM"),
    "send a raw unix datagram": DATAGRAM.format(kind="SOCK_RAW"),
    "a unix kind nobody knows": "escaped = call('socket', 1, 4, 0)",
    "a unix socket for packets": SOCKET.format("socket.AF_UNIX, socket.SOCK_SEQPACKET"),
    "a kind behind the flags": "escaped = call('socket', 1, 2 | 0o2000000 | 0o4000, 0)",
    "a pair for datagrams": "a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
    "escaped = a.sendto(b'x', DATAGRAMS)",
    "a raw pair": "a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_RAW)\n"
    "escaped = a.sendto(b'x', DATAGRAMS)",
    "pass a descriptor outside": """
s = socket.socket(socket.AF_UNIX, socket.SOCK_RAW)
rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack('i', 0))]
escaped = s.sendmsg([b'x'], rights, 0, DATAGRAMS)
""",
    "name the receiver on a stream": "s = socket.socket(socket.AF_UNIX)\n"
    "escaped = s.sendmsg([b'x'], [], 0, SOCKET)",
    "call a unix socket elsewhere": "s = socket.socket(socket.AF_UNIX)\n"
    "s.connect(SOCKET)\nescaped = True",
    "call a unix socket through a link": "os.symlink(SOCKET, 'near')\n"
    "s = socket.socket(socket.AF_UNIX)\ns.connect('near')\nescaped = True",
    "call a unix socket through a linked folder": "os.symlink(os.path.dirname(SOCKET), 'by')\n"
    "s = socket.socket(socket.AF_UNIX)\ns.connect('by/socket')\nescaped = True",
    "call a unix socket through the grader": "s = socket.socket(socket.AF_UNIX)\n"
    "s.connect(f'/proc/{PARENT}/root{SOCKET}')\nescaped = True",
    "listen outside through the grader": "s = socket.socket(socket.AF_UNIX)\n"
    "s.bind(f'/proc/{PARENT}/root{OUTSIDE}/' + MARK)\nescaped = True",
    "call where the address changes meanwhile": """
import threading
own, other = (b'\\1\\0' + path.encode().ljust(106, b'\\0') for path in ('mine', SOCKET))
listening = socket.socket(socket.AF_UNIX)
listening.bind('mine')
listening.listen(1000)
address = ctypes.create_string_buffer(own, 108)
ends = time.monotonic() + 1
def flip():
    while time.monotonic() < ends:
        for each in (own, other):
            ctypes.memmove(address, each, 108)
threading.Thread(target=flip).start()
while time.monotonic() < ends:
    s = socket.socket(socket.AF_UNIX)
    s.setblocking(False)
    if not libc.connect(s.fileno(), address, 108) and s.getpeername() == SOCKET:
        escaped = True
    s.close()
""",
    "call an abstract socket": "s = socket.socket(socket.AF_UNIX)\n"
    "s.connect('\\0' + ABSTRACT)\nescaped = True",
    "listen under an abstract name": "s = socket.socket(socket.AF_UNIX)\n"
    "s.bind('\\0' + MARK)\nescaped = True",
    "learn which abstract names are taken": """
s = socket.socket(socket.AF_UNIX)
try:
    s.bind('\\0' + ABSTRACT)
except OSError as error:
    escaped = error.errno == errno.EADDRINUSE
""",
    "be given an abstract name": "s = socket.socket(socket.AF_UNIX)\ns.bind('')\nescaped = True",
    "listen outside": "s = socket.socket(socket.AF_UNIX)\n"
    "s.bind(OUTSIDE + '/' + MARK)\nescaped = True",
    "listen outside through a link": "os.symlink(OUTSIDE, 'listen')\n"
    "s = socket.socket(socket.AF_UNIX)\ns.bind('listen/' + MARK)\nescaped = True",
    "read the machine's addresses": "s = socket.socket(socket.AF_UNIX)\n"
    "room = ctypes.create_string_buffer(400)\n"
    "asked = struct.pack('iP', 400, ctypes.addressof(room))\n"
    "escaped = struct.unpack('iP', fcntl.ioctl(s, 0x8912, asked))[0]",
    "send oneself wider": "a, b = socket.socketpair()\n"
    "before = a.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)\n"
    "a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**20)\n"
    "escaped = a.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) > before",
}
