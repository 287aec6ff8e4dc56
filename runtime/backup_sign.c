#include "backup_sign.h"

#include "flow/time.h"
#include "message.h"

#include <stdio.h>
#include <string.h>

/* -- SHA-256 (FIPS 180-4) */

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

#define SHA_BLOCK 64

struct sha {
  uint32_t h[8];
  uint8_t block[SHA_BLOCK];
  size_t used; /* bytes of the block */
  uint64_t length;
};

static uint32_t turn(uint32_t x, unsigned bits) {
  return x >> bits | x << (32 - bits);
}

static void sha_block(uint32_t h[8], const uint8_t *p) {
  uint32_t w[64], s[8];
  for (int i = 0; i < 16; i++, p += 4)
    w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
  for (int i = 16; i < 64; i++) {
    uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[i - 7] +
           (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
  }
  memcpy(s, h, sizeof s);
  for (int i = 0; i < 64; i++) {
    uint32_t e = s[4], a = s[0];
    uint32_t t1 = s[7] + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & s[5]) ^ (~e & s[6])) +
                  round_constants[i] + w[i];
    uint32_t t2 = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) +
                  ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += t1;
    s[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) h[i] += s[i];
}

static void sha_init(struct sha *sha) {
  *sha = (struct sha){.h = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                            0x1f83d9ab, 0x5be0cd19}};
}

static void sha_add(struct sha *sha, const void *data, size_t length) {
  const uint8_t *p = data;
  sha->length += length;
  while (length > 0) {
    if (sha->used == 0 && length >= SHA_BLOCK) {
      sha_block(sha->h, p);
      p += SHA_BLOCK;
      length -= SHA_BLOCK;
      continue;
    }
    size_t n = SHA_BLOCK - sha->used < length ? SHA_BLOCK - sha->used : length;
    memcpy(sha->block + sha->used, p, n);
    sha->used += n;
    p += n;
    length -= n;
    if (sha->used < SHA_BLOCK) break;
    sha_block(sha->h, sha->block);
    sha->used = 0;
  }
}

static void sha_end(struct sha *sha, uint8_t hash[SHA256_SIZE]) {
  uint64_t bits = sha->length * 8;
  static const uint8_t padding[SHA_BLOCK] = {0x80};
  size_t room = sha->used < 56 ? 56 - sha->used : 56 + SHA_BLOCK - sha->used;
  sha_add(sha, padding, room);
  uint8_t length[8];
  for (int i = 0; i < 8; i++) length[i] = (uint8_t)(bits >> (56 - 8 * i));
  sha_add(sha, length, sizeof length);
  for (int i = 0; i < SHA256_SIZE; i++) hash[i] = (uint8_t)(sha->h[i / 4] >> (24 - i % 4 * 8));
}

void sha256(const void *data, size_t length, uint8_t hash[SHA256_SIZE]) {
  struct sha sha;
  sha_init(&sha);
  sha_add(&sha, data, length);
  sha_end(&sha, hash);
}

void hmac_sha256(const void *key, size_t key_length, const void *data, size_t length,
                 uint8_t hash[SHA256_SIZE]) {
  uint8_t padded[SHA_BLOCK] = {0};
  if (key_length > SHA_BLOCK) sha256(key, key_length, padded);
  else if (key_length > 0) memcpy(padded, key, key_length);
  struct sha sha;
  for (int i = 0; i < SHA_BLOCK; i++) padded[i] ^= 0x36;
  sha_init(&sha);
  sha_add(&sha, padded, sizeof padded);
  sha_add(&sha, data, length);
  sha_end(&sha, hash);
  for (int i = 0; i < SHA_BLOCK; i++) padded[i] ^= 0x36 ^ 0x5c;
  sha_init(&sha);
  sha_add(&sha, padded, sizeof padded);
  sha_add(&sha, hash, SHA256_SIZE);
  sha_end(&sha, hash);
}

/* -- texts */

static void add(struct flow_buf *out, const char *text) {
  flow_buf_add(out, text, strlen(text));
}

static void hex(const uint8_t hash[SHA256_SIZE], char text[2 * SHA256_SIZE + 1]) {
  for (int i = 0; i < SHA256_SIZE; i++) snprintf(text + 2 * i, 3, "%02x", hash[i]);
}

