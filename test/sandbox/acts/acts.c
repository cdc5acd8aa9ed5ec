/*
 * Does acts, each in a child of its own, so that none is in the way of another.
 *
 *   acts run FILE      does those that the lines of a file name: an id, the act, its arguments,
 *                      with tabs between. Writes a line for each: the id, what it returned, and in
 *                      hexadecimal what it told.
 *   acts ACT ARG...    does one here, and ends with what it returned
 *   acts victim        see be_victim
 */
#include "acts.h"

enum { TOLD = 1 << 16, PATIENCE_SECONDS = 20, NOT_DONE = 255 };

int tell(const void *bytes, size_t length) {
  const char *at = bytes;
  while (length > 0) {
    ssize_t written = write(1, at, length);
    if (written < 0) return errno;
    at += written;
    length -= (size_t)written;
  }
  return 0;
}

int tell_from(int descriptor) {
  char buffer[8192];
  ssize_t got = read(descriptor, buffer, sizeof buffer);
  if (got < 0) return errno;
  return tell(buffer, (size_t)got);
}

int in_child(int (*function)(char **args), char **args) {
  pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) _exit(function(args));
  int status;
  if (waitpid(child, &status, 0) < 0) return errno;
  return WIFEXITED(status) ? WEXITSTATUS(status) : NOT_DONE;
}

static int do_act(char **args) {
  const struct act *kinds[] = {FILE_ACTS,    KERNEL_ACTS,    NAMESPACE_ACTS,
                               NETWORK_ACTS, PRIVILEGE_ACTS, PROCESS_ACTS};
  for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
    for (const struct act *act = kinds[kind]; act->name; act++) {
      if (strcmp(act->name, args[0]) == 0) return act->act(args + 1);
    }
  }
  fprintf(stderr, "no such act: %s\n", args[0]);
  exit(NOT_DONE);
}

static void do_line(char *line) {
  char *args[32] = {0};
  size_t count = 0;
  for (char *field; count < 31 && (field = strsep(&line, "\t"));) args[count++] = field;
  int pipes[2];
  if (count < 2 || pipe(pipes) < 0) exit(NOT_DONE);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    alarm(PATIENCE_SECONDS);
    dup2(pipes[1], 1);
    close(pipes[0]);
    close(pipes[1]);
    _exit(do_act(args + 1));
  }
  close(pipes[1]);
  static unsigned char told[TOLD];
  size_t length = 0;
  for (ssize_t got; (got = read(pipes[0], told + length, TOLD - length)) > 0;) length += (size_t)got;
  close(pipes[0]);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) < 0) exit(NOT_DONE);
  printf("%s\t%d\t", args[0], WIFEXITED(status) ? WEXITSTATUS(status) : NOT_DONE);
  for (size_t i = 0; i < length; i++) printf("%02x", told[i]);
  printf("\n");
}

int main(int count, char **args) {
  if (count < 2) return NOT_DONE;
  /* As the interpreter of a script, whose first line has what is to be said. */
  if (strncmp(args[1], "say ", 4) == 0) return tell(args[1] + 4, strlen(args[1] + 4));
  if (strcmp(args[1], "victim") == 0) return be_victim(args + 2);
  if (strcmp(args[1], "run") != 0 || count < 3) return do_act(args + 1);
  int plan = open(args[2], O_RDONLY | O_CLOEXEC);
  static char lines[1 << 20];
  size_t length = 0;
  for (ssize_t got; (got = read(plan, lines + length, sizeof lines - 1 - length)) > 0;) length += (size_t)got;
  /* Closed: what descriptors there are is one of the things that are looked at. */
  close(plan);
  char *rest = lines;
  for (char *line; (line = strsep(&rest, "\n")) && *line;) do_line(line);
  printf("end\t0\t\n");
  return 0;
}
