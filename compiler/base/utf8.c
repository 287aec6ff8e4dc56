#include "base/utf8.h"

size_t utf8_decode(const char *bytes, size_t length, uint32_t *code_point) {
  const unsigned char *b = (const unsigned char *)bytes;
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (b[0] < 0x80) {
    *code_point = b[0];
    return 1;
  }
  size_t count = b[0] >= 0xF0 ? 4 : b[0] >= 0xE0 ? 3 : 2;
  if (b[0] < 0xC2 || b[0] > 0xF4 || count > length) return 0;
  uint32_t value = b[0] & (0x7Fu >> count);
  for (size_t i = 1; i < count; i++) {
    if ((b[i] & 0xC0) != 0x80) return 0;
    value = value << 6 | (b[i] & 0x3Fu);
  }
  if (value < least[count] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return 0;
  *code_point = value;
  return count;
}

size_t utf8_encode(uint32_t code_point, char bytes[4]) {
  if (code_point < 0x80) {
    bytes[0] = (char)code_point;
    return 1;
  }
  size_t count = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
  for (size_t i = count; --i > 0; code_point >>= 6) bytes[i] = (char)(0x80 | (code_point & 0x3F));
  bytes[0] = (char)((0xF00u >> count & 0xFF) | code_point);
  return count;
}

int utf8_width(uint32_t code_point) {
  static const struct {
    uint32_t first, last;
    int width;
  } ranges[] = {
      {0x0300, 0x036F, 0},   {0x0483, 0x0489, 0},   {0x0591, 0x05BD, 0},   {0x064B, 0x065F, 0},
      {0x1100, 0x115F, 2},   {0x1AB0, 0x1AFF, 0},   {0x1DC0, 0x1DFF, 0},   {0x200B, 0x200F, 0},
      {0x20D0, 0x20FF, 0},   {0x2E80, 0x303E, 2},   {0x3041, 0x33FF, 2},   {0x3400, 0x4DBF, 2},
      {0x4E00, 0x9FFF, 2},   {0xA000, 0xA4CF, 2},   {0xAC00, 0xD7A3, 2},   {0xF900, 0xFAFF, 2},
      {0xFE00, 0xFE0F, 0},   {0xFE20, 0xFE2F, 0},   {0xFE30, 0xFE6F, 2},   {0xFEFF, 0xFEFF, 0},
      {0xFF00, 0xFF60, 2},   {0xFFE0, 0xFFE6, 2},   {0x1F300, 0x1F64F, 2}, {0x1F680, 0x1F6FF, 2},
      {0x1F900, 0x1FAFF, 2}, {0x20000, 0x3FFFD, 2}, {0xE0100, 0xE01EF, 0},
  };
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
    if (code_point < ranges[i].first) return 1;
    if (code_point <= ranges[i].last) return ranges[i].width;
  }
  return 1;
}

size_t utf8_columns(const char *bytes, size_t length) {
  size_t columns = 0;
  for (size_t i = 0; i < length;) {
    uint32_t code_point;
    size_t count = utf8_decode(bytes + i, length - i, &code_point);
    columns += count > 0 ? (size_t)utf8_width(code_point) : 1;
    i += count > 0 ? count : 1;
  }
  return columns;
}
