/* SPDX-License-Identifier: MIT
 *
 * A Linux TUN device. What the kernel routes to the device comes out of hf_tun_read as bare IP
 * packets, and what hf_tun_write puts in the kernel takes as received. The device is made, given
 * its MTU and addresses, and brought up here; it goes away when it is closed, unless somebody made
 * it persistent.
 *
 * Opening a device fails for reasons that only the person at the keyboard can mend, so every
 * failure says what failed, on what, and what to do.
 */
#define _DEFAULT_SOURCE /* <net/if.h>'s flags and struct ifreq */

#include "rtnetlink.h"
#include "tun_device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <handfast/tun.h>
#include <ifaddrs.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TUN_PATH "/dev/net/tun"
#define DEFAULT_MTU 1500u
#define IPV4_MTU_MIN 576u
#define IPV6_MTU_MIN 1280u
#define MTU_MAX 65535u
#define QUEUE_MAX_PACKETS 1000000u
#define ADDRESS_PAUSES_MAX 5000 /* of a millisecond */
#define PRIVILEGE_ADVICE \
    "run as root, with CAP_NET_ADMIN, or in a network namespace of your own (unshare -rn)"

/* Where the message for the person goes, and the errno for the program. */
struct complaint {
    char *text;
    size_t size;
    int *error;
};

__attribute__((format(printf, 3, 4))) static bool complain(struct complaint complaint, int error,
                                                           const char *format, ...)
{
    va_list arguments;

    *complaint.error = error;
    if (complaint.text != NULL && complaint.size > 0) {
        va_start(arguments, format);
        vsnprintf(complaint.text, complaint.size, format, arguments);
        va_end(arguments);
    }
    return false;
}

/* ---- What is asked for */

static bool name_is_valid(const char *name, struct complaint complaint)
{
    size_t length = name == NULL ? 0 : strlen(name);

    if (length == 0 || length >= IFNAMSIZ)
        return complain(complaint, EINVAL,
                        "TUN device name \"%s\" has %zu characters; choose one of 1 to %d",
                        name == NULL ? "" : name, length, IFNAMSIZ - 1);
    if (strpbrk(name, "/:% \t\n\v\f\r") != NULL || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0)
        return complain(complaint, EINVAL,
                        "\"%s\" cannot name a TUN device; choose a name without '/', ':', '%%' "
                        "and spaces",
                        name);
    return true;
}

static bool is_usable(const struct hf_address *address)
{
    if (address->family == HF_IPV4)
        return address->bytes[0] != 0 && address->bytes[0] < 224;
    return address->bytes[0] != 0xff && !hf_address_is_any(address);
}

static const char *address_text(const struct hf_address *address, char text[INET6_ADDRSTRLEN])
{
    int family = address->family == HF_IPV6 ? AF_INET6 : AF_INET;
    const char *written = inet_ntop(family, address->bytes, text, INET6_ADDRSTRLEN);

    return written != NULL ? written : "?";
}

static bool address_is_valid(const struct hf_tun_address *wanted, const char *name,
                             struct complaint complaint)
{
    char text[INET6_ADDRSTRLEN];
    unsigned prefix_max = wanted->address.family == HF_IPV4 ? 32 : 128;

    if (wanted->address.family != HF_IPV4 && wanted->address.family != HF_IPV6)
        return complain(complaint, EINVAL,
                        "an address for TUN device %s is neither IPv4 nor IPv6; "
                        "give one like 10.66.0.1/24 or fd00::1/64",
                        name);
    if (wanted->prefix_length > prefix_max)
        return complain(
            complaint, EINVAL, "%s/%u for TUN device %s: the prefix length goes from 0 to %u",
            address_text(&wanted->address, text), wanted->prefix_length, name, prefix_max);
    if (!is_usable(&wanted->address))
        return complain(complaint, EINVAL,
                        "%s cannot be the address of TUN device %s; give a unicast address",
                        address_text(&wanted->address, text), name);
    return true;
}

static bool config_is_valid(const struct hf_tun_config *config, uint32_t mtu,
                            struct complaint complaint)
{
    uint32_t mtu_min = IPV4_MTU_MIN;

