"""SIGTERM and SIGINT at any moment: the run commits and ends with 0, in time, and prints nothing twice; a second
signal ends it at once, as a kill does. The next run goes on in either case."""

import random
import re
import shutil
import signal
import time
from pathlib import Path

from harness import crashes
from harness.base import Failure, check_equal

# A signal is to be obeyed within a second. Tests leave time for a machine that has much else to do.
PATIENCE_S = 5


def discover(tools):
    return crashes.tests_of(tools, crashes.cases(tools, 10 if tools.is_full else 3),
                            **{"told to stop": told_to_stop, "told twice": told_twice})


def told_to_stop(subject):
    """At each call: what the runs print is together the output of one run, with no line twice."""
    for number, group in ((0, "changes"), (1, "looks")):
        for index, at in calls(subject, number, group, 50 if subject.tools.is_full else 3):
            step, env = subject.steps[index], term_env(subject.tools, group, at)
            results = subject.disturb(number, index, [env], codes=(0,))
            if "--resume-epoch" not in step.args:
                check_equal(step.expects.get("stdout", b""), b"".join(r.out for r in results),
                            f"step {index + 1}, {env}: stdout of both runs")


def told_twice(subject):
    rng = subject.rng("signals")
    for number, group in ((2, "changes"), (3, "looks")):
        for index, at in calls(subject, number, group, 30 if subject.tools.is_full else 2):
            env = term_env(subject.tools, group, f"{at},{at + rng.randrange(1, 20)}")
            subject.disturb(number, index, [env], codes=(0, -signal.SIGTERM))


def calls(subject, number, group, limit):
    """(index of a step, number of a call); none for flows to which it matters where an epoch ends."""
    if not subject.is_steady:
        return
    for index, total in enumerate(subject.count_calls(number, group)):
        for at in crashes.spread(total, limit):
            subject.tools.count("signals")
            yield index, at


def term_env(tools, group, at):
    return {"LD_PRELOAD": str(tools.crashpoint), "CRASHPOINT_COUNT": group, "CRASHPOINT_TERM": str(at)}


# -- at random moments, under load --------------------------------------------------------------------

SUMS = """
record Row { user: string, n: int }
record Seen { sum: int = 0, last: list[int] = [] }
source rows: Row = file("rows.jsonl", jsonl)
sink sums = file("sums.jsonl", jsonl)
rows
  |> key by user
  |> state seen: Seen {
       seen.sum += n
       seen.last.push(n)
       if len(seen.last) > 5 { seen.last = slice(seen.last, 1, 6) }
       emit { user: key, sum: seen.sum, last: seen.last }
     }
  |> into sums
"""


def test_at_random_moments_under_load(box):
    """Runs are told to stop, told twice, or killed, in turn, each at a random moment."""
    rng = random.Random(box.tools.seed)
    rounds, rows = (40, 1_500_000) if box.tools.is_full else (10, 150_000)
    box = box.tools.sandbox("signals", box.tools.memory())
    box.compile(SUMS, "sums")
    box.write("rows.jsonl", "".join(f'{{"user": "u{rng.randrange(5000)}", "n": {n}}}\n' for n in range(rows)))
    box.run("./sums", "-w", "2", timeout_s=300)
    expected = box.path / "expected.jsonl"
    (box.path / "sums.jsonl").rename(expected)
    slowest_s = 0
    for number in range(rounds):
        pause_s = rng.random() ** 2 * 2.5 * rows / 1_500_000
        args = ["-w", str(rng.randrange(1, 5)), "-d", "db", "-s", rng.choice(["1ms", "20ms", "1s"])]
        signals = rng.choice([[signal.SIGTERM]] * 4 + [[signal.SIGINT], [signal.SIGTERM] * 2, [signal.SIGKILL]])
        box.tools.count("signals at random moments")
        slowest_s = max(slowest_s, stop(box, args, signals, pause_s, rng))
        if (box.path / "sums.jsonl").exists() and (box.path / "sums.jsonl").stat().st_size == expected.stat().st_size:
            box.remove("db")  # it is done, so begin again
            box.remove("sums.jsonl")
    box.run("./sums", "-d", "db", timeout_s=300)
    if box.read("sums.jsonl") != expected.read_bytes():
        raise Failure("the rows are not those of an undisturbed run")
    shutil.rmtree(box.path)


def stop(box, args, signals, pause_s, rng):
    """Starts the program, sends the signals after a while, and returns the seconds until its end."""
    is_early = rng.random() < 0.2
    with box.start("./sums", *args) as program:
        if not is_early:
            program.wait_for(lambda: takes_signals(program.pid), "it takes signals")
            time.sleep(pause_s)
        start = time.monotonic()
        for number in signals:
            program.process.send_signal(number)
            time.sleep(rng.random() * 0.002)
        code = program.process.wait(60)
        taken_s = time.monotonic() - start
        result = program.output()
    is_polite = signals in ([signal.SIGTERM], [signal.SIGINT]) and not is_early
    if code not in ((0,) if is_polite else (0, *(-number for number in signals))):
        raise Failure(f"after signals {signals} at {pause_s:.3f} s\n" + result.describe())
    if taken_s > PATIENCE_S:
        raise Failure(f"{taken_s:.1f} s passed between the signal and the end\n" + result.describe())
    return taken_s


def takes_signals(pid):
    """Before that, while the system loads the program, a signal kills it like any other."""
    blocked = re.search(r"^SigBlk:\t(\w+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(blocked[1], 16) >> (signal.SIGTERM - 1) & 1
