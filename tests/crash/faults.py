"""Lets calls to the system fail, one after the other, and expects a message, an exit code that is documented,
and nothing lost: the next run goes on and ends as if nothing had happened.

crashpoint.so counts the calls and lets one of them fail, or do half of what it was asked for.
"""

import shutil

from harness import crashes
from harness.base import Failure, Skip, check_equal, check_match

# Group of calls (crashpoint.c) -> how they are let fail. {} is the number of the call.
FAULTS = {
    "changes": ({"CRASHPOINT_FAIL": "{},EIO"}, {"CRASHPOINT_FAIL": "{},ENOSPC"}, {"CRASHPOINT_FAIL": "{},EINTR"},
                {"CRASHPOINT_FAIL": "{}+,EIO"}, {"CRASHPOINT_FAIL": "{}+,ENOSPC"}, {"CRASHPOINT_SHORT": "{}"},
                {"CRASHPOINT_SHORT": "{}+"}),
    "looks": ({"CRASHPOINT_FAIL": "{},EIO"}, {"CRASHPOINT_FAIL": "{},EINTR"}, {"CRASHPOINT_FAIL": "{},EMFILE"},
              {"CRASHPOINT_FAIL": "{}+,EMFILE"}, {"CRASHPOINT_SHORT": "{}"}, {"CRASHPOINT_SHORT": "{}+"}),
    "memory": ({"CRASHPOINT_FAIL": "{},ENOMEM"}, {"CRASHPOINT_FAIL": "{}+,ENOMEM"}),
}
# How a run may end with which a call went wrong, besides the way in which it ends by itself: 66 input cannot be
# read, 70 no memory, 73 an output cannot be made, 74 I/O error.
CODES = {"changes": (73, 74), "looks": (66, 73, 74), "memory": (66, 70, 73, 74)}


def discover(tools):
    kinds = {f"failing {group}": lambda subject, g=group: every_fault(subject, g) for group in FAULTS}
    return crashes.tests_of(tools, crashes.cases(tools, 10 if tools.is_full else 3), **kinds)


def every_fault(subject, group):
    """`make test` lets every call of one case fail, and some of the others."""
    tools, case = subject.tools, subject.case
    is_whole = tools.is_full or case.name == "csv_out"
    if group == "looks" and not subject.is_steady:
        return  # what was read before an input that fails is committed
    number = tools.seed % 2
    for index, total in enumerate(subject.count_calls(number, group)):
        for at in crashes.spread(total, 300 if is_whole else 2):
            faults = FAULTS[group] if tools.is_full and total < 100 else FAULTS[group][at % 2 :: 2]
            for fault in faults:
                tools.count("faults")
                env = {"LD_PRELOAD": str(tools.crashpoint), "CRASHPOINT_COUNT": group}
                env.update((name, text.format(at)) for name, text in fault.items())
                subject.disturb(number, index, [env], CODES[group])


# -- a machine that has too little --------------------------------------------------------------------

WIDE = """
record Row { user: string, text: string }
source rows: Row = file("rows.jsonl", jsonl)
sink seen = file("seen.jsonl", jsonl)
rows
  |> key by user
  |> state last: string = "" { last = text; emit { user: key, length: len(last) } }
  |> into seen
"""
ROWS = 12_000


def wide_box(box):
    """A program with a large state, and what it writes."""
    box = box.tools.sandbox("wide", box.tools.memory())
    box.compile(WIDE, "wide")
    box.write("rows.jsonl", "".join(f'{{"user": "user {n}", "text": "{"x" * 900}{n}"}}\n' for n in range(ROWS)))
    return box, "".join(f'{{"user": "user {n}", "length": {900 + len(str(n))}}}\n' for n in range(ROWS))


def test_little_address_space(box):
    """Memory ends, or the map of the store, which is as large as it can be, gets full."""
    if box.tools.data_bytes is None:
        raise Skip("sanitizers need the address space for themselves")
    box, expected = wide_box(box)
    for megabytes in range(30, 300, 5 if box.tools.is_full else 30):
        box.tools.count("faults")
        result = box.run("prlimit", f"--as={megabytes}000000", "./wide", "-w", 1 + megabytes % 2, "-d", "db",
                         "-s", "1ms", exit=None)
        if result.code not in (0, 70, 74) or result.code and not result.err:
            raise Failure(f"with {megabytes} MB of address space\n{result.describe()}")
        box.run("./wide", "-d", "db")
        check_equal(expected, box.read("seen.jsonl"), f"seen.jsonl, begun with {megabytes} MB of address space")
        shutil.rmtree(box.path / "db", ignore_errors=True)
    shutil.rmtree(box.path)


def test_little_files(box):
    """A limit on the size of files (`ulimit -f`) comes with a signal, SIGXFSZ."""
    box, expected = wide_box(box)
    for state in ([], ["-d", "db"]):
        box.tools.count("faults")
        result = box.run("prlimit", "--fsize=100000", "./wide", *state, exit=74)
        check_match(["cannot .*: File too large" if not state else "cannot "], result.err)
    box.run("./wide", "-d", "db")
    check_equal(expected, box.read("seen.jsonl"), "seen.jsonl")
    shutil.rmtree(box.path)


# A file system of its own, in a namespace of its own, that becomes larger after the first run.
FULL_DISK = """
mount -t tmpfs -o size=$1k none disk || exit 99
cd disk
../wide -w 2 -d $2 -s 1ms --source rows=../rows.jsonl --sink seen=$3
code=$?
mount -o remount,size=100m none . || exit 99
../wide -w 3 -d $2 --source rows=../rows.jsonl --sink seen=$3 || exit 98
cmp $3 ../expected.jsonl || exit 97
exit $code
"""


def test_full_disk(box):
    """The state, the sink, or both are on a disk that gets full; there is room when the program runs again."""
    unshare = shutil.which("unshare")
    if not unshare or box.run(unshare, "-rm", "mount", "-t", "tmpfs", "none", "/mnt", exit=None).code != 0:
        raise Skip("no file system can be mounted here")
    box, expected = wide_box(box)
    box.write("expected.jsonl", expected)
    (box.path / "disk").mkdir()
    for kilobytes in (40, 200, 1000, 3000) if not box.tools.is_full else range(20, 12000, 200):
        for state, sink in (("db", "seen.jsonl"), ("db", "../seen.jsonl"), ("../db", "seen.jsonl")):
            box.tools.count("faults")
            result = box.run(unshare, "-rm", "sh", "-c", FULL_DISK, "sh", kilobytes, state, sink, exit=None)
            if result.code not in (0, 73, 74):
                raise Failure(f"with {kilobytes} KB: {result.describe()}")
            if result.code:
                check_match(["cannot .*: No space left on device", "make room"], result.err)
            for name in ("db", "seen.jsonl"):
                if (box.path / name).exists():
                    box.remove(name)
    shutil.rmtree(box.path)
