"""flowcc graph: what it draws, and that all four forms draw the same."""

import random
import re
import xml.etree.ElementTree as xml

from fuzz.typed import Program
from harness.base import EXAMPLES, ROOT, Failure, check_equal, check_match

FLOW = """\
enum Kind { order, payment }
record Event { user: string, kind: Kind, cents: int }
source events: Event = file("events.jsonl", jsonl) else into bad
source late: Event = dir("late/", csv, poll: 1s)
sink dead = file("dead.jsonl", jsonl)
stream all = events |> merge late
all |> split { cents < 0 => odd, cents > 100 => large, else => skip }
all
  |> key by { user, kind }
  |> state total: int = 0 {
       total += cents
       emit { user, total }
       if total > 1000 { emit f"{user} has spent a lot" into notes }
     }
     on epoch { emit { user: key.user, total } }
  |> filter total > 0
  |> into stdout
large |> map f"<{user}> & \\"co\\"" |> into stdout
odd |> map user |> into stdout
notes |> into stdout
bad |> into dead
"""
TEXT = """\
flow f: 5 fused stages, 1 exchange

  1  source events: Event  file("events.jsonl", jsonl) else into bad
  3  ├─ merge late
  3  │  stream all: Event
  3  │  ├─ split { cents < 0 => odd, cents > 100 => large, else => skip }
  3  │  │  ├─ cents < 0:
  3  │  │  │  stream odd: Event
  3  │  │  │  map user  string
  5  │  │  │  sink stdout
  3  │  │  └─ cents > 100:
  3  │  │     stream large: Event
  3  │  │     map f"<{user}> & \\"co\\""  string
  5  │  │     → sink stdout, above
  3  │  └─ key by { user, kind }
     │     ══ to the worker of the key, { user: string, kind: Kind } ══
  4  │     state total, on epoch  { user: string, kind: Kind } -> int
  4  │     ├─ filter total > 0
  4  │     │  sink stdout
  4  │     └─ emit into notes:
  4  │        stream notes: string
  5  │        → sink stdout, above
  1  └─ else into bad:
  1     stream bad: Rejected
  1     sink dead  file("dead.jsonl", jsonl)

  2  source late: Event  dir("late/", csv, poll: 1s)
  3  → merge late, above
"""


def graph(box, *args, **options):
    return box.run(box.tools.flowcc, "graph", *args, **options).out.decode()


def dot_of(text):
    """The boxes and arrows of the form for Graphviz, as sets."""
    boxes = dict(re.findall(r'^    (n\d+) \[shape=\w+, label="((?:\\.|[^"\\])*)"\];$', text, re.MULTILINE))
    arrows = re.findall(r"^  (n\d+) -> (n\d+)", text, re.MULTILINE)
    return boxes, sorted(arrows)


def plain(label):
    return label.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")


def check_forms(box, name):
    """Each form has the same boxes and arrows; the picture is XML, and no box lies on another."""
    boxes, arrows = dot_of(graph(box, name, "--format=dot"))
    if not boxes or not arrows:
        raise Failure(f"{name}: nothing is drawn")
    mermaid = graph(box, name, "--format=mermaid")
    check_equal(" ".join(sorted(boxes)), " ".join(sorted(re.findall(r"^    (n\d+)\W", mermaid, re.MULTILINE))), "boxes")
    check_equal(str(arrows), str(sorted(re.findall(r"^  (n\d+) [-=]+>(?:\|.*\|)? (n\d+)$", mermaid, re.MULTILINE))), "arrows")
    svg = xml.fromstring(graph(box, name, "--format=svg"))
    space = "{http://www.w3.org/2000/svg}"
    texts = [t.text for t in svg.iter(f"{space}text")]
    text = graph(box, name)
    for label in boxes.values():
        for line in plain(label).split("\n"):
            if line not in texts or line not in text:
                raise Failure(f"{name}: the picture or the tree does not have: {line}")
    rects = [tuple(int(r.get(n)) for n in ("x", "y", "width", "height"))
             for r in svg.iter(f"{space}rect") if r.get("class")]
    check_equal(str(len(boxes)), str(len(rects)), "rectangles")
    check_equal(str(len(arrows)), str(len([p for p in svg.iter(f"{space}path") if p.get("class")])), "paths")
    width, height = int(svg.get("width")), int(svg.get("height"))
    for i, (x, y, w, h) in enumerate(rects):
        if x < 0 or y < 0 or x + w > width or y + h > height:
            raise Failure(f"{name}: a box leaves the picture")
        for u, v, s, t in rects[:i]:
            if x < u + s and u < x + w and y < v + t and v < y + h:
                raise Failure(f"{name}: boxes lie on each other")


