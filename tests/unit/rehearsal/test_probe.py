"""What the prober counts: everything from the first answer on, nothing before it."""

from __future__ import annotations

from infra.rehearsal.probe import Log, Reply, summarise


def test_nothing_is_lost_before_anything_ever_answered():
    log = Log([Reply(0.0, 0.1, "ConnectError", ""), Reply(0.1, 0.2, "ConnectError", "")])

    assert summarise(log)["sent"] == 0
    assert summarise(log)["lost"] == 0


def test_what_was_sent_while_the_first_answer_was_on_its_way_is_not_counted():
    log = Log(
        [
            Reply(0.2, 0.3, "ConnectError", ""),
            Reply(0.1, 1.1, None, "a"),
            Reply(1.2, 1.3, None, "a"),
        ]
    )

    assert (summarise(log)["sent"], summarise(log)["lost"]) == (1, 0)


def test_everything_after_the_first_answer_counts():
    log = Log(
        [
            Reply(0.0, 0.1, None, "a"),
            Reply(0.2, 0.3, "503", ""),
            Reply(0.3, 0.4, "ReadTimeout", ""),
            Reply(0.5, 0.6, None, "b"),
            Reply(0.7, 1.0, None, "b"),
        ]
    )

    told = summarise(log)

    assert (told["sent"], told["lost"]) == (4, 2)
    assert told["problems"] == {"503": 1, "ReadTimeout": 1}
    assert told["versions"] == {"b": 2}
    assert told["longest_gap_ms"] == 400


def test_a_version_is_seen_when_its_good_answers_came():
    log = Log(
        [
            Reply(0.0, 0.1, None, "a"),
            Reply(0.3, 0.4, "503", "b"),
            Reply(0.5, 0.6, None, "b"),
            Reply(0.7, 0.8, None, "b"),
        ],
        epoch_s=1000.0,
    )

    told = summarise(log)

    assert told["first_seen"] == {"a": 1000.1, "b": 1000.6}
    assert told["last_seen"] == {"a": 1000.1, "b": 1000.8}
