/* Acts on other processes, and the process that they are done to. */
#include "acts.h"
#include <dirent.h>
#include <sys/ptrace.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>

enum { WORDS = 16, WORD_LENGTH = 64 };

/* What acts read, and what they change: each word is for one of them. */
static char words[WORDS][WORD_LENGTH];
static volatile sig_atomic_t signals[65];

static void count(int signal) { signals[signal]++; }

/*
 * victim TEXT: fills all words with a text and its number, prints where they are, and from then on
 * for each line that it reads prints a line: the signals that it got, and the words.
 */
int be_victim(char **args) {
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
  for (int i = 0; i < WORDS; i++) snprintf(words[i], WORD_LENGTH, "%s-%d", args[0], i);
  struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
  for (int i = SIGRTMIN; i <= SIGRTMAX; i++) sigaction(i, &action, NULL);
  printf("%p\n", (void *)words);
  fflush(stdout);
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    for (int i = SIGRTMIN; i <= SIGRTMAX; i++) {
      if (signals[i]) printf("signal-%d ", i - SIGRTMIN);
    }
    for (int i = 0; i < WORDS; i++) printf("%.*s ", WORD_LENGTH, words[i]);
    printf("\n");
    fflush(stdout);
  }
  return 0;
}

static int number(const char *text) { return atoi(text); }

static int signal_process(char **args) { return result_of(kill(number(args[0]), SIGRTMIN + number(args[1]))); }
static int signal_group(char **args) { return result_of(kill(-number(args[0]), SIGRTMIN + number(args[1]))); }

static int signal_thread(char **args) {
  int pid = number(args[0]);
  return result_of(syscall(SYS_tgkill, pid, pid, SIGRTMIN + number(args[1])));
}

static int queue_signal(char **args) {
  return result_of(sigqueue(number(args[0]), SIGRTMIN + number(args[1]), (union sigval){0}));
}

static int open_process(const char *pid) { return (int)syscall(SYS_pidfd_open, number(pid), 0); }

static int pidfd_open_it(char **args) { return result_of(open_process(args[0])); }

static int pidfd_signal(char **args) {
  int process = open_process(args[0]);
  if (process < 0) return errno;
  return result_of(syscall(SYS_pidfd_send_signal, process, SIGRTMIN + number(args[1]), NULL, 0));
}

static int pidfd_take(char **args) {
  int process = open_process(args[0]);
  if (process < 0) return errno;
  int file = (int)syscall(SYS_pidfd_getfd, process, number(args[1]), 0);
  if (file < 0) return errno;
  lseek(file, 0, SEEK_SET);
  return tell_from(file);
}

static void *address(const char *text) { return (void *)strtoul(text, NULL, 16); }

/* PID ADDRESS TEXT: puts a text of 8 bytes where the other has a word. */
static int trace(char **args) {
  pid_t pid = number(args[0]);
  if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0) return errno;
  waitpid(pid, NULL, __WALL);
  long word = 0;
  memcpy(&word, args[2], sizeof word);
  int result = result_of(ptrace(PTRACE_POKEDATA, pid, address(args[1]), word));
  ptrace(PTRACE_DETACH, pid, NULL, NULL);
  return result;
}

static int seize(char **args) {
  pid_t pid = number(args[0]);
  if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0) return errno;
  return 0;
}

static int read_memory(char **args) {
  char text[WORD_LENGTH];
  struct iovec here = {text, sizeof text}, there = {address(args[1]), sizeof text};
  ssize_t got = process_vm_readv(number(args[0]), &here, 1, &there, 1, 0);
  return got < 0 ? errno : tell(text, (size_t)got);
}

static int write_memory(char **args) {
  struct iovec here = {args[2], strlen(args[2])}, there = {address(args[1]), strlen(args[2])};
  return result_of(process_vm_writev(number(args[0]), &here, 1, &there, 1, 0));
}

static int read_through_proc(char **args) {
  char path[64], text[WORD_LENGTH];
  snprintf(path, sizeof path, "/proc/%s/mem", args[0]);
  int file = open(path, O_RDONLY);
  if (file < 0) return errno;
  ssize_t got = pread(file, text, sizeof text, (off_t)(uintptr_t)address(args[1]));
  return got < 0 ? errno : tell(text, (size_t)got);
}

static int set_priority(char **args) { return result_of(setpriority(PRIO_PROCESS, (id_t)number(args[0]), 7)); }
static int set_io_priority(char **args) { return result_of(syscall(SYS_ioprio_set, 1, number(args[0]), (2 << 13) | 6)); }

static int set_affinity(char **args) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(0, &set);
  return result_of(sched_setaffinity(number(args[0]), sizeof set, &set));
}

static int set_scheduler(char **args) {
  struct sched_param param = {0};
  return result_of(sched_setscheduler(number(args[0]), SCHED_BATCH, &param));
}

static int set_limit(char **args) {
  struct rlimit limit = {123, 123};
  return result_of(prlimit(number(args[0]), RLIMIT_CORE, &limit, NULL));
}

static int compare(char **args) {
  pid_t pid = number(args[0]);
  return result_of(syscall(SYS_kcmp, pid, pid, 0, 0, 0));
}

/* Prints the command line of every process that there is. */
static int list_processes(char **args) {
  (void)args;
  DIR *folder = opendir("/proc");
  if (!folder) return errno;
  for (struct dirent *entry; (entry = readdir(folder));) {
    char path[300], line[4096];
    snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
    int file = open(path, O_RDONLY);
    if (file < 0) continue;
    ssize_t length = read(file, line, sizeof line);
    if (length > 0) tell(line, (size_t)length);
    close(file);
  }
  return 0;
}

static int forget(char **args) {
  (void)args;
  return result_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

/* What debuggers do: a process is traced by its own parent. */
static int trace_own_child(char **args) { return in_child(forget, args); }

static int sleeping(char **args) {
  (void)args;
  pause();
  return 0;
}

static int signal_own_child(char **args) {
  pid_t child = fork();
  if (child == 0) _exit(sleeping(args));
  if (kill(child, SIGKILL) < 0) return errno;
  int status;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? 0 : EINVAL;
}

const struct act PROCESS_ACTS[] = {
    {"kill", signal_process},
    {"kill-group", signal_group},
    {"tgkill", signal_thread},
    {"sigqueue", queue_signal},
    {"pidfd-open", pidfd_open_it},
    {"pidfd-signal", pidfd_signal},
    {"pidfd-getfd", pidfd_take},
    {"ptrace", trace},
    {"ptrace-seize", seize},
    {"vm-read", read_memory},
    {"vm-write", write_memory},
    {"proc-mem", read_through_proc},
    {"setpriority", set_priority},
    {"ioprio", set_io_priority},
    {"affinity", set_affinity},
    {"scheduler", set_scheduler},
    {"prlimit", set_limit},
    {"kcmp", compare},
    {"processes", list_processes},
    {"ptrace-own", trace_own_child},
    {"kill-own", signal_own_child},
    {NULL, NULL},
};
