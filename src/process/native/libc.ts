import type { KoffiFunc } from 'koffi';
import { loadKoffi } from '../../koffi.ts';

/*
 * The functions of the C library that launching needs, and the constants of Linux
 * that they take. The layouts are those of 64-bit Linux, the same on x86 and ARM
 * and with glibc and musl.
 */

/** `O_CLOEXEC` of fcntl.h. */
export const O_CLOEXEC = 0o2000000;
/** `F_GETFD`, `F_SETFD` and `FD_CLOEXEC` of fcntl.h. */
export const F_GETFD = 1;
export const F_SETFD = 2;
export const FD_CLOEXEC = 1;
/** `O_PATH` of fcntl.h. */
export const O_PATH = 0o10000000;
/** Flags of posix_spawnattr_setflags(3), from spawn.h. */
export const POSIX_SPAWN_SETSIGDEF = 0x04;
export const POSIX_SPAWN_SETSIGMASK = 0x08;
export const POSIX_SPAWN_SETSID = 0x80;
/** Of glibc from 2.39 on. */
export const POSIX_SPAWN_SETCGROUP = 0x100;
/** `F_GETFL`, `F_SETFL` and `O_NONBLOCK` of fcntl.h. */
export const F_GETFL = 3;
export const F_SETFL = 4;
export const O_NONBLOCK = 0o4000;
/** `F_DUPFD_CLOEXEC` of fcntl.h. */
export const F_DUPFD_CLOEXEC = 1030;
/** `AF_UNIX`, `SOCK_STREAM` and `SOCK_CLOEXEC` of socket(2). */
export const AF_UNIX = 1;
export const SOCK_STREAM = 1;
export const SOCK_CLOEXEC = 0o2000000;
/** `SOL_SOCKET` and `SCM_RIGHTS` of unix(7); `MSG_DONTWAIT`, `MSG_NOSIGNAL`, `MSG_CMSG_CLOEXEC` of recvmsg(2). */
export const SOL_SOCKET = 1;
export const SCM_RIGHTS = 1;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_CMSG_CLOEXEC = 0x4000_0000;
/** `F_SETLEASE`, `F_GETLEASE` of fcntl.h, and the kinds of leases. */
export const F_SETLEASE = 1024;
export const F_GETLEASE = 1025;
export const F_RDLCK = 0;
export const F_UNLCK = 2;
/** `MFD_CLOEXEC` of memfd_create(2). */
export const MFD_CLOEXEC = 1;
/** `TIOCSWINSZ` of ioctl_tty(2), and the bytes of the `struct winsize` that it takes. */
export const TIOCSWINSZ = 0x5414;
export const WINSIZE_SIZE = 8;
/** Bytes that hold the name of a terminal. */
export const TERMINAL_NAME_SIZE = 64;
/** Options of waitid(2) and wait4(2), from sys/wait.h. */
export const WNOHANG = 1;
export const WEXITED = 4;
export const WNOWAIT = 0x0100_0000;
/** Whom waitid(2) waits for: any child, the one with a pid, or any in a group. */
export const P_ALL = 0;
export const P_PID = 1;
export const P_PGID = 2;

/** Bytes that hold a `posix_spawn_file_actions_t` (80 with glibc). */
export const FILE_ACTIONS_SIZE = 128;
/** Bytes that hold a `posix_spawnattr_t` (336 with glibc). */
export const SPAWN_ATTRIBUTES_SIZE = 512;
/** Bytes of a `sigset_t`, a bit for each signal. */
export const SIGSET_SIZE = 128;
/** Bytes of a `siginfo_t`, and where `si_pid` is in it. */
export const SIGINFO_SIZE = 128;
export const SI_PID_OFFSET = 16;
/** Bytes of a `struct rusage`. */
export const RUSAGE_SIZE = 144;
export const RUSAGE_MAXRSS_OFFSET = 32;
/** Bytes of a `struct rlimit`: the soft and the hard limit, 8 bytes each. */
export const RLIMIT_SIZE = 16;
/** The greatest number that a descriptor could have, which none has. */
const MAX_FD = 2 ** 31 - 1;
/** `RLIM_INFINITY` of sys/resource.h. */
export const RLIM_INFINITY = 2n ** 64n - 1n;
/** Resources of getrlimit(2). */
export const RLIMIT_CPU = 0;
export const RLIMIT_FSIZE = 1;
export const RLIMIT_CORE = 4;
export const RLIMIT_NPROC = 6;
export const RLIMIT_NOFILE = 7;
export const RLIMIT_AS = 9;
export const RLIMIT_RTTIME = 15;
/** `SIG_IGN` of signal(2). */
export const SIG_IGN = 1;
/** The numbers of pidfd_open(2) and pidfd_send_signal(2), which C libraries lack. */
export const SYS_PIDFD_SEND_SIGNAL = 424;
export const SYS_PIDFD_OPEN = 434;
/** `PR_SET_CHILD_SUBREAPER` of prctl(2). */
export const PR_SET_CHILD_SUBREAPER = 36;

