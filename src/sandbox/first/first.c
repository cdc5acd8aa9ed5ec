/*
 * The first process of a sandbox: process 1 of its namespace, which bwrap(1) executes once the
 * sandbox stands. It starts the program that is asked for in a session of its own, tells the
 * server how that ended exactly as wait4(2) has it, and collects what is left until nothing is.
 *
 * It is written without a C library, so that it runs where no file of the system is visible, and
 * is the same few kilobytes everywhere. The server talks with it through a socket:
 *
 *   descriptor 3    the socket
 *   descriptor 4    what to start, see struct order
 *   5, 6, 7         standard input, output and error of the program; with a terminal all three are it
 *
 *   to the server:  F u8 i32   it could not become its program: at which stage, with which errno
 *                   S          it has become its program
 *                   E i32 i32 rusage   it ended: si_code and si_status of waitid(2), getrusage(2)
 *                   N i32      a socket was sent where it was asked for, or was not: errno, or 0
 *   from it:        C          collect it: its number may be another's from now on
 *                   4, 6       with a socket, through which one of TCP is sent: it belongs to the
 *                              network of the sandbox, whoever connects it
 *
 * The program is not started if the server is gone by then, or has closed the socket.
 */

typedef unsigned char u8;
typedef unsigned int u32;
typedef int i32;
typedef long word;
typedef unsigned long size;

#if defined(__x86_64__)
enum {
  SYS_read = 0, SYS_write = 1, SYS_close = 3, SYS_mmap = 9, SYS_munmap = 11, SYS_rt_sigprocmask = 14,
  SYS_ioctl = 16, SYS_exit_group = 231, SYS_execve = 59, SYS_wait4 = 61, SYS_chdir = 80, SYS_setsid = 112,
  SYS_prctl = 157, SYS_waitid = 247, SYS_dup3 = 292, SYS_pipe2 = 293, SYS_clone = 56, SYS_fstat = 5,
  SYS_socket = 41, SYS_sendmsg = 46, SYS_recvmsg = 47, SYS_ppoll = 271, SYS_signalfd4 = 289,
  SYS_recvfrom = 45, SYS_prlimit64 = 302
};
enum { STAT_SIZE_AT = 48 };
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
  SYS_dup3 = 24, SYS_ioctl = 29, SYS_chdir = 49, SYS_close = 57, SYS_pipe2 = 59, SYS_read = 63, SYS_write = 64,
  SYS_fstat = 80, SYS_exit_group = 94, SYS_waitid = 95, SYS_rt_sigprocmask = 135, SYS_setsid = 157,
  SYS_prctl = 167, SYS_munmap = 215, SYS_clone = 220, SYS_execve = 221, SYS_mmap = 222, SYS_wait4 = 260,
  SYS_ppoll = 73, SYS_signalfd4 = 74, SYS_socket = 198, SYS_sendmsg = 211, SYS_recvmsg = 212,
  SYS_recvfrom = 207, SYS_prlimit64 = 261
};
enum { STAT_SIZE_AT = 48 };
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
  EINTR = 4, ECHILD = 10, EAGAIN = 11, EINVAL = 22, O_CLOEXEC = 02000000, SIGCHLD = 17, SIG_SETMASK = 2,
  PROT_READ = 1, PROT_WRITE = 2, MAP_PRIVATE = 2, MAP_ANONYMOUS = 32,
  PR_SET_DUMPABLE = 4, TIOCSCTTY = 0x540E, P_ALL = 0, WNOHANG = 1, WEXITED = 4, WNOWAIT = 0x01000000,
  AF_INET = 2, AF_INET6 = 10, SOCK_STREAM = 1, SOCK_NONBLOCK = 04000, SOL_SOCKET = 1, SCM_RIGHTS = 1,
  MSG_PEEK = 2, MSG_DONTWAIT = 0x40, MSG_CMSG_CLOEXEC = 0x40000000, POLLIN = 1
};

enum { SERVER = 3, ORDER = 4, STDIN = 5 };
enum { TERMINAL = 1 };
enum { STAGE_CWD = 1, STAGE_TERMINAL = 2, STAGE_PROGRAM = 3, STAGE_LIMITS = 4 };

/* A limit of the program: setrlimit(2). */
struct limit {
  word resource;
  size soft, hard;
};

/*
 * What is to be started: this, and after its limits texts, each with a NUL: the folder, the
 * program, its arguments, the first being its name, and its environment.
 */
struct order {
  u32 flags;
  /* The highest descriptor that may be open. */
  u32 last_descriptor;
  u32 arguments;
  u32 variables;
  word limits;
  struct limit limit[];
};

/* siginfo_t of 64-bit Linux, as far as waitid(2) fills it in for a child. */
struct info {
  i32 signo, error, code, padding, pid, uid, status;
  char rest[100];
};