    if (!name_is_valid(config->name, complaint))
        return false;
    if (config->kernel_address_count > 0 && config->kernel_addresses == NULL)
        return complain(complaint, EINVAL, "TUN device %s: addresses are counted but not given",
                        config->name);
    for (size_t i = 0; i < config->kernel_address_count; i++) {
        if (!address_is_valid(&config->kernel_addresses[i], config->name, complaint))
            return false;
        if (config->kernel_addresses[i].address.family == HF_IPV6)
            mtu_min = IPV6_MTU_MIN;
    }
    if (mtu < mtu_min || mtu > MTU_MAX)
        return complain(complaint, EINVAL,
                        "TUN device %s: MTU %u is out of range; choose %u to %u%s", config->name,
                        mtu, mtu_min, MTU_MAX,
                        mtu_min == IPV6_MTU_MIN ? " (IPv6 needs at least 1280)" : "");
    if (config->offload > HF_TUN_OFFLOAD_ON)
        return complain(complaint, EINVAL, "TUN device %s: %u is no choice of offloads",
                        config->name, config->offload);
    if (config->queue_packets > QUEUE_MAX_PACKETS)
        return complain(complaint, EINVAL,
                        "TUN device %s: a queue of %u packets is out of range; choose up to %u",
                        config->name, config->queue_packets, QUEUE_MAX_PACKETS);
    return true;
}

/* ---- The device */

static bool complain_about_path(int error, struct complaint complaint)
{
    const char *advice = "check the device node";

    if (error == ENOENT || error == ENODEV || error == ENXIO)
        advice = "load the driver (modprobe tun), or give the container the device "
                 "(--device " TUN_PATH ")";
    else if (error == EACCES || error == EPERM)
        advice = PRIVILEGE_ADVICE;
    return complain(complaint, error, "cannot open %s: %s; %s", TUN_PATH, strerror(error), advice);
}

static bool complain_about_attaching(const char *name, int error, struct complaint complaint)
{
    const char *advice = "choose another name";

    if (error == EPERM || error == EACCES)
        advice = PRIVILEGE_ADVICE;
    else if (error == EBUSY)
        advice = "another program holds the device: stop it or choose another name";
    else if (error == EINVAL || error == EEXIST)
        advice = "an interface of that name exists and is not a plain TUN device: choose another "
                 "name";
    return complain(complaint, error, "cannot create TUN device %s: %s; %s", name, strerror(error),
                    advice);
}

static bool attach(struct hf_tun *tun, const char *name, enum hf_tun_offload wanted,
                   struct complaint complaint)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    short offload_flags;

    tun->descriptor = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tun->descriptor < 0)
        return complain_about_path(errno, complaint);
    offload_flags = tun_offload_flags(tun->descriptor, wanted);
    if (offload_flags == 0 && wanted == HF_TUN_OFFLOAD_ON)
        return complain(complaint, EOPNOTSUPP,
                        "TUN device %s: this kernel has no offloads (IFF_VNET_HDR); do without",
                        name);
    request.ifr_flags = (short)(request.ifr_flags | offload_flags);
    if (tun->multi_queue)
        request.ifr_flags |= IFF_MULTI_QUEUE;
    memcpy(request.ifr_name, name, strlen(name));
    if (ioctl(tun->descriptor, TUNSETIFF, &request) != 0)
        return complain_about_attaching(name, errno, complaint);
    memcpy(tun->name, request.ifr_name, sizeof tun->name);
    tun->name[sizeof tun->name - 1] = '\0';
    if (offload_flags != 0 && !tun_offload_agree(tun))
        return complain(complaint, errno,
                        "cannot agree with TUN device %s on offloads: %s; do without", name,
                        strerror(errno));
    return true;
}

/* ---- Its addresses */

static bool holds(const struct sockaddr *holder, const struct hf_address *address)
{
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;

    if (holder == NULL)
        return false;
    if (holder->sa_family == AF_INET && address->family == HF_IPV4) {
        memcpy(&ipv4, holder, sizeof ipv4);
        return memcmp(&ipv4.sin_addr, address->bytes, 4) == 0;
    }
    if (holder->sa_family == AF_INET6 && address->family == HF_IPV6) {
        memcpy(&ipv6, holder, sizeof ipv6);
        return memcmp(&ipv6.sin6_addr, address->bytes, 16) == 0;
    }
    return false;
}

/* The kernel would give one address to two interfaces without a word, and then send the packets
 * to whichever it likes. */
