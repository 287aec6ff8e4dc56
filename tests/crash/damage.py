"""A damaged state directory under a real program: refused with exit 78 and a way out, or harmless.

The store is the newest of ../fixtures. Each damage is tried by the program that goes on from it, and by
`flowcc state verify`, which has to come to the same judgement. A refusal touches nothing; where it
names an epoch to go back to, that is done, and no line may be missing or doubled afterwards. (Every byte
of a store is tried in unit/test_store_damage.c; this shows that nothing is lost on the way to the user.)
"""

import os
import random
import re
import shutil

from harness import scripts
from harness.base import TESTS, Failure, check_equal, check_match

formats = scripts.load(TESTS / "scenario" / "formats.py")
stores = formats.stores
PAGE = 4096
DROP = ["--accept-drop", "dropped"]  # behind an epoch in which that state was there still


class Scene:
    """The fixture's store beside inputs and outputs that belong to it."""

    def __init__(self, box):
        self.box = box
        number = max(stores.formats())
        self.inner = formats.Scene(box, number)
        self.sinks = {n: box.read(n) for n in ("out.txt", "extra.txt")}
        box.append("rows.jsonl", "".join(stores.LATER))
        self.rows = box.read("rows.jsonl")
        self.image = (stores.folder_of(number) / "data.mdb").read_bytes()
        self.restore(self.image)
        self.run()
        self.after = {n: box.read(n) for n in self.sinks}
        self.refused = self.named = self.harmless = 0

    def restore(self, image):
        """The state directory holds just this file."""
        box = self.box
        shutil.rmtree(box.path / "db")
        box.write("db/data.mdb", image)
        for name, data in self.sinks.items():
            box.write(name, data)

    def run(self, *options, exit=0):
        return self.box.run("./new", *stores.OPTIONS, *options, exit=exit)

    def verify(self):
        return self.box.run(self.box.tools.flowcc, "state", "verify", "db", exit=None)

    def try_it(self, what, image):
        self.box.tools.count("damaged stores")
        try:
            self.restore(image)
            self.judge(image)
        except Failure as failure:
            raise Failure(f"{what}: {failure}") from None

    def judge(self, image):
        verified = self.verify()
        if verified.code not in (0, 78):
            raise Failure("state verify\n" + verified.describe())
        result = self.run(exit=None)
        if result.code == 0:
            self.harmless += 1
            # Verify looks as well at what only older epochs have, for those who want to go back to them.
            if verified.code != 0 and b"`dropped`" not in verified.err:
                raise Failure("the program has no objection, and verify has\n" + verified.describe())
            return self.check_sinks(self.after, "the run that goes on")
        if result.code != 78:
            raise Failure("neither refused nor harmless\n" + result.describe())
        self.refused += 1
        check_match(["^error: .*db.*(damaged|is gone)", "= help: "], result.err)
        if verified.code != 78:
            raise Failure("the program refuses, and verify does not\n" + verified.describe() + result.describe())
        self.check_sinks(self.sinks, "the refused run")
        check_equal(self.rows, self.box.read("rows.jsonl"), "rows.jsonl")
        check_equal(image, self.box.read("db/data.mdb"), "data.mdb after the refusal")
        self.try_way_out(result, verified)
        return None

    def check_sinks(self, expected, when):
        for name, data in expected.items():
            check_equal(data, self.box.read(name), f"{name} after {when}")

    def try_way_out(self, result, verified):
        message = result.err.decode()
        good = re.search(r"good up to the end of epoch (\d+)", message)
        if not good:
            check_match(["= help: .*backup"], message)
            return
        self.named += 1
        epoch = str(int(good.group(1)) + 1)
        check_match([f"= help: --resume-epoch {epoch} "], message)
        if good.group(0) not in verified.err.decode() + verified.out.decode():
            raise Failure("verify names another epoch\n" + verified.describe() + message)
        self.run("--resume-epoch", epoch, *DROP)
        for name, data in self.after.items():
            check_equal(str(data.count(b"\n")), str(self.box.read(name).count(b"\n")), f"lines of {name}")
        self.run()
        if self.verify().code != 0:
            raise Failure("the store is not whole behind --resume-epoch\n" + self.verify().describe())


def changed(image, at, data):
    return image[:at] + data + image[at + len(data):]


