/* SPDX-License-Identifier: MIT
 *
 * The table of reasons: why a segment was taken, dropped, sent again, or answered; why a state
 * changed; why a timer ran. One row: constant, short name, one plain sentence, where it is written.
 * Short names are stable: tools match on them.
 */
#ifndef HANDFAST_REASONS_H
#define HANDFAST_REASONS_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* X(CONSTANT, "short-name", "Sentence.", "source") */
#define HF_REASON_TABLE(X)                                                                         \
    X(NONE, "none", "Nothing remarkable.", "RFC 9293 3.10")                                        \
    X(ACCEPTED, "accepted", "The segment was taken.", "RFC 9293 3.10.7.4")                         \
    /* --- what the wire refuses --- */                                                            \
    X(IP_TOO_SHORT, "ip-too-short", "The packet ends inside its IP header.", "RFC 791 3.1")        \
    X(IP_VERSION, "ip-version", "The IP version is neither 4 nor 6.", "RFC 791 3.1")               \
    X(IP_HEADER_LENGTH, "ip-header-length", "The IPv4 header length is under 20 or past the end.", \
      "RFC 791 3.1")                                                                               \
    X(IP_TOTAL_LENGTH, "ip-total-length", "The IP length field does not fit the packet.",          \
      "RFC 791 3.1")                                                                               \
    X(IP_CHECKSUM, "ip-checksum", "The IPv4 header checksum is wrong.", "RFC 1122 3.2.1.2")        \
    X(IP_OPTION, "ip-option", "An IPv4 option has an impossible length.", "RFC 791 3.1")           \
    X(IP_EXTENSION, "ip-extension", "An IPv6 extension header is cut short or refused.",           \
      "RFC 8200 4")                                                                                \
    X(IP_FRAGMENT, "ip-fragment", "The packet is a fragment; fragments are not reassembled.",      \
      "RFC 791 3.2")                                                                               \
    X(IP_SOURCE, "ip-source", "The source address is multicast, broadcast or unspecified.",        \
      "RFC 9293 3.9.2.3")                                                                          \
    X(IP_DESTINATION, "ip-destination", "The destination is not an address of this host.",         \
      "RFC 1122 3.2.1.3")                                                                          \
    X(IP_PROTOCOL, "ip-protocol", "The packet carries a protocol this host does not speak.",       \
      "RFC 1122 3.2.2.1")                                                                          \
    X(TCP_TOO_SHORT, "tcp-too-short", "The segment ends inside its TCP header.", "RFC 9293 3.1")   \
    X(TCP_DATA_OFFSET, "tcp-data-offset", "The data offset is under 5 words or past the end.",     \
      "RFC 9293 3.1")                                                                              \
    X(TCP_CHECKSUM, "tcp-checksum", "The TCP checksum is wrong.", "RFC 9293 3.1 MUST-3")           \
    X(TCP_OPTION_LENGTH, "tcp-option-length", "A TCP option has an impossible length.",            \
      "RFC 9293 3.1 MUST-7")                                                                       \
    X(TCP_PORT_ZERO, "tcp-port-zero", "Port 0 names nothing.", "RFC 6335 6")                       \
    X(ICMP_TOO_SHORT, "icmp-too-short", "The ICMP message is cut short.", "RFC 792")               \
    X(ICMP_CHECKSUM, "icmp-checksum", "The ICMP checksum is wrong.", "RFC 792")                    \
    X(ICMP_UNKNOWN, "icmp-unknown", "An ICMP type this host does not act on.", "RFC 1122 3.2.2")   \
    X(ICMP_QUOTE, "icmp-quote", "The ICMP error quotes no connection of ours.",                    \
      "RFC 9293 3.9.2.2 MUST-54")                                                                  \
    X(ICMP_SEQUENCE, "icmp-sequence",                                                              \
      "The quoted sequence number is not in flight: forged or "                                    \
      "late.",                                                                                     \
      "RFC 5927 4.1")                                                                              \
    X(ICMP_QUENCH, "icmp-quench", "Source Quench is discarded.", "RFC 9293 3.9.2.2 MUST-55")       \
    X(ICMP_SOFT, "icmp-soft", "A soft ICMP error: noted, the connection goes on.",                 \
      "RFC 9293 3.9.2.2 MUST-56")                                                                  \
    X(ICMP_SOFT_OPENING, "icmp-soft-opening", "A soft ICMP error ended the connection attempt.",   \
      "RFC 5461 4")                                                                                \
    X(ICMP_HARD, "icmp-hard", "A hard ICMP error ended the connection attempt.",                   \
      "RFC 9293 3.9.2.2 SHLD-26")                                                                  \
    X(ICMP_TOO_BIG, "icmp-too-big", "The path's MTU is smaller: segments were cut to fit.",        \
      "RFC 1191 6, RFC 8201 4")                                                                    \
    X(ICMP_TOO_BIG_IGNORED, "icmp-too-big-ignored", "A too-big message that lowers nothing.",      \
      "RFC 5927 7.2")                                                                              \
    X(ICMP_TOO_BIG_MINIMUM, "icmp-too-big-minimum", "It claims less than every IPv6 link takes.",  \
      "RFC 8201 4")                                                                                \
    X(ICMP_TOO_BIG_UNWANTED, "icmp-too-big-unwanted",                                              \
      "This connection does not listen to what routers say of the MTU.", "RFC 5927 7.1")           \
    X(ICMP_TOO_BIG_HELD, "icmp-too-big-held",                                                      \
      "Larger packets have arrived: it waits for a timeout to confirm it.", "RFC 5927 7.2")        \
    X(ICMP_TOO_BIG_OFTEN, "icmp-too-big-often",                                                    \
      "One size after the other, and nothing acknowledged: it waits for a timeout to confirm it.", \
      "RFC 1191 6.4")                                                                              \
    X(ICMP_TOO_BIG_SIZE, "icmp-too-big-size",                                                      \
      "What it quotes was not as large as what it says the path takes.", "RFC 5927 7.2")           \
    X(ICMP_ECHO, "icmp-echo", "An echo request was answered.", "RFC 1122 3.2.2.6")                 \
    /* --- the eight steps of SEGMENT ARRIVES --- */                                               \
    X(NO_CONNECTION, "no-connection",                                                              \
      "No connection has these addresses and ports: answered "                                     \
      "with RST.",                                                                                 \
      "RFC 9293 3.10.7.1")                                                                         \
    X(NO_CONNECTION_RST, "no-connection-rst", "A RST for no connection is discarded.",             \
      "RFC 9293 3.10.7.1")                                                                         \
    X(LISTEN_RST, "listen-rst", "A RST at a listener is ignored.", "RFC 9293 3.10.7.2")            \
    X(LISTEN_ACK, "listen-ack", "An ACK at a listener acknowledges nothing: answered with RST.",   \
      "RFC 9293 3.10.7.2")                                                                         \
    X(LISTEN_NOT_SYN, "listen-not-syn", "A listener only takes SYN.", "RFC 9293 3.10.7.2")         \
    X(LISTEN_SYN_FIN, "listen-syn-fin", "SYN with FIN is no honest opening.", "RFC 9293 3.10.7.2") \
    X(LISTEN_BACKLOG, "listen-backlog", "The accept queue is full: dropped, so the peer retries.", \
      "RFC 9293 3.10.7.2")                                                                         \
    X(SYN_CACHE_FULL, "syn-cache-full", "The SYN cache is full: the oldest record made room.",     \
      "RFC 4987 3.4")                                                                              \
    X(SYN_COOKIE, "syn-cookie",                                                                    \
      "The SYN cache is full: what must be remembered travels in a cookie.", "RFC 4987 3.6")       \
    X(SYN_CACHE_DUPLICATE, "syn-cache-duplicate",                                                  \
      "The same SYN again: the SYN-ACK is sent again.", "RFC 9293 3.10.7.4")                       \
    X(SYN_SENT_BAD_ACK, "syn-sent-bad-ack",                                                        \
      "The ACK does not acknowledge our SYN: answered with "                                       \
      "RST.",                                                                                      \
      "RFC 9293 3.10.7.3")                                                                         \
    X(SYN_SENT_RST_IGNORED, "syn-sent-rst-ignored", "A RST without an acceptable ACK is ignored.", \
      "RFC 9293 3.10.7.3")                                                                         \
    X(SYN_SENT_NOTHING, "syn-sent-nothing", "Neither SYN nor RST: dropped.", "RFC 9293 3.10.7.3")  \
    X(SEQUENCE_OLD, "sequence-old", "All of the segment was received before: an ACK answers.",     \
      "RFC 9293 3.10.7.4 first")                                                                   \
    X(SEQUENCE_BEYOND, "sequence-beyond",                                                          \
      "The segment lies beyond the receive window: an ACK "                                        \
      "answers.",                                                                                  \
      "RFC 9293 3.10.7.4 first")                                                                   \
    X(PAWS, "paws", "The timestamp is older than the last one: an old duplicate; an ACK answers.", \
      "RFC 7323 5.3")                                                                              \
    X(RST_OUTSIDE, "rst-outside", "The RST is outside the window: ignored.", "RFC 5961 3.2")       \
    X(RST_CHALLENGED, "rst-challenged",                                                            \
      "The RST is in the window but not exact: a challenge ACK "                                   \
      "asks again.",                                                                               \
      "RFC 5961 3.2")                                                                              \
    X(SYN_CHALLENGED, "syn-challenged",                                                            \
      "A SYN on a synchronized connection: a challenge ACK asks "                                  \
      "whether the peer restarted.",                                                               \
      "RFC 5961 4.2")                                                                              \
    X(NO_ACK_BIT, "no-ack-bit", "A segment without ACK is dropped.", "RFC 9293 3.10.7.4 fifth")    \
    X(ACK_FUTURE, "ack-future", "It acknowledges what was never sent: an ACK answers.",            \
      "RFC 9293 3.10.7.4 fifth")                                                                   \
    X(ACK_TOO_OLD, "ack-too-old",                                                                  \
      "The ACK is older than any window we had: a challenge ACK "                                  \
      "answers.",                                                                                  \
      "RFC 5961 5.2")                                                                              \
    X(SYN_RECEIVED_BAD_ACK, "syn-received-bad-ack",                                                \
      "The ACK does not acknowledge our SYN-ACK: "                                                 \
      "answered with RST.",                                                                        \
      "RFC 9293 3.10.7.4 fifth")                                                                   \
    X(DATA_AFTER_FIN, "data-after-fin", "Text after the peer's FIN is ignored.",                   \
      "RFC 9293 3.10.7.4 seventh")                                                                 \
    X(DATA_AFTER_CLOSE, "data-after-close",                                                        \
      "Data came after the program closed: RST, so that the "                                      \
      "peer knows it is lost.",                                                                    \
      "RFC 9293 3.6.1 SHLD-3")                                                                     \
    X(OUT_OF_ORDER, "out-of-order", "There is a hole before it: kept for reassembly.",             \
      "RFC 9293 3.10.7.4 SHLD-31")                                                                 \
    X(REASSEMBLY_LIMIT, "reassembly-limit",                                                        \
      "Too many separate pieces are waiting: dropped, the "                                        \
      "peer will send it again.",                                                                  \
      "RFC 9293 3.10.7.4")                                                                         \
    X(MEMORY_LIMIT, "memory-limit", "The memory limit is reached: dropped.", "hf_config")          \
    X(CHALLENGE_LIMITED, "challenge-limited",                                                      \
      "This connection sent enough challenge ACKs for "                                            \
      "now.",                                                                                      \
      "RFC 5961 7")                                                                                \
    /* --- why a state changed --- */                                                              \
    X(OPEN_ACTIVE, "open-active", "The program asked to connect.", "RFC 9293 3.10.1")              \
    X(OPEN_PASSIVE, "open-passive", "The program listens.", "RFC 9293 3.10.1")                     \
    X(SYN_ARRIVED, "syn-arrived", "A SYN arrived: its sender wants to talk.", "RFC 9293 3.10.7.2") \
    X(SIMULTANEOUS_OPEN, "simultaneous-open",                                                      \
      "Both sides sent SYN: the two become one "                                                   \
      "connection.",                                                                               \
      "RFC 9293 3.5 figure 7")                                                                     \
    X(SYN_ACKED, "syn-acked", "Our SYN is acknowledged: both sides know both numbers.",            \
      "RFC 9293 3.10.7.4 fifth")                                                                   \
    X(USER_CLOSE, "user-close", "The program has no more to send.", "RFC 9293 3.10.4")             \
    X(USER_ABORT, "user-abort", "The program aborted.", "RFC 9293 3.10.5")                         \
    X(CLOSE_UNREAD, "close-unread",                                                                \
      "Closed with data unread: RST, so that the peer knows it is "                                \
      "lost.",                                                                                     \
      "RFC 9293 3.6.1 SHLD-3")                                                                     \
    X(FIN_ARRIVED, "fin-arrived", "The peer has no more to send.", "RFC 9293 3.10.7.4 eighth")     \
    X(FIN_ACKED, "fin-acked", "Our FIN is acknowledged.", "RFC 9293 3.10.7.4 fifth")               \
    X(RST_ARRIVED, "rst-arrived", "The peer reset the connection.", "RFC 9293 3.10.7.4 second")    \
    X(RST_REFUSED, "rst-refused", "The peer refused the connection.", "RFC 9293 3.10.7.3")         \
    X(RST_BACK_TO_LISTEN, "rst-back-to-listen", "The opening was taken back; the listener stays.", \
      "RFC 9293 3.10.7.4 second MUST-11")                                                          \
    X(TIME_WAIT_OVER, "time-wait-over", "2 MSL have passed: no old segment can be left.",          \
      "RFC 9293 3.6.1 MUST-13")                                                                    \
    X(TIME_WAIT_RESTARTED, "time-wait-restarted",                                                  \
      "The peer sent its FIN again: our ACK was lost; "                                            \
      "it is sent again and 2 MSL start anew.",                                                    \
      "RFC 9293 3.10.7.4 eighth")                                                                  \
    X(TIME_WAIT_REUSED, "time-wait-reused", "A newer SYN reopens the connection.", "RFC 6191 2")   \
    X(TIME_WAIT_RST_IGNORED, "time-wait-rst-ignored", "A RST does not end TIME-WAIT.",             \
      "RFC 1337 3")                                                                                \
    X(TIME_WAIT_ACK, "time-wait-ack", "An old segment in TIME-WAIT: answered with an ACK.",        \
      "RFC 9293 3.10.7.4")                                                                         \
    X(TIME_WAIT_FULL, "time-wait-full", "The TIME-WAIT table is full: the oldest left early.",     \
      "hf_config")                                                                                 \
    X(RESOURCES, "resources", "A limit in hf_config is reached.", "hf_config")                     \
    X(STACK_CLOSED, "stack-closed", "The whole stack is going away.", "hf_stack_free")             \
    X(FAST_OPEN_ACCEPTED, "fast-open-accepted",                                                    \
      "A SYN with a good cookie: the connection is there at "                                      \
      "once, its data with it.",                                                                   \
      "RFC 7413 4.2.2")                                                                            \
    X(FAST_OPEN_OLD_KEY, "fast-open-old-key",                                                      \
      "A SYN with a cookie of the key before: taken, and a new "                                   \
      "one handed out.",                                                                           \
      "RFC 7413 4.1.2")                                                                            \
    X(FAST_OPEN_GRANTED, "fast-open-granted",                                                      \
      "A cookie was asked for, and goes with the SYN-ACK.", "RFC 7413 4.2.2")                      \
    X(FAST_OPEN_INVALID, "fast-open-invalid",                                                      \
      "The cookie is wrong: only the SYN is taken, and the "                                       \
      "right cookie handed out.",                                                                  \
      "RFC 7413 4.2.2")                                                                            \
    X(FAST_OPEN_LIMIT, "fast-open-limit",                                                          \
      "Too many Fast Open connections wait for their third ACK: "                                  \
      "an ordinary opening.",                                                                      \
      "RFC 7413 5.1")                                                                              \
    X(FAST_OPEN_LEARNT, "fast-open-learnt", "A cookie for the next connection.", "RFC 7413 4.1.3") \
    X(FAST_OPEN_REFUSED, "fast-open-refused",                                                      \
      "The data on our SYN was not taken: it is sent again at "                                    \
      "once.",                                                                                     \
      "RFC 7413 4.2.1")                                                                            \
    X(FAST_OPEN_AVOIDED, "fast-open-avoided",                                                      \
      "Fast Open failed on this path lately: an ordinary SYN.", "RFC 7413 4.1.3.1")                \
    X(FAST_OPEN_BLACK_HOLE, "fast-open-black-hole",                                                \
      "A connection with Fast Open times out: it is not used "                                     \
      "for a while.",                                                                              \
      "RFC 7413 4.1.3.1")                                                                          \
    X(DEFER_ACCEPT, "defer-accept", "The listener waits for data: a bare ACK does not open.",      \
      "Linux TCP_DEFER_ACCEPT")                                                                    \
    /* --- why a segment was sent --- */                                                           \
    X(SEND_SYN, "send-syn", "Asking to open.", "RFC 9293 3.5")                                     \
    X(SEND_SYN_DATA, "send-syn-data", "Asking to open, with data.", "RFC 7413 4.2.1")              \
    X(SEND_SYN_ACK, "send-syn-ack", "Answering a SYN with our own.", "RFC 9293 3.5")               \
    X(SEND_DATA, "send-data", "New data.", "RFC 9293 3.8")                                         \
    X(SEND_FIN, "send-fin", "No more data will follow.", "RFC 9293 3.6")                           \
    X(SEND_ACK, "send-ack", "Acknowledging at once.", "RFC 5681 4.2")                              \
    X(SEND_ACK_DELAYED, "send-ack-delayed", "The delayed acknowledgement's time is up.",           \
      "RFC 9293 3.8.6.3")                                                                          \
    X(SEND_ACK_DUPLICATE, "send-ack-duplicate",                                                    \
      "Out of order: the duplicate ACK says what is "                                              \
      "missing.",                                                                                  \
      "RFC 5681 4.2")                                                                              \
    X(SEND_CHALLENGE, "send-challenge", "A challenge ACK.", "RFC 5961")                            \
    X(SEND_WINDOW_UPDATE, "send-window-update", "There is room again.", "RFC 9293 3.8.6.2.2")      \
    X(SEND_RST, "send-rst", "Resetting.", "RFC 9293 3.5.2")                                        \
    X(SEND_PROBE, "send-probe", "The window is closed: asking whether it still is.",               \
      "RFC 9293 3.8.6.1")                                                                          \
    X(SEND_KEEPALIVE, "send-keepalive",                                                            \
      "Nothing was heard for long: asking whether the peer "                                       \
      "lives.",                                                                                    \
      "RFC 9293 3.8.4")                                                                            \
    X(SEND_TIME_WAIT_ACK, "send-time-wait-ack", "Acknowledging from TIME-WAIT.",                   \
      "RFC 9293 3.10.7.4")                                                                         \
    X(RETRANSMIT_TIMEOUT, "retransmit-timeout", "No ACK within the RTO: sent again.",              \
      "RFC 6298 5.4")                                                                              \
    X(RETRANSMIT_AFTER_TIMEOUT, "retransmit-after-timeout",                                        \
      "What followed the lost segment is "                                                         \
      "sent again in slow start.",                                                                 \
      "RFC 5681 3.1")                                                                              \
    X(RETRANSMIT_FAST, "retransmit-fast", "Three duplicate ACKs: the segment is taken as lost.",   \
      "RFC 5681 3.2")                                                                              \
    X(RETRANSMIT_PARTIAL, "retransmit-partial", "A partial ACK in recovery: the next hole.",       \
      "RFC 6582 3.2")                                                                              \
    X(RETRANSMIT_SYN, "retransmit-syn", "No answer to our SYN within the RTO: sent again.",        \
      "RFC 9293 3.8.3 MUST-22")                                                                    \
    X(RETRANSMIT_SYN_ACK, "retransmit-syn-ack", "No ACK of our SYN-ACK: sent again.",              \
      "RFC 6298 5.4")                                                                              \
    X(RETRANSMIT_FIN, "retransmit-fin", "No ACK of our FIN within the RTO: sent again.",           \
      "RFC 6298 5.4")                                                                              \
    X(RETRANSMIT_RACK, "retransmit-rack", "Taken as lost by RACK: sent again.", "RFC 8985 6.2")    \
    X(RETRANSMIT_SACK, "retransmit-sack", "Enough above it was SACKed: sent again.", "RFC 6675 4") \
    X(RETRANSMIT_HOLE, "retransmit-hole",                                                          \
      "Nothing lost or new may leave: what lies in a hole is sent again.", "RFC 6675 4")           \
    X(RETRANSMIT_RESCUE, "retransmit-rescue",                                                      \
      "The last segment again, so that its ACK shows what is missing; once a recovery.",           \
      "RFC 6675 4")                                                                                \
    X(SEND_LOSS_PROBE, "send-loss-probe",                                                          \
      "Two round trips of silence: a probe, for the tail may be "                                  \
      "lost.",                                                                                     \
      "RFC 8985 7.3")                                                                              \
    X(LOSS_RACK, "loss-rack", "Something sent later has arrived: this one is lost.",               \
      "RFC 8985 6.2")                                                                              \
    X(LOSS_SACK, "loss-sack", "Three segments or stretches above it are SACKed: it is lost.",      \
      "RFC 6675 4")                                                                                \
    X(LOSS_THRESHOLD, "loss-threshold",                                                            \
      "Enough segments above it are SACKed, and nothing was seen to be reordered: it is lost.",    \
      "RFC 8985 6.2")                                                                              \
    X(LOSS_TIMEOUT, "loss-timeout", "The timer ran out: what left long enough ago is lost.",       \
      "RFC 8985 6.3")                                                                              \
    X(REORDERING_SEEN, "reordering-seen", "What was overtaken has arrived: the path reorders.",    \
      "RFC 8985 6.2")                                                                              \
    X(SACK_RENEGING, "sack-reneging",                                                              \
      "The peer no longer has what it had SACKed: no SACK is believed.", "RFC 2018 8")             \
    X(DSACK_SENT, "dsack-sent", "This came before: the next ACK says so.", "RFC 2883 4")           \
    X(DSACK_SEEN, "dsack-seen", "The peer has it twice.", "RFC 2883 4")                            \
    X(DSACK_IGNORED, "dsack-ignored", "More duplicates than were ever sent again: not believed.",  \
      "RFC 3708 4")                                                                                \
    X(REO_WND_WIDER, "reo-wnd-wider", "The duplicate was needless: reordering gets more time.",    \
      "RFC 8985 6.2")                                                                              \
    X(STAMP_SET_BACK, "stamp-set-back",                                                            \
      "Sent again with an older stamp: what was overtaken on the way must not be dropped for it.", \
      "RFC 7323 5.3")                                                                              \
    X(UNDO_TIMESTAMP, "undo-timestamp",                                                            \
      "The ACK answers the original: nothing was lost, cwnd is given back.", "RFC 3522 3.2")       \
    X(UNDO_DSACK, "undo-dsack", "All that was sent again came twice: cwnd is given back.",         \
      "RFC 3708 3")                                                                                \
    X(UNDO_FRTO, "undo-frto", "The timeout was spurious: what was sent once has arrived.",         \
      "RFC 5682 3.1")                                                                              \
    X(UNDO_REFUSED, "undo-refused",                                                                \
      "Taken back too often for what was sent: the peer lies, and what is lost stays lost.",       \
      "RFC 4015 3.2")                                                                              \
    X(FRTO_NEW_DATA, "frto-new-data",                                                              \
      "After the timeout: new data leaves, whose ACKs will show whether it was spurious.",         \
      "RFC 5682 2.1")                                                                              \
    X(FRTO_LOSS, "frto-loss", "The timeout was no mistake: what follows is sent again.",           \
      "RFC 5682 2.1")                                                                              \
    X(LOSS_PROBE_NEEDLESS, "loss-probe-needless", "The probe and the original both arrived.",      \
      "RFC 8985 7.4")                                                                              \
    X(BACKOFF_REVERTED, "backoff-reverted",                                                        \
      "The path is broken, not congested: one doubling of the RTO is taken back.", "RFC 6069 4")   \
    X(TIMER_LOSS_PROBE, "timer-loss-probe", "The tail loss probe's time has come.",                \
      "RFC 8985 7.2")                                                                              \
    X(TIMER_REORDERING, "timer-reordering", "What may have been reordered has had its time.",      \
      "RFC 8985 6.2")                                                                              \
    X(CWND_RACK, "cwnd-rack", "Loss: congestion control lowers ssthresh, PRR brings cwnd there.",  \
      "RFC 9937 6")                                                                                \
    X(CWND_LOSS_PROBE, "cwnd-loss-probe", "The probe mended a loss: cwnd answers for it.",         \
      "RFC 8985 7.4")                                                                              \
    X(RETRANSMIT_MTU, "retransmit-mtu",                                                            \
      "It was too big for the path: sent again in smaller "                                        \
      "pieces.",                                                                                   \
      "RFC 1191 6")                                                                                \
    X(SEND_MTU_PROBE, "send-mtu-probe", "A larger segment, to see whether the path takes it.",     \
      "RFC 4821 7.4")                                                                              \
    X(MTU_PROBE_WAIT, "mtu-probe-wait",                                                            \
      "The next to leave is a larger segment: nothing does until there is room for it.",           \
      "RFC 4821 7.4")                                                                              \
    X(MTU_PROBE_ARRIVED, "mtu-probe-arrived",                                                      \
      "The path takes the larger size: it is in use from now on.", "RFC 4821 7.6.1")               \
    X(MTU_PROBE_LOST, "mtu-probe-lost",                                                            \
      "The probe alone was lost: it was too big, which is no congestion.", "RFC 4821 7.6.2")       \
    X(MTU_PROBE_INCONCLUSIVE, "mtu-probe-inconclusive",                                            \
      "Something else was lost too: the probe tells nothing.", "RFC 4821 7.6.4")                   \
    X(MTU_BLACK_HOLE, "mtu-black-hole", "Timeout upon timeout: smaller segments may get through.", \
      "RFC 4821 7.7")                                                                              \
    X(PATH_MTU_SHARED, "path-mtu-shared",                                                          \
      "Another connection has learnt that the path takes less.", "RFC 8201 5.2")                   \
    X(PATH_MTU_FORGOTTEN, "path-mtu-forgotten",                                                    \
      "The path MTU was learnt long ago: the link's is tried again.", "RFC 1191 6.3")              \
    X(PATH_MTU_CONFIRMED, "path-mtu-confirmed",                                                    \
      "A timeout bears out the router that was not believed.", "RFC 5927 7.2")                     \
    X(PATH_MTU_UNCONFIRMED, "path-mtu-unconfirmed",                                                \
      "What a router called too big was acknowledged: its message is dropped.", "RFC 5927 7.2")    \
    X(PATH_MTU_FRAGMENTS, "path-mtu-fragments",                                                    \
      "The path takes less than packets are cut to: they may be fragmented from now on.",          \
      "RFC 1191 3")                                                                                \
    X(CWND_MTU, "cwnd-mtu", "The first window is as many segments as before, which are smaller.",  \
      "RFC 5681 3.1")                                                                              \
    X(MTU_SEARCH, "mtu-search", "A search for the largest packets that the path takes begins.",    \
      "RFC 4821 7.2")                                                                              \
    X(MTU_SEARCH_OVER, "mtu-search-over",                                                          \
      "What the path takes is known well enough: no more probes for a while.", "RFC 4821 7.2")     \
    /* --- timers and congestion control --- */                                                    \
    X(TIMER_RETRANSMIT, "timer-retransmit", "The retransmission timer ran out: RTO doubled.",      \
      "RFC 6298 5.5")                                                                              \
    X(TIMER_PROBE, "timer-probe", "The zero-window probe timer ran out.",                          \
      "RFC 9293 3.8.6.1 SHLD-30")                                                                  \
    X(TIMER_DELAYED_ACK, "timer-delayed-ack", "The delayed ACK timer ran out.",                    \
      "RFC 9293 3.8.6.3")                                                                          \
    X(TIMER_KEEPALIVE, "timer-keepalive", "The keep-alive timer ran out.", "RFC 9293 3.8.4")       \
    X(TIMER_SWS, "timer-sws", "The silly-window override timer ran out: what there is goes out.",  \
      "RFC 9293 3.8.6.2.1")                                                                        \
    X(TIMEOUT_R1, "timeout-r1", "R1 reached: the path may be broken; the program is told.",        \
      "RFC 9293 3.8.3 MUST-20")                                                                    \
    X(TIMEOUT_R2, "timeout-r2", "R2 reached: the connection is given up.",                         \
      "RFC 9293 3.8.3 MUST-20")                                                                    \
    X(TIMEOUT_SYN, "timeout-syn", "No answer to SYN: given up.", "RFC 9293 3.8.3 MUST-23")         \
    X(TIMEOUT_USER, "timeout-user", "The user timeout ran out.", "RFC 9293 3.10.8")                \
    X(TIMEOUT_KEEPALIVE, "timeout-keepalive", "All keep-alive probes went unanswered.",            \
      "RFC 9293 3.8.4 MUST-29")                                                                    \
    X(TIMEOUT_FIN_WAIT_2, "timeout-fin-wait-2", "The peer never closed an abandoned connection.",  \
      "RFC 9293 3.10.7.4")                                                                         \
    X(RTT_SAMPLE, "rtt-sample", "A round trip was measured.", "RFC 6298 2")                        \
    X(CWND_SLOW_START, "cwnd-slow-start", "Slow start: cwnd grows by what is acknowledged.",       \
      "RFC 5681 3.1")                                                                              \
    X(CWND_AVOIDANCE, "cwnd-avoidance", "Congestion avoidance: about one segment a round trip.",   \
      "RFC 5681 3.1")                                                                              \
    X(CWND_FAST_RETRANSMIT, "cwnd-fast-retransmit", "Loss: congestion control lowers ssthresh.",   \
      "RFC 5681 3.2")                                                                              \
    X(CWND_INFLATE, "cwnd-inflate", "A further duplicate ACK: one more segment has left.",         \
      "RFC 9937 5")                                                                                \
    X(CWND_DEFLATE, "cwnd-deflate", "A partial ACK: cwnd follows what it delivers.", "RFC 9937 5") \
    X(UNDO_BARRED, "undo-barred",                                                                  \
      "A mark: there is congestion in any case, the reduction is not taken back.", "RFC 4015 3.2") \
    X(FRTO_BARRED, "frto-barred",                                                                  \
      "The timer ran out while earlier losses were being mended: it is taken at its word.",        \
      "RFC 5682 2.1")                                                                              \
    X(FRTO_UNDECIDED, "frto-undecided",                                                            \
      "Nothing new could leave, so that nothing can tell: what follows is sent again.",            \
      "RFC 5682 2.1")                                                                              \
    X(LIMITED_TRANSMIT, "limited-transmit",                                                        \
      "A first or second duplicate ACK: one new segment may leave beyond cwnd.", "RFC 3042 2")     \
    X(SACK_IMPOSSIBLE, "sack-impossible",                                                          \
      "A SACK block is of what was never sent, or of nothing: not believed.", "RFC 2018 4")        \
    X(SACK_OLD, "sack-old", "A SACK block begins before what is acknowledged: it tells nothing.",  \
      "RFC 2018 4")                                                                                \
    X(SACK_DOUBTED, "sack-doubted",                                                                \
      "The peer has gone back on its SACKs too often: this one is not believed.", "RFC 2018 8")    \
    X(BACKOFF_KEPT_NO_TIMEOUT, "backoff-kept-no-timeout",                                          \
      "The path is broken, but the timer has not run out: there is no doubling to take back.",     \
      "RFC 6069 4")                                                                                \
    X(BACKOFF_KEPT_SEGMENT, "backoff-kept-segment",                                                \
      "The path is broken, but for another segment than the timer sends: the RTO stays.",          \
      "RFC 6069 4")                                                                                \
    X(BACKOFF_KEPT_WINDOW, "backoff-kept-window",                                                  \
      "The path is broken, but the window is shut: the RTO of probes stays.", "RFC 6069 4")        \
    X(BACKOFF_KEPT_CODE, "backoff-kept-code",                                                      \
      "Another complaint than that a net or host is out of reach: the RTO stays.", "RFC 6069 3")   \
    X(CWND_FRTO, "cwnd-frto", "The timeout was no mistake: cwnd is three segments at most.",       \
      "RFC 5682 2.1")                                                                              \
    X(CWND_LINGERS, "cwnd-lingers",                                                                \
      "All that was out is acknowledged, nothing beyond: duplicates may still be old.",            \
      "RFC 6582 3.2")                                                                              \
    X(DUPLICATES_OLD, "duplicates-old",                                                            \
      "Three duplicate ACKs of what recovery sent: taken for repetitions, not for a loss.",        \
      "RFC 6582 3.2")                                                                              \
    X(CWND_RECOVERED, "cwnd-recovered", "Recovery is over: cwnd is ssthresh.", "RFC 6582 3.2")     \
    X(CWND_TIMEOUT, "cwnd-timeout", "Timeout: cwnd is one segment.", "RFC 5681 3.1")               \
    X(CWND_IDLE, "cwnd-idle", "Idle for longer than the RTO: cwnd restarts.", "RFC 5681 4.1")      \
    X(METRICS_SAVED, "metrics-saved",                                                              \
      "What the connection learnt of its path is kept for the next.", "RFC 9040 6")                \
    X(METRICS_USED, "metrics-used",                                                                \
      "It begins with the ssthresh or reordering that another has learnt of the path.",            \
      "RFC 9040 6.2")                                                                              \
    X(METRICS_RTT, "metrics-rtt",                                                                  \
      "The first RTO follows round trips that another has seen, longer than the handshake's.",     \
      "RFC 9040 6.2")                                                                              \
    X(CWND_HELD_PROGRAM, "cwnd-held-program",                                                      \
      "The program gives less than cwnd would let go: it does not grow.", "RFC 7661 4.3")          \
    X(CWND_HELD_RECEIVER, "cwnd-held-receiver",                                                    \
      "The peer's window holds back more than cwnd does: cwnd does not grow.", "RFC 7661 4.3")     \
    X(CWND_UNUSED, "cwnd-unused", "For an RTO less than cwnd was needed: half of the rest goes.",  \
      "RFC 2861 3.2")                                                                              \
    X(HYSTART_ROUND, "hystart-round", "A round trip of slow start is over.", "RFC 9406 4.2")       \
    X(HYSTART_CSS, "hystart-css", "The round trip has grown: slow start goes on more slowly.",     \
      "RFC 9406 4.2")                                                                              \
    X(HYSTART_TRAIN, "hystart-train",                                                              \
      "ACKs kept coming for half a round trip: the path is full, slow start ends with the round.", \
      "RFC 9406 4.2")                                                                              \
    X(HYSTART_RESUMED, "hystart-resumed",                                                          \
      "The round trip is short again: slow start goes on at full speed.", "RFC 9406 4.2")          \
    X(HYSTART_OVER, "hystart-over",                                                                \
      "The last round of slower growth has passed: slow start is over.", "RFC 9406 4.2")           \
    X(CUBIC_EPOCH, "cubic-epoch", "Congestion avoidance begins: t of the cubic curve is 0.",       \
      "RFC 9438 4.2")                                                                              \
    X(CUBIC_RENO, "cubic-reno", "The curve is below what Reno would have: cwnd goes with Reno.",   \
      "RFC 9438 4.3")                                                                              \
    X(CUBIC_CONCAVE, "cubic-concave",                                                              \
      "Below W_max: cwnd grows along the curve, ever more slowly.", "RFC 9438 4.4")                \
    X(CUBIC_CONVEX, "cubic-convex", "Beyond W_max: cwnd grows along the curve, ever faster.",      \
      "RFC 9438 4.5")                                                                              \
    X(CUBIC_FAST_CONVERGENCE, "cubic-fast-convergence",                                            \
      "Loss before W_max was reached again: the curve leaves room for others.", "RFC 9438 4.7")    \
    X(CWND_MODEL, "cwnd-model", "The model of the path sets cwnd.", "draft-ietf-ccwg-bbr 5.6.4")   \
    X(RATE_APP_LIMITED, "rate-app-limited",                                                        \
      "Too little to send: the delivery rate tells of the program, not of the path.",              \
      "draft-cheng-iccrg-delivery-rate-estimation 3.4")                                            \
    X(PACING_HOLD, "pacing-hold", "It may be sent, but not so soon after the last one.",           \
      "draft-ietf-ccwg-bbr 5.6.2")                                                                 \
    X(BBR_STARTUP, "bbr-startup", "Startup: twice as fast each round trip.",                       \
      "draft-ietf-ccwg-bbr 5.3.1")                                                                 \
    X(BBR_DRAIN, "bbr-drain", "The rate grows no more: the queue that Startup built drains.",      \
      "draft-ietf-ccwg-bbr 5.3.2")                                                                 \
    X(BBR_DOWN, "bbr-down", "A little slower than the path, until its queue is empty.",            \
      "draft-ietf-ccwg-bbr 5.3.3.1")                                                               \
    X(BBR_CRUISE, "bbr-cruise", "As fast as the path, with room left for others.",                 \
      "draft-ietf-ccwg-bbr 5.3.3.2")                                                               \
    X(BBR_REFILL, "bbr-refill", "The pipe is filled before more is asked of it.",                  \
      "draft-ietf-ccwg-bbr 5.3.3.3")                                                               \
    X(BBR_UP, "bbr-up", "A quarter faster than the path ever was, to see whether there is more.",  \
      "draft-ietf-ccwg-bbr 5.3.3.4")                                                               \
    X(BBR_PROBE_RTT, "bbr-probe-rtt",                                                              \
      "The queue runs dry so that the round trip without it is seen.",                             \
      "draft-ietf-ccwg-bbr 5.3.4")                                                                 \
    X(BBR_LOWER_BOUNDS, "bbr-lower-bounds",                                                        \
      "A round with losses: less is sent until the next probe.", "draft-ietf-ccwg-bbr 5.5.10")     \
    X(BBR_INFLIGHT_BOUND, "bbr-inflight-bound",                                                    \
      "More than 2 % was lost: so much does not fit the path.", "draft-ietf-ccwg-bbr 5.5.10")      \
    X(DCTCP_ALPHA, "dctcp-alpha", "A window is over: what part of it was marked is weighed in.",   \
      "RFC 8257 3.3")                                                                              \
    X(CWND_ECN, "cwnd-ecn", "The peer echoes a mark: cwnd is lowered, though nothing is lost.",    \
      "RFC 3168 6.1.2")                                                                            \
    X(CWND_ECN_OVER, "cwnd-ecn-over", "What was in flight at the mark is acknowledged.",           \
      "RFC 3168 6.1.2")                                                                            \
    X(ECN_AGREED, "ecn-agreed", "Both SYNs ask for ECN: marks are echoed and heeded.",             \
      "RFC 3168 6.1.1")                                                                            \
    X(ECN_REFUSED, "ecn-refused", "The peer's SYN does not agree to ECN.", "RFC 3168 6.1.1")       \
    X(ACCECN_AGREED, "accecn-agreed", "Both sides will count marks for each other.",               \
      "RFC 9768 3.1.2")                                                                            \
    X(ACCECN_ACE_ZEROED, "accecn-ace-zeroed",                                                      \
      "Something clears the count of marks: nothing is sent as ECT any more.", "RFC 9768 3.2.2.4") \
    X(ACCECN_MANGLED, "accecn-mangled",                                                            \
      "The ECN field did not arrive as it left: nothing is sent as ECT.", "RFC 9768 3.2.2.3")      \
    X(ACCECN_OPTION_ZEROED, "accecn-option-zeroed",                                                \
      "Something clears the option's counters: it is ignored.", "RFC 9768 3.2.3.2.4")              \
    X(ACCECN_CONTRADICTED, "accecn-contradicted",                                                  \
      "A SYN asks for another kind of ECN than one before: nobody knows which holds.",             \
      "RFC 9768 3.1.5")                                                                            \
    X(ACCECN_INCONSISTENT, "accecn-inconsistent",                                                  \
      "Marked bytes, but no marked packet: nothing is sent as ECT.", "RFC 9768 3.2.3.2.5")         \
    X(ACCECN_WRAPPED, "accecn-wrapped",                                                            \
      "So much is acknowledged that the count of marks may have wrapped.", "RFC 9768 3.2.2.5.2")   \
    X(ECN_ANSWERED, "ecn-answered",                                                                \
      "A mark from a window for which cwnd is lowered already: no more.", "RFC 3168 6.1.2")        \
    X(ECN_CWR_WITHDRAWN, "ecn-cwr-withdrawn",                                                      \
      "The reduction was for nothing: the peer is not told of it.", "RFC 3168 6.1.2")              \
    X(ECN_FALLBACK, "ecn-fallback", "No answer to a SYN that asks for ECN: it goes without.",      \
      "RFC 3168 6.1.1.1")                                                                          \
    X(ECN_SYN_PLAIN, "ecn-syn-plain",                                                              \
      "The same SYN again, not asking for ECN as before: nothing is sent as ECT.",                 \
      "RFC 3168 6.1.1")                                                                            \
    X(ECN_SYN_ACK_FALLBACK, "ecn-syn-ack-fallback",                                                \
      "No ACK of SYN-ACKs that agree to accurate ECN: it goes without.", "RFC 9768 3.1.4.2")       \
    X(ECN_MARK_SEEN, "ecn-mark-seen", "It came marked CE: ECE tells the peer until CWR comes.",    \
      "RFC 3168 6.1.3")                                                                            \
    X(ECN_CWR_SEEN, "ecn-cwr-seen", "The peer has slowed down: ECE has done its work.",            \
      "RFC 3168 6.1.3")                                                                            \
    X(ECN_MARKS_OVER, "ecn-marks-over", "What comes is not marked any more: ECE goes.",            \
      "RFC 8257 3.2")                                                                              \
    X(WINDOW_ZERO, "window-zero", "The peer closed its window.", "RFC 9293 3.8.6")                 \
    X(WINDOW_OPENED, "window-opened", "The peer opened its window again.", "RFC 9293 3.8.6")       \
    X(BUFFER_GROWN, "buffer-grown", "The receive buffer grew, to stay ahead of the flow.",         \
      "RFC 7323 2.2")                                                                              \
    X(BUFFER_SHRUNK, "buffer-shrunk", "Memory is short: the receive buffer is small again.",       \
      "RFC 9293 3.8.6")                                                                            \
    X(WINDOW_SHRUNK, "window-shrunk", "The peer moved its right edge left.",                       \
      "RFC 9293 3.8.6 MUST-34")                                                                    \
    X(URGENT_ARRIVED, "urgent-arrived", "Urgent data is announced.", "RFC 9293 3.8.5 MUST-32")     \
    /* --- connections at rest --- */                                                              \
    X(REST_IDLE, "rest-idle", "Idle: packed away until something touches it.", "hf_config")        \
    X(REST_RELIEF, "rest-relief", "Memory is short: packed away before its time.", "hf_config")    \
    X(WAKE_SEGMENT, "wake-segment", "A segment, or news of one, comes to a connection at rest.",   \
      "hf_config")                                                                                 \
    X(WAKE_CALL, "wake-call", "The program calls for a connection at rest.", "hf_config")          \
    X(WAKE_TIMER, "wake-timer", "A timer of a connection at rest runs out.", "hf_config")          \
    /* --- what a simulated link does --- */                                                       \
    X(LINK_LOSS, "link-loss", "The link lost it.", "link")                                         \
    X(LINK_LOSS_CHOSEN, "link-loss-chosen", "The link was told to lose this one.", "link")         \
    X(LINK_QUEUE, "link-queue", "The link's queue was full.", "link")                              \
    X(LINK_MANAGED, "link-managed",                                                                \
      "The queue was growing long: its management dropped this one.", "RFC 7567 2.1")              \
    X(LINK_MARK, "link-mark", "The queue was growing long: its management marked this one CE.",    \
      "RFC 3168 5")                                                                                \
    X(LINK_MTU, "link-mtu", "It is larger than the link's MTU.", "link")                           \
    X(LINK_CORRUPT, "link-corrupt", "The link flipped a bit.", "link")                             \
    X(LINK_DUPLICATE, "link-duplicate", "The link delivers it twice.", "link")                     \
    X(LINK_REORDER, "link-reorder", "The link holds it back: later ones overtake it.", "link")     \
    X(LINK_DELAYED_DUPLICATE, "link-delayed-duplicate",                                            \
      "An old copy that the network held back "                                                    \
      "turns up.",                                                                                 \
      "link")

enum hf_reason {
#define HF_REASON_ENUM(constant, name, sentence, source) HF_REASON_##constant,
    HF_REASON_TABLE(HF_REASON_ENUM)
#undef HF_REASON_ENUM
        HF_REASON_COUNT
};

/* "retransmit-fast", "Three duplicate ACKs: ...", "RFC 5681 3.2". Never NULL. */
HF_API const char *hf_reason_name(enum hf_reason reason);
HF_API const char *hf_reason_sentence(enum hf_reason reason);
HF_API const char *hf_reason_source(enum hf_reason reason);

#ifdef __cplusplus
}
#endif

#endif
