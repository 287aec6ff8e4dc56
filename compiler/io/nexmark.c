/* nexmark: the events of the NEXMark benchmark, made as they are read.
 *
 * The item's type says which events a source takes and what it wants of them: an enum has a variant for
 * each kind, a record takes the events that have all its fields. Records are never text, so the
 * connector has a format of its own; the parser that this one writes draws what the flow uses. */
#include "back/codec.h"
#include "base/edit.h"
#include "front/check.h"
#include "io/io.h"

#include <string.h>

/* -- what events are made of ----------------------------------------------------------------- */

enum kind { PERSON = 1, AUCTION = 2, BID = 4 };

static const struct {
  enum kind kind;
  const char *name, *letter; /* the letter is the tag in NEXMark's CSV */
  const char *fields;        /* for messages */
} kinds[] = {
    {PERSON, "person", "P", "id, name, email, creditCard, city, state, dateTime, extra"},
    {AUCTION, "auction", "A",
     "id, itemName, description, initialBid, reserve, dateTime, expires, seller, category, extra"},
    {BID, "bid", "B", "auction, bidder, price, dateTime, extra, channel, url"},
};

enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

enum value { INT, TEXT, TIME };

static const struct event_field {
  const char *name;
  unsigned kinds;
  enum value value;
  const char *member; /* of struct flow_nexmark */
  const char *part;   /* that has to be asked for; null: it is always there */
} event_fields[] = {
    {"id", PERSON | AUCTION, INT, "id", NULL},
    {"name", PERSON, TEXT, "name", NULL},
    {"email", PERSON, TEXT, "email", NULL},
    {"creditCard", PERSON, TEXT, "credit_card", NULL},
    {"city", PERSON, TEXT, "city", NULL},
    {"state", PERSON, TEXT, "state", NULL},
    {"itemName", AUCTION, TEXT, "item_name", "FLOW_NEXMARK_TEXTS"},
    {"description", AUCTION, TEXT, "description", "FLOW_NEXMARK_TEXTS"},
    {"initialBid", AUCTION, INT, "initial_bid", NULL},
    {"reserve", AUCTION, INT, "reserve", "FLOW_NEXMARK_TEXTS"},
    {"expires", AUCTION, TIME, "expires_ms", NULL},
    {"seller", AUCTION, INT, "seller", NULL},
    {"category", AUCTION, INT, "category", NULL},
    {"auction", BID, INT, "auction", NULL},
    {"bidder", BID, INT, "bidder", NULL},
    {"price", BID, INT, "price", NULL},
    {"channel", BID, TEXT, "channel", "FLOW_NEXMARK_CHANNEL"},
    {"url", BID, TEXT, "url", "FLOW_NEXMARK_CHANNEL"},
    {"dateTime", PERSON | AUCTION | BID, TIME, "date_time_ms", NULL},
    {"extra", PERSON | AUCTION | BID, TEXT, "extra", "FLOW_NEXMARK_EXTRA"},
};

enum { FIELD_COUNT = sizeof event_fields / sizeof *event_fields };

/* The field of events that the type's field is, by its name in the input; null: there is none. */
static const struct event_field *find_field(const struct type_field *field) {
  for (size_t i = 0; i < FIELD_COUNT; i++)
    if (strcmp(event_fields[i].name, codec_field_name(field)) == 0) return &event_fields[i];
  return NULL;
}

/* The kind that the variant stands for; 0: none. Its `from` may be its letter in CSV or anything. */
static unsigned kind_of_variant(const struct type_variant *variant) {
  for (size_t i = 0; i < KIND_COUNT; i++) {
    if (strcmp(variant->name, kinds[i].name) == 0) return kinds[i].kind;
    if (variant->from != NULL &&
        (strcmp(variant->from, kinds[i].name) == 0 || strcmp(variant->from, kinds[i].letter) == 0))
      return kinds[i].kind;
  }
  return 0;
}

/* The kinds that have all fields of the record. */
static unsigned kinds_of_record(const struct type *record) {
  unsigned result = PERSON | AUCTION | BID;
  vec_each(struct type_field, field, &record->fields) {
    const struct event_field *known = find_field(field);
    result &= known != NULL ? known->kinds : 0;
  }
  return result;
}

static unsigned kinds_of(const struct type *item) {
  if (item->kind == TYPE_RECORD) return kinds_of_record(item);
  unsigned result = 0;
  vec_each(struct type_variant, variant, &item->variants) result |= kind_of_variant(variant);
  return result;
}

/* -- the checker's side ---------------------------------------------------------------------- */

