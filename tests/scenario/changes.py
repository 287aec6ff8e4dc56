"""What a changed program makes of saved state: the table of docs/changes.md, row by row.

The old program runs with a state directory, then the new one does. What is carried over must go on
with the saved values; what is refused must be refused with its text, touch nothing, and go on by
its way out. What is carried over is also taken back with --resume-epoch, by the new program and by
the old one, and (crash/changes.py) killed in the middle.
"""

import re
import shutil

from harness.base import ROOT, Failure, check_equal, check_match

FIRST = [("a", 1), ("b", 2), ("a", 3)]
SECOND = [("a", 4), ("c", 5)]
TEMPLATE = """{flow}
{types}
record Row {{ {row} }}
source {source}: Row = file("{path}", jsonl){source_end}
sink {sink} = file("{out}", {format}){sink_end}
{source} {before}|> key by {key} |> {stage} |> into {sink}
{more}
"""
STAGE = "state {name}: {type} = {init}{state_end} {{ {body}; emit {emit} }}{hook}"
DEFAULTS = dict(flow="", types="", row="user: string, n: int", source="rows", path="rows.jsonl", source_end="",
                sink="out", out="out.txt", format="text", sink_end="", before="", key="user", name="v",
                type="int", init="0", state_end="", body="v += n", emit='f"{key} {v}"', hook="", more="")
STATE = ["-d", "db", "--epoch-records", "1", "--retain-epochs", "100"]


def program(**parts):
    values = {**DEFAULTS, **parts}
    values.setdefault("stage", STAGE.format(**values))
    return TEMPLATE.format(**values)


def aggregate(text, window=""):
    return dict(stage=window + f'aggregate f"{{user}} {text}" named v')


def record(fields, body, **more):
    return dict(types="record V { " + fields + " }", type="V", init="V()", body=body, **more)


def enum(variants, body, init, **more):
    return dict(types="enum E {\n" + "\n".join(variants) + "\n}", type="E", init=init, body=body, **more)


COUNT = record("count: int = 0", "v.count += n")
NEXT = 'v = match v { one => two, two => one }'
KINDS = enum(["one", "two"], NEXT, "one")


class Carried:
    """The lines that the new program writes behind those of the old one."""
    word = "carried over"

    def __init__(self, *lines, file="out.txt", word=None, notes=(), options=(), fresh=False):
        self.lines, self.file, self.notes, self.options, self.fresh = lines, file, notes, options, fresh
        self.word = word or self.word


class Refused:
    """What the message says; the options that are its way out, and what is written then."""
    word = "refused"

    def __init__(self, *patterns, way=None, lines=(), file="out.txt"):
        self.patterns, self.way, self.lines, self.file = patterns, way, lines, file


def has_types(name, old, new):
    return (f"`{name}", f"saved:   {old}$", f"program: {new}$", "= help: ")


GOES_ON = ("a 8", "c 5")
ANEW = ("a 4", "c 5")
DROPPED = ("is saved, and the program has it no more", r"= help: --accept-drop {0} .*was \"{0}\"")


def dropped(name):
    return (f"`{name}` {DROPPED[0]}", DROPPED[1].format(name))


