#include "marks.h"

#include "flow/codec.h"
#include "mem.h"

#include <string.h>

/* Behind the name of a stream: when it had its last record. No name has a blank. */
#define SEEN " seen"

static void *make_array(struct marks *m, size_t count, size_t size) {
  void *array = flow_sys_must_alloc(m->sys, (count + 1) * size);
  memset(array, 0, (count + 1) * size);
  return array;
}

void marks_init(struct marks *m, const struct flow_sys *sys, const struct flow_mark_desc *descs,
                uint32_t count) {
  *m = (struct marks){.sys = sys, .descs = descs, .count = count};
  m->now = make_array(m, count, sizeof *m->now);
  m->row = make_array(m, count, sizeof *m->row);
  m->is_out = make_array(m, count, sizeof *m->is_out);
  m->is_idle = make_array(m, count, sizeof *m->is_idle);
  m->was_idle = make_array(m, count, sizeof *m->was_idle);
  m->has_left = make_array(m, count, sizeof *m->has_left);
  m->real = make_array(m, count, sizeof *m->real);
  m->idle_us = make_array(m, count, sizeof *m->idle_us);
  m->seen_us = make_array(m, count, sizeof *m->seen_us);
  m->saved = make_array(m, 2 * (size_t)count, sizeof *m->saved);
  m->rows = make_array(m, 2 * (size_t)count, sizeof *m->rows);
  for (uint32_t i = 0; i < count; i++) m->idle_us[i] = FLOW_NEVER;
  marks_clear(m);
}

void marks_free(struct marks *m) {
  if (m->sys == NULL) return;
  void *const arrays[] = {m->now,  m->row,     m->is_out,  m->is_idle, m->was_idle, m->has_left,
                          m->real, m->idle_us, m->seen_us, m->saved,   m->rows};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) m->sys->free(m->sys, arrays[i]);
}

void marks_set_idle(struct marks *m, struct flow_worker *w) {
  for (uint32_t i = 0; i < m->count; i++) {
    for (uint32_t k = 0; k < m->descs[i].part_count; k++) {
      uint32_t part = m->descs[i].parts[k];
      if (m->descs[part].idle_us == NULL) continue;
      m->idle_us[part] = m->descs[part].idle_us(w);
      m->has_idle = true;
    }
  }
}

void marks_clear(struct marks *m) {
  for (uint32_t i = 0; i < m->count; i++) {
    m->now[i] = m->row[i] = m->seen_us[i] = INT64_MIN;
    m->is_out[i] = m->is_idle[i] = false;
  }
  for (uint32_t i = 0; i < 2 * m->count; i++) {
    m->saved[i] = INT64_MIN;
    m->rows[i] = -1;
  }
  m->next_row = 0;
}

void marks_settle(struct marks *m) {
  memcpy(m->row, m->now, m->count * sizeof *m->row);
}

int64_t marks_real(const struct marks *m, uint32_t mark) {
  return m->is_out[mark] ? m->real[mark] : m->now[mark];
}

/* -- saving ----------------------------------------------------------------------------------- */

/* Whether the key of a saved row is that of the i-th value. */
static bool is_key(const struct marks *m, uint32_t i, const char *key, size_t length) {
  const char *name = m->descs[i % m->count].name;
  const char *more = i < m->count ? "" : SEEN;
  size_t name_length = strlen(name);
  return length == name_length + strlen(more) && memcmp(key, name, name_length) == 0 &&
         memcmp(key + name_length, more, length - name_length) == 0;
}

static void put_key(const struct marks *m, uint32_t i, struct flow_buf *out) {
  struct flow_buf key = {0};
  const char *name = m->descs[i % m->count].name;
  flow_buf_add(&key, name, strlen(name));
  if (i >= m->count) flow_buf_add_literal(&key, SEEN);
  flow_put_bytes(out, key.data, key.length);
  flow_buf_free(&key);
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
  for (uint32_t i = 0; i < 2 * m->count; i++) {
    if (!is_key(m, i, name, length)) continue;
    m->rows[i] = (int64_t)row;
    m->saved[i] = us;
    if (i < m->count)
      m->now[i] = m->row[i] = us;
    else
      m->seen_us[i - m->count] = us;
  }
  return FLOW_OK;
}

