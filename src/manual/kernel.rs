//! Limits of the system that come before poold's, on Linux.
//!
//! | what | why | look, and change |
//! | --- | --- | --- |
//! | descriptors of the process | one for each client; poold raises its soft limit to the hard one, 1 048 576 at most, and takes 32 for itself | `ulimit -Hn`; `LimitNOFILE=`, `--ulimit nofile=` |
//! | `fs.file-max`, `fs.nr_open` | descriptors of the whole machine, and the highest hard limit | `sysctl fs.file-nr` |
//! | `net.core.somaxconn` | caps the backlog, for which poold asks 4096; when it is full, clients try again after 1 s, 3 s, 7 s | `ss -ltn` (Recv-Q of Send-Q), `nstat -az TcpExtListenOverflows` |
//! | `net.ipv4.tcp_max_syn_backlog` | connections half made | `nstat -az TcpExtTCPReqQFullDoCookies` |
//! | `net.ipv4.tcp_rmem`, `tcp_wmem` | buffers of each connection: least, begin, most | with 100 000 clients lower the third figures |
//! | `net.ipv4.tcp_mem` | buffers of all connections, in pages; beyond it the kernel drops | `cat /proc/net/sockstat` |
//! | `net.ipv4.ip_local_port_range` | ports of a client machine that connects often: 28 232 to one address and port | a load generator needs more addresses, not poold |
//! | `net.netfilter.nf_conntrack_max` | a firewall that tracks connections refuses beyond it, in silence | `dmesg`, `sysctl net.netfilter.nf_conntrack_count` |
//! | `vm.max_map_count`, `kernel.threads-max` | threads: workers and two more | only with hundreds of workers |
//!
//! What poold sets itself on each connection: `TCP_NODELAY`; keepalive after 60 s, every 15 s, four
//! times. So a peer that died without a word while nothing was owed to it is found within two
//! minutes, whatever `net.ipv4.tcp_keepalive_time` says. One that is owed something is found when
//! the kernel gives up sending it again, after some 15 minutes (`net.ipv4.tcp_retries2`), or by
//! `--write-stall`. `TCP_USER_TIMEOUT` is not set: it would also cut off who lives and does not
//! read for so long. `SO_REUSEADDR` on the listener: a restart does not wait for TIME_WAIT.
//! `tcp_tw_reuse` and the like need no change for a server.
