/*
 * Acts on the machine as a whole, and on parts of the kernel that are not in any namespace. None does
 * harm where it is let in: what is written is what was there, and what is asked for is wrong in a way
 * that the system looks at after it has looked at who asks.
 */
#include "acts.h"
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/timex.h>
#include <time.h>

/* Of a request that is wrong: let in, if that was found out. */
static int wrong_or(long answer, int wrong) {
  if (answer >= 0 || errno == wrong) return 0;
  return errno;
}

/* PATH: writes what is there. */
static int rewrite(char **args) {
  char content[8192];
  int file = open(args[0], O_RDWR);
  if (file < 0) return errno;
  ssize_t length = read(file, content, sizeof content);
  if (length < 0) return errno;
  return result_of(pwrite(file, content, (size_t)length, 0));
}

static int name_domain(char **args) { return result_of(setdomainname(args[0], strlen(args[0]))); }

static int name_host(char **args) {
  (void)args;
  char name[256];
  gethostname(name, sizeof name);
  return result_of(sethostname(name, strlen(name)));
}

static int adjust_clock(char **args) {
  (void)args;
  struct timex times = {0};
  if (adjtimex(&times) < 0) return errno;
  times.modes = ADJ_MAXERROR;
  return result_of(adjtimex(&times));
}

/* To what it is. */
static int set_clock(char **args) {
  (void)args;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return result_of(syscall(SYS_clock_settime, CLOCK_REALTIME, &now));
}

static int load_module(char **args) {
  (void)args;
  char image[64] = "no module";
  return wrong_or(syscall(SYS_init_module, image, sizeof image, ""), ENOEXEC);
}

static int load_module_file(char **args) {
  int file = open(args[0], O_RDONLY);
  return file < 0 ? errno : wrong_or(syscall(SYS_finit_module, file, "", 0), ENOEXEC);
}

static int unload_module(char **args) {
  (void)args;
  return wrong_or(syscall(SYS_delete_module, "no_such_module", O_NONBLOCK), ENOENT);
}

static int load_kernel(char **args) {
  (void)args;
  return wrong_or(syscall(SYS_kexec_load, 0, 0, NULL, 0xff00), EINVAL);
}

static int restart(char **args) {
  (void)args;
  return wrong_or(syscall(SYS_reboot, 1, 2, 3, NULL), EINVAL);
}

static int swap_on(char **args) { return wrong_or(syscall(SYS_swapon, args[0], 0), ENOENT); }
static int account(char **args) { return wrong_or(syscall(SYS_acct, args[0]), ENOENT); }

/* Reads the last messages of the kernel. */
static int read_messages(char **args) {
  (void)args;
  char messages[4096];
  long length = syscall(SYS_syslog, 3, messages, sizeof messages);
  return length < 0 ? errno : tell(messages, (size_t)length);
}

static int use_ports(char **args) {
  (void)args;
#ifdef __x86_64__
  return result_of(syscall(SYS_iopl, 3));
#else
  return ENOSYS;
#endif
}

static int add_key(char **args) {
  long key = syscall(SYS_add_key, "user", args[0], args[1], strlen(args[1]), -4 /* of the user */);
  if (key < 0) return errno;
  /* For a minute or so; whoever has the key or is its user can do all with it. */
  syscall(SYS_keyctl, 15 /* KEYCTL_SET_TIMEOUT */, key, 600);
  syscall(SYS_keyctl, 5 /* KEYCTL_SETPERM */, key, 0x3f3f0000);
  printf("%ld", key);
  fflush(stdout);
  return 0;
}

static int read_key(char **args) {
  char content[256];
  long length = syscall(SYS_keyctl, 11 /* KEYCTL_READ */, atol(args[0]), content, sizeof content);
  return length < 0 ? errno : tell(content, (size_t)length);
}

static int find_key(char **args) {
  long key = syscall(SYS_request_key, "user", args[0], NULL, 0);
  if (key < 0) return errno;
  char number[32];
  snprintf(number, sizeof number, "%ld", key);
  char *of[] = {number, NULL};
  return read_key(of);
}

static int load_program(char **args) {
  (void)args;
  union bpf_attr attributes = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
  return result_of(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes));
}

static int make_ring(char **args) {
  (void)args;
  struct io_uring_params params = {0};
  return result_of(syscall(SYS_io_uring_setup, 4, &params));
}

static int count_events(char **args) {
  (void)args;
  struct perf_event_attr attributes = {
      .type = PERF_TYPE_SOFTWARE, .size = sizeof attributes, .config = PERF_COUNT_SW_TASK_CLOCK, .exclude_kernel = 1};
  return result_of(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}

static int handle_faults(char **args) {
  (void)args;
  return result_of(syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* UFFD_USER_MODE_ONLY */));
}

static int be_lax(char **args) {
  (void)args;
  return result_of(personality(READ_IMPLIES_EXEC));
}