# row of the document: (old program, new program, what happens)
ROWS = {
    # values
    "a field added, with a default":
        (COUNT, record("count: int = 0, sum: int = 100", "v.count += n; v.sum += n"),
         Carried('a {"count": 8, "sum": 104}', 'c {"count": 5, "sum": 105}', notes=["`v.sum` is new, with its default"])),
    "a field added, of a type `T?`":
        (COUNT, record("count: int = 0, last: int?", "v.count += n") | dict(init="V(last: none)"),
         Carried('a {"count": 8, "last": null}', 'c {"count": 5, "last": null}', notes=["absent in saved values"])),
    "a field added, without a default":
        (COUNT, record("count: int = 0, sum: int", "v.count += n") | dict(init="V(sum: 1)"),
         Refused("`v.sum` is a new field without a default: give it one", "saved:   nothing", "program: int")),
    "fields in another order":
        (record("x: int = 0, y: int = 7", "v.x += n"), record("y: int = 7, x: int = 0", "v.x += n"),
         Carried('a {"y": 7, "x": 8}', 'c {"y": 7, "x": 5}', notes=["another order"])),
    "a field renamed with `was`":
        (COUNT, record('total: int = 0 was "count"', "v.total += n"),
         Carried('a {"total": 8}', 'c {"total": 5}', notes=["`v.total` has a new name"])),
    "a field renamed without `was`":
        (COUNT, record("total: int = 0", "v.total += n"),
         Refused("`v.count` has saved values and is gone", r"--accept-drop v\.count .*was \"old\"",
                 way=["--accept-drop", "v.count"], lines=('a {"total": 4}', 'c {"total": 5}'))),
    "a field removed":
        (record("x: int = 0, y: int = 7", "v.x += n"), record("x: int = 0", "v.x += n"),
         Refused("`v.y` has saved values and is gone", r"--accept-drop v\.y ",
                 way=["--accept-drop", "v.y"], lines=('a {"x": 8}', 'c {"x": 5}'))),
    "`T` to `T?`":
        ({}, dict(type="int?", init="none", body="v = (v ?? 0) + n"), Carried(*GOES_ON, notes=["may now be absent"])),
    "`T?` to `T`":
        (dict(type="int?", init="none", body="v = n"), {}, Refused(*has_types("v`", r"int\?", "int"))),
    "`int` to `float`":
        ({}, dict(type="float", init="0.0", body="v += float(n)"),
         Carried("a 8.0", "c 5.0", notes=["was int and is float"])),
    "`int` to `float`, with a number that is not exact":
        (dict(body="v = 9007199254740993"), dict(type="float", init="0.0", body="v += float(n)"),
         Refused("`v` cannot be migrated", "not exact", "= help: keep the old type")),
    "`float` to `int`":
        (dict(type="float", init="0.0", body="v += float(n)"), {}, Refused(*has_types("v`", "float", "int"))),
    "a `decimal` with another number of digits":
        (dict(type="decimal[2]", init="0", body="v += decimal(n, 2)"), dict(type="decimal[3]", init="0", body="v += decimal(n, 3)"),
         Refused("`v` has another number of digits behind the point", r"saved:   decimal\[2\]$", r"program: decimal\[3\]$", "= help: ")),
    "any other type, as `int` to `string`":
        ({}, dict(type="string", init='""', body='v = f"{n}"'), Refused(*has_types("v`", "int", "string"))),
    "an element of a list, set or map: as for a value":
        (dict(type="list[int]", init="[]", body="v.push(n)"), dict(type="list[float]", init="[]", body="v.push(float(n))"),
         Carried("a [1.0, 3.0, 4.0]", "c [5.0]")),
    "a list to a set, or any other kind":
        (dict(type="list[int]", init="[]", body="v.push(n)"), dict(type="set[int]", init="[]", body="v.add(n)"),
         Refused(*has_types("v`", r"list\[int\]", r"set\[int\]"))),
    "a variant added":
        (KINDS, enum(["zero", "one", "two"], "v = match v { one => two, two => zero, zero => one }", "one"),
         Carried("a two", "c two", notes=["`v.zero` is a new variant"])),
    "variants in another order":
        (KINDS, enum(["two", "one"], NEXT, "one"), Carried("a two", "c two", notes=["another order"])),
    "a variant renamed with `was`":
        (KINDS, enum(["one", 'second was "two"'], "v = match v { one => second, second => one }", "one"),
         Carried("a second", "c second", notes=["`v.second` has a new name"])),
    "a variant removed, or renamed without `was`":
        (KINDS, enum(["one", "three"], "v = match v { one => three, three => one }", "one"),
         Refused("is a variant that the program has no more", "saved:   enum E", "program: enum E")),
    "a field of a variant added, of a type `T?`":
        (enum(["one(x: int)", "two"], "v = E.one(x: n)", "two"),
         enum(["one(x: int, y: int?)", "two"], "v = match v { one o => E.one(x: o.x + n, y: o.y), two => two }", "two"),
         Carried('a {"one": {"x": 7, "y": null}}', 'c "two"')),
    "a record or enum type renamed":
        (COUNT, dict(types="record W { count: int = 0 }", type="W", init="W()", body="v.count += n"),
         Carried('a {"count": 8}', 'c {"count": 5}', word="goes on")),
    "the initial value changed":
        ({}, dict(init="1000"), Carried("a 8", "c 1005", word="goes on")),
    "an aggregate added":
        (aggregate("{count()}"), aggregate("{count()} {max(n)} {sum(n)}"),
         Carried("a 3 4 4", "c 1 5 5", notes=[r"`v.max\(n\)` is new", r"`v.sum\(n\)` is new"])),
    "the same behind a window or with `emit final`, of one that has no value of nothing":
        (aggregate("{count()} {sum(n)}", "window count 5 |> "), aggregate("{count()} {sum(n)} {max(n)}", "window count 5 |> "),
         Refused(r"`v.sums.max\(n\)` is new, and what is saved was made without it", "give the changed state another name, and --accept-drop the old one")),
    "an aggregate changed or removed":
        (aggregate("{max(n)}"), aggregate("{min(n)}"),
         Refused(r"`v.max\(n\)` has saved values and is gone", r"--accept-drop 'v.max\(n\)' forgets", way=["--accept-drop", "v.max(n)"], lines=ANEW)),
    "another window in front of an `aggregate`":
        (aggregate("{sum(n)}", "window count 2 |> "), aggregate("{sum(n)}", "window count 3 |> "),
         Refused("`v.count 3` is another one than what is saved under this name", "give the changed state another name, and --accept-drop the old one")),
    "`expires` added":
        ({}, dict(state_end=" expires 10d"), Carried(*GOES_ON, notes=["`v` expires from now on"])),
    "`expires` taken away":
        (dict(state_end=" expires 10d"), {}, Carried(*GOES_ON, notes=["`v` does not expire any more"])),
    "`time by` put in front of a state with `expires`, or taken away":
        (dict(row="user: string, n: int, at: timestamp = @2024-01-01", state_end=" expires 10d"),
         dict(row="user: string, n: int, at: timestamp = @2024-01-01", state_end=" expires 10d", before="|> time by at "),
         Refused("`v` has keys that expire by now", "saved:   int expires$", "program: int expires by event time$", "= help: ")),
    "`time by` and `expires` added":
        (dict(row="user: string, n: int, at: timestamp = @2024-01-01"),
         dict(row="user: string, n: int, at: timestamp = @2024-01-01", state_end=" expires 10d", before="|> time by at "),
         Carried(*GOES_ON, notes=["`v` expires from now on"])),
    "the duration of `expires`, or a hook":
        (dict(state_end=" expires 10d"), dict(state_end=" expires 20d", hook=" on expire { emit key }"),
         Carried(*GOES_ON, word="goes on")),
    # keys
    "the type of a key changed":
        (dict(key="n", emit='f"{key} {v}"'), dict(key="user"),
         Refused("key of `v` has another type", "saved:   int", "program: string")),
    "a key `int` to `float`, or to `T?`":
        (dict(row="user: string, n: int, k: int = 5", key="k"), dict(row="user: string, n: int, k: int? = 5", key="k"),
         Carried("5 10", "5 15", notes=["key of `v` may now be absent"])),
    "a part of a key added or removed":
        (dict(key="{ user, k: n % 2 ?? 0 }", emit='f"{key.user} {v}"'), dict(key="{ user }", emit='f"{key.user} {v}"'),
         Refused("key of `v.k` is a part of a key and cannot be removed")),
    # names
    "a state renamed with `was`":
        ({}, dict(name="w", body="w += n", emit='f"{key} {w}"', state_end=' was "v"'),
         Carried(*GOES_ON, notes=["`v` is now `w`"])),
    "a state renamed without `was`":
        ({}, dict(name="w", body="w += n", emit='f"{key} {w}"'),
         Refused(*dropped("v"), way=["--accept-drop", "v"], lines=ANEW)),
    "a state added":
        ({}, dict(more='sink extra = file("extra.txt", text)\nrows |> key by user |> state u: int = 0 { u += 1; emit u } |> into extra'),
         Carried(*GOES_ON, word="goes on")),
    "a step with a state removed":
        (dict(more='sink extra = file("extra.txt", text)\nrows |> key by user |> state u: int = 0 { u += 1; emit u } |> into extra'), {},
         Refused(*dropped("u"), way=["--accept-drop", "u"], lines=GOES_ON)),
    "a step without a state added, changed or removed":
        (dict(before="|> filter n < 100 "), dict(before="|> map { user, n: n * 10 } "),
         Carried("a 44", "c 50", word="goes on")),
    # sources
    "a source renamed with `was`":
        ({}, dict(source="lines", source_end=' was "rows"'), Carried(*GOES_ON, notes=["`rows` is now `lines`"])),
    "a source renamed without `was`, or removed":
        ({}, dict(source="lines"),
         Refused(*dropped("rows"), way=["--accept-drop", "rows"], lines=("a 5", "b 4", "a 8", "a 12", "c 5"))),
    "a source added":
        ({}, dict(more='source more: int = file("more.txt", text)\nsink extra = file("extra.txt", text)\nmore |> into extra'),
         Carried(*GOES_ON, word="goes on")),
    "a source moved to another path":
        ({}, dict(path="moved.jsonl"), Carried("a 10", "b 11", word="goes on")),
    "the item type of a source changed":
        ({}, dict(row="user: string, n: int, extra: string?"), Carried(*GOES_ON, word="goes on")),
    # sinks
    "a sink removed":
        (dict(more='sink extra = file("extra.txt", text)\nrows |> map n |> into extra'), {},
         Carried(*GOES_ON, word="goes on")),
    "a sink renamed with `was`":
        ({}, dict(sink="results", sink_end=' was "out"'), Carried(*GOES_ON, notes=["`out` is now `results`"])),
    "a sink renamed without `was`":
        ({}, dict(sink="results"),
         Refused(r"out\.txt is what sink `out` has written.*sink `results` would empty it", r"= help: .*was \"out\".*--sink-restart results",
                 way=["--sink-restart", "results"], lines=GOES_ON)),
    "a sink moved to another path":
        ({}, dict(out="moved.txt"), Carried(*GOES_ON, file="moved.txt", word="goes on")),
    "the items of a `jsonl` or `text` sink changed":
        ({}, dict(emit='f"{v} of {key}"'), Carried("8 of a", "5 of c", word="goes on")),
    "the columns of a `csv` sink changed":
        (dict(format="csv", emit="{ user, v }"), dict(format="csv", emit="{ user, v, n }"),
         Refused(r"the rows of sink `out` have other columns than those in out\.txt", "there:   user,v$", "program: user,v,n$",
                 "= help: .*--sink out=PATH.*--sink-restart out", way=["--sink", "out=new.txt"],
                 lines=("user,v,n", "a,8,4", "c,5,5"), file="new.txt")),
    # the flow
    "a hook added or removed":
        ({}, dict(hook=' on epoch { emit f"touched {key}" }'), Carried("a 8", "touched a", "c 5", "touched c", word="goes on")),
    "the flow renamed with `was`":
        (dict(flow="flow old"), dict(flow='flow young was "old"'), Carried(*GOES_ON, notes=["the flow `old` is now `young`"])),
    "the flow renamed without `was`, or another flow":
        (dict(flow="flow old"), dict(flow="flow young"),
         Refused("belongs to the flow `old`, and this is `young`", r"= help: .*flow young was \"old\"")),
}
# Refused by a check that comes when the store knows the types of the new program already. It keeps them
# for that program only: the old one goes on as if nothing had been.
REFUSED_LATE = ("`int` to `float`, with a number that is not exact", "a sink renamed without `was`")


