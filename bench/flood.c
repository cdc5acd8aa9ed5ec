/*
 * Prints as fast as it can: what the server is to carry.
 *
 *   flood blocks BYTES   in writes of 64 KiB
 *   flood bulk BYTES     the same into a pipe of 1 MiB, so that writer and reader wait for
 *                        one another less often, which is what takes long on a busy machine
 *   flood lines BYTES    in lines of 20 bytes, a write of its own each
 *   flood stdio BYTES    the same lines, gathered by stdio in a buffer of 4 KiB
 *   flood packets BYTES  the same lines, each to be read by a read of its own
 *   flood drain          reads its input to the end; prints how many seconds that took,
 *                        from the first byte on
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_BYTES (64 * 1024)
#define BULK_BYTES (1024 * 1024)
#define LINE_BYTES 20
#define STDIO_BYTES 4096

static char block[BLOCK_BYTES];

static void write_all(const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(1, bytes, count);
    /* Nobody reads any more. */
    if (written < 0) exit(1);
    bytes += written;
    count -= (size_t)written;
  }
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void drain(void) {
  double began = 0;
  while (read(0, block, sizeof block) > 0) {
    if (began == 0) began = now();
  }
  printf("%.6f\n", now() - began);
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "drain") == 0) {
    drain();
    return 0;
  }
  if (argc != 3) {
    fprintf(stderr, "usage: flood blocks|bulk|lines|stdio|packets BYTES, flood drain\n");
    return 2;
  }
  /*
   * Packets of pipe(7): however late the reader is, it gets one line at a time. A socket has
   * no such thing, and is used as it is.
   */
  if (strcmp(argv[1], "packets") == 0) fcntl(1, F_SETFL, O_DIRECT);
  int bulk = strcmp(argv[1], "bulk") == 0;
  /* A socket has another size, and is used as it is. */
  if (bulk) fcntl(1, F_SETPIPE_SZ, BULK_BYTES);
  size_t left = strtoull(argv[2], NULL, 10);
  size_t piece = bulk || strcmp(argv[1], "blocks") == 0 ? BLOCK_BYTES : LINE_BYTES;
  int gathered = strcmp(argv[1], "stdio") == 0;
  static char buffer[STDIO_BYTES];
  setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
  memset(block, 'x', sizeof block);
  for (size_t end = LINE_BYTES - 1; end < sizeof block; end += LINE_BYTES) block[end] = '\n';
  for (; left > 0; left -= piece) {
    if (piece > left) piece = left;
    if (gathered) fwrite(block, 1, piece, stdout);
    else write_all(block, piece);
  }
  return fflush(stdout) == 0 ? 0 : 1;
}
