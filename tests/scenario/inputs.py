"""What becomes of an input that changed between two runs: the table of docs/inputs.md, row by row.

Each row is played with `file` and with `dir`, with a short and with a long file (identity is the hash
of the first and last 4 KiB, so both lie apart in the long one). A refusal must touch nothing and name
the file, what was expected and what was found; its ways out are tried as well.
"""

import os
import re
import shutil

from harness.base import ROOT, Failure, check_equal, check_match

SHORT, LONG = range(100, 110), range(100, 3100)
OTHER = range(5000, 5010)
PROGRAM = """
source rows: int = {connector} else {bad}
sink out = file("out.txt", text)
rows |> into out
"""
SKIPS = PROGRAM.replace("{bad}", "skip")
STOPS = PROGRAM.replace("{bad}", "stop")


def text(numbers):
    return "".join(f"{n}\n" for n in numbers)


class Scene:
    """Two files in `in/`, of which the change is done to a.txt. `file` reads only that one."""

    def __init__(self, box, connector, numbers, program=SKIPS):
        self.box, self.connector, self.numbers = box, connector, list(numbers)
        place = {"file": 'file("in/a.txt", text)', "dir": 'dir("in/", text)'}[connector]
        box.compile(program.format(connector=place), "flow")
        box.write("in/a.txt", text(numbers))
        box.write("in/b.txt", text(OTHER))
        self.seen = 0

    @property
    def a(self):
        return self.box.path / "in" / "a.txt"

    def at(self, name):
        return self.box.path / name

    def run(self, *args, exit=0):
        return self.box.run("./flow", "-d", "db", "--once", *args, exit=exit)

    def new(self):
        """The records that came out since the last call."""
        lines = self.box.read("out.txt").decode().split()
        new, self.seen = [int(n) for n in lines[self.seen:]], len(lines)
        return new

    def other(self):
        return list(OTHER) if self.connector == "dir" else []


# -- the changes. Each gets the scene after its first run, and returns options for the second one.

def nothing(s):
    pass


def touch(s):
    os.utime(s.a, (1, 1))


def grow(s):
    s.box.append("in/a.txt", "1\n2\n")


def copy_over(s):
    shutil.copy(s.a, s.at("copy"))
    os.replace(s.at("copy"), s.a)


def save_anew(s):
    copy_over(s)
    grow(s)


def edit(s, offset, new="8"):
    with open(s.a, "r+b") as file:
        file.seek(offset, os.SEEK_END if offset < 0 else os.SEEK_SET)
        file.write(new.encode())


def edit_start(s):
    edit(s, 0)


def edit_end(s):
    edit(s, -2)


def edit_middle(s):
    edit(s, 6000 if s.a.stat().st_size > 8192 else 0)


def insert_line(s):
    half = len(s.numbers) // 2
    s.box.write("in/a.txt", text(s.numbers[:half] + [7] + s.numbers[half:]))


def truncate(s):
    os.truncate(s.a, len(text(s.numbers[:-1])))


def empty(s):
    os.truncate(s.a, 0)


def replace(s):
    s.box.write("new", text(range(10, 15 + 2 * len(s.numbers))))
    os.replace(s.at("new"), s.a)


def delete(s):
    s.a.unlink()


def put_back(s):
    os.rename(s.a, s.at("away"))
    if s.connector == "dir":
        s.run()
        s.new()
    os.rename(s.at("away"), s.a)
    grow(s)


def rename(s):
    os.rename(s.a, s.at("in/c.txt"))
    s.box.append("in/c.txt", "1\n2\n")


def rename_both(s):
    rename(s)
    return ["--source", "rows=in/c.txt"] if s.connector == "file" else []


def move(s):
    os.rename(s.at("in"), s.at("there"))
    s.box.append("there/a.txt", "1\n2\n")
    return ["--source", "rows=there/a.txt" if s.connector == "file" else "rows=there"]


def move_to_other(s):
    s.box.write("there/a.txt", text([1, 2]))
    return ["--source", "rows=there/a.txt" if s.connector == "file" else "rows=there"]


