/* A backup in a bucket of S3, or of a server that speaks its language, s3://BUCKET/PREFIX.
 *
 * The only file that knows libcurl. The library is opened when the first bucket is, so a program
 * that has no use for it neither needs it nor pays for loading it. Requests go through curl's
 * multi interface, because only there a wait can end at once when the run is told to stop. */
#include "backup_place.h"
#include "backup_sign.h"

#include "limits.h"
#include "mem.h"
#include "message.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Milliseconds between two looks whether the run was told to stop. */
#define LOOK_MS 100
/* Seconds for connecting, and seconds in which nearly nothing moves until a request is given up. */
#define CONNECT_S 10L
#define STALL_S 30L
#define STALL_BYTES_PER_S 100L
#define DEFAULT_REGION "us-east-1"

/* The functions of libcurl, with the types that its headers give them. */
struct curl_library {
  void *handle;
  __typeof__(curl_global_init) *global_init;
  __typeof__(curl_easy_init) *easy_init;
  __typeof__(curl_easy_setopt) *set;
  __typeof__(curl_easy_getinfo) *get;
  __typeof__(curl_easy_reset) *reset;
  __typeof__(curl_easy_cleanup) *easy_cleanup;
  __typeof__(curl_easy_strerror) *strerror;
  __typeof__(curl_multi_init) *multi_init;
  __typeof__(curl_multi_add_handle) *add_handle;
  __typeof__(curl_multi_remove_handle) *remove_handle;
  __typeof__(curl_multi_perform) *perform;
  __typeof__(curl_multi_poll) *poll;
  __typeof__(curl_multi_info_read) *info_read;
  __typeof__(curl_multi_cleanup) *multi_cleanup;
  __typeof__(curl_slist_append) *slist_append;
  __typeof__(curl_slist_free_all) *slist_free;
};

struct s3_place {
  struct backup_place place;
  const struct flow_sys *sys;
  struct backup_place_settings settings;
  struct curl_library curl;
  CURL *easy;
  CURLM *multi;
  struct flow_buf url;    /* of the bucket, without a slash at the end; zero-ended */
  struct flow_buf host;   /* as the Host header has it; zero-ended */
  struct flow_buf root;   /* the path of the bucket in the URL: "" or "/bucket"; zero-ended */
  struct flow_buf prefix; /* of keys: "" or "a/b/"; zero-ended */
  struct s3_credentials credentials;
  const char *region;
  long stall_s;
  char error[CURL_ERROR_SIZE];
};

/* A request and what came back. */
struct exchange {
  const char *method;
  const char *key; /* null: the bucket itself */
  const char *query;
  const void *payload;
  size_t length;
  bool is_new;  /* with If-None-Match */
  bool is_head; /* no body comes back */
  CURLcode code;
  long status;          /* of HTTP; 0: none came */
  struct flow_buf path; /* the encoded path */
  struct flow_buf body;
  struct curl_slist *headers;
};

static void add_text(struct flow_buf *out, const char *text) {
  flow_buf_add(out, text, strlen(text));
}

/* Puts a zero behind the text, which does not count. */
static void end_text(struct flow_buf *out) {
  flow_buf_reserve(out, 1);
  out->data[out->length] = '\0';
}

static bool is_cancelled(const struct s3_place *s) {
  return s->settings.is_cancelled != NULL && s->settings.is_cancelled(s->settings.context);
}

/* -- one request */

static size_t take_body(char *data, size_t size, size_t count, void *context) {
  flow_buf_add(context, data, size * count);
  return size * count;
}

