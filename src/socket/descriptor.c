/* SPDX-License-Identifier: MIT
 *
 * The table of descriptors, and the life of a set of sockets.
 *
 * Numbers are handed out lowest free first, as POSIX asks, from config.first_descriptor up; or they
 * come from the caller's own world through open_descriptor, and the table only remembers them.
 */
#include "socket_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MAX_SOCKETS 65536u
#define DEFAULT_FIRST_DESCRIPTOR 3
#define FIRST_SLOTS 16u
#define DEFAULT_ZERO_COPY_BYTES ((size_t)8 << 20) /* RLIMIT_MEMLOCK's default */
/* Where the caller hands out numbers, one beyond this is refused: the table is an array. */
#define HIGHEST_DESCRIPTOR (1 << 24)

struct hf_sockets_config hf_sockets_config_default(void)
{
    return (struct hf_sockets_config){.first_descriptor = DEFAULT_FIRST_DESCRIPTOR,
                                      .max_sockets = DEFAULT_MAX_SOCKETS,
                                      .zero_copy_bytes = DEFAULT_ZERO_COPY_BYTES};
}

struct hf_sockets *hf_sockets_new(const struct hf_sockets_config *config)
{
    struct hf_sockets *set;
    if (config == NULL || config->stack == NULL || config->now == NULL ||
        (config->open_descriptor == NULL) != (config->close_descriptor == NULL)) {
        return NULL;
    }
    set = calloc(1, sizeof *set);
    if (set == NULL) {
        return NULL;
    }
    set->config = *config;
    if (set->config.max_sockets == 0) {
        set->config.max_sockets = DEFAULT_MAX_SOCKETS;
    }
    if (set->config.first_descriptor < 0) {
        set->config.first_descriptor = DEFAULT_FIRST_DESCRIPTOR;
    }
    return set;
}

/* The table starts at this number. */
static int base_of(const struct hf_sockets *set)
{
    return set->config.open_descriptor != NULL ? 0 : set->config.first_descriptor;
}

static struct descriptor *find(const struct hf_sockets *set, int fd)
{
    int base = base_of(set);
    size_t slot;
    if (fd < base) {
        return NULL;
    }
    slot = (size_t)(fd - base);
    if (slot >= set->descriptor_count || set->descriptors[slot].file == NULL) {
        return NULL;
    }
    return &set->descriptors[slot];
}

struct open_file *file_get(struct hf_sockets *set, int fd)
{
    struct descriptor *descriptor = find(set, fd);
    if (descriptor == NULL) {
        return NULL;
    }
    descriptor->file->references++;
    return descriptor->file;
}

void file_put(struct open_file *file)
{
    if (--file->references > 0) {
        return;
    }
    epoll_forget_file(file);
    switch (file->kind) {
    case FILE_SOCKET:
        socket_close_connection(socket_of(file));
        socket_free(socket_of(file));
        break;
    case FILE_EPOLL:
        epoll_free(file);
        break;
    }
}

struct socket *socket_get(struct hf_sockets *set, int fd, int *error)
{
    struct open_file *file = file_get(set, fd);
    *error = 0;
    if (file == NULL) {
        *error = -EBADF;
        return NULL;
    }
    if (file->kind != FILE_SOCKET) {
        file_put(file);
        *error = -ENOTSOCK;
        return NULL;
    }
    sockets_take_events(set);
    return socket_of(file);
}

void socket_put(struct socket *socket)
{
    file_put(&socket->file);
}

int descriptor_available(const struct hf_sockets *set)
{
    return set->open_count < set->config.max_sockets ? 0 : -EMFILE;
}

