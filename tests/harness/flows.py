"""Runs case files over the matrix: one expected output, many configurations."""

import copy
import json
import shutil
from itertools import cycle, product

from .base import Failure, Test, check_equal, check_match, diff, run
from .case import Case

STATE = ["-d", "db"]
UNFUSED = ("--disable=fuse",)


class Point:
    """A point of the matrix: how a case is compiled and run. Each run takes the next number of workers,
    the next size of a block (None is the usual one) and the next of `turns`: more arguments."""

    def __init__(self, options=(), args=(), workers=(1,), blocks=(None,), turns=((),)):
        self.options, self.args, self.workers, self.blocks = options, list(args), workers, blocks
        self.turns = turns

    @property
    def has_state(self):
        return "-d" in self.args


# "plain" has no state directory.
POINTS = {
    "plain": Point(),
    "plain, 4 workers": Point(workers=(4,), blocks=(7,)),
    "unfused": Point(UNFUSED, workers=(2,), blocks=(64,)),
    "state": Point((), STATE, workers=(4, 1, 2), blocks=(1, 700)),
    "unfused state": Point(UNFUSED, STATE, workers=(1, 2), blocks=(64, None)),
    "epochs": Point((), STATE + ["--epoch-records", "1"], workers=(2, 4, 1), blocks=(700, 1, None)),
    "immediate": Point((), STATE + ["-s", "1ms", "--snapshot-mode", "immediate"], workers=(4, 1), blocks=(None, 16)),
}
FULL_POINTS = {
    f"{name}, {workers} workers, blocks of {block}": Point((), args, workers=(workers, 3), blocks=(block, 24))
    for (name, args), workers, block in product(
        (("plain", []), ("state", STATE), ("epochs", STATE + ["--epoch-records", "1"])),
        (1, 2, 4, 8), (1, 7, 64, 700))}

# Runs that are killed, and those that go on: each with another number of workers.
KILLED_WORKERS, KILLED_BLOCKS = (4, 1, 2), (16, None, 1, 200)


def discover(tools):
    tests = [make_test(tools, "run", p) for p in sorted((tools_root() / "run").glob("*.flow"))]
    return tests + [canary for canary in canaries(tools)]


def tools_root():
    from .base import TESTS
    return TESTS


def canaries(tools):
    return [make_test(tools, "run", p, True) for p in sorted((tools_root() / "canary").glob("run_*.flow"))]


def discover_examples(tools):
    from .base import EXAMPLES
    tests = [make_test(tools, "examples", p, name=p.parent.name if p.stem == "case"
                       else f"{p.parent.name}/{p.stem}")
             for p in sorted(EXAMPLES.glob("*/*.case"))]
    return tests


def make_test(tools, suite, path, is_canary=False, name=None):
    return Test(suite, name or path.stem, lambda: run_case(tools, Case(path)), is_canary)


def points_of(tools, case):
    """The points of the matrix that make sense for a case."""
    for name, point in {**POINTS, **(FULL_POINTS if tools.is_full else {})}.items():
        if len(case.steps) > 1 and not point.has_state:
            continue
        if "plain" in case.flags and point.has_state or "state" in case.flags and not point.has_state:
            continue
        keeps_epochs = "epochs" in case.flags or case.looks_at_epochs
        if keeps_epochs and name.startswith(("epochs", "immediate")):
            continue
        yield name, point


def run_case(tools, case):
    if tools.is_bless:
        bless(tools, case)
    for name, point in points_of(tools, case):
        try:
            run_straight(tools, case, name, point)
        except Failure as failure:
            raise Failure(f"[{name}] {failure}") from None
    if tools.can_crash and not case.flags & {"plain", "no-kill"}:
        try:
            run_killed(tools, case)
        except Failure as failure:
            raise Failure(f"[killed and resumed] {failure}") from None


class Player:
    """Plays the steps of a case in one directory, which is made in `folder` (None: where all are)."""

    def __init__(self, tools, case, label, point, folder=None):
        self.tools, self.case, self.options = tools, case, point.options
        self.workers, self.blocks, self.turns = cycle(point.workers), cycle(point.blocks), cycle(point.turns)
        self.box = tools.sandbox(f"{case.name} {label}", folder)
        self.text, self.name = case.text, case.file_name
        self.hashes = None  # of the state behind each step, if it is to be compared

    def prepare(self, step):
        if step.program is not None:
            self.text = step.program
        for old, new in step.replacements:
            if self.text.count(old) != 1:
                raise Failure(f"the program has not just one `{old}` to replace")
            self.text = self.text.replace(old, new)
        for word, path, data in step.changes:
            if word == "append":
                self.box.append(path, data)
            elif word == "remove":
                self.box.remove(path)
            elif path.endswith("/"):
                (self.box.path / path).mkdir(parents=True, exist_ok=True)
            else:
                self.box.write(path, data)
        self.binary = self.tools.compile(self.text, self.name, *self.options)

    def moved(self, label):
        """The same program, with the next settings, in an empty directory beside this one."""
        other = copy.copy(self)
        other.box = self.tools.sandbox(f"{self.case.name} {label}", self.box.path.parent)
        return other

    def run(self, step, args, env=None):
        block = next(self.blocks)
        env = {**(env or {}), **step.env, **({"FLOW_BLOCK_BYTES": str(block)} if block else {})}
        argv = [self.binary, "-w", str(next(self.workers)), *args, *next(self.turns), *step.args]
        return run(argv, self.box.path, self.tools, step.stdin, env)

    def check(self, index, step, result):
        where = f"step {index + 1}: " if len(self.case.steps) > 1 else ""
        if result.code != step.exit:
            raise Failure(f"{where}expected exit code {step.exit}\n" + result.describe())
        check_equal(step.expects.get("stdout", b""), result.out, f"{where}stdout")
        if "stderr" in step.expects:
            check_equal(step.expects["stderr"], result.err, f"{where}stderr")
        check_match(step.patterns, result.err, f"{where}stderr")
        self.check_files(step, where)

    def state_hash(self):
        """The hash of the saved state, after every byte of it was checked."""
        result = run([self.tools.flowcc, "state", "verify", "db", "--json"], self.box.path, self.tools)
        if result.code != 0:
            raise Failure("the saved state is not good\n" + result.describe())
        return json.loads(result.out)["hash"]

    def check_state(self, index):
        if self.hashes is not None:
            check_equal(self.hashes[index], self.state_hash(), "hash of the state")

    def check_files(self, step, where=""):
        for name, data in step.expects.items():
            if name not in ("stdout", "stderr"):
                actual = self.box.read(name)
                if name in step.unordered:
                    data, actual = (b"".join(sorted(d.splitlines(True))) for d in (data, actual))
                check_equal(data, actual, f"{where}{name}")


