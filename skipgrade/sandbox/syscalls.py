"""The numbers of those of Linux's system calls that a filter names, on the processors we know."""

from __future__ import annotations

import os

# name:x86_64:aarch64; a processor may have no such call
DIFFERENT = """
    acct:163:89 add_key:248:217 adjtimex:159:171 bind:49:200 bpf:321:280 chmod:90: chown:92:
    chroot:161:51 clock_adjtime:305:266 clock_settime:227:112 clone:56:220 connect:42:203
    creat:85: delete_module:176:106 fanotify_init:300:262 fanotify_mark:301:263 fchmod:91:52
    fchmodat:268:53 fchown:93:55 fchownat:260:54 fcntl:72:25 finit_module:313:273
    flock:73:32 fork:57: fremovexattr:199:16 fsetxattr:190:7 futimesat:261:
    get_robust_list:274:100 init_module:175:105 inotify_add_watch:254:27 inotify_init:253:
    inotify_init1:294:26 inotify_rm_watch:255:28 io_setup:206:0 ioctl:16:29 ioperm:173:
    iopl:172: ioprio_set:251:30 kcmp:312:272 kexec_file_load:320:294 kexec_load:246:104
    keyctl:250:219 kill:62:129 lchown:94: link:86: linkat:265:37 lookup_dcookie:212:18
    lremovexattr:198:15 lsetxattr:189:6 memfd_create:319:279 migrate_pages:256:238
    modify_ldt:154: mount:165:40 move_pages:279:239 mq_getsetattr:245:185 mq_notify:244:184
    mq_open:240:180 mq_timedreceive:243:183 mq_timedsend:242:182 mq_unlink:241:181
    msgctl:71:187 msgget:68:186 msgrcv:70:188 msgsnd:69:189 name_to_handle_at:303:264
    open:2: open_by_handle_at:304:265 openat:257:56 perf_event_open:298:241
    personality:135:92 pivot_root:155:41 prctl:157:167 prlimit64:302:261
    process_vm_readv:310:270 process_vm_writev:311:271 ptrace:101:117 quotactl:179:60
    reboot:169:142 removexattr:197:14 request_key:249:218 rt_sigqueueinfo:129:138
    rt_tgsigqueueinfo:297:240 sched_setaffinity:203:122 sched_setattr:314:274
    sched_setparam:142:118 sched_setscheduler:144:119 seccomp:317:277 semctl:66:191
    semget:64:190 semop:65:193 semtimedop:220:192 setdomainname:171:162 sethostname:170:161
    setns:308:268 setpriority:141:140 setsid:112:157 setsockopt:54:208 settimeofday:164:170
    setxattr:188:5 shmat:30:196 shmctl:31:195 shmget:29:194 socket:41:198 socketpair:53:199
    swapoff:168:225 swapon:167:224 sync:162:81 syncfs:306:267 syslog:103:116 tgkill:234:131
    tkill:200:130 truncate:76:45 umount2:166:39 unlink:87: unlinkat:263:35 unshare:272:97
    userfaultfd:323:282 utime:132: utimensat:280:88 utimes:235: vfork:58: vhangup:153:58
"""
# The same everywhere, since each was added to all at once.
SAME = """
    pidfd_send_signal:424 io_uring_setup:425 io_uring_enter:426 io_uring_register:427
    open_tree:428 move_mount:429 fsopen:430 fsconfig:431 fsmount:432 fspick:433
    pidfd_open:434 clone3:435 close_range:436 openat2:437 pidfd_getfd:438
    process_madvise:440 mount_setattr:442 quotactl_fd:443 memfd_secret:447
    process_mrelease:448 fchmodat2:452 statmount:457 listmount:458 setxattrat:463
    removexattrat:466 open_tree_attr:467
"""
FIRST_UNKNOWN = 468  # and all after it were made since this was written

PROCESSORS = ("x86_64", "aarch64")


def numbers(processor: str) -> dict[str, int]:
    """Of the calls a processor has, by name."""
    column = 1 + PROCESSORS.index(processor)
    rows = [entry.split(":") for entry in DIFFERENT.split()]
    found = {row[0]: int(row[column]) for row in rows if row[column]}
    return found | {name: int(number) for name, number in map(_halves, SAME.split())}


def here() -> str:
    """This machine's processor, as Linux calls it."""
    return os.uname().machine


def _halves(entry: str) -> tuple[str, str]:
    name, _, number = entry.partition(":")
    return name, number
