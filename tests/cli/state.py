"""flowcc state: its command line, what each subcommand prints, and what it says when something is wrong."""

import json
import os
import re
import shutil
import signal
import subprocess

from harness.base import EXAMPLES, Failure, Skip, check_equal, check_match

CART = (EXAMPLES / "cart_join" / "cart_join_skip.flow").read_text()
SEED = (EXAMPLES / "cart_join" / "cart-join.json").read_bytes()

# Keys and values of every kind.
KINDS = """\
enum Level { low, high }
enum Shape { point, circle(r: float) }
record Event { shop: string, item: int, level: Level, at: timestamp, note: string?, wait: duration }
record Visit {
  tags:   list[string] = []
  counts: map[string, int] = []
  seen:   set[timestamp] = []
  last:   string? = none
  shape:  Shape = Shape.point
  wait:   duration = 0s
  share:  float = 0.1
}
source events: Event = file("events.jsonl", jsonl)
events
  |> key by { shop, item }
  |> state visits: Visit {
       visits.tags.push(f"{level} {item}")
       visits.counts[shop] = item
       visits.seen.add(at)
       visits.last = note
       if item > 1 { visits.shape = Shape.circle(r: 2.5) }
       visits.wait = wait
     }
events |> key by level |> state levels: int = 0 { levels += 1 }
events |> key by at |> state times: int = 0 { times += 1 }
events |> key by note |> state notes: int = 0 { notes += 1 }
events |> key by wait |> state waits: int = 0 { waits += 1 }
events |> key by "ALL" |> state total: int = 0 { total += 1; emit total } |> into stdout
"""
EVENTS = r"""{"shop": "x", "item": 1, "level": "low", "at": "2024-01-01T00:00:00Z", "note": "say \"hi\"", "wait": "1h30m"}
{"shop": "-y", "item": 2, "level": "high", "at": "2024-01-01T00:00:01.5Z", "note": null, "wait": "5s"}
{"shop": "x", "item": 1, "level": "low", "at": "2024-01-02T00:00:00Z", "note": null, "wait": "5s"}
"""
X1 = ('{"tags": ["low 1", "low 1"], "counts": {"x": 1}, "seen": ["2024-01-01T00:00:00Z", '
      '"2024-01-02T00:00:00Z"], "last": null, "shape": "point", "wait": "5s", "share": 0.1}')
Y2 = ('{"tags": ["high 2"], "counts": {"-y": 2}, "seen": ["2024-01-01T00:00:01.500Z"], "last": null, '
      '"shape": {"circle": {"r": 2.5}}, "wait": "5s", "share": 0.1}')


def state(box, *args, **options):
    return box.run(box.tools.flowcc, "state", *args, **options)


def lines(result):
    return [json.loads(line) for line in result.out.splitlines()]


def make_cart(box, *args):
    """Eight epochs, one for each line of the example's input."""
    box.compile(CART, "cart_join")
    box.write("cart-join.json", SEED)
    box.run("./cart_join", "-d", "db", "--epoch-records", "1", *args)


def make_kinds(box):
    box.compile(KINDS, "kinds")
    box.write("events.jsonl", EVENTS)
    box.run("./kinds", "-d", "db")


def check_refused(box, args, code, *patterns):
    result = state(box, *args, exit=code)
    check_equal(b"", result.out, "stdout")
    check_match([r"\Aflowcc state: ", *patterns], result.err)
    return result


# -- the command line


COMMANDS = ("ls", "get", "dump", "diff", "epochs", "verify", "drop")


def test_help(box):
    whole = state(box, "--help").out
    if not box.run(box.tools.flowcc, "help", "state").out.endswith(whole):
        raise Failure("`flowcc help state` does not end with `flowcc state --help`")
    check_match(["Usage: flowcc state", *(rf"^  {name} DIR" for name in COMMANDS), "--epoch N", "--json",
                 "Exit codes"], whole, "stdout")
    check_match(["flowcc state"], box.run(box.tools.flowcc, "--help").out, "stdout")
    for name in COMMANDS:
        text = state(box, name, "--help").out
        check_match([rf"\AUsage: flowcc state {name} DIR"], text, "stdout")
        check_equal(text, state(box, name, "db", "-h").out, f"{name} -h")


