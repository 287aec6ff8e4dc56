"""A slice of the simulation that is short enough for every run of the tests: tests/sim/README.md."""

from harness.base import TESTS, Failure, Skip
from harness.scripts import load

SEEDS = 300
SEEDS_FULL = 5000
REPEATED = 60


def simulator(box):
    binary = box.tools.work / "tests" / "sim" / "sim"
    if not binary.exists():
        raise Skip("no simulator in this build")
    return binary


def test_seeds(box):
    box.run(simulator(box), 0, SEEDS_FULL if box.tools.is_full else SEEDS)


def test_one_seed_one_story(box):
    """Everything that happens follows from the seed: two runs mix the same hashes."""
    first, second = (box.run(simulator(box), 0, REPEATED, "hash").out for _ in range(2))
    hashes = {line.split()[1] for line in first.split(b"\n") if line}
    if first != second or len(hashes) != REPEATED:
        raise Failure(f"{first!r}\nand then\n{second!r}")


def test_bugs_fit(box):
    """Each planted bug still has a place in the runtime."""
    bugs = load(TESTS / "sim" / "bugs.py")
    for name in bugs.ALL:
        bugs.changed_text(name)


def test_a_planted_bug(box):
    simulator(box)
    bugs = load(TESTS / "sim" / "bugs.py")
    seed, text = bugs.find(bugs.build("sink_not_synced", box.tools.mode), SEEDS)
    if seed is None:
        raise Failure(f"a sink that is not synced was not noticed\n{text}")
