"""These scenarios must fail, each at another kind of check."""

from harness.base import check_equal, check_match


def test_exit_code(box):
    box.run("false")


def test_output(box):
    check_equal("a\n", box.run("echo", "b").out)


def test_message(box):
    check_match(["permission"], box.run("sh", "-c", "echo nothing >&2").err)


def test_missing_file(box):
    box.read("nowhere")


def test_ends_too_early(box):
    with box.start("true") as running:
        running.wait_for(lambda: False, "a program that goes on")