def damages(image, step, chance):
    """Pairs of a name and a damaged file."""
    for text in list(re.finditer(rb"text 13", image))[:: 3 if step > 1000 else 1]:
        at = text.start()  # in a value that one of the last epochs has written
        yield f"byte {at} of a text", changed(image, at, b"x")
    for at in range(0, len(image), step):
        at += chance.randrange(min(step, len(image) - at))
        bit = chance.randrange(8)
        yield f"bit {bit} of byte {at}", changed(image, at, bytes([image[at] ^ 1 << bit]))
    for size in (512, PAGE):
        for at in range(0, len(image), max(size, step)):
            yield f"{size} zeros at {at}", changed(image, at, bytes(size)[:len(image) - at])
    for size in range(0, len(image), max(PAGE, step)):
        yield f"cut to {size} bytes", image[:size]
    pages = len(image) // PAGE
    for _ in range(len(image) // step // 4):
        a, b = chance.sample(range(pages), 2)
        first, second = image[a * PAGE:a * PAGE + PAGE], image[b * PAGE:b * PAGE + PAGE]
        yield f"pages {a} and {b} swapped", changed(changed(image, a * PAGE, second), b * PAGE, first)
        yield f"page {a} over page {b}", changed(image, b * PAGE, first)


def test_every_kind_of_damage(box):
    scene = Scene(box)
    step = 127 if box.tools.is_full else 2111
    for what, image in damages(scene.image, step, random.Random(20)):
        scene.try_it(what, image)
    if not (scene.refused > 20 and scene.named > 4 and scene.harmless > 3):
        raise Failure(f"this shows too little: {scene.refused}, {scene.named}, {scene.harmless}")


# -- other files of the directory

def garbage(box, name):
    box.write(name, random.Random(3).randbytes(9000))


def empty(box, name):
    box.write(name, b"")


def directory(box, name):
    if (box.path / name).exists():
        box.remove(name)
    (box.path / name).mkdir()


def gone(box, name):
    box.remove(name)


HARMLESS = [("lock.mdb", garbage), ("lock.mdb", empty), ("lock.mdb", gone), ("flow.lock", garbage), ("flow.lock", empty),
            ("flow.lock", gone), ("data.mdb.compact", garbage), ("new/data.mdb", garbage), ("notes.txt", garbage)]
REFUSED = [("lock.mdb", directory, 74), ("flow.lock", directory, 74), ("data.mdb", directory, 74),
           ("data.mdb", empty, 78), ("data.mdb", garbage, 78), ("data.mdb", gone, 78)]


def test_other_files_of_the_directory(box):
    scene = Scene(box)
    for name, change in HARMLESS:
        scene.restore(scene.image)
        scene.verify()
        box.write("db/flow.lock", "1\n")
        box.write("db/lock.mdb", b"")
        change(box, f"db/{name}")
        scene.run()
        scene.check_sinks(scene.after, f"{change.__name__} {name}")
    for name, change, code in REFUSED:
        scene.restore(scene.image)
        scene.run()
        for sink, data in scene.sinks.items():
            box.write(sink, data)
        change(box, f"db/{name}")
        result = scene.run(exit=code)
        check_match(["^error: .*db"], result.err)
        scene.check_sinks(scene.sinks, f"{change.__name__} {name}")


def test_store_of_another_run(box):
    """It is whole, but neither the input nor the sinks are those that it knows."""
    scene = Scene(box)
    other = Scene(box.tools.sandbox("other"))
    box.write("rows.jsonl", "".join(stores.rows(7, 1400)))
    scene.restore(other.image)
    check_match([r"rows\.jsonl. of source .lines. is not the file"], scene.run(exit=66).err)
    box.write("rows.jsonl", scene.rows)
    box.write("out.txt", b"another run's\n" * 9000)
    check_match([r"out\.txt is not what sink `out` has written"], scene.run(exit=78).err)
    box.compile("flow other\nsource rows: int = file(\"n.txt\", text)\nrows |> into stdout\n", "stranger")
    check_match(["belongs to the flow `fixture`, and this is `other`"], box.run("./stranger", "-d", "db", exit=78).err)


def test_store_that_is_half_of_another_run(box):
    """Pages of two stores of one program, in one file."""
    scene = Scene(box)
    donor = formats.Scene(box.tools.sandbox("donor"), max(stores.formats()))
    other = donor.box.read("db/data.mdb")
    pages = range(2, min(len(scene.image), len(other)) // PAGE)
    for page in pages if box.tools.is_full else list(pages)[::3]:
        data = other[page * PAGE:page * PAGE + PAGE]
        scene.try_it(f"page {page} of another store", changed(scene.image, page * PAGE, data))


def test_only_the_owner_can_read_it(box):
    """A state directory is made for its owner alone."""
    scene = Scene(box)
    box.remove("db")
    for name in scene.sinks:
        box.remove(name)
    scene.run()
    check_equal("0o700", oct(os.stat(box.path / "db").st_mode & 0o777), "mode of the directory")