def test_usage_errors(box):
    check_refused(box, [], 64, "--help")
    check_refused(box, ["dmup", "db"], 64, "did you mean `dump`")
    check_refused(box, ["nothing-like-it"], 64, "--help")
    for name in COMMANDS:
        check_refused(box, [name], 64, f"write `flowcc state {name} DIR")
        check_refused(box, [name, "db", "--no-such"], 64, "--no-such")
    check_refused(box, ["ls", "db", "more"], 64, "flowcc state ls DIR")
    for value in ("", "-1", "x", "1x", "99999999999999999999"):
        check_refused(box, ["dump", "db", "--epoch", value], 64, "--epoch takes the number")
    check_refused(box, ["dump", "db", "--epoch"], 64, "--epoch takes the number")
    check_refused(box, ["epochs", "db", "--epoch", "1"], 64, "no option `--epoch`")


def test_no_store(box):
    (box.path / "empty").mkdir()
    box.write("file", "text")
    (box.path / "other").mkdir()
    box.write("other/data.mdb", b"this is no database\n" * 1000)
    (box.path / "cut").mkdir()
    box.write("cut/data.mdb", b"")
    for name in COMMANDS:
        more = {"get": ["cart", "a"], "diff": ["0"], "drop": ["cart"]}.get(name, [])
        check_refused(box, [name, "nowhere", *more], 66, "no directory nowhere")
        check_refused(box, [name, "empty", *more], 66, "no saved state in empty", "--state-dir")
        check_refused(box, [name, "file", *more], 66, "file is not a directory")
        check_refused(box, [name, "other", *more], 78, "other is damaged", "help")
        check_refused(box, [name, "cut", *more], 78, "cut is damaged")
    if list((box.path / "empty").iterdir()):
        raise Failure("looking at an empty directory put something into it")


def test_a_store_that_lost_its_data(box):
    make_cart(box)
    (box.path / "db" / "data.mdb").unlink()
    check_refused(box, ["verify", "db"], 78, "is gone")


# -- what is printed


def test_ls(box):
    make_kinds(box)
    check_match([r"\Aflow kinds, newest epoch 0, \d+ bytes on disk, written by flowcc",
                 r"^kind +name +rows +bytes +type$",
                 r"^state +visits +2 +\d+  \{ shop: string, item: int \} -> \{ tags: list\[string\], "
                 r"counts: map\[string, int\], seen: set\[timestamp\], last: string\?, "
                 r"shape: enum \{ point, circle\(r: float\) \}, wait: duration, share: float \}$",
                 r"^state +levels +2 +4  enum \{ low, high \} -> int$",
                 r"^state +total +1 +5  string -> int$",
                 r"^source +events ", r"^sink +stdout +1 +\d+  \{ length"],
                state(box, "ls", "db").out, "stdout")
    listed = lines(state(box, "ls", "db", "--json"))
    check_equal("visits levels times notes waits total events stdout",
                " ".join(line["name"] for line in listed), "names")
    check_equal({"kind": "state", "name": "notes", "rows": 2, "bytes": listed[3]["bytes"],
                 "key": "string?", "value": "int", "flow": "kinds", "epoch": 0}.__repr__(),
                repr(listed[3]), "the row of notes")


def test_get(box):
    make_kinds(box)
    for words, value in (
            (["visits", "x", "1"], X1), (["visits", '{"item": 1, "shop": "x"}'], X1),
            (["visits", "--", "-y", "2"], Y2), (["levels", "low"], "2"), (["levels", '"high"'], "1"),
            (["times", "2024-01-01T01:00:00+01:00"], "1"), (["notes", 'say "hi"'], "1"),
            (["notes", r'"say \"hi\""'], "1"), (["notes", "none"], "2"), (["waits", "90m"], "1"),
            (["total", "ALL"], "3")):
        check_equal(value + "\n", state(box, "get", "db", *words).out, " ".join(words))
    check_equal('{"state": "visits", "epoch": 0, "key": {"shop": "x", "item": 1}, "value": ' + X1 + "}\n",
                state(box, "get", "db", "visits", "x", "1", "--json").out, "--json")
    check_match(['"records": 3'], state(box, "get", "db", "events", "events.jsonl").out, "stdout")
    check_refused(box, ["get", "db", "visits", "x", "2"], 1, r'`visits` has no key {"shop": "x", "item": 2}')
    check_refused(box, ["get", "db", "visits", "x", "one"], 64, "`one` is no key: field `item`: expected an int",
                  r"keys are of type \{ shop: string, item: int \}: give each field a word")
    check_refused(box, ["get", "db", "visits", "x"], 64, "2 words here, and 1 is given")
    check_refused(box, ["get", "db", "times", "yesterday"], 64, "expected a timestamp such as")
    check_refused(box, ["get", "db", "levels", "medium"], 64, "expected one of: low, high")
    check_refused(box, ["get", "db", "levels"], 64, "no key is given")
    check_refused(box, ["get", "db", "visit", "x", "1"], 64, "nothing called `visit` is saved",
                  "did you mean `visits`")
    check_refused(box, ["get", "db", "unheard-of", "x"], 64, "flowcc state ls db")