def run_straight(tools, case, label, point):
    player = Player(tools, case, label, point)
    for index, step in enumerate(case.steps):
        player.prepare(step)
        player.check(index, step, player.run(step, point.args))
    shutil.rmtree(player.box.path)


def bless(tools, case):
    has_state = len(case.steps) > 1 or "state" in case.flags
    player, actual = Player(tools, case, "bless", Point()), {}
    for index, step in enumerate(case.steps):
        player.prepare(step)
        result = player.run(step, STATE if has_state else [])
        for name in step.expects:
            actual[index, name] = {"stdout": result.out, "stderr": result.err}.get(name) \
                if name in ("stdout", "stderr") else player.box.read(name)
            step.expects[name] = actual[index, name]
    case.bless(actual)


def killed_point(number):
    """For runs that are killed: where the cycles of workers and blocks begin depends on the number."""
    turn, shift = number % len(KILLED_WORKERS), number % len(KILLED_BLOCKS)
    return Point(workers=KILLED_WORKERS[turn:] + KILLED_WORKERS[:turn],
                 blocks=KILLED_BLOCKS[shift:] + KILLED_BLOCKS[:shift])


def count_calls(player, step, args, group="changes"):
    """Runs without a crash and returns how many calls of a group (crashpoint.c) the crash library counted."""
    counter = player.box.path / "calls"
    counter.unlink(missing_ok=True)
    result = player.run(step, args, dict(crash_env(player.tools, 0, counter), CRASHPOINT_COUNT=group))
    calls = int(counter.read_text() or 0) if counter.exists() else 0
    if calls == 0:
        raise Failure("the crash library counted no call\n" + result.describe())
    return calls


def crash_env(tools, at, counter=None, half=0):
    env = {"LD_PRELOAD": str(tools.crashpoint), "CRASHPOINT_AT": str(at), "CRASHPOINT_HALF": str(half)}
    if counter:
        env["CRASHPOINT_COUNT_FILE"] = str(counter)
    return env


def check_resumed(expected, parts, where):
    """stdout over a crash: at-least-once and in order. Each part is the output of one run; the next
    run begins at, or before, the place where the one before it ended, and the last one ends at the end."""
    end = 0
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        start = len(expected) - len(part) if is_last else next(
            (s for s in range(end, -1, -1) if expected.startswith(part, s)), -1)
        if start < 0 or start > end or expected[start : start + len(part)] != part:
            raise Failure(f"{where}stdout of run {number + 1} does not go on from where the run before "
                          f"it stopped (byte {end})\n" + diff(expected, part, "stdout"))
        end = start + len(part)


def run_killed(tools, case, points=3):
    """Kills each step's run at some of its system calls, resumes it, and expects the same result."""
    args = STATE + ([] if case.looks_at_epochs or "epochs" in case.flags else ["--epoch-records", "2"])
    counting = Player(tools, case, "count", Point())
    totals = []
    for step in case.steps:
        counting.prepare(step)
        totals.append(count_calls(counting, step, args))
    shutil.rmtree(counting.box.path)
    for point in range(points):
        player = Player(tools, case, f"killed {point}", killed_point(point))
        for index, step in enumerate(case.steps):
            player.prepare(step)
            at = 1 + totals[index] * (2 * point + 1) // (2 * points)
            disturb_and_resume(player, index, step, args, [crash_env(tools, at)])
        shutil.rmtree(player.box.path)


def disturb_and_resume(player, index, step, args, environments, codes=(-9,)):
    """Runs the step once in each environment of crashpoint.so, then undisturbed, and checks what all the runs
    together have left behind. `codes`: how a disturbed run may end, if not as the step does. Returns the
    results of all runs."""
    where = f"step {index + 1}, {environments}: "
    results = []
    for env in environments:
        last = player.run(step, args, env)
        results.append(last)
        if last.code not in (step.exit, *codes):
            raise Failure(f"{where}unexpected end\n" + last.describe())
        if last.code > 0 and not last.err.strip():
            raise Failure(f"{where}ended without a message\n" + last.describe())
    resumed = player.run(step, args)
    results.append(resumed)
    try:
        if resumed.code != step.exit:
            raise Failure(f"expected exit code {step.exit} after the resume")
        check_resumed(step.expects.get("stdout", b""), [result.out for result in results], "")
        player.check_files(step)
        player.check_state(index)
    except Failure as failure:
        runs = "\n".join(f"Run {number}: {result.describe()}" for number, result in enumerate(results, 1))
        raise Failure(f"{where}{failure}\n{runs}") from None
    return results
