"""flowcc fmt: the layout, that a second time changes nothing, and that files are safe."""

import os
import random
import re
import subprocess

from fuzz.typed import Program
from harness.base import EXAMPLES, ROOT, Failure, check_equal, check_match
from harness.docs import FENCE

BEFORE = """\


#!/usr/bin/env -S flowcc run
flow   shop
param  least:int=5 ## smaller ones are left out
param place : string   ## where
record Sale{
shop:string,   day : int
    cents:int   where cents>=0    # never less
  # what was sold
  note :string?=none


  tags: list [ string ]=[]
}
enum Kind {order,payment from "PAY"}
source sales:Sale=file( "sales.jsonl" ,jsonl )else into bad
fn size( n:int )->string=if n<-1 then "small" else match n {
0=>"none"
  1 .. 9 => "some"
 else=>f"{n+1} are many" }
sales|>filter cents>=least and not (shop in [ "a","b" ])
|>key by {shop,day}
      |>state total:map [ string,int ]=[]{
  total [ shop ]+=cents;let more=(total[ shop ]??0) + - 1
if more > 3{
emit{shop,..it}
}
  else {

   # nothing yet
     total.clear ( )
   }
  # the end
}
on epoch{emit{shop : key.shop,n:0}}
|> into stdout
  # |> inspect

bad|>filter (
position ?? 0) > 1
       or line==none
|>map {
   reason,text:f"{ raw }"}|>into stdout
"""
AFTER = """\
#!/usr/bin/env -S flowcc run
flow shop
param least: int = 5  ## smaller ones are left out
param place: string   ## where
record Sale {
  shop: string, day: int
  cents: int where cents >= 0  # never less
  # what was sold
  note:  string? = none

  tags: list[string] = []
}
enum Kind { order, payment from "PAY" }
source sales: Sale = file("sales.jsonl", jsonl) else into bad
fn size(n: int) -> string = if n < -1 then "small" else match n {
  0    => "none"
  1..9 => "some"
  else => f"{n+1} are many" }
sales |> filter cents >= least and not (shop in ["a", "b"])
  |> key by { shop, day }
  |> state total: map[string, int] = [] {
       total[shop] += cents; let more = (total[shop] ?? 0) + -1
       if more > 3 {
         emit { shop, ..it }
       }
       else {
         # nothing yet
         total.clear()
       }
       # the end
     }
     on epoch { emit { shop: key.shop, n: 0 } }
  |> into stdout
  # |> inspect

bad |> filter (
  position ?? 0) > 1
  or line == none
  |> map {
       reason, text: f"{ raw }" } |> into stdout
"""
WRONG = "source numbers: int = file(\nnumbers |> into stdout\n"


def fmt(box, *args, **options):
    return box.run(box.tools.flowcc, "fmt", *args, **options)


def flow_of(text):
    """A file of tests/run is a flow with sections behind it."""
    return re.split(r"^#---", text, maxsplit=1, flags=re.MULTILINE)[0]


def texts():
    """Every flow of the repository and of its documentation; some have errors, on purpose."""
    for path in sorted(ROOT.rglob("*.flow")):
        if ROOT / "build" not in path.parents:
            yield flow_of(path.read_bytes().decode("utf-8", "replace"))
    for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("*/README.md"))]:
        for language, block in FENCE.findall(path.read_text()):
            if language == "flow":
                yield block


def mangle(text, seed):
    """Other blanks at the start of lines, and between words where there are some."""
    choose = random.Random(seed)

    def blanks(match):
        return " " * choose.randrange(1, 6)

    lines = []
    for line in text.splitlines():
        indent = re.match(" *", line).group()
        line = line[len(indent):]
        if '"' not in line and "`" not in line:
            line = re.sub(" +", blanks, line) if "#" not in line else line
        lines.append((" " * choose.randrange(1, 9) if indent else "") + line)
    return "\n".join(lines) + "\n" * choose.randrange(1, 4)


PIECES = re.compile(r'\s+|#[^\n]*|f?"(?:\\.|[^"\\\n])*"|`[^`\n]*`|\w+|.', re.DOTALL)


def scatter(text, choose):
    """Line breaks, blank lines, tabs and comments where there was a blank; not all of it is still a flow."""
    pieces = []
    for piece in PIECES.findall(text):
        if piece.isspace():
            way = choose.random()
            if "\n" in piece:
                piece = "\n" * choose.choice([1, 1, 2, 4]) + " " * choose.randrange(9) if way < 0.5 else piece
            elif way < 0.1:
                piece = choose.choice(["\n    ", "  # a comment\n ", "\n\n ## documentation\n   ", "\t", "    "])
        pieces.append(piece)
    return "".join(pieces)


def test_layout(box):
    check_equal(AFTER, fmt(box, "-", stdin=BEFORE).out, "stdout")
    check_equal(AFTER, fmt(box, "-", stdin=AFTER).out, "stdout")
    check_equal(AFTER, fmt(box, "-", stdin="\ufeff" + BEFORE.replace("\n", "\r\n")).out, "stdout")
    check_equal("", fmt(box, "-", stdin="\n\n").out, "stdout")
    check_equal("# only this\n", fmt(box, "-", stdin="\n  # only this").out, "stdout")


def test_a_second_time_changes_nothing(box):
    names = []
    for i, text in enumerate(texts()):
        names.append(f"{i}.flow")
        box.write(names[-1], text)
    if len(names) < 150:
        raise Failure(f"only {len(names)} flows were found")
    first = fmt(box, *names, exit=None)
    if first.code not in (0, 1) or b"left as it is" in first.err:
        raise Failure(first.describe())
    check_equal(b"", fmt(box, *names, exit=None).out, "files that changed once more")


