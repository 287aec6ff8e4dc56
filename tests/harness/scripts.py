"""The suites that are programs themselves: unit tests, oracles, scenarios in Python, house rules."""

import importlib.util
import sys

from .base import ROOT, TESTS, Failure, Test, run


def discover_unit(tools):
    tests = []
    for source in sorted((TESTS / "unit").glob("test_*.c")) + [TESTS / "canary" / "test_canary.c"]:
        binary = tools.work / "tests" / source.stem
        tests.append(Test("unit", source.stem, lambda b=binary: run_program(tools, [b]),
                          source.parent.name == "canary"))
    return tests


def discover_oracle(tools):
    paths = sorted((TESTS / "oracle").glob("*.py")) + sorted((TESTS / "canary").glob("oracle_*.py"))
    return [Test("oracle", p.stem, lambda p=p: run_program(tools, [sys.executable, p]),
                 p.parent.name == "canary") for p in paths if not p.stem.startswith("_")]


def discover_tidy(tools):
    if tools.mode != "release":
        return []
    return [Test("tidy", "house rules", lambda: run_program(tools, [TESTS / "tidy.sh"])),
            Test("tidy", "canary", lambda: run_program(tools, [TESTS / "tidy.sh", "--canary"]), True)]


def run_program(tools, argv):
    """Anything that says by its exit code whether it passed. It finds the build in $BUILD and
    flowcc in $FLOWCC and $PATH."""
    env = {"BUILD": str(tools.work), "FLOWCC": str(tools.flowcc), "MODE": tools.mode,
           "FULL": "1" if tools.is_full else ""}
    result = run(argv, ROOT, tools, env=env, timeout_s=tools.timeout_s * (20 if tools.is_full else 4))
    if result.code != 0:
        raise Failure(result.describe())


def discover_functions(suite):
    """Python files with functions `test_*(box)`, or with `discover(tools)`, which returns pairs of a
    name and such a function."""
    def discover(tools):
        tests = []
        for path in sorted((TESTS / suite).glob("*.py")) + sorted((TESTS / "canary").glob(f"{suite}_*.py")):
            module = load(path)
            functions = [(n[5:], f) for n, f in vars(module).items() if n.startswith("test_")]
            if hasattr(module, "discover"):
                functions += module.discover(tools)
            for name, function in functions:
                tests.append(Test(suite, f"{path.stem}.{name}", lambda f=function, n=name:
                                  f(tools.sandbox(n)), path.parent.name == "canary"))
        return tests
    return discover


def load(path):
    name = f"flowcc_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
