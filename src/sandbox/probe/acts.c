/*
 * Acts that show whether a sandbox is one: it is executed in sandboxes that are made for nothing
 * else, and tells of each act whether the kernel let it be done. Like the first process it is
 * written without a C library, so that it runs where no file of the system is visible.
 *
 *   argument 1   the name of a probe
 *   argument 2   the number of a process of the host, or of a port
 *
 * Lines on standard output: `-` for what has to fail or `+` for what has to work, the name of the
 * act, and its errno, 0 for none.
 */

typedef long word;
typedef unsigned long size;

#if defined(__x86_64__)
enum {
  SYS_read = 0, SYS_write = 1, SYS_ioctl = 16, SYS_getpid = 39,
  SYS_socket = 41, SYS_connect = 42, SYS_bind = 49, SYS_listen = 50, SYS_getsockname = 51, SYS_clone = 56,
  SYS_wait4 = 61, SYS_kill = 62, SYS_setsid = 112, SYS_prctl = 157, SYS_umount2 = 166,
  SYS_mount = 165, SYS_exit_group = 231, SYS_add_key = 248, SYS_openat = 257, SYS_unshare = 272,
  SYS_io_uring_setup = 425
};
static word call(word n, word a, word b, word c, word d, word e) {
  word result;
  register word r10 __asm__("r10") = d;
  register word r8 __asm__("r8") = e;
  register word r9 __asm__("r9") = 0;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
enum {
  SYS_ioctl = 29, SYS_umount2 = 39, SYS_mount = 40, SYS_openat = 56, SYS_read = 63, SYS_write = 64,
  SYS_exit_group = 94, SYS_unshare = 97, SYS_kill = 129, SYS_setsid = 157, SYS_prctl = 167,
  SYS_getpid = 172, SYS_socket = 198, SYS_bind = 200, SYS_listen = 201, SYS_connect = 203,
  SYS_getsockname = 204, SYS_add_key = 217, SYS_clone = 220, SYS_wait4 = 260, SYS_io_uring_setup = 425
};
static word call(word n, word a, word b, word c, word d, word e) {
  register word x8 __asm__("x8") = n;
  register word x0 __asm__("x0") = a;
  register word x1 __asm__("x1") = b;
  register word x2 __asm__("x2") = c;
  register word x3 __asm__("x3") = d;
  register word x4 __asm__("x4") = e;
  register word x5 __asm__("x5") = 0;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
#else
#error "not a machine that this was written for"
#endif

enum {
  ESRCH = 3, EINTR = 4, EINVAL = 22, AT_FDCWD = -100, O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_CREAT = 0100, O_EXCL = 0200,
  O_NOCTTY = 0400, SIGKILL = 9, SIGCHLD = 17, CLONE_FS = 0x200, CLONE_NEWNS = 0x20000,
  CLONE_NEWUSER = 0x10000000, CLONE_NEWNET = 0x40000000, MNT_DETACH = 2, MS_REMOUNT = 32, MS_BIND = 4096,
  PR_CAPBSET_READ = 23, PR_GET_NO_NEW_PRIVS = 39, CAP_SYS_ADMIN = 21, AF_UNIX = 1, AF_INET = 2, AF_ALG = 38,
  AF_VSOCK = 40, SOCK_STREAM = 1, SOCK_SEQPACKET = 5, TIOCSCTTY = 0x540E, TIOCSTI = 0x5412,
  TIOCGWINSZ = 0x5413, TIOCSPTLCK = 0x40045431, TIOCGPTPEER = 0x5441
};

static void print(const char *text) {
  size length = 0;
  while (text[length]) length++;
  call(SYS_write, 1, (word)text, (word)length, 0, 0);
}

static char *decimal(char *end, word number) {
  *--end = 0;
  do *--end = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  return end;
}

static void tell(const char *kind, const char *act, word result) {
  char number[24];
  print(kind);
  print(act);
  print(" ");
  print(decimal(number + sizeof number, result < 0 ? -result : 0));
  print("\n");
}

/* What has to fail. */
static void refused(const char *act, word result) { tell("- ", act, result); }

/* What has to work. */
static void works(const char *act, word result) { tell("+ ", act, result); }

static int is(const char *one, const char *other) {
  while (*one && *one == *other) one++, other++;
  return *one == *other;
}

static word number_of(const char *text) {
  word number = 0;
  while (*text >= '0' && *text <= '9') number = 10 * number + (*text++ - '0');
  return number;
}

static word open(const char *path, word flags) {
  return call(SYS_openat, AT_FDCWD, (word)path, flags, 0600, 0);
}

static word fork(word flags) { return call(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0); }

/* The compiler calls it to clear what is on the stack. */
void *memset(void *memory, int value, size length) {
  for (volatile char *byte = memory; length > 0; length--) *byte++ = (char)value;
  return memory;
}

__attribute__((noreturn)) static void exit(void) {
  for (;;) call(SYS_exit_group, 0, 0, 0, 0, 0);
}

/* How a child ended, as wait4(2) has it. */
static word end_of(word child) {
  int status = 0;
  word result;
  while ((result = call(SYS_wait4, child, (word)&status, 0, 0, 0)) == -EINTR);
  return result < 0 ? result : status;
}

static word cloned(word flags) {
  word child = fork(flags);
  if (child == 0) exit();
  if (child > 0) end_of(child);
  return child;
}

static void namespaces(void) {
  refused("unshare", call(SYS_unshare, CLONE_NEWUSER, 0, 0, 0, 0));
  refused("unshare_network", call(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNET, 0, 0, 0, 0));
  refused("clone", cloned(CLONE_NEWUSER | CLONE_NEWNS));
  works("fork", cloned(0));
  works("unshare_fs", call(SYS_unshare, CLONE_FS, 0, 0, 0, 0));
}

static void files(void) {
  refused("create", open("/read/created", O_CREAT | O_EXCL | O_WRONLY));
  refused("umount", call(SYS_umount2, (word) "/read", MNT_DETACH, 0, 0, 0));
  refused("remount", call(SYS_mount, 0, (word) "/read", 0, MS_REMOUNT | MS_BIND, 0));
  refused("create_after", open("/read/created", O_CREAT | O_EXCL | O_WRONLY));
  refused("open_hidden", open("/etc", O_RDONLY));
  works("open", open("/read/there", O_RDONLY));
  word file = open("/write/created", O_CREAT | O_EXCL | O_WRONLY);
  works("create", file);
  works("write", call(SYS_write, file, (word) "x", 1, 0, 0));
}

static void processes(word outside) {
  word killed = call(SYS_kill, outside, SIGKILL, 0, 0, 0);
  refused("kill", killed);
  works("kill_unseen", killed == -ESRCH ? 0 : killed);
  word child = fork(0);
  if (child == 0) for (;;) cloned(0);
  works("fork", child);
  works("kill_child", call(SYS_kill, child, SIGKILL, 0, 0, 0));
  works("wait", end_of(child) == SIGKILL ? 0 : -EINVAL);
}

static void proc(word outside) {
  char number[24];
  char *digits = decimal(number + sizeof number, outside);
  char path[40] = "/proc/";
  size length = 6;
  while (*digits) path[length++] = *digits++;
  path[length] = 0;
  refused("open_other", open(path, O_RDONLY));
  refused("open_sysctl", open("/proc/sys/kernel/core_pattern", O_WRONLY));
  refused("open_sysrq", open("/proc/sysrq-trigger", O_WRONLY));
  refused("open_keys", open("/proc/keys", O_RDONLY));
  char stat[32] = "";
  word file = open("/proc/self/stat", O_RDONLY);
  works("open", file);
  call(SYS_read, file, (word)stat, sizeof stat - 1, 0, 0);
  works("read", number_of(stat) == call(SYS_getpid, 0, 0, 0, 0, 0) ? 0 : -EINVAL);
}

static void privileges(void) {
  /* Its owner may not read it, and CAP_DAC_OVERRIDE would not ask. */
  refused("open_unreadable", open("/write/unreadable", O_RDONLY));
  refused("bounding_set", call(SYS_prctl, PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 1 ? 0 : -EINVAL);
  works("no_new_privs", call(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -EINVAL);
  works("open", open("/write/readable", O_RDONLY));
}

static void system_calls(void) {
  char parameters[120] = "";
  refused("add_key", call(SYS_add_key, (word) "user", (word) "runlet", (word) "x", 1, -2));
  refused("io_uring_setup", call(SYS_io_uring_setup, 1, (word)parameters, 0, 0, 0));
  refused("socket_alg", call(SYS_socket, AF_ALG, SOCK_SEQPACKET, 0, 0, 0));
  refused("socket_vsock", call(SYS_socket, AF_VSOCK, SOCK_STREAM, 0, 0, 0));
  works("socket_unix", call(SYS_socket, AF_UNIX, SOCK_STREAM, 0, 0, 0));
  works("socket_inet", call(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0));
}

static void terminal(void) {
  int unlocked = 0;
  char window[8];
  word controller = open("/dev/ptmx", O_RDWR | O_NOCTTY);
  works("open", controller);
  works("unlock", call(SYS_ioctl, controller, TIOCSPTLCK, (word)&unlocked, 0, 0));
  word terminal = call(SYS_ioctl, controller, TIOCGPTPEER, O_RDWR | O_NOCTTY, 0, 0);
  works("peer", terminal);
  works("setsid", call(SYS_setsid, 0, 0, 0, 0, 0));
  works("control", call(SYS_ioctl, terminal, TIOCSCTTY, 0, 0, 0));
  works("size", call(SYS_ioctl, terminal, TIOCGWINSZ, (word)window, 0, 0));
  refused("type", call(SYS_ioctl, terminal, TIOCSTI, (word) "x", 0, 0));
  /* The kernel looks at the low 32 bits alone. */
  refused("type_long", call(SYS_ioctl, terminal, (1l << 32) | TIOCSTI, (word) "x", 0, 0));
}

/* struct sockaddr_in: port and address in the order of the network. */
struct address {
  unsigned short family;
  unsigned char port[2], host[4], rest[8];
};

static void network(word port) {
  struct address there = {AF_INET, {(unsigned char)(port >> 8), (unsigned char)port}, {127, 0, 0, 1}, {0}};
  struct address own = {AF_INET, {0, 0}, {127, 0, 0, 1}, {0}};
  int length = sizeof own;
  word socket = call(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0);
  refused("connect", call(SYS_connect, socket, (word)&there, sizeof there, 0, 0));
  word listener = call(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0);
  works("bind", call(SYS_bind, listener, (word)&own, sizeof own, 0, 0));
  works("listen", call(SYS_listen, listener, 1, 0, 0, 0));
  works("getsockname", call(SYS_getsockname, listener, (word)&own, (word)&length, 0, 0));
  socket = call(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0);
  works("connect", call(SYS_connect, socket, (word)&own, sizeof own, 0, 0));
}

__attribute__((noreturn, used)) void acts(word *stack) {
  char **argv = (char **)(stack + 1);
  const char *probe = stack[0] > 1 ? argv[1] : "";
  word number = stack[0] > 2 ? number_of(argv[2]) : 0;
  if (is(probe, "namespaces")) namespaces();
  if (is(probe, "files")) files();
  if (is(probe, "processes")) processes(number);
  if (is(probe, "proc")) proc(number);
  if (is(probe, "privileges")) privileges();
  if (is(probe, "system_calls")) system_calls();
  if (is(probe, "terminal")) terminal();
  if (is(probe, "network")) network(number);
  /* That all was told. */
  print("done\n");
  exit();
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call acts\n");
#else
__asm__(".globl _start\n_start:\n mov x29, #0\n mov x30, #0\n mov x0, sp\n bl acts\n");
#endif
