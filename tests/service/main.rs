//! The service from outside: the built binary, on both stores. Cases of CASES.md carry their id.

#![expect(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails loudly")]

mod access;
mod ats;
mod ats_forms;
mod basemaps;
mod behind;
mod client;
#[path = "../store_contract/cluster.rs"]
mod cluster;
mod codes;
mod counts;
mod county;
mod defined;
mod editing;
mod events;
mod exports;
mod faults;
mod features;
mod files;
mod foreign;
mod forms;
mod gdal;
mod hostile;
mod imports;
mod incidents;
mod leaks;
mod limits;
mod officers;
mod operation;
mod paging;
mod plans;
mod public;
mod room;
mod server;
mod slow;
mod systems;
mod tiles;
mod two;
mod two_villages;
mod wishes;

/// Each case as a test of each engine, against one server that they share.
macro_rules! on_both_engines {
    ($server:ident as $sqlite:ident, $postgis:ident: $($module:ident: $($case:ident),+;)+) => {
        mod $sqlite {
            $($(#[test]
            fn $case() {
                crate::$module::$case(crate::server::$server::sqlite());
            })+)+
        }
        mod $postgis {
            $($(#[test]
            fn $case() {
                crate::$module::$case(crate::server::$server::postgis());
            })+)+
        }
    };
}

on_both_engines! { Bare as bare_sqlite, bare_postgis:
    imports:
        file_is_judged_by_the_store_then_stored_and_served,
        i06_faulty_rows_are_all_named_and_the_good_ones_wait,
        i18_gb18030_and_i17_mark_are_read_with_their_names,
        i28_personal_columns_leave_no_byte,
        hostile_files_are_refused_with_their_code_and_no_path,
        i42_same_file_under_the_same_key_is_stored_once,
        row_that_others_changed_is_a_conflict,
        cancelled_import_leaves_the_old_state,
        a01_uploads_are_their_owners_and_rows_their_area_s;
    events:
        import_is_told_by_stages_and_then_its_layer;
    county:
        county_brings_its_own_zones_rules_and_lists,
        what_is_everybody_s_is_changed_by_those_of_the_whole_store_alone,
        village_digits_nobody_gives_out_are_said_and_stored,
        reason_of_an_import_is_kept_with_each_row,
        row_s_changes_are_read_by_those_who_read_logs_within_their_area;
    officers:
        officers_are_added_replaced_and_deleted_at_the_version_that_was_read,
        names_and_telephones_are_revealed_for_a_purpose_and_noted,
        audit_log_is_read_by_those_who_may_within_their_area;
}

