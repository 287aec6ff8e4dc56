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
SHORT_CASES = ("csv_out", "sink_parts", "state_emit_into", "fault_overflow", "state_evolves")


def case_files(tools, part):
    """The examples, and some of the cases of tests/run: in long runs one of `part` of them, others for each seed."""
    names = SHORT_CASES
    if tools.is_full:
        names = [p.stem for p in sorted((TESTS / "run").glob("*.flow"))][tools.seed % part :: part]
    return sorted(EXAMPLES.glob("*/*.case")) + [TESTS / "run" / f"{name}.flow" for name in names]


def cases(tools, generated, part=3):
    """(name, function that makes the case), for each case that can be killed and for the first generated ones.
    Generated cases are made when they are asked for, because that takes a while."""
    for path in case_files(tools, part):
        if not Case(path).flags & {"plain", "no-kill"}:
            yield f"{path.parent.name}/{path.stem}", lambda p=path: Case(p)
    source = Generated(tools, SMALL_LINES)
    for number in range(generated):
        yield f"generated {number}", lambda n=number: source.case(n)


def large_cases(tools):
    source = Generated(tools, LARGE_LINES)
    for number in range(12):
        yield f"generated {number}", lambda n=number: source.case(n)


def tests_of(tools, makers, **kinds):
    """A test for each maker of a case and each kind: kind="name of the test" -> function(subject)."""
    if not tools.can_crash:
        return []
    return [(f"{name} {kind}", lambda box, f=function, m=make: f(Subject(box.tools, m())))
            for name, make in makers for kind, function in kinds.items()]


def rotated(items, number):
    turn = number % len(items)
    return items[turn:] + items[:turn]


class Subject:
    """A case that is to be disturbed, and what an undisturbed run of it tells.

    Ways of running it are numbered: in each of them every run differs from the one before, in workers, in
    the size of blocks, in how it saves; the number says where this begins."""

    def __init__(self, tools, case):
        self.tools, self.case, self.steps = tools, case, case.steps
        self.keeps_epochs = case.looks_at_epochs or "epochs" in case.flags
        # Whether it does not matter for the output where a run ends: where it ends, an epoch does.
        self.is_steady = not self.keeps_epochs or all(
            "--epoch-records 1" in " ".join(step.args) for step in case.steps)
        self.hashes = None  # of the state behind each step
        self.count_calls(0)

    def rng(self, *salt):
        return random.Random(f"{self.case.name} {self.tools.seed} {salt}")

    def player(self, label, number):
        turns = ((),) if self.keeps_epochs else rotated(TURNS, number)
        point = flows.Point(QUICK, flows.STATE, rotated(WORKERS, number), rotated(BLOCKS, number // 2), turns)
        player = flows.Player(self.tools, self.case, label, point, self.tools.memory())
        player.hashes = self.hashes
        return player

    def count_calls(self, number, group="changes"):
        """How many calls of a group (crashpoint.c) each step makes when it is not disturbed."""
        player, totals, hashes = self.player("count", number), [], []
        for index, step in enumerate(self.steps):
            player.prepare(step)
            totals.append(flows.count_calls(player, step, flows.STATE, group))
            hashes.append(player.state_hash())
            player.check_state(index)
        self.hashes = hashes
        shutil.rmtree(player.box.path)
        return totals

    def disturb(self, number, disturbed, environments, codes=(-9,)):
        """Plays the case and disturbs one step by a run in each of the environments, which may end with one of
        the exit codes; the steps before and behind it run through. Returns the results of that step's runs."""
        player, results = self.player(f"disturbed {disturbed}", number), []
        for index, step in enumerate(self.steps):
            player.prepare(step)
            if index == disturbed:
                results = flows.disturb_and_resume(player, index, step, flows.STATE, environments, codes)
            else:
                player.check(index, step, player.run(step, flows.STATE))
        shutil.rmtree(player.box.path)
        return results


def spread(total, limit):
    """Up to `limit` numbers from 1 to `total`, the first and the last among them."""
    if total <= limit:
        return range(1, total + 1)
    return sorted({1 + n * (total - 1) // max(1, limit - 1) for n in range(limit)})
