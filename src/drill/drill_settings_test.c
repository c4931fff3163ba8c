/* SPDX-License-Identifier: MIT
 *
 * Options and sysctls: what is taken and where it goes, and what is refused in which words.
 */
#include "drill_settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static bool set(struct drill_settings *settings, const char *text)
{
    char message[256];
    return drill_setting_apply(settings, text, message);
}

static void test_options(void **state)
{
    struct drill_settings settings = drill_settings_default();
    struct hf_address address;
    (void)state;
    assert_true(set(&settings, "tolerance_usecs=4000"));
    assert_int_equal(settings.tolerance_ns, 4000000);
    assert_true(set(&settings, "tolerance_percent=12.5"));
    assert_int_equal(settings.tolerance_ppm, 125000);
    assert_true(set(&settings, "mtu=1400"));
    assert_int_equal(drill_mtu(&settings, DRILL_V4), 1400);
    assert_true(set(&settings, "ip_version=ipv4,ipv4-mapped-ipv6"));
    assert_int_equal(settings.versions, 1u << DRILL_V4 | 1u << DRILL_MAPPED);
    assert_true(set(&settings, "local_ip=10.1.2.3"));
    address = drill_local_address(&settings, DRILL_MAPPED);
    assert_int_equal(address.bytes[3], 3);
    assert_int_equal(drill_local_address(&settings, DRILL_V6).family, HF_IPV6);
    assert_true(set(&settings, "bind_port=99"));
    assert_int_equal(settings.bind_port, 99);
    assert_true(set(&settings, "gateway_ip=10.0.0.1"));
    assert_true(set(&settings, "non_fatal=syscall"));
    assert_true(settings.non_fatal_calls && !settings.non_fatal_packets);
    assert_true(set(&settings, "code_sockopt=TCP_CC_INFO"));
    assert_true(set(&settings, "init_scripts=../common/defaults.sh"));
    assert_true(settings.defaults);
    assert_true(set(&settings, "strict_segments"));
    assert_true(settings.strict_segments);
}

static void test_mtu_of_versions(void **state)
{
    struct drill_settings settings = drill_settings_default();
    (void)state;
    assert_int_equal(drill_mtu(&settings, DRILL_V4) - 40, 1460);
    assert_int_equal(drill_mtu(&settings, DRILL_V6) - 60, 1460);
}

