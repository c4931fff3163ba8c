# SPDX-License-Identifier: MIT
#
# Completion of handfast(1) for fish. Install in a directory of $fish_complete_path.
# tests/cli/completions_test holds it against `handfast help --list`.

# True when the command is one of the arguments.
function __handfast_command
    set -l words (commandline -opc)
    test (count $words) -ge 2; and contains -- $words[2] $argv
end

function __handfast_no_command
    test (count (commandline -opc)) -eq 1
end

complete -c handfast -f

complete -c handfast -n __handfast_no_command -a demo -d 'Watch two hosts talk'
complete -c handfast -n __handfast_no_command -a listen -d 'Wait for a connection'
complete -c handfast -n __handfast_no_command -a connect -d 'Open a connection'
complete -c handfast -n __handfast_no_command -a proxy -d 'Relay between two TCPs'
complete -c handfast -n __handfast_no_command -a ss -d 'Show the connections of a running command'
complete -c handfast -n __handfast_no_command -a wire -d 'Join two TUN devices by a link'
complete -c handfast -n __handfast_no_command -a drill -d 'Run packetdrill scripts in virtual time'
complete -c handfast -n __handfast_no_command -a bench -d 'Measure what the stack costs here'
complete -c handfast -n __handfast_no_command -a version -d 'Say which version this is'
complete -c handfast -n __handfast_no_command -a help -d 'Say what the commands do'
complete -c handfast -n '__handfast_command demo listen connect proxy ss wire drill bench version help' \
    -l help -d 'Print help'

complete -c handfast -n '__handfast_command demo' -l seed -x -d 'Where all that is random comes from'
complete -c handfast -n '__handfast_command demo' -l loss -x -d 'Percent of the packets lost'
complete -c handfast -n '__handfast_command demo' -l reorder -x -d 'Percent of the packets overtaken'
complete -c handfast -n '__handfast_command demo' -l bytes -x -d 'How much the client sends'
complete -c handfast -n '__handfast_command demo' -l rate -x -d 'Bits per second of the link'
complete -c handfast -n '__handfast_command demo' -l delay -x -d 'Of the link, one way'
complete -c handfast -n '__handfast_command demo' -l json -d 'Events as lines of JSON'
complete -c handfast -n '__handfast_command demo' -l pcap -rF -d 'Write every packet as pcapng'
complete -c handfast -n '__handfast_command demo' -l wide -d 'A ladder of 132 columns'
complete -c handfast -n '__handfast_command demo' -l columns -x -d 'The width of the ladder'
complete -c handfast -n '__handfast_command demo' -l absolute -d 'Sequence numbers as on the wire'
complete -c handfast -n '__handfast_command demo' -l verbose -d 'Timers, round trips, windows too'
complete -c handfast -n '__handfast_command demo' -l step -d 'Wait for Enter after each step'
complete -c handfast -n '__handfast_command demo' -l no-colour -d 'No colour'
complete -c handfast -n '__handfast_command demo' -l no-color -d 'No colour'
complete -c handfast -n '__handfast_command demo' -l ascii -d 'ASCII characters only'
complete -c handfast -n '__handfast_command demo' -l v6 -d 'Over IPv6'
complete -c handfast -n '__handfast_command demo' \
    -a 'list handshake old-duplicate simultaneous-open transfer close lost-last-ack simultaneous-close half-open reset'

complete -c handfast -n '__handfast_command listen connect' -l send -rF -d 'Send this file'
complete -c handfast -n '__handfast_command listen connect' -l recv -rF -d 'Write what comes to this file'
complete -c handfast -n '__handfast_command listen connect' -l expect -x -d 'How much the peer will send'
complete -c handfast -n '__handfast_command listen connect' -l generate -x -d 'Send so many zero bytes'
complete -c handfast -n '__handfast_command listen connect' -l discard -d 'Write what comes nowhere'
complete -c handfast -n '__handfast_command listen' -l keep -d 'Serve one connection after the other'
complete -c handfast -n '__handfast_command connect' -l timeout -x -d 'Give up if it is not open by then'
complete -c handfast -n '__handfast_command connect' -a '(__fish_print_hostnames)'

complete -c handfast -n '__handfast_command proxy' -l forward -x -d 'From Handfast to the kernel'
complete -c handfast -n '__handfast_command proxy' -l reverse -x -d 'From the kernel through Handfast'
complete -c handfast -n '__handfast_command proxy' -l cores -x -d 'Stacks and threads, one for each core'