/** A text as the C library takes it: bytes with a NUL after them, or a string, which becomes UTF-8. */
export type CText = string | Buffer;
type CTexts = readonly (CText | null)[];

/** A `struct msghdr` with one piece of data; what is received is written into its memory. */
export interface SocketMessage {
  readonly pieces: readonly [{ readonly at: Buffer; readonly length: number }];
  readonly count: 1;
  readonly control: Buffer;
  readonly controlLength: number;
}

/** The functions, each as its manual page has it. Those that return an errno say so. */
export interface Libc {
  pipe2: KoffiFunc<(fds: number[], flags: number) => number>;
  fcntl: KoffiFunc<(fd: number, command: number, argument: number) => number>;
  posixOpenpt: KoffiFunc<(flags: number) => number>;
  grantpt: KoffiFunc<(fd: number) => number>;
  unlockpt: KoffiFunc<(fd: number) => number>;
  /** Returns an errno. */
  ptsnameR: KoffiFunc<(fd: number, name: Buffer, size: number) => number>;
  ioctl: KoffiFunc<(fd: number, request: number, argument: Buffer) => number>;
  fileActionsInit: KoffiFunc<(actions: Buffer) => number>;
  fileActionsDestroy: KoffiFunc<(actions: Buffer) => number>;
  fileActionsAddClose: KoffiFunc<(actions: Buffer, fd: number) => number>;
  fileActionsAddDup2: KoffiFunc<(actions: Buffer, fd: number, newFd: number) => number>;
  fileActionsAddOpen: KoffiFunc<
    (actions: Buffer, fd: number, path: string, flags: number, mode: number) => number
  >;
  fileActionsAddChdir: KoffiFunc<(actions: Buffer, path: CText) => number>;
  /** Of glibc from 2.34 on, where the system has close_range(2): all from a number on at once. */
  fileActionsAddClosefrom: KoffiFunc<(actions: Buffer, from: number) => number> | undefined;
  attributesInit: KoffiFunc<(attributes: Buffer) => number>;
  attributesDestroy: KoffiFunc<(attributes: Buffer) => number>;
  attributesSetFlags: KoffiFunc<(attributes: Buffer, flags: number) => number>;
  /** Of glibc from 2.39 on. */
  attributesSetCgroup: KoffiFunc<(attributes: Buffer, fd: number) => number> | undefined;
  attributesSetSigmask: KoffiFunc<(attributes: Buffer, set: Buffer) => number>;
  attributesSetSigdefault: KoffiFunc<(attributes: Buffer, set: Buffer) => number>;
  /** Returns an errno. */
  posixSpawn: KoffiFunc<
    (
      pid: number[],
      path: CText,
      actions: Buffer,
      attributes: Buffer,
      argv: CTexts,
      envp: CTexts,
    ) => number
  >;
  waitid: KoffiFunc<(kind: number, id: number, info: Buffer, options: number) => number>;
  wait4: KoffiFunc<
    (pid: number, status: number[], options: number, usage: Buffer | null) => number
  >;
  prctl: KoffiFunc<
    (operation: number, argument: number, b: number, c: number, d: number) => number
  >;
  /** Process 0 is this one. */
  prlimit: KoffiFunc<
    (pid: number, resource: number, newLimit: Buffer | null, oldLimit: Buffer | null) => number
  >;
  /** Process 0 is this one. */
  getsid: KoffiFunc<(pid: number) => number>;
  /** Sends this thread a signal, which is taken before the call returns. */
  raise: KoffiFunc<(number: number) => number>;
  /** Takes `SIG_IGN` alone. */
  signal: KoffiFunc<(number: number, disposition: number) => unknown>;
  socketpair: KoffiFunc<(domain: number, type: number, protocol: number, fds: number[]) => number>;
  sendmsg: KoffiFunc<(fd: number, message: SocketMessage, flags: number) => number>;
  recvmsg: KoffiFunc<(fd: number, message: SocketMessage, flags: number) => number>;
  /** What the system says of an errno. */
  strerror: KoffiFunc<(errno: number) => string>;
  memfdCreate: KoffiFunc<(name: string, flags: number) => number>;
  syscall: KoffiFunc<(number: number, a: number, b: number, c: number, d: number) => number>;
  /** The errno of the last call that failed. */
  errno(): number;
}

