"""Kills programs at their system calls, resumes them, and expects the output of a run without a kill.

crashpoint.so (crashpoint.c), loaded before the C library, counts the calls that change something outside of
the process, and kills the process at the one it is told. Each run has another number of workers, another size
of blocks and another way of saving than the run before. `make test` tries some of the calls, `make crash`
every one of them. Tests called "in recovery" kill the resumed run as well, those called "chains" kill one run
after the other, each at a random call.
"""

import random

from harness import crashes, flows
from harness.base import Failure, Skip

AGAIN = (1, 2, 3, 5, 8, 13, 21, 34)


def discover(tools):
    kinds = {"at every call": every_call, "in recovery": in_recovery, "chains": chains}
    tests = crashes.tests_of(tools, crashes.subjects(tools, 40 if tools.is_full else 10), **kinds)
    if tools.is_full:
        tests += crashes.tests_of(tools, crashes.large_subjects(tools), **{"chains, large": large_chains})
    return tests


def every_call(tools, case):
    """Every other kill leaves the first half of what was to be written."""
    for number in (0, 1):
        for index, total in enumerate(crashes.count_calls(tools, case, number)):
            for at in crashes.spread(total, 400 if tools.is_full else 5):
                for half in (0, 1) if tools.is_full else (at % 2,):
                    tools.count("kills")
                    crashes.disturb(tools, case, number, index, [flows.crash_env(tools, at, half=half)])


def in_recovery(tools, case):
    for number in (0, 1):
        for index, total in enumerate(crashes.count_calls(tools, case, number)):
            for at in crashes.spread(total, 30 if tools.is_full else 2):
                for again_at in AGAIN if tools.is_full else AGAIN[2 + 2 * number : 3 + 2 * number]:
                    tools.count("kills")
                    tools.count("kills in recovery")
                    crashes.disturb(tools, case, number, index,
                                    [flows.crash_env(tools, at), flows.crash_env(tools, again_at, half=1)])


def play_chains(tools, case, rounds, kills, seed):
    rng = random.Random(f"{case.name} {seed}")
    for number in range(rounds):
        for index, total in enumerate(crashes.count_calls(tools, case, number)):
            environments = []
            for _ in range(rng.randrange(2, kills)):
                tools.count("kills")
                tools.count("kills in recovery")
                environments.append(flows.crash_env(tools, rng.randrange(1, total + 12), half=rng.randrange(2)))
            crashes.disturb(tools, case, number, index, environments)


def chains(tools, case):
    play_chains(tools, case, 40 if tools.is_full else 2, 8, tools.seed)


def large_chains(tools, case):
    play_chains(tools, case, 12, 20, tools.seed)


def test_canary_of_the_crash_library(box):
    """It does kill: a program that writes three times is dead before its second write."""
    if not box.tools.can_crash:
        raise Skip("no crash library in this build")
    result = box.run("sh", "-c", "exec dd if=/dev/zero of=out bs=1 count=3 status=none",
                     env=flows.crash_env(box.tools, 2), exit=None)
    if result.code != -9 or len(box.read("out")) != 1:
        raise Failure(f"{len(box.read('out'))} bytes were written\n" + result.describe())