static bool grow_to(struct hf_sockets *set, size_t slots)
{
    size_t count = set->descriptor_count ? set->descriptor_count : FIRST_SLOTS;
    struct descriptor *grown;
    while (count < slots) {
        count *= 2;
    }
    if (count == set->descriptor_count) {
        return true;
    }
    grown = realloc(set->descriptors, count * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    memset(grown + set->descriptor_count, 0, (count - set->descriptor_count) * sizeof *grown);
    set->descriptors = grown;
    set->descriptor_count = count;
    return true;
}

static size_t lowest_free_slot(struct hf_sockets *set)
{
    size_t slot = set->lowest_free;
    while (slot < set->descriptor_count && set->descriptors[slot].file != NULL) {
        slot++;
    }
    return slot;
}

static int choose_number(struct hf_sockets *set)
{
    if (set->config.open_descriptor != NULL) {
        return set->config.open_descriptor(set->config.context);
    }
    return set->config.first_descriptor + (int)lowest_free_slot(set);
}

int descriptor_open(struct hf_sockets *set, struct open_file *file, bool close_on_exec)
{
    int error = descriptor_available(set);
    int fd = error == 0 ? choose_number(set) : error;
    size_t slot;
    if (fd < 0) {
        return fd;
    }
    slot = (size_t)(fd - base_of(set));
    if (fd > HIGHEST_DESCRIPTOR || !grow_to(set, slot + 1) || set->descriptors[slot].file != NULL) {
        if (set->config.close_descriptor != NULL) {
            set->config.close_descriptor(set->config.context, fd);
        }
        return fd > HIGHEST_DESCRIPTOR ? -EMFILE : -ENOMEM;
    }
    set->descriptors[slot] = (struct descriptor){file, close_on_exec};
    set->open_count++;
    if (set->config.open_descriptor == NULL) {
        set->lowest_free = slot + 1;
    }
    return fd;
}

/* Takes the descriptor away; its reference is the caller's now. */
static struct open_file *descriptor_take(struct hf_sockets *set, int fd)
{
    struct descriptor *descriptor = find(set, fd);
    struct open_file *file;
    size_t slot;
    if (descriptor == NULL) {
        return NULL;
    }
    file = descriptor->file;
    slot = (size_t)(descriptor - set->descriptors);
    *descriptor = (struct descriptor){0};
    set->open_count--;
    if (slot < set->lowest_free) {
        set->lowest_free = slot;
    }
    if (set->config.close_descriptor != NULL) {
        set->config.close_descriptor(set->config.context, fd);
    }
    return file;
}

int hf_socket_close(struct hf_sockets *set, int fd)
{
    struct open_file *file = descriptor_take(set, fd);
    if (file == NULL) {
        return -EBADF;
    }
    sockets_take_events(set);
    file_put(file);
    return 0;
}

void hf_sockets_free(struct hf_sockets *set)
{
    if (set == NULL) {
        return;
    }
    set->exiting = true;
    for (size_t slot = 0; slot < set->descriptor_count; slot++) {
        if (set->descriptors[slot].file != NULL) {
            (void)hf_socket_close(set, base_of(set) + (int)slot);
        }
    }
    port_table_free(set);
    handle_table_free(&set->handles);
    free(set->descriptors);
    free(set);
}

int hf_sockets_owns(const struct hf_sockets *set, int fd)
{
    return find(set, fd) != NULL;
}

hf_handle hf_sockets_handle(const struct hf_sockets *set, int fd)
{
    struct descriptor *descriptor = find(set, fd);
    if (descriptor == NULL || descriptor->file->kind != FILE_SOCKET) {
        return HF_NO_HANDLE;
    }
    return socket_of(descriptor->file)->handle;
}

/* Descriptor flags live here, because the descriptor does; status flags in the file. */
int hf_socket_fcntl(struct hf_sockets *set, int fd, int command, int argument)
{
    struct descriptor *descriptor = find(set, fd);
    if (descriptor == NULL) {
        return -EBADF;
    }
    switch (command) {
    case F_GETFD:
        return descriptor->close_on_exec ? FD_CLOEXEC : 0;
    case F_SETFD:
        descriptor->close_on_exec = (argument & FD_CLOEXEC) != 0;
        return 0;
    case F_GETFL:
        return O_RDWR | (descriptor->file->nonblocking ? O_NONBLOCK : 0);
    case F_SETFL:
        descriptor->file->nonblocking = (argument & O_NONBLOCK) != 0;
        return 0;
    default:
        return -EINVAL;
    }
}