complete -c handfast -n '__handfast_command listen connect proxy' -l tun -x -d 'The TUN device'
complete -c handfast -n '__handfast_command listen connect proxy' -l address -x -d "An address of Handfast's"
complete -c handfast -n '__handfast_command listen connect proxy' -l kernel-address -x -d "An address of the kernel's end"
complete -c handfast -n '__handfast_command listen connect proxy' -l pcap -rF -d 'Write every packet as pcapng'
complete -c handfast -n '__handfast_command listen connect proxy' -l trace -rF -d 'Write every event as JSON'
complete -c handfast -n '__handfast_command listen connect proxy' -l ladder -d 'Draw every segment on stderr'
complete -c handfast -n '__handfast_command listen connect proxy' -l msl -x -d 'Maximum segment lifetime in seconds'
complete -c handfast -n '__handfast_command listen connect proxy' -l mtu -x -d 'The largest packet'
complete -c handfast -n '__handfast_command listen connect proxy' -l mtu-probing -x -a '0 1 2' -d 'Search for the MTU of the path'
complete -c handfast -n '__handfast_command listen connect proxy' -l ecn -x -a '0 1 2 3 4 5' -d 'Explicit congestion notification'
complete -c handfast -n '__handfast_command listen connect proxy' -l congestion -x -a 'cubic reno bbr dctcp' -d 'Congestion control'
complete -c handfast -n '__handfast_command listen connect proxy' -l seed -x -d 'Derive all that is random from it'
complete -c handfast -n '__handfast_command listen connect proxy' -l control -rF -d 'The socket that answers handfast ss'
complete -c handfast -n '__handfast_command listen connect proxy' -l fast-open -d 'TCP Fast Open both ways'
complete -c handfast -n '__handfast_command listen connect proxy' -l offload -x -a 'auto on off' -d 'Many segments as one'
complete -c handfast -n '__handfast_command listen connect proxy' -l busy-poll -x -d 'Look for packets before sleeping, microseconds'
complete -c handfast -n '__handfast_command listen connect proxy' -l verbose -d 'Say what happens'

complete -c handfast -n '__handfast_command ss' -l control -rF -d 'The socket of the command to ask'
complete -c handfast -n '__handfast_command ss' -l json -d 'All that is known, as JSON'
complete -c handfast -n '__handfast_command ss' -l metrics -d 'What is remembered of paths'

complete -c handfast -n '__handfast_command wire' -l forward -d 'What follows is for A to B'
complete -c handfast -n '__handfast_command wire' -l backward -d 'What follows is for B to A'
complete -c handfast -n '__handfast_command wire' -l both -d 'What follows is for both again'
complete -c handfast -n '__handfast_command wire' -l delay -x -d 'One way'
complete -c handfast -n '__handfast_command wire' -l jitter -x -d 'Up to this much more'
complete -c handfast -n '__handfast_command wire' -l batch -x -d 'Handed on at multiples of this'
complete -c handfast -n '__handfast_command wire' -l rate -x -d 'Bits per second'
complete -c handfast -n '__handfast_command wire' -l queue -x -d 'How many wait for the rate'
complete -c handfast -n '__handfast_command wire' -l queue-bytes -x -d 'The same in bytes'
complete -c handfast -n '__handfast_command wire' -l codel -x -d 'CoDel manages the queue'
complete -c handfast -n '__handfast_command wire' -l red -x -d 'RED manages the queue'
complete -c handfast -n '__handfast_command wire' -l ecn -d 'Mark instead of dropping'
complete -c handfast -n '__handfast_command wire' -l loss -x -d 'Packets lost'
complete -c handfast -n '__handfast_command wire' -l burst -x -d 'Loss in bursts'
complete -c handfast -n '__handfast_command wire' -l lose -x -d 'Lose these packets'
complete -c handfast -n '__handfast_command wire' -l duplicate -x -d 'Packets delivered twice'
complete -c handfast -n '__handfast_command wire' -l reorder -x -d 'Packets held back'
complete -c handfast -n '__handfast_command wire' -l reorder-by -x -d 'For how long'
complete -c handfast -n '__handfast_command wire' -l corrupt -x -d 'Packets with a bit flipped'
complete -c handfast -n '__handfast_command wire' -l mtu -x -d 'Larger packets are dropped'
complete -c handfast -n '__handfast_command wire' -l too-big -d 'The sender is told by ICMP'
complete -c handfast -n '__handfast_command wire' -l router -x -d 'Who tells it'
complete -c handfast -n '__handfast_command wire' -l a-address -x -d "An address of the kernel's end of A"
complete -c handfast -n '__handfast_command wire' -l b-address -x -d 'The same for B'
complete -c handfast -n '__handfast_command wire' -l device-mtu -x -d 'The MTU of both devices'
complete -c handfast -n '__handfast_command wire' -l seed -x -d 'What chance does'
complete -c handfast -n '__handfast_command wire' -l seconds -x -d 'End after this time'
complete -c handfast -n '__handfast_command wire' -l json -rF -d 'Write what was done as JSON'

