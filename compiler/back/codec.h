/* Writing parsers of values: emit_codec.c has values inside JSON, emit_codec_record.c the records.
 *
 * A reader is `static bool read_X(struct flow_worker *w, struct flow_json *j, X *x)`: it takes the
 * cursor of `j` at the first byte of the value and leaves it behind the value, or returns false
 * with the reason in j->bad.
 */
#ifndef FLOWCC_BACK_CODEC_H
#define FLOWCC_BACK_CODEC_H

#include "back/emit.h"

/* A C condition that reads a value into the lvalue `to`; false in C: the record is bad. `unit_us` is
 * that of a timestamp's field, or 0. */
const char *codec_read(struct emit *, const struct type *, int64_t unit_us, const char *to);

/* Name of `static bool match_X(const char *text, size_t length, X *x)`: sets the variant without fields
 * that has this text in the input; false: there is none. */
const char *codec_match(struct emit *, const struct type *enumeration);

/* What messages call a value of the type: "an Event", "a Kind (order, payment)", "a list". */
const char *codec_phrase(struct emit *, const struct type *);

/* The name of a field or variant in the input. */
const char *codec_field_name(const struct type_field *);
const char *codec_variant_name(const struct type_variant *);

/* Whether the value of the field is kept: the flow reads it, or a condition of the record may. What
 * is not kept is checked all the same, so what a flow uses never changes what it accepts. */
bool codec_is_kept(struct emit *, const struct type *record, uint32_t field);

/* Appends statements that check which fields were there (`seen` has a bit for each), give the others
 * their default, and check the conditions. In C, `MISSING, "name")` is the call that refuses a record
 * without a required field, `guard` stands before the call that refuses it for a condition, `bad`
 * is the struct flow_bad_record *, and `at3` where the value of field 3 began. */
void codec_complete(struct emit *, struct text *out, const struct type *record, const char *missing,
                    const char *guard, const char *bad);

/* The last part of it alone, where every field was read. */
void codec_check_conditions(struct emit *, struct text *out, const struct type *record,
                            const char *guard, const char *bad);

/* emit_codec_record.c: appends the body of a record's reader. */
void codec_record_body(struct emit *, struct text *out, const struct type *record);

/* How many words of `seen` a record needs, and the C text `seen0 |= UINT64_C(1) << 3`. */
void codec_declare_seen(struct text *out, const struct type *record);
const char *codec_set_seen(struct emit *, uint32_t field);

#endif
