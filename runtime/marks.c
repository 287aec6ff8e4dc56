#include "marks.h"

#include "flow/codec.h"
#include "mem.h"

#include <string.h>

static void *make_array(struct marks *m, size_t size) {
  void *array = flow_sys_must_alloc(m->sys, (m->count + 1) * size);
  memset(array, 0, (m->count + 1) * size);
  return array;
}

void marks_init(struct marks *m, const struct flow_sys *sys, const struct flow_mark_desc *descs,
                uint32_t count) {
  *m = (struct marks){.sys = sys, .descs = descs, .count = count};
  m->now = make_array(m, sizeof *m->now);
  m->row = make_array(m, sizeof *m->row);
  m->is_ended = make_array(m, sizeof *m->is_ended);
  m->at_end = make_array(m, sizeof *m->at_end);
  m->saved = make_array(m, sizeof *m->saved);
  m->rows = make_array(m, sizeof *m->rows);
  marks_clear(m);
}

void marks_free(struct marks *m) {
  if (m->sys == NULL) return;
  void *const arrays[] = {m->now, m->row, m->is_ended, m->at_end, m->saved, m->rows};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) m->sys->free(m->sys, arrays[i]);
}

void marks_clear(struct marks *m) {
  for (uint32_t i = 0; i < m->count; i++) {
    m->now[i] = m->row[i] = m->saved[i] = INT64_MIN;
    m->is_ended[i] = false;
    m->rows[i] = -1;
  }
  m->next_row = 0;
}

void marks_settle(struct marks *m) {
  memcpy(m->row, m->now, m->count * sizeof *m->row);
}

int64_t marks_real(const struct marks *m, uint32_t mark) {
  return m->is_ended[mark] ? m->at_end[mark] : m->now[mark];
}

enum flow_status marks_load_row(struct marks *m, uint64_t row, const void *key, size_t key_length,
                                const void *value, size_t value_length, struct flow_report *report) {
  struct flow_reader k = flow_reader_of(key, key_length), v = flow_reader_of(value, value_length);
  size_t length;
  const char *name = (const char *)flow_get_bytes(&k, &length);
  int64_t us = flow_get_int(&v);
  if (!flow_reader_done(&k) || !flow_reader_done(&v))
    return flow_report_fail(report, FLOW_E_CORRUPT, "a saved watermark is damaged");
  if ((int64_t)row >= m->next_row) m->next_row = (int64_t)row + 1;
  for (uint32_t i = 0; i < m->count; i++) {
    if (strlen(m->descs[i].name) != length || memcmp(m->descs[i].name, name, length) != 0) continue;
    m->rows[i] = (int64_t)row;
    m->now[i] = m->row[i] = m->saved[i] = us;
  }
  return FLOW_OK;
}

void marks_pack(struct marks *m, struct flow_buf *out) {
  for (uint32_t i = 0; i < m->count; i++) {
    int64_t us = marks_real(m, i);
    if (us == m->saved[i]) continue;
    m->saved[i] = us;
    bool is_new = m->rows[i] < 0;
    if (is_new) m->rows[i] = m->next_row++;
    flow_put_entry(out, (uint64_t)m->rows[i], is_new ? FLOW_DELTA_KEY : 0);
    size_t mark;
    if (is_new) {
      mark = flow_put_open(out);
      flow_put_bytes(out, m->descs[i].name, strlen(m->descs[i].name));
      flow_put_close(out, mark);
    }
    mark = flow_put_open(out);
    flow_put_int(out, us);
    flow_put_close(out, mark);
  }
}

void marks_raise(struct marks *m, uint32_t mark, int64_t us) {
  int64_t *value = m->is_ended[mark] ? &m->at_end[mark] : &m->now[mark];
  if (us > *value) *value = us;
}

void marks_end_one(struct marks *m, uint32_t mark) {
  m->at_end[mark] = m->now[mark];
  m->now[mark] = FLOW_NEVER;
  m->is_ended[mark] = true;
}

bool marks_end(struct marks *m, const struct sequencer_partition *partitions) {
  bool is_new = false;
  if (m->count < 2) return false; /* there is nothing that it could hold back */
  for (uint32_t i = 0; i < m->count; i++) {
    const struct flow_mark_desc *desc = &m->descs[i];
    bool is_ended = !m->is_ended[i];
    for (uint32_t k = 0; k < desc->source_count; k++)
      is_ended = is_ended && partitions[desc->sources[k]].state == PARTITION_END;
    if (is_ended) marks_end_one(m, i);
    is_new |= is_ended;
  }
  return is_new;
}

int64_t marks_clock(const struct flow_state_desc *state, const int64_t *marks) {
  int64_t clock_us = FLOW_NEVER;
  for (uint32_t i = 0; i < state->mark_count; i++)
    clock_us = flow_earlier(clock_us, marks[state->marks[i]]);
  return clock_us;
}

const struct flow_type *marks_key_type(void) {
  static const struct flow_type text = {.kind = FLOW_KIND_STRING};
  return &text;
}

const struct flow_type *marks_value_type(void) {
  static const struct flow_type number = {.kind = FLOW_KIND_INT};
  return &number;
}