/* The signature, as a list of headers, and those that curl would add by itself taken away. */
static void add_headers(struct s3_place *s, struct exchange *x) {
  const struct s3_request request = {.method = x->method,
                                     .host = s->host.data,
                                     .path = x->path.data,
                                     .query = x->query,
                                     .payload = x->payload,
                                     .payload_length = x->length,
                                     .header_name = x->is_new ? "if-none-match" : NULL,
                                     .header_value = x->is_new ? "*" : NULL,
                                     .time_us = s->sys->realtime_us(s->sys)};
  struct flow_buf lines = {0};
  s3_sign(&request, &s->credentials, s->region, &lines);
  if (x->is_new) add_text(&lines, "if-none-match: *\n");
  add_text(&lines, "Expect:\nContent-Type:\n");
  for (char *line = lines.data, *end; line < lines.data + lines.length; line = end + 1) {
    end = memchr(line, '\n', (size_t)(lines.data + lines.length - line));
    *end = '\0';
    x->headers = s->curl.slist_append(x->headers, line);
  }
  memset(lines.data, 0, lines.length);
  flow_buf_free(&lines);
}

static void configure(struct s3_place *s, struct exchange *x, const char *url) {
  const struct curl_library *c = &s->curl;
  c->reset(s->easy); /* keeps connections */
  c->set(s->easy, CURLOPT_URL, url);
  c->set(s->easy, CURLOPT_PATH_AS_IS, 1L);
  c->set(s->easy, CURLOPT_NOSIGNAL, 1L);
  c->set(s->easy, CURLOPT_USERAGENT, "flowcc");
  c->set(s->easy, CURLOPT_ERRORBUFFER, s->error);
  c->set(s->easy, CURLOPT_CONNECTTIMEOUT, s->stall_s < CONNECT_S ? s->stall_s : CONNECT_S);
  c->set(s->easy, CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES_PER_S);
  c->set(s->easy, CURLOPT_LOW_SPEED_TIME, s->stall_s);
#if LIBCURL_VERSION_NUM >= 0x075700
  c->set(s->easy, CURLOPT_QUICK_EXIT, 1L); /* a name server that is slow does not hold up the end */
#endif
  c->set(s->easy, CURLOPT_WRITEFUNCTION, take_body);
  c->set(s->easy, CURLOPT_WRITEDATA, (void *)&x->body);
  c->set(s->easy, CURLOPT_HTTPHEADER, x->headers);
  if (x->payload != NULL) {
    c->set(s->easy, CURLOPT_POSTFIELDS, x->payload);
    c->set(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->length);
  }
  if (x->is_head) c->set(s->easy, CURLOPT_NOBODY, 1L);
  else c->set(s->easy, CURLOPT_CUSTOMREQUEST, x->method);
}

/* Runs the configured request; false: cancelled. */
static bool perform(struct s3_place *s, struct exchange *x) {
  const struct curl_library *c = &s->curl;
  int running = 1, left;
  s->error[0] = '\0';
  x->code = CURLE_FAILED_INIT;
  if (c->add_handle(s->multi, s->easy) != CURLM_OK) return true;
  bool goes_on = true;
  while (goes_on && c->perform(s->multi, &running) == CURLM_OK && running > 0) {
    c->poll(s->multi, NULL, 0, LOOK_MS, NULL);
    goes_on = !is_cancelled(s);
  }
  for (CURLMsg *m; (m = c->info_read(s->multi, &left)) != NULL;)
    if (m->msg == CURLMSG_DONE) x->code = m->data.result;
  c->get(s->easy, CURLINFO_RESPONSE_CODE, &x->status);
  c->remove_handle(s->multi, s->easy);
  return goes_on;
}

/* Sends a request and receives the answer; false: cancelled. exchange_free() is the caller's. */
static bool exchange(struct s3_place *s, struct exchange *x) {
  if (is_cancelled(s)) return false;
  if (x->query == NULL) x->query = "";
  flow_buf_add(&x->path, s->root.data, s->root.length);
  flow_buf_add_char(&x->path, '/');
  if (x->key != NULL) {
    s3_encode(&x->path, s->prefix.data, s->prefix.length, true);
    s3_encode(&x->path, x->key, strlen(x->key), true);
  }
  end_text(&x->path);
  add_headers(s, x);
  struct flow_buf url = {0};
  flow_buf_add(&url, s->url.data, s->url.length);
  flow_buf_add(&url, x->path.data + s->root.length, x->path.length - s->root.length);
  if (x->query[0] != '\0') flow_buf_add_char(&url, '?');
  add_text(&url, x->query);
  end_text(&url);
  configure(s, x, url.data);
  bool goes_on = perform(s, x);
  flow_buf_free(&url);
  end_text(&x->body);
  return goes_on;
}

