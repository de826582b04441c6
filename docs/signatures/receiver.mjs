// A receiver of Tripletex deliveries in Node.js 18.3 or later: node receiver.mjs
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

// The current secret and, during a rotation, the previous one.
const secrets = [process.env.HMAC_SECRET, process.env.HMAC_SECRET_PREVIOUS].filter(Boolean);
const maxBody = 1 << 20;

// Reports whether the only key, "&" and the raw body were signed with one of the secrets.
function isSigned(keys = [], signatures = [], body) {
  if (keys.length !== 1 || signatures.length !== 1) return false;
  if (!/^[A-Za-z0-9._:-]{1,128}$/.test(keys[0])) return false; // a key with "&" could move the boundary
  const given = Buffer.from(signatures[0]);
  return secrets
    .map((secret) => Buffer.from(createHmac("sha512", secret).update(`${keys[0]}&`).update(body).digest("base64")))
    .map((expected) => expected.length === given.length && timingSafeEqual(expected, given))
    .includes(true);
}

const server = createServer((request, response) => {
  const parts = []; // raw bytes, not parsed by a framework
  let length = 0;
  request.on("data", (part) => {
    length += part.length;
    if (length > maxBody) response.writeHead(413, { Connection: "close" }).end(() => request.destroy());
    else parts.push(part);
  });
  request.on("end", () => {
    if (response.headersSent) return;
    const { "idempotency-key": keys, "x-request-signature": signatures } = request.headersDistinct;
    if (request.method !== "POST") response.writeHead(405, { Allow: "POST" }).end();
    else if (!isSigned(keys, signatures, Buffer.concat(parts))) response.writeHead(401).end();
    else {
      // TODO: store key and body unless the key is known, and answer after they are on disk.
      console.log(keys[0], length, "bytes");
      response.writeHead(200).end();
    }
  });
});
server.requestTimeout = 15_000;
server.listen(Number(process.env.PORT), "127.0.0.1");
