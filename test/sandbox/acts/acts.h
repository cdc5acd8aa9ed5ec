/*
 * What the parts of acts.c have in common. An act is one thing that a program may try to do to the
 * machine that it runs on, done by system calls alone. It returns 0 if the system did it, else the
 * errno; what it got to know it writes to standard output.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

struct act {
  const char *name;
  int (*act)(char **args);
};

extern const struct act FILE_ACTS[], KERNEL_ACTS[], NAMESPACE_ACTS[], NETWORK_ACTS[], PRIVILEGE_ACTS[], PROCESS_ACTS[];

/* The errno of a call that answered with this. */
static inline int result_of(long answer) { return answer < 0 ? errno : 0; }

/* Writes what was got to know; 0, since it was got to know. */
int tell(const void *bytes, size_t length);
/* Does so with all that a descriptor has, up to some kilobytes. */
int tell_from(int descriptor);
/* Runs a function in a child, and returns what it returned. */
int in_child(int (*function)(char **args), char **args);
/* A process for others to act upon, which tells what was done to it. */
int be_victim(char **args);
