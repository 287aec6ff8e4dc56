"""Lets calls to the system fail, one after the other, and expects a message, an exit code that is documented,
and nothing lost: the next run goes on and ends as if nothing had happened.

crashpoint.so counts the calls and lets one of them fail, or do half of what it was asked for.
"""

from harness import crashes

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
    kinds = {f"failing {group}": lambda t, c, g=group: every_fault(t, c, g) for group in FAULTS}
    return crashes.tests_of(tools, crashes.subjects(tools, 20 if tools.is_full else 3), **kinds)


def every_fault(tools, case, group):
    """`make test` lets every call of one example fail, and some of the others."""
    is_whole = tools.is_full or case.path.parent.name == "running_sum" and len(case.steps) == 1
    if group == "looks" and not crashes.is_steady(case):
        return  # what was read before an input that fails is committed
    for number in (0, 1) if tools.is_full else (0,):
        for index, total in enumerate(crashes.count_calls(tools, case, number, group)):
            for at in crashes.spread(total, 400 if is_whole else 2):
                faults = FAULTS[group] if is_whole else FAULTS[group][at % 2 :: 2]
                for fault in faults:
                    tools.count("faults")
                    env = {"LD_PRELOAD": str(tools.crashpoint), "CRASHPOINT_COUNT": group}
                    env.update((name, text.format(at)) for name, text in fault.items())
                    crashes.disturb(tools, case, number, index, [env], CODES[group])
