"""The command line of flowcc."""

import json
import os
import re

from harness.base import EXAMPLES, ROOT, Failure, check_equal, check_match

PROGRAM = 'source numbers: int = file("numbers.txt", text)\nnumbers |> map it * 2 |> into stdout\n'
WRONG = 'source numbers: int = file("numbers.txt", text)\nnumbers |> map itt * 2 |> into stdout\n'


def flowcc(box, *args, **options):
    return box.run(box.tools.flowcc, *args, **options)


def test_help_names_every_subcommand(box):
    for args in (["--help"], ["help"]):
        result = flowcc(box, *args)
        check_match(["Usage|usage"], result.out, "stdout")
        for word in ("run", "check", "emit", "explain", "help", "-o", "--dump", "--stop-after", "--disable",
                     "--time-passes", "--version"):
            if word not in result.out.decode():
                raise Failure(f"`flowcc {args[0]}` does not tell of {word}\n" + result.describe())


def test_version(box):
    check_match([r"\Aflowcc \d+\.\d+\.\d+\n\Z"], flowcc(box, "--version").out, "stdout")


def test_no_arguments_is_a_usage_error(box):
    check_match(["flowcc"], flowcc(box, exit=64).err)


def test_unknown_option_names_it(box):
    check_match(["--no-such"], flowcc(box, "--no-such", exit=64).err)


def test_missing_file(box):
    for args in (["nowhere.flow"], ["check", "nowhere.flow"], ["emit", "nowhere.flow"]):
        check_match(["nowhere.flow"], flowcc(box, *args, exit=66).err)


def test_directory_instead_of_a_file(box):
    (box.path / "dir.flow").mkdir()
    check_match(["dir.flow", "director"], flowcc(box, "check", "dir.flow", exit=66).err)


def test_compiles_to_the_base_name(box):
    box.write("double.flow", PROGRAM)
    box.write("numbers.txt", "4\n")
    result = flowcc(box, "double.flow")
    check_equal(b"", result.out + result.err, "a successful compilation is silent")
    check_equal("8\n", box.run("./double").out, "stdout")
    flowcc(box, "double.flow", "-o", "other")
    check_equal("8\n", box.run("./other").out, "stdout")


def test_refuses_to_write_over_the_source(box):
    box.write("double.flow", PROGRAM)
    flowcc(box, "double.flow", "-o", "double.flow", exit=64)
    check_equal(PROGRAM, box.read("double.flow"), "double.flow")


def test_an_error_leaves_no_program(box):
    box.write("wrong.flow", WRONG)
    check_match([r"error\[E0201\]", r"wrong.flow:2:16"], flowcc(box, "wrong.flow", exit=1).err)
    if (box.path / "wrong").exists():
        raise Failure("a program was written although there were errors")


def test_message_formats(box):
    box.write("wrong.flow", WRONG)
    check_match([r"\Awrong\.flow:2:16: error\[E0201\]"],
                flowcc(box, "check", "wrong.flow", "--message-format=short", exit=1).err)
    check_match([r'\A\{.*"E0201".*\}\n\Z'],
                flowcc(box, "check", "wrong.flow", "--message-format=json", exit=1).err)


def test_explain(box):
    check_match(["E0301", "[?][?]"], flowcc(box, "explain", "E0301").out, "stdout")
    check_match(["R1001"], flowcc(box, "explain", "R1001").out, "stdout")
    flowcc(box, "explain", "E9999", exit=64)


def test_every_code_is_explained(box):
    text = (ROOT / "compiler" / "base" / "diag.def").read_text()
    for code in re.findall(r"^DIAG\((\w+),", text, re.MULTILINE):
        check_match([code], flowcc(box, "explain", code).out, "stdout")


def test_emit_is_deterministic_and_names_no_machine(box):
    program = (EXAMPLES / "cart_join" / "cart_join.flow").read_text()
    box.write("cart_join.flow", program)
    first = flowcc(box, "emit", "cart_join.flow").out
    (box.path / "elsewhere").mkdir()
    box.write("elsewhere/cart_join.flow", program)
    second = box.run("sh", "-c", "cd elsewhere && flowcc emit cart_join.flow").out
    check_equal(first, second, "the C of two compilations")
    if str(box.path).encode() in first:
        raise Failure("the C text holds a path of this machine")


