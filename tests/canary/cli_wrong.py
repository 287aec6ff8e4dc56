"""This must fail: flowcc does not know the option."""


def test_unknown_option(box):
    box.run(box.tools.flowcc, "--no-such-option")