BYTES = """\
enum Last tagged "t" { no, yes(data: bytes) }
source rows: { data: bytes } = file("rows", jsonl)
rows |> key by data |> state last: Last = no { last = yes(data: data ++ bytes("!")); emit last } |> into stdout
"""


def test_bytes_and_tags(box):
    """Bytes are base64; what is saved of a tagged enum does not hold its tag."""
    box.compile(BYTES, "bytes")
    box.write("rows", '{"data": "AP8="}\n{"data": ""}\n')
    box.run("./bytes", "-d", "db")
    value = '{"yes": {"data": "AP8h"}}\n'
    for word in ("AP8=", '"AP8="'):
        check_equal(value, state(box, "get", "db", "last", word).out, word)
    check_equal({"key": "", "value": {"yes": {"data": "IQ=="}}},
                {name: lines(state(box, "dump", "db"))[1][name] for name in ("key", "value")}, "dump")


def test_dump(box):
    make_kinds(box)
    out = state(box, "dump", "db").out
    check_equal('{"state": "visits", "key": {"shop": "x", "item": 1}, "value": ' + X1 + "}",
                out.splitlines()[0], "the first line")
    found = lines(state(box, "dump", "db"))
    check_equal("visits 2 levels 2 times 3 notes 2 waits 2 total 1".split().__repr__(),
                repr([str(part) for name in ("visits", "levels", "times", "notes", "waits", "total")
                      for part in (name, sum(line["state"] == name for line in found))]), "rows")
    check_equal('{"state": "levels", "key": "low", "value": 2}\n{"state": "levels", "key": "high", "value": 1}\n',
                state(box, "dump", "db", "levels").out, "one state")
    everything = lines(state(box, "dump", "db", "--all"))
    positions = [line for line in everything if line.get("source") == "events" and line["key"]]
    check_equal("3", str(positions[0]["value"]["records"]), "records of the source")
    check_equal("6", str(next(line for line in everything if "sink" in line)["value"]["length"]), "stdout's length")


def test_epochs_of_the_past(box):
    make_cart(box, "--retain-epochs", "100")
    check_match(["^ +epoch +committed +records +rejected +out +bytes +timeline$",
                 r"^ +0  \d{4}-\d\d-\d\dT[0-9:.]+Z +1 +0 +1 +\d+ +0$", r"^ +5 .* 1 +1 +0 +\d+ +0$",
                 r"^\d+ bytes in epochs, beside 0 bytes of folded rows$",
                 r"^--resume-epoch takes 0 to 8: "], state(box, "epochs", "db").out, "stdout")
    epochs = lines(state(box, "epochs", "db", "--json"))
    check_equal(repr(list(range(8))), repr([epoch["epoch"] for epoch in epochs]), "epochs")
    check_equal("1", str(epochs[5]["rejected"]), "rejected in epoch 5")
    for epoch, value in ((0, '{"paid_order_ids": [], "unpaid_order_ids": [1]}'),
                         (3, '{"paid_order_ids": [2], "unpaid_order_ids": [1]}'),
                         (7, '{"paid_order_ids": [2, 1], "unpaid_order_ids": []}')):
        check_equal(value + "\n", state(box, "get", "db", "cart", "a", "--epoch", epoch).out, f"epoch {epoch}")
    check_refused(box, ["get", "db", "cart", "b", "--epoch=1"], 1, 'no key "b"')
    check_match(["epoch 1 of 7", r"^state +cart +1 "], state(box, "ls", "db", "--epoch", "1").out, "stdout")
    check_refused(box, ["dump", "db", "--epoch", "8"], 78, "epoch 8 cannot be shown", "has epochs 0 to 7",
                  "flowcc state epochs db")


