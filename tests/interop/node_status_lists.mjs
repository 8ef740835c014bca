// @sd-jwt/jwt-status-list as a peer, with panva's jose for the signatures: one JSON
// request a line in, one JSON answer a line out. See status_lists.py.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { StatusList, createHeaderAndPayload, getListFromStatusListJWT } from "@sd-jwt/jwt-status-list";
import * as jose from "jose";

const TYPE = "statuslist+jwt";

async function publish({ alg, key, kid, uri, bits, statuses, iat, exp, ttl }) {
  const list = new StatusList(statuses, bits);
  const made = createHeaderAndPayload(list, { sub: uri, iat, exp, ttl }, { alg, kid, typ: TYPE });
  const signer = await jose.importJWK(JSON.parse(key.text), alg);
  return { token: await new jose.SignJWT(made.payload).setProtectedHeader(made.header).sign(signer) };
}

async function look_up({ alg, key, token, uri }) {
  const { payload } = await jose.jwtVerify(token, await jose.importJWK(JSON.parse(key.text), alg), {
    algorithms: [alg],
    typ: TYPE,
    subject: uri,
  });
  const list = getListFromStatusListJWT(token);
  return { bits: list.getBitsPerStatus(), statuses: list.statusList, ttl: payload.ttl };
}

function describe() {
  const manifest = new URL("./node_modules/@sd-jwt/jwt-status-list/package.json", import.meta.url);
  const { name, version } = JSON.parse(readFileSync(manifest, "utf8"));
  return { name, version, algorithms: [], forms: ["jwk"], locks: [], lists: true };
}

const operations = { describe, publish, look_up };

for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    const { op, ...request } = JSON.parse(line);
    reply = { ok: true, ...(await operations[op](request)) };
  } catch (error) {
    reply = { ok: false, error: `${error.name}: ${error.message}`.slice(0, 200) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
