/* Opens many WebSockets, checks the number in every payload, and tells how fast they came.
 *
 *   loadgen HOST PATH SOCKETS TEMPLATE [TRIGGER_FD]
 *
 * SOCKETS is a file with one socket a line, its fields parted by tabs:
 *   role     L: a listener, whose deliveries are counted; P: who publishes; Q: who probes
 *   source   the local address to connect from
 *   port     the one to connect to
 *   headers  further lines of the upgrade, parted by '|'
 *   expect, send, expect, send, …, expect   what must come before each thing is said; the last one makes it ready.
 * TEMPLATE is the text that P says for each event; $SEQ becomes its number, $NS the moment. Whoever reads TRIGGER_FD can
 * publish instead: it is asked by a line with the number of events.
 *
 * A delivery is a text that holds '@', digits, '@': the moment (CLOCK_MONOTONIC, ns) when it was published. The number
 * after the first "seq" in it must be one more than that of the delivery before. What makes a socket ready may name
 * the number that its first delivery follows.
 *
 * Commands on standard input, each answered by a line of JSON:
 *   open COUNT                           open so many more (0: all), at most 50 at a time
 *   run SECONDS EVENTS EXPECTED PAUSE WHO   rounds: publish EVENTS at once (WHO: `socket`, or `other`, by the trigger),
 *                                        wait until each listener got EXPECTED more. A round begins PAUSE seconds
 *                                        after the last one began, or when that is over.
 * Between commands it answers pings. It ends where a number is wrong, an event does
 * not come, or a socket is closed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { AT_ONCE = 50, BUFFER = 1 << 20, MAX_FIELDS = 32, SILENCE_SECONDS = 15, PROBE_NS = 5000000 };

typedef struct {
    int fd, upgraded, step, fields, ready;
    char role, *field[MAX_FIELDS];
    uint64_t seq, got;
    unsigned char *rest; /* the beginning of a frame whose end has not come yet */
    size_t rest_length;
} Socket;

static const char *host, *path, *template;
static int trigger = -1, epoll, opening, ready, listeners, total, opened;
static Socket *sockets, *publisher, *prober;
static unsigned char buffer[BUFFER];
static uint64_t published, deliveries, bytes, target, missing;
static uint64_t probe_sent, probe_due;
static int probing;

typedef struct {
    uint32_t *of; /* µs */
    size_t count, room;
} Samples;
static Samples latencies, probes;

/* Say why as the last line of JSON, and end. */
static _Noreturn void die(const char *format, ...) {
    char reason[1024];
    va_list values;
    va_start(values, format);
    vsnprintf(reason, sizeof reason, format, values);
    va_end(values);
    for (char *at = reason; *at; at++)
        if (*at == '"' || *at == '\\' || (unsigned char)*at < ' ' || (unsigned char)*at > '~') *at = '\'';
    printf("{\"error\": \"%s\"}\n", reason);
    exit(1);
}

static uint64_t clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
static uint64_t now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

/* --- samples --- */

static void add_sample(Samples *samples, uint64_t ns) {
    if (samples->count == samples->room) {
        samples->room = samples->room ? samples->room * 2 : 1 << 16;
        samples->of = realloc(samples->of, samples->room * sizeof *samples->of);
        if (!samples->of) die("out of memory");
    }
    samples->of[samples->count++] = (uint32_t)(ns / 1000);
}

static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* In ms; the samples must be sorted. */
static double quantile(const Samples *samples, double share) {
    if (!samples->count) return 0;
    size_t at = (size_t)(share * (double)samples->count);
    return samples->of[at < samples->count ? at : samples->count - 1] / 1e3;
}

/* --- saying --- */

static void write_all(int fd, const void *data, size_t length) {
    const char *at = data;
    while (length) {
        ssize_t done = fd == trigger ? write(fd, at, length) : send(fd, at, length, MSG_NOSIGNAL);
        if (done < 0 && errno == EAGAIN) {
            struct pollfd writable = {.fd = fd, .events = POLLOUT};
            poll(&writable, 1, 1000);
        } else if (done < 0) {
            die("cannot write: %s", strerror(errno));
        } else {
            at += done;
            length -= (size_t)done;
        }
    }
}

