/* window: which items belong together. With the `aggregate` behind it, it stands for a state (front/window.h). */
#include "front/window.h"
#include "ops/op.h"

const struct op op_window = {
    .name = "window",
    .syntax = "window tumbling D | sliding D every D | session gap D | count N  origin TIME late into NAME "
              "allow D emit final | on change",
    .summary = "Says which items of a key the `aggregate` behind it takes together.",
    .example = "record Bid { auction: int, price: int, at: timestamp }\n"
               "source bids: Bid = stdin(jsonl) |> time by at lag 5s\n"
               "stream hot = bids\n"
               "  |> key by auction\n"
               "  |> window sliding 10s every 2s\n"
               "  |> aggregate { auction, bids: count(), until: window.end }\n"
               "hot |> into stdout\n",
    .expand = window_expand,
};
