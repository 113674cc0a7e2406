"""The oracle: checks that every record ended exactly once, and that the outputs are those of a replay.

It shares no code with the engine: it reads the topics with a plain consumer, and calls the replay command.
"""

from tests.chaos.oracle.log import Entry, Log, behind, committed, open_transactions, topic_ends, wait_until_committed
from tests.chaos.oracle.replay import Replayed, replay
from tests.chaos.oracle.verdict import Lane, Verdict, judge, verify

__all__ = [
    "Entry",
    "Lane",
    "Log",
    "Replayed",
    "Verdict",
    "behind",
    "committed",
    "judge",
    "open_transactions",
    "replay",
    "topic_ends",
    "verify",
    "wait_until_committed",
]
