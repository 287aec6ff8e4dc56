"""Messages in every form: of the compiler for people, editors and pipes, and of a running program."""

import json
import random
import re

from fuzz.front import programs
from harness.base import ROOT, TESTS, Failure, check_equal

PLACE = re.compile(r"^(error|warning)\[(\w+)\]: (.*)\n +--> (.*):(\d+):(\d+)", re.MULTILINE)


def diag_cases(box):
    """(name, its messages as tests/diag has them) of each case; the programs are in the box."""
    for path in sorted((TESTS / "diag").glob("*.flow")):
        program, _, expected = path.read_text().partition("#--- expect\n")
        box.write(path.name, program)
        yield path.name, expected


def test_json_has_the_same_messages(box):
    """One object per message, with the same code, text and place; all of them, also beyond the 20 that people get."""
    for name, expected in diag_cases(box):
        text = box.run(box.tools.flowcc, "check", name, "--message-format=json", exit=None).err.decode()
        shown = [json.loads(line) for line in text.splitlines()]
        for diag in shown:
            if set(diag) != {"severity", "code", "message", "file", "line", "column", "end_line", "end_column", "offset",
                             "length", "labels", "notes", "helps"}:
                raise Failure(f"{name}: the fields are {list(diag)}")
        found = [(d["severity"], d["code"], d["message"], d["file"], str(d["line"]), str(d["column"])) for d in shown]
        human = PLACE.findall(expected)
        if "\n… and " not in expected:
            check_equal("\n".join(map(str, human)), "\n".join(map(str, found)), f"{name} as JSON")
        elif not set(human) <= set(found):
            raise Failure(f"{name}: as JSON there is no {set(human) - set(found)}")


def test_short_has_the_same_messages(box):
    """A line per message: path:line:column: error[CODE]: text."""
    for name, expected in diag_cases(box):
        text = box.run(box.tools.flowcc, "check", name, "--message-format=short", exit=None).err.decode()
        wanted = [f"{file}:{line}:{column}: {severity}[{code}]: {message}"
                  for severity, code, message, file, line, column in PLACE.findall(expected)]
        check_equal("\n".join(wanted), "\n".join(x for x in text.splitlines() if not x.startswith("… and")), f"{name}, short")


WORD = re.compile(r"\b[a-z][a-z_]{2,}\b")


def test_one_slip_is_one_message(box):
    """A letter too many in a word of a good program: nearly always one message, at that word or where it is missed. A
    misspelt declaration may be missed at each of its uses. Which word it is follows from the name of the program."""
    counts, cascades = [], []
    for name, text in programs():
        bare = re.sub(r"#.*|\"[^\"\n]*\"", lambda m: " " * len(m.group()), text)
        places = list(WORD.finditer(bare))
        if name.startswith("diag-") or "import " in text or not places:
            continue
        place = random.Random(name).choice(places)
        box.write("slip.flow", text[: place.end()] + "x" + text[place.end() :])
        err = box.run(box.tools.flowcc, "check", "slip.flow", "--message-format=json", exit=None).err.decode()
        errors = [line for line in err.splitlines() if line.startswith('{"severity": "error"')]
        counts.append(len(errors))
        uses = len(re.findall(rf"\b{place.group()}\b", text))
        if len(errors) > uses + 1:
            cascades.append(f"{name}: {place.group()}x gives {len(errors)} errors, and stands there {uses} times\n{err}")
    single = sum(count <= 1 for count in counts) / len(counts)
    if single < 0.8 or len(cascades) > len(counts) / 50:
        raise Failure(f"{single:.0%} of {len(counts)} slips give one message\n" + "\n".join(cascades))


RUNNING = {
    "R1001": ('source numbers: int = file("numbers.txt", text)\nnumbers |> into stdout\n', "one\n", 65, """\
error[R1001]: malformed record, stopped by `else stop` (the default)
  --> numbers.txt:1:1   (source `numbers`, byte 0)
 1 | one
   | ^ expected an int
   = note: 0 records are done; nothing is kept for the next run without --state-dir
   = help: repair the line, or add `else skip` / `else into rejects` to the source at flow.flow:1, rebuild, run again
"""),
    "R1002": ('source numbers: int = file("numbers.txt", text)\nnumbers |> map it * it |> into stdout\n', "4000000000\n", 70, """\
error[R1002]: the product overflows, and nothing handles it
  --> flow.flow:2:16   (map)
 2 | numbers |> map it * it |> into stdout
   |                ^^^^^^^ the product overflows
   = note: it happened at numbers.txt:1   (source `numbers`, byte 0): 4000000000
   = note: 0 records are done; nothing is kept for the next run without --state-dir
   = help: repair the record, or add `else skip` / `else into rejects` to the step, rebuild, run again
"""),
    "R1003": ('source lines: string = file("numbers.txt", text)\nlines |> map parse_int(it) else stop |> into stdout\n', "one\n",
              65, """\
error[R1003]: stopped by `else stop`: the text is not an int
  --> flow.flow:2:14   (map)
 2 | lines |> map parse_int(it) else stop |> into stdout
   |              ^^^^^^^^^^^^^ the text is not an int
   = note: it happened at numbers.txt:1   (source `lines`, byte 0): one
   = note: 0 records are done; nothing is kept for the next run without --state-dir
   = help: repair the record, or write `else skip` / `else into rejects`, rebuild, run again
"""),
}


def test_messages_of_a_run(box):
    """Each names the line of the flow, and is explained."""
    for code, (program, numbers, exit, expected) in RUNNING.items():
        box.write("numbers.txt", numbers)
        box.compile(program, "flow")
        err = box.run("./flow", exit=exit).err.decode()
        check_equal(expected, err, code)
    runtime = "".join(path.read_text() for path in (ROOT / "runtime").glob("*.c"))
    check_equal(sorted(RUNNING), sorted(set(re.findall(r"\[(R\d{4})\]", runtime))), "codes of the runtime")
    for code in RUNNING:
        box.run(box.tools.flowcc, "explain", code)