void s3_encode(struct flow_buf *out, const char *text, size_t length, bool keeps_slash) {
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)text[i];
    bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '.' || c == '_' || c == '~' || (c == '/' && keeps_slash);
    char escaped[4];
    if (is_plain) flow_buf_add_char(out, (char)c);
    else flow_buf_add(out, escaped, (size_t)snprintf(escaped, sizeof escaped, "%%%02X", c));
  }
}

/* 20130524T000000Z */
static void stamp_of(int64_t time_us, char stamp[17]) {
  struct flow_buf text = {0};
  flow_print_timestamp(&text, time_us); /* 2013-05-24T00:00:00Z, perhaps with a fraction */
  size_t length = 0;
  for (size_t i = 0; i < text.length && length < 15; i++)
    if (text.data[i] != '-' && text.data[i] != ':') stamp[length++] = text.data[i];
  memcpy(stamp + length, "Z", 2);
  flow_buf_free(&text);
}

/* -- signing */

static const char signed_always[] = "x-amz-content-sha256;x-amz-date";

/* Appends the canonical request; `names` gets the list of signed headers. */
static void canonical(const struct s3_request *r, const char *token, const char *payload_hash,
                      const char *stamp, struct flow_buf *out, struct flow_buf *names) {
  add(names, "host;");
  if (r->header_name != NULL) message_add(names, "%s;", r->header_name);
  add(names, signed_always);
  if (token != NULL) add(names, ";x-amz-security-token");
  message_add(out, "%s\n", r->method);
  add(out, r->path);
  add(out, "\n");
  add(out, r->query);
  message_add(out, "\nhost:%s\n", r->host);
  if (r->header_name != NULL) message_add(out, "%s:%s\n", r->header_name, r->header_value);
  message_add(out, "x-amz-content-sha256:%s\nx-amz-date:%s\n", payload_hash, stamp);
  if (token != NULL) {
    add(out, "x-amz-security-token:");
    add(out, token);
    add(out, "\n");
  }
  add(out, "\n");
  flow_buf_add(out, names->data, names->length);
  message_add(out, "\n%s", payload_hash);
}

/* The key of the day, region and service. */
static void signing_key(const char *secret, const char *day, const char *region,
                        uint8_t key[SHA256_SIZE]) {
  struct flow_buf first = {0};
  add(&first, "AWS4");
  add(&first, secret);
  hmac_sha256(first.data, first.length, day, strlen(day), key);
  hmac_sha256(key, SHA256_SIZE, region, strlen(region), key);
  hmac_sha256(key, SHA256_SIZE, "s3", 2, key);
  hmac_sha256(key, SHA256_SIZE, "aws4_request", 12, key);
  memset(first.data, 0, first.length);
  flow_buf_free(&first);
}

void s3_sign(const struct s3_request *r, const struct s3_credentials *credentials,
             const char *region, struct flow_buf *headers) {
  const char *token = credentials->token;
  if (token != NULL && token[0] == '\0') token = NULL;
  uint8_t hash[SHA256_SIZE], key[SHA256_SIZE];
  char payload_hash[2 * SHA256_SIZE + 1], text[2 * SHA256_SIZE + 1], stamp[17], day[9];
  stamp_of(r->time_us, stamp);
  snprintf(day, sizeof day, "%.8s", stamp);
  sha256(r->payload, r->payload_length, hash);
  hex(hash, payload_hash);
  struct flow_buf request = {0}, names = {0}, to_sign = {0};
  canonical(r, token, payload_hash, stamp, &request, &names);
  sha256(request.data, request.length, hash);
  hex(hash, text);
  message_add(&to_sign, "AWS4-HMAC-SHA256\n%s\n%s/%s/s3/aws4_request\n%s", stamp, day, region,
              text);
  signing_key(credentials->secret, day, region, key);
  hmac_sha256(key, sizeof key, to_sign.data, to_sign.length, hash);
  hex(hash, text);
  message_add(headers, "x-amz-date: %s\nx-amz-content-sha256: %s\n", stamp, payload_hash);
  if (token != NULL) {
    add(headers, "x-amz-security-token: ");
    add(headers, token);
    add(headers, "\n");
  }
  message_add(headers, "authorization: AWS4-HMAC-SHA256 Credential=%s/%s/%s/s3/aws4_request, "
              "SignedHeaders=%.*s, Signature=%s\n", credentials->key_id, day, region,
              (int)names.length, names.data, text);
  flow_buf_free(&request);
  flow_buf_free(&names);
  flow_buf_free(&to_sign);
}
