/* Rows of a sink whose path depends on the item. Each lies in the sink's buffer as a frame: the length of
 * all of it, the length of the path, the path, the row.
 *
 *   if (!flow_part_check(w, 3, &path)) flow_abort_record(w);
 *   struct flow_buf *b = flow_sink_row(w, 3);
 *   size_t mark = flow_part_begin(b, &path);
 *   … the row is appended to b …
 *   flow_part_end(b, mark);
 */
#ifndef FLOW_PARTS_H
#define FLOW_PARTS_H

#include "flow/abi.h"
#include "flow/codec.h"

/* Bytes of a frame before its path. */
#define FLOW_PART_HEAD 8

/* Whether the path may be used: behind its fixed beginning no part of it is empty or begins with a dot, so
 * that no item leads out of the place that the program names, and none is longer than file
 * systems allow. False after setting the worker's failure, a fault. */
bool flow_part_check(struct flow_worker *, uint32_t sink, const struct flow_str *path);

/* Begins a frame; returns what flow_part_end() needs. */
static inline size_t flow_part_begin(struct flow_buf *b, const struct flow_str *path) {
  size_t mark = b->length;
  uint32_t length = path->length;
  flow_buf_reserve(b, FLOW_PART_HEAD + (size_t)length);
  memcpy(b->data + mark + 4, &length, sizeof length);
  memcpy(b->data + mark + FLOW_PART_HEAD, flow_str_data(path), length);
  b->length += FLOW_PART_HEAD + (size_t)length;
  return mark;
}

/* Ends the frame behind its row. */
static inline void flow_part_end(struct flow_buf *b, size_t mark) {
  uint32_t length = (uint32_t)(b->length - mark);
  memcpy(b->data + mark, &length, sizeof length);
}

#endif
