"""Stores of every format that was ever released are read on (../fixtures/stores.py)."""

import re
import shutil

from harness import scripts
from harness.base import TESTS, Failure, check_equal

stores = scripts.load(TESTS / "fixtures" / "stores.py")


class Scene:
    """A directory in which the programs of a fixture have run up to the place of its store."""

    def __init__(self, box, number):
        self.box = box
        for name in ("old", "new"):
            box.compile(stores.flow(number, name), name)
        self.run("old", stores.BY_OLD + stores.SLOWLY, "--epoch-records", "40")
        self.run("new", stores.BY_NEW, "--epoch-records", "1", "--accept-drop", "dropped")

    def run(self, program, lines, *options, exit=0):
        self.box.append("rows.jsonl", "".join(lines))
        return self.box.run(f"./{program}", *stores.OPTIONS, *options, exit=exit)

    def outputs(self):
        return self.box.read("out.txt") + self.box.read("extra.txt")


def state_hash(box):
    result = box.run(box.tools.flowcc, "state", "verify", "db")
    found = re.search(r"\b[0-9a-f]{16}\b", result.out.decode())
    if not found:
        raise Failure("no hash of the state\n" + result.describe())
    return found.group()


def go_on(box, number):
    """The state of the fixture is that of the same programs today; so is what comes of it."""
    scene = Scene(box, number)
    today = state_hash(box)
    box.remove("db")
    (box.path / "db").mkdir()
    shutil.copy(stores.folder_of(number) / "data.mdb", box.path / "db")
    check_equal(today, state_hash(box), "hash of the state")
    shutil.copytree(box.path / "db", box.path / "saved")
    scene.run("new", stores.LATER)
    after = scene.outputs()
    check_equal(today_after(box, number), after, "outputs of the run that goes on")
    # Back behind the change of the program, and forward again.
    box.remove("db")
    shutil.copytree(box.path / "saved", box.path / "db")
    result = scene.run("new", [], "--resume-epoch", "0", exit=78)
    first = int(re.search(r"takes (\d+) to", result.err.decode()).group(1))
    scene.run("new", [], "--resume-epoch", str(first + 5), "--accept-drop", "dropped")
    check_equal(str(after.count(b"\n")), str(scene.outputs().count(b"\n")), "lines behind --resume-epoch")


def today_after(box, number):
    reference = Scene(box.tools.sandbox("reference"), number)
    reference.run("new", stores.LATER)
    return reference.outputs()


def test_the_present_format_has_a_store(box):
    del box
    if stores.present_format() not in stores.formats():
        raise Failure(f"STORE_FORMAT is {stores.present_format()}: add tests/fixtures/format-"
                      f"{stores.present_format()}, see tests/fixtures/stores.py")


def discover(tools):
    del tools
    return [(f"format {number} is read on", lambda box, n=number: go_on(box, n)) for number in stores.formats()]
