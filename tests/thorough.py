"""Tests that only `make test-thorough` runs: they take almost half of the time of all tests.

They start many processes, as others do that `make test` runs on the same code.
"""

from collections.abc import Iterable

import pytest

ONE_VARIANT = frozenset(
    {
        "tests.cli.test_commands",
        "tests.cli.test_ingest_command",
        "tests.clients.test_apollo_defer",
        "tests.clients.test_clients",
        "tests.database.sqlite.test_damage",
        "tests.database.sqlite.test_database_faults",
        "tests.ingest.test_kill",
        "tests.ingest.test_parser_faults",
        "tests.ingest.test_watch_ingest",
        "tests.ingest.test_watch_sites",
        "tests.ingest.test_worker_pool",
        "tests.server.graphiql.test_panes",
        "tests.server.test_draining",
        "tests.server.test_forwarded",
        "tests.server.test_mounted",
        "tests.server.test_read_only",
        "tests.server.test_reader_page",
        "tests.server.test_readiness",
        "tests.server.uvicorn.test_exit_timer",
        "tests.test_damaged_live",
        "tests.test_live",
    }
)
"""Modules in which `make test` runs only the first set of parameters of each test."""

TESTS: dict[str, tuple[str, ...]] = {
    "tests.benchmarks.test_history": ("test_each_step_of_a_short_history_equals_a_fresh_ingest",),
    "tests.benchmarks.test_hostile": ("test_an_attack_runs",),
    "tests.cli.test_commands": ("test_an_undecodable_file_name_is_printed",),
    "tests.cli.test_publish": (
        "test_a_restart_of_postgresql_is_survived",
        "test_a_leader_that_is_cut_off_within_a_batch_gives_up",
        "test_a_clean_stop_hands_the_lead_over_at_once",
    ),
    "tests.cli.test_ready_file": (
        "test_its_problems_are_those_of_check_and_bounded",
        "test_it_is_there_while_the_server_serves",
    ),
    "tests.cli.test_serve": ("test_a_signal_before_watching_rolls_the_ingest_back",),
    "tests.cli.test_site_options": ("test_the_watcher_of_a_server_keeps_the_options",),
    "tests.clients.test_clients": (
        "test_changes_made_while_the_server_is_down_arrive_once_when_it_is_back",
        "test_all_clients_work_below_the_path_of_a_mounted_application",
        "test_a_subscription_that_is_not_valid_is_refused",
        "test_a_page_in_the_cache_of_apollo_client_follows",
        "test_a_client_that_resumes_on_a_new_database_must_start_over",
        "test_who_unsubscribes_costs_the_server_nothing_any_more",
    ),
    "tests.database.sqlite.test_damage": (
        "test_a_rebuild_killed_at_any_step_leaves_the_old_store_or_the_new_one",
        "test_a_watch_ingest_recognizes_its_database_with_a_destroyed_first_page",
        "test_a_watch_ingest_that_detects_damage_replaces_the_database",
        "test_a_rebuild_on_a_full_disk_is_retried",
        "test_a_database_damaged_again_immediately_is_not_rebuilt_in_a_loop",
        "test_a_damaged_wal_loses_no_saved_file",
    ),
    "tests.engine.test_documents": ("test_a_document_counts_with_its_plans_and_statements",),
    "tests.engine.test_validation_error_bounds": (
        "test_the_cache_does_not_underestimate_an_invalid_document",
    ),
    "tests.ingest.test_parser_faults": (
        "test_a_deadly_file_among_many_becomes_a_problem",
        "test_a_deadly_file_saved_while_serving_affects_no_other_edit",
        "test_a_deadly_file_parsed_in_process_kills_only_one_ingest",
        "test_without_file_descriptors_an_ingest_exits_with_one_line_and_status_2",
        "test_parser_processes_that_always_die_are_reported_by_watch_ingest",
        "test_a_server_whose_disk_is_full_at_startup_retries",
        "test_a_server_that_cannot_ingest_at_startup_serves_the_existing_store",
        "test_a_watch_ingest_retries_its_first_ingest",
        "test_a_server_whose_parser_processes_die_at_startup_retries",
    ),
    "tests.ingest.test_watch_ingest": (
        "test_without_events_it_polls",
        "test_a_standby_stops_immediately",
        "test_it_exits_at_the_end_of_its_input_during_an_ingest",
    ),
    "tests.ingest.test_watch_ingest_faults": (
        "test_a_lock_held_longer_than_the_timeout_is_reported",
        "test_a_killed_parser_process_is_replaced",
        "test_a_missing_folder_is_reported_until_it_returns",
        "test_killed_at_any_time_it_recovers",
    ),
    "tests.ingest.test_worker_pool": ("test_many_deadly_files_do_not_stop_an_ingest",),
    "tests.reader.test_reader_live": ("test_the_reader_recovers_when_the_server_does",),
    "tests.sample.test_likeness": ("test_four_of_five_articles_are_unpublished",),
    "tests.server.graphiql.test_mounted": ("test_the_explorer_works_below_a_path_and_needs_nothing_outside",),
    "tests.server.graphiql.test_page": (
        "test_an_example_follows_the_content",
        "test_an_example_runs_with_no_network",
        "test_a_link_is_copied",
        "test_what_cannot_be_linked_to_is_said",
        "test_a_link_opens_beside_the_tabs_of_the_last_visit",
        "test_an_example_takes_the_place_of_a_running_subscription",
        "test_a_subscription_shows_saved_changes",
        "test_every_example_has_results",
        "test_the_active_tab_is_in_view_after_a_reload",
    ),
    "tests.server.graphiql.test_panes": (
        "test_a_server_that_stops_ends_a_subscription_with_a_reason",
        "test_typographic_characters_are_not_marked",
        "test_headers_are_not_stored_unless_the_switch_is_on",
        "test_a_rejected_token_is_named",
        "test_prettify_formats_the_query_and_both_json_panes",
        "test_headers_are_stored_while_the_switch_is_on",
    ),
    "tests.server.observability.test_logs_embedded": (
        "test_without_handlers_the_log_goes_to_standard_error",
        "test_the_program_s_handlers_and_levels_are_used",
    ),
    "tests.server.test_draining": (
        "test_during_the_drain_delay_requests_are_answered_but_the_server_is_not_ready",
        "test_under_nohup_a_hangup_is_ignored",
    ),
    "tests.server.test_media": (
        "test_ten_thousand_requests_leave_no_file_open",
        "test_server_processes_and_the_watcher_serve_the_same_folder",
    ),
    "tests.server.test_mounted": (
        "test_nothing_runs_after_the_host_has_ended",
        "test_fastapi_serves_queries_and_itself",
        "test_images_are_below_the_path",
    ),
    "tests.server.test_postgres_server": (
        "test_a_folder_is_ingested_and_served_in_one_process_group",
        "test_several_workers_and_the_ready_file",
    ),
    "tests.server.test_readiness": ("test_a_watcher_that_always_exits_is_shown",),
    "tests.server.test_request_trusted_documents": ("test_serve_trusts_the_documents_of_several_paths",),
    "tests.server.uvicorn.test_exit_timer": (
        "test_a_worker_that_does_not_respond_is_left",
        "test_ctrl_c_does_not_wait_for_a_watcher_that_does_not_respond",
        "test_further_signals_do_not_change_the_status",
        "test_ctrl_c_on_busy_processors",
    ),
    "tests.server.uvicorn.test_run": (
        "test_ingest_rejects_a_locked_database_and_serve_waits_for_it",
        "test_unpublished_articles_are_served_with_the_option",
        "test_sigterm_ends_within_ten_seconds_whatever_is_in_flight",
        "test_the_next_run_ingests_changes",
    ),
    "tests.test_damaged_live": (
        "test_a_worker_that_cannot_open_the_damaged_database_is_started_again",
        "test_a_server_rebuilds_a_database_that_is_damaged_at_its_start",
        "test_without_a_watcher_it_is_not_ready_until_it_is_rebuilt_by_hand",
        "test_all_servers_of_a_damaged_database_are_not_ready",
        "test_a_log_that_is_damaged_while_it_is_in_use_is_replaced_with_its_database",
    ),
    "tests.test_generated_queries": ("test_real_content_is_answered_as_the_oracle_answers",),
    "tests.test_live": (
        "test_a_watcher_that_is_killed_is_started_again",
        "test_the_watcher_ends_with_its_server",
        "test_a_worker_that_is_killed_is_started_again",
        "test_several_processes_stop_with_the_first",
        "test_several_processes_see_one_change",
        "test_without_watching_the_start_is_served",
        "test_several_processes_end_where_the_first_is_killed",
    ),
    "tests.test_schedule_live": (
        "test_watchers_that_are_killed_deliver_each_event_once_in_order_and_never_early",
    ),
    "tests.testing.test_plugin": (
        "test_a_configured_folder_is_served_once_for_the_session",
        "test_every_process_ends_with_pytest",
    ),
}
"""Tests by module."""


def is_thorough(item: pytest.Item, seen: set[tuple[str, str]]) -> bool:
    """Return whether only `make test-thorough` runs it. `seen` are the tests that had a variant so far."""
    assert isinstance(item, pytest.Function)
    module, test = item.module.__name__, item.originalname
    if test in TESTS.get(module, ()):
        return True
    is_further = module in ONE_VARIANT and (module, test) in seen
    seen.add((module, test))
    return is_further


def split(items: Iterable[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """Divide the tests into those of `make test` and the thorough ones."""
    seen: set[tuple[str, str]] = set()
    divided: tuple[list[pytest.Item], list[pytest.Item]] = ([], [])
    for item in items:
        divided[is_thorough(item, seen)].append(item)
    return divided
