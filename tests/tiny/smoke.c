/* SPDX-License-Identifier: MIT
 *
 * Two hosts of the tiny profile, each in an arena of its own, joined by a wire that loses, repeats
 * and delays packets: connections open, bytes go both ways, all is closed in order, TIME-WAIT
 * passes, and in the end each arena is as empty as it was.
 */
#include "board.h"

#include <handfast/arena.h>
#include <handfast/stack.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    ARENA_BYTES = 48 << 10,
    MTU = 1500,
    IN_FLIGHT = 12,
    CONNECTIONS = 3,
    TRANSFER = 40000,
    PORT = 80,
    STEPS_MAX = 2000000
};

struct packet {
    hf_time arrives;
    size_t length; /* 0: none */
    unsigned to;
    unsigned char bytes[MTU];
};

struct end {
    hf_handle handle;
    uint32_t written, read;
    bool shut, ended;
};

static unsigned char memory[2][ARENA_BYTES];
static struct hf_arena arenas[2];
static struct hf_stack *hosts[2];
static struct packet wire[IN_FLIGHT];
static struct end ends[2][CONNECTIONS];
static uint32_t chance_state = 1, lost;
static hf_time now;

_Noreturn void hf_assert_failed(const char *condition, const char *file, int line);
_Noreturn void hf_assert_failed(const char *condition, const char *file, int line)
{
    (void)line;
    board_say("tiny: assertion failed: ");
    board_say(condition);
    board_say(" in ");
    board_say(file);
    board_say("\n");
    board_end(1);
}

static void say_number(const char *before, uint32_t number, const char *after)
{
    char digits[11];
    char *at = digits + sizeof digits - 1;
    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    board_say(before);
    board_say(at);
    board_say(after);
}

static uint32_t chance(uint32_t below)
{
    chance_state = chance_state * 1664525u + 1013904223u;
    return (chance_state >> 8) % below;
}

static unsigned char byte_at(unsigned side, unsigned number, uint32_t at)
{
    return (unsigned char)(at * 7 + (at >> 8) + number * 31 + side * 101);
}

static bool fail(const char *what)
{
    board_say("tiny: ");
    board_say(what);
    board_say("\n");
    return false;
}

static bool start_host(unsigned side)
{
    struct hf_config config = hf_config_bare();
    struct hf_address address = hf_address_ipv4(10, 0, 0, (uint8_t)(1 + side));
    if (hf_arena_init(&arenas[side], memory[side], sizeof memory[side]) != HF_OK) {
        return fail("the arena is too small");
    }
    config.allocator = hf_arena_allocator(&arenas[side]);
    config.memory_bytes = ARENA_BYTES;
    config.mtu = MTU;
    config.msl_ns = 100 * HF_MILLISECOND;
    config.seed[0] = (uint8_t)side; /* a device takes its random numbers */
    hosts[side] = hf_stack_new(&config);
    if (hosts[side] == NULL) {
        return fail("no host: the configuration is refused, or there is no memory");
    }
    config.fast_open = HF_FAST_OPEN_CLIENT;
    if (hf_stack_new(&config) != NULL) {
        return fail("what is not built is not refused");
    }
    return hf_stack_add_address(hosts[side], &address) == HF_OK || fail("no address");
}

static void put_on_wire(unsigned to, const unsigned char *bytes, size_t length)
{
    for (unsigned i = 0; i < IN_FLIGHT; i++) {
        if (wire[i].length == 0) {
            wire[i].to = to;
            wire[i].length = length;
            wire[i].arrives = now + HF_MILLISECOND * (1 + (hf_time)chance(4));
            memcpy(wire[i].bytes, bytes, length);
            return;
        }
    }
    lost++;
}

static void exchange(void)
{
    static unsigned char packet[MTU];
    ptrdiff_t length;
    for (unsigned i = 0; i < IN_FLIGHT; i++) {
        if (wire[i].length > 0 && wire[i].arrives <= now) {
            hf_stack_input(hosts[wire[i].to], wire[i].bytes, wire[i].length, now);
            wire[i].length = 0;
        }
    }
    for (unsigned side = 0; side < 2; side++) {
        while ((length = hf_stack_output(hosts[side], packet, sizeof packet, now)) > 0) {
            if (chance(12) == 0) {
                lost++;
                continue;
            }
            put_on_wire(1 - side, packet, (size_t)length);
            if (chance(20) == 0) {
                put_on_wire(1 - side, packet, (size_t)length);
            }
        }
    }
}

