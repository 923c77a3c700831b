// FCM as far as its documents describe it, over HTTP/2 only: node -r loopback.js fcm.js KEY CERTIFICATE ACCOUNT_KEY [MODE]
// How a message fares is said by its token; with MODE hang or garbage, all fare so.
const fs = require("node:fs");
const http2 = require("node:http2");
const jwt = require("jsonwebtoken");

const [key, cert, account] = process.argv.slice(2, 5).map((path) => fs.readFileSync(path));
const mode = process.argv[5] || "";
const seen = { grants: 0, sessions: 0, protocols: [], messages: [] };

const fault = (status, name, errorCode, more = []) => [
  status,
  { error: { code: status, message: "see details", status: name, details: [{ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", errorCode }, ...more] } },
];
const violation = (field) => ({ "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations: [{ field, description: "no" }] });
const quota = (subject) => ({ "@type": "type.googleapis.com/google.rpc.QuotaFailure", violations: [{ subject, description: "Device message rate exceeded" }] });

const FATES = {
  gone: () => fault(404, "NOT_FOUND", "UNREGISTERED"),
  mismatch: () => fault(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"),
  badtoken: () => fault(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", [violation("message.token")]),
  badwords: () => fault(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", [violation("message.notification.title")]),
  apns: () => fault(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"),
  quota: () => [...fault(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), { "retry-after": "90" }],
  often: () => [...fault(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", [quota("device:often-1")]), { "retry-after": "90" }],
  quotas: () => fault(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
  down: () => [...fault(503, "UNAVAILABLE", "UNAVAILABLE"), { "retry-after": "Sun, 01 Mar 2026 04:02:00 GMT" }],
  internal: () => fault(500, "INTERNAL", "INTERNAL"),
  garbage: () => [200, "<html>hello"],
  empty: () => [200, ""],
  stale: (bearer) => (bearer === "Bearer grant-1" ? [401, { error: { code: 401, status: "UNAUTHENTICATED" } }] : null),
  never: () => [401, { error: { code: 401, status: "UNAUTHENTICATED" } }],
  hang: () => "hang",
  cut: () => "cut",
};

function granted(body) {
  try {
    const claims = jwt.verify(new URLSearchParams(body).get("assertion"), account, { algorithms: ["RS256"], ignoreExpiration: true });
    if (claims.scope !== "https://www.googleapis.com/auth/firebase.messaging") throw new Error("scope");
  } catch (error) {
    return [400, { error: "invalid_grant" }];
  }
  seen.grants += 1;
  return [200, { access_token: `grant-${seen.grants}`, expires_in: 3599, token_type: "Bearer" }];
}

function sent(body, bearer) {
  if (!/^Bearer grant-/.test(bearer || "")) return [401, { error: { code: 401, status: "UNAUTHENTICATED" } }];
  const { message } = JSON.parse(body);
  const fate = FATES[mode || message.token.split("-")[0]];
  const answer = fate && fate(bearer);
  if (!answer) {
    seen.messages.push(message);
    return [200, { name: `projects/demo/messages/${seen.messages.length}` }];
  }
  return answer;
}

const server = http2.createSecureServer({ key, cert });
server.on("session", () => (seen.sessions += 1));
server.on("stream", (stream, headers) => {
  let body = "";
  stream.on("error", () => {});
  stream.setEncoding("utf8");
  stream.on("data", (part) => (body += part));
  stream.on("end", () => {
    const path = headers[":path"];
    if (path !== "/seen") seen.protocols.push(stream.session.alpnProtocol);
    const answer =
      path === "/seen" ? [200, seen]
      : path === "/token" ? granted(body)
      : path === "/v1/projects/demo/messages:send" ? sent(body, headers.authorization)
      : [404, "<html>nothing here"];
    if (answer === "hang") return;
    if (answer === "cut") return stream.session.destroy();
    const [status, content, more = {}] = answer;
    stream.respond({ ":status": status, "content-type": "application/json", ...more });
    stream.end(typeof content === "string" ? content : JSON.stringify(content));
  });
});
server.listen(0);
