"""Backups to S3: a server that checks each signature and fails on demand, and s3rver, one that was written by
others."""

import shutil
import signal
import socket

from harness import s3
from harness.base import ROOT, Failure, Skip, check_equal, check_match

WORDS = """
source words: string = file("words.txt", text)
sink out = file("out.jsonl", jsonl)
words |> key by it |> state n: int = 0 { n += 1; emit { word: key, n } } |> into out
"""
URL = "s3://bucket/some flows/ü+&=<x>"
S3RVER = ROOT / "build" / "tools" / "node_modules" / ".bin" / "s3rver"


def lines(first, last):
    return "".join(f"w{i % 7}\n" for i in range(first, last))


def expected(count):
    return "".join(f'{{"word": "w{i % 7}", "n": {i // 7 + 1}}}\n' for i in range(count))


def run(box, server, *args, exit=0, env=None, url=URL):
    env = {**s3.ENVIRONMENT, "AWS_ENDPOINT_URL": server.url, **(env or {})}
    result = box.run("./flow", "-d", "db", "-s", "0s", "--epoch-records", "3", "-b", url, *args, exit=exit, env=env)
    for secret in (s3.SECRET, s3.TOKEN):
        if secret.encode() in result.err + result.out:
            raise Failure("a secret was printed\n" + result.describe())
    return result