def lines_of(records):
    return "".join(f'{{"user": "{u}", "n": {n}}}\n' for u, n in records)


class Scene:
    """The old program has read its records."""

    def __init__(self, box, row):
        self.box, self.row = box, row
        self.outcome = ROWS[row][2]
        self.old, self.new = program(**ROWS[row][0]), program(**ROWS[row][1])
        box.write("rows.jsonl", lines_of(FIRST))
        box.write("more.txt", "77\n")
        box.write("moved.jsonl", lines_of([("a", 6), ("b", 9)]))
        self.run_old()
        self.before = box.read("out.txt")
        box.append("rows.jsonl", lines_of(SECOND))

    def run(self, text, *args, exit=0, env=None):
        self.box.compile(text, "program", "-O0")
        return self.box.run("./program", *STATE, *args, exit=exit, env=env)

    def run_old(self, *args, exit=0):
        return self.run(self.old, *args, exit=exit)

    def run_new(self, *args, exit=0, env=None):
        return self.run(self.new, *args, exit=exit, env=env)

    def expected(self):
        """The bytes of the sink behind the new program."""
        outcome = self.outcome
        lines = "".join(f"{line}\n" for line in outcome.lines).encode()
        starts_afresh = outcome.file != "out.txt" or (isinstance(outcome, Refused) and "--sink-restart" in (outcome.way or ()))
        return lines if starts_afresh else self.before + lines

    def contents(self):
        return {str(p.relative_to(self.box.path)): p.read_bytes() for p in sorted(self.box.path.rglob("*"))
                if p.is_file() and not p.is_symlink() and p.name not in ("flow.lock", "lock.mdb")}