static void put(char kind, const void *payload, size length) {
  u8 message[160];
  message[0] = (u8)kind;
  for (size i = 0; i < length; i++) message[1 + i] = ((const u8 *)payload)[i];
  /* So little is written at once or not at all; where nobody listens any more, nothing is to be told. */
  while (call(SYS_write, SERVER, (word)message, (word)(1 + length), 0, 0) == -EINTR);
}

/* struct msghdr of 64-bit Linux, with its one piece of data and its one descriptor. */
struct message {
  void *name;
  size name_length;
  struct piece {
    void *at;
    size length;
  } *pieces;
  size count;
  void *control;
  size control_length;
  size flags;
};

struct rights {
  size length;
  i32 level, type, descriptor, padding;
};

enum { RIGHTS_LENGTH = sizeof(struct rights) - sizeof(i32) };

/* Sends a socket of TCP through another one, which is closed, and tells the server of it. */
static void send_socket(u8 version, int through) {
  word made = call(SYS_socket, version == '4' ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | O_CLOEXEC, 0, 0, 0);
  if (made >= 0) {
    u8 byte = 0;
    struct piece piece = {&byte, 1};
    struct rights rights = {RIGHTS_LENGTH, SOL_SOCKET, SCM_RIGHTS, (i32)made, 0};
    struct message message = {0, 0, &piece, 1, &rights, sizeof rights, 0};
    word sent = call(SYS_sendmsg, through, (word)&message, MSG_DONTWAIT, 0, 0);
    call(SYS_close, made, 0, 0, 0, 0);
    made = sent < 0 ? sent : 0;
  }
  call(SYS_close, through, 0, 0, 0, 0);
  i32 error = (i32)-made;
  put('N', &error, sizeof error);
}

/*
 * Waits for a byte of the server, and does what it asks for if that is a socket. Returns what
 * read(2) does.
 */
static word hear(u8 *got) {
  struct piece piece = {got, 1};
  struct rights rights;
  struct message message = {0, 0, &piece, 1, &rights, sizeof rights, 0};
  word result = call(SYS_recvmsg, SERVER, (word)&message, MSG_CMSG_CLOEXEC, 0, 0);
  /* Where there is no room for another descriptor it says so. */
  int through = message.control_length >= RIGHTS_LENGTH ? rights.descriptor : -1;
  if (result > 0 && (*got == '4' || *got == '6')) send_socket(*got, through);
  return result;
}

/* Waits for a certain byte of the server. Returns whether it came; else there is no server any more. */
static int wait_for(char wanted) {
  u8 got = 0;
  for (;;) {
    word result = hear(&got);
    if (result == -EINTR) continue;
    if (result <= 0 || got == (u8)wanted) return result > 0;
  }
}

/* Waits for the end of a child, or for the server. Returns whether there is a server still. */
static int wait_for_either(int signals, int has_server) {
  struct {
    i32 descriptor;
    short events, found;
  } polled[2] = {{signals, POLLIN, 0}, {has_server ? SERVER : -1, POLLIN, 0}};
  if (call(SYS_ppoll, (word)polled, 2, 0, 0, sizeof(size)) <= 0) return has_server;
  u8 signal[128];
  if (polled[0].found) call(SYS_read, signals, (word)signal, sizeof signal, 0, 0);
  if (!polled[1].found) return has_server;
  u8 got;
  word result = hear(&got);
  return result > 0 || result == -EINTR;
}

/* Whether there is a server that wants this. It says nothing before a program has ended. */
static int is_wanted(void) {
  for (;;) {
    u8 nothing;
    word result = call(SYS_recvfrom, SERVER, (word)&nothing, 1, MSG_PEEK | MSG_DONTWAIT, 0);
    if (result != -EINTR) return result == -EAGAIN;
  }
}

static void exit(int code) {
  for (;;) call(SYS_exit_group, code, 0, 0, 0, 0);
}

/* What is told of a failure. */
struct failure {
  u8 stage, error[4];
};

static struct failure failure_of(u8 stage, word result) {
  struct failure failure = {stage, {0}};
  i32 error = (i32)-result;
  for (int i = 0; i < 4; i++) failure.error[i] = ((u8 *)&error)[i];
  return failure;
}

static void fail(int to, u8 stage, word result) {
  struct failure failure = failure_of(stage, result);
  call(SYS_write, to, (word)&failure, sizeof failure, 0, 0);
  exit(127);
}

/* There is no program's process yet. */
static void fail_at_once(word result) {
  struct failure failure = failure_of(STAGE_PROGRAM, result);
  put('F', &failure, sizeof failure);
  exit(127);
}

static char *after(char *text) {
  while (*text) text++;
  return text + 1;
}

