/* join: the items of two streams that belong together. It stands for a state over both (front/join.h). */
#include "front/join.h"
#include "ops/op.h"

const struct op op_join = {
    .name = "join",
    .syntax = "join STREAM as NAME on LEFT == RIGHT within DURATION where CONDITION",
    .summary = "Pairs each item with those of another stream that have the same value of `on`; also `left join`, "
               "`full join`.",
    .example = "record Order { id: int, user: string, at: timestamp }\n"
               "record Payment { order: int, cents: int, at: timestamp }\n"
               "source orders: Order = file(\"orders.jsonl\", jsonl) |> time by at lag 5s\n"
               "source payments: Payment = file(\"payments.jsonl\", jsonl) |> time by at lag 5s\n"
               "orders as o\n"
               "  |> join payments as p on o.id == p.order within 1h named paid\n"
               "  |> map { o.id, o.user, p.cents }\n"
               "  |> into stdout\n",
    .expand = join_expand,
};
