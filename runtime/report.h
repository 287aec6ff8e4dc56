/* A message for the user: what went wrong, where, and what to do about it.
 *
 * A function that can fail for a reason that a user can act on takes a struct flow_report, fills it
 * and returns its status. Texts hold no final newline; a text that is too long is cut with "...".
 *
 *   struct flow_report report = {0};
 *   if (flow_store_open(sys, &options, &store, &report) != FLOW_OK) {
 *     print("error: %s\n", report.message);
 *     if (report.help[0]) print("  = help: %s\n", report.help);
 *     return flow_status_exit(report.status);
 *   }
 */
#ifndef FLOW_REPORT_H
#define FLOW_REPORT_H

#include "flow/report.h"

/* Sets status and message and empties the help; returns the status, so that callers write
 * `return flow_report_fail(report, FLOW_E_IO, "cannot read %s: %s", …)`. */
enum flow_status flow_report_fail(struct flow_report *, enum flow_status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends to the message. */
void flow_report_add(struct flow_report *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Sets the help text. */
void flow_report_help(struct flow_report *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Fails for a system error: "cannot <what>: <text of the error>", where `error` is a negative errno
 * as sys.h returns it. ENOSPC, EDQUOT and EFBIG give FLOW_E_FULL, ENOMEM gives FLOW_E_MEMORY, all
 * others `otherwise`; the help says what usually repairs it. */
enum flow_status flow_report_errno(struct flow_report *, enum flow_status otherwise, int error,
                                   const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
