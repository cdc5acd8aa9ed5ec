/*
 * What the programs in C share that launchers and servers are compared to: how they make
 * a child, which is what the launcher posix_spawn asks the kernel for.
 */
#ifndef BOUND_H
#define BOUND_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES (64 * 1024)

/* A child, and our ends of its pipes: of stdin, or -1, of stdout and of stderr. */
struct child {
  pid_t pid;
  int in;
  int fds[2];
  int open;
};

static char *const environment[] = {"PATH=/usr/bin:/bin", "HOME=/", "LANG=C.UTF-8", NULL};
static posix_spawnattr_t attributes;

static void fail(const char *what, int error) {
  fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(error));
  exit(1);
}

static void check(const char *what, int result) {
  if (result < 0) fail(what, errno);
}

/* Seconds since some moment. */
static double now(void) {
  struct timespec time;
  check("clock_gettime", clock_gettime(CLOCK_MONOTONIC, &time));
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void make_attributes(void) {
  sigset_t none, all;
  sigemptyset(&none);
  memset(&all, 0xff, sizeof all);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* Starts a program by its path, with a pipe for stdin if it is to be written to. */
static void start(struct child *child, char *const arguments[], int writable) {
  int in[2] = {-1, -1}, out[2], err[2];
  if (writable) check("pipe2", pipe2(in, O_CLOEXEC));
  check("pipe2", pipe2(out, O_CLOEXEC));
  check("pipe2", pipe2(err, O_CLOEXEC));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (writable) {
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  } else {
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  }
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  posix_spawn_file_actions_adddup2(&actions, err[1], 2);
  posix_spawn_file_actions_addchdir_np(&actions, "/");
  int error =
      posix_spawn(&child->pid, arguments[0], &actions, &attributes, arguments, environment);
  if (error != 0) fail("posix_spawn", error);
  posix_spawn_file_actions_destroy(&actions);
  if (writable) close(in[0]);
  close(out[1]);
  close(err[1]);
  child->in = in[1];
  child->fds[0] = out[0];
  child->fds[1] = err[0];
  child->open = 2;
}

/* Returns the number of bytes that it read, 0 at end-of-file. */
static ssize_t read_some(int fd) {
  char buffer[READ_BYTES];
  ssize_t count = read(fd, buffer, sizeof buffer);
  check("read", (int)count);
  return count;
}

static void read_to_end(int fd) {
  while (read_some(fd) > 0) continue;
  close(fd);
}

/* Waits for a child that is to end with 0. */
static void reap(const struct child *child) {
  int status;
  struct rusage usage;
  check("wait4", wait4(child->pid, &status, 0, &usage));
  if (status != 0) fail("the child ended with another status than 0", ECHILD);
}

#endif
