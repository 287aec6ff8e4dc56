/* Hashes and signatures, against values that others publish: FIPS 180-4, RFC 4231, and the examples
 * in Amazon's description of Signature Version 4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup_sign.h"

static void expect_hash(const uint8_t hash[SHA256_SIZE], const char *expected) {
  char text[2 * SHA256_SIZE + 1];
  for (int i = 0; i < SHA256_SIZE; i++) snprintf(text + 2 * i, 3, "%02x", hash[i]);
  assert_string_equal(text, expected);
}

static void test_sha256(void **state) {
  (void)state;
  uint8_t hash[SHA256_SIZE];
  sha256("", 0, hash);
  expect_hash(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  sha256("abc", 3, hash);
  expect_hash(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const char *two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  sha256(two_blocks, strlen(two_blocks), hash);
  expect_hash(hash, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  char *million = malloc(1000000);
  memset(million, 'a', 1000000);
  sha256(million, 1000000, hash);
  expect_hash(hash, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  free(million);
}

/* Lengths around the ends of blocks, against Python's. */
static void test_sha256_of_all_lengths(void **state) {
  (void)state;
  uint8_t hash[SHA256_SIZE], all[SHA256_SIZE], joined[130 * SHA256_SIZE];
  char text[130];
  for (int length = 0; length < 130; length++) {
    memset(text, 'x', sizeof text);
    sha256(text, (size_t)length, hash);
    memcpy(joined + length * SHA256_SIZE, hash, SHA256_SIZE);
  }
  sha256(joined, sizeof joined, all);
  /* python3 -c 'import hashlib as h; print(h.sha256(b"".join(h.sha256(b"x"*n).digest()
   *             for n in range(130))).hexdigest())' */
  expect_hash(all, "6d0989028287a2bd990515b95658bb810cf688b69517dfc49e4b3778e0b6d923");
}

static void test_hmac(void **state) {
  (void)state;
  uint8_t hash[SHA256_SIZE], key[131];
  hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, hash);
  expect_hash(hash, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  memset(key, 0xaa, sizeof key); /* longer than a block */
  const char *text = "Test Using Larger Than Block-Size Key - Hash Key First";
  hmac_sha256(key, sizeof key, text, strlen(text), hash);
  expect_hash(hash, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* The examples' credentials, bucket and time: 2013-05-24T00:00:00Z. */
static const struct s3_credentials example = {
    .key_id = "AKIAIOSFODNN7EXAMPLE", .secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};

static void expect_signature(struct s3_request request, const char *names, const char *expected) {
  request.host = "examplebucket.s3.amazonaws.com";
  request.time_us = INT64_C(1369353600000000);
  request.payload = "";
  struct flow_buf headers = {0};
  s3_sign(&request, &example, "us-east-1", &headers);
  flow_buf_add(&headers, "", 1);
  char wanted[512];
  snprintf(wanted, sizeof wanted,
           "authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
           "aws4_request, SignedHeaders=%s, Signature=%s\n", names, expected);
  assert_non_null(strstr(headers.data, wanted));
  assert_non_null(strstr(headers.data, "x-amz-date: 20130524T000000Z\n"));
  assert_null(strstr(headers.data, "token"));
  flow_buf_free(&headers);
}

static void test_examples_of_amazon(void **state) {
  (void)state;
  expect_signature((struct s3_request){.method = "GET", .path = "/test.txt", .query = "",
                                       .header_name = "range", .header_value = "bytes=0-9"},
                   "host;range;x-amz-content-sha256;x-amz-date",
                   "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  expect_signature((struct s3_request){.method = "GET", .path = "/", .query = "lifecycle="},
                   "host;x-amz-content-sha256;x-amz-date",
                   "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  expect_signature((struct s3_request){.method = "GET", .path = "/",
                                       .query = "max-keys=2&prefix=J"},
                   "host;x-amz-content-sha256;x-amz-date",
                   "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

static void test_a_token_is_signed(void **state) {
  (void)state;
  const struct s3_credentials session = {"id", "secret", "the/token+="};
  const struct s3_request request = {.method = "GET", .host = "h", .path = "/", .query = "",
                                     .payload = ""};
  struct flow_buf headers = {0};
  s3_sign(&request, &session, "r", &headers);
  flow_buf_add(&headers, "", 1);
  assert_non_null(strstr(headers.data, "x-amz-security-token: the/token+=\n"));
  assert_non_null(strstr(headers.data, "x-amz-date;x-amz-security-token,"));
  assert_null(strstr(headers.data, "secret,"));
  flow_buf_free(&headers);
}

static void test_encoding(void **state) {
  (void)state;
  struct flow_buf out = {0};
  s3_encode(&out, "a b/~-._+&=\xc3\xbc%", 14, true);
  s3_encode(&out, "/", 1, false);
  flow_buf_add(&out, "", 1);
  assert_string_equal(out.data, "a%20b/~-._%2B%26%3D%C3%BC%25%2F");
  flow_buf_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sha256),
      cmocka_unit_test(test_sha256_of_all_lengths),
      cmocka_unit_test(test_hmac),
      cmocka_unit_test(test_examples_of_amazon),
      cmocka_unit_test(test_a_token_is_signed),
      cmocka_unit_test(test_encoding),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
