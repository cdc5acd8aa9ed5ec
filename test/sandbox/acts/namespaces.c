/* Acts on namespaces, and on what is mounted in them. */
#include "acts.h"
#include <linux/mount.h>
#include <linux/sched.h>

/* Those of glibc clash with the kernel's own. */
int mount(const char *, const char *, const char *, unsigned long, const void *);
int umount2(const char *, int);
enum { BIND = 4096, REMOUNT = 32, RECURSIVE = 16384, PRIVATE = 1 << 18, DETACH = 2 };

struct kind {
  const char *name;
  unsigned long flag;
};

static const struct kind KINDS[] = {
    {"user", CLONE_NEWUSER}, {"mnt", CLONE_NEWNS},         {"pid", CLONE_NEWPID},   {"net", CLONE_NEWNET},
    {"ipc", CLONE_NEWIPC},   {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME}, {"uts", CLONE_NEWUTS},
};

static unsigned long flag_of(const char *name) {
  for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
    if (strcmp(KINDS[i].name, name) == 0) return KINDS[i].flag;
  }
  exit(255);
}

/* Whether the call was done though it made nothing new would be a lie: the number is looked at. */
static void number_of(const char *kind, char *into, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
  ssize_t length = readlink(path, into, size - 1);
  into[length < 0 ? 0 : length] = 0;
}

static int unshare_kind(char **args) {
  const char *link = strcmp(args[0], "pid") == 0    ? "pid_for_children"
                     : strcmp(args[0], "time") == 0 ? "time_for_children"
                                                    : args[0];
  char before[64], after[64];
  number_of(link, before, sizeof before);
  if (syscall(SYS_unshare, flag_of(args[0])) < 0) return errno;
  number_of(link, after, sizeof after);
  /* That of children is there once there is a child. */
  return strcmp(before, after) == 0 && after[0] ? EINVAL : 0;
}

static int wait_for(long child) {
  if (child < 0) return errno;
  if (child == 0) _exit(0);
  int status;
  return result_of(waitpid((pid_t)child, &status, __WALL));
}

static int clone_kind(char **args) { return wait_for(syscall(SYS_clone, flag_of(args[0]) | SIGCHLD, 0, 0, 0, 0)); }

static int clone3_kind(char **args) {
  struct clone_args clone = {.flags = flag_of(args[0]), .exit_signal = SIGCHLD};
  return wait_for(syscall(SYS_clone3, &clone, sizeof clone));
}

/* PID KIND: joins a namespace of another process. */
static int join(char **args) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%s/ns/%s", args[0], args[1]);
  int space = open(path, O_RDONLY);
  return space < 0 ? errno : result_of(syscall(SYS_setns, space, 0));
}

/* Joins what the process is in already: harmless, and takes a capability. */
static int join_own(char **args) {
  char *own[] = {"self", args[0], NULL};
  return join(own);
}

static int mount_memory(char **args) { return result_of(mount("act", args[0], "tmpfs", 0, "size=64k")); }
static int mount_bind(char **args) { return result_of(mount(args[0], args[1], NULL, BIND, NULL)); }
static int mount_proc(char **args) { return result_of(mount("act", args[0], "proc", 0, NULL)); }

/* PATH FILE TEXT: has a folder be writable again, and writes. */
static int remount(char **args) {
  if (mount(NULL, args[0], NULL, REMOUNT | BIND, NULL) < 0) return errno;
  int file = open(args[1], O_WRONLY);
  return file < 0 ? errno : result_of(write(file, args[2], strlen(args[2])));
}

/* PATH FILE: takes away what is mounted over a folder, and reads what is below. */
static int uncover(char **args) {
  if (umount2(args[0], DETACH) < 0) return errno;
  int file = open(args[1], O_RDONLY);
  return file < 0 ? errno : tell_from(file);
}

static int uncover_at_once(char **args) {
  if (umount2(args[0], 0) < 0) return errno;
  return 0;
}

/* The same, as one who has made a namespace to be root in. */
static int as_new_root(char **args, int (*act)(char **args)) {
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) return errno;
  mount(NULL, "/", NULL, RECURSIVE | PRIVATE, NULL);
  return act(args);
}

static int remount_as_root(char **args) { return as_new_root(args, remount); }
static int uncover_as_root(char **args) { return as_new_root(args, uncover); }

static int pivot(char **args) { return result_of(syscall(SYS_pivot_root, args[0], args[0])); }
static int change_root(char **args) { return result_of(chroot(args[0])); }

static int open_tree(char **args) {
  return result_of(syscall(SYS_open_tree, AT_FDCWD, args[0], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
}

static int open_file_system(char **args) { return result_of(syscall(SYS_fsopen, args[0], 0)); }
static int pick_file_system(char **args) { return result_of(syscall(SYS_fspick, AT_FDCWD, args[0], 0)); }

static int move_mount(char **args) {
  return result_of(syscall(SYS_move_mount, AT_FDCWD, args[0], AT_FDCWD, args[1], 0));
}

static int set_mount(char **args) {
  struct mount_attr attributes = {.attr_clr = MOUNT_ATTR_RDONLY};
  return result_of(syscall(SYS_mount_setattr, AT_FDCWD, args[0], AT_RECURSIVE, &attributes, sizeof attributes));
}

const struct act NAMESPACE_ACTS[] = {
    {"unshare", unshare_kind},
    {"clone", clone_kind},
    {"clone3", clone3_kind},
    {"setns", join},
    {"setns-own", join_own},
    {"mount-tmpfs", mount_memory},
    {"mount-bind", mount_bind},
    {"mount-proc", mount_proc},
    {"remount", remount},
    {"umount", uncover},
    {"umount-at-once", uncover_at_once},
    {"remount-as-new-root", remount_as_root},
    {"umount-as-new-root", uncover_as_root},
    {"pivot-root", pivot},
    {"chroot", change_root},
    {"open-tree", open_tree},
    {"fsopen", open_file_system},
    {"fspick", pick_file_system},
    {"move-mount", move_mount},
    {"mount-setattr", set_mount},
    {NULL, NULL},
};
