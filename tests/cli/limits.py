"""Every limit of the compiler (compiler/base/limits.h): a program that keeps it compiles, and one that is a step
beyond it gets a message, never a crash."""

import re

from harness.base import ROOT, Failure, check_match

SOURCE = "source xs: int = stdin(text)\n"
STATE = "xs |> key by 1 |> state s: int = 0 { "
LIMITS = {name: int(number) << int(shift or 0) for name, number, shift in re.findall(
    r"^#define LIMIT_(\w+) \(?(\d+)u?(?: << (\d+)\))?", (ROOT / "compiler/base/limits.h").read_text(), re.MULTILINE)}


def value(text):
    return f"{SOURCE}xs |> map {text} |> into stdout\n"


def chain(first, row, last, count):
    """Declarations each of which uses the next one, so that the first one checked is as deep as it gets."""
    rows = [first] + [row.format(i, i - 1) for i in range(1, count)]
    return SOURCE + "\n".join(reversed(rows)) + "\n" + last.format(count - 1) + "\n"


def doubling(first, row, count):
    """A list [1] that is put into a list twice, again and again: about two to the power of count values."""
    return first + "".join(row.format(i, i - 1) for i in range(1, count + 1))


# What grows, the limit, a program of a size, the sizes at and over the limit if they are not that and one more.
CASES = {
    "brackets": ("NESTING", lambda n: value("(" * n + "it" + ")" * n)),
    "lists": ("NESTING", lambda n: value("[" * n + "it" + "]" * n)),
    "records": ("NESTING", lambda n: value("{ a: " * n + "it" + " }" * n)),
    "blocks": ("NESTING", lambda n: SOURCE + STATE + "if it > 0 { " * (n - 1) + "s = 1" + " }" * n + " on end { emit s }"
               " |> into stdout\n"),
    "types": ("NESTING", lambda n: f"record R {{ x: {'list[' * (n - 1)}int{']' * (n - 1)} }}\nsource rs: R = stdin(jsonl)\n"
              "rs |> into stdout\n"),
    "f-strings": ("NESTING", lambda n: value('f"{' * n + "it" + '}"' * n)),
    "terms": ("EXPR_HEIGHT", lambda n: value(" + ".join(["it"] * n))),
    "calls in a row": ("EXPR_HEIGHT", lambda n: value("it" + ".abs()" * (n - 1))),
    "clauses": ("CLAUSES", lambda n: "record R { x: int " + " ".join(f"c{i} 1" for i in range(n)) + "}\nsource rs: R = stdin(jsonl)\n"
                "rs |> into stdout\n"),
    "fields": ("ITEMS", lambda n: f"record R {{ {', '.join(f'f{i}: int' for i in range(n))} }}\nsource rs: R = stdin(jsonl)\n"
               "rs |> map f0 |> into stdout\n"),
    "variants": ("ITEMS", lambda n: f"enum E {{ {', '.join(f'f{i}' for i in range(n))} }}\nsource es: E = stdin(jsonl)\n"
                 "es |> into stdout\n"),
    "arms": ("ITEMS", lambda n: value(f"match it {{ {', '.join(f'{i} => {i}' for i in range(n - 1))}, else => 0 }}")),
    "arguments": ("ITEMS", lambda n: value(f"max({', '.join(['it'] * n)})")),
    "stages": ("STAGES", lambda n: SOURCE + "xs " + " |> map it" * (n - 1) + " |> into stdout\n"),
    "steps in steps": ("STEP_DEPTH", lambda n: "step s0() = |> map it\n" + "".join(
        f"step s{i}() = |> s{i - 1}()\n" for i in range(1, n)) + SOURCE + f"xs |> s{n - 1}() |> into stdout\n"),
    # Each call has the function that is called, and the one that it gets, written for it.
    "functions for a call": ("INSTANCES", lambda n: "fn apply(x: int, f: fn(int) -> int) -> int = f(x)\n" + "".join(
        f"fn f{i}(x: int) -> int = apply(x, y => y + 1)\n" for i in range(n)) + SOURCE + "xs |> into stdout\n",
                             LIMITS["INSTANCES"] // 2, LIMITS["INSTANCES"] // 2 + 1),
    "declarations": ("DECLS", lambda n: SOURCE + "xs |> into stdout\n" * (n - 1)),
    "chain of functions": ("CHAIN", lambda n: chain("fn f0(x: int) -> int = x", "fn f{0}(x: int) -> int = f{1}(x)",
                                                    "xs |> map f{0}(it) |> into stdout", n)),
    "chain of constants": ("CHAIN", lambda n: chain("const f0 = 1", "const f{0} = f{1}", "xs |> map f{0} |> into stdout", n)),
    "chain of records": ("CHAIN", lambda n: chain("record R0 { x: int }", "record R{0} {{ x: R{1} }}", "xs |> into stdout", n)),
    "chain of streams": ("CHAIN", lambda n: chain("stream s0 = xs |> map it", "stream s{0} = s{1} |> map it",
                                                  "s{0} |> into stdout", n), 0, 1),
    "text": ("TEXT_BYTES", lambda n: value('"' + "x" * n + '"')),
    "text in an f-string": ("TEXT_BYTES", lambda n: value('f"' + "x" * n + '{it}"')),
    "joined text": ("TEXT_BYTES", lambda n: f'const a = "{"x" * (n - 1)}"\nconst b = a ++ "x"\n' + value("b"), 0, 1),
    "values of a constant": ("VALUES", lambda n: doubling("const a0 = [1]\n", "const a{0} = [a{1}, a{1}]\n", n)
                             + value("1"), 10, 14),
    "values of a record": ("VALUES", lambda n: doubling("record A0 { x: int }\n", "record A{0} {{ a: A{1}, b: A{1} }}\n", n)
                           + "source rs: A0 = stdin(jsonl)\nrs |> into stdout\n", 13, 14),
}


def sizes(name):
    limit, program, *own = CASES[name]
    at, over = (LIMITS[limit], LIMITS[limit] + 1)
    if own == [0, 1]:
        return program, at, over
    return (program, *own) if own else (program, at, over)


def make_test(name):
    def test(box):
        program, at, over = sizes(name)
        box.write("at.flow", program(at))
        box.write("over.flow", program(over))
        good = box.run(box.tools.flowcc, "emit", "at.flow", exit=None)
        is_known = name != "clauses"  # of which there are not so many
        if good.code != int(not is_known) or b"E0109" in good.err:
            raise Failure(f"{name}: {at} is too much\n{good.err.decode()[:2000]}")
        bad = box.run(box.tools.flowcc, "emit", "over.flow", "--message-format=json", exit=1)
        check_match(['"E0109".*"over.flow"'], bad.err)
    return test


def discover(tools):
    return [(name.replace(" ", "_"), make_test(name)) for name in CASES]


def test_size_of_the_source(box):
    limit = LIMITS["SOURCE_BYTES"]
    program = value("it")
    for name, bytes in (("at", limit - 1), ("over", limit)):
        box.write(f"{name}.flow", program + "#" * (bytes - len(program)))
    box.run(box.tools.flowcc, "check", "at.flow")
    check_match(["over.flow: the sources are larger than 1 MiB"], box.run(box.tools.flowcc, "check", "over.flow", exit=66).err)


def test_imports(box):
    for name, count in (("at", LIMITS["IMPORTS"]), ("over", LIMITS["IMPORTS"] + 1)):
        for i in range(count):
            box.write(f"part{i}.flow", f"const c{i} = {i}\n")
        box.write(f"{name}.flow", "".join(f'import "part{i}.flow"\n' for i in range(count)) + value("c0"))
    box.run(box.tools.flowcc, "check", "at.flow")
    check_match([r"error\[E0240\]"], box.run(box.tools.flowcc, "check", "over.flow", exit=1).err)


def test_fused_stages(box):
    """More stages than brackets of C may stand in each other: every C compiler takes the program."""
    count = 3 * LIMITS["FUSED"]
    box.write("deep.flow", SOURCE + "xs" + " |> filter it >= 0" * count + " |> map it + 1 |> into stdout\n")
    for cc in ("gcc", "clang"):
        if box.run("sh", "-c", f"command -v {cc}", exit=None).code != 0:
            continue
        box.run(box.tools.flowcc, "deep.flow", "-O0", "--cc", cc)
        result = box.run("./deep", stdin="1\n-1\n2\n")
        if result.out != b"2\n3\n":
            raise Failure(result.describe())


def test_limits_are_all_tried(box):
    tried = {limit for limit, *_ in CASES.values()} | {"SOURCE_BYTES", "FUSED", "IMPORTS"}
    elsewhere = {
        "DIAGS_SHOWN", "DIAGS_KEPT", "COLUMNS_SHOWN", "SUGGESTED_NAME",  # unit/test_base_diag.c
    }
    missing = LIMITS.keys() - tried - elsewhere
    if missing:
        raise Failure(f"no test of {missing}")
