/* lookup: the latest item of another stream, beside each item. It stands for a state over both (front/join.h). */
#include "front/join.h"
#include "ops/op.h"

const struct op op_lookup = {
    .name = "lookup",
    .syntax = "lookup STREAM as NAME on LEFT == RIGHT",
    .summary = "Adds to each item the latest one of another stream that has the same value of `on`, as a field; a "
               "file is read before everything else.",
    .example = "record Order { user: string, cents: int }\n"
               "record Profile { user: string, tier: string }\n"
               "source orders: Order = stdin(jsonl)\n"
               "source profiles: Profile = file(\"profiles.csv\", csv)\n"
               "orders\n"
               "  |> lookup profiles on user == profiles.user named tiers\n"
               "  |> map { user, cents, tier: profiles?.tier ?? \"basic\" }\n"
               "  |> into stdout\n",
    .expand = lookup_expand,
};
