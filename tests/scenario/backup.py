"""Backups to a directory: lost and damaged state, kills, refusals. backup_s3.py has the same for buckets."""

import shutil
import signal
import time

from harness import flows
from harness.base import Failure, Skip, check_equal, check_match

WORDS = """
source words: string = file("words.txt", text)
sink out = file("out.jsonl", jsonl)
words |> key by it |> state n: int = 0 { n += 1; emit { word: key, n } } |> into out
"""
STEP = ("-d", "db", "-s", "0s", "--epoch-records", "3")


def words(count, seed=1):
    """Lines of the input, and what the sink has to hold behind each of them."""
    seen, lines, expected = {}, [], []
    for i in range(count):
        word = f"w{i * seed * 7919 % 23}"
        seen[word] = seen.get(word, 0) + 1
        lines.append(word + "\n")
        expected.append(f'{{"word": "{word}", "n": {seen[word]}}}\n')
    return lines, expected


def place(box, name="backup"):
    return f"file://{box.path}/{name}"


def objects(box, name="backup"):
    """All files of a backup, with what is in them."""
    root = box.path / name
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def begin(box, count=30):
    """A flow that has done `count` lines in several runs, each shipped."""
    box.compile(WORDS)
    lines, expected = words(count)
    for part in range(3):
        box.append("words.txt", "".join(lines[part * count // 3 : (part + 1) * count // 3]))
        box.run("./flow", *STEP, "-b", place(box))
    check_equal("".join(expected), box.read("out.jsonl"), "out.jsonl")


def test_lost_state_is_restored_and_goes_on(box):
    begin(box)
    box.remove("db")
    lines, expected = words(40)
    box.append("words.txt", "".join(lines[30:]))
    result = box.run("./flow", *STEP, "-b", place(box), "--summary", "json")
    check_match([r"^restored db from file:///.*/backup: epoch 11, saved 20\d\d-", r'"in": 10,'], result.err)
    check_equal("".join(expected), box.read("out.jsonl"), "out.jsonl")
    (box.path / "elsewhere").mkdir()
    result = box.run("./flow", "-d", "elsewhere", "-b", place(box))
    check_match([r"^restored elsewhere from"], result.err)
    result = box.run("./flow", "-d", "elsewhere", "-b", place(box))
    check_equal("", result.err, "stderr of a run that has its state")


def test_what_the_command_line_refuses(box):
    box.compile(WORDS)
    box.write("words.txt", "a\n")
    for args, pattern in (
            (("-b", "file:///tmp/x"), "--backup needs --state-dir"),
            (("-d", "db", "-b", "/tmp/x"), "did you mean file:///tmp/x"),
            (("-d", "db", "-b", "http://tmp/x"), "expected file:///DIR or s3://BUCKET/PREFIX"),
            (("-d", "db", "-b", "s3:///x"), "expected file:///DIR or s3://BUCKET/PREFIX"),
            (("-d", "db", "-b", "file:///%zz"), "not the URL of a directory"),
            (("-d", "db", "-b", "file:///tmp/x", "--s3-endpoint", "http://h"), "--s3-endpoint needs")):
        result = box.run("./flow", *args, exit=64)
        check_match([pattern], result.err)
    if (box.path / "db").exists():
        raise Failure("a refused command line has made a state directory")


def test_a_bucket_needs_credentials(box):
    box.compile(WORDS)
    box.write("words.txt", "a\n")
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    result = box.run("./flow", "-d", "db", "-b", "s3://b/p", env=none, exit=78)
    check_match(["AWS_ACCESS_KEY_ID is not set"], result.err)
    result = box.run("./flow", "-d", "db", "-b", "s3://b/p", env=dict(none, AWS_ACCESS_KEY_ID="k"), exit=78)
    check_match(["AWS_SECRET_ACCESS_KEY is not set"], result.err)


def test_the_backup_of_others_is_refused_and_untouched(box):
    begin(box)
    before = objects(box)
    box.compile(WORDS, "other")
    for state in ("db2", "db3"):
        result = box.run("./other", "-d", state, "-b", place(box), "--sink", "out=other.txt", exit=78)
        check_match(["belongs to the flow `flow`, and this is `other`"], result.err)
    box.run("./flow", "-d", "mine", "--sink", "out=mine.txt")
    result = box.run("./flow", "-d", "mine", "-b", place(box), "--sink", "out=mine.txt", exit=78)
    check_match(["is of another state directory", "move the state directory away"], result.err)
    if objects(box) != before:
        raise Failure("a run that was refused has changed the backup")


def test_an_older_copy_of_the_state_is_refused(box):
    box.compile(WORDS)
    lines, expected = words(20)
    box.write("words.txt", "".join(lines[:10]))
    box.run("./flow", *STEP, "-b", place(box))
    shutil.copytree(box.path / "db", box.path / "old")
    box.append("words.txt", "".join(lines[10:]))
    box.run("./flow", *STEP, "-b", place(box))
    before = objects(box)
    result = box.run("./flow", "-d", "old", "-b", place(box), exit=78)
    check_match(["is newer than the state directory: it reaches to epoch 7, the directory to 3"], result.err)
    # The same number of epochs, but not the same ones.
    box.run("./flow", "-d", "old", "--epoch-records", "2")
    result = box.run("./flow", "-d", "old", "-b", place(box), exit=78)
    check_match(["gone different ways"], result.err)
    if objects(box) != before:
        raise Failure("a run that was refused has changed the backup")
    box.remove("old")
    box.run("./flow", "-d", "old", "-b", place(box))
    check_equal("".join(expected), box.read("out.jsonl"), "out.jsonl")


def test_a_newer_run_takes_over(box):
    """Two runs of one state, as after a failover to a machine that has a copy: the older one stops."""
    box.compile("""
source words: string = dir("in/", text, poll: 20ms)
words |> key by it |> state n: int = 0 { n += 1; emit { word: key, n } } |> into stdout
""")
    box.write("in/1.txt", "a\n")
    args = ("-s", "10ms", "-b", place(box))
    box.run("./flow", "-d", "db", *args, "--once")
    with box.start("./flow", "-d", "db", *args) as old:
        box.write("in/2.txt", "b\n")
        old.wait_for(lambda: b'"b"' in old.output().out, "the first line")
        box.run("./flow", "-d", "copy", *args, "--once")  # restores: a younger run
        box.write("in/3.txt", "c\n")
        old.process.wait(20)
        result = old.output()
        if result.code != 75:
            raise Failure("expected exit code 75\n" + result.describe())
        check_match(["another run has taken over the backup"], result.err)


def test_old_objects_are_deleted(box):
    """Hundreds of shipments leave a dozen objects, and nothing that no manifest names."""
    box.compile(WORDS)
    lines, expected = words(240)
    for part in range(40):
        box.append("words.txt", "".join(lines[part * 6 : part * 6 + 6]))
        box.run("./flow", *STEP, "-b", place(box))
    found = objects(box)
    manifests = [name for name in found if name.startswith("manifest/")]
    if len(manifests) != 2 or len(found) > 20:
        raise Failure(f"{len(found)} objects: {sorted(found)}")
    box.remove("db")
    box.write("backup/leftover-of-somebody", "x")
    box.run("./flow", *STEP, "-b", place(box))
    check_equal("".join(expected), box.read("out.jsonl"), "out.jsonl")
    check_equal("x", box.read("backup/leftover-of-somebody"), "a file that is not ours")


def test_going_back_goes_back_in_the_backup(box):
    begin(box)
    # Nothing may read the lines behind epoch 3 again: the run that goes back sees a shorter input.
    lines, _ = words(30)
    box.write("words.txt", "".join(lines[:12]) + "other\n")
    box.run("./flow", *STEP, "-b", place(box), "--resume-epoch", "4")
    expected = "".join(words(12)[1]) + '{"word": "other", "n": 1}\n'
    check_equal(expected, box.read("out.jsonl"), "out.jsonl")
    box.remove("db")
    result = box.run("./flow", *STEP, "-b", place(box))
    check_match(["restored db from .*: epoch 4,"], result.err)
    box.append("words.txt", "other\n")
    box.run("./flow", *STEP, "-b", place(box))
    check_equal(expected + '{"word": "other", "n": 2}\n', box.read("out.jsonl"), "out.jsonl")


def test_a_backup_begins_with_what_is_there(box):
    """State from before the first --backup, changed types and dropped states are in it."""
    old = WORDS + 'words |> key by it |> state gone: int = 0 { gone += 1; emit gone } |> into stdout\n'
    box.compile(old)
    lines, expected = words(30)
    box.write("words.txt", "".join(lines[:20]))
    box.run("./flow", *STEP)
    box.compile(WORDS)
    box.append("words.txt", "".join(lines[20:25]))
    box.run("./flow", *STEP, "--accept-drop", "gone", "-b", place(box))
    box.append("words.txt", "".join(lines[25:]))
    box.remove("db")
    box.run("./flow", *STEP, "-b", place(box))
    check_equal("".join(expected), box.read("out.jsonl"), "out.jsonl")


def test_a_sink_that_is_too_short(box):
    begin(box)
    box.remove("db")
    box.write("out.jsonl", box.read("out.jsonl")[:-5])
    result = box.run("./flow", *STEP, "-b", place(box), exit=78)
    check_match(["restored db", r"out\.jsonl is not what sink `out` has written", "--sink-restart out"], result.err)


def test_a_place_that_cannot_be_used(box):
    box.compile(WORDS)
    box.write("words.txt", "a\n")
    result = box.run("./flow", "-d", "db", "-b", place(box, "not/there"), exit=74)
    check_match(["cannot use the backup directory", "mount it, or make .*/not first"], result.err)
    box.run("./flow", "-d", "db")
    box.append("words.txt", "b\n")
    result = box.run("./flow", "-d", "db", "-b", place(box, "not/there"), exit=74)
    check_match(["mount it, or make .*/not first"], result.err)
    check_equal('{"word": "a", "n": 1}\n', box.read("out.jsonl"), "out.jsonl of a refused run")


def test_a_place_that_fails_meanwhile(box):
    """The run goes on with a warning, ends with 74, and the next one ships the rest."""
    box.compile("""
source words: string = dir("in/", text, poll: 20ms)
sink out = file("out.txt", text)
words |> key by it |> state n: int = 0 { n += 1; emit n } |> into out
""")
    box.write("in/1.txt", "a\n")
    args = ("./flow", "-d", "db", "-s", "10ms", "-b", place(box))
    with box.start(*args) as running:
        running.wait_for(lambda: (box.path / "backup" / "manifest").is_dir(), "the first manifest")
        (box.path / "backup").rename(box.path / "saved")
        box.write("backup", "a file in its place\n")
        box.write("in/2.txt", "a\n")
        running.wait_for(lambda: b"warning: the backup does not get on" in running.output().err, "a warning")
        box.write("in/3.txt", "a\n")
        running.wait_for(lambda: box.read("out.txt") == b"1\n2\n3\n", "lines behind the warning")
        running.end(signal.SIGTERM)
    box.write("in/4.txt", "a\n")
    # The place is back, and fails while a bounded run ends.
    (box.path / "backup").unlink()
    (box.path / "saved").rename(box.path / "backup")
    box.run(*args, "--once")
    box.remove("db")
    result = box.run(*args, "--once")
    check_match(["restored db"], result.err)
    check_equal("1\n2\n3\n4\n", box.read("out.txt"), "out.txt")


# -- kills and damage


def restored_rows(box, count):
    """With the state lost, the run restores and does all that is missing, or does it all from the start."""
    shutil.rmtree(box.path / "db", ignore_errors=True)
    box.run("./flow", *STEP, "-b", place(box))
    check_equal("".join(words(count)[1]), box.read("out.jsonl"), "out.jsonl")


def test_killed_at_its_calls(box):
    """A run that ships is killed at one call after the other. The next one ships the rest; if the state
    directory is lost, too, it is restored as of some earlier epoch. The sink is right in both cases."""
    if not box.tools.can_crash:
        raise Skip("no crash library in this build")
    box.compile(WORDS)
    count = 24
    lines, expected = words(count)
    box.write("words.txt", "".join(lines[: count // 2]))
    box.run("./flow", *STEP, "-b", place(box))
    box.append("words.txt", "".join(lines[count // 2 :]))
    start = {name: box.path / f"start-{name}" for name in ("db", "backup", "out.jsonl")}
    for name, saved in start.items():
        copy(box.path / name, saved)
    at, step = 1, 1 if box.tools.is_full else 5
    while True:
        for name, saved in start.items():
            copy(saved, box.path / name)
        killed = box.run("./flow", *STEP, "-b", place(box), exit=None,
                         env=flows.crash_env(box.tools, at, half=at % 2))
        if at % 2 == 0:
            box.run("./flow", *STEP, "-b", place(box), exit=None, env=flows.crash_env(box.tools, at // 2))
        if at // step % 2 == 0:
            box.run("./flow", *STEP, "-b", place(box))
            check_equal("".join(expected), box.read("out.jsonl"), f"kill at call {at}: out.jsonl")
        restored_rows(box, count)
        if killed.code == 0:
            break
        if killed.code != -signal.SIGKILL:
            raise Failure(killed.describe())
        at += step
    if at < 20:
        raise Failure(f"only {at} calls")


def test_calls_that_fail(box):
    """EIO and ENOSPC at one call after the other: the run stops or tries again; nothing that it leaves is wrong."""
    if not box.tools.can_crash:
        raise Skip("no crash library in this build")
    box.compile(WORDS)
    count = 12
    box.write("words.txt", "".join(words(count)[0]))
    for at in range(1, 60, 1 if box.tools.is_full else 6):
        for error in ("EIO", "ENOSPC"):
            env = {"LD_PRELOAD": str(box.tools.crashpoint), "CRASHPOINT_FAIL": f"{at},{error}"}
            result = box.run("./flow", *STEP, "-b", place(box), exit=None, env=env)
            if result.code not in (0, 73, 74) or (result.code != 0 and not result.err):
                raise Failure(f"{error} at call {at}\n" + result.describe())
            box.run("./flow", *STEP, "-b", place(box))
            check_equal("".join(words(count)[1]), box.read("out.jsonl"), f"{error} at call {at}: out.jsonl")
            restored_rows(box, count)
            for name in ("db", "backup", "out.jsonl"):
                box.remove(name)


def copy(source, target):
    if target.is_dir():
        shutil.rmtree(target)
    elif target.exists():
        target.unlink()
    shutil.copytree(source, target) if source.is_dir() else shutil.copyfile(source, target)


def test_killed_at_random(box):
    """The same with real kills in the midst of larger uploads, with the state lost each time."""
    box.compile(WORDS)
    count = 4000
    lines, _ = words(count)
    box.write("words.txt", "".join(lines))
    for kill in range(6):
        with box.start("./flow", *STEP, "-b", place(box)) as running:
            time.sleep(0.01 + 0.015 * kill)
            running.process.kill()
            running.process.wait()
        if kill % 2:
            shutil.rmtree(box.path / "db", ignore_errors=True)
    restored_rows(box, count)


def test_killed_while_the_base_is_copied(box):
    """Enough state that epochs are folded: bases take the place of ranges, in the midst of kills and losses."""
    box.compile(WORDS)
    count = 60_000
    lines = [f"{i * 7919 % 45007:09}-{'x' * 150}\n" for i in range(count)]
    seen, expected = {}, []
    for line in lines:
        word = line[:-1]
        seen[word] = seen.get(word, 0) + 1
        expected.append(f'{{"word": "{word}", "n": {seen[word]}}}\n')
    args = ("./flow", "-d", "db", "-s", "1ms", "--epoch-records", "300", "-b", place(box))
    for kill in range(6):
        box.write("words.txt", "".join(lines[: count * (kill + 1) // 6]))
        with box.start(*args) as running:
            time.sleep(0.05 + 0.1 * (kill % 3))
            running.process.kill()
            running.process.wait()
        if kill % 2:
            shutil.rmtree(box.path / "db", ignore_errors=True)
    box.run(*args)
    check_equal("".join(expected), box.read("out.jsonl"), "out.jsonl")
    box.remove("db")
    check_match(["^restored db"], box.run(*args).err)
    check_equal("".join(expected), box.read("out.jsonl"), "out.jsonl")
    # Without kills it comes to a base after some runs; else this test would show nothing.
    for _ in range(10):
        box.append("words.txt", lines[0] * 300)
        box.run("./flow", "-d", "whole", "-s", "1ms", "--epoch-records", "300", "-b", place(box, "copy"),
                "--sink", "out=whole.jsonl")
        if any("base-" in name for name in objects(box, "copy")):
            return
    raise Failure("no base was copied")


def damaged(data, at):
    """The bytes with one of them changed; None: the object is missing."""
    if at is None:
        return None
    if at == "cut":
        return data[: len(data) // 2]
    return data[:at] + bytes([data[at] ^ 0x20]) + data[at + 1 :]


def test_damaged_objects_are_never_used(box):
    """Each object is damaged in turn, at many places. A restore then takes an older manifest, or refuses:
    it never makes rows out of what is not whole."""
    begin(box, 24)
    lines, expected = words(24)
    whole, out = objects(box), box.read("out.jsonl")
    outcomes = {0: 0, 78: 0}
    for name, data in whole.items():
        stride = max(1, len(data) // (60 if box.tools.is_full else 4))
        for at in [None, "cut", *range(0, len(data), stride)]:
            shutil.rmtree(box.path / "backup")
            for other, bytes_of in whole.items():
                bytes_of = damaged(data, at) if other == name else bytes_of
                if bytes_of is not None:
                    box.write(f"backup/{other}", bytes_of)
            shutil.rmtree(box.path / "db", ignore_errors=True)
            box.write("out.jsonl", out)
            result = box.run("./flow", *STEP, "-b", place(box), exit=None)
            if result.code not in outcomes:
                raise Failure(f"{name} damaged at {at}\n" + result.describe())
            outcomes[result.code] += 1
            check_equal(out, box.read("out.jsonl"), f"{name} damaged at {at}: out.jsonl")
            if result.code == 78:
                check_match(["cannot be restored"], result.err)
    if not all(outcomes.values()):
        raise Failure(f"outcomes: {outcomes}")


def test_an_older_manifest_goes_on(box):
    """What only the newest manifest names is missing: the state of the one before is taken, with a warning, and
    the rest is read again."""
    begin(box)
    newest = sorted((box.path / "backup" / "manifest").iterdir())[-1]
    newest.write_bytes(newest.read_bytes()[:-1])
    box.remove("db")
    result = box.run("./flow", *STEP, "-b", place(box))
    check_match(["warning: the newest state in the backup cannot be used", "restored db"], result.err)
    restored_rows(box, 30)


# -- flowcc state backup, restore


def test_flowcc_state_backup_and_restore(box):
    box.compile(WORDS)
    lines, expected = words(30)
    box.write("words.txt", "".join(lines[:20]))
    box.run("./flow", *STEP)
    flowcc = box.tools.flowcc
    result = box.run(flowcc, "state", "backup", "db", place(box))
    check_match([r"^db is in the backup up to epoch \d+$"], result.out, "stdout")
    before = len(objects(box))
    result = box.run(flowcc, "state", "backup", "--json", "db", place(box))
    check_match([r'^\{"epoch": \d+\}$'], result.out, "stdout")
    if len(objects(box)) > before + 1:
        raise Failure("what was there was copied again")
    hashes = box.run(flowcc, "state", "verify", "db").out
    box.remove("db")
    result = box.run(flowcc, "state", "restore", place(box), "db")
    check_match([r"^db has the state of epoch \d+, saved 20\d\d-"], result.out, "stdout")
    check_equal(hashes, box.run(flowcc, "state", "verify", "db").out, "hashes of the restored state")
    box.append("words.txt", "".join(lines[20:]))
    box.run("./flow", *STEP, "-b", place(box))
    check_equal("".join(expected), box.read("out.jsonl"), "out.jsonl")


def test_flowcc_state_backup_and_restore_refuse(box):
    box.compile(WORDS)
    box.write("words.txt", "a\n")
    box.run("./flow", "-d", "db")
    flowcc = box.tools.flowcc
    for exit, words_of, pattern in (
            (66, ("restore", place(box), "new"), "there is no backup at"),
            (64, ("restore", "db", "new"), "expected file:///DIR or s3://BUCKET/PREFIX"),
            (64, ("backup", "db", "backup"), "expected file:///DIR"),
            (64, ("backup", "db"), "write `flowcc state backup DIR URL`"),
            (66, ("backup", "nothing", place(box)), "no saved state in nothing"),
            (78, ("backup", "db", "s3://b/p"), "AWS_ACCESS_KEY_ID is not set")):
        result = box.run(flowcc, "state", *words_of, exit=exit, env={"AWS_ACCESS_KEY_ID": ""})
        check_match([pattern], result.err)
    box.run(flowcc, "state", "backup", "db", place(box))
    before = (box.path / "db" / "data.mdb").read_bytes()
    result = box.run(flowcc, "state", "restore", place(box), "db", exit=78)
    check_match(["there is saved state in db already", "restore into another directory"], result.err)
    check_equal(before, (box.path / "db" / "data.mdb").read_bytes(), "the state that was there")
    if (box.path / "new").exists() or (box.path / "nothing").exists():
        raise Failure("a refused command has made a directory")
