//! The tables of other tests again, over TLS: the same results. Left out are those that look for
//! their client by its address, which is the carrier's, those of the library's streams, and those of
//! clients that are refused before their handshake, or in the order in which they connect.

use crate::support::tunnel::over_tls;

/// Tests of a module, in a module of that name.
macro_rules! again {
    ($($name:ident: $($module:ident)::+ => $($test:ident)*;)*) => {$(
        mod $name {
            use super::over_tls;
            use $($module)::+ as table;
            $(
                #[test]
                fn $test() {
                    over_tls(table::$test);
                }
            )*
        }
    )*};
}

again! {
    framings: crate::recv::framings =>
        answers_are_framed_as_messages_are
        acknowledgements_are_framed_as_messages_are
        silence_ends_a_syslog_message
        a_drain_ends_a_syslog_message
        a_drain_tears_no_syslog_message
        bytes_of_no_message_are_counted;
    every_byte: crate::recv::every_byte =>
        as_json_every_byte_comes_back
        as_they_are_every_byte_comes_through;
    format: crate::recv::format =>
        raw_is_the_bytes_and_a_newline
        lines_and_zeros
        counted_octets
        lengths_in_front
        whatever_arrives
        what_is_too_long
        exactly_one_byte_too_long
        raw_of_raw_is_every_byte_and_none_besides
        a_dash_is_the_standard_output;
    exec_lines: crate::exec::lines =>
        each_message_is_answered_by_a_program_and_idle_clients_hold_no_worker
        a_message_is_all_that_a_program_reads_and_all_that_it_prints_is_the_reply
        a_program_that_prints_too_much_or_takes_too_long_is_stopped_and_its_client_closed
        the_deadline_of_a_drain_stops_them;
    exec_talk: crate::exec::talk =>
        programs_of_every_day
        a_program_that_never_reads_its_input_answers_whole
        a_program_with_endless_stderr_fills_no_disk
        failures_are_counted_and_each_kind_is_told_once
        the_script_of_the_manual_is_a_service;
    exec_ends: crate::exec::ends =>
        a_program_that_takes_too_long_is_told_to_end
        one_that_is_stopped_is_let_go_on_to_end
        one_that_ignores_that_is_killed_with_its_group
        what_a_program_leaves_behind_ends_with_it
        a_process_that_left_its_group_delays_no_client_and_ends_with_poold
        in_a_drain_running_programs_go_on_and_waiting_clients_are_refused
        the_deadline_asks_first_and_then_kills;
    exec_queue: crate::exec::queue =>
        a_client_that_left_while_waiting_runs_no_program_and_a_half_closed_one_is_served;
    exec_gone: crate::exec::gone =>
        a_program_whose_client_has_reset_is_told
        a_program_goes_on_where_that_is_asked_for
        a_client_that_has_sent_its_end_still_gets_all
        a_client_of_messages_that_has_gone_holds_no_worker
        a_client_that_is_closed_ends_its_program_in_time;
    owed: crate::drain::owed =>
        every_reply_that_is_owed_is_sent_before_the_end
        a_client_reset_in_a_drain_for_not_reading_counts_as_cut_off
        storing_services_get_bytes_that_come_after_the_end_was_sent
        a_service_that_waits_after_the_end_is_not_called_without_pause
        storing_services_get_partial_messages_at_the_deadline;
    closing: crate::drain::closing =>
        a_client_that_sends_after_its_end_is_read_until_its_time_to_close_is_over
        a_client_that_does_not_close_as_well_is_waited_for_but_not_for_long
        storing_services_get_what_was_read_of_a_client_that_takes_no_answers
        a_client_that_is_not_read_from_is_not_closed_for_its_message
        a_message_without_an_end_waits_until_its_service_takes_it
        what_was_begun_waits_even_at_the_deadline_until_its_service_takes_it
        in_a_drain_a_client_is_read_until_it_closes_however_much_it_sends;
    phases: crate::drain::phases =>
        phases_only_move_forward_and_can_be_watched
        clients_in_the_backlog_are_still_served
        a_server_that_is_dropped_drains
        a_handler_that_never_comes_back_does_not_hold_up_the_end
        hurrying_repeatedly_does_not_prolong_a_drain
        a_client_closed_before_the_drain_is_not_cut_off;
    signals: crate::drain::signals =>
        a_client_that_does_not_close_is_reset_at_the_deadline
        a_client_that_does_not_read_its_replies_gets_a_reset_and_no_false_end
        a_second_signal_ends_it_at_once
        each_client_that_stays_is_counted_as_cut_off;
    whole_answers: crate::drain::whole_answers =>
        a_client_that_reads_only_after_sending_all_gets_its_answer_too;
}