void marks_pack(struct marks *m, struct flow_buf *out) {
  marks_keep(m->descs, m->count, m->now);
  for (uint32_t i = 0; i < 2 * m->count; i++) {
    int64_t us = i < m->count ? marks_real(m, i) : m->seen_us[i - m->count];
    if (us == m->saved[i]) continue;
    m->saved[i] = us;
    bool is_new = m->rows[i] < 0;
    if (is_new) m->rows[i] = m->next_row++;
    flow_put_entry(out, (uint64_t)m->rows[i], is_new ? FLOW_DELTA_KEY : 0);
    size_t mark;
    if (is_new) {
      mark = flow_put_open(out);
      put_key(m, i, out);
      flow_put_close(out, mark);
    }
    mark = flow_put_open(out);
    flow_put_int(out, us);
    flow_put_close(out, mark);
  }
}

/* -- who holds the others back ---------------------------------------------------------------- */

void marks_raise(struct marks *m, uint32_t mark, int64_t us) {
  int64_t *value = m->is_out[mark] ? &m->real[mark] : &m->now[mark];
  if (us > *value) *value = us;
}

static void put_out(struct marks *m, uint32_t mark, bool is_idle) {
  if (!m->is_out[mark]) m->real[mark] = m->now[mark];
  m->now[mark] = FLOW_NEVER;
  m->is_out[mark] = true;
  m->is_idle[mark] = is_idle;
}

void marks_end_one(struct marks *m, uint32_t mark) {
  put_out(m, mark, false);
}

bool marks_has_ended(const struct marks *m, uint32_t mark) {
  return m->is_out[mark] && !m->is_idle[mark];
}

bool marks_end(struct marks *m, const struct sequencer_partition *partitions) {
  bool is_new = false;
  if (m->count < 2) return false; /* there is nothing that it could hold back */
  for (uint32_t i = 0; i < m->count; i++) {
    const struct flow_mark_desc *desc = &m->descs[i];
    bool is_ended = !marks_has_ended(m, i) && desc->source_count > 0;
    for (uint32_t k = 0; k < desc->source_count; k++)
      is_ended = is_ended && partitions[desc->sources[k]].state == PARTITION_END;
    if (!is_ended) continue;
    is_new |= !m->is_out[i];
    marks_end_one(m, i);
  }
  return is_new;
}

/* Whether nothing of its input is there to be read. */
static bool is_waiting(const struct flow_mark_desc *desc, const struct sequencer_partition *partitions) {
  for (uint32_t k = 0; k < desc->source_count; k++)
    if (partitions[desc->sources[k]].state == PARTITION_READY) return false;
  return true;
}

static int64_t leaves_at(const struct marks *m, uint32_t mark,
                         const struct sequencer_partition *partitions) {
  bool may_leave = !m->is_out[mark] && m->idle_us[mark] != FLOW_NEVER && m->seen_us[mark] != INT64_MIN;
  if (!may_leave || !is_waiting(&m->descs[mark], partitions)) return FLOW_NEVER;
  return flow_timer_after(m->seen_us[mark], m->idle_us[mark]);
}

/* Silence counts from the first epoch on, where there was no record yet. */
static void begin_to_count(struct marks *m, int64_t now_us) {
  for (uint32_t i = 0; i < m->count; i++)
    if (m->idle_us[i] != FLOW_NEVER && m->seen_us[i] == INT64_MIN) m->seen_us[i] = now_us;
}

/* Where all are out, and not only because they have ended, the clock is the latest that one of them has seen. */
static void keep_latest(struct marks *m, uint32_t meeting) {
  const struct flow_mark_desc *desc = &m->descs[meeting];
  bool is_any_idle = false;
  int64_t latest_us = INT64_MIN;
  for (uint32_t k = 0; k < desc->part_count; k++) {
    if (!m->is_out[desc->parts[k]]) return;
    is_any_idle |= m->is_idle[desc->parts[k]];
    latest_us = flow_later(latest_us, m->real[desc->parts[k]]);
  }
  if (is_any_idle) marks_raise(m, meeting, latest_us);
}

