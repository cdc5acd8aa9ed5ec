/* Acts on what has a name in a file system. */
#include "acts.h"
#include <dirent.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/xattr.h>

static int read_file(char **args) {
  int file = open(args[0], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  return file < 0 ? errno : tell_from(file);
}

static int put(char **args, int flags) {
  int file = open(args[0], O_WRONLY | O_CLOEXEC | flags, 0666);
  if (file < 0) return errno;
  return result_of(write(file, args[1], strlen(args[1])));
}

static int write_file(char **args) { return put(args, 0); }
static int append_file(char **args) { return put(args, O_APPEND); }
static int create_file(char **args) { return put(args, O_CREAT | O_EXCL); }
static int write_or_create(char **args) { return put(args, O_CREAT | O_TRUNC); }

static int map_file(char **args) {
  int file = open(args[0], O_RDWR | O_CLOEXEC);
  if (file < 0) return errno;
  char *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) return errno;
  memcpy(mapped, args[1], strlen(args[1]));
  return result_of(msync(mapped, 4096, MS_SYNC));
}

static int truncate_file(char **args) { return result_of(truncate(args[0], 0)); }
static int unlink_file(char **args) { return result_of(unlink(args[0])); }
static int remove_folder(char **args) { return result_of(rmdir(args[0])); }
static int make_folder(char **args) { return result_of(mkdir(args[0], 0777)); }
static int rename_file(char **args) { return result_of(rename(args[0], args[1])); }
static int link_file(char **args) { return result_of(link(args[0], args[1])); }
static int link_symbolically(char **args) { return result_of(symlink(args[0], args[1])); }
static int make_fifo(char **args) { return result_of(mkfifo(args[0], 0666)); }
static int change_mode(char **args) { return result_of(chmod(args[0], 0751)); }
/* To whom it belongs already: what an owner may do who has no capability. */
static int change_owner(char **args) { return result_of(chown(args[0], geteuid(), getegid())); }
static int give_away(char **args) { return result_of(chown(args[0], 12345, 12345)); }

static int exchange_files(char **args) {
  return result_of(syscall(SYS_renameat2, AT_FDCWD, args[0], AT_FDCWD, args[1], 2));
}

static int change_times(char **args) {
  struct timeval times[2] = {{1000, 0}, {1000, 0}};
  return result_of(utimes(args[0], times));
}

static int set_attribute(char **args) {
  return result_of(setxattr(args[0], "user.act", args[1], strlen(args[1]), 0));
}

/* Prints how large it is. */
static int look_at(char **args) {
  struct stat stat_of;
  if (stat(args[0], &stat_of) < 0) return errno;
  printf("<%lld>", (long long)stat_of.st_size);
  fflush(stdout);
  return 0;
}

static int read_link(char **args) {
  char target[4096];
  ssize_t length = readlink(args[0], target, sizeof target);
  return length < 0 ? errno : tell(target, (size_t)length);
}

static int list_folder(char **args) {
  DIR *folder = opendir(args[0]);
  if (!folder) return errno;
  for (struct dirent *entry; (entry = readdir(folder));) printf("%s\n", entry->d_name);
  fflush(stdout);
  return 0;
}

/* Prints what can be written below a folder, but for what belongs to processes. */
static void list_writable(const char *path, int depth) {
  DIR *folder = depth > 0 ? opendir(path) : NULL;
  if (!folder) return;
  for (struct dirent *entry; (entry = readdir(folder));) {
    const char *name = entry->d_name;
    if (name[0] == '.' || (name[0] >= '0' && name[0] <= '9') || strstr(name, "self")) continue;
    char below[4096];
    snprintf(below, sizeof below, "%s/%s", path, name);
    if (entry->d_type == DT_LNK) continue;
    /* The mode of a device tells nothing where devices cannot be opened. */
    int opened = entry->d_type == DT_DIR ? -1 : open(below, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (opened >= 0) close(opened);
    int writable = entry->d_type == DT_DIR ? faccessat(AT_FDCWD, below, W_OK, AT_EACCESS) == 0 : opened >= 0;
    if (writable) printf("%s\n", below);
    if (entry->d_type == DT_DIR) list_writable(below, depth - 1);
  }
  closedir(folder);
}

static int find_writable(char **args) {
  list_writable(args[0], 4);
  fflush(stdout);
  return 0;
}

/* Opens for reading, and leaves it at that. */
static int open_it(char **args) { return result_of(open(args[0], O_RDONLY | O_NONBLOCK | O_CLOEXEC)); }

/* Changes to a folder and reads a file there. */
static int change_folder(char **args) {
  if (chdir(args[0]) < 0) return errno;
  return read_file(args + 1);
}

static int execute_file(char **args) {
  char *argv[] = {args[0], NULL};
  execv(args[0], argv);
  return errno;
}

static int run_program(char **args) { return in_child(execute_file, args); }

/* A file without a name, which is given one. */
static int name_nameless(char **args) {
  int file = open(args[0], O_TMPFILE | O_WRONLY, 0666);
  if (file < 0) return errno;
  if (write(file, args[2], strlen(args[2])) < 0) return errno;
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  return result_of(linkat(AT_FDCWD, path, AT_FDCWD, args[1], AT_SYMLINK_FOLLOW));
}

static int make_node(char **args) {
  int block = strcmp(args[1], "block") == 0;
  dev_t device = makedev((unsigned)atoi(args[2]), (unsigned)atoi(args[3]));
  if (mknod(args[0], (block ? S_IFBLK : S_IFCHR) | 0666, device) < 0) return errno;
  return read_file(args);
}

static int bind_socket(char **args) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int made = socket(AF_UNIX, SOCK_STREAM, 0);
  if (made < 0) return errno;
  strncpy(address.sun_path, args[0], sizeof address.sun_path - 1);
  return result_of(bind(made, (struct sockaddr *)&address, sizeof address));
}