static bool addresses_are_free(const struct hf_tun_config *config, struct complaint complaint)
{
    char text[INET6_ADDRSTRLEN];
    struct ifaddrs *all;
    bool are_free = true;

    if (getifaddrs(&all) != 0)
        return complain(complaint, errno, "cannot list the addresses of this host: %s; try again",
                        strerror(errno));
    for (const struct ifaddrs *one = all; one != NULL && are_free; one = one->ifa_next) {
        for (size_t i = 0; i < config->kernel_address_count && are_free; i++) {
            const struct hf_address *address = &config->kernel_addresses[i].address;
            if (strcmp(one->ifa_name, config->name) != 0 && holds(one->ifa_addr, address))
                are_free = complain(complaint, EADDRINUSE,
                                    "%s is already the address of interface %s; choose another "
                                    "address for TUN device %s",
                                    address_text(address, text), one->ifa_name, config->name);
        }
    }
    freeifaddrs(all);
    return are_free;
}

static bool add_address(int netlink, int interface, const struct hf_tun *tun,
                        const struct hf_tun_address *wanted, struct complaint complaint)
{
    char text[INET6_ADDRSTRLEN];
    const char *advice = "check the address";
    int error = rtnetlink_add_address(netlink, interface, &wanted->address, wanted->prefix_length);

    /* A persistent device may have it from last time. */
    if (error == 0 || error == -EEXIST)
        return true;
    if (wanted->address.family == HF_IPV6 &&
        (error == -EACCES || error == -EOPNOTSUPP || error == -EAFNOSUPPORT || error == -ENODEV))
        advice = "IPv6 is switched off on this host: use IPv4, or sysctl "
                 "net.ipv6.conf.default.disable_ipv6=0";
    else if (error == -EPERM)
        advice = PRIVILEGE_ADVICE;
    return complain(complaint, -error, "cannot give %s/%u to TUN device %s: %s; %s",
                    address_text(&wanted->address, text), wanted->prefix_length, tun->name,
                    strerror(-error), advice);
}

/* Waits until the kernel takes in packets to its new addresses: what is read and written from the
 * first moment on shall not be lost. It takes a few milliseconds at most. */
static bool await_addresses(int netlink, const struct hf_tun *tun,
                            const struct hf_tun_config *config, struct complaint complaint)
{
    const struct timespec pause = {.tv_nsec = HF_MILLISECOND};
    char text[INET6_ADDRSTRLEN];
    int pauses = 0;

    for (size_t i = 0; i < config->kernel_address_count; i++) {
        const struct hf_address *address = &config->kernel_addresses[i].address;
        for (; !rtnetlink_is_local(netlink, address); pauses++) {
            if (pauses == ADDRESS_PAUSES_MAX)
                return complain(complaint, ETIMEDOUT,
                                "the kernel does not put %s on TUN device %s to use; "
                                "see `ip route show table local`",
                                address_text(address, text), tun->name);
            nanosleep(&pause, NULL);
        }
    }
    return true;
}

static bool set_up_through(int netlink, const struct hf_tun *tun,
                           const struct hf_tun_config *config, struct complaint complaint)
{
    int interface = (int)if_nametoindex(tun->name);
    int error;

    if (interface == 0)
        return complain(complaint, errno, "TUN device %s is gone again: %s; try again", tun->name,
                        strerror(errno));
    error = rtnetlink_set_mtu(netlink, interface, tun->mtu);
    if (error != 0)
        return complain(complaint, -error, "cannot set the MTU of TUN device %s to %u: %s; %s",
                        tun->name, tun->mtu, strerror(-error),
                        error == -EPERM ? PRIVILEGE_ADVICE : "choose another MTU");
    if (config->queue_packets != 0)
        error = rtnetlink_set_queue(netlink, interface, config->queue_packets);
    if (error != 0)
        return complain(complaint, -error, "cannot let TUN device %s hold %u packets: %s; %s",
                        tun->name, config->queue_packets, strerror(-error),
                        error == -EPERM ? PRIVILEGE_ADVICE : "choose fewer");
    error = rtnetlink_set_up(netlink, interface);
    if (error != 0)
        return complain(complaint, -error, "cannot bring up TUN device %s: %s; %s", tun->name,
                        strerror(-error),
                        error == -EPERM ? PRIVILEGE_ADVICE : "see the kernel's log");
    for (size_t i = 0; i < config->kernel_address_count; i++) {
        if (!add_address(netlink, interface, tun, &config->kernel_addresses[i], complaint))
            return false;
    }
    return await_addresses(netlink, tun, config, complaint);
}