static void exchange_free(struct s3_place *s, struct exchange *x) {
  s->curl.slist_free(x->headers);
  flow_buf_free(&x->path);
  flow_buf_free(&x->body);
}

/* -- answers in XML: only the text of elements is of interest, and elements of one name do not
 * nest */

/* Finds the text of the first <name> at or behind *at, which moves behind it; decoded into *text,
 * zero-ended. False: there is none. */
static bool next_element(const char **at, const char *name, struct flow_buf *text) {
  static const struct {
    const char *entity;
    char c;
  } entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
  char open[64];
  snprintf(open, sizeof open, "<%s>", name);
  const char *p = strstr(*at, open);
  const char *end = p == NULL ? NULL : strchr(p + strlen(open), '<');
  if (end == NULL) return false;
  text->length = 0;
  for (p += strlen(open); p < end; p++) {
    char c = *p;
    if (c == '&' && p[1] == '#') {
      char *rest;
      c = (char)strtol(p + 2 + (p[2] == 'x'), &rest, p[2] == 'x' ? 16 : 10);
      p = rest;
    }
    for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++) {
      size_t length = strlen(entities[i].entity);
      if (strncmp(p, entities[i].entity, length) != 0) continue;
      c = entities[i].c;
      p += length - 1;
      break;
    }
    flow_buf_add_char(text, c);
  }
  end_text(text);
  *at = end;
  return true;
}

/* Fills the report for an answer that is not what was hoped for. */
static enum place_result refuse(struct s3_place *s, const struct exchange *x, const char *what,
                                struct flow_report *report) {
  if (x->status == 0 || x->code != CURLE_OK) {
    const char *why = s->error[0] != '\0' ? s->error : s->curl.strerror(x->code);
    flow_report_fail(report, FLOW_E_IO, "cannot %s %s: %s", what, s->settings.url, why);
    flow_report_help(report, "is %s the right endpoint, and can it be reached from here?",
                     s->host.data);
    bool is_lasting = x->code == CURLE_URL_MALFORMAT || x->code == CURLE_UNSUPPORTED_PROTOCOL ||
                      x->code == CURLE_PEER_FAILED_VERIFICATION;
    if (is_lasting) report->status = FLOW_E_MISMATCH;
    return is_lasting ? PLACE_REFUSED : PLACE_FAILED;
  }
  struct flow_buf code = {0}, message = {0};
  const char *at = x->body.data;
  bool has_code = next_element(&at, "Code", &code);
  bool has_message = has_code && next_element(&at, "Message", &message);
  bool is_passing = x->status == 408 || x->status == 409 || x->status == 429 || x->status >= 500 ||
                    (has_code && strcmp(code.data, "RequestTimeout") == 0);
  flow_report_fail(report, is_passing ? FLOW_E_IO : FLOW_E_MISMATCH,
                   "cannot %s %s: the server answers %ld%s%s%s%s", what, s->settings.url,
                   x->status, has_code ? " " : "", has_code ? code.data : "",
                   has_message ? ": " : "", has_message ? message.data : "");
  if (x->status == 403)
    flow_report_help(report, "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the clock; the "
                     "key needs the rights to list, get, put and delete objects there");
  else if (x->status == 404)
    flow_report_help(report, "make the bucket first, or correct its name");
  else if (x->status == 301 || x->status == 400)
    flow_report_help(report, "is the region right? It is %s; AWS_REGION sets another", s->region);
  flow_buf_free(&code);
  flow_buf_free(&message);
  return is_passing ? PLACE_FAILED : PLACE_REFUSED;
}

static bool is_good(const struct exchange *x) {
  return x->code == CURLE_OK && x->status >= 200 && x->status < 300;
}

/* -- the place */

