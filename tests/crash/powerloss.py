"""Takes the power away, and expects that the program goes on as if it had run through.

trace.so (trace.c), loaded before the C library, writes down what a program changes and what it makes durable.
From the trace, disk.py makes images of what a disk may hold after the power was gone at some record: writes that
were not synced are missing, torn or out of order, names are missing. The program is run again there; sinks and
standard output must come out as if nothing had happened. When a run had ended by itself, nothing of it may be
missing: the next one prints nothing.

The runs before the loss may have been killed, and the run behind it may lose its power too.
"""

import shutil

from harness import crashes, flows
from harness.base import EXAMPLES, Failure, check_equal
from harness.case import Case
from harness.disk import Disk, Loss, read_trace

SHORT_IMAGES, LONG_IMAGES = 7, 50


def discover(tools):
    first = [(name, make) for name, make in crashes.cases(tools, 0, 1) if name == "run/csv_out"]
    return (crashes.tests_of(tools, crashes.cases(tools, 20 if tools.is_full else 10), **{"without power": every_loss})
            + crashes.tests_of(tools, first, **{"without power at first": first_calls}) + planted(tools))


def every_loss(subject):
    is_full = subject.tools.is_full
    for number in range(4 if is_full else 2):
        Losses(subject, number, LONG_IMAGES if is_full else SHORT_IMAGES).play()


def first_calls(subject):
    """A run that is killed while it makes its state directory leaves names that are not durable yet."""
    for kill in range(1, 40) if subject.tools.is_full else (14, 16, 17):
        Losses(subject, 0, 3, kills=[kill], sweep="some").play()


class Losses:
    """Plays a case with its trace, and at random records of each step looks at what a power loss would leave.

    images    about how many of them for each step; with `sweep`, for each record
    ignored   syncs that count as forgotten (disk.py)
    kills     calls at which the runs are killed that go before each step; None: as many as the number, at random
    sweep     a loss, for images at every record; None: any loss, at random records
    """

    def __init__(self, subject, number, images, ignored=(), kills=None, sweep=None):
        self.subject, self.tools, self.images, self.ignored = subject, subject.tools, images, ignored
        self.number, self.kills, self.sweep = number, kills, sweep
        self.rng = subject.rng("power", number, kills)

    def play(self):
        player = self.subject.player("traced", self.number)
        disk = Disk(player.box.path, self.ignored)
        for index, step in enumerate(self.subject.steps):
            player.prepare(step)
            for _, path, _ in step.changes:
                disk.adopt(path)
            kills = self.kills
            if kills is None:
                kills = [self.rng.randrange(1, 40) for _ in range(self.number)]
            self.play_step(player, disk, index, [*kills, 0], [], depth=0 if self.sweep else 1)
            player.check_files(step, f"step {index + 1}: ")
            player.check_state(index)
        shutil.rmtree(player.box.path)

    def play_step(self, player, disk, index, kills, printed, depth):
        """Runs the program, killed at each of the calls `kills` in turn (0: not), and looks at images of each
        run. `printed`: the outputs of the runs before."""
        step = self.subject.steps[index]
        for kill in kills:
            result, records = self.run_traced(player, step, kill)
            points = self.points(len(records), self.images // len(kills))
            output = b""
            for at, record in enumerate(records):
                disk.change(record)
                if record.kind == "p":
                    output += record.data
                for is_cut in (True, False):
                    if not is_cut:
                        disk.settle(record)
                    for loss in points.get((at, is_cut), ()):
                        is_end = at == len(records) - 1 and result.code == step.exit and not is_cut
                        where = f"record {at + 1} of {len(records)} ({record.kind}), {loss}"
                        self.look(player, disk, index, loss, [*printed, output], is_end, depth, where)
            if kill == 0 and result.code != step.exit:
                raise Failure(f"expected exit code {step.exit}\n" + result.describe())
            printed = [*printed, result.out]

    def run_traced(self, player, step, kill):
        path = player.box.path.with_suffix(".trace")
        env = {"LD_PRELOAD": f"{self.tools.crashpoint}:{self.tools.trace}", "TRACE_FILE": str(path)}
        if kill:
            env.update(CRASHPOINT_AT=str(kill))
        result = player.run(step, flows.STATE, env)
        records, _ = read_trace(path)
        path.unlink()
        return result, records

    def points(self, count, images):
        """(record, whether its call had not returned) -> losses. The end always counts."""
        points = {}
        if count == 0:
            return points
        if self.sweep:
            return {(at, False): [Loss(self.sweep, self.rng)] * self.images for at in range(count)}
        for _ in range(images):
            at = self.rng.randrange(max(0, count - 4), count) if self.rng.random() < 0.2 else self.rng.randrange(count)
            loss = Loss(self.rng.choice(Loss.NAMES), self.rng)
            points.setdefault((at, self.rng.random() < 0.3), []).append(loss)
        points.setdefault((count - 1, False), []).append(Loss("all", self.rng))
        return points

    def look(self, player, disk, index, loss, printed, is_end, depth, where):
        """Makes an image, runs the program there, and compares. The run in the image is traced as well, if
        `depth` says so, and loses its power too."""
        self.tools.count("power losses")
        step = self.subject.steps[index]
        other = player.moved("image")
        disk.write_image(other.box.path, loss)
        before = keep(other.box.path)
        try:
            if depth > 0 and self.rng.random() < 0.1:
                images, self.images = self.images, 2
                self.play_step(other, Disk(other.box.path, self.ignored), index, [0], printed, depth - 1)
                self.images = images
            else:
                result = other.run(step, flows.STATE)
                if result.code != step.exit:
                    raise Failure(f"expected exit code {step.exit}\n" + result.describe())
                if is_end and "--resume-epoch" not in step.args:  # which goes back once more
                    check_equal(b"", result.out, "stdout behind the end")
                flows.check_resumed(step.expects.get("stdout", b""), [*printed, result.out], "")
            other.check_files(step)
            other.check_state(index)
        except Failure as failure:
            raise Failure(f"{where}:\n{failure}\nThe image held: {before}") from None
        shutil.rmtree(other.box.path)


def keep(folder):
    return ", ".join(f"{p.relative_to(folder)} ({p.stat().st_size})" for p in sorted(folder.rglob("*")) if p.is_file())


# -- forgotten syncs ----------------------------------------------------------------------------------

# What is forgotten, and an example that notices it.
PLANTED = {
    "the data of a sink": ("sink", "cart_join/file_sink"),
    "the name of a sink": ("names", "cart_join/file_sink"),
    "the pages of the store": ("store", "running_sum/resume"),
    "the end of a commit": ("meta", "running_sum/resume"),
    "the name of the store": ("names", "running_sum/resume"),
}


def planted(tools):
    if not tools.can_crash:
        return []
    return [(f"forgotten and noticed: {what}", lambda box, f=forgotten, e=example: notice(box.tools, f, e))
            for what, (forgotten, example) in PLANTED.items()]


def notice(tools, forgotten, example):
    subject = crashes.Subject(tools, Case(EXAMPLES / f"{example}.case"))
    try:
        Losses(subject, 0, 60, [forgotten]).play()
    except Failure:
        return
    raise Failure(f"{example} comes out right without its syncs ({forgotten})")
