"""--resume-epoch with a sink of many files, killed at each of its calls: files of the epochs that are given up must
be gone, whenever the run that goes back was killed."""

import shutil

from harness import crashes, flows, scripts
from harness.base import TESTS, check_equal

parts = scripts.load(TESTS / "scenario" / "parts.py")
KEEP = ["--epoch-records", "1", "--retain-epochs", "9"]


def files(box):
    return {str(path.relative_to(box.path)): path.read_text() for path in sorted((box.path / "out").rglob("*.csv"))}


def killed_everywhere(box):
    parts.make(box, [(1, 1), (2, 2), (3, 3), (1, 4)], *KEEP)
    box.compile(parts.FLOW.replace("{day}", "{if n > 1 then 100 + day else day}"), "daily")
    saved = box.path.parent / (box.path.name + "-saved")
    shutil.copytree(box.path, saved, symlinks=True)
    counter = box.path.parent / (box.path.name + "-calls")
    back = [*KEEP, "--resume-epoch", "1"]
    before = files(box)
    parts.more(box, [], *back, env=flows.crash_env(box.tools, 0, counter))
    expected, total = files(box), int(counter.read_text())
    # The option is given again; or it is not, and the run that was killed has gone back already, or it has not.
    ways = (back, [expected]), (KEEP, [before, expected])
    for at in range(1, total + 1) if box.tools.is_full else crashes.spread(total, 16):
        for again, outcomes in ways if box.tools.is_full else (ways[at % 2],):
            box.tools.count("kills while a run goes back")
            shutil.rmtree(box.path)
            shutil.copytree(saved, box.path, symlinks=True)
            parts.more(box, [], *back, env=flows.crash_env(box.tools, at, half=at % 2), exit=None)
            parts.more(box, [], *again)
            if files(box) not in outcomes:
                check_equal(repr(expected), repr(files(box)), f"files after a kill at call {at} of {total}: {again}")
    shutil.rmtree(saved)


def discover(tools):
    return [("going back with many files", killed_everywhere)] if tools.can_crash else []