static void note_fields(struct diag *diag, unsigned which) {
  for (size_t i = 0; i < KIND_COUNT; i++)
    if (kinds[i].kind & which)
      diag_note(diag, "fields of %s %s: %s", kinds[i].kind == AUCTION ? "an" : "a", kinds[i].name,
                kinds[i].fields);
}

static void report_unknown(struct diags *diags, const struct type_field *field, unsigned which) {
  const char *name = codec_field_name(field), *names[FIELD_COUNT];
  const char *what = which == PERSON    ? "persons"
                     : which == AUCTION ? "auctions"
                     : which == BID     ? "bids"
                                        : "events";
  struct diag *diag =
      diag_error(diags, E0604, field->span, "%s of NEXMark have no field `%s`", what, name);
  for (size_t i = 0; i < FIELD_COUNT; i++) names[i] = event_fields[i].name;
  const char *near = closest_name(name, names, FIELD_COUNT);
  if (near == NULL && strcmp(name, "date_time") == 0) near = "dateTime";
  if (near != NULL)
    diag_help(diag, "write `%s`, or name it:  %s: … from \"%s\"", near, field->name, near);
  note_fields(diag, which);
}

static bool has_type(const struct event_field *field, const struct type *type) {
  if (field->value == TEXT) return type->kind == TYPE_STRING;
  return type->kind == TYPE_INT || (field->value == TIME && type->kind == TYPE_TIMESTAMP);
}

/* Checks the fields by themselves; `which` are the kinds that may have them. */
static bool check_fields(struct checker *c, const struct type *record, unsigned which) {
  struct diags *diags = &check_compiler(c)->diags;
  vec_each(struct type_field, field, &record->fields) {
    const struct event_field *known = find_field(field);
    if (known == NULL || (known->kinds & which) == 0) {
      report_unknown(diags, field, which);
      return false;
    }
    if (field->type->kind != TYPE_ERROR && !has_type(known, field->type)) {
      static const char *const types[] = {
          [INT] = "an `int`", [TEXT] = "a `string`", [TIME] = "a `timestamp`"};
      struct diag *diag =
          diag_error(diags, E0604, field->span, "the field `%s` of NEXMark is %s, not `%s`",
                     known->name, types[known->value], type_name(check_types(c), field->type));
      if (known->value == TIME) diag_note(diag, "as an `int` it is in milliseconds since 1970");
      return false;
    }
    if (field->where != NULL) {
      struct diag *diag = diag_error(diags, E0604, field->where->span,
                                     "events of NEXMark are made, so none is rejected");
      diag_help(diag, "leave some out behind the source:  |> filter …");
      return false;
    }
  }
  return true;
}

static bool check_record(struct checker *c, struct span span, const struct type *record) {
  if (!check_fields(c, record, PERSON | AUCTION | BID)) return false;
  if (kinds_of_record(record) != 0) return true;
  struct diag *diag = diag_error(&check_compiler(c)->diags, E0604, span,
                                 "no event of NEXMark has all the fields of `%s`",
                                 type_name(check_types(c), record));
  diag_help(diag, "take several kinds with an enum:  enum Event { person(…), auction(…), bid(…) }");
  note_fields(diag, PERSON | AUCTION | BID);
  return false;
}

static bool check_variants(struct checker *c, struct span span, const struct type *item) {
  unsigned seen = 0;
  vec_each(struct type_variant, variant, &item->variants) {
    unsigned kind = kind_of_variant(variant);
    if (kind == 0 || (seen & kind) != 0) {
      struct diag *diag = diag_error(&check_compiler(c)->diags, E0604, span,
                                     kind == 0 ? "NEXMark has no events `%s`"
                                               : "a variant before `%s` takes the same events",
                                     variant->name);
      diag_note(diag, "the variants are some of: person, auction, bid");
      return false;
    }
    seen |= kind;
    if (variant->payload != NULL && !check_fields(c, variant->payload, kind)) return false;
  }
  return true;
}

static bool check_item(struct checker *c, struct span span, const struct io_spec *io,
                       const struct type *item, bool is_read) {
  (void)io, (void)is_read;
  if (item->kind == TYPE_ERROR) return true;
  if (item->kind == TYPE_RECORD) return check_record(c, span, item);
  if (item->kind == TYPE_ENUM) return check_variants(c, span, item);
  struct diag *diag =
      diag_error(&check_compiler(c)->diags, E0604, span,
                 "an event of NEXMark cannot be read as `%s`", type_name(check_types(c), item));
  diag_help(diag, "declare what you want of it:  record Bid { auction: int, price: int }");
  note_fields(diag, PERSON | AUCTION | BID);
  return false;
}