/* Whether the object is there. Who may not list a bucket is told 403 for what is not there; then
 * the condition of the put has to tell. */
static enum place_result look_for(struct s3_place *s, const char *name,
                                  struct flow_report *report) {
  struct exchange x = {.method = "HEAD", .key = name, .is_head = true};
  enum place_result result = PLACE_CANCELLED;
  if (exchange(s, &x)) {
    if (is_good(&x)) result = PLACE_EXISTS;
    else if (x.code == CURLE_OK && (x.status == 404 || x.status == 403)) result = PLACE_OK;
    else result = refuse(s, &x, "look into", report);
  }
  exchange_free(s, &x);
  return result;
}

static enum place_result s3_put(struct backup_place *place, const char *name, const void *data,
                                size_t length, bool is_new, struct flow_report *report) {
  struct s3_place *s = (struct s3_place *)place;
  /* Some servers do not know conditions, and take no notice or refuse them: so it is also asked. */
  enum place_result result = is_new ? look_for(s, name, report) : PLACE_OK;
  for (bool has_condition = is_new; result == PLACE_OK;) {
    struct exchange x = {.method = "PUT", .key = name, .payload = data, .length = length,
                         .is_new = has_condition};
    bool is_unknown = false;
    if (!exchange(s, &x)) result = PLACE_CANCELLED;
    else if (is_good(&x)) result = PLACE_OK;
    else if (x.code == CURLE_OK && x.status == 412) result = PLACE_EXISTS;
    else if (x.code == CURLE_OK && x.status == 501 && has_condition) is_unknown = true;
    else result = refuse(s, &x, "write to", report);
    exchange_free(s, &x);
    if (!is_unknown) break;
    has_condition = false;
  }
  return result;
}

static enum place_result s3_get(struct backup_place *place, const char *name, struct flow_buf *out,
                                struct flow_report *report) {
  struct s3_place *s = (struct s3_place *)place;
  struct exchange x = {.method = "GET", .key = name};
  enum place_result result = PLACE_CANCELLED;
  out->length = 0;
  if (exchange(s, &x)) {
    bool is_missing = x.code == CURLE_OK && x.status == 404 &&
                      strstr(x.body.data, "NoSuchBucket") == NULL;
    if (is_good(&x)) result = PLACE_OK;
    else if (is_missing) result = PLACE_MISSING;
    else result = refuse(s, &x, "read from", report);
    if (is_good(&x)) flow_buf_add(out, x.body.data, x.body.length);
  }
  exchange_free(s, &x);
  return result;
}

/* Hands out the names of one page of a listing; false: they are enough. */
static bool take_names(struct s3_place *s, const char *page, place_name name, void *context) {
  struct flow_buf key = {0};
  bool goes_on = true;
  while (goes_on && next_element(&page, "Key", &key)) {
    if (key.length > s->prefix.length && memcmp(key.data, s->prefix.data, s->prefix.length) == 0)
      goes_on = name(context, key.data + s->prefix.length);
  }
  flow_buf_free(&key);
  return goes_on;
}

static enum place_result s3_list(struct backup_place *place, const char *folder, place_name name,
                                 void *context, struct flow_report *report) {
  struct s3_place *s = (struct s3_place *)place;
  struct flow_buf token = {0};
  enum place_result result;
  bool has_more;
  do {
    struct flow_buf query = {0};
    if (token.length > 0) {
      add_text(&query, "continuation-token=");
      s3_encode(&query, token.data, token.length, false);
      flow_buf_add_char(&query, '&');
    }
    add_text(&query, "list-type=2&prefix=");
    s3_encode(&query, s->prefix.data, s->prefix.length, false);
    s3_encode(&query, folder, strlen(folder), false);
    end_text(&query);
    struct exchange x = {.method = "GET", .query = query.data};
    has_more = false;
    if (!exchange(s, &x)) {
      result = PLACE_CANCELLED;
    } else if (!is_good(&x)) {
      result = refuse(s, &x, "list", report);
    } else {
      const char *at = x.body.data;
      result = PLACE_OK;
      has_more = take_names(s, x.body.data, name, context) &&
                 next_element(&at, "NextContinuationToken", &token) && token.length > 0;
    }
    exchange_free(s, &x);
    flow_buf_free(&query);
  } while (has_more);
  flow_buf_free(&token);
  return result;
}

