"""This must fail: a front end that crashes at a mutant."""

from harness.base import TESTS
from harness.scripts import load


def test_crash(box):
    load(TESTS / "fuzz" / "front.py").run_mutants(box, 500, "--canary")
