"""The examples of the built-in functions, as `flowcc help` shows them, are true."""

import re

from harness.base import ROOT, Failure, check_equal

TEXT = r'"((?:\\.|[^"\\])*)"'
ROW = re.compile(r'^BUILTIN\(' + r',\s*'.join([TEXT, r'(\w+)', TEXT, TEXT, TEXT]), re.M)


def rows():
    """(name, example) of each row of the table."""
    table = (ROOT / "compiler/front/builtin.def").read_text()
    found = [(row[0], row[4].replace('\\"', '"').replace("\\\\", "\\")) for row in ROW.findall(table)]
    check_equal(len(re.findall(r"^BUILTIN\(", table, re.M)), len(found), "rows that were understood")
    return found


def program(examples):
    """A flow that prints for each example whether it is true."""
    lines = []
    for name, example in examples:
        *statements, last = example.split("; ")
        lines.append(f"fn example_{name}() -> bool {{ {'; '.join([*statements, 'return ' + last])} }}")
    fields = ", ".join(f"{name}: example_{name}()" for name, _ in examples)
    return "\n".join([*lines, "source lines: string = stdin(text)",
                      f"lines |> map {{ {fields} }} else stop |> into stdout", ""])


def wrong_ones(box, examples):
    box.write("examples.flow", program(examples))
    box.run(box.tools.flowcc, "-O0", "examples.flow")
    out = box.run("./examples", stdin=b"\n").out.decode()
    return re.findall(r'"(\w+)": false', out), len(re.findall(r'"\w+": true', out))


def test_examples_are_true(box):
    examples = rows()
    wrong, right = wrong_ones(box, examples)
    check_equal([], wrong, "examples that are not true")
    check_equal(len(examples), right, "examples that are true")


def test_an_example_that_is_wrong_is_noticed(box):
    check_equal((["sum"], 1), wrong_ones(box, [("len", 'len("ab") == 2'), ("sum", "sum([1, 2]) == 4")]),
                "wrong and right examples")


def test_help_shows_the_example(box):
    for name, example in rows():
        text = box.run(box.tools.flowcc, "help", name).out.decode()
        if example not in text:
            raise Failure(f"flowcc help {name} does not show  {example}\n{text}")
