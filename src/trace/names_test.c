/* SPDX-License-Identifier: MIT
 *
 * The words: RFC 9293's own spelling of states, stable names of reasons, and a text for everything,
 * also for numbers that mean nothing.
 */
#include <handfast/reasons.h>
#include <handfast/trace.h>
#include <handfast/types.h>

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void states_are_spelled_as_in_the_rfc(void **state)
{
    (void)state;
    assert_string_equal(hf_state_name(HF_CLOSED), "CLOSED");
    assert_string_equal(hf_state_name(HF_LISTEN), "LISTEN");
    assert_string_equal(hf_state_name(HF_SYN_SENT), "SYN-SENT");
    assert_string_equal(hf_state_name(HF_SYN_RECEIVED), "SYN-RECEIVED");
    assert_string_equal(hf_state_name(HF_ESTABLISHED), "ESTABLISHED");
    assert_string_equal(hf_state_name(HF_FIN_WAIT_1), "FIN-WAIT-1");
    assert_string_equal(hf_state_name(HF_FIN_WAIT_2), "FIN-WAIT-2");
    assert_string_equal(hf_state_name(HF_CLOSE_WAIT), "CLOSE-WAIT");
    assert_string_equal(hf_state_name(HF_CLOSING), "CLOSING");
    assert_string_equal(hf_state_name(HF_LAST_ACK), "LAST-ACK");
    assert_string_equal(hf_state_name(HF_TIME_WAIT), "TIME-WAIT");
    assert_string_equal(hf_state_name((enum hf_state)11), "UNKNOWN");
    assert_string_equal(hf_state_name((enum hf_state) - 1), "UNKNOWN");
}

static void kinds_have_names_of_their_own(void **state)
{
    (void)state;
    assert_string_equal(hf_trace_kind_name(HF_TRACE_SENT), "sent");
    assert_string_equal(hf_trace_kind_name(HF_TRACE_RECOVERY), "recovery");
    assert_string_equal(hf_trace_kind_name((enum hf_trace_kind)(HF_TRACE_REST + 1)), "unknown");
    for (int kind = HF_TRACE_SENT; kind <= HF_TRACE_REST; kind++)
        for (int other = HF_TRACE_SENT; other < kind; other++)
            assert_string_not_equal(hf_trace_kind_name((enum hf_trace_kind)kind),
                                    hf_trace_kind_name((enum hf_trace_kind)other));
}

static void reasons_that_tools_match_on_stay(void **state)
{
    (void)state;
    assert_string_equal(hf_reason_name(HF_REASON_NONE), "none");
    assert_string_equal(hf_reason_name(HF_REASON_RETRANSMIT_FAST), "retransmit-fast");
    assert_string_equal(hf_reason_sentence(HF_REASON_RETRANSMIT_FAST),
                        "Three duplicate ACKs: the segment is taken as lost.");
    assert_string_equal(hf_reason_source(HF_REASON_RETRANSMIT_FAST), "RFC 5681 3.2");
    assert_string_equal(hf_reason_name(HF_REASON_LINK_LOSS), "link-loss");
    assert_string_equal(hf_reason_source(HF_REASON_LINK_LOSS), "link");
    assert_string_equal(hf_reason_name(HF_REASON_LINK_DELAYED_DUPLICATE), "link-delayed-duplicate");
}

static void assert_reason_is_well_formed(enum hf_reason reason)
{
    const char *name = hf_reason_name(reason);
    const char *sentence = hf_reason_sentence(reason);

    for (const char *at = name; *at; at++)
        assert_true(islower((unsigned char)*at) || isdigit((unsigned char)*at) || *at == '-');
    assert_in_range(strlen(name), 4, 40);
    assert_in_range(strlen(sentence), 5, 150);
    assert_int_equal(sentence[strlen(sentence) - 1], '.');
    assert_null(strstr(sentence, "  "));
    for (const char *at = sentence; *at; at++)
        assert_in_range(*at, ' ', '~');
    assert_in_range(strlen(hf_reason_source(reason)), 3, 60);
}

static void every_reason_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HF_REASON_COUNT; i++) {
        assert_reason_is_well_formed((enum hf_reason)i);
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(hf_reason_name((enum hf_reason)i),
                                    hf_reason_name((enum hf_reason)j));
    }
}

static void a_reason_out_of_range_is_no_crash(void **state)
{
    const int strange[] = {-1, HF_REASON_COUNT, HF_REASON_COUNT + 1, INT32_MAX, INT32_MIN};

    (void)state;
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
        assert_string_equal(hf_reason_name((enum hf_reason)strange[i]), "unknown");
        assert_non_null(hf_reason_sentence((enum hf_reason)strange[i]));
        assert_non_null(hf_reason_source((enum hf_reason)strange[i]));
    }
}

static void every_error_has_a_phrase_of_its_own(void **state)
{
    const int errors[] = {HF_OK,         HF_EBADF,         HF_EAGAIN,       HF_ENOMEM,
                          HF_EACCES,     HF_EINVAL,        HF_EPIPE,        HF_EPROTO,
                          HF_EMSGSIZE,   HF_ENOPROTOOPT,   HF_EOPNOTSUPP,   HF_EAFNOSUPPORT,
                          HF_EADDRINUSE, HF_EADDRNOTAVAIL, HF_ENETUNREACH,  HF_ECONNABORTED,
                          HF_ECONNRESET, HF_ENOBUFS,       HF_EISCONN,      HF_ENOTCONN,
                          HF_ETIMEDOUT,  HF_ECONNREFUSED,  HF_EHOSTUNREACH, HF_ENOENT};
    const size_t count = sizeof(errors) / sizeof(errors[0]);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        const char *text = hf_error_text(errors[i]);

        assert_true(strlen(text) > 3);
        assert_string_not_equal(text, "unknown error");
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(text, hf_error_text(errors[j]));
    }
    assert_string_equal(hf_error_text(HF_ECONNREFUSED), "connection refused");
    assert_string_equal(hf_error_text(-111), "connection refused");
    assert_string_equal(hf_error_text(111), "unknown error");
    assert_string_equal(hf_error_text(-1), "unknown error");
    assert_string_equal(hf_error_text(INT32_MIN), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_are_spelled_as_in_the_rfc),
        cmocka_unit_test(kinds_have_names_of_their_own),
        cmocka_unit_test(reasons_that_tools_match_on_stay),
        cmocka_unit_test(every_reason_has_a_name_of_its_own),
        cmocka_unit_test(a_reason_out_of_range_is_no_crash),
        cmocka_unit_test(every_error_has_a_phrase_of_its_own),
    };

    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
