/*
 * What the machine can do at most, without a server or a client: the same measurements
 * as in executors/measures.mjs, by posix_spawn(3), pipes and splice(2) alone. Starts
 * without output are in posix-spawn-bound.c.
 *
 * Answers requests on standard input with a line of JSON each:
 *
 *   firstByte SECONDS             programs that print a byte, one after the other
 *   echo SECONDS                  bytes through cat and back, one after the other
 *   output BYTES PROGRAM MODE     all that flood.c prints, to nowhere
 *   stdin BYTES                   so much to a program that reads it
 */
#define _GNU_SOURCE
#include "bound.h"

#define SPLICE_BYTES (1024 * 1024)

static void finish(struct child *child) {
  if (child->in >= 0) close(child->in);
  read_to_end(child->fds[0]);
  read_to_end(child->fds[1]);
  reap(child);
}

static void measure_first_byte(double seconds) {
  static char *const arguments[] = {"/bin/echo", "-n", "x", NULL};
  const char *separator = "";
  double end = now() + seconds;
  printf("[");
  for (double began = now(); began < end; began = now()) {
    struct child child;
    start(&child, arguments, 0);
    if (read_some(child.fds[0]) != 1) fail("echo", EIO);
    printf("%s%.4f", separator, (now() - began) * 1000);
    separator = ",";
    finish(&child);
  }
  printf("]\n");
}

static void measure_echo(double seconds) {
  static char *const arguments[] = {"/bin/cat", NULL};
  const char *separator = "";
  struct child child;
  start(&child, arguments, 1);
  double end = now() + seconds;
  printf("[");
  for (double began = now(); began < end; began = now()) {
    check("write", (int)write(child.in, "x", 1));
    if (read_some(child.fds[0]) != 1) fail("cat", EIO);
    printf("%s%.4f", separator, (now() - began) * 1000);
    separator = ",";
  }
  printf("]\n");
  finish(&child);
}

static void measure_output(long bytes, char *program, char *mode) {
  char count[32];
  snprintf(count, sizeof count, "%ld", bytes);
  char *const arguments[] = {program, mode, count, NULL};
  int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  check("/dev/null", nowhere);
  double began = now();
  struct child child;
  start(&child, arguments, 0);
  long left = bytes;
  for (;;) {
    ssize_t moved = splice(child.fds[0], NULL, nowhere, NULL, SPLICE_BYTES, SPLICE_F_MOVE);
    check("splice", moved < 0 ? -1 : 0);
    if (moved == 0) break;
    left -= moved;
  }
  if (left != 0) fail("the output has another size", EIO);
  finish(&child);
  printf("{\"seconds\":%.6f}\n", now() - began);
  close(nowhere);
}

static void measure_stdin(long bytes) {
  static char block[READ_BYTES];
  char count[32];
  snprintf(count, sizeof count, "%ld", bytes);
  char *const arguments[] = {"/bin/sh", "-c", "exec head -c \"$0\" > /dev/null", count, NULL};
  double began = now();
  struct child child;
  start(&child, arguments, 1);
  for (long left = bytes; left > 0;) {
    ssize_t written = write(child.in, block, left < READ_BYTES ? (size_t)left : READ_BYTES);
    check("write", (int)written);
    left -= written;
  }
  finish(&child);
  printf("{\"seconds\":%.6f}\n", now() - began);
}

int main(void) {
  make_attributes();
  printf("{\"ready\":true}\n");
  fflush(stdout);
  char line[4096];
  while (fgets(line, sizeof line, stdin) != NULL) {
    double seconds;
    long bytes;
    char program[3072], mode[16];
    if (sscanf(line, "firstByte %lf", &seconds) == 1) {
      measure_first_byte(seconds);
    } else if (sscanf(line, "echo %lf", &seconds) == 1) {
      measure_echo(seconds);
    } else if (sscanf(line, "output %ld %3071s %15s", &bytes, program, mode) == 3) {
      measure_output(bytes, program, mode);
    } else if (sscanf(line, "stdin %ld", &bytes) == 1) {
      measure_stdin(bytes);
    } else {
      fail(line, EINVAL);
    }
    fflush(stdout);
  }
  return 0;
}
