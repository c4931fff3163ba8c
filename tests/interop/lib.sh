#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What the interoperability tests share. A test begins with
#
#   source "$(dirname "$0")/lib.sh"
#   enter PROGRAM...
#
# and from there runs inside namespaces of its own: a network with nothing in it but loopback and the
# TUN device that Handfast makes, a table of processes, and a table of mounts with an empty tmpfs over
# /run, where all files go. None of them has a name outside. They belong to the shell that runs the
# test: when it ends, however it ends (also by SIGKILL), the kernel kills what it started and takes
# the device, the packet filter, the processes and the files away with it.
#
# On the TUN device Handfast is 10.66.0.2 and fd66::2, the kernel 10.66.0.1 and fd66::1. Programs are
# started by name (start, handfast), waited for by what they say or do (said, eventually), and their
# end is part of the test (ends, stop): the exit code is asked for, and a report of a sanitizer fails
# the test. Nothing waits for a time to pass, only for things to happen, at most PATIENCE seconds.
set -Eeuo pipefail
trap 'printf "%s: line %s: failed: %s\n" "${0##*/}" "$LINENO" "$BASH_COMMAND" >&2' ERR

SCRATCH=/run/interop
PATIENCE=30
SKIPPED=77
INTEROP=$(realpath "$(dirname "${BASH_SOURCE[0]}")")

OURS=10.66.0.2
OURS6=fd66::2
KERNELS=10.66.0.1
KERNELS6=fd66::1
# Whether Handfast's device has offloads: auto, on, off.
OFFLOAD=${OFFLOAD-auto}
CORES=${CORES-1}
export OFFLOAD CORES INTEROP SCRATCH PATIENCE OURS OURS6 KERNELS KERNELS6

# The process ids of what was started, by name.
declare -A pids=()

note() {
    printf '%s\n' "-- $*"
}

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

skip() {
    printf 'skipped: %s\n' "$*"
    exit "$SKIPPED"
}

# enter PROGRAM...: what the test needs beside the usual; comes back inside the namespaces.
enter() {
    if [[ ${INTEROP_INSIDE-} == yes && $$ -eq 1 ]]; then
        enter_inside
        return
    fi
    local program
    [[ -n ${HANDFAST-} ]] || skip 'HANDFAST names no program (HANDFAST=build/handfast)'
    [[ -x $HANDFAST ]] || fail "HANDFAST=$HANDFAST cannot be run"
    ((EUID == 0)) || skip 'not root: TUN devices and network namespaces need it'
    [[ -c /dev/net/tun ]] || skip 'no /dev/net/tun (modprobe tun)'
    for program in ip ss unshare mount "$@"; do
        command -v "$program" >/dev/null ||
            skip "the program '$program' is missing; tools/setup installs it"
    done
    HANDFAST=$(realpath "$HANDFAST")
    export HANDFAST
    local namespaces=(unshare --net --mount --pid --fork --kill-child --mount-proc)
    "${namespaces[@]}" true 2>/dev/null || skip 'this kernel or container allows no namespaces'
    export INTEROP_INSIDE=yes
    exec "${namespaces[@]}" -- "$BASH" "$0" "${ARGUMENTS[@]}"
}

# The first process of a namespace of processes gets a signal from outside only if it has a trap.
enter_inside() {
    trap 'exit 143' TERM INT HUP
    trap 'finish $?' EXIT
    exec </dev/null
    mount -t tmpfs -o mode=755,size=1g tmpfs /run
    mkdir "$SCRATCH"
    cd "$SCRATCH"
    ip link set lo up
}

# The test is over; if it failed, what the programs said may say why.
finish() {
    local status=$1 log
    trap - EXIT
    ((status == 0)) && exit 0
    {
        for log in "$SCRATCH"/*.err; do
            [[ -s $log ]] || continue
            printf '== %s\n' "${log##*/}"
            tail -n 40 "$log"
        done
        printf '== ss\n'
        ss -tan exclude time-wait | head -n 40
        for log in "$SCRATCH"/*.sock; do
            [[ -S $log ]] || continue
            printf '== handfast ss, %s\n' "${log##*/}"
            timeout 5 "$HANDFAST" ss --control "$log" | head -n 40 || :
        done
    } >&2
    exit "$status"
}

# ---- programs in the background