static enum place_result s3_remove(struct backup_place *place, const char *name,
                                   struct flow_report *report) {
  struct s3_place *s = (struct s3_place *)place;
  struct exchange x = {.method = "DELETE", .key = name};
  enum place_result result = PLACE_CANCELLED;
  if (exchange(s, &x))
    result = is_good(&x) || (x.code == CURLE_OK && x.status == 404)
                 ? PLACE_OK
                 : refuse(s, &x, "delete from", report);
  exchange_free(s, &x);
  return result;
}

static void s3_close(struct backup_place *place) {
  struct s3_place *s = (struct s3_place *)place;
  if (s->easy != NULL) s->curl.easy_cleanup(s->easy);
  if (s->multi != NULL) s->curl.multi_cleanup(s->multi);
  /* The library stays: what it has registered with the process cannot be taken back. */
  struct flow_buf *const texts[] = {&s->url, &s->host, &s->root, &s->prefix};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) flow_buf_free(texts[i]);
  s->sys->free(s->sys, s);
}

/* -- opening */

static const char *from_environment(const char *first, const char *second) {
  const char *text = getenv(first);
  if ((text == NULL || text[0] == '\0') && second != NULL) text = getenv(second);
  return text != NULL && text[0] != '\0' ? text : NULL;
}

static bool load(struct curl_library *c, struct flow_report *report) {
  static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
  for (size_t i = 0; i < 2 && c->handle == NULL; i++) c->handle = dlopen(names[i], RTLD_NOW);
  if (c->handle == NULL) {
    flow_report_fail(report, FLOW_E_MISMATCH, "a backup to s3:// needs libcurl, which is not "
                     "installed here");
    flow_report_help(report, "install it (Debian and Ubuntu: apt-get install libcurl4)");
    return false;
  }
  const struct {
    void *to;
    const char *name;
  } wanted[] = {
      {&c->global_init, "curl_global_init"},   {&c->easy_init, "curl_easy_init"},
      {&c->set, "curl_easy_setopt"},           {&c->get, "curl_easy_getinfo"},
      {&c->reset, "curl_easy_reset"},          {&c->easy_cleanup, "curl_easy_cleanup"},
      {&c->strerror, "curl_easy_strerror"},    {&c->multi_init, "curl_multi_init"},
      {&c->add_handle, "curl_multi_add_handle"}, {&c->remove_handle, "curl_multi_remove_handle"},
      {&c->perform, "curl_multi_perform"},     {&c->poll, "curl_multi_poll"},
      {&c->info_read, "curl_multi_info_read"}, {&c->multi_cleanup, "curl_multi_cleanup"},
      {&c->slist_append, "curl_slist_append"}, {&c->slist_free, "curl_slist_free_all"},
  };
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
    void *found = dlsym(c->handle, wanted[i].name);
    if (found != NULL) {
      memcpy(wanted[i].to, &found, sizeof found);
      continue;
    }
    flow_report_fail(report, FLOW_E_MISMATCH, "the libcurl that is installed here is too old: it "
                     "has no %s; 7.68 or newer is needed", wanted[i].name);
    return false;
  }
  return c->global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

/* Takes the bucket and the prefix from the URL, and the endpoint from the settings: a server of
 * one's own is addressed as SERVER/BUCKET, Amazon's as BUCKET.s3.REGION.amazonaws.com. */
