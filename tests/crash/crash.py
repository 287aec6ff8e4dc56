"""Kills programs at their system calls, resumes them, and expects the output of a run without a kill.

crashpoint.so (crashpoint.c), loaded before the C library, counts the calls that change something
outside the process, and kills the process at the one it is told, or lets that call fail. `make test`
tries some of the calls, `make crash` every one of them. Tests called "twice" kill the resumed run as
well, those called "errors" let calls fail with EIO, ENOSPC and EINTR.
"""

import shutil

from harness import flows
from harness.base import EXAMPLES, TESTS, Failure, Skip
from harness.case import Case

SHORT_POINTS = 12
AGAIN = (1, 2, 3, 5, 8, 13, 21, 34)


def cases(tools):
    paths = sorted(EXAMPLES.glob("*/*.case"))
    if tools.is_full:
        paths += sorted((TESTS / "run").glob("*.flow"))
    else:
        paths += [TESTS / "run" / f"{name}.flow" for name in ("csv_out", "state_emit_into", "fault_overflow",
                                                              "state_evolves")]
    for path in paths:
        case = Case(path)
        if not case.flags & {"plain", "no-kill"}:
            yield case


def discover(tools):
    if not tools.can_crash:
        return []
    tests = []
    for case in cases(tools):
        name = f"{case.folder.name}/{case.name}"
        tests.append((name, lambda box, p=case.path: every_call(box.tools, Case(p))))
        tests.append((f"{name} twice", lambda box, p=case.path: crash_in_recovery(box.tools, Case(p))))
        tests.append((f"{name} errors", lambda box, p=case.path: failing_calls(box.tools, Case(p))))
    return tests


def arguments(case):
    is_fixed = case.looks_at_epochs or "epochs" in case.flags
    return flows.STATE + ([] if is_fixed else ["--epoch-records", "1"])


def totals_of(tools, case, args, point):
    player, totals = flows.Player(tools, case, "count", point), []
    for step in case.steps:
        player.prepare(step)
        totals.append(flows.count_calls(player, step, args))
    shutil.rmtree(player.box.path)
    return totals


def steps_of(tools, case, args):
    """(how to run it, index of a step, calls that it makes), with one worker and with several."""
    for number in (0, 1):
        point = flows.killed_point(number)
        for index, total in enumerate(totals_of(tools, case, args, point)):
            yield number, index, total


def points(total, is_full, limit):
    if is_full or total <= limit:
        return range(1, total + 1)
    return sorted({1 + n * (total - 1) // (limit - 1) for n in range(limit)})


def play(tools, case, args, number, crash_step, *environments):
    """Disturbs one step, once for each environment; the steps before and behind it run through."""
    label = f"{crash_step} {number} " + " ".join(f"{k}={v}" for e in environments for k, v in e.items()
                                                 if k != "LD_PRELOAD")
    player = flows.Player(tools, case, label, flows.killed_point(number))
    for index, step in enumerate(case.steps):
        player.prepare(step)
        if index == crash_step:
            flows.disturb_and_resume(player, index, step, args, environments)
        else:
            player.check(index, step, player.run(step, args))
    shutil.rmtree(player.box.path)


def every_call(tools, case):
    """Every other kill leaves the first half of what was to be written."""
    args = arguments(case)
    for number, index, total in steps_of(tools, case, args):
        for at in points(total, tools.is_full, SHORT_POINTS // 2):
            for half in (0, 1) if tools.is_full else (at % 2,):
                play(tools, case, args, number, index, flows.crash_env(tools, at, half=half))


def crash_in_recovery(tools, case):
    args = arguments(case)
    for number, index, total in steps_of(tools, case, args):
        for at in points(total, tools.is_full and total < 60, 40 if tools.is_full else 2):
            again = AGAIN if tools.is_full else AGAIN[2 + 2 * number : 3 + 2 * number]
            for again_at in again:
                play(tools, case, args, number, index, flows.crash_env(tools, at),
                     flows.crash_env(tools, again_at, half=1))


def failing_calls(tools, case):
    args = arguments(case)
    for number, index, total in steps_of(tools, case, args):
        for at in points(total, tools.is_full, 2):
            for error in ("EIO", "ENOSPC", "EINTR"):
                play(tools, case, args, number, index, {"LD_PRELOAD": str(tools.crashpoint),
                                                        "CRASHPOINT_FAIL": f"{at},{error}"})


def test_canary_of_the_crash_library(box):
    """It does kill: a program that writes three times is dead before its second write."""
    if not box.tools.can_crash:
        raise Skip("no crash library in this build")
    result = box.run("sh", "-c", "exec dd if=/dev/zero of=out bs=1 count=3 status=none",
                     env=flows.crash_env(box.tools, 2), exit=None)
    if result.code != -9 or len(box.read("out")) != 1:
        raise Failure(f"{len(box.read('out'))} bytes were written\n" + result.describe())
