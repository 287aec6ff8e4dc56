"""A small S3 server on loopback that checks the signature of every request, and misbehaves on demand.

It keeps objects in memory, or hands requests on to another server (`upstream`) that does not check
signatures. Not one line of it is shared with the runtime: what it accepts follows from the text of
Signature Version 4 alone.
"""

import hashlib
import hmac
import http.client
import http.server
import socket
import threading
import time
import urllib.parse
from xml.sax.saxutils import escape

KEY, SECRET, TOKEN, REGION = "AKIATEST", "se/cr+et&1234567890", "to/k+en=", "eu-test-1"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN,
               "AWS_REGION": REGION, "no_proxy": "127.0.0.1"}
PAGE = 3  # names in one page of a listing, so that there are several


def signature(secret, region, stamp, method, path, query, headers, names, payload_hash):
    """What the Authorization header has to end with."""
    pairs = sorted(tuple(urllib.parse.quote(part, safe="-._~") for part in pair)
                   for pair in urllib.parse.parse_qsl(query, keep_blank_values=True))
    decoded = urllib.parse.unquote_to_bytes(path)
    canonical = "\n".join([
        method, urllib.parse.quote(decoded, safe="/-._~"), "&".join("=".join(pair) for pair in pairs),
        *(f"{name}:{' '.join(headers[name].split())}" for name in names), "", ";".join(names), payload_hash])
    day = stamp[:8]
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, f"{day}/{region}/s3/aws4_request",
                      hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + secret.encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


class Server:
    """Use as a context manager. `misbehave(number, method, key)` may return, for each request,
    "cut" (close without an answer), "lost" (do it, then close), "half" (half of the answer), "slow" (never
    answer), a number of HTTP, a function to be called, or None."""

    def __init__(self, misbehave=None, upstream=None, bucket="bucket", knows_conditions=True):
        self.misbehave, self.upstream, self.bucket = misbehave, upstream, bucket
        self.knows_conditions = knows_conditions
        self.objects, self.requests, self.complaints = {}, [], []
        self.lock = threading.Lock()
        server = self

        class Handler(_Handler):
            owner = server

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.port = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._http.shutdown()
        self._http.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner = None

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", kind="application/xml", half=False):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if half else body)
        if half:
            self.cut()

    def refuse(self, status, code, message):
        self.answer(status, f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>'
                            f'{escape(message)}</Message></Error>'.encode())

    def cut(self):
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def complaint(self, body):
        """What is wrong with the signature, or None."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        fields = dict(part.split("=", 1) for part in
                      headers.get("authorization", "x ").split(" ", 1)[1].replace(" ", "").split(",") if "=" in part)
        if set(fields) != {"Credential", "SignedHeaders", "Signature"}:
            return f"no signature: {headers.get('authorization')}"
        key, day, region, service, end = fields["Credential"].split("/")
        stamp, names = headers.get("x-amz-date", ""), fields["SignedHeaders"].split(";")
        if (key, region, service, end) != (KEY, REGION, "s3", "aws4_request"):
            return f"credential {fields['Credential']}"
        if stamp[:8] != day or abs(time.time() - time.mktime(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
                                   + time.timezone) > 900:
            return f"time {stamp}"
        if headers.get("x-amz-security-token") != TOKEN:
            return "token"
        must = {"host", *(name for name in headers if name.startswith("x-amz-"))}
        if names != sorted(names) or not must <= set(names):
            return f"signed headers {names}, needed {must}"
        payload_hash = hashlib.sha256(body).hexdigest()
        if headers.get("x-amz-content-sha256") != payload_hash:
            return "hash of the payload"
        path, _, query = self.path.partition("?")
        right = signature(SECRET, region, stamp, self.command, path, query, headers, names, payload_hash)
        return None if hmac.compare_digest(right, fields["Signature"]) else "signature"

    def handle_request(self):
        owner = self.owner
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        bucket, _, key = urllib.parse.unquote(path)[1:].partition("/")
        with owner.lock:
            owner.requests.append((self.command, key))
            number = len(owner.requests)
        how = owner.misbehave(number, self.command, key) if owner.misbehave else None
        if callable(how):
            how = how()
        if how == "cut":
            return self.cut()
        if how == "slow":
            time.sleep(30)
            return self.cut()
        wrong = self.complaint(body)
        if wrong:
            owner.complaints.append(f"{self.command} {self.path}: {wrong}")
            return self.refuse(403, "SignatureDoesNotMatch", f"The signature is wrong & refused: {wrong}")
        if isinstance(how, int):
            return self.refuse(how, "InternalError" if how >= 500 else "AccessDenied", "as the test wants it")
        if how == "lost":
            self.answer = lambda *_, **__: self.cut()
        if bucket != owner.bucket:
            return self.refuse(404, "NoSuchBucket", "The specified bucket does not exist")
        if owner.upstream:
            return self.hand_on(body)
        with owner.lock:
            return self.serve(key, query, body, how == "half")

    def serve(self, key, query, body, half):
        objects = self.owner.objects
        if self.command == "PUT":
            if self.owner.knows_conditions and self.headers.get("If-None-Match") == "*" and key in objects:
                return self.refuse(412, "PreconditionFailed", "At least one of the conditions did not hold")
            objects[key] = body
            return self.answer(200)
        if self.command == "DELETE":
            objects.pop(key, None)
            return self.answer(204)
        if key:
            if key not in objects:
                return self.refuse(404, "NoSuchKey", "The specified key does not exist.")
            return self.answer(200, objects[key], "application/octet-stream", half)
        query = dict(urllib.parse.parse_qsl(query))
        after = query.get("continuation-token", "")
        names = sorted(name for name in objects if name.startswith(query["prefix"]) and name > after)
        token = f"<NextContinuationToken>{escape(names[PAGE - 1])}</NextContinuationToken>" if len(names) > PAGE else ""
        text = "".join(f"<Contents><Key>{escape(name)}</Key></Contents>" for name in names[:PAGE])
        return self.answer(200, f"<ListBucketResult>{text}{token}</ListBucketResult>".encode(), half=half)

    def hand_on(self, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.owner.upstream, timeout=20)
        kept = {name: value for name, value in self.headers.items() if name.lower() in ("content-length", "if-none-match")}
        connection.request(self.command, self.path, body or None, kept)
        response = connection.getresponse()
        data = response.read()
        self.answer(response.status, data, response.getheader("Content-Type", "application/xml"))
        connection.close()

    do_GET = do_PUT = do_DELETE = do_HEAD = handle_request
