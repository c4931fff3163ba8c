# SPDX-License-Identifier: MIT
#
# Completion of handfast(1) for bash. Install as
# /usr/share/bash-completion/completions/handfast, or source it.
# tests/cli/completions_test holds it against `handfast help --list`.

# Prints the options of a command, those with a value ending in '='.
_handfast_options()
{
    local network=(--tun= --address= --kernel-address= --pcap= --trace= --ladder --msl= --mtu=
        --mtu-probing= --ecn= --congestion= --seed= --control= --fast-open --offload=
        --busy-poll= --verbose)

    case $1 in
    demo)
        printf '%s\n' --seed= --loss= --reorder= --bytes= --rate= --delay= --json --pcap= --wide \
            --columns= --absolute --verbose --step --no-colour --no-color --ascii --v6 --help
        ;;
    listen)
        printf '%s\n' --send= --recv= --expect= --generate= --discard --keep "${network[@]}" --help
        ;;
    connect)
        printf '%s\n' --send= --recv= --expect= --generate= --discard --timeout= "${network[@]}" --help
        ;;
    proxy)
        printf '%s\n' --forward= --reverse= --cores= "${network[@]}" --help
        ;;
    ss)
        printf '%s\n' --control= --json --metrics --help
        ;;
    wire)
        printf '%s\n' --forward --backward --both --delay= --jitter= --batch= --rate= \
            --queue= --queue-bytes= --codel= --red= --ecn --loss= --burst= --lose= --duplicate= --reorder= \
            --reorder-by= --corrupt= --mtu= --too-big --router= --a-address= --b-address= \
            --device-mtu= --seed= --seconds= --json= --help
        ;;
    drill)
        printf '%s\n' --jobs= --ladder --junit= --allow-shell --define= --ip_version= \
            --tolerance_usecs= --tolerance_percent= --mtu= --local_ip= --remote_ip= --bind_port= \
            --connect_port= --tcp_ts_tick_usecs= --non_fatal= --strict_segments --dry_run \
            --late_split --verbose --init_scripts= --code_command= --code_format= \
            --code_sockopt= --gateway_ip= --netmask_ip= --speed= --persistent_tun_dev \
            --use_expect --is_anyip --send_omit_free --tcp_ts_ecr_scaled --debug --help
        ;;
    bench)
        printf '%s\n' --connections= --json= --peer= --quick --rounds= --help
        ;;
    version)
        printf '%s\n' --help
        ;;
    help)
        printf '%s\n' --list --help
        ;;
    esac
}

_handfast()
{
    local commands="demo listen connect proxy ss wire drill bench version help"
    local demos="list handshake old-duplicate simultaneous-open transfer close lost-last-ack
        simultaneous-close half-open reset"
    local measurements="bulk connections idle memory timers lookup tun latency scale"
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]} option

    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$current")
        return
    fi
    case $previous in
    --send | --recv | --pcap | --trace | --control | --junit | --json | --peer)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    esac
    [ "$previous" = --ip_version ] && {
        mapfile -t COMPREPLY < <(compgen -W "ipv4 ipv6 ipv4-mapped-ipv6 all" -- "$current")
        return
    }
    # Other values are numbers and addresses: nothing to offer.
    for option in $(_handfast_options "$command"); do
        [ "$previous=" = "$option" ] && return
    done
    case $current in
    -*)
        mapfile -t COMPREPLY < <(compgen -W "$(_handfast_options "$command" | tr -d =)" \
            -- "$current")
        return
        ;;
    esac
    case $command in
    demo)
        mapfile -t COMPREPLY < <(compgen -W "$demos" -- "$current")
        ;;
    bench)
        mapfile -t COMPREPLY < <(compgen -W "$measurements" -- "$current")
        ;;
    help)
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
        ;;
    drill)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        ;;
    connect)
        mapfile -t COMPREPLY < <(compgen -A hostname -- "$current")
        ;;
    esac
}

complete -F _handfast handfast