def test_text(box):
    box.write("f.flow", FLOW)
    check_equal(TEXT, graph(box, "f.flow"), "stdout")
    check_equal(TEXT, graph(box, "--format", "text", "f.flow"), "stdout")


def test_forms(box):
    box.write("f.flow", FLOW)
    check_forms(box, "f.flow")
    check_match([r'label="by \{ user: string, kind: Kind \}", style=bold', r'label="emit into notes"'],
                graph(box, "f.flow", "--format=dot"), "dot")
    check_match([r"==>\|.by #123; user: string"], graph(box, "f.flow", "--format=mermaid"), "mermaid")
    for path in sorted([*EXAMPLES.glob("*/*.flow"), *(ROOT / "tests" / "dump").glob("*.flow")]):
        box.write(path.name, path.read_bytes())
        check_forms(box, path.name)


def test_random_programs(box):
    """Some divide by zero for all to see; the others are drawn."""
    drawn, wanted = 0, 30 if box.tools.is_full else 6
    for seed in range(1, 20 * wanted):
        box.write("p.flow", Program(random.Random(seed)).text)
        if box.run(box.tools.flowcc, "check", "p.flow", exit=None).code == 0:
            check_forms(box, "p.flow")
            drawn += 1
        if drawn == wanted:
            return
    raise Failure(f"only {drawn} programs could be drawn")


def test_what_a_text_of_the_flow_may_hold(box):
    """Control characters would make the picture no XML, and drive the terminal; long texts are cut."""
    box.write("f.flow", 'source a: string = stdin(text)\na |> map "x\x1b[31m\t\x7f<&>" ++ it |> into stdout\n'
              'a |> map "' + "ä漢" * 60 + '" ++ it |> into stdout\n')
    check_forms(box, "f.flow")
    text = graph(box, "f.flow")
    if re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text) or max(map(len, text.splitlines())) > 100:
        raise Failure(text)
    check_match([r'map "x \[31m  <&>" \+\+ it', "漢 …"], text, "stdout")


STEPS = """\
source words: string = stdin(text)
step counted = |> state n: int = 0 { n += 1; emit { it, n } }
words |> counted named total |> filter n > 2 |> into stdout
"""


def test_steps(box):
    """The stages of a step are drawn, and the key that it gets; a state has the name that it is saved under."""
    box.write("f.flow", STEPS)
    check_equal("""\
flow f: 2 fused stages, 1 exchange

  1  source words: string  stdin(text)
     ══ to the worker of the key, string ══
  2  state total.n  string -> int
  2  filter n > 2
  2  sink stdout
""", graph(box, "f.flow"), "stdout")


def test_unfused(box):
    box.write("f.flow", FLOW)
    stages = [int(re.search(r"(\d+) fused stage", graph(box, "f.flow", *o))[1]) for o in ([], ["--disable=fuse"])]
    if not stages[0] < stages[1]:
        raise Failure(f"stages: {stages}")


def test_errors(box):
    box.write("f.flow", FLOW.replace("cents < 0", "cnts < 0"))
    result = box.run(box.tools.flowcc, "graph", "f.flow", exit=1)
    check_match([r"error\[E0201\]"], result.err)
    check_equal(b"", result.out, "stdout")
    box.write("f.flow", FLOW)
    check_match(["`png`", "svg"], box.run(box.tools.flowcc, "graph", "f.flow", "--format=png", exit=64).err)
