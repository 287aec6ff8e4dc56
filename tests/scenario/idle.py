"""`idle after`: a stream that has nothing to read does not hold back those that it meets."""

import json
import signal
import time

from harness.base import check_equal, check_match

FLOW = """\
record Row { id: string, at: timestamp }
source left: Row = dir("left/", csv, poll: 20ms) |> time by at IDLE
source right: Row = dir("right/", csv, poll: 20ms) |> time by at IDLE
sink out = file("out.txt", text)
left
  |> merge right
  |> key by id
  |> state n: int = 0 expires 5s {
       n += 1
       if id == "x" { n += 9223372036854775807 }
       emit f"{id} at {slice(string(at), 17, 19)}, clock {slice(string(watermark() ?? @2024-01-01), 17, 19)}"
     }
     on expire { emit f"{key} is gone: {slice(string(time()), 17, 19)}" }
  |> into out
"""


def rows(*items):
    return "id,at\n" + "".join(f"{name},2024-01-01T00:00:{second:02}Z\n" for name, second in items)


def lines(box):
    path = box.path / "out.txt"
    return path.read_text().splitlines() if path.exists() else []


def wait_for(box, program, *expected):
    program.wait_for(lambda: len(lines(box)) >= len(expected), f"{len(expected)} lines")
    check_equal("\n".join(expected), "\n".join(lines(box)))


def start_anew(box):
    for name in ("left", "right"):
        if (box.path / name).exists():
            box.remove(name)
        (box.path / name).mkdir()
    for name in ("out.txt", "seen.txt"):
        (box.path / name).unlink(missing_ok=True)


LEFT = ["a at 10, clock 00", "b at 30, clock 00", "a is gone: 15"]
RIGHT = ["c at 12, clock 30", "c is gone: 17", "d at 33, clock 33"]


def test_an_idle_stream_holds_nothing_back(box):
    """Time passes while nothing comes; when the stream comes back, the clock does not go back."""
    box.compile(FLOW.replace("IDLE", "idle after 400ms"), "flow")
    for args in ((), ("-d", "db"), ("-d", "db4", "-w", "4")):
        start_anew(box)
        box.write("left/1.csv", rows(("a", 10), ("b", 30)))
        with box.start("./flow", *args) as program:
            wait_for(box, program, *LEFT)
            box.write("right/1.csv", rows(("c", 12), ("d", 33)))
            wait_for(box, program, *LEFT, *RIGHT)
            program.end(signal.SIGTERM)
    for name in ("db", "db4"):
        check_match(["epoch +"], box.run(box.tools.flowcc, "state", "verify", name).out, "epochs")


def test_an_outage_is_no_silence(box):
    """What is there to be read when the program comes back holds the others back until it is read."""
    box.compile(FLOW.replace("IDLE", "idle after 400ms"), "flow")
    start_anew(box)
    box.write("left/1.csv", rows(("a", 10)))
    box.write("right/1.csv", rows(("b", 11)))
    with box.start("./flow", "-d", "db") as program:
        wait_for(box, program, "a at 10, clock 00", "b at 11, clock 10")
        program.end(signal.SIGTERM)
    time.sleep(0.5)
    box.write("left/2.csv", rows(("c", 50)))
    box.write("right/2.csv", rows(("d", 13)))
    with box.start("./flow", "-d", "db") as program:
        before = ["a at 10, clock 00", "b at 11, clock 10", "c at 50, clock 11", "d at 13, clock 13"]
        wait_for(box, program, *before, "a is gone: 15", "b is gone: 16", "d is gone: 18")
        program.end(signal.SIGTERM)


def test_what_is_idle_belongs_to_the_epoch(box):
    """With the clock of a test, runs that are killed behind each commit say what one run says: in an epoch of its
    own, behind that of d, the right stream leaves; the left one never does, as it always has something to read."""
    box.compile(FLOW.replace("IDLE", "idle after 30s"), "flow")
    steps = [("left", ("a", 10), 0), ("right", ("b", 11), 1), ("left", ("c", 20), 2), ("left", ("d", 30), 4),
             ("left", ("e", 40), 5), ("right", ("f", 15), 6), ("left", ("g", 41), 7)]
    expected = ["a at 10, clock 00", "b at 11, clock 10", "c at 20, clock 11", "d at 30, clock 11",
                "a is gone: 15", "b is gone: 16", "c is gone: 25", "d is gone: 35", "e at 40, clock 40",
                "f at 15, clock 40", "f is gone: 20", "g at 41, clock 40"]
    for number, args in enumerate((("-w", "1"), ("-w", "3"))):
        start_anew(box)
        store = f"db{number}"

        def is_saved():
            said = box.run(box.tools.flowcc, "state", "verify", store, "--json", exit=None).out
            return said and json.loads(said).get("epoch") == epoch
        for i, (side, row, epoch) in enumerate(steps):
            box.write(f"{side}/{i}.csv", rows(row))
            with box.start("./flow", "-d", store, "--epoch-records", "1", *args,
                           env={"FLOW_CLOCK": "0+10000000"}) as program:  # epoch N begins at 10 s * N
                program.wait_for(is_saved, f"epoch {epoch}")
                program.process.kill()
                program.process.wait()
        check_equal("\n".join(expected), "\n".join(lines(box)))


def test_a_fault_behind_a_stream_that_left(box):
    """The epoch is run again up to the fault, and the same stream is idle."""
    box.compile(FLOW.replace("IDLE", "idle after 30s"), "flow")
    for workers in ("1", "3"):
        start_anew(box)
        box.write("left/1.csv", rows(("a", 10)))
        box.write("right/1.csv", rows(("b", 11)))
        args = ("-d", f"db{workers}", "-w", workers)
        with box.start("./flow", *args, env={"FLOW_CLOCK": "0+10000000"}) as program:
            wait_for(box, program, "a at 10, clock 00", "b at 11, clock 10")
            program.end(signal.SIGTERM)
        box.write("left/2.csv", rows(("c", 40), ("x", 50)))
        result = box.run("./flow", *args, exit=70, env={"FLOW_CLOCK": "0+100000000"})
        check_match(["the sum overflows"], result.err)
        check_equal("\n".join(["a at 10, clock 00", "b at 11, clock 10", "a is gone: 15", "b is gone: 16",
                               "c at 40, clock 40"]), "\n".join(lines(box)))


WINDOWS = """\
record Row { id: string, at: timestamp }
source left: Row = dir("left/", csv, poll: 20ms) |> time by at idle after 400ms
source right: Row = dir("right/", csv, poll: 20ms) |> time by at idle after 400ms
sink out = file("out.txt", text)
left
  |> merge right
  |> window tumbling 10s
  |> aggregate { second: slice(string(window.start), 17, 19), n: count() } named seconds
  |> map f"{second}: {n}"
  |> into out
sink seen = file("seen.txt", text)
right |> map id |> into seen
"""


def test_no_window_closes_twice(box):
    """What an idle stream brings when it comes back is late for what has closed without it."""
    box.compile(WINDOWS, "flow")
    for args in (("-d", "db"), ("-d", "db4", "-w", "4")):
        start_anew(box)
        box.write("left/1.csv", rows(("a", 10), ("b", 30)))
        with box.start("./flow", *args) as program:
            wait_for(box, program, "10: 1")
            box.write("right/1.csv", rows(("c", 12), ("d", 33)))
            program.wait_for(lambda: box.read("seen.txt") == b"c\nd\n", "the right stream")
            box.write("left/2.csv", rows(("e", 58)))
            wait_for(box, program, "10: 1", "30: 2")
            program.end(signal.SIGTERM)
