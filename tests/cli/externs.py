"""Functions in C, and imports: programs of more than one file."""

import os

from harness.base import Failure, check_equal, check_match

FLOW = """enum Kind { order, payment }
record Point { name: string, x: float?, kind: Kind, tags: list[string], ns: list[int] }
source points: Point = stdin(jsonl)
extern fn country(address: string) -> string? from "c/geo.c"
extern fn twice(p: Point) -> Point from "c/geo.c"
extern fn ratio(a: float, b: float) -> float from "c/geo.c"
extern fn total(first: decimal[2], others: list[decimal[2]]) -> decimal[2] from "c/geo.c"
points |> map { c: country(name) ?? "-", r: ratio(1.0, x ?? 0.0) ?? -1.0, t: total(1.5, [2, 0.25]) ?? 0 } |> into stdout
points |> key by name |> map twice(it) else into bad |> into stdout
bad |> map reason |> into stdout
"""
GEO = """#include "x.h"
#include "names.inc"
bool country(struct flow_worker *ctx, const struct flow_str *address, struct O_string *out) {
  if (!flow_str_is(address, "de", 2)) return false;
  out->has = true;
  return flow_extern_string(ctx, GERMANY, sizeof GERMANY - 1, &out->value);
}
bool twice(struct flow_worker *ctx, const struct T_Point *p, struct T_Point *out) {
  if (p->f_ns.length == 0) return false;
  *out = *p;
  int64_t *ns = L_int_make(ctx, &out->f_ns, 2 * p->f_ns.length);
  for (uint32_t i = 0; i < 2 * p->f_ns.length; i++) ns[i] = L_int_data(&p->f_ns)[i / 2];
  struct flow_str *tags = L_string_make(ctx, &out->f_tags, 1);
  out->f_kind.tag = K_Kind_payment;
  return flow_extern_string(ctx, "a tag that is long", 18, &tags[0]);
}
bool total(struct flow_worker *ctx, int64_t first, const struct L_decimal_2 *others, int64_t *out) {
  (void)ctx;
  *out = first;
  for (uint32_t i = 0; i < others->length; i++) *out += L_decimal_2_data(others)[i];
  return true;
}
bool ratio(struct flow_worker *ctx, double a, double b, double *out) {
  (void)ctx;
  *out = a / b;
  return true;
}
"""
NAMES = '#define GERMANY "Deutschland"\n'
INPUT = b'{"name":"de","x":2.0,"kind":"order","tags":[],"ns":[1,2,3]}\n{"name":"fr","kind":"order","tags":["q"],"ns":[]}\n'
OUTPUT = ('{"c": "Deutschland", "r": 0.5, "t": 3.75}\n'
          '{"name": "de", "x": 2.0, "kind": "payment", "tags": ["a tag that is long"], "ns": [1, 1, 2, 2, 3, 3]}\n'
          '{"c": "-", "r": -1.0, "t": 3.75}\n`twice` has failed\n')


def write_flow(box, flow=FLOW, geo=GEO):
    (box.path / "c").mkdir(exist_ok=True)
    box.write("x.flow", flow)
    box.write("c/geo.c", geo)
    box.write("c/names.inc", NAMES)


def run_flow(box, **options):
    return box.run(box.tools.flowcc, "run", "-O0", "x.flow", stdin=INPUT,
                   env={"FLOWCC_CACHE": str(box.path / "cache")}, **options)


def test_functions_in_c(box):
    """With and without fusion, from another folder, with the header that the compiler prints."""
    write_flow(box)
    box.write("c/x.h", box.run(box.tools.flowcc, "emit", "--header", "x.flow").out)
    for options in ([], ["--disable=fuse", "-O0"]):
        result = box.run(box.tools.flowcc, *options, f"{box.path}/x.flow", "-o", "x")
        check_equal(b"", result.out + result.err, "a compilation without mistakes is silent")
        for workers in ("1", "2"):
            check_equal(OUTPUT, box.run("./x", "--workers", workers, stdin=INPUT).out, "stdout")


def test_the_header_stands_alone(box):
    write_flow(box)
    box.write("x.h", box.run(box.tools.flowcc, "emit", "--header", "x.flow").out)
    box.write("c.c", '#include "x.h"\n#include "x.h"\n')
    box.run("cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{box.tools.out}/lib/flowcc/include", "c.c")


def test_a_c_file_serves_several_flows(box):
    """Its header is that of one of them; each declares what it calls."""
    write_flow(box)
    box.write("c/x.h", box.run(box.tools.flowcc, "emit", "--header", "x.flow").out)
    box.write("y.flow", 'source names: string = stdin(text)\n'
                        'extern fn country(address: string) -> string? from "c/geo.c"\n'
                        'names |> map country(it) ?? "-" |> into stdout\n')
    box.run(box.tools.flowcc, "y.flow")
    check_equal("Deutschland\n-\n", box.run("./y", stdin=b"de\nfr\n").out, "stdout")