# start NAME COMMAND...: output goes to NAME.out and NAME.err; input is what the caller has. Not
# passed on are descriptors 3 and 4: the test's ends of FIFOs, whose readers shall see an end.
start() {
    local name=$1
    shift
    : >"$SCRATCH/$name.out"
    : >"$SCRATCH/$name.err"
    "$@" <&0 >"$SCRATCH/$name.out" 2>"$SCRATCH/$name.err" 3>&- 4>&- &
    pids[$name]=$!
}

# open_inputs: what is written to 3 and 4 comes out of the FIFOs input3 and input4.
open_inputs() {
    [[ -p $SCRATCH/input3 ]] || mkfifo "$SCRATCH/input3" "$SCRATCH/input4"
    exec 3<>"$SCRATCH/input3" 4<>"$SCRATCH/input4"
}

running() {
    [[ -d /proc/${pids[$1]} ]]
}

# eventually WHAT COMMAND...: until the command succeeds.
eventually() {
    local what=$1 end=$((SECONDS + PATIENCE))
    shift
    until "$@"; do
        ((SECONDS < end)) || fail "waited $PATIENCE seconds in vain for $what"
        sleep 0.02
    done
}

has_said() {
    if ! running "$1" && ! grep -qE -- "$2" "$SCRATCH/$1.err"; then
        fail "$1 ended before it said '$2'"
    fi
    grep -qE -- "$2" "$SCRATCH/$1.err"
}

# said NAME PATTERN: waits for it.
said() {
    eventually "$1 to say '$2'" has_said "$1" "$2"
}

has_ended() {
    ! running "$1"
}

# has_printed NAME LINE...: these lines and no other, for eventually.
has_printed() {
    printf '%s\n' "${@:2}" | cmp -s - "$SCRATCH/$1.out"
}

hears() {
    eventually "$1 to print: ${*:2}" has_printed "$@"
}

# ends NAME CODE [PATTERN]: waits for its end, which has this exit code (or one of these, with | in
# between); what it said matches.
ends() {
    local name=$1 code=$2 pattern=${3-} found=0
    eventually "$name to end" has_ended "$name"
    wait "${pids[$name]}" || found=$?
    unset "pids[$name]"
    if grep -qE 'Sanitizer|runtime error:' "$SCRATCH/$name.err"; then
        fail "a sanitizer has something to say about $name"
    fi
    [[ $found =~ ^($code)$ ]] || fail "$name ended with $found, not with $code"
    if [[ -n $pattern ]] && ! grep -qE -- "$pattern" "$SCRATCH/$name.err"; then
        fail "$name did not say '$pattern' when it ended"
    fi
}

signal() {
    kill -s "$2" "${pids[$1]}"
}

# kill_hard NAME: it has no say in it.
kill_hard() {
    local found=0
    # The shell's own remark about it would look like an error.
    {
        signal "$1" KILL
        wait "${pids[$1]}" || found=$?
    } 2>/dev/null
    unset "pids[$1]"
    ((found == 137)) || fail "$1 had ended with $found before it was killed"
}

# stop NAME [PATTERN]: ends what runs until it is told to end (proxy, listen --keep, nginx).
stop() {
    signal "$1" TERM
    ends "$1" 0 "${2-}"
}

# handfast NAME COMMAND ARGUMENT...: starts it on the device, and waits until it is at work.
handfast() {
    local name=$1 command=$2
    shift 2
    ((CORES == 1)) || [[ $command != proxy ]] || set -- --cores "$CORES" "$@"
    start "$name" "$HANDFAST" "$command" --tun hf0 --control "$SCRATCH/$name.sock" \
        --offload "$OFFLOAD" \
        --address "$OURS/24" --kernel-address "$KERNELS/24" \
        --address "$OURS6/64" --kernel-address "$KERNELS6/64" "$@"
    case $command in
    proxy) said "$name" '^ready$' ;;
    listen) said "$name" 'listening on' ;;
    esac
}

# Of a running proxy that has nothing more to do: what is open comes to its end by itself.
stop_proxy() {
    eventually "$1 to have nothing open" ours_done "$1"
    stop "$1" '^handfast: '
    ! grep -q 'open connections were reset' "$SCRATCH/$1.err" ||
        fail "$1 still held connections when it was told to end"
}