def test_emitted_c_is_clean(box):
    """A user never sees a message of the C compiler, not even with all warnings on."""
    for path in sorted(EXAMPLES.glob("*/*.flow")):
        box.write(path.name, path.read_bytes())
        box.write("x.c", flowcc(box, "emit", path.name).out)
        command = os.environ.get("CC", "cc")
        include = box.tools.out / "lib" / "flowcc" / "include"
        result = box.run("sh", "-c", f"{command} -std=gnu11 -O1 -Wall -Wextra -Werror "
                         f"-Wno-unused-parameter -Wno-unused-function -isystem {include} -c x.c -o x.o")
        check_equal(b"", result.err, "messages of the C compiler")


def test_disable_fuse_gives_more_stages(box):
    box.write("double.flow", PROGRAM)
    fused = flowcc(box, "double.flow", "--dump=plan").out
    unfused = flowcc(box, "double.flow", "--dump=plan", "--disable=fuse").out
    if fused == unfused:
        raise Failure("--disable=fuse changes nothing")


def test_stop_after_and_time_passes(box):
    box.write("double.flow", PROGRAM)
    flowcc(box, "double.flow", "--stop-after=check")
    if (box.path / "double").exists():
        raise Failure("--stop-after=check went on to the end")
    result = flowcc(box, "double.flow", "--time-passes")
    check_match(["parse", "check", "emit"], result.err)
    flowcc(box, "double.flow", "--stop-after=nonsense", exit=64)
    flowcc(box, "double.flow", "--dump=nonsense", exit=64)


def test_a_broken_c_compiler_is_reported(box):
    box.write("double.flow", PROGRAM)
    result = flowcc(box, "double.flow", env={"CC": "false"}, exit=70)
    check_match(["C compiler|false"], result.err)
    result = flowcc(box, "double.flow", env={"CC": "no-such-compiler-anywhere"}, exit=70)
    check_match(["no-such-compiler-anywhere"], result.err)


def test_unwritable_output(box):
    box.write("double.flow", PROGRAM)
    result = flowcc(box, "double.flow", "-o", "no/such/dir/double", exit=None)
    if result.code not in (70, 73):
        raise Failure(result.describe())
    check_match(["no/such/dir"], result.err)


def test_help_of_operators(box):
    check_match(["filter", r"\|> filter"], flowcc(box, "help", "op", "filter").out, "stdout")
    check_match(["key by"], flowcc(box, "help", "key").out, "stdout")
    check_equal(flowcc(box, "help", "op", "key").out, flowcc(box, "help", "key", "by").out, "flowcc help key by")
    flowcc(box, "help", "op", "nonsense", exit=64)


def test_help_lists_the_tables(box):
    """What there is comes from the tables of the compiler, all of it."""
    topics = [json.loads(line) for line in flowcc(box, "help", "list", "--json").out.splitlines()]
    text = flowcc(box, "help", "list").out.decode()
    found = {}
    for topic in topics:
        found.setdefault(topic["kind"], []).append(topic["name"].split()[0])
        if topic["syntax"] not in text or topic["summary"] not in text:
            raise Failure(f"`flowcc help list` does not have {topic}")
        shown = flowcc(box, "help", topic["kind"], topic["name"]).out.decode()
        if not shown.startswith(topic["syntax"]) or topic.get("example", "") not in shown:
            raise Failure(f"`flowcc help {topic['kind']} {topic['name']}` shows\n{shown}")
    compiler = ROOT / "compiler"
    for kind, table, row in (("op", "ops/ops.def", r"^OP\((\w+)"), ("fn", "front/builtin.def", r'^BUILTIN\("(\w+)'),
                             ("aggregate", "front/aggregates.def", r'^AGGREGATE\("(\w+)'),
                             ("connector", "io/connectors.def", r"^CONNECTOR\((\w+)"),
                             ("format", "io/formats.def", r"^FORMAT\((\w+)")):
        rows = re.findall(row, (compiler / table).read_text(), re.MULTILINE)
        word = {"op": "step", "fn": "fn"}.get(kind)
        for path in (ROOT / "stdlib").glob("*.flow") if word else ():
            rows += re.findall(rf"^{word} (\w+)", path.read_text(), re.MULTILINE)
        check_equal(" ".join(sorted(rows)), " ".join(sorted(found[kind])), f"topics of the kind {kind}")


