"""What the bench makes of its figures; that it reaches servers is seen by running it."""

import socket
import threading
from contextlib import suppress
from typing import Any
from xml.etree import ElementTree

import pytest

from bench import goals, load
from bench.__main__ import FULL, parse
from bench.candidates import (
    ALL,
    BARE,
    DRF,
    GATEWAY,
    GO_HANDLER,
    GROWING,
    HOT_CALLERS,
    IN_DJANGO,
    MALFORMED,
    PEERS,
    SELECT,
    VIEW,
    Supply,
)
from bench.chart import chart
from bench.commands import admin, imports
from bench.commands.imports import Moved
from bench.load import Load
from bench.report import between_markers, goals_table, growth_table, report, table, unmet

pytestmark = [pytest.mark.once, pytest.mark.slow]

ROUNDS = 3


def a_load(rate: float) -> Load:
    """So many requests a second, by a server that needs all of a core for them."""
    return Load(rate, client_share=0.2, answers=1000, p50=1, p99=2, processor=1e6 / rate)


def a_run(**rates: float) -> dict[str, Any]:
    """A run in which everybody answers 100 requests a second, but for those with a kind in `rates`."""
    loads = {c.name: [a_load(rates.get(c.kind, 100.0))] * ROUNDS for c in ALL}
    server = {"hot": dict(loads), "cold": dict(loads)}
    costs = {c.name: [[1e6 / rates.get(c.kind, 100.0), 200.0, 0.0, 0.0]] * ROUNDS for c in IN_DJANGO}
    cold = {name: [[cost[0], 200.0, 1.0, 0.0] for cost in found] for name, found in costs.items()}
    return {
        "machine": {"Python": "3"},
        "rows": 1_000_000,
        "few": 10_000,
        "most": 10_000_000,
        "memory_bytes": 2048.0,
        "last_use": 50.0,
        "login_percent": 2.0,
        "served": server,
        "application": {"hot": costs, "cold": cold},
        "growth": {
            size: {c.name: [[1.0, clock, 1.0, 0.0]] * ROUNDS for c in GROWING}
            for size, clock in (("few", 160.0), ("most", 200.0))
        },
    }


def test_a_ratio_is_taken_within_a_round_and_to_the_fastest_of_the_others() -> None:
    run = a_run()
    run["served"]["hot"][GATEWAY.name] = [a_load(rate) for rate in (600, 300, 900)]
    run["served"]["hot"][PEERS[0].name] = [a_load(rate) for rate in (200, 100, 300)]
    assert goals.ratios(run, goals.Ratio(GATEWAY, "hot", PEERS, "best peer", 6)) == [3, 3, 3]


def test_by_processor_half_the_time_is_twice_as_fast_whatever_the_client_managed() -> None:
    run = a_run()
    run["served"]["hot"][GATEWAY.name] = [a_load(100)._replace(processor=2000)] * ROUNDS
    run["served"]["hot"][GO_HANDLER.name] = [a_load(100)._replace(processor=1000)] * ROUNDS
    ratio = goals.Ratio(GATEWAY, "hot", (GO_HANDLER,), "Go handler", 0.4, by_processor=True)
    assert goals.ratios(run, ratio) == [0.5] * ROUNDS


def test_a_goal_is_not_judged_where_the_other_is_not_on_this_machine() -> None:
    run = a_run(key=1e6, login=1e6, malformed=1e6)
    del run["served"]["hot"][GO_HANDLER.name]
    assert "not on this machine" in goals_table(run)
    assert unmet(run) == "Every goal is reached."


def test_a_candidate_without_callers_is_compared_by_its_one_figure() -> None:
    run = a_run()
    run["served"]["hot"][DRF.name] = [a_load(50)] * ROUNDS
    assert goals.to_open_view(run, SELECT, "cold") == [2, 2, 2]


def test_growth_is_the_time_with_many_rows_by_that_with_few() -> None:
    assert goals.growth(a_run(), SELECT) == 1.25


def test_growth_is_the_median_of_the_rounds_shown_with_their_middle_half() -> None:
    run = a_run()
    run["growth"]["few"] = {c.name: [[1.0, 100.0]] * 5 for c in GROWING}
    run["growth"]["most"] = {c.name: [[1.0, clock] for clock in (900, 100, 103, 101, 102)] for c in GROWING}
    assert goals.growth(run, SELECT) == 1.02
    shown = growth_table(run)
    assert shown.count(" 1.02 (1.01") == shown.count("1.03) |") == len(GROWING)


@pytest.mark.parametrize(("clock", "is_met"), [(102.4, True), (103, False)])
def test_growth_is_compared_to_a_hundredth(clock: float, is_met: bool) -> None:
    run = a_run()
    run["growth"]["few"] = {c.name: [[1.0, 100.0]] * 5 for c in GROWING}
    run["growth"]["most"] = {c.name: [[1.0, 102.0]] * 5 for c in GROWING}
    run["growth"]["most"][GATEWAY.name] = [[1.0, clock]] * 5
    (found,) = [count for count in goals.counts(run) if "growth" in count.words]
    assert found.is_met == is_met


def test_short_turns_ask_as_often_and_need_no_more_callers() -> None:
    short = FULL.in_short_turns()
    assert short.requests < FULL.requests
    assert short.rounds * short.requests == FULL.rounds * FULL.requests
    assert short.credentials == FULL.credentials