/* Moves a folder away, and makes another with its name and a file in it. */
static int replace_folder(char **args) {
  if (rename(args[0], args[1]) < 0) return errno;
  for (int i = 2; args[i + 1]; i++) {
    if (strcmp(args[i], "in") == 0) return write_or_create(args + i + 1);
    if (mkdir(args[i], 0777) < 0) return errno;
  }
  return EINVAL;
}

/* Has a folder watched, and tells the name of the file that is read in it. */
static int watch_folder(char **args) {
  int watcher = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (watcher < 0) return errno;
  if (inotify_add_watch(watcher, args[0], IN_OPEN) < 0) return errno;
  int file = open(args[1], O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno;
  return tell_from(watcher);
}

/* Has all of a file system watched, of which only a part may be visible. */
static int watch_file_system(char **args) {
  int watcher = (int)syscall(SYS_fanotify_init, FAN_CLASS_NOTIF | FAN_REPORT_FID, O_RDONLY);
  if (watcher < 0) return errno;
  uint64_t events = FAN_MODIFY | FAN_OPEN;
  return result_of(
      syscall(SYS_fanotify_mark, watcher, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, events, AT_FDCWD, args[0]));
}

struct handle {
  struct file_handle head;
  unsigned char bytes[128];
};

/* Prints how a file can be opened without its name. */
static int name_handle(char **args) {
  struct handle handle = {.head = {.handle_bytes = sizeof handle.bytes}};
  int mount;
  if (name_to_handle_at(AT_FDCWD, args[0], &handle.head, &mount, 0) < 0) return errno;
  printf("%d:", handle.head.handle_type);
  for (unsigned i = 0; i < handle.head.handle_bytes; i++) printf("%02x", handle.bytes[i]);
  fflush(stdout);
  return 0;
}

static int open_handle(char **args) {
  struct handle handle = {0};
  char *at;
  handle.head.handle_type = (int)strtol(args[0], &at, 10);
  for (at++; at[0] && at[1]; at += 2) {
    char byte[3] = {at[0], at[1], 0};
    handle.bytes[handle.head.handle_bytes++] = (unsigned char)strtol(byte, NULL, 16);
  }
  int of = open(args[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (of < 0) return errno;
  int file = (int)syscall(SYS_open_by_handle_at, of, &handle.head, O_RDONLY);
  return file < 0 ? errno : tell_from(file);
}

const struct act FILE_ACTS[] = {
    {"read", read_file},
    {"open", open_it},
    {"find-writable", find_writable},
    {"write", write_file},
    {"append", append_file},
    {"create", create_file},
    {"put", write_or_create},
    {"map", map_file},
    {"truncate", truncate_file},
    {"unlink", unlink_file},
    {"rmdir", remove_folder},
    {"mkdir", make_folder},
    {"rename", rename_file},
    {"exchange", exchange_files},
    {"link", link_file},
    {"symlink", link_symbolically},
    {"mkfifo", make_fifo},
    {"mknod", make_node},
    {"bind", bind_socket},
    {"chmod", change_mode},
    {"chown", change_owner},
    {"give-away", give_away},
    {"utimes", change_times},
    {"setxattr", set_attribute},
    {"stat", look_at},
    {"readlink", read_link},
    {"list", list_folder},
    {"chdir", change_folder},
    {"execute", run_program},
    {"tmpfile", name_nameless},
    {"replace-folder", replace_folder},
    {"inotify", watch_folder},
    {"fanotify", watch_file_system},
    {"name-handle", name_handle},
    {"open-handle", open_handle},
    {NULL, NULL},
};
