/* SPDX-License-Identifier: MIT
 *
 * The sysctls of the network namespace, so that what a script sets holds for the stack. They are
 * read whenever a socket is made. Which ones there are, and what they set, is the runner's table
 * (drill_sysctl.c); what a namespace has beyond it concerns the kernel alone.
 *
 * A kernel's usual values are not Handfast's, so those that set nothing here are silent, unless a
 * script changes one to a value that Handfast does not live by.
 */
#include "plugin.h"

#include "drill_settings.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define V6_ONLY "/proc/sys/net/ipv6/bindv6only"

/* The text of one; empty: there is none. */
static void read_text(const char *path, char text[PLUGIN_SYSCTL_BYTES])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, text, PLUGIN_SYSCTL_BYTES - 1) : 0;
    if (fd >= 0)
        plugin_close_kernel(fd);
    text[length > 0 ? length : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

/* Could a stack have this configuration? The core is asked, which knows its own ranges. */
static bool possible(const struct hf_config *config)
{
    struct hf_stack *stack = hf_stack_new(config);
    hf_stack_free(stack);
    return stack != NULL;
}

static bool apply(struct plugin *plugin, const char *name, const char *value)
{
    struct hf_config config = plugin->config;
    char message[256] = "";
    if (!drill_sysctl_apply(&config, name, value, message)) {
        plugin_say("net.ipv4.%s: %s", name, message);
        return false;
    }
    if (!possible(&config)) {
        plugin_say("net.ipv4.%s=%s is out of Handfast's range and has no effect", name, value);
        return false;
    }
    plugin->config = config;
    return true;
}

static void note_unmapped(struct plugin *plugin, const char *name, const char *value)
{
    struct hf_config config = plugin->config;
    char message[256] = "";
    if (!drill_sysctl_apply(&config, name, value, message))
        plugin_say("%s", message);
}

/* The text of the sysctl of this number, if it is another than the last time. */
static bool read_changed(struct plugin *plugin, size_t number, const char *name)
{
    char path[128], text[PLUGIN_SYSCTL_BYTES] = "";
    snprintf(path, sizeof path, "/proc/sys/net/ipv4/%s", name);
    read_text(path, text);
    if (text[0] == '\0' || strcmp(text, plugin->sysctls[number]) == 0)
        return false;
    memcpy(plugin->sysctls[number], text, sizeof text);
    return true;
}

void plugin_sysctl_begin(struct plugin *plugin)
{
    bool mapped;
    const char *name;
    plugin->config = hf_config_default();
    for (size_t i = 0; plugin->flags.sysctl && i < PLUGIN_SYSCTLS; i++) {
        name = drill_sysctl_name(i, &mapped);
        if (name == NULL)
            break;
        if (!mapped && read_changed(plugin, i, name) && plugin->flags.verbose)
            note_unmapped(plugin, name, plugin->sysctls[i]);
    }
}

bool plugin_sysctl_read(struct plugin *plugin)
{
    bool changed = false, mapped;
    const char *name;
    for (size_t i = 0; plugin->flags.sysctl && i < PLUGIN_SYSCTLS; i++) {
        name = drill_sysctl_name(i, &mapped);
        if (name == NULL)
            break;
        if (!read_changed(plugin, i, name))
            continue;
        if (!mapped)
            note_unmapped(plugin, name, plugin->sysctls[i]);
        else if (apply(plugin, name, plugin->sysctls[i]))
            changed = true;
    }
    return changed;
}

bool plugin_sysctl_v6_only(void)
{
    char text[PLUGIN_SYSCTL_BYTES];
    read_text(V6_ONLY, text);
    return text[0] == '1';
}