static bool address(struct s3_place *s, struct flow_report *report) {
  const char *bucket = s->settings.url + strlen("s3://");
  size_t length = strcspn(bucket, "/");
  const char *prefix = bucket + length + (bucket[length] == '/');
  size_t rest = strlen(prefix);
  while (rest > 0 && prefix[rest - 1] == '/') rest--;
  flow_buf_add(&s->prefix, prefix, rest);
  if (rest > 0) flow_buf_add_char(&s->prefix, '/');
  const char *endpoint = s->settings.s3_endpoint;
  if (endpoint == NULL) endpoint = from_environment("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
  bool has_dot = memchr(bucket, '.', length) != NULL; /* then no certificate fits the host's name */
  if (endpoint != NULL && strncmp(endpoint, "http://", 7) != 0 &&
      strncmp(endpoint, "https://", 8) != 0) {
    flow_report_fail(report, FLOW_E_USAGE, "the S3 endpoint %s: expected http://… or https://…",
                     endpoint);
    return false;
  }
  if (endpoint != NULL) {
    size_t end = strlen(endpoint);
    while (endpoint[end - 1] == '/') end--;
    flow_buf_add(&s->url, endpoint, end);
  } else {
    add_text(&s->url, "https://");
    if (!has_dot) message_add(&s->url, "%.*s.", (int)length, bucket);
    message_add(&s->url, "s3.%s.amazonaws.com", s->region);
  }
  end_text(&s->url);
  const char *host = strstr(s->url.data, "://") + 3;
  size_t host_length = strcspn(host, "/");
  flow_buf_add(&s->host, host, host_length);
  const char *usual = strncmp(s->url.data, "https:", 6) == 0 ? ":443" : ":80"; /* is never sent */
  size_t usual_length = strlen(usual);
  if (s->host.length > usual_length &&
      memcmp(s->host.data + s->host.length - usual_length, usual, usual_length) == 0)
    s->host.length -= usual_length;
  add_text(&s->root, host + host_length);
  if (endpoint != NULL || has_dot) {
    flow_buf_add_char(&s->root, '/');
    s3_encode(&s->root, bucket, length, false);
    flow_buf_add_char(&s->url, '/');
    s3_encode(&s->url, bucket, length, false);
  }
  struct flow_buf *const texts[] = {&s->url, &s->host, &s->root, &s->prefix};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) end_text(texts[i]);
  return true;
}

static bool identify(struct s3_place *s, struct flow_report *report) {
  s->credentials.key_id = from_environment("AWS_ACCESS_KEY_ID", NULL);
  s->credentials.secret = from_environment("AWS_SECRET_ACCESS_KEY", NULL);
  s->credentials.token = from_environment("AWS_SESSION_TOKEN", NULL);
  s->region = from_environment("AWS_REGION", "AWS_DEFAULT_REGION");
  if (s->region == NULL) s->region = DEFAULT_REGION;
  const char *stall = from_environment("FLOW_S3_TIMEOUT", NULL);
  s->stall_s = stall == NULL ? 0 : strtol(stall, NULL, 10);
  if (s->stall_s <= 0) s->stall_s = STALL_S;
  if (s->credentials.key_id != NULL && s->credentials.secret != NULL) return true;
  flow_report_fail(report, FLOW_E_MISMATCH, "a backup to s3:// needs credentials: %s is not set",
                   s->credentials.key_id == NULL ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY");
  flow_report_help(report, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment "
                   "(and AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL where they apply)");
  return false;
}

enum flow_status backup_s3_open(const struct flow_sys *sys,
                                const struct backup_place_settings *settings,
                                struct backup_place **opened, struct flow_report *report) {
  struct s3_place *s = flow_sys_must_alloc(sys, sizeof *s);
  *s = (struct s3_place){.place = {s3_put, s3_get, s3_list, s3_remove, s3_close}, .sys = sys,
                         .settings = *settings};
  *opened = NULL;
  flow_report_fail(report, FLOW_E_MISMATCH, "libcurl cannot be used");
  bool ok = identify(s, report) && address(s, report) && load(&s->curl, report);
  if (ok) {
    s->easy = s->curl.easy_init();
    s->multi = s->curl.multi_init();
    ok = s->easy != NULL && s->multi != NULL;
  }
  if (ok) *opened = &s->place;
  else s3_close(&s->place);
  return ok ? FLOW_OK : report->status;
}