def test_diff(box):
    make_cart(box, "--retain-epochs", "100")
    check_equal('~ cart "a": {"paid_order_ids": [], "unpaid_order_ids": [1, 2]} -> '
                '{"paid_order_ids": [2], "unpaid_order_ids": [1]}\n',
                state(box, "diff", "db", "2", "3").out, "changed")
    check_equal('+ cart "b": {"paid_order_ids": [], "unpaid_order_ids": [3]}\n',
                state(box, "diff", "db", "1", "2").out, "added")
    check_equal('- cart "b": {"paid_order_ids": [], "unpaid_order_ids": [3]}\n',
                state(box, "diff", "db", "2", "1").out, "removed")
    check_equal(b"", state(box, "diff", "db", "5", "5").out, "nothing")
    check_equal(state(box, "diff", "db", "3", "7").out, state(box, "diff", "db", "3").out, "up to the newest")
    check_equal('{"state": "cart", "change": "added", "key": "b", "new": {"paid_order_ids": [], '
                '"unpaid_order_ids": [3]}}\n', state(box, "diff", "db", "1", "2", "--json").out, "--json")
    check_match(['~ events "cart-join.json": ', "~ stdout null: "],
                state(box, "diff", "db", "3", "4", "--all").out, "stdout")
    check_refused(box, ["diff", "db", "3", "99"], 78, "epoch 99 cannot be shown")
    check_refused(box, ["diff", "db", "99", "3"], 78, "epoch 99 cannot be shown")
    check_refused(box, ["diff", "db", "db2"], 64, "`db2` is no number of an epoch")


def test_verify(box):
    make_cart(box)
    check_match([r"\A[0-9a-f]{16}  cart: 2 rows, 12 bytes\n[0-9a-f]{16}  all states at the end of epoch 7: "
                 r"2 rows, 12 bytes\ngood\n\Z"], state(box, "verify", "db").out, "stdout")
    verdict = lines(state(box, "verify", "db", "--json"))[0]
    check_equal("True 7 2", f"{verdict['good']} {verdict['epoch']} {verdict['rows']}", "the verdict")
    # Another order of other epochs with another number of workers makes the same state.
    box.run("./cart_join", "-d", "other", "--workers", "3", "--epoch-records", "3")
    check_equal(verdict["hash"], lines(state(box, "verify", "other", "--json"))[0]["hash"], "the hash")
    past = lines(state(box, "verify", "db", "--json", "--epoch", "6"))[0]
    if past["hash"] == verdict["hash"]:
        raise Failure("two states have one hash")