def move_and_back(s):
    s.box.write("there/z.txt", text([1, 2]))
    s.run("--source", "rows=there/z.txt" if s.connector == "file" else "rows=there")
    s.new()
    grow(s)


def move_and_back_same_name(s):
    s.run(*move_to_other(s))
    s.new()
    s.box.write("in/b.txt", text(OTHER))


def arrive_later(s):
    """A file of the old name comes to the new place when the source has been there for a run."""
    s.at("there").mkdir()
    if s.connector == "file":
        return move_to_other(s)
    s.box.write("there/z.txt", "3\n")
    s.run("--source", "rows=there")
    check_equal("[3]", str(s.new()), "what is read in the new place")
    return move_to_other(s)


def rotate(s):
    os.rename(s.a, s.at("in/a.txt.1"))
    s.box.write("in/a.txt", text([1, 2]))


def rotate_twice(s):
    os.rename(s.at("in/b.txt"), s.at("in/a.txt.2"))
    rotate(s)


def rotate_chain(s):
    """a.txt.1 is known already, and moves on as well."""
    rotate(s)
    if s.connector == "dir":
        s.run()
        s.new()
    os.rename(s.at("in/a.txt.1"), s.at("in/a.txt.2"))
    os.rename(s.a, s.at("in/a.txt.1"))
    s.box.write("in/a.txt", text([3, 4]))


def copy_and_truncate(s):
    shutil.copy(s.a, s.at("in/a.txt.1"))
    s.box.write("in/a.txt", text([1, 2]))


def swap(s):
    os.rename(s.a, s.at("x"))
    os.rename(s.at("in/b.txt"), s.a)
    os.rename(s.at("x"), s.at("in/b.txt"))
    s.box.append("in/b.txt", "1\n2\n")


def overwrite_by_known(s):
    os.replace(s.at("in/b.txt"), s.a)
    grow(s)


def copy_beside(s):
    shutil.copy(s.a, s.at("in/c.txt"))


def hard_link(s):
    os.link(s.a, s.at("in/c.txt"))


def link_instead(s):
    os.rename(s.a, s.at("moved"))
    os.symlink("../moved", s.a)
    s.box.append("moved", "1\n2\n")


def point_elsewhere(s):
    link_instead(s)
    s.run()
    s.new()
    s.box.write("else", text([1, 2] + list(range(7000, 7000 + len(s.numbers)))))
    s.a.unlink()
    os.symlink("../else", s.a)


def directory_instead(s):
    s.a.unlink()
    s.a.mkdir()


def end_the_line(s):
    s.box.append("in/a.txt", "\n1\n2\n")


def go_on_with_the_line(s):
    s.box.append("in/a.txt", "7\n1\n")


def new_file(s):
    s.box.write("in/c.txt", "1\n2\n")


# -- the table

MISSING, CHANGED, GREW = "exit 66, missing", "exit 66, changed", "exit 65"


def goes_on(*records):
    return "goes on", records


def new(*records):
    """No records: those of the first file."""
    return "new", records


