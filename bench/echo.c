/*
 * Sends back what it is sent over TCP, at a port of the loopback that it prints first: as cat
 * does it on pipes, in a process of its own for each connection.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static char block[128 * 1024];

static int echo(int connection) {
  int on = 1;
  if (setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0) return 1;
  for (;;) {
    ssize_t left = read(connection, block, sizeof block);
    if (left <= 0) return left < 0;
    for (const char *at = block; left > 0;) {
      ssize_t written = write(connection, at, (size_t)left);
      if (written < 0) return 1;
      at += written;
      left -= written;
    }
  }
}

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) < 0 ||
      listen(listener, SOMAXCONN) < 0 ||
      getsockname(listener, (struct sockaddr *)&address, &size) < 0) {
    perror("echo");
    return 1;
  }
  /* Whoever measures is gone: so are the connections of those who serve them. */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  /* Nobody waits for those who serve a connection. */
  signal(SIGCHLD, SIG_IGN);
  printf("echo listening on %d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    int connection = accept(listener, NULL, NULL);
    if (connection < 0) continue;
    if (fork() == 0) {
      close(listener);
      return echo(connection);
    }
    close(connection);
  }
}