/* -- the emitter's side ---------------------------------------------------------------------- */

static const char *constant_of(unsigned kind) {
  return kind == PERSON    ? "FLOW_NEXMARK_PERSON"
         : kind == AUCTION ? "FLOW_NEXMARK_AUCTION"
                           : "FLOW_NEXMARK_BID";
}

/* The parts to be asked for, so that all fields that are kept are there. */
static const char *parts_of(struct emit *e, const struct type *record) {
  struct text parts;
  text_init(&parts, &e->compiler->arena);
  for (uint32_t i = 0; record != NULL && i < record->fields.count; i++) {
    const char *part = find_field(&record->fields.data[i])->part;
    if (part == NULL || !codec_is_kept(e, record, i) || strstr(parts.data, part) != NULL) continue;
    text_addf(&parts, "%s%s", parts.length > 0 ? " | " : "", part);
  }
  return parts.length > 0 ? parts.data : "0";
}

/* The arm for one kind: draws the event and moves its fields to `to`. */
static void emit_event(struct emit *e, struct text *out, unsigned kind, const struct type *record,
                       const char *to) {
  const char *name = "bid";
  for (size_t i = 0; i < KIND_COUNT; i++)
    if (kinds[i].kind == kind) name = kinds[i].name;
  text_addf(out, "    flow_nexmark_%s(w->arena, %s, &event);\n", name, parts_of(e, record));
  for (uint32_t i = 0; record != NULL && i < record->fields.count; i++) {
    const struct type_field *field = &record->fields.data[i];
    if (!codec_is_kept(e, record, i)) continue;
    bool is_us = field->type->kind == TYPE_TIMESTAMP;
    text_addf(out, "    %s.f_%s = event.%s%s;\n", to, field->name, find_field(field)->member,
              is_us ? " * 1000" : "");
  }
}

static void emit_parser(struct emit *e, const struct decl *source, const char *name) {
  const struct type *item = source->type;
  struct text out;
  text_init(&out, &e->compiler->arena);
  for (size_t i = 0; i < KIND_COUNT; i++) {
    if ((kinds_of(item) & kinds[i].kind) == 0) continue;
    text_addf(&out, "  case %s:\n", constant_of(kinds[i].kind));
    if (item->kind == TYPE_RECORD) {
      emit_event(e, &out, kinds[i].kind, item, "(*out)");
    } else {
      uint32_t k = 0;
      while (kind_of_variant(&item->variants.data[k]) != kinds[i].kind) k++;
      const struct type_variant *variant = &item->variants.data[k];
      text_addf(&out, "    out->tag = %s;\n", emit_enumerator(e, item, k));
      if (variant->payload != NULL)
        emit_event(e, &out, kinds[i].kind, variant->payload,
                   arena_printf(&e->compiler->arena, "out->as.f_%s", variant->name));
    }
    text_add(&out, "    break;\n");
  }
  text_addf(emit_section(e, SECTION_CODECS),
            "static enum flow_parse %s(struct flow_worker *w, struct flow_block *b, %s *out) {\n"
            "  (void)w;\n"
            "  struct flow_nexmark event = {.number = flow_nexmark_next(b)};\n"
            "  switch (flow_nexmark_kind(event.number)) {\n%s"
            "  default: break; /* no record ends at such an event */\n  }\n"
            "  return FLOW_PARSED;\n}\n\n",
            name, emit_c_type(e, item), out.data);
}

/* One of 50 events is a person, three are auctions, the others bids. */
static const char *cycle(struct emit *e, const struct decl *source) {
  unsigned wanted = kinds_of(source->type);
  struct text out;
  text_init(&out, &e->compiler->arena);
  for (int i = 0; i < 50; i++) {
    unsigned kind = i == 0 ? PERSON : i <= 3 ? AUCTION : BID;
    text_addc(&out, kind & wanted ? '\n' : ' ');
  }
  return out.data;
}

static const struct format format_events = {
    .name = "nexmark",
    .syntax = "nexmark(events: INT)",
    .summary = "events as they are made",
    .framing = "FLOW_FRAMING_LINES",
    .check_item = check_item,
    .emit_parser = emit_parser,
};

const struct connector connector_nexmark = {
    .name = "nexmark",
    .syntax = "nexmark(events: INT)",
    .summary = "Makes the first events of the NEXMark benchmark; fields say which kinds are taken.",
    .runtime = "flow_connector_nexmark",
    .can_read = true,
    .format = &format_events,
    .cycle = cycle,
};