/* The next moment at which anything happens; false: nothing will. */
static bool pass_time(void)
{
    hf_time next = HF_TIME_NEVER;
    for (unsigned side = 0; side < 2; side++) {
        hf_time deadline = hf_stack_next_deadline(hosts[side]);
        next = deadline < next ? deadline : next;
    }
    for (unsigned i = 0; i < IN_FLIGHT; i++) {
        if (wire[i].length > 0 && wire[i].arrives < next) {
            next = wire[i].arrives;
        }
    }
    now = next > now ? next : now;
    return next != HF_TIME_NEVER;
}

static bool work(unsigned side, unsigned number)
{
    struct end *end = &ends[side][number];
    unsigned char bytes[256];
    ptrdiff_t length;
    while (end->written < TRANSFER) {
        uint32_t count = TRANSFER - end->written < sizeof bytes ? TRANSFER - end->written
                                                                : (uint32_t)sizeof bytes;
        for (uint32_t i = 0; i < count; i++) {
            bytes[i] = byte_at(side, number, end->written + i);
        }
        length = hf_send(hosts[side], end->handle, bytes, count, 0, now);
        if (length <= 0) {
            break;
        }
        end->written += (uint32_t)length;
    }
    if (end->written == TRANSFER && !end->shut) {
        end->shut = hf_shutdown(hosts[side], end->handle, now) == HF_OK;
    }
    while ((length = hf_recv(hosts[side], end->handle, bytes, sizeof bytes, 0, now)) > 0) {
        for (ptrdiff_t i = 0; i < length; i++) {
            if (bytes[i] != byte_at(1 - side, number, end->read + (uint32_t)i)) {
                return fail("a byte came wrong");
            }
        }
        end->read += (uint32_t)length;
    }
    if (length == 0 && end->shut) {
        end->ended = true;
        if (end->read != TRANSFER || hf_close(hosts[side], end->handle, now) != HF_OK) {
            return fail("a stream ended too early");
        }
    } else if (length < 0 && length != HF_EAGAIN && length != HF_ENOTCONN) {
        return fail("a connection failed");
    }
    return true;
}

static bool step(hf_handle listener, unsigned *accepted, bool *idle)
{
    exchange();
    *idle = true;
    if (*accepted < CONNECTIONS &&
        hf_accept(hosts[1], listener, &ends[1][*accepted].handle, NULL) == HF_OK) {
        ++*accepted;
    }
    for (unsigned side = 0; side < 2; side++) {
        for (unsigned number = 0; number < CONNECTIONS; number++) {
            if (ends[side][number].ended) {
                continue;
            }
            *idle = false;
            if ((side == 0 || number < *accepted) && !work(side, number)) {
                return false;
            }
        }
    }
    exchange();
    return true;
}

/* The order of accepting is that of connecting: one after the other. */
static bool run(void)
{
    struct hf_endpoint shop = {hf_address_ipv4(10, 0, 0, 2), PORT};
    hf_handle listener;
    unsigned accepted = 0;
    bool idle = false;
    size_t empty[2] = {0, 0};
    if (!start_host(0) || !start_host(1)) {
        return false;
    }
    if (hf_listen(hosts[1], &shop, CONNECTIONS, &listener) != HF_OK) {
        return fail("no listener");
    }
    for (unsigned number = 0; number < CONNECTIONS; number++) {
        if (hf_connect(hosts[0], NULL, &shop, now, &ends[0][number].handle) != HF_OK) {
            return fail("no connection");
        }
        while (accepted == number) {
            exchange();
            accepted += hf_accept(hosts[1], listener, &ends[1][number].handle, NULL) == HF_OK;
            if (accepted == number && !pass_time()) {
                return fail("it does not open");
            }
        }
    }
    for (uint32_t steps = 0; steps < STEPS_MAX && !idle; steps++) {
        if (!step(listener, &accepted, &idle) || (!idle && !pass_time())) {
            return fail("it stands still");
        }
    }
    while (pass_time() && now < 600 * HF_SECOND) {
        exchange();
    }
    for (unsigned side = 0; side < 2; side++) {
        hf_stack_free(hosts[side]);
        if (arenas[side].used != empty[side]) {
            return fail("memory was not given back");
        }
    }
    return idle || fail("it takes too long");
}

int smoke(void)
{
    if (!run()) {
        return 1;
    }
    say_number("tiny: ok: ", CONNECTIONS, " connections, ");
    say_number("", TRANSFER, " bytes each way in each, ");
    say_number("", lost, " packets lost, most memory in use ");
    say_number("", (uint32_t)(arenas[0].peak > arenas[1].peak ? arenas[0].peak : arenas[1].peak),
               " bytes a host\n");
    return 0;
}
