/*
 * The bound that launchers are compared to: what a launch costs in C. It asks the
 * kernel for the same things as the launcher posix_spawn does (pipes, file actions,
 * attributes, environment), reads both pipes to end-of-file, waits with wait4(2), and
 * does nothing else.
 *
 * posix-spawn-bound MIB holds so many MiB of memory of its own, then answers requests
 * on standard input with a line of JSON each, as launcher-contender.mjs does:
 *
 *   latency SECONDS        one start after the other, for so long
 *   rate SECONDS AT_ONCE   keeps so many at once, and starts no more after so long
 */
#define _GNU_SOURCE
#include "bound.h"

#include <pthread.h>
#include <sys/epoll.h>

#define MIB (1024 * 1024)
#define MAX_AT_ONCE 1024
/*
 * As many as the pool of libuv has. With one alone a busy machine gives this program a
 * smaller share of its processors than the launchers get, and it is slower than they are.
 */
#define THREADS 4

static char *const arguments[] = {"/bin/true", NULL};

/* Holds memory in pieces of 1 MiB, every page of it written to, as the launchers' processes do. */
static void hold(long mib) {
  for (long i = 0; i < mib; i++) {
    char *piece = malloc(MIB);
    if (piece == NULL) fail("malloc", ENOMEM);
    memset(piece, 1, MIB);
    /* Else the compiler may leave out memory that nobody reads. */
    __asm__ volatile("" : : "r"(piece) : "memory");
  }
}

static void measure_latency(double seconds) {
  const char *separator = "";
  double end = now() + seconds;
  printf("{\"latenciesMs\":[");
  for (double began = now(); began < end; began = now()) {
    struct child child;
    start(&child, arguments, 0);
    read_to_end(child.fds[0]);
    read_to_end(child.fds[1]);
    reap(&child);
    printf("%s%.4f", separator, (now() - began) * 1000);
    separator = ",";
  }
  printf("]}\n");
}

static void start_watched(int poll, struct child *child) {
  start(child, arguments, 0);
  for (int i = 0; i < 2; i++) {
    /* The index of the descriptor in the lowest bit, the child in the others. */
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (unsigned long)child | (unsigned)i};
    check("epoll_ctl", epoll_ctl(poll, EPOLL_CTL_ADD, child->fds[i], &event));
  }
}

/* Keeps so many children at once, until the moment `end`. Returns how many it started. */
static long keep(int at_once, double end) {
  struct child children[MAX_AT_ONCE];
  struct epoll_event events[64];
  int poll = epoll_create1(EPOLL_CLOEXEC);
  check("epoll_create1", poll);
  int running = 0;
  long starts = 0;
  for (; running < at_once && now() < end; running++, starts++) {
    start_watched(poll, &children[running]);
  }
  while (running > 0) {
    int count = epoll_wait(poll, events, 64, -1);
    /* SIGCHLD came while another thread, which spawns, had it blocked. */
    if (count < 0 && errno == EINTR) continue;
    check("epoll_wait", count);
    for (int i = 0; i < count; i++) {
      struct child *child = (struct child *)(events[i].data.u64 & ~1UL);
      int fd = child->fds[events[i].data.u64 & 1];
      if (read_some(fd) > 0) continue;
      /* Closing is not enough: a child that is becoming its program may still have a copy. */
      check("epoll_ctl", epoll_ctl(poll, EPOLL_CTL_DEL, fd, NULL));
      close(fd);
      if (--child->open > 0) continue;
      reap(child);
      if (now() < end) {
        start_watched(poll, child);
        starts++;
      } else {
        running--;
      }
    }
  }
  close(poll);
  return starts;
}

/* What a thread of a rate is to do, and what it did. */
struct share {
  pthread_t thread;
  int at_once;
  double end;
  long starts;
};

static void *run_share(void *argument) {
  struct share *share = argument;
  share->starts = keep(share->at_once, share->end);
  return NULL;
}

/* The children are divided among the threads. */
static void measure_rate(double seconds, int at_once) {
  struct share shares[THREADS];
  int threads = at_once < THREADS ? at_once : THREADS;
  double began = now();
  for (int i = 0; i < threads; i++) {
    struct share *share = &shares[i];
    share->at_once = (at_once + i) / threads;
    share->end = began + seconds;
    int error = pthread_create(&share->thread, NULL, run_share, share);
    if (error != 0) fail("pthread_create", error);
  }
  long starts = 0;
  for (int i = 0; i < threads; i++) {
    pthread_join(shares[i].thread, NULL);
    starts += shares[i].starts;
  }
  printf("{\"starts\":%ld,\"seconds\":%.6f}\n", starts, now() - began);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: posix-spawn-bound MIB\n");
    return 2;
  }
  hold(atol(argv[1]));
  make_attributes();
  printf("{\"ready\":true}\n");
  fflush(stdout);
  char line[128];
  while (fgets(line, sizeof line, stdin) != NULL) {
    double seconds;
    int at_once;
    if (sscanf(line, "latency %lf", &seconds) == 1) {
      measure_latency(seconds);
    } else if (sscanf(line, "rate %lf %d", &seconds, &at_once) == 2 && at_once > 0 &&
               at_once <= MAX_AT_ONCE) {
      measure_rate(seconds, at_once);
    } else {
      fail(line, EINVAL);
    }
    fflush(stdout);
  }
  return 0;
}