def test_help_shows_the_reference(box):
    """Each part of docs/language.md by the words of its heading; without what only the tests need."""
    text = re.sub(r"^```.*?^```$", "", (ROOT / "docs" / "language.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^##+ (.*)$", text, re.MULTILINE)
    listed = flowcc(box, "help", "language").out.decode()
    check_equal("\n".join(headings), "\n".join(line.strip() for line in listed.splitlines()[1:]), "headings")
    topics = {json.loads(line)["name"] for line in flowcc(box, "help", "list", "--json").out.splitlines()}
    for heading in headings:
        words = re.findall(r"\w+", heading)
        if words[0] in topics or " ".join(words).lower() in topics:
            continue  # the stage of that name
        shown = flowcc(box, "help", *words).out.decode()
        if f"{heading}\n" not in shown or "```" in shown or "--- expect" in shown:
            raise Failure(f"flowcc help {' '.join(words)} shows\n{shown}")
    check_match(["Enums"], flowcc(box, "help", "enum").out, "stdout")
    check_match(["`forget` stands in", "state"], flowcc(box, "help", "forget").out, "stdout")
    check_match([r"^Tests$", "^----$", r"^Usage: flowcc test"], flowcc(box, "help", "test").out, "stdout")
    check_match(["no help on"], flowcc(box, "help", "nonsense-word", exit=64).err)


def test_a_name_of_two_things(box):
    """`split` is a stage and a function."""
    both = flowcc(box, "help", "split").out
    check_match([r"\A\|> split", "^----$", r"^split\(string"], both, "stdout")
    check_match([r"\Asplit\(string"], flowcc(box, "help", "fn", "split").out, "stdout")


def test_slips_of_the_command_line(box):
    for args, says in ((["chekc", "x.flow"], "did you mean `check`"), (["fomt"], "did you mean `fmt`"),
                       (["check", "--mesage-format=short", "x.flow"], "did you mean `--message-format`"),
                       (["build", "x.flow"], "write `flowcc FILE`"), (["format", "x.flow"], "write `flowcc fmt`"),
                       (["nonsense"], "no command and no file `nonsense`"), (["./nonsense"], "name the program with -o"),
                       (["emit", "-o", "x.c", "x.flow"], "flowcc emit: there is no option `-o`"),
                       (["check", "a.flow", "b.flow"], "`b.flow` is a second one"),
                       (["check", "--message-format"], "a value is missing behind"),
                       (["run"], "no file is given"), (["fmt", "--chek", "x"], "--check"),
                       (["help", "op", "fliter"], "there is no stage `fliter`; did you mean `filter`"),
                       (["help", "wrods"], "did you mean `words`"), (["help", "list", "-x"], "help list --json"),
                       (["explain"], "which message"), (["explain", "E0302x"], "nearest is")):
        result = flowcc(box, *args, exit=64)
        if says not in result.err.decode():
            raise Failure(f"expected: {says}\n" + result.describe())
        check_equal(b"", result.out, "stdout")


def test_every_subcommand_has_help(box):
    page = flowcc(box, "--help").out.decode()
    names = re.findall(r"^  flowcc ([a-z]+) .*  ", page.split("Commands:")[1].split("Behind each")[0], re.MULTILINE)
    if len(names) < 7 or len(set(names)) != len(names):
        raise Failure(f"`flowcc --help` names {names}")
    documented = (ROOT / "docs" / "tools.md").read_text()
    for name in names:
        if f"`flowcc {name}" not in documented:
            raise Failure(f"docs/tools.md does not tell of `flowcc {name}`")
        text = flowcc(box, name, "--help").out
        if name != "help":
            check_match([rf"\AUsage: flowcc {name}"], text, "stdout")
            help_text = flowcc(box, "help", name).out
            if not help_text.endswith(text):
                raise Failure(f"`flowcc help {name}` does not end with `flowcc {name} --help`")


def test_program_help_lists_params_and_options(box):
    box.compile("param least: int = 5   ## smaller ones are left out\n"
                'source numbers: int = file("numbers.txt", text)\n'
                "numbers |> filter it >= least |> into stdout\n", "least")
    text = box.run("./least", "--help").out.decode()
    for word in ("--least", "smaller ones are left out", "5", "--state-dir", "--snapshot-interval",
                 "--snapshot-mode", "--epoch-records", "--resume-epoch", "--retain-epochs", "--at-end",
                 "--once", "--accept-drop", "--version"):
        if word not in text:
            raise Failure(f"--help does not tell of {word}\n{text}")
    check_match(["flowcc"], box.run("./least", "--version").out, "stdout")
    with open(os.path.join(ROOT, "docs", "running.md"), encoding="utf-8") as page:
        documented = page.read()
    for option in re.findall(r"^ {2,6}(?:-\w, )?(--[a-z-]+)", text, re.MULTILINE):
        if option != "--least" and option not in documented:
            raise Failure(f"docs/running.md does not tell of {option}")


def test_program_usage_errors(box):
    box.compile("param least: int\n"
                'source numbers: int = file("numbers.txt", text)\n'
                "numbers |> filter it >= least |> into stdout\n", "least")
    box.write("numbers.txt", "1\n5\n9\n")
    check_match(["--least"], box.run("./least", exit=64).err)
    check_match(["--nonsense"], box.run("./least", "--least", "5", "--nonsense", exit=64).err)
    check_match(["many"], box.run("./least", "--least", "many", exit=64).err)
    check_match(["-s|interval"], box.run("./least", "--least", "5", "-s", "soon", exit=64).err)
    check_equal("5\n9\n", box.run("./least", "--least", "5").out, "stdout")
    check_equal("9\n", box.run("./least", "--least=6").out, "stdout")


def test_source_and_sink_locations_can_be_given(box):
    box.compile('source numbers: int = file("numbers.txt", text)\n'
                'sink out = file("out.txt", text)\nnumbers |> into out\n', "copy")
    box.write("elsewhere.txt", "1\n2\n")
    box.run("./copy", "--source", "numbers=elsewhere.txt", "--sink", "out=there.txt")
    check_equal("1\n2\n", box.read("there.txt"), "there.txt")
    check_equal("3\n", (box.run("./copy", "--source", "numbers=-", "--sink", "out=there.txt",
                                stdin="3\n"), box.read("there.txt"))[1], "there.txt")
    check_match(["nothing"], box.run("./copy", "--source", "nothing=x", exit=64).err)


def same_text_from_both_builds(box):
    """The C text must not depend on the compiler that built flowcc (the order of evaluation, say)."""
    paths = [*EXAMPLES.glob("*/*.flow"), *(ROOT / "tests" / "dump").glob("*.flow")]
    for path in sorted(paths):
        box.write(path.name, path.read_bytes())
        here, there = (box.run(build, "emit", path.name).out
                       for build in (box.tools.flowcc, ROOT / "build" / "flowcc"))
        check_equal(there, here, f"the C text of {path.name}")


def discover(tools):
    has_both = tools.mode == "clang" and (ROOT / "build" / "flowcc").exists()
    return [("same_text_from_both_builds", same_text_from_both_builds)] if has_both else []


def test_levels_and_targets_give_the_same_program(box):
    box.write("numbers.txt", "1\n2\n")
    box.write("double.flow", PROGRAM)
    for options in (["-O", "0"], ["--optimise", "1"], ["-O3"], ["--target-cpu", "native"]):
        flowcc(box, "double.flow", *options)
        check_equal("2\n4\n", box.run("./double").out, "stdout")
    check_match(["`4`"], flowcc(box, "double.flow", "-O", "4", exit=64).err)
    check_match(["`nativ`"], flowcc(box, "double.flow", "--target-cpu", "nativ", exit=64).err)


def test_coverage_and_debug_lines_are_those_of_the_flow(box):
    box.write("numbers.txt", "1\n2\n3\n")
    box.write("double.flow", PROGRAM)
    flowcc(box, "double.flow", "-g", "-O0", "--cc", "gcc --coverage")
    box.run("./double")
    notes = [name for name in os.listdir(box.path) if name.endswith(".gcda")]
    box.run("gcov", *notes)
    check_match([r"^ +3\*?:    2:numbers \|> map"], box.read("double.flow.gcov"), "double.flow.gcov")
    lines = box.run("objdump", "--dwarf=decodedline", "double").out
    check_match([r"double\.flow +2 "], lines, "the debug information")


FILTER = """#!/usr/bin/env -S flowcc run
param least: int = 2
source numbers: int = stdin(text)
numbers |> filter it >= least |> map it * 10 |> into stdout
"""


def run_flow(box, *args, **options):
    env = {"FLOWCC_CACHE": str(box.path / "cache" / "of-flows"), **options.pop("env", {})}
    return flowcc(box, "run", *args, env=env, **options)


def programs(box):
    return sorted(str(p.relative_to(box.path / "cache" / "of-flows")) for p in (box.path / "cache").glob("*/*/*"))


def test_run_compiles_once(box):
    box.write("tens.flow", FILTER)
    for _ in range(2):
        result = run_flow(box, "tens.flow", stdin=b"1\n2\n3\n")
        check_equal("20\n30\n", result.out, "stdout")
        check_equal(b"", result.err, "stderr")
        check_equal(1, len(programs(box)), "programs")
    # Nothing is compiled: this C compiler does not exist, and its name is not part of the flow.
    broken = box.run(box.tools.flowcc, "run", "tens.flow", stdin=b"2\n", exit=70,
                     env={"FLOWCC_CACHE": str(box.path / "cache" / "of-flows"), "CC": "no-such-compiler"})
    check_match(["no-such-compiler"], broken.err)
    box.write("tens.flow", FILTER.replace("10", "100"))
    check_equal("200\n", run_flow(box, "tens.flow", stdin=b"2\n").out, "stdout")
    check_equal(2, len(programs(box)), "programs")


def test_run_gives_the_words_behind_the_flow_to_the_program(box):
    box.write("tens.flow", FILTER)
    check_equal("30\n", run_flow(box, "-O0", "tens.flow", "--least", "3", "-w", "1", stdin=b"2\n3\n").out, "stdout")
    check_equal("30\n", run_flow(box, "-O0", "tens.flow", "--", "--least", "3", stdin=b"2\n3\n").out, "stdout")
    check_match(["--least"], run_flow(box, "-O0", "tens.flow", "--help").out, "stdout")
    check_match(["--what"], run_flow(box, "-O0", "tens.flow", "--what", exit=64).err)
    check_match(["line|record|int"], run_flow(box, "-O0", "tens.flow", stdin=b"x\n", exit=65).err)


def test_run_of_a_script(box):
    box.write("tens", FILTER)
    os.chmod(box.path / "tens", 0o755)
    folder = os.path.dirname(box.tools.flowcc)
    result = box.run("./tens", stdin=b"7\n", env={"FLOWCC_CACHE": str(box.path / "cache" / "of-flows"),
                                                 "PATH": f"{folder}:{os.environ['PATH']}"})
    check_equal("70\n", result.out, "stdout")


def test_run_tells_what_is_wrong(box):
    check_match(["no file"], run_flow(box, exit=64).err)
    check_match(["nowhere.flow"], run_flow(box, "nowhere.flow", exit=66).err)
    box.write("wrong.flow", WRONG)
    check_match(["itt"], run_flow(box, "wrong.flow", exit=1).err)
    box.write("tens.flow", FILTER)
    box.write("file", "")
    result = run_flow(box, "tens.flow", exit=70, env={"FLOWCC_CACHE": str(box.path / "file" / "cache")})
    check_match(["cache", "FLOWCC_CACHE"], result.err)


def test_run_forgets_programs_of_a_month_ago(box):
    box.write("tens.flow", FILTER)
    run_flow(box, "-O0", "tens.flow")
    [first] = programs(box)
    folder = (box.path / "cache" / "of-flows" / first).parent
    box.write("cache/of-flows/notes", "not ours")
    os.utime(folder, (0, 0))
    run_flow(box, "-O0", "tens.flow")  # in use again
    run_flow(box, "-O1", "tens.flow")
    check_equal(2, len(programs(box)), "programs")
    os.utime(folder, (0, 0))
    run_flow(box, "-O3", "tens.flow")
    kept = programs(box)
    check_equal(2, len(kept), "programs")
    if first in kept or not (box.path / "cache" / "of-flows" / "notes").exists():
        raise Failure(f"kept {kept}")
