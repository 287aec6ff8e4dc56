#include "sys.h"

#include <errno.h>

int flow_sys_write_all(const struct flow_sys *sys, int fd, const void *data, size_t size) {
  const char *p = data;
  while (size > 0) {
    int64_t n = sys->write(sys, fd, p, size);
    if (n < 0) return (int)n;
    if (n == 0) return -EIO; /* the system took nothing and gave no reason: never spin */
    p += n;
    size -= (size_t)n;
  }
  return 0;
}

int flow_sys_pwrite_all(const struct flow_sys *sys, int fd, const void *data, size_t size,
                        uint64_t offset) {
  const char *p = data;
  while (size > 0) {
    int64_t n = sys->pwrite(sys, fd, p, size, offset);
    if (n < 0) return (int)n;
    if (n == 0) return -EIO;
    p += n;
    size -= (size_t)n;
    offset += (uint64_t)n;
  }
  return 0;
}

int64_t flow_sys_pread_all(const struct flow_sys *sys, int fd, void *data, size_t size,
                           uint64_t offset) {
  char *p = data;
  size_t done = 0;
  while (done < size) {
    int64_t n = sys->pread(sys, fd, p + done, size - done, offset + done);
    if (n < 0) return n;
    if (n == 0) break;
    done += (size_t)n;
  }
  return (int64_t)done;
}

int flow_sys_sleep(const struct flow_sys *sys, int64_t duration_us) {
  if (duration_us <= 0) return 0;
  int n = sys->wait(sys, NULL, 0, duration_us);
  return n < 0 ? n : 0;
}
