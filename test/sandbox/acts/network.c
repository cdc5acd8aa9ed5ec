/* Acts that reach, or might reach, beyond the machine or another program on it. */
#include "acts.h"
#include <arpa/inet.h>
#include <linux/if_alg.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Connects, and says something. */
static int speak(int socket, const struct sockaddr *address, socklen_t length, const char *text) {
  struct timeval patience = {5, 0};
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(socket, address, length) < 0) return errno;
  return result_of(send(socket, text, strlen(text), MSG_NOSIGNAL));
}

static int speak_ip(char **args, int type) {
  int port = htons((uint16_t)atoi(args[1]));
  if (strchr(args[0], ':')) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = (in_port_t)port};
    inet_pton(AF_INET6, args[0], &address.sin6_addr);
    int made = socket(AF_INET6, type, 0);
    return made < 0 ? errno : speak(made, (struct sockaddr *)&address, sizeof address, args[2]);
  }
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = (in_port_t)port};
  inet_pton(AF_INET, args[0], &address.sin_addr);
  int made = socket(AF_INET, type, 0);
  return made < 0 ? errno : speak(made, (struct sockaddr *)&address, sizeof address, args[2]);
}

static int speak_tcp(char **args) { return speak_ip(args, SOCK_STREAM); }
static int speak_udp(char **args) { return speak_ip(args, SOCK_DGRAM); }

/* PORT NAME: asks the server of names at a port of this machine, and tells its answer. */
static int resolve(char **args) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(args[0]))};
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  int made = socket(AF_INET, SOCK_DGRAM, 0);
  if (made < 0) return errno;
  unsigned char query[512] = {7, 7, 1, 0, 0, 1};
  size_t length = 12, name = strlen(args[1]);
  query[length++] = (unsigned char)name;
  memcpy(query + length, args[1], name);
  length += name + 1;
  memcpy(query + length, "\0\1\0\1", 4);
  length += 4;
  struct timeval patience = {5, 0};
  setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (sendto(made, query, length, 0, (struct sockaddr *)&address, sizeof address) < 0) return errno;
  return tell_from(made);
}

static int speak_unix(char **args, int type, int abstract) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(args[0]);
  if (length > sizeof address.sun_path - 2) return ENAMETOOLONG;
  memcpy(address.sun_path + abstract, args[0], length);
  int made = socket(AF_UNIX, type, 0);
  if (made < 0) return errno;
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)abstract + length);
  return speak(made, (struct sockaddr *)&address, size, args[1]);
}

static int speak_stream(char **args) { return speak_unix(args, SOCK_STREAM, 0); }
static int speak_abstract(char **args) { return speak_unix(args, SOCK_STREAM, 1); }

/* NAME: waits for whoever connects, and tells what they say. */
static int listen_abstract(char **args) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path + 1, args[0], strlen(args[0]));
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(args[0]));
  int made = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(made, (struct sockaddr *)&address, size) < 0 || listen(made, 8) < 0) return errno;
  tell("listening\n", 10);
  for (int other; (other = accept(made, NULL, NULL)) >= 0; close(other)) tell_from(other);
  return errno;
}

/* FAMILY TYPE PROTOCOL: whether there is such a socket. */
static int make_socket(char **args) { return result_of(socket(atoi(args[0]), atoi(args[1]), atoi(args[2]))); }

static int use_crypto(char **args) {
  (void)args;
  struct sockaddr_alg address = {.salg_family = AF_ALG, .salg_type = "hash", .salg_name = "sha256"};
  int made = socket(AF_ALG, SOCK_SEQPACKET, 0);
  if (made < 0) return errno;
  return result_of(bind(made, (struct sockaddr *)&address, sizeof address));
}

static int change_address(char **args, int kind, int flags) {
  struct {
    struct nlmsghdr head;
    struct ifaddrmsg message;
    struct rtattr attribute;
    struct in_addr local;
  } request = {
      .head = {.nlmsg_len = sizeof request, .nlmsg_type = (uint16_t)kind,
               .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags)},
      .message = {.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_scope = RT_SCOPE_HOST},
      .attribute = {.rta_len = RTA_LENGTH(4), .rta_type = IFA_LOCAL},
  };
  inet_pton(AF_INET, args[0], &request.local);
  request.message.ifa_index = if_nametoindex("lo");
  int made = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  if (made < 0) return errno;
  if (send(made, &request, sizeof request, 0) < 0) return errno;
  struct {
    struct nlmsghdr head;
    struct nlmsgerr error;
    char rest[512];
  } answer;
  if (recv(made, &answer, sizeof answer, 0) < 0) return errno;
  return -answer.error.error;
}

/* Gives the loopback interface another address. */
static int add_address(char **args) { return change_address(args, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL); }
static int remove_address(char **args) { return change_address(args, RTM_DELADDR, 0); }

/* Connects to itself through the loopback interface. */
static int loop_back(char **args) {
  (void)args;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) < 0) return errno;
  if (listen(listener, 1) < 0 || getsockname(listener, (struct sockaddr *)&address, &length) < 0) return errno;
  return speak(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address, length, "self");
}

/* Prints the names of the interfaces that there are. */
static int list_interfaces(char **args) {
  (void)args;
  struct if_nameindex *interfaces = if_nameindex();
  if (!interfaces) return errno;
  for (struct if_nameindex *at = interfaces; at->if_index; at++) printf("<%s>", at->if_name);
  fflush(stdout);
  return 0;
}

const struct act NETWORK_ACTS[] = {
    {"tcp", speak_tcp},
    {"udp", speak_udp},
    {"resolve", resolve},
    {"unix", speak_stream},
    {"abstract", speak_abstract},
    {"listen-abstract", listen_abstract},
    {"socket", make_socket},
    {"alg", use_crypto},
    {"address", add_address},
    {"remove-address", remove_address},
    {"loopback", loop_back},
    {"interfaces", list_interfaces},
    {NULL, NULL},
};