bool marks_leave(struct marks *m, const struct sequencer_partition *partitions, int64_t now_us) {
  bool is_any = false;
  if (!m->has_idle) return false;
  begin_to_count(m, now_us);
  marks_keep(m->descs, m->count, m->now);
  for (uint32_t i = 0; i < m->count; i++) {
    if (partitions != NULL) {
      m->has_left[i] = leaves_at(m, i, partitions) <= now_us;
      m->was_idle[i] = m->is_idle[i] || m->has_left[i];
    }
    if (m->was_idle[i]) put_out(m, i, true);
    is_any |= m->has_left[i];
  }
  for (uint32_t i = 0; i < m->count; i++) keep_latest(m, i);
  return is_any;
}

int64_t marks_next_leave(const struct marks *m, const struct sequencer_partition *partitions) {
  int64_t next_us = FLOW_NEVER;
  for (uint32_t i = 0; i < m->count; i++) next_us = flow_earlier(next_us, leaves_at(m, i, partitions));
  return next_us;
}

static bool has_source(const struct flow_mark_desc *desc, uint32_t source) {
  for (uint32_t k = 0; k < desc->source_count; k++)
    if (desc->sources[k] == source) return true;
  return false;
}

void marks_see(struct marks *m, uint32_t source, int64_t now_us) {
  if (!m->has_idle) return;
  for (uint32_t i = 0; i < m->count; i++)
    if (m->idle_us[i] != FLOW_NEVER && has_source(&m->descs[i], source)) m->seen_us[i] = now_us;
}

void marks_return(struct marks *m, uint32_t source) {
  if (!m->has_idle) return;
  marks_keep(m->descs, m->count, m->now);
  for (uint32_t i = 0; i < m->count; i++) {
    if (!m->is_idle[i] || !has_source(&m->descs[i], source)) continue;
    m->now[i] = m->real[i];
    m->is_out[i] = m->is_idle[i] = false;
  }
  marks_settle(m);
}

void marks_return_all(struct marks *m) {
  marks_keep(m->descs, m->count, m->now);
  for (uint32_t i = 0; i < m->count; i++) {
    m->now[i] = marks_real(m, i);
    m->is_out[i] = m->is_idle[i] = false;
  }
  marks_settle(m);
}

/* -- clocks ----------------------------------------------------------------------------------- */

static int64_t least_of(const uint32_t *parts, uint32_t count, const int64_t *marks) {
  int64_t least_us = FLOW_NEVER;
  for (uint32_t i = 0; i < count; i++) least_us = flow_earlier(least_us, marks[parts[i]]);
  return least_us;
}

void marks_keep(const struct flow_mark_desc *descs, uint32_t count, int64_t *marks) {
  for (uint32_t i = 0; i < count; i++) {
    if (descs[i].part_count == 0) continue;
    int64_t least_us = least_of(descs[i].parts, descs[i].part_count, marks);
    if (least_us != FLOW_NEVER && least_us > marks[i]) marks[i] = least_us;
  }
}

int64_t marks_clock(const struct flow_state_desc *state, const int64_t *marks) {
  int64_t least_us = least_of(state->marks, state->mark_count, marks);
  return state->mark_count > 1 ? flow_later(least_us, marks[state->meeting]) : least_us;
}

int64_t marks_clock_left(const struct marks *m, const struct flow_state_desc *state) {
  bool has_left = false;
  for (uint32_t i = 0; i < state->mark_count; i++) has_left |= m->has_left[state->marks[i]];
  if (state->mark_count < 2 || !has_left) return FLOW_NEVER;
  int64_t clock_us = marks_clock(state, m->now);
  return clock_us != FLOW_NEVER ? clock_us : m->now[state->meeting];
}

const struct flow_type *marks_key_type(void) {
  static const struct flow_type text = {.kind = FLOW_KIND_STRING};
  return &text;
}

const struct flow_type *marks_value_type(void) {
  static const struct flow_type number = {.kind = FLOW_KIND_INT};
  return &number;
}
