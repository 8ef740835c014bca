// panva's jose as a peer: one JSON request a line in, one JSON answer a line out.
// The requests are those of python_peers.py.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import * as jose from "jose";

const PBES2 = "PBES2-HS512+A256KW";
const CONTENT = "A256GCM";
// Above the default of the library; a key file is the user's own, not an attacker's.
const MAX_PBES2_COUNT = 1_000_000;

const algorithms = [
  ...["HS", "RS", "PS", "ES"].flatMap((family) => [256, 384, 512].map((bits) => `${family}${bits}`)),
  "EdDSA",
  "Ed25519",
];

const utf8 = (text) => new TextEncoder().encode(text);

async function importKey(alg, { form, text }) {
  if (form === "jwk") return jose.importJWK(JSON.parse(text), alg);
  if (text.includes("PRIVATE KEY")) return jose.importPKCS8(text, alg);
  return jose.importSPKI(text, alg);
}

async function generate({ alg }) {
  if (alg.startsWith("HS")) {
    const jwk = JSON.stringify(await jose.exportJWK(await jose.generateSecret(alg, { extractable: true })));
    return { secret: { jwk }, public: { jwk } };
  }
  const { privateKey, publicKey } = await jose.generateKeyPair(alg, { extractable: true });
  return {
    secret: { jwk: JSON.stringify(await jose.exportJWK(privateKey)), pem: await jose.exportPKCS8(privateKey) },
    public: { jwk: JSON.stringify(await jose.exportJWK(publicKey)), pem: await jose.exportSPKI(publicKey) },
  };
}

async function mint({ alg, key, claims, kid }) {
  const header = { alg, typ: "JWT", ...(kid ? { kid } : {}) };
  return { token: await new jose.SignJWT(claims).setProtectedHeader(header).sign(await importKey(alg, key)) };
}

async function sign({ alg, key, payload }) {
  return { token: await new jose.CompactSign(utf8(payload)).setProtectedHeader({ alg }).sign(await importKey(alg, key)) };
}

async function verify({ alg, key, token, iss, aud }) {
  const { payload } = await jose.jwtVerify(token, await importKey(alg, key), {
    algorithms: [alg],
    issuer: iss,
    audience: aud,
    requiredClaims: ["exp", "iat", "sub"],
  });
  return { claims: payload };
}

async function unlock({ text, passphrase }) {
  const { plaintext } = await jose.compactDecrypt(text, utf8(passphrase), {
    keyManagementAlgorithms: [PBES2],
    contentEncryptionAlgorithms: [CONTENT],
    maxPBES2Count: MAX_PBES2_COUNT,
  });
  return { secret: { form: "jwk", text: new TextDecoder().decode(plaintext) } };
}

async function lock({ alg, passphrase }) {
  const made = await generate({ alg });
  const text = await new jose.CompactEncrypt(utf8(made.secret.jwk))
    .setProtectedHeader({ alg: PBES2, enc: CONTENT, cty: "jwk+json" })
    .encrypt(utf8(passphrase));
  return { text, public: { form: "jwk", text: made.public.jwk } };
}

function describe() {
  const manifest = new URL("./node_modules/jose/package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(manifest, "utf8"));
  return { name: "jose", version, algorithms, forms: ["jwk", "pem"], locks: ["jwe"] };
}

const operations = { describe, generate, mint, sign, verify, unlock, lock };

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