static void test_refused_options(void **state)
{
    static const char *const table[][2] = {
        {"non_fatal=packet,all",
         "--non_fatal: 'packet,all' is not packet, syscall or both with a comma"},
        {"so_filename=x.so",
         "--so_filename is refused: the stack under test is Handfast, in this process"},
        {"wire_client", "--wire_client is refused: both ends of the wire are in this process"},
        {"code_format=perl", "--code_format: 'perl' has no meaning here"},
        {"init_scripts=./defaults.sh,mine.sh",
         "--init_scripts: 'mine.sh' is refused: no script is run, and only the meaning of "
         "defaults.sh is known"},
        {"colour=red", "there is no option --colour"},
        {"mtu=10", "--mtu: '10' is not a number from 576 to 65535"},
        {"mtu", "--mtu needs a value: --mtu=NUMBER"},
        {"mtu=1400x", "--mtu: '1400x' is not a number from 576 to 65535"},
        {"ip_version=ipv5",
         "--ip_version: 'ipv5' is not ipv4, ipv6, ipv4-mapped-ipv6, a list of these "
         "with commas, or all"},
        {"local_ip=somewhere", "--local_ip: 'somewhere' is no IP address"},
        {"tolerance_percent=-3", "--tolerance_percent: '-3' is not a percentage"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct drill_settings settings = drill_settings_default();
        char message[256];
        assert_false(drill_setting_apply(&settings, table[i][0], message));
        assert_string_equal(message, table[i][1]);
    }
}

static bool run(struct hf_config *config, const char *text)
{
    const struct drill_shell shell = {config, DRILL_UNKNOWN_REFUSE, NULL, NULL};
    char message[256];
    *config = hf_config_bare();
    return drill_shell_apply(&shell, text, message);
}

static void test_sysctls(void **state)
{
    struct hf_config config;
    (void)state;
    config = hf_config_bare();
    assert_true(run(&config, "sysctl -q -w net.ipv4.tcp_timestamps=0 net.ipv4.tcp_sack=0"));
    assert_int_equal(config.timestamps, 0);
    assert_int_equal(config.sack, 0);
    assert_true(run(&config, "sysctl -w net.ipv4.tcp_rmem=\"4096 87380 6291456\""));
    assert_int_equal(config.receive_buffer_bytes, 87380);
    assert_int_equal(config.receive_buffer_max_bytes, 6291456);
    assert_true(run(&config, "sysctl -q net.ipv4.tcp_rmem='4096 9000 9000'; true || reboot"));
    assert_int_equal(config.receive_buffer_bytes, 9000);
    assert_true(run(&config, "sysctl -w net.ipv4.tcp_keepalive_time=10 > /dev/null 2>&1"));
    assert_int_equal(config.keepalive_idle_ns, 10 * HF_SECOND);
    assert_true(run(&config, "../common/defaults.sh\n../common/set_sysctls.py \\\n"
                             " /proc/sys/net/ipv4/tcp_syn_retries=3 \\\n"
                             " /proc/sys/net/ipv4/tcp_congestion_control=reno"));
    assert_int_equal(config.syn_retries, 3);
    assert_string_equal(config.congestion_control->name, "reno");
    assert_true(run(&config, "echo 0 > /proc/sys/net/ipv4/tcp_window_scaling; true"));
    assert_int_equal(config.window_scaling, 0);
    assert_true(run(&config, "sysctl -w net.ipv4.ip_local_port_range='1024 2048'"));
    assert_int_equal(config.port_low, 1024);
    assert_int_equal(config.port_high, 2048);
    assert_true(run(&config, "sysctl -w handfast.msl_ns=1000 # a comment"));
    assert_int_equal(config.msl_ns, 1000);
}

/* As the kernel's own scripts write them. */
static void test_routes_and_defaults(void **state)
{
    struct hf_config config = hf_config_bare();
    (void)state;
    assert_true(run(&config, "./defaults.sh\nip tcp_metrics flush all > /dev/null 2>&1"));
    assert_int_equal(config.receive_buffer_max_bytes, 15728640);
    assert_int_equal(config.send_buffer_bytes, 262144);
    assert_int_equal(config.send_buffer_max_bytes, 4194304);
    assert_true(run(&config, "ip route change 192.0.2.1 via 192.168.0.2 dev tun0 initcwnd 20 "
                             "mtu lock 1400 rto_min 50ms\ntc qdisc replace dev tun0 root fq\n"
                             "nstat -n >/dev/null"));
    assert_int_equal(config.initial_window_segments, 20);
    assert_int_equal(config.mtu, 1400);
    assert_int_equal(config.min_rto_ns, 50 * HF_MILLISECOND);
    assert_true(run(&config, "ip link set dev tun0 mtu 1280"));
    assert_int_equal(config.mtu, 1280);
    assert_true(run(&config, "echo 4096 5000 6000 >/proc/sys/net/ipv4/tcp_rmem"));
    assert_int_equal(config.receive_buffer_max_bytes, 6000);
}

static void test_refused_commands(void **state)
{
    static const char *const table[][2] = {
        {"rm -rf /", "the command 'rm' is refused: only sysctls are read; --allow-shell runs it"},
        {"true && /sbin/ip address add 10.0.0.1 dev lo",
         "the command 'ip address' is refused: of ip only route, link, neigh and tcp_metrics are "
         "read; --allow-shell runs it"},
        {"ip route change 192.0.2.0/24 dev tun0 initcwnd many",
         "ip route: initcwnd cannot be 'many'"},
        {"ip route change 192.0.2.0/24 dev tun0 warp 9",
         "ip route: 'warp' is nothing that the stack knows of a route"},
        {"tc qdisc add dev tun0 root netem loss 1%",
         "the command 'tc ... netem' is refused: between the stack and the script nothing is "
         "delayed, lost or filtered"},
        {"nstat -s | grep -q Timeouts",
         "the command 'nstat |' is refused: the stack does not count in the kernel's names; ask "
         "tcpi_* in %{ }% instead"},
        {"sysctl -w net.ipv4.tcp_warp=1", "there is no sysctl tcp_warp for Handfast"},
        {"sysctl -w handfast.warp=1", "hf_config has no field warp to set"},
        {"sysctl -w net.ipv4.tcp_sack=many", "sysctl tcp_sack: 'many' is out of range"},
        {"sysctl -w net.ipv4.tcp_sack=256", "sysctl tcp_sack: '256' is out of range"},
        {"sysctl -w net.ipv4.tcp_congestion_control=westwood",
         "sysctl tcp_congestion_control: Handfast has no congestion control 'westwood'; it has "
         "reno, cubic, bbr and dctcp"},
        {"sysctl -w 'a", "the command 'sysctl -w 'a' is too long or its quotes do not end"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct hf_config config = hf_config_bare();
        char message[256];
        const struct drill_shell shell = {&config, DRILL_UNKNOWN_REFUSE, NULL, NULL};
        assert_false(drill_shell_apply(&shell, table[i][0], message));
        assert_string_equal(message, table[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),          cmocka_unit_test(test_mtu_of_versions),
        cmocka_unit_test(test_refused_options),  cmocka_unit_test(test_sysctls),
        cmocka_unit_test(test_refused_commands), cmocka_unit_test(test_routes_and_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
