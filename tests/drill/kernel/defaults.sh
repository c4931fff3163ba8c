#!/bin/sh
# What the kernel's own scripts begin with, for the namespace of one script.
set -e
sysctl -qw \
    net.ipv4.tcp_timestamps=1 net.ipv4.tcp_sack=1 net.ipv4.tcp_dsack=1 \
    net.ipv4.tcp_window_scaling=1 net.ipv4.tcp_syn_retries=5 net.ipv4.tcp_synack_retries=5 \
    net.ipv4.tcp_max_syn_backlog=1024 net.ipv4.tcp_syncookies=1 net.ipv4.tcp_frto=2 \
    net.ipv4.tcp_reordering=3 net.ipv4.tcp_early_retrans=4 net.ipv4.tcp_recovery=1 \
    net.ipv4.tcp_retries1=3 net.ipv4.tcp_retries2=15 net.ipv4.tcp_ecn=0 \
    net.ipv4.tcp_slow_start_after_idle=0 net.ipv4.tcp_min_tso_segs=4 \
    net.ipv4.tcp_mtu_probing=0 net.ipv4.tcp_no_metrics_save=1 net.ipv4.tcp_fin_timeout=60 \
    net.ipv4.tcp_notsent_lowat=4294967295 \
    net.ipv4.tcp_fastopen=0x70403 net.ipv4.tcp_fastopen_key=a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4 \
    net.ipv4.tcp_max_tw_buckets=262144
sysctl -qw net.ipv4.tcp_rmem="4096 540000 15728640"
sysctl -qw net.ipv4.tcp_wmem="4096 262144 4194304"
