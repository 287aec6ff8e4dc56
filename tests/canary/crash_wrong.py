"""These must fail: outputs over a crash in which a line is missing, repeated out of order, or wrong."""

from harness import flows


def test_missing_line(box):
    flows.check_resumed(b"1\n2\n3\n", [b"1\n", b"3\n"], "")


def test_repeated_too_late(box):
    flows.check_resumed(b"1\n2\n3\n", [b"1\n2\n3\n", b"1\n"], "")


def test_wrong_line(box):
    flows.check_resumed(b"1\n2\n3\n", [b"1\n", b"2\n4\n"], "")


def test_missing_end(box):
    flows.check_resumed(b"1\n2\n3\n", [b"1\n", b"2\n"], "")