def is_carried(row):
    return isinstance(ROWS[row][2], Carried)


def play(box, row):
    box.tools.count("changed programs")
    scene = Scene(box, row)
    if is_carried(row):
        return play_carried(scene)
    before = scene.contents()
    for _ in range(2):  # a refusal does not wear out
        result = scene.run_new(exit=78)
        check_match(scene.outcome.patterns, result.err)
        check_equal(b"", result.out, "stdout")
        after = scene.contents()
        check_equal(str(sorted(before)), str(sorted(after)), "files after the refusal")
        for name, data in before.items():
            if name != "db/data.mdb" or scene.row not in REFUSED_LATE:
                check_equal(data, after[name], f"{name} after the refusal")
    if scene.outcome.way:
        shutil.copytree(box.path / "db", box.path / "saved")
        scene.run_new(*scene.outcome.way)
        check_equal(scene.expected(), box.read(scene.outcome.file), scene.outcome.file)
        scene.run_new(*(scene.outcome.way if scene.outcome.way[0] == "--sink" else []))
        check_equal(scene.expected(), box.read(scene.outcome.file), f"{scene.outcome.file} after one more run")
        box.remove("db")
        shutil.copytree(box.path / "saved", box.path / "db")
        box.write("out.txt", scene.before)
    scene.run_old()
    box.write("rows.jsonl", lines_of(FIRST + SECOND))
    reference = box.tools.sandbox("reference")
    check_equal(uninterrupted(reference, scene.old), box.read("out.txt"), "out.txt of the old program after the refusal")
    return None