# row of the document: (change, what becomes of it with `file`, and with `dir`)
ROWS = {
    "nothing": (nothing, goes_on(), goes_on()),
    "grew": (grow, goes_on(1, 2), goes_on(1, 2)),
    "touched, without a change": (touch, goes_on(), goes_on()),
    "replaced by a copy of itself": (copy_over, goes_on(), goes_on()),
    "replaced by a copy that is longer, as editors do": (save_anew, goes_on(1, 2), goes_on(1, 2)),
    "edited in front of the place, among the first or last 4 KiB": (edit_end, CHANGED, CHANGED),
    "a line inserted or removed in front of the place": (insert_line, CHANGED, CHANGED),
    "truncated": (truncate, CHANGED, CHANGED),
    "emptied": (empty, CHANGED, CHANGED),
    "replaced by another file": (replace, CHANGED, CHANGED),
    "deleted": (delete, MISSING, goes_on()),
    "deleted, and put back later": (put_back, goes_on(1, 2), goes_on(1, 2)),
    "replaced by a directory": (directory_instead, MISSING, goes_on()),
    "renamed": (rename, MISSING, goes_on(1, 2)),
    "renamed, and `--source` names the new file": (rename_both, goes_on(1, 2), goes_on(1, 2)),
    "moved with its directory, and `--source` says where": (move, goes_on(1, 2), goes_on(1, 2)),
    "`--source` names a place with other files": (move_to_other, new(1, 2), new(1, 2)),
    "`--source` names an empty place, and files come later": (arrive_later, new(1, 2), new(1, 2)),
    "another place for some runs, and back": (move_and_back, goes_on(1, 2), goes_on(1, 2)),
    "the same, and a file of that name was in the other place": (move_and_back_same_name, new(), new()),
    "rotated: renamed, and a new file has its name": (rotate, CHANGED, goes_on(1, 2)),
    "rotated twice": (rotate_chain, CHANGED, goes_on(3, 4)),
    "rotated by copying and truncating": (copy_and_truncate, CHANGED, goes_on(1, 2)),
    "names of two files swapped": (swap, CHANGED, goes_on(1, 2)),
    "overwritten by another known file": (overwrite_by_known, CHANGED, goes_on(1, 2)),
    "a new file beside it": (new_file, goes_on(), new(1, 2)),
    "a copy beside it, or a hard link": (hard_link, goes_on(), new()),
    "replaced by a symbolic link to where it is now": (link_instead, goes_on(1, 2), goes_on(1, 2)),
    "a symbolic link that points to another file now": (point_elsewhere, CHANGED, CHANGED),
    "the last line had no newline, and got one": (end_the_line, goes_on(1, 2), goes_on(1, 2)),
    "the last line had no newline, and became longer": (go_on_with_the_line, GREW, GREW),
    "edited or replaced behind the place": (None, goes_on(1, 2), goes_on(1, 2)),
    "edited further inside, with the same length": (edit_middle, goes_on(), goes_on()),
}
# Further changes that a row stands for.
ALSO = {
    "edited in front of the place, among the first or last 4 KiB": [edit_start],
    "a copy beside it, or a hard link": [copy_beside],
    "rotated: renamed, and a new file has its name": [rotate_twice],
}


def play(box, row, change, connector, expected, numbers):
    if change is None:
        return play_behind(box, connector, expected, numbers)
    if change is edit_middle and numbers is SHORT:
        return None  # all of a short file lies in the samples
    box.tools.count("changed inputs")
    scene = Scene(box, connector, numbers)
    if "no newline" in row:
        box.write("in/a.txt", text(numbers)[:-1])
    scene.run()
    check_equal(str(list(numbers) + scene.other()), str(scene.new()), "the first run")
    options = change(scene) or []
    if isinstance(expected, str):
        return refuse(scene, options, expected)
    records = list(expected[1]) if expected != new() else list(numbers)
    scene.run(*options)
    check_equal(str(records), str(scene.new()), "what the second run reads")
    scene.run(*options)
    check_equal("[]", str(scene.new()), "what a third run reads")
    return None


def play_behind(box, connector, expected, numbers):
    """The run stopped at a bad record; the place is in front of it."""
    scene = Scene(box, connector, numbers, STOPS)
    box.append("in/a.txt", "bad\nworse\n")
    scene.run(exit=65)
    check_equal(str(list(numbers)), str(scene.new()), "the first run")
    box.write("in/a.txt", text(list(numbers) + [1, 2]))
    scene.run()
    check_equal(str(list(expected[1]) + scene.other()), str(scene.new()), "what the second run reads")


def contents(scene):
    """Everything that a refused run must leave as it is."""
    found = {}
    for path in sorted(scene.box.path.rglob("*")):
        if path.is_file() and path.name not in ("flow.lock", "lock.mdb"):
            found[str(path.relative_to(scene.box.path))] = path.read_bytes()
    return found