static bool set_up(const struct hf_tun *tun, const struct hf_tun_config *config,
                   struct complaint complaint)
{
    int netlink = rtnetlink_open();
    bool is_up;

    if (netlink < 0)
        return complain(complaint, -netlink,
                        "cannot configure TUN device %s: no rtnetlink socket: %s; %s", tun->name,
                        strerror(-netlink), "this kernel or sandbox allows no AF_NETLINK sockets");
    is_up = set_up_through(netlink, tun, config, complaint);
    close(netlink);
    return is_up;
}

/* ---- The public calls */

struct hf_tun *hf_tun_open(const struct hf_tun_config *config, char *message, size_t message_size)
{
    int error = 0;
    struct complaint complaint = {message, message_size, &error};
    uint32_t mtu = config->mtu == 0 ? DEFAULT_MTU : config->mtu;
    struct hf_tun *tun;

    if (message != NULL && message_size > 0)
        message[0] = '\0';
    if (!config_is_valid(config, mtu, complaint) || !addresses_are_free(config, complaint)) {
        errno = error;
        return NULL;
    }
    tun = malloc(sizeof *tun);
    if (tun == NULL) {
        complain(complaint, ENOMEM, "cannot create TUN device %s: out of memory", config->name);
        errno = error;
        return NULL;
    }
    *tun = (struct hf_tun){.descriptor = -1, .mtu = mtu, .multi_queue = config->multi_queue != 0};
    if (attach(tun, config->name, (enum hf_tun_offload)config->offload, complaint) &&
        set_up(tun, config, complaint))
        return tun;
    hf_tun_close(tun);
    errno = error;
    return NULL;
}

struct hf_tun *hf_tun_open_queue(const struct hf_tun *tun, char *message, size_t message_size)
{
    int error = 0;
    struct complaint complaint = {message, message_size, &error};
    enum hf_tun_offload offload = tun->offloads != 0 ? HF_TUN_OFFLOAD_ON : HF_TUN_OFFLOAD_OFF;
    struct hf_tun *queue = malloc(sizeof *queue);

    if (message != NULL && message_size > 0)
        message[0] = '\0';
    if (queue == NULL) {
        complain(complaint, ENOMEM, "cannot open a queue of TUN device %s: out of memory",
                 tun->name);
        errno = error;
        return NULL;
    }
    *queue = (struct hf_tun){.descriptor = -1, .mtu = tun->mtu, .multi_queue = true};
    if (!tun->multi_queue)
        complain(complaint, EINVAL, "TUN device %s was not opened for several queues", tun->name);
    else if (attach(queue, tun->name, offload, complaint))
        return queue;
    hf_tun_close(queue);
    errno = error;
    return NULL;
}

void hf_tun_close(struct hf_tun *tun)
{
    if (tun == NULL)
        return;
    if (tun->descriptor >= 0)
        close(tun->descriptor);
    free(tun);
}

int hf_tun_descriptor(const struct hf_tun *tun)
{
    return tun->descriptor;
}

const char *hf_tun_name(const struct hf_tun *tun)
{
    return tun->name;
}

ptrdiff_t hf_tun_read(struct hf_tun *tun, void *packet, size_t capacity)
{
    ssize_t length;

    if (tun->offloads != 0)
        return HF_EOPNOTSUPP;
    /* The kernel would cut a longer packet off without a word. */
    if (capacity < tun->mtu)
        return HF_EMSGSIZE;
    do
        length = read(tun->descriptor, packet, capacity);
    while (length < 0 && errno == EINTR);
    return length < 0 ? -errno : length;
}

int hf_tun_write(struct hf_tun *tun, const void *packet, size_t length)
{
    ssize_t written;

    if (tun->offloads != 0)
        return HF_EOPNOTSUPP;
    do
        written = write(tun->descriptor, packet, length);
    while (written < 0 && errno == EINTR);
    if (written < 0)
        return -errno;
    return (size_t)written == length ? HF_OK : HF_EMSGSIZE;
}
