//! The service from outside: the built binary, on both stores. Cases of CASES.md carry their id.

#![expect(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails loudly")]

mod access;
mod client;
#[path = "../store_contract/cluster.rs"]
mod cluster;
mod events;
mod faults;
mod features;
mod files;
mod gdal;
mod incidents;
mod leaks;
mod plans;
mod room;
mod server;
mod tiles;

/// Each case as a test of each engine, against one server that they share.
macro_rules! on_both_engines {
    ($($module:ident: $($case:ident),+;)+) => {
        mod sqlite {
            $($(#[test]
            fn $case() {
                crate::$module::$case(crate::server::Shared::sqlite());
            })+)+
        }
        mod postgis {
            $($(#[test]
            fn $case() {
                crate::$module::$case(crate::server::Shared::postgis());
            })+)+
        }
    };
}

on_both_engines! {
    access:
        a04_exporter_who_asks_for_persons_is_refused_and_noted,
        a07_disabled_user_is_out_at_the_next_request,
        a09_wrong_passwords_slow_their_sender_alone,
        a11_sign_in_always_makes_a_new_session,
        a12_foreign_pages_cannot_write,
        a17_every_answer_has_the_headers,
        token_is_shown_once_and_can_be_revoked,
        admin_of_a_region_gives_no_rights_outside_of_it;
    leaks:
        a01_routes_by_roles_by_regions_leak_nothing;
    features:
        landing_links_lead_somewhere,
        pages_follow_each_other_and_hold_everything_once,
        every_filter_is_kept,
        axes_are_in_the_order_of_the_system,
        unknown_and_senseless_parameters_are_400,
        a19_hostile_parameters_never_break_anything,
        answer_is_304_until_something_changes,
        e13_odd_etags_never_break_anything;
    files:
        files_hold_what_the_query_means;
    plans:
        village_is_whole_and_fits_itself,
        viewer_sees_the_plan_and_no_household,
        e01_edit_says_what_it_is_based_on,
        e02_edit_of_a_grid_that_others_changed_is_a_conflict,
        e06_same_key_same_answer_other_body_refused,
        e08_edit_that_breaks_a_rule_is_refused_with_the_way_out,
        e10_undo_brings_back_the_hash_and_names_what_built_on_it,
        draft_with_a_problem_is_kept_and_not_published,
        plan_is_made_in_the_background_and_can_be_stopped;
    tiles:
        tile_holds_the_features_of_its_place;
    events:
        change_is_told_in_order_and_after_a_reconnect,
        change_is_served_within_a_second;
    incidents:
        m2_incident_is_told_with_grid_and_unit_and_listed,
        incident_goes_its_way_and_no_other,
        intake_comes_once_and_takes_no_person,
        bulk_is_all_or_nothing_unless_partial,
        e06_same_key_same_incident_other_body_refused,
        words_of_an_incident_are_for_those_who_handle_it,
        filters_of_incidents_are_kept_or_400;
    room:
        statistics_sum_to_the_incidents_by_every_group,
        m11_files_of_statistics_are_for_those_who_take_copies,
        m4_hotspots_explain_themselves_and_stay_within_the_scope,
        m13_scan_runs_in_the_background,
        m3_emergency_alarms_until_somebody_looks,
        report_of_a_day_is_a_page_with_map_and_chart;
    gdal:
        ogr_reads_pages_filters_and_boxes;
    faults:
        f16_panic_is_500_with_its_id_and_is_counted,
        f08_half_open_heads_are_closed;
}