on_both_engines! { Shared as sqlite, postgis:
    access:
        a04_exporter_who_asks_for_persons_is_refused_and_noted,
        a04_monitor_who_edits_is_refused_and_noted,
        a07_disabled_user_is_out_at_the_next_request,
        a09_wrong_passwords_slow_their_sender_alone,
        name_that_is_too_long_is_nobody_s,
        a11_sign_in_always_makes_a_new_session,
        a12_foreign_pages_cannot_write,
        a17_every_answer_has_the_headers,
        a17_what_tells_of_people_is_kept_nowhere_and_still_has_its_mark,
        token_is_shown_once_and_can_be_revoked,
        admin_of_a_region_gives_no_rights_outside_of_it;
    exports:
        export_is_written_fetched_by_its_owner_and_noted,
        ledgers_go_out_without_names_and_come_back_edited;
    leaks:
        a01_routes_by_roles_by_regions_leak_nothing;
    ats:
        conf_core_http_root_and_api_definition,
        conf_core_conformance,
        conf_core_crs84,
        conf_core_collections,
        conf_core_collection,
        conf_core_features,
        conf_core_bbox,
        conf_core_limit,
        conf_core_datetime,
        conf_core_feature,
        conf_core_query_parameters;
    ats_forms:
        conf_geojson,
        conf_html,
        conf_oas30_documents,
        conf_oas30_implementation;
    features:
        landing_links_lead_somewhere,
        pages_follow_each_other_and_hold_everything_once,
        every_filter_is_kept,
        axes_are_in_the_order_of_the_system,
        unknown_and_senseless_parameters_are_400,
        answer_is_304_until_something_changes,
        e13_odd_etags_never_break_anything;
    forms:
        form_is_what_the_client_takes;
    hostile:
        a19_hostile_parameters_never_break_anything,
        a19_names_that_are_none_are_nobody_s;
    paging:
        rows_that_come_and_go_between_pages_move_no_other;
    systems:
        boxes_and_filters_are_read_in_the_system_they_name;
    files:
        files_hold_what_the_query_means;
    plans:
        village_is_whole_and_fits_itself,
        viewer_sees_the_plan_and_no_household,
        e01_edit_says_what_it_is_based_on,
        e02_edit_of_a_grid_that_others_changed_is_a_conflict,
        e04_eight_clients_lose_no_update,
        e06_same_key_same_answer_other_body_refused,
        e08_edit_that_breaks_a_rule_is_refused_with_the_way_out,
        e10_undo_brings_back_the_hash_and_names_what_built_on_it,
        draft_with_a_problem_is_kept_and_not_published,
        plan_is_made_in_the_background_and_can_be_stopped,
        p03_plan_is_made_to_the_target_tolerance_and_barriers_that_are_wished,
        p16_wall_map_is_that_of_the_plan_that_is_named,
        plan_follows_the_register_when_it_is_told_to;
    editing:
        feature_is_made_replaced_changed_and_deleted_at_the_version_that_was_read,
        feature_is_judged_as_a_row_of_a_file,
        features_of_plans_and_incidents_are_not_edited_one_by_one;
    tiles:
        tile_holds_the_features_of_its_place,
        tile_of_leaders_has_each_with_role_and_unit_and_no_more,
        web_mercator_tile_of_buildings_has_each_where_it_stands,
        cgcs2000_tile_is_in_degrees_and_numbered_as_the_base_map;
    events:
        a07_whoever_is_moved_or_put_out_stops_listening_at_once,
        change_is_told_in_order_and_after_a_reconnect,
        job_is_told_to_whoever_started_it_and_to_nobody_else,
        plan_is_told_of_by_what_was_done,
        change_is_served_within_a_second;
    incidents:
        m2_incident_is_told_with_grid_and_unit_and_listed,
        incident_goes_its_way_and_no_other,
        intake_comes_once_and_takes_no_person,
        bulk_is_all_or_nothing_unless_partial,
        e06_same_key_same_incident_other_body_refused,
        e06_same_key_while_the_first_is_answered_is_409,
        words_of_an_incident_are_for_those_who_handle_it,
        m12_photo_is_kept_bare_and_seen_by_those_who_handle_the_incident,
        filters_of_incidents_are_kept_or_400;
    counts:
        statistics_sum_to_the_incidents_by_every_group,
        totals_of_leaders_day_and_week_are_a_count,
        m11_files_of_statistics_are_for_those_who_take_copies;
    room:
        m4_hotspots_explain_themselves_and_stay_within_the_scope,
        m4_hotspots_are_a_layer_for_gis,
        long_lists_are_packed_for_whoever_takes_it,
        m13_scan_runs_in_the_background,
        m3_emergency_alarms_until_somebody_looks,
        rules_that_alarm_are_changed_at_the_version_that_was_read_by_admins_of_their_area,
        report_of_a_day_is_a_page_with_map_and_chart;
    public:
        nothing_is_public_unless_it_is_said;
    basemaps:
        nothing_is_asked_of_other_hosts_without_a_key;
    gdal:
        ogr_reads_pages_filters_and_boxes;
    faults:
        f16_panic_is_500_with_its_id_and_is_counted,
        methods_nobody_knows_are_counted_as_one;
}

/// What no store has a part in, and what takes its time, is looked at once.
mod whatever_the_store {
    use crate::server::Shared;

    #[test]
    fn stream_beats_where_there_is_nothing_to_tell() {
        crate::events::stream_beats_where_there_is_nothing_to_tell(Shared::sqlite());
    }

    #[test]
    fn documents_are_served_as_they_stand_in_the_tree() {
        crate::defined::documents_are_served_as_they_stand_in_the_tree(Shared::sqlite());
    }

    #[test]
    fn json_beyond_its_bytes_is_413() {
        crate::limits::json_beyond_its_bytes_is_413(Shared::sqlite());
    }

    #[test]
    fn f08_half_open_heads_are_closed() {
        crate::faults::f08_half_open_heads_are_closed(Shared::sqlite());
    }
}
