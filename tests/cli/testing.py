"""`flowcc test` as a process: its cache, signals, several at once, and that a crash finds what it should.
What it prints is in tests/blocks."""

import os
import shutil
import signal
import time

from harness.base import ROOT, Failure, Skip, check_match, run

PROGRAM = """source numbers: int = file("numbers.txt", text)
sink out = file("out.txt", text)
numbers |> key by "ALL" |> state total: int = 0 { total += it; emit total } |> into out
test "adds" {
  feed numbers = [1, 2]
  feed numbers = [3]
  expect out == [1, 3, 6]
}
"""


def flow_test(box, *args, **options):
    return box.run(box.tools.flowcc, "test", *args, **options)


def test_usage(box):
    check_match(["flowcc test: no file is given"], flow_test(box, exit=64).err)
    check_match(["nowhere.flow"], flow_test(box, "nowhere.flow", exit=66).err)
    box.write("x.flow", PROGRAM)
    check_match(["`every` epoch, not at `2`"], flow_test(box, "x.flow", "--crash-at=2", exit=64).err)
    check_match(["--filter"], flow_test(box, "x.flow", "--filtre=a", exit=64).err)
    check_match(["no such source|has no|--nothing"], flow_test(box, "x.flow", "--", "--nothing", "1", exit=64).err)


def test_a_second_run_compiles_nothing(box):
    box.write("x.flow", PROGRAM)
    env = {"FLOWCC_CACHE": str(box.path / "cache")}
    flow_test(box, "x.flow", env=env)
    compilers = box.path / "compilers"
    compilers.mkdir()
    compiler = os.environ.get("CC", "cc").split()[0] if "CC" not in box.tools.env else box.tools.env["CC"].split()[0]
    (compilers / compiler).symlink_to(shutil.which("false"))
    env["PATH"] = f"{compilers}:{box.tools.env['PATH']}"
    check_match(["1 passed"], flow_test(box, "x.flow", env=env).out)


def test_several_files_and_the_worst_of_them(box):
    box.write("good.flow", PROGRAM)
    box.write("bad.flow", PROGRAM.replace("[1, 3, 6]", "[1, 3, 7]"))
    box.write("wrong.flow", PROGRAM.replace("feed numbers", "feed number"))
    result = flow_test(box, "good.flow", "bad.flow", "wrong.flow", exit=1)
    check_match(["good.flow", "ok    adds", "bad.flow", "FAIL  adds", "1 passed, 1 failed"], result.out)
    check_match(["E0223"], result.err)


def test_several_at_once(box):
    box.write("x.flow", PROGRAM)
    flow_test(box, "x.flow")
    plays = [box.start(box.tools.flowcc, "test", "x.flow", "--crash-at=every") for _ in range(4)]
    for play in plays:
        play.process.wait(box.tools.timeout_s)
        if play.output().code != 0:
            raise Failure(play.output().describe())


def test_signals_leave_nothing_behind(box):
    box.write("x.flow", PROGRAM + "".join(PROGRAM[PROGRAM.index("test"):].replace("adds", f"adds {i}")
                                          for i in range(20)))
    temporary = box.path / "temporary"
    temporary.mkdir()
    flow_test(box, "x.flow", "-k", "adds 19")
    for number in (signal.SIGINT, signal.SIGTERM):
        # In the background of a script SIGINT is ignored, and would be by what is started here.
        play = box.start("env", "--default-signal=INT", box.tools.flowcc, "test", "x.flow", "--crash-at=every",
                         env={"TMPDIR": str(temporary)})
        play.wait_for(lambda: b"adds 0" in play.output().out, "the first tests")
        play.end(number, exit=-number)
        if list(temporary.iterdir()):
            raise Failure(f"signal {number} left {list(temporary.iterdir())} behind")


def test_a_killed_flowcc_leaves_no_program_running(box):
    box.write("x.flow", PROGRAM.replace("feed numbers = [3]", "advance 1h\n  " * 5000 + "feed numbers = [3]"))
    flow_test(box, "x.flow")
    play = box.start(box.tools.flowcc, "test", "x.flow", env={"TMPDIR": str(box.path)})
    play.wait_for(lambda: list(box.path.glob("flowcc-test-*/1/out.txt")), "the test")
    play.end(signal.SIGKILL, exit=-signal.SIGKILL)
    house = next(box.path.glob("flowcc-test-*"))
    deadline = time.monotonic() + 10
    while any(is_in(pid, house) for pid in os.listdir("/proc") if pid.isdigit()):
        if time.monotonic() > deadline:
            raise Failure("the program under test still runs")
        time.sleep(0.02)


def is_in(pid, folder):
    try:
        return os.readlink(f"/proc/{pid}/cwd").startswith(str(folder))
    except OSError:
        return False


def test_a_crash_finds_a_runtime_that_forgets_what_it_has_read(box):
    """The same test passes with the runtime as it is, and without crashes with the broken one."""
    if box.tools.mode not in ("release", "clang"):
        raise Skip("the broken runtime is built for the release")
    good = (ROOT / "runtime" / "source.c").read_text()
    bad = good.replace("if (s->input.place != NULL) input_pack(&s->input, out);", "(void)out;")
    if good == bad:
        raise Failure("runtime/source.c does not save its positions where this test looks for it")
    shutil.copytree(box.tools.flowcc.parent / "lib" / "flowcc", box.path / "lib")
    box.write("source.c", bad)
    box.run("cc", "-std=gnu11", "-O1", "-fvisibility=hidden", "-ffunction-sections", "-I", ROOT / "runtime" / "include",
            "-I", ROOT / "runtime", "-c", "source.c", "-o", "source.o")
    box.run("ar", "r", "lib/libflow.a", "source.o")
    box.write("x.flow", PROGRAM)
    env = {"FLOWCC_LIB": str(box.path / "lib")}
    flow_test(box, "x.flow", "--crash-at=every")
    flow_test(box, "x.flow", env=env)
    result = flow_test(box, "x.flow", "--crash-at=every", env=env, exit=1)
    check_match([r"FAIL  adds \(\d+ ms, \d+ crash", r"error\[T1101\]: `out` is not what the test expects",
                 r"only with a crash (in|behind) the epoch of line 5", r"\+ \d"], result.out)


def test_twenty_tests_take_a_second(box):
    """Not timed here; what a test costs is counted in processes: one for the program, one per restart."""
    box.write("x.flow", PROGRAM + "".join(PROGRAM[PROGRAM.index("test"):].replace("adds", f"adds {i}")
                                          for i in range(19)))
    flow_test(box, "x.flow")
    result = box.run("strace", "-f", "-qq", "-e", "trace=execve", "-e", "signal=none", box.tools.flowcc, "test", "x.flow")
    started = result.err.count(b"execve(")
    if started != 1 + 1 + 20:
        raise Failure(f"20 tests without a restart start {started} processes\n" + result.describe())