def test_verify_finds_damage(box):
    """Flipped bytes: never a crash, never a wrong `good`; and where it names a way back, a run can go it."""
    make_cart(box, "--retain-epochs", "100")
    good, whole = state(box, "verify", "db").out, (box.path / "db" / "data.mdb").read_bytes()
    used = [n for n, byte in enumerate(whole) if byte]
    step = max(1, len(used) // (600 if box.tools.is_full else 50))
    ways_back = refused = 0
    for offset in used[step // 2::step]:
        shutil.rmtree(box.path / "copy", ignore_errors=True)
        shutil.copytree(box.path / "db", box.path / "copy")
        (box.path / "copy" / "data.mdb").write_bytes(
            whole[:offset] + bytes([whole[offset] ^ 0x40]) + whole[offset + 1:])
        result = state(box, "verify", "copy", exit=None)
        if result.code == 0:
            check_equal(good, result.out, f"byte {offset}: stdout")
            continue
        refused += 1
        check_equal("78", str(result.code), f"byte {offset}: exit code")
        verdict = json.loads(state(box, "verify", "copy", "--json", exit=78).out or "{}")
        if verdict.get("good") or b"an LMDB database" not in result.err and not verdict.get("why"):
            raise Failure(f"byte {offset}: {verdict}")
        check_match([r"\Aflowcc state: the saved state in copy is damaged|copy.* is an LMDB database, but not one",
                     "= help: "], result.err)
        back = re.search(r"good up to the end of epoch (-?\d+)\n.*--resume-epoch (\d+)", result.err.decode())
        if not back or ways_back == 3:
            continue
        ways_back += 1
        check_equal(f"{back[1]} {back[2]}", f"{verdict['epoch']} {verdict['resume_epoch']}", "the way in JSON")
        check_refused(box, ["dump", "copy"], 78, f"good up to the end of epoch {back[1]}")
        if int(back[1]) >= 0:
            check_equal(state(box, "dump", "db", "--epoch", back[1]).out,
                        state(box, "dump", "copy", "--epoch", back[1]).out, f"byte {offset}: epoch {back[1]}")
        box.run("./cart_join", "-d", "copy", "--resume-epoch", back[2], "--epoch-records", "1",
                "--retain-epochs", "100")
        check_equal(good, state(box, "verify", "copy").out, f"byte {offset}: after going back")
    if refused < 10 or ways_back == 0:
        raise Failure(f"{refused} of {len(used[::step])} flips were noticed, {ways_back} had a way back")


def test_drop(box):
    make_kinds(box)
    check_refused(box, ["drop", "db", "visit"], 64, "did you mean `visits`")
    check_refused(box, ["drop", "db", "stdout"], 64, "no state or source")
    check_equal("the state `visits` is forgotten\n", state(box, "drop", "db", "visits").out, "stdout")
    check_refused(box, ["get", "db", "visits", "x", "1"], 64, "nothing called `visits`")
    check_refused(box, ["drop", "db", "visits"], 64, "nothing called `visits`")
    check_equal(X1 + "\n", state(box, "get", "db", "visits", "x", "1", "--epoch", "0").out, "the past")
    check_equal('{"dropped": "times"}\n', state(box, "drop", "db", "times", "--json").out, "stdout")
    # The program that lost them needs no --accept-drop now; one that has them starts them afresh.
    text = re.sub(r"(?m)^events \|> key by at .*\n", "", KINDS)
    box.compile(re.sub(r"(?s)events\n  \|> key by .*?\n     \}\n", "", text), "kinds")
    box.append("events.jsonl", EVENTS.splitlines()[0] + "\n")
    check_equal("4\n", box.run("./kinds", "-d", "db").out, "stdout")
    check_refused(box, ["get", "db", "visits", "x", "1"], 64, "nothing called `visits`")
    check_match(["^state +levels"], state(box, "ls", "db").out, "stdout")


# -- around it


def test_pipes(box):
    """A reader that has seen enough is no error; a full disk is one."""
    box.compile('source n: int = file("n.txt", text)\nn |> key by it |> state last: int = 0 { last = it }\n',
                "keys")
    box.write("n.txt", "".join(f"{n}\n" for n in range(100_000)))
    box.run("./keys", "-d", "db")
    for ignored in (signal.SIG_DFL, signal.SIG_IGN):
        with subprocess.Popen([box.tools.flowcc, "state", "dump", "db"], cwd=box.path, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGPIPE, ignored),
                              restore_signals=False) as process:
            check_equal('{"state": "last", "key": 0, "value": 0}\n', process.stdout.readline(), "the first line")
            process.stdout.close()
            check_equal(b"", process.stderr.read(), "stderr")
            if process.wait() not in (141, -signal.SIGPIPE):
                raise Failure(f"exit code {process.returncode}")
    result = box.run("sh", "-c", f"'{box.tools.flowcc}' state dump db > /dev/full", exit=74)
    check_match(["cannot write to stdout: No space left"], result.err)


def test_read_only(box):
    """Someone who may not write LMDB's lock file is told so."""
    make_cart(box)
    if os.getuid() == 0 and not shutil.which("setpriv"):
        raise Skip("needs setpriv to run as another user")
    argv = [box.tools.flowcc, "state", "ls", "db"]
    if os.getuid() == 0:
        os.chmod(box.tools.scratch, 0o755)
        argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *argv]
    os.chmod(box.path / "db", 0o555)
    for file in (box.path / "db").iterdir():
        os.chmod(file, 0o444)
    check_match(["Permission denied", "lock.mdb"], box.run(*argv, exit=74).err)
