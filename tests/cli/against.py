"""flowcc check --against DB says what the program itself then does, over every case of docs/changes.md."""

import json
import re
import signal

from harness.base import TESTS, Failure, check_equal, check_match
from harness.case import Case
from harness.flows import Player, Point
from harness.generated import Generated
from scenario.changes import ROWS, Carried, Scene, is_carried

SAVED = 'source rows: string = file("rows.txt", text)\nrows |> key by it |> state n: int = 0 { n += 1; emit n } |> into stdout\n'


def check(box, *args, **options):
    return box.run(box.tools.flowcc, "check", "program.flow", "--against", "db", *args, **options)


def without_prefix(err, prefix):
    text = err.decode()
    if not text.startswith(prefix):
        raise Failure(f"expected a message that starts with `{prefix}`:\n{text}")
    return text[len(prefix):]


def play(box, row):
    scene = Scene(box, row)
    box.write("program.flow", scene.new)
    before = scene.contents()
    said = check(box, exit=0 if is_carried(row) else 78)
    check_equal(str(before), str(scene.contents()), "files after `check --against`")
    if is_carried(row):
        # The summary lists what was migrated; the same lines stand in what `check` says.
        err = scene.run_new("--summary", "text").err.decode()
        check_match(scene.outcome.notes, said.out, "stdout of check")
        migrated = re.search(r"^  migrated: (.*\n(?:(?:key of |the flow )?`.*\n)*)", err, re.MULTILINE)
        for line in migrated[1].splitlines() if migrated else []:
            if line.strip() not in said.out.decode():
                raise Failure(f"`check` does not say: {line}\n" + said.describe())
        if not migrated and "carried over" in said.out.decode():
            raise Failure("`check` says that something is carried over\n" + said.describe())
        return
    refused = scene.run_new(exit=78)
    check_equal(without_prefix(refused.err, "error: "), without_prefix(said.err, "flowcc check: "),
                f"what `check` says of: {row}")
    way = scene.outcome.way
    if way and way[0] == "--accept-drop":
        box.remove("db")
        box.write("rows.jsonl", before["rows.jsonl"])
        scene.run_old()
        check_match(["forgotten"], check(box, *way).out, "stdout of check")
        scene.run_new(*way)


def test_what_it_prints(box):
    box.write("rows.txt", "a\nb\n")
    box.compile(SAVED, "program")
    box.run("./program", "-d", "db")
    box.write("program.flow", SAVED.replace("n: int = 0", 'm: float = 0.0 was "n"').replace("n += 1; emit n", "m += 1.0; emit m")
              + 'sink out = file("out.txt", text)\nrows |> key by it |> state k: int = 0 { k += 1; emit k } |> into out\n')
    result = check(box)
    check_match([r"^  rows -> stdout +at least once", r"^db has the state of flow program, epoch 0\. A start of this flow on it:\n"
                 r"  source  rows                  goes on\n"], result.out, "stdout")
    for line in ("  state   m                     carried over\n", "  `n` is now `m`\n", "  `m` was int and is float\n",
                 "  state   k                     new\n", "  sink    out                   new\n"):
        if line not in result.out.decode():
            raise Failure(f"missing: {line}\n" + result.describe())
    fates = {o["name"]: o["fate"] for o in map(json.loads, check(box, "--message-format=json").out.splitlines()) if "fate" in o}
    check_equal(str({"k": "new", "m": "carried over", "out": "new", "rows": "goes on", "stdout": "goes on"}),
                str(dict(sorted(fates.items()))), "fates")


def test_beside_a_run(box):
    """The state directory may be in use."""
    box.write("program.flow", SAVED.replace("file(", "dir(").replace('"rows.txt", text', '"in/", text, poll: 1s'))
    box.write("in/rows.txt", "a\nb\n")
    box.compile((box.path / "program.flow").read_text(), "program")
    with box.start("./program", "-d", "db", "-s", "10ms") as run:
        run.wait_for(lambda: b"epoch" in check(box, exit=None).out, "its first commit")
        check_match(["goes on"], check(box).out, "stdout")
        run.end(signal.SIGTERM)


def test_refusals_of_its_own(box):
    box.write("program.flow", SAVED)
    check_match(["db"], check(box, exit=66).err)
    check_match(["--against"], box.run(box.tools.flowcc, "check", "program.flow", "--accept-drop", "x", exit=64).err)
    (box.path / "db").mkdir()
    check_match(["no saved state"], check(box, exit=66).err)


def own_state(tools, case):
    """What a program has saved goes on, as it is, when the same program starts again."""
    first = case.steps[0]
    if case.flags & {"plain"} or first.exit not in (0, 65, 70) or first.program is not None:
        return False
    player = Player(tools, case, "against", Point())
    player.prepare(first)
    player.run(first, ["-d", "db"])
    player.box.write(case.file_name, player.text)
    said = player.box.run(tools.flowcc, "check", case.file_name, "--against", "db", exit=None)
    if said.code == 66:
        return False  # nothing was committed
    fates = re.findall(r"^  (?:state|source|sink) +\S+ +(.*)$", said.out.decode(), re.MULTILINE)
    if said.code != 0 or not fates or set(fates) - {"goes on", "new"}:
        raise Failure(f"{case.name}: what it has saved is not its own\n" + said.describe())
    return "goes on" in fates


def test_what_a_program_saves_is_its_own(box):
    """The types that flowcc makes in memory are those that it writes into C, whatever they are."""
    paths = sorted((TESTS / "run").glob("*.flow"))
    cases = [Case(path) for path in paths if re.search(r"\bstate \w+:", path.read_text())]
    if not box.tools.is_full:
        cases = cases[box.tools.seed % 3::3]
    count = sum(own_state(box.tools, case) for case in cases)
    if count < 8:
        raise Failure(f"only {count} programs have saved something")


def test_what_random_programs_save_is_their_own(box):
    generated = Generated(box.tools, 60)
    if not any([own_state(box.tools, generated.case(i)) for i in range(40 if box.tools.is_full else 3)]):
        raise Failure("no program has saved something")


def discover(tools):
    del tools
    if not any(isinstance(outcome, Carried) for _, _, outcome in ROWS.values()):
        raise Failure("docs/changes.md has no case that is carried over")
    return [(row, lambda box, r=row: play(box, r)) for row in ROWS]