def test_a_goal_that_is_not_reached_is_named() -> None:
    nothing_reached = unmet(a_run())
    assert all(goal.subject.name in nothing_reached for goal in goals.GOALS if goal.least > 1)
    assert MALFORMED.name not in nothing_reached  # as fast as a hot key: that is its goal
    assert " — no |" in goals_table(a_run())


def test_when_every_goal_is_reached_it_says_so() -> None:
    assert unmet(a_run(key=2000.0, login=2000.0, malformed=2000.0)) == "Every goal is reached."


def test_a_count_above_its_goal_is_named() -> None:
    run = a_run(key=2000.0, login=2000.0, malformed=2000.0)
    run["application"]["cold"][VIEW.name][0][2] = 2.0
    assert unmet(run) == "Not reached:\n\n- queries per request, cold (goal 1)"


def test_the_report_has_a_row_for_every_candidate_and_every_goal() -> None:
    text = report(a_run())
    assert all(f"| {candidate.name} " in text for candidate in ALL)
    assert all(goal.words in text for goal in goals.GOALS)


def test_the_report_says_what_is_possible_at_this_server() -> None:
    run = a_run()
    run["served"]["hot"][BARE.name] = [a_load(130)] * ROUNDS
    assert "does nothing is 1.30 times as fast" in report(run)


def test_a_table_is_markdown_whose_columns_stand_below_each_other() -> None:
    assert table(["", "1/s"], [["a", "10"], ["bcd", "5"]]).splitlines() == [
        "|     | 1/s |",
        "| --- | --: |",
        "| a   |  10 |",
        "| bcd |   5 |",
    ]


def test_only_what_is_between_the_markers_is_written_anew() -> None:
    page = "before <!-- figures -->old<!-- end of figures --> after"
    once = between_markers(page, "new")
    assert once == "before <!-- figures -->\n\nnew\n\n<!-- end of figures --> after"
    assert between_markers(once, "new") == once


def test_the_chart_is_well_formed_and_has_its_words_as_text() -> None:
    root = ElementTree.fromstring(chart(a_run()))
    words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert GATEWAY.name in words and DRF.name in words and "100" in words


def test_no_credential_is_used_twice_by_those_who_bring_another_each_time() -> None:
    supply = Supply({"key": [str(n) for n in range(HOT_CALLERS + 30)]})
    handed_out = [*supply.hot("key"), *supply.cold("key", 10), *supply.cold("key", 20)]
    assert len(set(handed_out)) == HOT_CALLERS + 30
    with pytest.raises(IndexError):
        supply.cold("key", 1)


def test_the_command_line_has_a_quick_run_and_the_revocations() -> None:
    assert parse(["--quick"]).what == "speed"
    assert parse(["--keys", "5"]).keys == 5
    assert parse(["revocations", "--revocations", "5"]).revocations == 5


@pytest.mark.parametrize(
    "answer",
    [
        [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"],
        [b"HTTP/1.1 200 OK\r\nX: 0\r\nContent-Length: 2\r\n\r\n", b"hi"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: 0\r\n\r\n", b"0\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n", b"hi"],
    ],
)
def test_the_load_sends_each_message_once_however_the_answer_is_cut(answer: list[bytes]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        asked = [0]
        threading.Thread(target=serve, args=(listener, answer, asked), daemon=True).start()
        port = listener.getsockname()[1]
        messages = [load.message(port, "/", ["X-API-Key: k"])] * 40
        found = load.drive(port, messages, 200, 60, again=False)
    assert asked == [40]
    assert found.rate > 0


def test_another_status_than_expected_stops_the_load() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answer = [b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"]
        threading.Thread(target=serve, args=(listener, answer, [0]), daemon=True).start()
        with pytest.raises(RuntimeError, match="500"):
            load.drive(listener.getsockname()[1], [b"GET / HTTP/1.1\r\n\r\n"] * 20, 200, 60, again=False)


def serve(listener: socket.socket, answer: list[bytes], asked: list[int]) -> None:
    """Give every request on every connection this answer, piece by piece."""
    lock = threading.Lock()

    def one(connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as lines:
            for line in lines:
                if line == b"\r\n":
                    with lock:
                        asked[0] += 1
                    for piece in answer:
                        connection.sendall(piece)
                    if b"Connection: close" in answer[0]:
                        return

    with suppress(OSError):  # closed, and with it the connections, when the load gives up
        while True:
            threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()


def test_an_import_is_compared_with_copy() -> None:
    moved = Moved(1_000, 200, seconds=0.5, processor=0.1, megabytes=90.4, copy_seconds=0.2)
    assert imports.line(moved) == "| 1,000 | 200 | 0.5 | 2,000 | 2.50 | 100 | 90 MB |"


def test_pages_of_the_admin_are_compared_where_both_databases_have_them() -> None:
    lines = admin.table({"list": 10.0, "one": 5.0}, {"list": 15.0, "other": 5.0}, 1_000_000).splitlines()
    assert lines[0] == "| page (milliseconds) | 10,000 keys | 1,000,000 keys | ratio |"
    assert lines[2:] == ["| list | 10 | 15 | 1.5 |"]
