/* SPDX-License-Identifier: MIT */
#include "proxy_rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void good_rules(void **state)
{
    const struct {
        const char *text;
        bool bare_port;
        const char *listen, *target; /* "*:80" for a bare port */
    } cases[] = {
        {"80=127.0.0.1:8080", true, "*:80", "127.0.0.1:8080"},
        {"80=[::1]:8080", true, "*:80", "[::1]:8080"},
        {"10.66.0.2:80=127.0.0.1:8080", true, "10.66.0.2:80", "127.0.0.1:8080"},
        {"[fd66::2]:80=[fd00::1]:1", true, "[fd66::2]:80", "[fd00::1]:1"},
        {"127.0.0.1:9090=10.66.0.1:80", false, "127.0.0.1:9090", "10.66.0.1:80"},
        {"0.0.0.0:9090=10.66.0.1:65535", false, "0.0.0.0:9090", "10.66.0.1:65535"},
        {"[::1]:9090=10.66.0.1:80", false, "[::1]:9090", "10.66.0.1:80"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hf_endpoint listen, target;
        char text[HF_ENDPOINT_TEXT];

        assert_true(proxy_rule_parse(cases[i].text, cases[i].bare_port, &listen, &target));
        if (listen.address.family == HF_FAMILY_ANY)
            snprintf(text, sizeof text, "*:%u", listen.port);
        else
            hf_endpoint_format(&listen, text);
        assert_string_equal(text, cases[i].listen);
        assert_string_equal(hf_endpoint_format(&target, text), cases[i].target);
    }
}

static void bad_rules(void **state)
{
    const struct {
        const char *text;
        bool bare_port;
    } cases[] = {
        {"", true},
        {"80", true},
        {"80=", true},
        {"=127.0.0.1:80", true},
        {"80=8080", true},
        {"80=127.0.0.1", true},
        {"80=127.0.0.1:0", true},
        {"0=127.0.0.1:80", true},
        {"65536=127.0.0.1:80", true},
        {"80=0.0.0.0:80", true},
        {"80=[::]:80", true},
        {"80=::1:80", true},
        {"80=127.0.0.1:80=", true},
        {"80=127.0.0.1:80=1", true},
        {"80=localhost:80", true},
        {" 80=127.0.0.1:80", true},
        {"80=127.0.0.1:80 ", true},
        {"9090=10.66.0.1:80", false},
        {"127.0.0.1:0=10.66.0.1:80", false},
        {"127.0.0.1=10.66.0.1:80", false},
        {"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:1=10.0.0.1:1", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hf_endpoint listen, target;

        assert_false(proxy_rule_parse(cases[i].text, cases[i].bare_port, &listen, &target));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_rules),
        cmocka_unit_test(bad_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
