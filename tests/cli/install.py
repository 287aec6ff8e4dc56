"""`make install`, `make demo` and the set-up, as a newcomer meets them."""

import os
import shutil

from harness.base import EXAMPLES, ROOT, Failure, Skip, check_equal, check_match


def make(box, *args):
    return box.run("make", "-C", ROOT, *args, f"MODE={box.tools.mode}")


def test_installed_flowcc_finds_its_runtime(box):
    prefix = box.path / "prefix"
    make(box, "install", f"PREFIX={prefix}")
    files = sorted(str(p.relative_to(prefix)) for p in prefix.rglob("*") if p.is_file())
    for name in ("bin/flowcc", "lib/flowcc/libflow.a", "lib/flowcc/include/flow/flow.h"):
        if name not in files:
            raise Failure(f"{name} is not installed: {files}")
    moved = box.path / "moved"
    prefix.rename(moved)
    shutil.copytree(EXAMPLES / "running_sum", box.path / "sum")
    box.run("sh", "-c", "cd sum && ../moved/bin/flowcc running_sum.flow")
    check_equal((EXAMPLES / "running_sum" / "expected.txt").read_bytes(),
                box.run("sh", "-c", "cd sum && ./running_sum").out, "stdout")


def test_install_below_destdir(box):
    make(box, "install", f"DESTDIR={box.path}/dest", "PREFIX=/usr")
    if not (box.path / "dest/usr/bin/flowcc").is_file():
        raise Failure("DESTDIR is not respected")


def test_a_flowcc_without_its_runtime_says_so(box):
    shutil.copy(box.tools.flowcc, box.path / "flowcc")
    box.write("x.flow", "source n: int = stdin(text)\nn |> into stdout\n")
    check_match(["FLOWCC_LIB|lib/flowcc|runtime"], box.run("./flowcc", "x.flow", exit=70).err)
    box.run("./flowcc", "x.flow", env={"FLOWCC_LIB": str(box.tools.out / "lib" / "flowcc")})


def test_demo(box):
    """The demo checks each of its own steps."""
    result = box.run(EXAMPLES / "demo.sh", env={"FLOWCC": str(box.tools.flowcc)})
    check_match(["stopped|stops", "cart-join.json:6:1", '"paid_order_ids": \\[2, 1\\]'], result.out, "stdout")


def test_demo_notices_a_wrong_step(box):
    """With a flowcc that does nothing the demo fails loudly."""
    box.write("flowcc", "#!/bin/sh\nexit 0\n")
    os.chmod(box.path / "flowcc", 0o755)
    result = box.run(EXAMPLES / "demo.sh", env={"FLOWCC": str(box.path / "flowcc")}, exit=None)
    if result.code == 0:
        raise Failure("the demo did not notice\n" + result.describe())


def test_setup_has_nothing_to_do_here(box):
    check_equal(b"", box.run(ROOT / "tests" / "setup.sh", "test").out, "stdout")


def test_setup_installs_what_is_missing(box):
    """On a machine without bison (and with an apt-get that only notes what it is asked for)."""
    if shutil.which("bison") is None:
        raise Skip("bison is needed to take it away")
    tools = box.path / "bin"
    tools.mkdir()
    for name in ("bash", "cc", "gcc", "as", "ld", "make", "flex", "python3", "dirname", "tail", "rm",
                 "mktemp", "id", "cat", "env"):
        found = shutil.which(name)
        if found:
            os.symlink(found, tools / name)
    box.write("bin/apt-get", '#!/bin/bash\necho "$@" >> "$APT_LOG"\n')
    os.chmod(tools / "apt-get", 0o755)
    log = box.path / "log"
    result = box.run("bash", ROOT / "tests" / "setup.sh", "build", exit=None,
                     env={"PATH": str(tools), "APT_LOG": str(log)})
    check_match(["bison +makes the parser", "apt-get install .*bison"], result.out, "stdout")
    if os.getuid() == 0:
        check_match(["^update", "^install -y .* bison"], log.read_text(), "calls of apt-get")
        check_match(["Still missing"], result.out, "stdout")  # the apt-get of this test installs nothing
    if result.code == 0:
        raise Failure(result.describe())


def test_ci_calls_make_test(box):
    check_match(["make test"], (ROOT / ".ci" / "run").read_text(), ".ci/run")
    if not os.access(ROOT / ".ci" / "run", os.X_OK):
        raise Failure(".ci/run is not executable")
