/* SPDX-License-Identifier: MIT
 *
 * %{ code }%: Python statements about TCP_INFO. As packetdrill does, the values are noted when the
 * line's time has come, and all code of a script runs in one python3 at its end, so that names set
 * in one place can be read in a later one.
 */
#include "drill_run.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INFO_BYTES = 512, SAID_BYTES = 2048 };

/* struct tcp_info as Linux lays it out; width 0 begins at a bit field. */
static const struct {
    const char *name;
    unsigned offset, width;
} fields[] = {
    {"tcpi_state", 0, 1},
    {"tcpi_ca_state", 1, 1},
    {"tcpi_retransmits", 2, 1},
    {"tcpi_probes", 3, 1},
    {"tcpi_backoff", 4, 1},
    {"tcpi_options", 5, 1},
    {"tcpi_rto", 8, 4},
    {"tcpi_ato", 12, 4},
    {"tcpi_snd_mss", 16, 4},
    {"tcpi_rcv_mss", 20, 4},
    {"tcpi_unacked", 24, 4},
    {"tcpi_sacked", 28, 4},
    {"tcpi_lost", 32, 4},
    {"tcpi_retrans", 36, 4},
    {"tcpi_fackets", 40, 4},
    {"tcpi_last_data_sent", 44, 4},
    {"tcpi_last_ack_sent", 48, 4},
    {"tcpi_last_data_recv", 52, 4},
    {"tcpi_last_ack_recv", 56, 4},
    {"tcpi_pmtu", 60, 4},
    {"tcpi_rcv_ssthresh", 64, 4},
    {"tcpi_rtt", 68, 4},
    {"tcpi_rttvar", 72, 4},
    {"tcpi_snd_ssthresh", 76, 4},
    {"tcpi_snd_cwnd", 80, 4},
    {"tcpi_advmss", 84, 4},
    {"tcpi_reordering", 88, 4},
    {"tcpi_rcv_rtt", 92, 4},
    {"tcpi_rcv_space", 96, 4},
    {"tcpi_total_retrans", 100, 4},
    {"tcpi_pacing_rate", 104, 8},
    {"tcpi_max_pacing_rate", 112, 8},
    {"tcpi_bytes_acked", 120, 8},
    {"tcpi_bytes_received", 128, 8},
    {"tcpi_segs_out", 136, 4},
    {"tcpi_segs_in", 140, 4},
    {"tcpi_notsent_bytes", 144, 4},
    {"tcpi_min_rtt", 148, 4},
    {"tcpi_data_segs_in", 152, 4},
    {"tcpi_data_segs_out", 156, 4},
    {"tcpi_delivery_rate", 160, 8},
    {"tcpi_busy_time", 168, 8},
    {"tcpi_rwnd_limited", 176, 8},
    {"tcpi_sndbuf_limited", 184, 8},
    {"tcpi_delivered", 192, 4},
    {"tcpi_delivered_ce", 196, 4},
    {"tcpi_bytes_sent", 200, 8},
    {"tcpi_bytes_retrans", 208, 8},
    {"tcpi_dsack_dups", 216, 4},
    {"tcpi_reord_seen", 220, 4},
    {"tcpi_rcv_ooopack", 224, 4},
    {"tcpi_snd_wnd", 228, 4},
    {"tcpi_rcv_wnd", 232, 4},
    {"tcpi_rehash", 236, 4},
    {"tcpi_total_rto", 240, 2},
    {"tcpi_total_rto_recoveries", 242, 2},
    {"tcpi_total_rto_time", 244, 4},
    {"tcpi_received_ce", 248, 4},
    {"tcpi_delivered_e1_bytes", 252, 4},
    {"tcpi_delivered_e0_bytes", 256, 4},
    {"tcpi_delivered_ce_bytes", 260, 4},
    {"tcpi_received_e1_bytes", 264, 4},
    {"tcpi_received_e0_bytes", 268, 4},
    {"tcpi_received_ce_bytes", 272, 4},
};

