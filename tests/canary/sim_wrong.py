"""This must fail: seeds over a runtime in which a worker does not say that it is done."""

from harness.base import TESTS, Skip
from harness.scripts import load


def test_lost_wake(box):
    if not (box.tools.work / "tests" / "sim" / "sim").exists():
        raise Skip("no simulator in this build")
    bugs = load(TESTS / "sim" / "bugs.py")
    box.run(bugs.build("lost_wake", box.tools.mode), 0, 100)
