"""A migration that is killed at each of its calls: the tables of scenario/changes.py, once more.

The new program is killed at its N-th call over the old one's state, plainly or while it goes back to an
epoch from before the change, and then run again: its file must be the one of a run without a kill.
"""

import shutil

from harness import flows, scripts
from harness.base import TESTS, check_equal

table = scripts.load(TESTS / "scenario" / "changes.py")

SHORT_ROWS = ("a field added, with a default", "a state renamed with `was`", "the flow renamed with `was`",
              "a state renamed without `was`")
SHORT_POINTS = 5


def options_of(row):
    """What the new program needs to be accepted."""
    outcome = table.ROWS[row][2]
    return [] if table.is_carried(row) else list(outcome.way)


def rows(tools):
    if not tools.is_full:
        return SHORT_ROWS
    return [row for row in table.ROWS if table.is_carried(row) or table.ROWS[row][2].way]


def points(total, is_full):
    if is_full:
        return range(1, total + 1)
    return sorted({1 + n * (total - 1) // (SHORT_POINTS - 1) for n in range(SHORT_POINTS)})


def restore(box, saved):
    shutil.rmtree(box.path)
    shutil.copytree(saved, box.path, symlinks=True)


def kill_everywhere(box, row, rewinds):
    scene = table.Scene(box, row)
    saved = box.path.parent / (box.path.name + "-saved")
    shutil.copytree(box.path, saved, symlinks=True)
    options = options_of(row) + rewinds
    counter = box.path.parent / (box.path.name + "-calls")
    scene.run_new(*options, env=flows.crash_env(box.tools, 0, counter))
    name = scene.outcome.file
    expected, total = box.read(name), int(counter.read_text())
    for at in points(total, box.tools.is_full):
        for half in (0, 1) if box.tools.is_full else (at % 2,):
            box.tools.count("kills over a changed program")
            restore(box, saved)
            scene.run_new(*options, env=flows.crash_env(box.tools, at, half=half), exit=None)
            scene.run_new(*options)
            check_equal(expected, box.read(name), f"{name} after a kill at call {at} of {total}, half {half}")
    shutil.rmtree(saved)


def discover(tools):
    if not tools.can_crash:
        return []
    tests = []
    for row in rows(tools):
        tests.append((f"{row}: killed", lambda box, r=row: kill_everywhere(box, r, [])))
        if table.ROWS[row][2].file == "out.txt":
            tests.append((f"{row}: killed while it goes back",
                          lambda box, r=row: kill_everywhere(box, r, ["--resume-epoch", "2"])))
    return tests
