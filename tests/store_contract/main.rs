//! The contract of the store: every case is written once and runs on both engines. Cases of CASES.md carry their id.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails loudly")]

mod accounts;
mod alerts;
mod cluster;
mod crash;
mod edited_elsewhere;
mod flipped;
mod geopackage;
mod ground;
mod incidents;
mod killed;
mod killed_upgrade;
mod logs;
mod older;
mod outages;
mod plans;
mod publication;
mod register;
mod round_trip;
mod scopes;
mod speed;
mod together;
mod upkeep;

/// Each case as a test of each engine.
macro_rules! on_both_engines {
    ($($module:ident: $($case:ident),+;)+) => {
        mod sqlite {
            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                crate::$module::$case(crate::ground::Place::sqlite()).await;
            })+)+
        }
        mod postgis {
            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                crate::$module::$case(crate::ground::Place::postgis()).await;
            })+)+
        }
    };
}

on_both_engines! {
    register:
        rows_of_every_layer_come_back_as_they_went_in,
        import_counts_and_logs_changed_cells_only,
        import_of_some_columns_leaves_the_others,
        row_changed_meanwhile_is_a_conflict,
        import_is_all_or_nothing,
        i42_same_key_same_answer_rows_counted_once,
        cancelled_or_dry_import_changes_nothing,
        bulk_load_is_what_small_loads_are,
        filter_is_kept_or_refused,
        rows_that_pass_are_those_of_a_stream,
        row_that_breaks_a_rule_is_named,
        removed_rows_are_in_the_log;
    scopes:
        no_layer_leaks_across_a_scope,
        plans_do_not_leak_across_a_scope,
        roles_do_what_they_may,
        officers_names_are_revealed_with_a_purpose_and_nowhere_else;
    plans:
        rows_of_a_plan_come_back_as_they_went_in,
        e02_edit_on_an_older_version_of_the_same_grid_is_a_conflict,
        e04_eight_clients_lose_no_update,
        e06_same_key_same_answer_other_body_refused,
        e10_undo_is_byte_equal_and_names_what_built_on_it,
        undo_and_redo_run_to_both_ends,
        refused_edit_changes_nothing,
        random_edits_undone_are_the_first_state;
    together:
        plans_edited_together_are_undone_one_by_one,
        refused_plan_leaves_the_others_as_they_were,
        e06_keys_of_plans_edited_together_are_known_together;
    publication:
        publish_compares_and_swaps_the_plan_in_force,
        code_that_ended_never_comes_back,
        household_is_found_where_it_was_on_a_day,
        fork_goes_its_own_way,
        derived_layers_follow_the_version;
    upkeep:
        audit_chain_is_whole_and_append_only,
        purged_name_is_gone,
        what_is_older_than_its_retention_is_purged,
        backup_while_writing_is_a_whole_store,
        backup_is_restored_from_the_command_line,
        f13_newer_store_is_refused_with_both_versions,
        changed_row_is_found_by_name,
        reader_opens_beside_the_writer,
        write_is_heard_by_whoever_listens;
    incidents:
        place_says_village_grid_and_unit_and_nothing_is_dropped,
        incident_is_recorded_once_by_id_source_and_key,
        step_is_taken_on_the_version_that_was_seen_and_leaves_its_row,
        of_eight_clients_on_one_version_one_takes_the_step,
        published_plan_takes_open_incidents_home,
        incidents_are_seen_and_written_within_the_scope,
        filters_pages_and_counts_agree,
        copy_of_a_store_has_its_incidents,
        photo_is_kept_once_seen_by_its_own_copied_and_purged,
        m3_round_opens_what_is_overdue_takes_it_up_and_closes_it;
    alerts:
        alert_is_opened_once_seen_by_its_own_and_goes_up,
        rules_of_the_store_take_the_place_of_those_that_ship,
        spot_alarms_once_while_it_moves_and_until_it_is_over;
    accounts:
        users_sessions_and_tokens_come_and_go,
        token_reaches_no_farther_than_its_maker_does_now,
        accounts_are_managed_within_the_own_area,
        copy_of_a_store_has_its_accounts;
    crash:
        f01_killed_writer_loses_nothing_acknowledged;
    killed:
        f01_killed_import_leaves_all_rows_old_or_all_new,
        f01_killed_first_load_leaves_an_empty_table_or_a_full_one,
        f01_killed_publication_leaves_one_plan_in_force,
        f01_killed_backup_leaves_a_whole_copy_or_none,
        f01_killed_edit_of_several_plans_changes_all_or_none;
    logs:
        history_of_a_row_says_who_when_and_why,
        changed_log_is_found_by_name;
    older:
        f13_copy_of_every_older_version_is_restored_and_upgraded,
        old_logs_are_given_their_sums;
    killed_upgrade:
        f01_killed_upgrade_leaves_the_old_store_or_the_new_one;
}
