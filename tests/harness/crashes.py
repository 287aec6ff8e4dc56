"""What the tests of the crash suite share: the cases they play, the ways of running them, and a Player's steps
with a disturbance in one of them.

All runs of a case are in memory (Tools.memory), because a process that is killed leaves the same files there
as on a disk; what a power loss leaves is the business of disk.py.
"""

import random
import shutil

from . import flows
from .base import EXAMPLES, TESTS
from .case import Case
from .generated import QUICK, Generated

WORKERS, BLOCKS = (1, 4, 2, 3), (16, None, 1, 200)

# Ways to save, for flows to which it must not matter.
TURNS = (["--epoch-records", "1"], ["--snapshot-mode", "immediate"], ["-s", "1ms", "--retain-epochs", "3"], [])

SMALL_LINES, LARGE_LINES = 60, 1500
SHORT_CASES = ("csv_out", "state_emit_into", "fault_overflow", "state_evolves")


def case_files(tools):
    """The examples, and some of the cases of tests/run; all of them in long runs."""
    names = SHORT_CASES if not tools.is_full else [p.stem for p in sorted((TESTS / "run").glob("*.flow"))]
    return sorted(EXAMPLES.glob("*/*.case")) + [TESTS / "run" / f"{name}.flow" for name in names]


def subjects(tools, generated=10):
    """(name, function that makes the case), for each case that can be killed and for the first generated ones.
    Generated cases are made when they are asked for, because that takes a while."""
    for path in case_files(tools):
        if not Case(path).flags & {"plain", "no-kill"}:
            yield f"{path.parent.name}/{path.stem}", lambda p=path: Case(p)
    source = Generated(tools, SMALL_LINES)
    for number in range(generated):
        yield f"generated {number}", lambda n=number: source.case(n)


def large_subjects(tools):
    source = Generated(tools, LARGE_LINES)
    for number in range(12):
        yield f"generated {number}", lambda n=number: source.case(n)


def tests_of(tools, subjects, **kinds):
    """A test for each subject and each kind: kind="name of the test" -> function(tools, case)."""
    if not tools.can_crash:
        return []
    return [(f"{name} {kind}", lambda box, f=function, m=make: f(box.tools, m()))
            for name, make in subjects for kind, function in kinds.items()]


def keeps_epochs(case):
    return case.looks_at_epochs or "epochs" in case.flags


def is_steady(case):
    """Whether it does not matter for the output where a run ends: where it ends, an epoch does."""
    return not keeps_epochs(case) or all("--epoch-records 1" in " ".join(step.args) for step in case.steps)


def rotated(items, number):
    turn = number % len(items)
    return items[turn:] + items[:turn]


def point(case, number):
    """A way of running the case in which each run differs from the one before; `number` says where it begins."""
    turns = ((),) if keeps_epochs(case) else rotated(TURNS, number)
    return flows.Point(QUICK, flows.STATE, workers=rotated(WORKERS, number), blocks=rotated(BLOCKS, number // 2),
                       turns=turns)


def player(tools, case, label, number):
    return flows.Player(tools, case, label, point(case, number), tools.memory())


def count_calls(tools, case, number, group="changes"):
    """How many calls each step makes when it is not disturbed."""
    counting, totals = player(tools, case, "count", number), []
    for step in case.steps:
        counting.prepare(step)
        totals.append(flows.count_calls(counting, step, flows.STATE, group))
    shutil.rmtree(counting.box.path)
    return totals


def disturb(tools, case, number, disturbed, environments, codes=(-9,)):
    """Plays the case and disturbs one step by a run in each of the environments, which may end with one of the
    exit codes; the steps before and behind it run through. Returns the results of that step's runs."""
    current = player(tools, case, f"disturbed {disturbed}", number)
    results = []
    for index, step in enumerate(case.steps):
        current.prepare(step)
        if index == disturbed:
            results = flows.disturb_and_resume(current, index, step, flows.STATE, environments, codes)
        else:
            current.check(index, step, current.run(step, flows.STATE))
    shutil.rmtree(current.box.path)
    return results


def spread(total, limit):
    """Up to `limit` numbers from 1 to `total`, the first and the last among them."""
    if total <= limit:
        return range(1, total + 1)
    return sorted({1 + n * (total - 1) // max(1, limit - 1) for n in range(limit)})


def rng_of(case, *salt):
    return random.Random(f"{case.name} {salt}")
