#include "base/names.h"

#include <stdint.h>
#include <string.h>

struct name_slot {
  const char *name; /* NULL marks a free slot. */
  size_t length;
  uint32_t hash;
};

static uint32_t hash_of(const char *text, size_t length) {
  uint32_t hash = 2166136261u; /* FNV-1a */
  for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)text[i]) * 16777619u;
  return hash;
}

void names_init(struct names *names, struct arena *arena) {
  *names = (struct names){.arena = arena};
}

static void double_slots(struct names *names) {
  size_t old_count = names->slot_count;
  struct name_slot *old = names->slots;
  names->slot_count = old_count ? old_count * 2 : 256;
  names->slots = arena_zalloc(names->arena, names->slot_count * sizeof *names->slots);
  for (size_t i = 0; i < old_count; i++) {
    if (!old[i].name) continue;
    size_t at = old[i].hash & (names->slot_count - 1);
    while (names->slots[at].name) at = (at + 1) & (names->slot_count - 1);
    names->slots[at] = old[i];
  }
}

const char *names_intern(struct names *names, const char *text, size_t length) {
  if (names->count * 2 >= names->slot_count) double_slots(names);
  uint32_t hash = hash_of(text, length);
  size_t at = hash & (names->slot_count - 1);
  for (; names->slots[at].name; at = (at + 1) & (names->slot_count - 1)) {
    const struct name_slot *slot = &names->slots[at];
    if (slot->hash == hash && slot->length == length && memcmp(slot->name, text, length) == 0)
      return slot->name;
  }
  names->slots[at] = (struct name_slot){arena_strndup(names->arena, text, length), length, hash};
  names->count++;
  return names->slots[at].name;
}
