/* Signatures of requests to S3 (AWS Signature Version 4), and the SHA-256 that they are made of.
 *
 * Pure functions over memory: the tests compare them with the values that AWS publishes. libcurl
 * can sign, too, but which headers and queries it signs rightly differs from version to version,
 * and the hash of the payload is left to the caller in any case.
 *
 *   struct s3_request request = {.method = "PUT", .host = "b.s3.amazonaws.com", .path = "/a/b",
 *                                .query = "", .payload = data, .payload_length = length,
 *                                .time_us = now};
 *   struct flow_buf headers = {0};
 *   s3_sign(&request, &credentials, "eu-central-1", &headers);     one header a line */
#ifndef FLOW_BACKUP_SIGN_H
#define FLOW_BACKUP_SIGN_H

#include "flow/value.h"

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32

void sha256(const void *data, size_t length, uint8_t hash[SHA256_SIZE]);
void hmac_sha256(const void *key, size_t key_length, const void *data, size_t length,
                 uint8_t hash[SHA256_SIZE]);

struct s3_credentials {
  const char *key_id, *secret;
  const char *token; /* of a session; null or empty: none */
};

struct s3_request {
  const char *method;
  const char *host;  /* with the port if the URL has one */
  const char *path;  /* as it stands in the URL: percent-encoded */
  const char *query; /* the same, without `?`; its parameters sorted by name */
  const void *payload;
  size_t payload_length;
  /* A header of the request that is signed beside host and x-amz-*: "if-none-match", "*"; or
   * null. Its name comes behind "host" and before "x-amz". */
  const char *header_name, *header_value;
  int64_t time_us; /* microseconds since 1970 */
};

/* Appends the headers that the request needs, each ending in a newline: authorization, x-amz-date,
 * x-amz-content-sha256 and x-amz-security-token. */
void s3_sign(const struct s3_request *, const struct s3_credentials *, const char *region,
             struct flow_buf *headers);

/* Appends text with every byte but letters, digits, - . _ ~ (and / if it `keeps_slash`) as %XX. */
void s3_encode(struct flow_buf *, const char *text, size_t length, bool keeps_slash);

#endif