/* One interpreter for the whole script; each piece keeps the line it stands on. */
static const char prologue[] =
    "import inspect, sys, traceback\n"
    "names = {}\n"
    "for n, v in (('ESTABLISHED', 1), ('SYN_SENT', 2), ('SYN_RECV', 3), ('FIN_WAIT1', 4),\n"
    "             ('FIN_WAIT2', 5), ('TIME_WAIT', 6), ('CLOSE', 7), ('CLOSE_WAIT', 8),\n"
    "             ('LAST_ACK', 9), ('LISTEN', 10), ('CLOSING', 11)):\n"
    "    names['TCP_' + n] = v\n"
    "for i, n in enumerate(('Open', 'Disorder', 'CWR', 'Recovery', 'Loss')):\n"
    "    names['TCP_CA_' + n] = i\n"
    "names.update(TCPI_OPT_TIMESTAMPS=1, TCPI_OPT_SACK=2, TCPI_OPT_WSCALE=4, TCPI_OPT_ECN=8,\n"
    "             TCPI_OPT_ECN_SEEN=16, TCPI_OPT_SYN_DATA=32)\n"
    "def run(line, values, code):\n"
    "    line += code[:len(code) - len(code.lstrip())].count('\\n')\n"
    "    names.update(values)\n"
    "    try:\n"
    "        exec(compile('\\n' * (line - 1) + inspect.cleandoc(code), 'script', 'exec'), names)\n"
    "    except BaseException as e:\n"
    "        at = [f.lineno for f in traceback.extract_tb(e.__traceback__)\n"
    "              if f.filename == 'script']\n"
    "        at = at[-1] if at else getattr(e, 'lineno', line) or line\n"
    "        print(f'{at}:1: {type(e).__name__}: {e}')\n"
    "        sys.stdout.flush()\n"
    "        sys.exit(1)\n";

static uint64_t field_value(const uint8_t *info, unsigned offset, unsigned width)
{
    uint8_t byte;
    uint16_t half;
    uint32_t word;
    uint64_t value;
    switch (width) {
    case 1:
        memcpy(&byte, info + offset, sizeof byte);
        return byte;
    case 2:
        memcpy(&half, info + offset, sizeof half);
        return half;
    case 4:
        memcpy(&word, info + offset, sizeof word);
        return word;
    default:
        memcpy(&value, info + offset, sizeof value);
        return value;
    }
}

/* A Python string literal. */
static void write_literal(FILE *file, const char *text)
{
    fputc('"', file);
    for (; *text != '\0'; text++)
        fprintf(file, "\\x%02x", (unsigned char)*text);
    fputc('"', file);
}

/* TCP_CC_INFO: which numbers there are depends on the congestion control, and they have the names
 * that packetdrill gives them. Without an answer there are none. */
static void write_congestion(struct drill_run *run, int live)
{
    static const struct {
        const char *algorithm;
        struct {
            const char *name;
            unsigned offset, width;
        } fields[5];
    } kinds[] = {
        {"bbr",
         {{"bbr_bw_lo", 0, 4},
          {"bbr_bw_hi", 4, 4},
          {"bbr_min_rtt", 8, 4},
          {"bbr_pacing_gain", 12, 4},
          {"bbr_cwnd_gain", 16, 4}}},
        {"dctcp",
         {{"dctcp_enabled", 0, 2},
          {"dctcp_ce_state", 2, 2},
          {"dctcp_alpha", 4, 4},
          {"dctcp_ab_ecn", 8, 4},
          {"dctcp_ab_tot", 12, 4}}},
        {"",
         {{"tcpv_enabled", 0, 4},
          {"tcpv_rttcnt", 4, 4},
          {"tcpv_rtt", 8, 4},
          {"tcpv_minrtt", 12, 4}}},
    };
    char algorithm[32] = "";
    uint8_t values[64];
    socklen_t name_length = sizeof algorithm - 1, length = sizeof values;
    size_t kind = 0;
    memset(values, 0, sizeof values);
    if (hf_socket_getsockopt(run->sockets, live, IPPROTO_TCP, TCP_CONGESTION, algorithm,
                             &name_length) < 0 ||
        hf_socket_getsockopt(run->sockets, live, IPPROTO_TCP, TCP_CC_INFO, values, &length) < 0 ||
        length == 0)
        return;
    while (kind < 2 &&
           strncmp(algorithm, kinds[kind].algorithm, strlen(kinds[kind].algorithm)) != 0)
        kind++;
    for (size_t i = 0; i < 5 && kinds[kind].fields[i].name != NULL; i++) {
        unsigned offset = kinds[kind].fields[i].offset, width = kinds[kind].fields[i].width;
        if (offset + width <= length)
            fprintf(run->code_file, "'%s': %llu, ", kinds[kind].fields[i].name,
                    (unsigned long long)field_value(values, offset, width));
    }
}

