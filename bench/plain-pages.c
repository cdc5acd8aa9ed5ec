/*
 * plain-pages PROGRAM ARGUMENT...
 *
 * Becomes a program that gets no huge pages of memory, and neither does what it starts:
 * PR_SET_THP_DISABLE of prctl(2). With huge pages there are few page tables, and it shows
 * little what it costs to copy them.
 */
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: plain-pages PROGRAM ARGUMENT...\n");
    return 2;
  }
  /* A kernel that does not know this has no huge pages to give. */
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  execv(argv[1], argv + 1);
  perror(argv[1]);
  return 1;
}