def uninterrupted(box, text):
    """What one run over all records writes."""
    box.write("rows.jsonl", lines_of(FIRST + SECOND))
    box.compile(text, "program", "-O0")
    box.run("./program", *STATE)
    return box.read("out.txt")


def play_carried(scene):
    box, outcome = scene.box, scene.outcome
    result = scene.run_new("--summary", "text")
    check_equal(scene.expected(), box.read(outcome.file), outcome.file)
    check_match(outcome.notes, result.err)
    if not outcome.notes and "migrated" in result.err.decode() and outcome.word == "goes on":
        raise Failure("nothing should be migrated\n" + result.describe())
    scene.run_new()
    check_equal(scene.expected(), box.read(outcome.file), f"{outcome.file} after one more run")
    # Back into the middle of the old program's epochs, with the new one.
    shutil.copytree(box.path / "db", box.path / "saved")
    saved = {n: box.read(n) for n in ("out.txt", outcome.file)}
    if outcome.file == "out.txt":
        scene.run_new("--resume-epoch", "2")
        check_equal(rewound(box.tools.sandbox("rewound"), scene), box.read("out.txt"), "out.txt behind --resume-epoch 2")
    # And back before the change, with the old one; but another flow stays another flow.
    if scene.row == "the flow renamed with `was`":
        return
    box.remove("db")
    shutil.copytree(box.path / "saved", box.path / "db")
    for name, data in saved.items():
        box.write(name, data)
    scene.run_old("--resume-epoch", "3")
    check_equal(uninterrupted(box.tools.sandbox("old"), scene.old), box.read("out.txt"),
                "out.txt of the old program behind --resume-epoch 3")