def test_scattered_lines(box):
    """What is still a flow is formatted, with the same tokens (flowcc compares them itself), and only once."""
    choose = random.Random(box.tools.seed)
    flows = list(texts())
    names = [f"{i}.flow" for i in range(2000 if box.tools.is_full else 300)]
    for name in names:
        box.write(name, scatter(choose.choice(flows), choose))
    first = fmt(box, *names, exit=None)
    if first.code not in (0, 1) or b"left as it is" in first.err:
        raise Failure(first.describe())
    if first.out.count(b"\n") < len(names) / 10:
        raise Failure(f"only {len(first.out.splitlines())} of {len(names)} are still flows")
    check_equal(b"", fmt(box, *names, exit=None).out, "files that changed once more")


def test_random_programs(box):
    seeds = range(1, 61 if box.tools.is_full else 16)
    for seed in seeds:
        text = Program(random.Random(seed)).text
        box.write(f"{seed}.flow", text)
        box.write(f"{seed}.mangled.flow", mangle(text, seed))
    names = sorted(path.name for path in box.path.glob("*.flow"))
    fmt(box, *names)
    check_equal(b"", fmt(box, "--check", *names).out, "files that would change once more")
    for seed in seeds:
        check_equal(box.read(f"{seed}.flow"), box.read(f"{seed}.mangled.flow"), f"program {seed}, mangled before")
        box.write("same.flow", Program(random.Random(seed)).text)
        before, after = (box.run(box.tools.flowcc, name, "--dump=ast", exit=None) for name in ("same.flow", f"{seed}.flow"))
        check_equal(before.out, after.out, f"the tree of program {seed}")


def test_what_people_copy_is_formatted(box):
    """Examples, templates, the library, and what the documentation shows."""
    library = ROOT / "stdlib"
    paths = [*EXAMPLES.glob("*/*.flow"), *library.glob("*.flow"), *library.glob("templates/*/*.flow")]
    result = fmt(box, "--check", *sorted(paths), exit=None)
    check_equal(b"", result.out + result.err, "files that `flowcc fmt` would change")
    for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(EXAMPLES.glob("*/README.md"))]:
        for language, block in FENCE.findall(path.read_text()):
            if language == "flow":
                check_equal(fmt(box, "-", stdin=block).out, block, f"{path.name} (as `flowcc fmt` has it)")


def test_check(box):
    box.write("a.flow", BEFORE)
    box.write("b.flow", AFTER)
    check_equal("a.flow\n", fmt(box, "--check", "a.flow", "b.flow", exit=1).out, "stdout")
    check_equal(BEFORE, box.read("a.flow"), "a.flow")
    check_equal("<stdin>\n", fmt(box, "--check", "-", stdin=BEFORE, exit=1).out, "stdout")
    check_equal(b"", fmt(box, "--check", "-", "b.flow", stdin=AFTER).out, "stdout")


def test_files(box):
    """What is not formatted anew is not written, and what is keeps its mode and its link."""
    box.write("a.flow", BEFORE)
    box.write("b.flow", AFTER)
    os.chmod(box.path / "a.flow", 0o640)
    os.utime(box.path / "b.flow", (1000, 1000))
    os.symlink("a.flow", box.path / "link.flow")
    check_equal("link.flow\n", fmt(box, "link.flow", "b.flow").out, "stdout")
    check_equal(AFTER, box.read("a.flow"), "a.flow")
    check_equal(0o640, os.stat(box.path / "a.flow").st_mode & 0o777, "mode of a.flow")
    check_equal(1000, int(os.stat(box.path / "b.flow").st_mtime), "time of b.flow")
    if not (box.path / "link.flow").is_symlink():
        raise Failure("the link was replaced by a file")
    check_equal("a.flow b.flow link.flow", " ".join(sorted(os.listdir(box.path))), "files")


def test_errors(box):
    box.write("wrong.flow", WRONG)
    box.write("good.flow", BEFORE)
    result = fmt(box, "wrong.flow", "good.flow", exit=1)
    check_match([r"error\[E0111\]", r"wrong.flow:1"], result.err)
    check_equal("good.flow\n", result.out, "stdout")
    check_equal(WRONG, box.read("wrong.flow"), "wrong.flow")
    check_match(["nowhere.flow"], fmt(box, "nowhere.flow", exit=66).err)
    check_match(["which files"], fmt(box, exit=64).err)
    check_match(["--width", "--check"], fmt(box, "--width=80", "good.flow", exit=64).err)
    check_match([r"\AUsage: flowcc fmt"], fmt(box, "--help").out, "stdout")


def test_unwritable(box):
    box.write("dir/a.flow", BEFORE)
    os.chmod(box.path / "dir" / "a.flow", 0o444)
    os.chmod(box.path / "dir", 0o555)
    if os.access(box.path / "dir" / "a.flow", os.W_OK):
        os.chmod(box.path / "dir", 0o755)
        result = fmt(box, "-", stdin=BEFORE, exit=0)  # root may write everything: only a full device is left
        with open("/dev/full", "wb") as full:
            code = subprocess.run([box.tools.flowcc, "fmt", "-"], input=BEFORE.encode(), stdout=full,
                                  stderr=subprocess.PIPE, env=box.tools.env).returncode
        check_equal(74, code, "exit code")
        check_equal(AFTER, result.out, "stdout")
        return
    check_match(["cannot write", "a.flow"], fmt(box, "dir/a.flow", exit=74).err)
    os.chmod(box.path / "dir", 0o755)
    check_equal(BEFORE, box.read("dir/a.flow"), "dir/a.flow")