/* SO_MEMINFO: numbers by their place, in Linux's names for the places. */
static void write_memory(struct drill_run *run, int live)
{
    static const char *const names[] = {
        "SK_MEMINFO_RMEM_ALLOC", "SK_MEMINFO_RCVBUF",    "SK_MEMINFO_WMEM_ALLOC",
        "SK_MEMINFO_SNDBUF",     "SK_MEMINFO_FWD_ALLOC", "SK_MEMINFO_WMEM_QUEUED",
        "SK_MEMINFO_OPTMEM",     "SK_MEMINFO_BACKLOG",   "SK_MEMINFO_DROPS",
    };
    uint8_t values[64];
    socklen_t length = sizeof values;
    if (hf_socket_getsockopt(run->sockets, live, SOL_SOCKET, SO_MEMINFO, values, &length) < 0)
        return;
    for (unsigned i = 0; i < sizeof names / sizeof names[0] && 4 * i + 4 <= length; i++)
        fprintf(run->code_file, "'%s': %llu, ", names[i],
                (unsigned long long)field_value(values, 4 * i, 4));
}

static bool write_values(struct drill_run *run, const struct drill_event *event)
{
    uint8_t info[INFO_BYTES];
    socklen_t length = sizeof info;
    int live =
        run->info_descriptor != DRILL_UNSET ? run->descriptors[run->info_descriptor].live : -1;
    int answer;
    memset(info, 0, sizeof info);
    if (live < 0)
        return true; /* code that asks for no socket may do without */
    answer = hf_socket_getsockopt(run->sockets, live, IPPROTO_TCP, TCP_INFO, info, &length);
    if (answer < 0) {
        run_fail(run, event, "TCP_INFO of socket %d: %s", run->info_descriptor, strerror(-answer));
        return false;
    }
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].offset + fields[i].width <= length)
            fprintf(run->code_file, "'%s': %llu, ", fields[i].name,
                    (unsigned long long)field_value(info, fields[i].offset, fields[i].width));
    }
    if (length > 6)
        fprintf(run->code_file, "'tcpi_snd_wscale': %d, 'tcpi_rcv_wscale': %d, ", info[6] & 15,
                info[6] >> 4);
    if (length > 7)
        fprintf(run->code_file,
                "'tcpi_delivery_rate_app_limited': %d, 'tcpi_fastopen_client_fail': %d, ",
                info[7] & 1, info[7] >> 1 & 3);
    write_congestion(run, live);
    write_memory(run, live);
    return true;
}

void run_code(struct drill_run *run, const struct drill_event *event)
{
    if (run->code_file == NULL) {
        run->code_file = open_memstream(&run->code, &run->code_length);
        if (run->code_file == NULL) {
            run_fail(run, event, "out of memory");
            return;
        }
        fputs(prologue, run->code_file);
    }
    fprintf(run->code_file, "run(%d, {", event->position.line);
    if (!write_values(run, event))
        return;
    fputs("}, ", run->code_file);
    write_literal(run->code_file, event->text);
    fputs(")\n", run->code_file);
    run->has_code = true;
}

/* The child's: python3 with the code on its standard input and our pipe as its output. */
static _Noreturn void become_python(FILE *code, int output)
{
    if (dup2(fileno(code), STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0)
        execlp("python3", "python3", "-I", "-", (char *)NULL);
    dprintf(output, "1:1: python3 cannot be run: %s", strerror(errno));
    _exit(127);
}

static bool read_verdict(struct drill_run *run, int input, pid_t child)
{
    char said[SAID_BYTES];
    size_t length = 0;
    ssize_t more;
    int status = 0;
    while ((more = read(input, said + length, sizeof said - 1 - length)) > 0 ||
           (more < 0 && errno == EINTR)) {
        if (more > 0)
            length += (size_t)more;
    }
    said[length] = '\0';
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        fputs(said, run->out); /* what the code printed */
        return true;
    }
    fprintf(run->out, "%s:%s%s", run->script->path, said,
            length > 0 && said[length - 1] == '\n' ? "" : "\n");
    run->failed = true;
    return false;
}

bool run_python(struct drill_run *run)
{
    FILE *file;
    int ends[2];
    pid_t child;
    bool fine = false;
    if (!run->has_code)
        return true;
    fflush(run->code_file);
    fflush(run->out);
    file = tmpfile();
    if (file == NULL || fwrite(run->code, 1, run->code_length, file) != run->code_length ||
        fflush(file) != 0 || fseek(file, 0, SEEK_SET) != 0 || pipe(ends) != 0) {
        run_fail(run, NULL, "the assertions cannot be handed to python3: %s", strerror(errno));
    } else {
        child = fork();
        if (child == 0)
            become_python(file, ends[1]);
        close(ends[1]);
        if (child > 0)
            fine = read_verdict(run, ends[0], child);
        else
            run_fail(run, NULL, "python3 cannot be started: %s", strerror(errno));
        close(ends[0]);
    }
    if (file != NULL)
        fclose(file);
    return fine;
}
