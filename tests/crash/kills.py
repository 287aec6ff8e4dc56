"""Kills programs at their system calls, resumes them, and expects the output of a run without a kill.

crashpoint.so (crashpoint.c), loaded before the C library, counts the calls that change something outside of
the process, and kills the process at the one it is told. Each run has another number of workers, another size
of blocks and another way of saving than the run before. `make test` tries some of the calls, `make crash`
every one of them. Tests called "in recovery" kill the resumed run as well, those called "chains" kill one run
after the other, each at a random call.
"""

from harness import crashes, flows
from harness.base import Failure, Skip

AGAIN = (1, 2, 3, 5, 8, 13, 21, 34)


def discover(tools):
    kinds = {"at every call": every_call, "in recovery": in_recovery, "chains": chains}
    tests = crashes.tests_of(tools, crashes.cases(tools, 20 if tools.is_full else 10, 2), **kinds)
    if tools.is_full:
        tests += crashes.tests_of(tools, crashes.large_cases(tools), **{"chains, large": large_chains})
    return tests


def kill(subject, number, index, *places):
    """Kills one run after the other; a place is the number of a call, and whether it is done by half."""
    subject.tools.count("kills")
    for _ in places[1:]:
        subject.tools.count("kills in recovery")
    subject.disturb(number, index, [flows.crash_env(subject.tools, at, half=half) for at, half in places])


def every_call(subject):
    """Every other kill leaves the first half of what was to be written."""
    is_full = subject.tools.is_full
    for number in (0, 1):
        for index, total in enumerate(subject.count_calls(number)):
            for at in crashes.spread(total, 400 if is_full else 5):
                kill(subject, number, index, (at, (at + number) % 2))


def in_recovery(subject):
    is_full = subject.tools.is_full
    for number in (0, 1):
        for index, total in enumerate(subject.count_calls(number)):
            for at in crashes.spread(total, 12 if is_full else 2):
                for again_at in AGAIN[::2] if is_full else AGAIN[2 + 2 * number : 3 + 2 * number]:
                    kill(subject, number, index, (at, 0), (again_at, 1))


def chains(subject, rounds=None, longest=8):
    rng = subject.rng("chains")
    for number in range(rounds or (20 if subject.tools.is_full else 2)):
        for index, total in enumerate(subject.count_calls(number)):
            length = rng.randrange(2, longest)
            kill(subject, number, index,
                 *((rng.randrange(1, total + 12), rng.randrange(2)) for _ in range(length)))


def large_chains(subject):
    chains(subject, rounds=12, longest=20)


def test_canary_of_the_crash_library(box):
    """It does kill: a program that writes three times is dead before its second write."""
    if not box.tools.can_crash:
        raise Skip("no crash library in this build")
    result = box.run("sh", "-c", "exec dd if=/dev/zero of=out bs=1 count=3 status=none",
                     env=flows.crash_env(box.tools, 2), exit=None)
    if result.code != -9 or len(box.read("out")) != 1:
        raise Failure(f"{len(box.read('out'))} bytes were written\n" + result.describe())