def rewound(box, scene):
    """What is written if the old program had only come to its second record."""
    box.write("rows.jsonl", lines_of(FIRST[:2]))
    for name in ("more.txt", "moved.jsonl"):
        box.write(name, scene.box.read(name))
    box.compile(scene.old, "program", "-O0")
    box.run("./program", *STATE)
    box.write("rows.jsonl", lines_of(FIRST + SECOND))
    box.compile(scene.new, "program", "-O0")
    box.run("./program", *STATE)
    return box.read("out.txt")


# -- the tests

def test_the_document_has_these_rows(box):
    del box
    text = (ROOT / "docs" / "changes.md").read_text()
    documented = {}
    for line in re.findall(r"^\|(.*)\|$", text, re.MULTILINE):
        cells = [c.strip() for c in line.split("|")]
        documented[cells[0]] = cells[1]
    for head in ("what changed", "---"):
        documented.pop(head)
    check_equal("\n".join(sorted(ROWS)), "\n".join(sorted(documented)), "rows of docs/changes.md")
    for row, (_, _, outcome) in ROWS.items():
        if not documented[row].startswith(outcome.word):
            raise Failure(f"docs/changes.md says of {row}: {documented[row]}; the test has: {outcome.word}")


def test_the_old_program_again(box):
    """Once the new one has committed, its values are not the old one's; a rewind brings those back."""
    scene = Scene(box, "a field added, with a default")
    scene.run_new()
    result = scene.run_old(exit=78)
    check_match([r"`v\.sum` has saved values and is gone", r"--accept-drop v\.sum"], result.err)
    scene.run_old("--resume-epoch", "3")
    check_equal(uninterrupted(box.tools.sandbox("old"), scene.old), box.read("out.txt"), "out.txt")


def test_a_sink_that_comes_back(box):
    """It goes on behind what it had written, and is verified as ever."""
    row = "a sink removed"
    scene = Scene(box, row)
    scene.run_new()
    check_equal("1\n2\n3\n", box.read("extra.txt"), "extra.txt")
    box.append("rows.jsonl", lines_of([("d", 9)]))
    scene.run_old()
    check_equal("1\n2\n3\n9\n", box.read("extra.txt"), "extra.txt")


def discover(tools):
    del tools
    return [(row, lambda box, r=row: play(box, r)) for row in ROWS]