/* A client's frame: masked with zeros, which changes nothing and is a mask all the same. */
static size_t make_frame(unsigned char *out, int opcode, const void *data, size_t length) {
    size_t at = 0;
    out[at++] = (unsigned char)(0x80 | opcode);
    if (length < 126) {
        out[at++] = (unsigned char)(0x80 | length);
    } else {
        out[at++] = 0x80 | 126;
        out[at++] = (unsigned char)(length >> 8);
        out[at++] = (unsigned char)length;
    }
    memset(out + at, 0, 4);
    memcpy(out + at + 4, data, length);
    return at + 4 + length;
}

static void say(Socket *socket, int opcode, const void *data, size_t length) {
    static unsigned char out[BUFFER];
    if (length > 65535) die("a frame is too long");
    write_all(socket->fd, out, make_frame(out, opcode, data, length));
}

static size_t fill_template(char *out, uint64_t seq, uint64_t moment) {
    char *at = out;
    for (const char *from = template; *from;) {
        if (!strncmp(from, "$SEQ", 4)) {
            at += sprintf(at, "%llu", (unsigned long long)seq);
            from += 4;
        } else if (!strncmp(from, "$NS", 3)) {
            at += sprintf(at, "%llu", (unsigned long long)moment);
            from += 3;
        } else {
            *at++ = *from++;
        }
    }
    return (size_t)(at - out);
}

static void publish(long events, int by_other) {
    static unsigned char out[1 << 22];
    static char text[65536];
    size_t length = 0;
    if (by_other) {
        char line[32];
        write_all(trigger, line, (size_t)sprintf(line, "%ld\n", events));
        return;
    }
    if (!publisher) die("nobody publishes");
    for (long i = 0; i < events; i++) {
        if (length + sizeof text > sizeof out) die("too many events at once");
        length += make_frame(out + length, 1, text, fill_template(text, ++published, now_ns()));
    }
    write_all(publisher->fd, out, length);
}

/* --- hearing --- */

static int holds(const char *text, size_t length, const char *what) { return memmem(text, length, what, strlen(what)) != NULL; }

static uint64_t number_after(const char *text, size_t length, const char *what) {
    const char *at = memmem(text, length, what, strlen(what)), *end = text + length;
    while (at && at < end && !isdigit((unsigned char)*at)) at++;
    uint64_t number = 0;
    while (at && at < end && isdigit((unsigned char)*at)) number = number * 10 + (uint64_t)(*at++ - '0');
    return number;
}

/* The moment when it was published; 0: this is no delivery. */
static uint64_t moment_of(const char *text, size_t length) {
    const char *at = memchr(text, '@', length), *end = text + length;
    if (!at) return 0;
    uint64_t number = 0;
    for (at++; at < end && isdigit((unsigned char)*at); at++) number = number * 10 + (uint64_t)(*at - '0');
    return at < end && *at == '@' ? number : 0;
}

static void advance(Socket *socket, const char *text, size_t length) {
    while (!socket->ready) {
        const char *expected = socket->field[socket->step];
        if (*expected && (!text || !holds(text, length, expected))) return;
        if (socket->step + 1 >= socket->fields) {
            socket->ready = 1;
            if (text) socket->seq = number_after(text, length, "\"seq\"");
            ready++;
            opening--;
            if (socket->role == 'L') listeners++;
            return;
        }
        const char *answer = socket->field[socket->step + 1];
        say(socket, 1, answer, strlen(answer));
        socket->step += 2;
        text = NULL; /* heard already */
    }
}

static void hear_text(Socket *socket, const char *text, size_t length) {
    if (length == 1 && *text == '2') { /* Engine.IO's ping */
        say(socket, 1, "3", 1);
        return;
    }
    if (!socket->ready) {
        advance(socket, text, length);
        return;
    }
    if (socket->role == 'Q') {
        if (probe_sent && holds(text, length, "pong")) {
            add_sample(&probes, now_ns() - probe_sent);
            probe_sent = 0;
        }
        return;
    }
    if (socket->role == 'P' && holds(text, length, "\"error\"")) die("refused: %.*s", (int)length, text);
    uint64_t moment = socket->role == 'L' ? moment_of(text, length) : 0;
    if (!moment) return;
    add_sample(&latencies, now_ns() - moment);
    uint64_t seq = number_after(text, length, "seq");
    if (seq != socket->seq + 1)
        die("number %llu after %llu: %.*s", (unsigned long long)seq, (unsigned long long)socket->seq, (int)length, text);
    socket->seq = seq;
    deliveries++;
    bytes += length;
    if (++socket->got == target) missing--;
}