/* A call by the numbers of programs with 32 bits, which a filter may not know. */
static int call_as_32_bits(char **args) {
  (void)args;
#ifdef __x86_64__
  long answer;
  /* keyctl: the number of the keyring of the user. */
  __asm__ volatile("int $0x80" : "=a"(answer) : "a"(288), "b"(0), "c"(-4), "d"(1) : "memory", "r8", "r9", "r10", "r11");
  return answer < 0 && answer > -4096 ? (int)-answer : 0;
#else
  return ENOSYS;
#endif
}

static int call_as_x32(char **args) {
  (void)args;
#ifdef __x86_64__
  return result_of(syscall(0x40000000 | SYS_keyctl, 0, -4, 1));
#else
  return ENOSYS;
#endif
}

/* KEY: makes a segment with a text, as others can find it, or tells what is in one. */
static int make_segment(char **args) {
  int made = shmget(atoi(args[0]), 4096, IPC_CREAT | IPC_EXCL | 0666);
  if (made < 0) return errno;
  char *at = shmat(made, NULL, 0);
  if (at == (void *)-1) return errno;
  strcpy(at, args[1]);
  return 0;
}

static int read_segment(char **args) {
  int found = shmget(atoi(args[0]), 0, 0);
  if (found < 0) return errno;
  char *at = shmat(found, NULL, SHM_RDONLY);
  return at == (void *)-1 ? errno : tell(at, strnlen(at, 4096));
}

static int remove_segment(char **args) { return result_of(shmctl(shmget(atoi(args[0]), 0, 0), IPC_RMID, NULL)); }

static int make_semaphore(char **args) {
  return result_of(semget(atoi(args[0]), 1, IPC_CREAT | IPC_EXCL | 0666));
}

static int raise_semaphore(char **args) {
  int found = semget(atoi(args[0]), 1, 0);
  if (found < 0) return errno;
  struct sembuf up = {0, 1, IPC_NOWAIT};
  return result_of(semop(found, &up, 1));
}

static int remove_semaphore(char **args) {
  int found = semget(atoi(args[0]), 1, 0);
  printf("<%d>", semctl(found, 0, GETVAL));
  fflush(stdout);
  return result_of(semctl(found, 0, IPC_RMID));
}

struct message {
  long kind;
  char text[64];
};

static int make_messages(char **args) { return result_of(msgget(atoi(args[0]), IPC_CREAT | IPC_EXCL | 0666)); }

static int send_message(char **args) {
  int found = msgget(atoi(args[0]), 0);
  if (found < 0) return errno;
  struct message message = {.kind = 1};
  strncpy(message.text, args[1], sizeof message.text - 1);
  return result_of(msgsnd(found, &message, sizeof message.text, IPC_NOWAIT));
}

static int remove_messages(char **args) {
  int found = msgget(atoi(args[0]), 0);
  struct message message;
  ssize_t length = msgrcv(found, &message, sizeof message.text, 0, IPC_NOWAIT);
  if (length > 0) tell(message.text, strnlen(message.text, sizeof message.text));
  return result_of(msgctl(found, IPC_RMID, NULL));
}

static int make_queue(char **args) {
  struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 64};
  return result_of(mq_open(args[0], O_CREAT | O_EXCL | O_RDWR, 0666, &attributes));
}

static int send_to_queue(char **args) {
  mqd_t queue = mq_open(args[0], O_WRONLY | O_NONBLOCK);
  if (queue < 0) return errno;
  return result_of(mq_send(queue, args[1], strlen(args[1]), 0));
}

static int remove_queue(char **args) {
  char text[64];
  mqd_t queue = mq_open(args[0], O_RDONLY | O_NONBLOCK);
  ssize_t length = mq_receive(queue, text, sizeof text, NULL);
  if (length > 0) tell(text, (size_t)length);
  return result_of(mq_unlink(args[0]));
}

const struct act KERNEL_ACTS[] = {
    {"rewrite", rewrite},
    {"domain", name_domain},
    {"hostname", name_host},
    {"adjtimex", adjust_clock},
    {"clock", set_clock},
    {"init-module", load_module},
    {"finit-module", load_module_file},
    {"delete-module", unload_module},
    {"kexec", load_kernel},
    {"reboot", restart},
    {"swapon", swap_on},
    {"acct", account},
    {"syslog", read_messages},
    {"iopl", use_ports},
    {"add-key", add_key},
    {"read-key", read_key},
    {"find-key", find_key},
    {"bpf", load_program},
    {"io-uring", make_ring},
    {"perf", count_events},
    {"userfaultfd", handle_faults},
    {"personality", be_lax},
    {"int80", call_as_32_bits},
    {"x32", call_as_x32},
    {"make-segment", make_segment},
    {"read-segment", read_segment},
    {"remove-segment", remove_segment},
    {"make-semaphore", make_semaphore},
    {"raise-semaphore", raise_semaphore},
    {"remove-semaphore", remove_semaphore},
    {"make-messages", make_messages},
    {"send-message", send_message},
    {"remove-messages", remove_messages},
    {"make-queue", make_queue},
    {"send-to-queue", send_to_queue},
    {"remove-queue", remove_queue},
    {NULL, NULL},
};