/**
 * Binds the C library that this process runs on.
 *
 * @throws Error if it lacks a function, or cannot be called
 */
export function loadLibc(): Libc {
  const koffi = loadKoffi();
  const lib = koffi.load(null);
  const actions = 'void *actions';
  const attributes = 'void *attributes';
  const bind = <T>(definition: string): T => lib.func(definition) as T;
  const bindIfThere = <T>(definition: string): T | undefined => {
    try {
      return bind(definition);
    } catch {
      return undefined;
    }
  };
  const piece = koffi.struct({ at: 'void *', length: 'size_t' });
  const message = koffi.struct({
    name: 'void *',
    nameLength: 'size_t',
    pieces: koffi.pointer(piece),
    count: 'size_t',
    control: 'void *',
    controlLength: 'size_t',
    flags: 'size_t',
  });
  const bindMessage = (name: string): Libc['sendmsg'] =>
    lib.func(name, 'long', ['int', koffi.pointer(message), 'int']) as Libc['sendmsg'];
  const closeRange = bindIfThere<(first: number, last: number, flags: number) => number>(
    'int close_range(unsigned int first, unsigned int last, int flags)',
  );
  return {
    pipe2: bind('int pipe2(_Out_ int *fds, int flags)'),
    fcntl: bind('int fcntl(int fd, int command, int argument)'),
    posixOpenpt: bind('int posix_openpt(int flags)'),
    grantpt: bind('int grantpt(int fd)'),
    unlockpt: bind('int unlockpt(int fd)'),
    ptsnameR: bind('int ptsname_r(int fd, void *name, size_t size)'),
    ioctl: bind('int ioctl(int fd, unsigned long request, void *argument)'),
    fileActionsInit: bind(`int posix_spawn_file_actions_init(${actions})`),
    fileActionsDestroy: bind(`int posix_spawn_file_actions_destroy(${actions})`),
    fileActionsAddClose: bind(`int posix_spawn_file_actions_addclose(${actions}, int fd)`),
    fileActionsAddDup2: bind(`int posix_spawn_file_actions_adddup2(${actions}, int fd, int newFd)`),
    fileActionsAddOpen: bind(
      `int posix_spawn_file_actions_addopen(${actions}, int fd, const char *path, int flags, unsigned int mode)`,
    ),
    fileActionsAddChdir: bind(
      `int posix_spawn_file_actions_addchdir_np(${actions}, const char *path)`,
    ),
    // Without the call the library would have to open a folder, which limits can forbid.
    fileActionsAddClosefrom:
      closeRange?.(MAX_FD, MAX_FD, 0) === 0
        ? bindIfThere(`int posix_spawn_file_actions_addclosefrom_np(${actions}, int from)`)
        : undefined,
    attributesInit: bind(`int posix_spawnattr_init(${attributes})`),
    attributesDestroy: bind(`int posix_spawnattr_destroy(${attributes})`),
    attributesSetFlags: bind(`int posix_spawnattr_setflags(${attributes}, short flags)`),
    attributesSetCgroup: bindIfThere(`int posix_spawnattr_setcgroup_np(${attributes}, int fd)`),
    attributesSetSigmask: bind(`int posix_spawnattr_setsigmask(${attributes}, const void *set)`),
    attributesSetSigdefault: bind(
      `int posix_spawnattr_setsigdefault(${attributes}, const void *set)`,
    ),
    posixSpawn: bind(
      `int posix_spawn(_Out_ int *pid, const char *path, const ${actions}, const ${attributes}, const char **argv, const char **envp)`,
    ),
    waitid: bind('int waitid(int kind, unsigned int id, void *info, int options)'),
    wait4: bind('int wait4(int pid, _Out_ int *status, int options, void *usage)'),
    prctl: bind(
      'int prctl(int operation, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
    ),
    prlimit: bind('int prlimit(int pid, int resource, const void *newLimit, void *oldLimit)'),
    getsid: bind('int getsid(int pid)'),
    raise: bind('int raise(int number)'),
    signal: bind('intptr_t signal(int number, intptr_t disposition)'),
    socketpair: bind('int socketpair(int domain, int type, int protocol, _Out_ int *fds)'),
    sendmsg: bindMessage('sendmsg'),
    recvmsg: bindMessage('recvmsg'),
    strerror: bind('const char *strerror(int errno)'),
    memfdCreate: bind('int memfd_create(const char *name, unsigned int flags)'),
    syscall: bind('long syscall(long number, long a, long b, long c, long d)'),
    errno: () => koffi.errno(),
  };
}
