#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Appends formatted text to a zero-ended text in `room` bytes. */
__attribute__((format(printf, 3, 0))) static void append(char *text, size_t room,
                                                         const char *format, va_list arguments) {
  size_t used = strlen(text);
  int length = vsnprintf(text + used, room - used, format, arguments);
  if (length >= 0 && (size_t)length >= room - used) memcpy(text + room - 4, "...", 4);
}

enum flow_status flow_report_fail(struct flow_report *report, enum flow_status status,
                                  const char *format, ...) {
  report->status = status;
  report->message[0] = '\0';
  report->help[0] = '\0';
  va_list arguments;
  va_start(arguments, format);
  append(report->message, sizeof report->message, format, arguments);
  va_end(arguments);
  return status;
}

void flow_report_add(struct flow_report *report, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  append(report->message, sizeof report->message, format, arguments);
  va_end(arguments);
}

void flow_report_help(struct flow_report *report, const char *format, ...) {
  report->help[0] = '\0';
  va_list arguments;
  va_start(arguments, format);
  append(report->help, sizeof report->help, format, arguments);
  va_end(arguments);
}

static const char *errno_help(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return "make room on that disk, then run the same command again: it goes on from the last "
             "commit";
    case EFBIG: return "the file is as large as the file system or `ulimit -f` allows";
    case EACCES:
    case EPERM: return "check the owner and the permissions";
    case EROFS: return "the file system is mounted read-only";
    case EIO: return "the disk or its connection fails; see the kernel's log";
    case EMFILE:
    case ENFILE: return "too many open files: raise `ulimit -n`";
    default: return "";
  }
}

enum flow_status flow_report_errno(struct flow_report *report, enum flow_status otherwise, int error,
                                   const char *format, ...) {
  int code = error < 0 ? -error : error;
  enum flow_status status = otherwise;
  if (code == ENOSPC || code == EDQUOT || code == EFBIG) status = FLOW_E_FULL;
  if (code == ENOMEM) status = FLOW_E_MEMORY;
  flow_report_fail(report, status, "cannot ");
  va_list arguments;
  va_start(arguments, format);
  append(report->message, sizeof report->message, format, arguments);
  va_end(arguments);
  flow_report_add(report, ": %s", strerror(code));
  flow_report_help(report, "%s", errno_help(code));
  return status;
}