ours_done() {
    running "$1" || fail "$1 has ended before it was told to"
    [[ $(our_states "$1") =~ ^(TIME-WAIT,?)*$ ]]
}

# ---- what the two TCPs say of themselves

# Only connections with this port at either end are spoken of; each part of a test takes another, so
# that the TIME-WAIT that one leaves is not taken for the next one's.
PORT=

next_port() {
    PORT=$((${PORT:-8999} + 1))
}

# The kernel's connections over the device: the states, sorted, with commas between.
kernel_states() {
    ss -Htan | awk -v port=":$PORT\$" '
        $5 !~ /^10\.66\.0\.2:/ && $5 !~ /^\[fd66::2\]:/ { next }
        $4 ~ port || $5 ~ port || port == ":$" { print $1 }' | sort | paste -sd ,
}

# The same of Handfast, from `handfast ss`; listeners are no connections.
our_states() {
    "$HANDFAST" ss --control "$SCRATCH/$1.sock" | awk -v port=":$PORT\$" '
        NR == 1 || $1 == "LISTEN" { next }
        $4 ~ port || $5 ~ port || port == ":$" { print $1 }' | sort | paste -sd ,
}

# ours_is NAME STATES, kernel_is STATES: for eventually.
ours_is() {
    running "$1" || fail "$1 has ended, and was to be in '$2'"
    [[ $(our_states "$1") == "$2" ]]
}

kernel_is() {
    [[ $(kernel_states) == "$1" ]]
}

# both_in PROXY OURS KERNELS: Handfast says that its end is in the first state, the kernel that its
# own is in the second, and both stay so.
both_in() {
    eventually "Handfast to be in '$2'" ours_is "$1" "$2"
    eventually "the kernel to be in '$3'" kernel_is "$3"
    ours_is "$1" "$2" || fail "Handfast left '$2' when the kernel came to '$3'"
}

# ---- a web server

# start_nginx [WORKERS]: an nginx with a configuration of its own, port 8080 of all addresses. It
# serves www/ and stores there what is PUT.
start_nginx() {
    mkdir -p "$SCRATCH/www" "$SCRATCH/body"
    cat >"$SCRATCH/nginx.conf" <<END
daemon off;
user root;
worker_processes 1;
pid $SCRATCH/nginx.pid;
error_log $SCRATCH/nginx.err warn;
events { worker_connections 4096; }
http {
    access_log off;
    sendfile on;
    keepalive_requests 1000000;
    client_max_body_size 0;
    client_body_temp_path $SCRATCH/body;
    proxy_temp_path $SCRATCH/body;
    fastcgi_temp_path $SCRATCH/body;
    uwsgi_temp_path $SCRATCH/body;
    scgi_temp_path $SCRATCH/body;
    server {
        listen 8080 backlog=4096;
        listen [::]:8080 backlog=4096;
        root $SCRATCH/www;
        location / { dav_methods PUT; }
    }
}
END
    start nginx nginx -p "$SCRATCH" -c "$SCRATCH/nginx.conf" -e "$SCRATCH/nginx.err"
    eventually 'nginx to listen' kernel_listens 8080
}

kernel_listens() {
    [[ -n $(ss -Htln "sport = :$1") ]]
}

# ---- files

# make_file NAME BYTES: what cannot be compressed, guessed or confused with another part of itself.
make_file() {
    mkdir -p "$(dirname "$SCRATCH/$1")"
    head -c "$2" /dev/urandom >"$SCRATCH/$1"
}

hash_of() {
    sha256sum "$@" | cut -d ' ' -f 1
}

same_files() {
    [[ $(hash_of "$1") == "$(hash_of "$2")" ]] || fail "$1 and $2 differ"
}

# ---- loss

# lose PER_MILLE: of the packets on the device, each way, so many of a thousand are lost at random.
# The kernel would show the filter up to 64 KiB of segments as one packet: it is told not to.
lose() {
    ip link set dev hf0 gso_max_segs 1
    nft -f - <<END
table inet loss {
    chain to_handfast {
        type filter hook output priority filter;
        oifname "hf0" counter
        oifname "hf0" numgen random mod 1000 < $1 counter drop
    }
    chain from_handfast {
        type filter hook input priority filter;
        iifname "hf0" counter
        iifname "hf0" numgen random mod 1000 < $1 counter drop
    }
}
END
}
