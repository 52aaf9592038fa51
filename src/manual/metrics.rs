//! Every metric of `/metrics`, and what to do about it.
//!
//! In Prometheus' text format; times in seconds. No label grows with the number of clients. What
//! has no value yet, such as a stuck worker, is not written.
//!
//! | metric | kind | meaning |
//! | --- | --- | --- |
//! | `poold_build_info` | gauge | Always 1; the label says which version runs. |
//! | `process_start_time_seconds` | gauge | When it was started, in seconds since 1970. Changes often: look into its log. |
//! | `poold_phase` | gauge | 1 for the phase that it is in: leaving is announced and still accepts, draining ends. Not running without anybody having asked for it: look into its log. |
//! | `poold_accepting_paused` | gauge | 1 while somebody has paused accepting. Go on with: poold resume. |
//! | `poold_clients_accepted_total` | counter | Clients accepted. Grows much faster than clients stay: they connect for each message, which costs more than staying. |
//! | `poold_clients` | gauge | Clients connected: resting ones wait for nothing, ready ones for a worker, running ones have one. Often ready: add workers, or make the handler quicker. |
//! | `poold_clients_max` | gauge | As many as there may be. Near it: raise --max-clients, and ulimit -n with it. |
//! | `poold_accept_errors_total` | counter | Failed accepts: exhausted for want of descriptors or memory (raise ulimit -n or lower --max-clients), client when it had gone already (nothing to do). |
//! | `poold_drain_clients_total` | counter | Clients gone since the drain began: by themselves, or reset at its deadline. Cut off: raise --drain, or have clients close when they see the end. |
//! | `poold_clients_refused_total` | counter | Clients kept out, or made to wait in the backlog with --when-full wait, by the limit. clients: raise --max-clients; address_share, address_list: theirs; overload, queue, wait: add workers. |
//! | `poold_clients_closed_total` | counter | Clients closed by a limit. Devices that should stay: raise the flag of the same name. shed: raise --max-clients. framing: mend the sender, or --framing. |
//! | `poold_slow_readers_disconnected_total` | counter | Clients that took nothing of what they were owed for --write-stall. Mend the client. |
//! | `poold_accept_rate_limited_total` | counter | How often clients had to wait in the backlog for --accept-rate. Raise it if they should not. |
//! | `poold_workers` | gauge | Workers that there are. Change it: poold set workers N. |
//! | `poold_workers_on_duty` | gauge | Workers called in now, the one that waits for clients included. |
//! | `poold_workers_busy` | gauge | Workers that serve a client now. All of them, for long: add workers. |
//! | `poold_workers_stuck` | gauge | Workers that have not come back from a handler for --stuck-after. See poold status and the log for their clients; find out what the handler waits for. |
//! | `poold_worker_stuck_seconds` | gauge | For each stuck worker, since when. See `poold status` and the log for the client. |
//! | `poold_handler_panics_total` | counter | Panics in handlers: each has closed its client. The log says where; mend the handler. |
//! | `poold_ready_wait_seconds` | histogram | How long a ready client has waited for a worker, for each turn. Often above 0.01: add workers, or make the handler quicker. |
//! | `poold_turn_seconds` | histogram | How long a turn has taken: reading, the handler, writing. Longer than you expect: the handler waits for something. |
//! | `poold_messages_received_total` | counter | Messages read. |
//! | `poold_messages_sent_total` | counter | Answers given to the clients that had asked. |
//! | `poold_received_bytes_total` | counter | Bytes read from clients. |
//! | `poold_sent_bytes_total` | counter | Bytes written to clients. |
//! | `poold_messages_truncated_total` | counter | Messages cut at --message-max. Raise it, or mend the sender. |
//! | `poold_messages_partial_total` | counter | Messages that ended with their connection, not with a delimiter. Many: clients are cut off in the midst of a message. |
//! | `poold_messages_dropped_total` | counter | Messages read and not delivered. overlong: over --message-max with --overlong drop; raise it, or mend the sender. |
