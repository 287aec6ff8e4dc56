"""This oracle must fail: it finds a difference."""
import sys

sys.exit("1 != 2")