/* The frame at the beginning of `data`; returns its size, 0 where its end has not come yet. */
static size_t hear_frame(Socket *socket, unsigned char *data, size_t length) {
    if (length < 2) return 0;
    size_t size = data[1] & 127, header = 2;
    if (size == 126) {
        header = 4;
        if (length < header) return 0;
        size = (size_t)data[2] << 8 | data[3];
    } else if (size == 127) {
        header = 10;
        if (length < header) return 0;
        for (size_t i = size = 0; i < 8; i++) size = size << 8 | data[2 + i];
    }
    if (length < header + size) return 0;
    const char *payload = (const char *)data + header;
    switch (data[0]) {
    case 0x81: hear_text(socket, payload, size); break;
    case 0x89: say(socket, 10, payload, size); break;
    case 0x8a: break;
    case 0x88: die("closed with %d by the server: %.*s", size > 1 ? data[header] << 8 | data[header + 1] : 1005,
                   (int)size - 2, payload + 2);
    default: die("a frame of kind %02x", data[0]);
    }
    return header + size;
}

static void keep_rest(Socket *socket, const unsigned char *data, size_t length) {
    unsigned char *rest = length ? malloc(length) : NULL;
    if (length) memcpy(rest, data, length);
    free(socket->rest);
    socket->rest = rest;
    socket->rest_length = length;
}

static void hear(Socket *socket) {
    size_t length = socket->rest_length, at = 0, size;
    if (length) memcpy(buffer, socket->rest, length);
    ssize_t come = recv(socket->fd, buffer + length, sizeof buffer - length, 0);
    if (come < 0 && errno == EAGAIN) return;
    if (come <= 0) die("a socket was cut: %s", come ? strerror(errno) : "end of file");
    length += (size_t)come;
    if (!socket->upgraded) {
        unsigned char *end = memmem(buffer, length, "\r\n\r\n", 4);
        if (end) {
            if (strncmp((char *)buffer, "HTTP/1.1 101", 12)) die("no upgrade: %.*s", (int)length, buffer);
            socket->upgraded = 1;
            at = (size_t)(end + 4 - buffer);
            advance(socket, NULL, 0);
        }
    }
    while (socket->upgraded && (size = hear_frame(socket, buffer + at, length - at))) at += size;
    if (length - at || socket->rest_length) keep_rest(socket, buffer + at, length - at);
}

/* --- opening --- */

static void open_next(void) {
    Socket *one = &sockets[opened++];
    int yes = 1, port = atoi(one->field[1]), fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) die("no socket: %s", strerror(errno));
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, one->field[0], &from.sin_addr);
    inet_pton(AF_INET, host, &to.sin_addr);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&from, sizeof from)) die("bind %s: %s", one->field[0], strerror(errno));
    if (connect(fd, (struct sockaddr *)&to, sizeof to)) die("connect: %s", strerror(errno));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    one->fd = fd;
    char request[8192];
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: %s:%d\r\nOrigin: http://%s:%d\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
                          path, host, port, host, port);
    for (char *header = strtok(one->field[2], "|"); header; header = strtok(NULL, "|"))
        length += snprintf(request + length, sizeof request - (size_t)length, "%s\r\n", header);
    length += snprintf(request + length, sizeof request - (size_t)length, "\r\n");
    write_all(fd, request, (size_t)length);
    one->step = 3;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = one};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    opening++;
}

/* The fields of one line, parted by tabs; empty ones count. */
static void read_socket(Socket *one, char *line) {
    line[strcspn(line, "\n")] = 0;
    one->role = *strsep(&line, "\t");
    for (char *field; (field = strsep(&line, "\t"));) {
        if (one->fields == MAX_FIELDS) die("too many fields");
        one->field[one->fields++] = strdup(field);
    }
    if (one->fields < 4 || one->fields % 2) die("a socket's line has the wrong number of fields");
    if (one->role == 'P') publisher = one;
    if (one->role == 'Q') prober = one;
}

static void read_sockets(const char *name) {
    FILE *file = fopen(name, "r");
    if (!file) die("%s: %s", name, strerror(errno));
    char *line = NULL;
    size_t room = 0;
    int space = 0;
    while (getline(&line, &room, file) > 0) {
        if (total == space) {
            space = space ? space * 2 : 1024;
            sockets = realloc(sockets, (size_t)space * sizeof *sockets);
        }
        memset(&sockets[total++], 0, sizeof *sockets);
        /* The pointers to publisher and prober would not survive a move. */
        sockets[total - 1].field[0] = strdup(line);
    }
    for (int i = 0; i < total; i++) {
        char *text = sockets[i].field[0];
        read_socket(&sockets[i], text);
        free(text);
    }
    free(line);
    fclose(file);
}