def refuse(scene, options, expected):
    before = contents(scene)
    result = scene.run(*options, exit=65 if expected == GREW else 66)
    check_equal(str(sorted(before)), str(sorted(contents(scene))), "files after the refusal")
    if contents(scene) != before:
        raise Failure("the refused run changed a file\n" + result.describe())
    check_equal(b"", result.out, "stdout")
    if expected == MISSING:
        check_match([r"in/a\.txt \(source `rows`\)", r"expected: .*\d+ bytes \(\d+ records\)"], result.err)
        return
    if expected == GREW:
        check_match([r"record .*in/a\.txt.*source `rows`.* grew", "= help: .*--source-restart rows"],
                    result.err)
    else:
        check_match([r"in/a\.txt` of source `rows`", r"expected: .*\d+ bytes", r"found: .*\d+ bytes",
                     "= help: .*--source-restart rows.*--source-skip rows"], result.err)
    try_ways_out(scene, options, expected)


def try_ways_out(scene, options, expected):
    """Each on a copy of what is there."""
    box = scene.box
    shutil.copytree(box.path, box.path.parent / (box.path.name + "-saved"), symlinks=True)
    saved = box.path.parent / (box.path.name + "-saved")
    seen = scene.seen
    now = [int(n) for n in box.read("in/a.txt").split()]
    b = box.path / "in" / "b.txt"
    other = [int(n) for n in b.read_bytes().split()] if scene.connector == "dir" and b.exists() else []
    for way in ("--source-restart", "--source-skip"):
        if expected == GREW and way == "--source-skip":
            continue
        shutil.rmtree(box.path)
        shutil.copytree(saved, box.path, symlinks=True)
        scene.seen = seen
        scene.run(*options, way, "rows")
        check_equal(str(sorted(now + other) if way == "--source-restart" else []), str(sorted(scene.new())),
                    f"what {way} reads")
        scene.run(*options)
        check_equal("[]", str(scene.new()), f"what a run behind {way} reads")
        box.append("in/a.txt", "1\n2\n")
        scene.run(*options)
        check_equal("[1, 2]", str(scene.new()), f"what comes behind {way}")
    shutil.rmtree(saved)


# -- the tests

def documented_rows():
    text = (ROOT / "docs" / "inputs.md").read_text()
    table = re.search(r"^\| what happened to .*\n\|[- |]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    rows = {}
    for line in table.group(1).splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        rows[cells[0]] = cells[1:3]
    return rows


def test_the_document_has_these_rows(box):
    documented = documented_rows()
    check_equal("\n".join(sorted(ROWS)), "\n".join(sorted(documented)), "rows of docs/inputs.md")
    for row, (_, *outcomes) in ROWS.items():
        for connector, outcome, cell in zip(("file", "dir"), outcomes, documented[row]):
            word = outcome if isinstance(outcome, str) else outcome[0]
            if not cell.startswith(word):
                raise Failure(f"docs/inputs.md says of `{connector}`, {row}: {cell}; the test has: {word}")


def play_all(box, row, connector):
    change, *expected = ROWS[row]
    outcome = expected[connector == "dir"]
    for one in [change] + ALSO.get(row, []):
        for name, numbers in (("short", SHORT), ("long", LONG)):
            inner = box.tools.sandbox(f"{connector} {row} {name}")
            try:
                play(inner, row, one, connector, outcome, numbers)
            except Failure as failure:
                raise Failure(f"{connector}, {row}, a {name} file: {failure}") from None


def discover(tools):
    del tools
    return [(f"{connector}: {row}", lambda box, r=row, c=connector: play_all(box, r, c))
            for row in ROWS for connector in ("file", "dir")]


def test_rotated_file_is_read_to_its_end_first(box):
    """The way out without a loss that docs/inputs.md tells."""
    scene = Scene(box, "file", LONG)
    scene.run()
    scene.new()
    grow(scene)
    rotate(scene)
    scene.run(exit=66)
    scene.run("--source", "rows=in/a.txt.1")
    check_equal("[1, 2]", str(scene.new()), "the rest of the old file")
    scene.box.append("in/a.txt", "3\n")
    scene.run()
    check_equal("[1, 2, 3]", str(scene.new()), "the new file")