static void become_program(struct order *order, char **texts, int failures) {
  u32 terminal = order->flags & TERMINAL;
  call(SYS_setsid, 0, 0, 0, 0, 0);
  for (int i = 0; i < 3; i++) call(SYS_dup3, STDIN + i, i, 0, 0, 0);
  if (terminal) {
    word result = call(SYS_ioctl, 0, TIOCSCTTY, 0, 0, 0);
    if (result < 0) fail(failures, STAGE_TERMINAL, result);
  }
  if (!is_wanted()) exit(127);
  for (u32 i = SERVER; i <= order->last_descriptor; i++) {
    if ((int)i != failures) call(SYS_close, i, 0, 0, 0, 0);
  }
  for (word i = 0; i < order->limits; i++) {
    struct limit *limit = &order->limit[i];
    word result = call(SYS_prlimit64, 0, limit->resource, (word)&limit->soft, 0, 0);
    if (result < 0) fail(failures, STAGE_LIMITS, result);
  }
  char *text = (char *)&order->limit[order->limits];
  char *cwd = text;
  char *program = text = after(text);
  text = after(text);
  char **argv = texts;
  for (u32 i = 0; i < order->arguments; i++, text = after(text)) *texts++ = text;
  *texts++ = 0;
  char **envp = texts;
  for (u32 i = 0; i < order->variables; i++, text = after(text)) *texts++ = text;
  *texts = 0;
  word result = call(SYS_chdir, (word)cwd, 0, 0, 0, 0);
  if (result < 0) fail(failures, STAGE_CWD, result);
  size none = 0;
  call(SYS_rt_sigprocmask, SIG_SETMASK, (word)&none, 0, sizeof none, 0);
  fail(failures, STAGE_PROGRAM, call(SYS_execve, (word)program, (word)argv, (word)envp, 0, 0));
}

static word map(word length, int flags, int descriptor) {
  /* The sixth argument, the offset, is zero: see call. */
  return call(SYS_mmap, 0, length, PROT_READ | PROT_WRITE, flags, descriptor);
}

__attribute__((noreturn, used)) void first(void) {
  size all = ~0ul;
  call(SYS_rt_sigprocmask, SIG_SETMASK, (word)&all, 0, sizeof all, 0);
  /* What runs in the sandbox is not to read it, nor to speak in its name. */
  call(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);

  union {
    word fields[18];
    char bytes[144];
  } stat;
  word result = call(SYS_fstat, ORDER, (word)&stat, 0, 0, 0);
  if (result < 0) fail_at_once(result);
  word length = stat.fields[STAT_SIZE_AT / sizeof(word)];
  if (length < (word)sizeof(struct order)) fail_at_once(-EINVAL);
  word mapped = map(length, MAP_PRIVATE, ORDER);
  if (mapped < 0 && mapped > -4096) fail_at_once(mapped);
  struct order *order = (struct order *)mapped;
  word count = (word)(order->arguments + order->variables + 2) * (word)sizeof(char *);
  mapped = map(count, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  if (mapped < 0 && mapped > -4096) fail_at_once(mapped);
  char **texts = (char **)mapped;

  int failures[2];
  word piped = call(SYS_pipe2, (word)failures, O_CLOEXEC, 0, 0, 0);
  if (piped < 0) fail_at_once(piped);
  size ends = 1ul << (SIGCHLD - 1);
  word signals = call(SYS_signalfd4, -1, (word)&ends, sizeof ends, O_CLOEXEC | SOCK_NONBLOCK, 0);
  if (signals < 0) fail_at_once(signals);
  word child = call(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) become_program(order, texts, failures[1]);
  if (child < 0) fail_at_once(child);
  u32 last = order->last_descriptor;
  for (u32 i = 0; i <= last; i++) {
    if (i != SERVER && (int)i != failures[0] && (word)i != signals) call(SYS_close, i, 0, 0, 0, 0);
  }
  if ((u32)failures[1] > last) call(SYS_close, failures[1], 0, 0, 0, 0);
  call(SYS_munmap, (word)order, length, 0, 0, 0);
  call(SYS_munmap, (word)texts, count, 0, 0, 0);

  struct failure failure;
  word got;
  while ((got = call(SYS_read, failures[0], (word)&failure, sizeof failure, 0, 0)) == -EINTR);
  call(SYS_close, failures[0], 0, 0, 0, 0);
  if (got == sizeof failure) put('F', &failure, sizeof failure);
  else put('S', 0, 0);

  int has_server = 1;
  for (;;) {
    struct info info;
    struct {
      i32 code, status;
      word usage[18];
    } end;
    info.pid = 0;
    result = call(SYS_waitid, P_ALL, 0, (word)&info, WEXITED | WNOWAIT | WNOHANG, (word)end.usage);
    if (result == -EINTR) continue;
    /* Nothing is left. */
    if (result < 0) exit(0);
    if (info.pid == 0) {
      has_server = wait_for_either((int)signals, has_server);
      continue;
    }
    if (info.pid == child) {
      end.code = info.code;
      end.status = info.status;
      put('E', &end, sizeof end);
      has_server = wait_for('C');
      child = 0;
    }
    call(SYS_wait4, info.pid, 0, 0, 0, 0);
  }
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n xor %ebp, %ebp\n and $-16, %rsp\n call first\n");
#else
__asm__(".globl _start\n_start:\n mov x29, #0\n mov x30, #0\n bl first\n");
#endif