/* --- the loop --- */

static int command_waits;

static void serve(int timeout_ms) {
    struct epoll_event events[512];
    int number = epoll_wait(epoll, events, 512, timeout_ms);
    for (int i = 0; i < number; i++) {
        if (events[i].data.ptr) {
            hear(events[i].data.ptr);
        } else {
            command_waits = 1;
        }
    }
    if (!probing) return;
    uint64_t now = now_ns();
    if (!probe_sent && now >= probe_due) {
        static const char PING[] = "{\"event\":\"ping\",\"id\":1,\"data\":{}}";
        probe_sent = now;
        probe_due = now + PROBE_NS;
        say(prober, 1, PING, sizeof PING - 1);
    }
}

static void open_sockets(int count) {
    int goal = count && opened + count < total ? opened + count : total, first = opened;
    uint64_t start = now_ns(), cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    while (ready < goal) {
        while (opened < goal && opening < AT_ONCE) open_next();
        serve(1000);
        if (now_ns() - start > 180000000000ull) die("%d of %d sockets are ready after 180 s", ready, goal);
    }
    printf("{\"opened\": %d, \"seconds\": %.6f, \"loadgen_cpu\": %.6f}\n", goal - first, (double)(now_ns() - start) / 1e9,
           (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e9);
}

static void run(double seconds, long events, long expected, double pause, int by_other) {
    uint64_t start = now_ns(), cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID), rounds = 0, first = deliveries, old = bytes;
    uint64_t end = start + (uint64_t)(seconds * 1e9);
    latencies.count = probes.count = 0;
    probing = prober != NULL;
    for (uint64_t begun = start; begun < end; begun = now_ns()) {
        missing = (uint64_t)listeners;
        target += (uint64_t)expected;
        publish(events, by_other);
        uint64_t last = begun, seen = deliveries;
        while (missing) {
            serve(probing ? 1 : 100);
            if (deliveries != seen) {
                seen = deliveries;
                last = now_ns();
            } else if (now_ns() - last > SILENCE_SECONDS * 1000000000ull) {
                die("events were lost: %llu of %d listeners miss some, and nothing came for %d s",
                    (unsigned long long)missing, listeners, SILENCE_SECONDS);
            }
        }
        rounds++;
        while (now_ns() < begun + (uint64_t)(pause * 1e9)) serve(1);
    }
    uint64_t took = now_ns() - start, used = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    probing = 0;
    qsort(latencies.of, latencies.count, sizeof *latencies.of, compare);
    qsort(probes.of, probes.count, sizeof *probes.of, compare);
    printf("{\"rounds\": %llu, \"deliveries\": %llu, \"bytes\": %llu, \"seconds\": %.6f, \"loadgen_cpu\": %.6f, "
           "\"p50\": %.3f, \"p99\": %.3f, \"p999\": %.3f, \"max\": %.3f, "
           "\"probes\": %zu, \"probe_p50\": %.3f, \"probe_p99\": %.3f, \"probe_max\": %.3f}\n",
           (unsigned long long)rounds, (unsigned long long)(deliveries - first), (unsigned long long)(bytes - old),
           (double)took / 1e9, (double)used / 1e9, quantile(&latencies, .5), quantile(&latencies, .99),
           quantile(&latencies, .999), quantile(&latencies, 1), probes.count, quantile(&probes, .5),
           quantile(&probes, .99), quantile(&probes, 1));
}

static void carry_out(char *line) {
    double seconds, pause;
    long events, expected;
    int count;
    char who[8];
    if (sscanf(line, "open %d", &count) == 1) {
        open_sockets(count);
    } else if (sscanf(line, "run %lf %ld %ld %lf %7s", &seconds, &events, &expected, &pause, who) == 5) {
        run(seconds, events, expected, pause, !strcmp(who, "other"));
    } else {
        die("what is %s", line);
    }
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc < 5) die("loadgen HOST PATH SOCKETS TEMPLATE [TRIGGER_FD]");
    host = argv[1];
    path = argv[2];
    read_sockets(argv[3]);
    template = argv[4];
    if (argc > 5) trigger = atoi(argv[5]);
    epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &event);
    char line[256];
    for (;;) {
        command_waits = 0;
        while (!command_waits) serve(1000);
        /* One line at a time: whoever commands waits for the answer. */
        ssize_t length = read(0, line, sizeof line - 1);
        if (length <= 0) return 0;
        line[length] = 0;
        carry_out(line);
    }
}
