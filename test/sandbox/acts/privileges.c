/* Acts that would give a process more rights than it was started with. */
#include "acts.h"
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/xattr.h>

extern char **environ;

/* PROGRAM FILE: has a program read a file, which may be one that gives rights. */
static int execute_it(char **args) {
  char *argv[] = {args[0], "read", args[1], NULL};
  execv(args[0], argv);
  return errno;
}

static int read_through(char **args) { return in_child(execute_it, args); }

/* Tells who it is that reads, as the owner of a file that is made. */
static int effective_user(char **args) {
  (void)args;
  printf("<%d %d>", (int)geteuid(), (int)getegid());
  fflush(stdout);
  return 0;
}

static int execute_who(char **args) {
  char *argv[] = {args[0], "who", NULL};
  execv(args[0], argv);
  return errno;
}

static int who_through(char **args) { return in_child(execute_who, args); }

/* Gives a program the capabilities to pass by the modes of files: of the machine's root alone. */
static int grant(char **args) {
  const uint32_t bits = (1u << CAP_DAC_OVERRIDE) | (1u << CAP_DAC_READ_SEARCH);
  struct vfs_cap_data data = {
      .magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
      .data = {{.permitted = bits}},
  };
  return result_of(setxattr(args[0], "security.capability", &data, sizeof data, 0));
}

static int become_user(char **args) { return result_of(setresuid((uid_t)atoi(args[0]), (uid_t)-1, (uid_t)-1)); }
static int become_group(char **args) { return result_of(setresgid((gid_t)atoi(args[0]), (gid_t)-1, (gid_t)-1)); }

static int join_groups(char **args) {
  gid_t group = (gid_t)atoi(args[0]);
  return result_of(setgroups(1, &group));
}

/* Takes all capabilities that there are. */
static int take_capabilities(char **args) {
  (void)args;
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {{1u << CAP_SYS_ADMIN, 1u << CAP_SYS_ADMIN, 0}, {0, 0, 0}};
  return result_of(syscall(SYS_capset, &head, data));
}

static int raise_ambient(char **args) {
  (void)args;
  return result_of(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0));
}

/* Whether it could gain rights by executing a program. */
static int gain_privileges(char **args) {
  (void)args;
  int kept = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
  return kept == 1 ? EPERM : 0;
}

static int hurry(char **args) {
  (void)args;
  return result_of(setpriority(PRIO_PROCESS, 0, -10));
}

static int run_in_real_time(char **args) {
  (void)args;
  struct sched_param param = {.sched_priority = 1};
  return result_of(sched_setscheduler(0, SCHED_FIFO, &param));
}

static int keep_alive(char **args) {
  (void)args;
  int file = open("/proc/self/oom_score_adj", O_WRONLY);
  return file < 0 ? errno : result_of(write(file, "-900", 4));
}

/* Prints the numbers of all descriptors but those of standard input, output and error. */
static int list_descriptors(char **args) {
  (void)args;
  for (int i = 3; i < 1024; i++) {
    if (fcntl(i, F_GETFD) < 0) continue;
    char path[64], target[256] = {0};
    snprintf(path, sizeof path, "/proc/self/fd/%d", i);
    if (readlink(path, target, sizeof target - 1) >= 0) printf("<%d %s>", i, target);
    else printf("<%d>", i);
  }
  fflush(stdout);
  return 0;
}

static int list_environment(char **args) {
  (void)args;
  for (char **at = environ; *at; at++) printf("%s\n", *at);
  fflush(stdout);
  return 0;
}

/* Puts a character where what reads the terminal takes it for typed, and reads it. */
static int type_at(unsigned long request) {
  char typed[] = {3, 'x', 0};
  char line = '\n';
  int terminal = open("/dev/tty", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (terminal < 0) return errno;
  char *from = request == TIOCLINUX ? typed : typed + 1;
  if (syscall(SYS_ioctl, terminal, request, from) < 0) return errno;
  syscall(SYS_ioctl, terminal, request, &line);
  return tell_from(terminal);
}

static int type(char **args) {
  (void)args;
  return type_at(TIOCSTI);
}

/* The kernel takes 32 bits of the request; a filter that looks at 64 lets this pass. */
static int type_by_long_request(char **args) {
  (void)args;
  return type_at(TIOCSTI | (1ul << 32));
}

static int paste(char **args) {
  (void)args;
  return type_at(TIOCLINUX);
}

const struct act PRIVILEGE_ACTS[] = {
    {"read-through", read_through},
    {"who", effective_user},
    {"who-through", who_through},
    {"grant", grant},
    {"setuid", become_user},
    {"setgid", become_group},
    {"setgroups", join_groups},
    {"capset", take_capabilities},
    {"ambient", raise_ambient},
    {"gain", gain_privileges},
    {"hurry", hurry},
    {"real-time", run_in_real_time},
    {"oom", keep_alive},
    {"descriptors", list_descriptors},
    {"environment", list_environment},
    {"tiocsti", type},
    {"tiocsti-long", type_by_long_request},
    {"tioclinux", paste},
    {NULL, NULL},
};