complete -c handfast -n '__handfast_command drill' -F
complete -c handfast -n '__handfast_command drill' -l jobs -x -d 'So many scripts at once'
complete -c handfast -n '__handfast_command drill' -l ladder -d 'Draw every run'
complete -c handfast -n '__handfast_command drill' -l junit -rF -d 'Write the results as XML too'
complete -c handfast -n '__handfast_command drill' -l allow-shell -d 'Run the shell commands of scripts'
complete -c handfast -n '__handfast_command drill' -l define -x -d 'What a word of scripts reads as'
complete -c handfast -n '__handfast_command drill' -l ip_version -x -a 'ipv4 ipv6 ipv4-mapped-ipv6 all' -d 'Over which IP'
complete -c handfast -n '__handfast_command drill' -l tolerance_usecs -x -d 'How far a time may be off'
complete -c handfast -n '__handfast_command drill' -l tolerance_percent -x -d 'The same, of the time before'
complete -c handfast -n '__handfast_command drill' -l mtu -x -d "The stack's MTU"
complete -c handfast -n '__handfast_command drill' -l local_ip -x -d "The stack's address"
complete -c handfast -n '__handfast_command drill' -l remote_ip -x -d "The address of the scripts' peer"
complete -c handfast -n '__handfast_command drill' -l bind_port -x -d 'The port of bind'
complete -c handfast -n '__handfast_command drill' -l connect_port -x -d 'The port of connect'
complete -c handfast -n '__handfast_command drill' -l tcp_ts_tick_usecs -x -d 'One tick of TS val'
complete -c handfast -n '__handfast_command drill' -l non_fatal -x -a 'packet syscall packet,syscall' -d 'Mismatches that only warn'
complete -c handfast -n '__handfast_command drill' -l strict_segments -d 'A line is one segment'
complete -c handfast -n '__handfast_command drill' -l late_split -d 'By way of super-segments'
complete -c handfast -n '__handfast_command drill' -l dry_run -d 'Only read the scripts'
complete -c handfast -n '__handfast_command drill' -l verbose -d 'Every packet and call'
complete -c handfast -n '__handfast_command drill' -l init_scripts -x -d 'Only defaults.sh is known'
complete -c handfast -n '__handfast_command drill' -l code_command -x -d 'What runs the code in scripts'
complete -c handfast -n '__handfast_command drill' -l code_format -x -d 'The language of that code'
complete -c handfast -n '__handfast_command drill' -l code_sockopt -x -d 'What the code is told'
complete -c handfast -n '__handfast_command drill' -l gateway_ip -x -d 'Without effect'
complete -c handfast -n '__handfast_command drill' -l netmask_ip -x -d 'Without effect'
complete -c handfast -n '__handfast_command drill' -l speed -x -d 'Without effect'
complete -c handfast -n '__handfast_command drill' -l persistent_tun_dev -d 'Without effect'
complete -c handfast -n '__handfast_command drill' -l use_expect -d 'Without effect'
complete -c handfast -n '__handfast_command drill' -l is_anyip -d 'Without effect'
complete -c handfast -n '__handfast_command drill' -l send_omit_free -d 'Without effect'
complete -c handfast -n '__handfast_command drill' -l tcp_ts_ecr_scaled -d 'Without effect'
complete -c handfast -n '__handfast_command drill' -l debug -d 'Without effect'

complete -c handfast -n '__handfast_command bench' -a 'bulk connections idle memory timers lookup tun latency scale'
complete -c handfast -n '__handfast_command bench' -l connections -x -d 'Up to so many'
complete -c handfast -n '__handfast_command bench' -l json -rF -d 'Write all that was found as JSON'
complete -c handfast -n '__handfast_command bench' -l peer -rF -d 'Measure this program beside'
complete -c handfast -n '__handfast_command bench' -l quick -d 'Seconds rather than minutes'
complete -c handfast -n '__handfast_command bench' -l rounds -x -d 'So many interleaved runs'

complete -c handfast -n '__handfast_command help' -l list -d 'Every command and option, for programs'
complete -c handfast -n '__handfast_command help' -a 'demo listen connect proxy ss wire drill bench version help'
