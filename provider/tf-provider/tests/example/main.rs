//! The example provider as its users meet it: a process, and resources under the real Terraform.
//!
//! What is known to go wrong in providers, and the tests that show that it does not here. Tests of this folder are
//! named with their module, as are unit tests of the crate; `attached` is the folder beside this one.
//!
//! | | what goes wrong | shown by |
//! | --- | --- | --- |
//! | 1 | no cookie, and it starts all the same | `process::a_person_who_starts_it_is_told_what_it_is` |
//! | 1 | the handshake is not one line of six fields, or the certificate is padded | `process::terraforms_certificate_is_served_under_both_versions_of_tls` |
//! | 1 | a P-521 certificate marked as an authority is refused | `process::terraforms_certificate_is_served_under_both_versions_of_tls` |
//! | 1 | a caller without that certificate, or without its key, is served | `process::without_a_client_certificate_it_does_not_start`, `process::a_caller_without_a_certificate_is_refused`, `process::a_caller_with_another_certificate_of_the_same_name_is_refused`, `process::a_caller_that_shows_the_certificate_but_lacks_its_key_is_refused`, `process::a_caller_in_plain_text_is_refused` |
//! | 1 | the process's default decides on the cryptography | `tls::a_useless_default_of_the_process_changes_nothing` |
//! | 2 | one caller that says nothing holds up the others | `process::a_caller_that_says_nothing_holds_up_no_other`, `process::many_handshakes_at_once_all_succeed`, `scale::several_providers_start_at_once` |
//! | 2 | a handshake may take for ever | `process::a_caller_that_says_nothing_is_dropped_in_time` |
//! | 2 | others reach the socket | `process::only_the_user_reaches_the_socket` |
//! | 3 | Ctrl-C ends the provider and loses what it is making | `process::an_interrupt_does_not_end_it_and_shutdown_does`, `interrupt::ctrl_c_in_the_middle_of_a_create_loses_nothing` |
//! | 3 | so does SIGTERM | `interrupt::sigterm_to_terraform_loses_nothing`, `interrupt::sigterm_to_terraform_and_its_providers_loses_nothing`, `process::a_terminated_plugin_without_a_call_ends_at_once` |
//! | 3 | a stop does not reach what is running | `service::a_stop_reaches_running_operations`, `interrupt::ctrl_c_in_the_middle_of_a_create_loses_nothing` |
//! | 3 | it ends before Terraform says so, or not at all | `process::it_outlives_its_callers_connections_and_ends_its_streams_with_itself`, `process::it_ends_when_its_parent_is_gone`, `interrupt::the_provider_ends_when_terraform_is_killed`, `interrupt::a_provider_that_is_killed_is_an_error_and_no_hang` |
//! | 3 | stdio and broker are not served | `process::it_outlives_its_callers_connections_and_ends_its_streams_with_itself` |
//! | 4 | it cannot be run under a debugger | `attached::a_provider_under_a_debugger_serves_run_after_run_and_ends_when_interrupted` |
//! | 4 | the log is not hclog's JSON, and Terraform shows it raw | `log::an_event_is_one_line_of_hclog_with_its_fields`, `life::terraforms_log_has_the_providers_lines_with_their_fields` |
//! | 5 | an unknown is taken for ext 0 only, or written as something else | `codec::any_extension_is_an_unknown_and_ours_is_type_0`, `life::every_shape_of_value_goes_through_plan_and_apply_and_comes_back` |
//! | 5 | a number is taken in one encoding only, or loses digits | `codec::numbers_are_read_from_every_encoding`, `life::every_shape_of_value_goes_through_plan_and_apply_and_comes_back` |
//! | 5 | an error has no path | `codec::an_error_says_where` |
//! | 5 | state at the same version is not read from JSON, and a removed attribute breaks it | `service::state_is_upgraded_from_the_version_that_it_has`, `life::stored_state_of_an_older_shape_is_read` |
//! | 6 | an attribute has both a type and a nested type | `process::an_attribute_has_a_type_or_a_nested_type` |
//! | 6 | a message of more than 4 MiB is refused | `scale::an_attribute_of_twenty_mebibytes_passes_both_ways` |
//! | 7 | a failed destroy forgets the resource | `service::a_failed_destroy_leaves_the_prior_state`, `life::what_a_failed_create_has_made_is_in_the_state_and_replaced_by_the_next` |
//! | 7 | a half-made resource is forgotten | `service::a_half_made_thing_stays_in_the_state_beside_the_error`, `life::what_a_failed_create_has_made_is_in_the_state_and_replaced_by_the_next` |
//! | 7 | a field that is missing from a request means "gone" | `service::a_request_without_a_planned_state_destroys_nothing`, `service::a_read_says_gone_only_when_it_is` |
//! | 7 | a panic ends the process | `guard::a_panic_becomes_a_diagnostic_that_names_resource_and_operation`, `life::a_panic_is_an_error_that_names_the_resource_and_harms_no_other` |
//! | 8 | whoever builds it needs protoc | `the_build_runs_no_protoc` |
//! | 9 | it is big and slow | `make bench`, which fails beyond its limits |

mod built;
mod interrupt;
mod life;
mod patience;
mod plugin;
mod process;
mod scale;
mod terraform;

#[test]
fn the_tests_that_the_table_names_are_there() {
    let mut sources = String::new();
    let mut folders = vec![
        concat!(env!("CARGO_MANIFEST_DIR"), "/src").into(),
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests").into(),
    ];
    while let Some(folder) = folders.pop() {
        let entries: Vec<std::path::PathBuf> = std::fs::read_dir::<std::path::PathBuf>(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        for path in entries {
            if path.is_dir() {
                folders.push(path);
            } else {
                sources += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    let rows = include_str!("main.rs").lines();
    let rows = rows.filter(|line| line.starts_with("//! | ") && line.contains('`'));
    let named: Vec<_> = rows
        .flat_map(|row| row.split('`').skip(1).step_by(2))
        .filter(|name| *name != "make bench")
        .collect();
    assert!(named.len() > 30);
    for name in named {
        let function = name.rsplit("::").next().unwrap();
        assert!(
            sources.contains(&format!("fn {function}(")),
            "no test {name}"
        );
    }
}

/// With protoc neither on the path nor where its variable points, a build that asked for it would fail.
#[test]
fn the_build_runs_no_protoc() {
    let script = include_str!("../../build.rs");
    assert!(script.contains("protox::"), "{script}");
    assert!(script.contains("compile_fds"), "{script}");
}
