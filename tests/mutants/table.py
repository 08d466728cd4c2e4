"""Faults that were in our code once, or nearly so, each with a test that must notice it.

A row is an exact text that stands once in its file. Whoever rewrites that code moves the fault
along: the row names the promise by its test, not the mechanism.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutant:
    """`file`: below the root; `test`: its id for pytest."""

    file: str
    text: str
    instead: str
    test: str


MUTANTS = (
    # Money: nothing is paid twice, and no limit is passed
    Mutant(
        "rh_api/wire/orders.py",
        "_REFUSALS = (Refused, QueueFull, RateLimited, ContentRefused)",
        "_REFUSALS = (Refused, QueueFull, RateLimited, ContentRefused, UploadFailed)",
        "tests/client/test_faults.py::test_an_order_that_is_answered_by_a_failed_file_is_sent_once",
    ),
    Mutant(
        "rh_api/wire/orders.py",
        "        repeatable=False,\n",
        "        repeatable=True,\n",
        "tests/contract/test_reader.py::test_only_what_starts_or_sends_something_is_not_repeatable",
    ),
    Mutant(
        "rh_api/run/retry.py",
        "(self.repeatable and error.fate is Fate.UNKNOWN)",
        "error.fate is Fate.UNKNOWN",
        "tests/client/test_webhooks.py"
        "::test_only_what_may_be_asked_twice_is_sent_again_after_a_lost_reply",
    ),
    Mutant(
        "rh_api/programs/model.py",
        "return frozenset(assumed if error.fate is Fate.NOT_STARTED else sent)",
        "return frozenset(assumed)",
        "tests/client/test_models.py"
        "::test_a_task_that_could_not_fetch_its_file_is_not_paid_for_again",
    ),
    Mutant(
        "rh_api/programs/whole_graph.py",
        "return about and error.fate is Fate.NOT_STARTED",
        "return about",
        "tests/client/test_native.py"
        "::test_auto_pays_no_second_time_for_a_task_that_failed_over_a_workflow_s_id",
    ),
    Mutant(
        "rh_api/programs/quick_create.py",
        "is_of_module = error.code in (301, 901) and error.fate is Fate.NOT_STARTED",
        "is_of_module = error.code in (301, 901)",
        "tests/client/test_quick.py::test_of_a_task_that_failed_it_is_not_said_that_it_was_refused",
    ),
    Mutant(
        "rh_api/money/limits.py",
        "if spent.get(unit, 0) + needed.get(unit, 0) > most:",
        "if needed.get(unit, 0) > most:",
        "tests/client/test_limits.py::test_at_once_they_never_hold_more_than_the_day_leaves_and_one_too_many_waits",
    ),
    Mutant(
        "rh_api/money/limits.py",
        "return {unit: min(sums[unit] for sums",
        "return {unit: max(sums[unit] for sums",
        "tests/client/test_limits.py::test_the_stored_limit_and_the_environment_s_the_lower_holds",
    ),
    Mutant(
        "rh_api/cli/offload.py",
        "        await _check(run, services, terminal)\n",
        "",
        "tests/cli/test_offload.py"
        "::test_a_model_of_a_later_part_is_refused_before_an_earlier_one_is_paid",
    ),
    Mutant(
        "rh_api/offload/partition.py",
        "takes = node_id in savers and edge.input != SAVERS[node.class_type].input",
        "takes = False",
        "tests/unit/offload/test_files.py"
        "::test_a_saver_of_what_is_here_is_no_order_for_the_number_that_it_takes",
    ),
    Mutant(
        "nodes/runtime/past_orders.py",
        "if isinstance(error, RunningHubError) and error.fate is Fate.NOT_STARTED:",
        "if error is not None:",
        "tests/unit/nodes/test_history_routes.py"
        "::test_a_request_that_may_have_ordered_is_not_tried_again",
    ),
    Mutant(
        "nodes/runtime/past_orders.py",
        "        reroll_seeds=rerolls,\n",
        "",
        "tests/unit/nodes/test_history_routes.py"
        "::test_what_had_new_seeds_has_new_ones_when_it_is_ordered_anew",
    ),
    Mutant(
        "nodes/runtime/prompt_handler.py",
        "        _refuse_dead_links(graph, extra.canvas, targets, local_classes.info)\n",
        "",
        "tests/unit/nodes/test_prompt.py"
        "::test_a_picture_whose_source_is_muted_is_not_the_stored_one",
    ),
    # An order's life
    Mutant(
        "rh_api/run/engine.py",
        "        except asyncio.CancelledError:\n            self._spawn_cancel(active)\n            raise",
        "        except asyncio.CancelledError:\n            raise",
        "tests/client/test_stop.py::test_stop_cancels_in_the_cloud",
    ),
    Mutant(
        "rh_api/run/engine.py",
        "        except TimeLimit:\n            self._spawn_cancel(active)\n            raise",
        "        except TimeLimit:\n            raise",
        "tests/client/test_stop.py::test_the_time_limit_cancels_and_says_so",
    ),
    Mutant(
        "rh_api/run/submit.py",
        "        await self.canceller.cancel_order(order_id, ticket.task_id, order)\n",
        "",
        "tests/client/test_stop.py::test_stop_while_the_order_is_on_its_way_cancels_as_soon_as_the_id_is_known",
    ),
    Mutant(
        "rh_api/run/recovery.py",
        "        if is_unwanted:\n",
        "        if False:\n",
        "tests/client/test_stop.py::test_stop_after_a_lost_reply_is_told_and_holds_once_the_task_is_known",
    ),
    Mutant(
        "rh_api/run/cancellation.py",
        "if self.context.leaving or order_id in self._cancelling:",
        "if order_id in self._cancelling:",
        "tests/client/test_promises.py::test_promise_2_a_process_that_ends_cancels_nothing",
    ),
    Mutant(
        "rh_api/run/engine.py",
        "        self.context.spawn(self.recovery.repeat_cancels(), CANCELS)\n",
        "",
        "tests/client/test_promises.py::test_promise_2_a_cancel_without_proof_is_repeated_at_the_next_start",
    ),
    Mutant(
        "rh_api/run/engine.py",
        "            raise self.recovery.uncertain_error(earlier)",
        "            return None",
        "tests/client/test_questions.py::test_an_uncertain_order_stops_its_twin_even_after_a_restart_until_told_again",
    ),
    Mutant(
        "rh_api/run/recovery.py",
        "if twin is not None and twin.id != order:",
        "if twin is not None and twin.id < 0:",
        "tests/cli/test_task.py::test_a_task_of_another_workflow_or_order_is_no_answer",
    ),
    Mutant(
        "rh_api/run/engine.py",
        "(earlier.is_under_way or earlier.is_done_in(scope))",
        "earlier.is_under_way",
        "tests/client/test_batches.py::test_equal_items_of_a_new_run_are_one_order_however_late_their_files_are",
    ),
    Mutant(
        "rh_api/run/engine.py",
        "if error.status not in EXPIRED or not self.delivery.is_old(row):",
        "if error.status:",
        "tests/client/test_lost_results.py::test_an_old_order_is_paid_anew_only_when_its_results_are_gone",
    ),
    Mutant(
        "rh_api/run/submit.py",
        "        await self.limiter.take(watch)\n",
        "        self.limiter.occupy()\n",
        "tests/client/test_faults.py::test_more_orders_than_places_wait_their_turn_without_being_refused",
    ),
    Mutant(
        "rh_api/run/report_query.py",
        "            raise\n        newer = error\n",
        "            raise\n        raise\n",
        "tests/client/test_tasks.py::test_without_the_recommended_route_the_older_one_tells",
    ),
    Mutant(
        "rh_api/run/submit.py",
        "            now = self.limiter.tasks_seen\n",
        "            now = before\n",
        "tests/client/test_questions.py::test_tasks_before_a_lost_order_count_what_was_ordered_since_they_were_read",
    ),
    Mutant(
        "rh_api/run/report_query.py",
        "COMPLETION_DEADLINE_SECONDS = 10.0",
        "COMPLETION_DEADLINE_SECONDS = 0.0",
        "tests/client/test_completeness.py::test_results_that_are_listed_late_are_waited_for",
    ),
    Mutant(
        "rh_api/run/retry.py",
        "cost, least = RATE_COST, retry_after or 0.0",
        "cost, least = RATE_COST, 0.0",
        "tests/client/test_faults.py::test_a_pace_that_is_asked_for_is_kept",
    ),
    # Stop and the end of a process
    Mutant(
        "rh_api/client.py",
        "(sessions, *reversed(steps), self._join_waiters)",
        "(sessions, *reversed(steps))",
        "tests/client/test_closing.py::test_an_order_is_waited_for_however_far_it_has_come",
    ),
    # The key, and whom is trusted
    Mutant(
        "rh_api/net/safety.py",
        'host.endswith("." + suffix)',
        "host.endswith(suffix)",
        "tests/attacks/test_addresses.py::test_a_result_elsewhere_is_refused_before_anybody_is_asked",
    ),
    Mutant(
        "rh_api/net/download.py",
        'url = check_redirect(url, response.headers.get("Location", ""), self._settings)',
        'url = SafeUrl(response.headers["Location"], url.scheme, url.host, url.port)',
        "tests/attacks/test_addresses.py::test_a_redirect_elsewhere_is_refused_at_its_hop",
    ),
    Mutant(
        "nodes/runtime/prompt_handler.py",
        '        _refuse_keys(passed, data.get("extra_data"), extra.canvas, config.known_keys())\n',
        "",
        "tests/unit/nodes/test_prompt.py::test_a_prompt_that_holds_the_own_key_is_refused",
    ),
    Mutant(
        "rh_api/net/happy_eyeballs.py",
        "    debuglevel = 0  #",
        "    level = 0  #",
        "tests/net/test_redact.py::test_a_pack_that_prints_its_requests_does_not_print_our_key",
    ),
    Mutant(
        "rh_api/cli/migrate.py",
        "replace_bytes(backup, before, mode)",
        "replace_bytes(backup, before)",
        "tests/cli/test_migrate.py::test_who_could_not_read_a_file_can_read_none_of_its_copies",
    ),
    Mutant(
        "rh_api/cli/migrate.py",
        "replace_bytes(path.resolve(), data, mode)",
        "replace_bytes(path, data, mode)",
        "tests/cli/test_migrate.py::test_a_key_goes_from_the_file_behind_a_link",
    ),
    # What comes back is what it is
    Mutant(
        "rh_api/net/download.py",
        'declared.kind is Kind.TEXT and b"\\0" not in head',
        'declared.kind is Kind.TEXT and b"\\0" not in head and sniff(head) is None',
        "tests/client/test_result_types.py::test_a_caption_that_begins_like_a_file_is_a_text",
    ),
    Mutant(
        "rh_api/run/stored_results.py",
        "by_suffix(path.suffix) if row.kind else None,",
        "by_suffix(path.suffix),",
        "tests/client/test_result_types.py::test_a_kept_file_is_no_more_than_it_was",
    ),
    Mutant(
        "nodes/values/codecs/video.py",
        "if not s.disposition & cover])",
        "])",
        "tests/unit/nodes/test_outputs.py::test_a_song_with_a_cover_is_no_video",
    ),
    Mutant(
        "nodes/values/codecs/image.py",
        "np.subtract(255, to_levels(mask), out=rgba[..., 3])",
        "rgba[..., 3] = to_levels(mask)",
        "tests/unit/codecs/test_image.py::test_a_mask_becomes_alpha_as_load_image_reads_it",
    ),
    Mutant(
        "rh_api/run/transfers.py",
        "is_sound = proven.kind is Kind.VIDEO and claimed and claimed.kind is Kind.AUDIO",
        "is_sound = False",
        "tests/cli/test_run.py::test_a_sound_in_an_mp4_is_a_sound_by_its_name",
    ),
    Mutant(
        "rh_api/cli/files.py",
        'read_text("utf-8-sig"',
        'read_text("utf-8"',
        "tests/cli/test_run.py"
        "::test_a_text_that_was_written_with_a_byte_order_mark_is_shown_without_it",
    ),
    # What a person is told
    Mutant(
        "rh_api/programs/jobs.py",
        "        except RunningHubError:\n            return error\n        if error.task_id is None:",
        "        except RunningHubError:\n            raise\n        if error.task_id is None:",
        "tests/client/test_faults.py::test_a_refusal_is_told_though_its_node_cannot_be_looked_up",
    ),
    Mutant(
        "rh_api/errors.py",
        'key = "error.batch_failed_rerolls" if rerolls else None',
        "key = None",
        "tests/client/test_batches.py"
        "::test_when_some_fail_with_new_seeds_it_is_told_that_the_next_run_orders_all",
    ),
    Mutant(
        "rh_api/cli/exit_codes.py",
        "if error.fate is Fate.RUNNING or isinstance(error, Uncertain):",
        "if error.fate is Fate.RUNNING:",
        "tests/cli/test_errors.py::test_a_lost_reply_ends_with_3",
    ),
    Mutant(
        "rh_api/cli/exit_codes.py",
        "    if isinstance(error, ResultUnavailable):\n        return Exit.NOT_FETCHED\n",
        "",
        "tests/cli/test_errors.py::test_results_that_cannot_be_fetched_end_with_5_and_the_task_id",
    ),
    Mutant(
        "rh_api/cli/exit_codes.py",
        "return Exit.NOT_FETCHED if error.task_id else refused",
        "return refused",
        "tests/cli/test_errors.py::test_a_result_for_which_there_is_no_room_ends_with_5_and_is_had_once_there_is",
    ),
    Mutant(
        "rh_api/cli/task.py",
        "is_cancelled = order.cancelling and not order.is_uncertain",
        "is_cancelled = order.cancelling",
        "tests/cli/test_stop.py::test_ctrl_c_while_no_reply_comes_says_how_to_settle_the_order",
    ),
    Mutant(
        "rh_api/graph/link_validation.py",
        "inputs[name] for index, name in enumerate(linked)}",
        "inputs[name] for index, name in enumerate(linked[1:])}",
        "tests/unit/nodes/test_prompt.py::test_links_of_fields_are_mirrored_and_all_else_stays",
    ),
    # In the browser
    Mutant(
        "web/js/features/tasks.js",
        "\tcloseNotice();\n",
        "",
        "tests/browser/test_tasks.py"
        "::test_open_tasks_are_told_by_one_notice_however_often_the_server_came_back",
    ),
    Mutant(
        "web/js/features/covers.mjs",
        "busy < MAX_REQUESTS && waiting.pop()",
        "waiting.pop()",
        "tests/browser/test_late_answers.py::test_covers_that_do_not_come_leave_connections_to_run",
    ),
)
