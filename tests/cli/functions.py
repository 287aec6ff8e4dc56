"""The examples of the built-in functions and of the standard library, as `flowcc help` shows them, are true."""

import json
import re

from harness.base import ROOT, Failure, check_equal

TEXT = r'"((?:\\.|[^"\\])*)"'
ROW = re.compile(r'^BUILTIN\(' + r',\s*'.join([TEXT, r'(\w+)', TEXT, TEXT, TEXT]), re.M)


def rows():
    """(name, example) of each row of the table that a program can call."""
    table = (ROOT / "compiler/front/builtin.def").read_text()
    found = [(row[0], row[4].replace('\\"', '"').replace("\\\\", "\\")) for row in ROW.findall(table)]
    check_equal(len(re.findall(r"^BUILTIN\(", table, re.M)), len(found), "rows that were understood")
    return [row for row in found if not row[0].startswith("$")]


def program(examples):
    """A flow that prints for each example whether it is true. One with statements is a function; the others stand in
    the stage, where there is an item and its time."""
    lines, fields = [], []
    for name, example in examples:
        *statements, last = example.split("; ")
        if statements:
            lines.append(f"fn example_{name}() -> bool {{ {'; '.join([*statements, 'return ' + last])} }}")
        fields.append(f"{name}_: {f'example_{name}()' if statements else last}")
    return "\n".join([*lines, "source lines: string = stdin(text) |> time by @2024-01-01T00:00:00Z lag 0s",
                      f"lines |> map {{ {', '.join(fields)} }} else stop |> into stdout", ""])


def wrong_ones(box, examples):
    box.write("examples.flow", program(examples))
    box.run(box.tools.flowcc, "-O0", "examples.flow")
    out = box.run("./examples", stdin=b"\n").out.decode()
    return re.findall(r'"(\w+)_": false', out), len(re.findall(r'"\w+_": true', out))


def test_examples_are_true(box):
    examples = rows()
    wrong, right = wrong_ones(box, examples)
    check_equal([], wrong, "examples that are not true")
    check_equal(len(examples), right, "examples that are true")


def test_an_example_that_is_wrong_is_noticed(box):
    examples = [("len", 'len("ab") == 2'), ("sum", "sum([1, 2]) == 4"), ("mod", "let n = 7; mod(n, 2) == 1")]
    check_equal((["sum"], 2), wrong_ones(box, examples), "wrong and right examples")


def test_help_shows_the_example(box):
    for name, example in rows():
        text = box.run(box.tools.flowcc, "help", name).out.decode()
        if example not in text:
            raise Failure(f"flowcc help {name} does not show  {example}\n{text}")


AGGREGATES = """record Reading { at: timestamp, sensor: string, value: int }
source readings: Reading = stdin(jsonl)
"""
READINGS = b"".join(b'{"at": "2024-01-01T09:0%d:00Z", "sensor": "%s", "value": %d}\n' % row for row in ((0, b"a", 3), (1, b"b", 1), (2, b"a", 3)))


def test_examples_of_aggregates_are_true(box):
    """As `flowcc help` shows them; of all readings, and of a window of all of them."""
    lines = box.run(box.tools.flowcc, "help", "list", "--json").out.splitlines()
    examples = [topic["example"] for topic in map(json.loads, lines) if topic["kind"] == "aggregate"]
    parts = [re.fullmatch(r"  (.*?)   # of value 3, 1, 3 and sensor a, b, a → (.*)\n", example).groups() for example in examples]
    fields = ", ".join(f"v{number}: {call}" for number, (call, _) in enumerate(parts))
    wanted = [gives if gives[0] in '[0123456789' else f'"{gives}"' for _, gives in parts]
    box.write("all.flow", f"{AGGREGATES}readings |> aggregate {{ {fields} }} emit final named all |> into stdout\n")
    box.run(box.tools.flowcc, "-O0", "all.flow")
    out = box.run("./all", stdin=READINGS).out.decode()
    check_equal("{" + ", ".join(f'"v{number}": {value}' for number, value in enumerate(wanted)) + "}\n", out, "aggregates")


DECLARATION = re.compile(r"^((?:##[^\n]*\n)*)(fn|step) (\w+)", re.M)
STEP_EXAMPLE = re.compile(r"(.*?) +# (.*) → (.*)")
# What the streams of the examples of steps hold.
SOURCES = {"numbers": "int", "words": "string", "times": "string"}


def library(word):
    """(name, examples) of the functions or steps of the standard library; every one has some."""
    found = []
    for path in sorted((ROOT / "stdlib").glob("*.flow")):
        for doc, kind, name in DECLARATION.findall(path.read_text()):
            if kind != word:
                continue
            lines = doc.splitlines()
            examples = [line[2:].strip() for line in lines if line.startswith("##  ")]
            if not examples or not lines[0].startswith("## "):
                raise Failure(f"{path.name}: `{name}` needs a sentence and an example above it")
            found.append((name, examples))
    return found


def test_examples_of_the_library_are_true(box):
    examples = [(f"{name}_{i}", example) for name, all_of in library("fn") for i, example in enumerate(all_of)]
    wrong, right = wrong_ones(box, examples)
    check_equal([], wrong, "examples that are not true")
    check_equal(len(examples), right, "examples that are true")


def test_examples_of_steps_give_what_they_say(box):
    lines, expected = [], {}
    for i, (name, example) in enumerate((n, e) for n, all_of in library("step") for e in all_of):
        pipeline, given, wanted = STEP_EXAMPLE.fullmatch(example).groups()
        start, rest = pipeline.split(" ", 1)
        source, label = f"{start}_{i}", f"{name}_{i}"
        box.write(f"{source}.txt", "".join(f"{value}\n" for value in given.split()))
        lines.append(f'source {source}: {SOURCES[start]} = file("{source}.txt", text)')
        if start == "times":
            rest = f'|> map {{ at: parse_int(slice(it, 6, 8)) ?? 0, m: parse_int(slice(it, 3, 5)) ?? 0 }} ' \
                   f"|> map @2024-01-01T00:00:00Z + 1m * m + 1s * at {rest}"
        named = re.sub(rf"\|> {name}\b(\([^|]*\))?", rf"\g<0> named {label} ", rest, count=1)
        lines.append(f"stream {label} = {source} {named}")
        lines.append(f'{label} |> map f"{label} {{it}}" |> into stdout')
        expected[label] = wanted.split()
    box.write("steps.flow", "\n".join(lines) + "\n")
    box.run(box.tools.flowcc, "-O0", "steps.flow")
    got = {label: [] for label in expected}
    for line in box.run("./steps", "--epoch-records", "1", env={"FLOW_CLOCK": "0+1000000"}).out.decode().splitlines():
        label, value = line.split(" ", 1)
        got[label].append(value)
    check_equal(expected, got, "what the steps give")


def test_the_language_page_names_every_function_and_step(box):
    page = (ROOT / "docs/language.md").read_text()
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]*)`", page))))
    names = {name for name, _ in rows()} | {name for word in ("fn", "step") for name, _ in library(word)}
    check_equal([], sorted(names - words), "what docs/language.md does not name")