def round_trip(box, server, count=30, **options):
    """Three runs that ship; then the state is lost, and a run restores it and goes on."""
    box.compile(WORDS)
    for part in range(3):
        box.append("words.txt", lines(part * count // 3, (part + 1) * count // 3))
        run(box, server, **options)
    box.remove("db")
    box.append("words.txt", lines(count, count + 5))
    result = run(box, server, **options)
    check_match([r"^restored db from s3://"], result.err)
    check_equal(expected(count + 5), box.read("out.jsonl"), "out.jsonl")
    return result


def test_each_request_is_signed(box):
    with s3.Server() as server:
        round_trip(box, server)
        check_equal("", "\n".join(server.complaints), "complaints about signatures")
        if {method for method, _ in server.requests} != {"GET", "PUT", "HEAD", "DELETE"}:
            raise Failure(f"requests: {server.requests}")
        if not all(key.startswith(URL[12:] + "/") for key in server.objects) or len(server.objects) > 12:
            raise Failure(f"objects: {sorted(server.objects)}")
        # The endpoint on the command line counts more than the environment.
        result = run(box, server, "--s3-endpoint", server.url + "/", env={"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
        check_equal("", result.err, "stderr")


def test_wrong_credentials_and_buckets(box):
    with s3.Server() as server:
        box.compile(WORDS)
        box.write("words.txt", lines(0, 5))
        for env in ({"AWS_SECRET_ACCESS_KEY": "wrong"}, {"AWS_ACCESS_KEY_ID": "AKIAWRONG"}, {"AWS_REGION": "us-x"}):
            result = run(box, server, exit=78, env=env)
            check_match(["the server answers 403 SignatureDoesNotMatch: The signature is wrong & refused",
                         "check AWS_ACCESS_KEY_ID"], result.err)
        result = run(box, server, exit=78, url="s3://other/x")
        check_match(["answers 404 NoSuchBucket", "make the bucket first"], result.err)
        if server.objects or (box.path / "out.jsonl").exists():
            raise Failure("a refused run has written something")
        # A key that may read, but not write: that shows when the run has begun.
        server.misbehave = lambda number, method, key: 403 if method == "PUT" else None
        result = run(box, server, exit=74)
        check_match(["is behind: it has no epoch", "403 AccessDenied"], result.err)
        check_equal(expected(5), box.read("out.jsonl"), "out.jsonl")


def test_no_such_server(box):
    """Nothing to resume and nobody to ask: nothing is done. With state, the run does its work, and says at the
    end that the backup is behind."""
    box.compile(WORDS)
    box.write("words.txt", lines(0, 5))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))

        class server:
            url = f"http://127.0.0.1:{closed.getsockname()[1]}"

        result = run(box, server, exit=74)
        check_match(["cannot list s3://bucket", "whether the backup has some cannot be told; nothing was changed"],
                    result.err)
        if (box.path / "out.jsonl").exists():
            raise Failure("a run without its state has begun")
        box.run("./flow", "-d", "db", "--once")
        box.append("words.txt", lines(5, 10))
        result = run(box, server, exit=74)
        check_match(["warning: the backup does not get on", "the run goes on",
                     "error: the backup at s3://bucket.* is behind: it has no epoch",
                     "the next run ships the rest"], result.err)
        check_equal(expected(10), box.read("out.jsonl"), "out.jsonl")


def test_a_server_that_stumbles(box):
    """Errors, cut connections, lost and halved answers now and then: everything arrives all the same."""
    kinds = (500, "cut", "half", 503, "lost", 429)
    with s3.Server(lambda number, method, key: kinds[number // 4 % 6] if number % 4 == 0 else None) as server:
        round_trip(box, server, count=12)
        check_equal("", "\n".join(server.complaints), "complaints about signatures")


def test_a_server_that_fails_for_good(box):
    """In the middle of a run: a warning, the run goes on to its end, exit 74; the next one ships the rest."""
    with s3.Server() as server:
        box.compile(WORDS)
        box.write("words.txt", lines(0, 20))
        server.misbehave = lambda number, method, key: 500 if number > 2 else None
        result = run(box, server, exit=74)
        check_match(["is behind: it has no epoch", "500 InternalError"], result.err)
        server.misbehave = None
        check_equal("", run(box, server).err, "stderr")
        box.remove("db")
        check_match(["^restored db"], run(box, server).err)
        check_equal(expected(20), box.read("out.jsonl"), "out.jsonl")


def test_a_server_that_does_not_answer(box):
    """Neither the run nor SIGTERM waits for it."""
    with s3.Server() as server:
        box.compile("""
source words: string = dir("in/", text, poll: 20ms)
sink out = file("out.txt", text)
words |> key by it |> state n: int = 0 { n += 1; emit n } |> into out
""")
        box.write("in/1.txt", "a\n")
        env = {**s3.ENVIRONMENT, "AWS_ENDPOINT_URL": server.url}
        with box.start("./flow", "-d", "db", "-s", "10ms", "-b", URL, env=env) as running:
            running.wait_for(lambda: any("/manifest/" in key for key in server.objects), "the first manifest")
            server.misbehave = lambda *_: "slow"
            for i in range(2, 6):
                box.write(f"in/{i}.txt", "a\n")
            running.wait_for(lambda: box.read("out.txt") == b"1\n2\n3\n4\n5\n", "lines beside a hanging upload")
            running.end(signal.SIGTERM, timeout_s=2)
        server.misbehave = None
        run(box, server, "--once")
        box.remove("db")
        check_match(["^restored db"], run(box, server, "--once").err)
        check_equal("1\n2\n3\n4\n5\n", box.read("out.txt"), "out.txt")


def test_a_signal_ends_the_wait_at_the_end(box):
    """The input is at its end and the upload hangs: SIGTERM says that there is no time. Exit 0, and the next
    run ships the rest."""
    with s3.Server(lambda number, method, key: "slow" if method == "PUT" else None) as server:
        box.compile(WORDS)
        box.write("words.txt", lines(0, 5))
        env = {**s3.ENVIRONMENT, "AWS_ENDPOINT_URL": server.url}
        with box.start("./flow", "-d", "db", "-b", URL, env=env) as running:
            running.wait_for(lambda: any(method == "PUT" for method, _ in server.requests), "an upload")
            running.end(signal.SIGTERM, timeout_s=2)
        server.misbehave = None
        run(box, server)
        box.remove("db")
        check_match(["^restored db"], run(box, server).err)
        check_equal(expected(5), box.read("out.jsonl"), "out.jsonl")


def test_a_request_that_hangs_is_given_up(box):
    with s3.Server(lambda number, method, key: "slow" if number == 3 else None) as server:
        box.compile(WORDS)
        box.write("words.txt", lines(0, 5))
        run(box, server, env={"FLOW_S3_TIMEOUT": "1"})
        if len(server.requests) < 4 or not server.objects:
            raise Failure(f"requests: {server.requests}")


def test_killed_at_each_request(box):
    """The run is killed in front of, or behind, each of its requests in turn. Then its state is lost."""
    count, at = 12, 0
    box.compile(WORDS)
    while True:
        at += 1
        with s3.Server() as server:
            box.write("words.txt", lines(0, count // 2))
            run(box, server)
            box.append("words.txt", lines(count // 2, count))
            first = len(server.requests)
            env = {**s3.ENVIRONMENT, "AWS_ENDPOINT_URL": server.url}
            with box.start("./flow", "-d", "db", "-s", "0s", "--epoch-records", "1", "-b", URL, env=env) as running:
                def kill(number, method, key):
                    if number - first < at:
                        return None
                    running.process.kill()
                    return "lost" if at % 2 else "cut"
                server.misbehave = kill
                code = running.process.wait(60)
            server.misbehave = None
            if at % 3 == 0:
                run(box, server)
                check_equal(expected(count), box.read("out.jsonl"), "out.jsonl")
            box.remove("db")
            check_match(["^restored db"], run(box, server).err)
            check_equal(expected(count), box.read("out.jsonl"), f"killed at request {at}: out.jsonl")
            for name in ("db", "out.jsonl"):
                box.remove(name)
        if code == 0:
            break
        if not box.tools.is_full:
            at += 2
    if at < 8:
        raise Failure(f"only {at} requests")


def test_one_of_two_runs_writes(box):
    """Conditional puts let one manifest of a number through; a server that does not know them is asked first."""
    for knows_conditions in (True, False):
        with s3.Server(knows_conditions=knows_conditions) as server:
            box.compile("""
source words: string = dir("in/", text, poll: 20ms)
words |> key by it |> state n: int = 0 { n += 1; emit { word: key, n } } |> into stdout
""")
            box.write("in/1.txt", "a\n")
            run(box, server, "--once")
            env = {**s3.ENVIRONMENT, "AWS_ENDPOINT_URL": server.url}
            with box.start("./flow", "-d", "db", "-s", "10ms", "-b", URL, env=env) as old:
                box.write("in/2.txt", "b\n")
                old.wait_for(lambda: b'"b"' in old.output().out, "the first line")
                box.run("./flow", "-d", "copy", "-b", URL, "--once", env=env)
                box.write("in/3.txt", "c\n")
                if old.process.wait(20) != 75:
                    raise Failure("expected exit code 75\n" + old.output().describe())
                check_match(["another run has taken over the backup"], old.output().err)
        for name in ("db", "copy", "in"):
            box.remove(name)


def test_s3rver(box):
    """A server of the npm registry, behind the one that checks signatures."""
    node = shutil.which("node")
    if not node or not S3RVER.exists():
        raise Skip("needs s3rver, which tests/setup.sh installs where npm is")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (box.path / "s3").mkdir()
    with box.start(node, S3RVER, "-d", "s3", "-a", "127.0.0.1", "-p", str(port), "--configure-bucket", "bucket",
                   "--silent") as upstream:
        def listens():
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", port)) == 0
        upstream.wait_for(listens, "s3rver")
        with s3.Server(upstream=port) as server:
            round_trip(box, server, url="s3://bucket/flows/cart")
            check_equal("", "\n".join(server.complaints), "complaints about signatures")