def test_mistakes_in_c_files(box):
    for old, new, says in (("double b", "int b", ["conflicting types", r"flowcc: c/geo\.c, which has `twice` at x\.flow:5", "emit --header"]),
                           ("bool ratio(", "bool rato(", [r"c/geo\.c does not have the function `ratio` at x\.flow:6", "emit --header"]),
                           ("*out = a / b;", "*out = a / b", ["does not compile"])):
        write_flow(box, geo=GEO.replace(old, new).replace('#include "x.h"\n', ""))
        result = box.run(box.tools.flowcc, "x.flow", exit=70)
        check_match(says, result.err, "stderr")
        if b"internal error" in result.err:
            raise Failure(result.describe())
    os.remove(box.path / "c/geo.c")
    check_match(["E0242", r"cannot read c/geo\.c"], box.run(box.tools.flowcc, "check", "x.flow", exit=1).err)


def test_run_sees_changes_of_c_files(box):
    write_flow(box, geo=GEO.replace('#include "x.h"\n', ""))
    check_equal(OUTPUT, run_flow(box).out, "stdout")
    box.write("c/names.inc", NAMES.replace("Deutschland", "Germany"))
    check_equal(OUTPUT.replace("Deutschland", "Germany"), run_flow(box).out, "stdout")
    box.write("c/geo.c", GEO.replace('#include "x.h"\n', "").replace("a / b", "a + b"))
    check_match(['"r": 3.0'], run_flow(box).out, "stdout")


SERIAL = """source numbers: int = file("numbers.txt", text)
extern fn counted(n: int) -> int from "count.c" serial
numbers |> key by it % 7 |> state n: int = 0 { n += 1; emit counted(n) ?? 0 } |> into stdout
"""


def test_serial_functions_have_one_thread(box):
    box.write("x.flow", SERIAL)
    box.write("count.c", """#include <pthread.h>
#include <stdlib.h>
static _Thread_local int mine;
static int *first;
bool counted(struct flow_worker *ctx, int64_t n, int64_t *out) {
  (void)ctx;
  if (!first) first = &mine;
  if (first != &mine) abort();
  *out = n;
  return true;
}
""")
    box.write("numbers.txt", "".join(f"{i}\n" for i in range(50000)))
    box.run(box.tools.flowcc, "x.flow")
    check_equal(50000, len(box.run("./x", "--workers", "4").out.splitlines()), "lines")


def test_imports(box):
    """Paths begin at the importing file; a file counts once; sources and pipelines stay behind."""
    (box.path / "lib" / "deep").mkdir(parents=True)
    box.write("x.flow", 'import "lib/orders.flow"\nimport "lib/deep/money.flow"\n'
                        "source orders: Order = stdin(jsonl)\n"
                        "orders |> with_vat |> map { id, gross: euros(gross) } |> into stdout\n")
    box.write("lib/orders.flow", 'import "deep/money.flow"\nrecord Order { id: int, net: int }\n'
                                 "step with_vat = |> map { it.id, gross: vat(it.net) }\n"
                                 'source orders: Order = file("orders.jsonl", jsonl)\n'
                                 "orders |> with_vat |> into stdout\n")
    box.write("lib/deep/money.flow", 'import "../c.flow"\nconst PERCENT = 19\n'
                                     "fn vat(net: int) -> int = net + net * PERCENT / 100\n"
                                     'fn euros(cents: int) -> string = f"{units(cents) ?? 0}.{cents % 100}"\n')
    box.write("lib/c.flow", 'extern fn units(n: int) -> int from "units.c"\n')
    box.write("lib/units.c", "bool units(struct flow_worker *ctx, int64_t n, int64_t *out) "
                             "{ (void)ctx; *out = n / 100; return true; }\n")
    (box.path / "elsewhere").mkdir()
    box.run("sh", "-c", f"cd elsewhere && {box.tools.flowcc} ../x.flow -o ../x")
    check_equal('{"id": 1, "gross": "12.20"}\n', box.run("./x", stdin=b'{"id": 1, "net": 1026}\n').out, "stdout")


def test_mistakes_between_files(box):
    box.write("x.flow", 'import "a.flow"\nimport "b.flow"\nsource lines: string = stdin(text)\n'
                        "lines |> map twice(len(it)) |> into stdout\n"
                        "others |> into stdout\nlines |> map least |> into stdout\n")
    box.write("a.flow", 'import "b.flow"\nfn twice(n: int) -> int = n * 2\n'
                        "source others: int = stdin(text)\nparam least: int = 3\n")
    box.write("b.flow", 'import "a.flow"\nfn twice(n: int) -> int = n + n\n')
    result = box.run(box.tools.flowcc, "check", "x.flow", exit=1)
    check_match(["E0219", "`a.flow` imports itself", "a.flow → b.flow → a.flow"], result.err)
    box.write("b.flow", "fn twice(n: int) -> int = n + n\n")
    result = box.run(box.tools.flowcc, "check", "x.flow", exit=1)
    check_match(["E0202", "the function `twice` is declared twice", r"--> a\.flow:2", r"::: b\.flow:1"],
                result.err)
    box.write("b.flow", "")
    result = box.run(box.tools.flowcc, "check", "x.flow", exit=1)
    check_match([r"`others` is a source of a\.flow", "an import brings", r"`least` is a param of a\.flow"], result.err)
    box.write("b.flow", "fn f( = 3\n")
    check_match([r"--> b\.flow:1:"], box.run(box.tools.flowcc, "check", "x.flow", exit=1).err)
