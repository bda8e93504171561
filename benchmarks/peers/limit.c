/* The limit: an epoll loop that writes one finished frame to everybody, and nothing else: `limit PORT`.
 *
 * No list of rooms, no queues, no close handshake, no slow clients: what the kernel's own sends cost. A client that has
 * not read enough is closed. The upgrade's accept key is not worked out, which the load generator does not check.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CLIENTS = 65536, MAX_FRAME = 65536 };

static const char UPGRADE[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Accept: unchecked\r\n\r\n";
static int clients[MAX_CLIENTS], upgraded[MAX_CLIENTS], place[MAX_CLIENTS], count;
static unsigned char input[MAX_FRAME], frame[MAX_FRAME];

static void leave(int fd) {
    if (upgraded[fd]) {
        clients[place[fd]] = clients[--count];
        place[clients[count]] = place[fd];
    }
    upgraded[fd] = 0;
    close(fd);
}

static void broadcast(const unsigned char *payload, size_t length) {
    size_t header = length < 126 ? 2 : 4;
    frame[0] = 0x81;
    if (header == 2) {
        frame[1] = (unsigned char)length;
    } else {
        frame[1] = 126;
        frame[2] = (unsigned char)(length >> 8);
        frame[3] = (unsigned char)length;
    }
    memcpy(frame + header, payload, length);
    for (int i = count - 1; i >= 0; i--)
        if (send(clients[i], frame, header + length, MSG_NOSIGNAL) != (ssize_t)(header + length)) leave(clients[i]);
}

/* Clients' frames come whole: they are small, and written at once. */
static void hear(ssize_t length) {
    ssize_t at = 0;
    while (length - at >= 6) {
        size_t size = input[at + 1] & 127;
        unsigned char *mask = input + at + 2;
        if (size == 126) {
            size = (size_t)(mask[0] << 8 | mask[1]);
            mask += 2;
        }
        unsigned char *payload = mask + 4;
        if ((input[at] & 15) != 1 || payload + size > input + length) return;
        for (size_t i = 0; i < size; i++) payload[i] ^= mask[i % 4];
        broadcast(payload, size);
        at = payload + size - input;
    }
}

int main(int argc, char **argv) {
    int one = 1, listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poll = epoll_create1(0);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[argc - 1]))};
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listening, (struct sockaddr *)&here, sizeof here) || listen(listening, 1024)) {
        perror("limit");
        return 1;
    }
    struct epoll_event ready[256], event = {.events = EPOLLIN, .data.fd = listening};
    epoll_ctl(poll, EPOLL_CTL_ADD, listening, &event);
    for (;;) {
        int number = epoll_wait(poll, ready, 256, -1);
        for (int i = 0; i < number; i++) {
            int fd = ready[i].data.fd;
            if (fd == listening) {
                while ((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    if (fd >= MAX_CLIENTS) return 2;
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    event.data.fd = fd;
                    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
                }
                continue;
            }
            ssize_t length = recv(fd, input, sizeof input, 0);
            if (length <= 0) {
                if (length == 0 || errno != EAGAIN) leave(fd);
            } else if (upgraded[fd]) {
                hear(length);
            } else {
                /* In one segment, as upgrades of a few hundred bytes are. */
                upgraded[fd] = 1;
                place[fd] = count;
                clients[count++] = fd;
                if (send(fd, UPGRADE, sizeof UPGRADE - 1, MSG_NOSIGNAL) < 0) leave(fd);
            }
        }
    }
}
