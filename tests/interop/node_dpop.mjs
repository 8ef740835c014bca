// panva's `dpop` as the client of examples/dpop.rs: every algorithm it has in common
// with us, nonces, replays, a thief, bearer use, renewal.
// Usage: node dpop.mjs PROGRAM
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import assert from 'node:assert/strict'
import * as DPoP from 'dpop'

const server = spawn(process.argv[2], { stdio: ['ignore', 'pipe', 'ignore'] })
const [base] = await new Promise((resolve, reject) => {
  server.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
  createInterface({ input: server.stdout }).once('line', (line) => resolve([line]))
})

let nonce
/** Asks, and once more when a nonce is asked for, as RFC 9449 section 8 has it. */
async function ask(keys, method, path, { token, form, proof } = {}) {
  for (const attempt of [1, 2]) {
    const made = proof ?? (await DPoP.generateProof(keys, base + path, method, nonce, token))
    const headers = { DPoP: made }
    if (token) headers.Authorization = `DPoP ${token}`
    const body = form && new URLSearchParams(form)
    const response = await fetch(base + path, { method, headers, body })
    nonce = response.headers.get('dpop-nonce') ?? nonce
    const text = await response.text()
    const challenge = response.headers.get('www-authenticate') ?? ''
    const needsNonce = `${text}${challenge}`.includes('use_dpop_nonce')
    if (needsNonce && attempt === 1 && !proof) continue
    return { status: response.status, text, challenge, proof: made }
  }
}

try {
  for (const algorithm of ['ES256', 'Ed25519', 'RS256', 'PS256']) {
    nonce = undefined
    const keys = await DPoP.generateKeyPair(algorithm)
    const thief = await DPoP.generateKeyPair('ES256')
    const form = { name: 'alice', password: 'secret' }
    const login = await ask(keys, 'POST', '/login', { form })
    assert.equal(login.status, 200, login.text)
    assert.ok(nonce, 'no nonce was given')
    const granted = JSON.parse(login.text)
    const token = granted.access_token
    const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))
    assert.equal(claims.cnf.jkt, await DPoP.calculateThumbprint(keys.publicKey))

    const good = await ask(keys, 'GET', '/orders?page=2', { token })
    assert.deepEqual([good.status, good.text], [200, 'orders of alice'])
    const replayed = await ask(keys, 'GET', '/orders?page=2', { token, proof: good.proof })
    assert.equal(replayed.status, 401)
    assert.match(replayed.challenge, /^DPoP error="invalid_dpop_proof",.* algs="ES256 /)
    const stolen = await ask(thief, 'GET', '/orders', { token })
    assert.equal(stolen.status, 401)
    const bearer = await fetch(`${base}/orders`, { headers: { Authorization: `Bearer ${token}` } })
    assert.equal(bearer.status, 401)
    const elsewhere = await DPoP.generateProof(keys, `${base}/login`, 'GET', nonce, token)
    assert.equal((await ask(keys, 'GET', '/orders', { token, proof: elsewhere })).status, 401)

    const renewal = { refresh_token: granted.refresh_token }
    assert.equal((await ask(thief, 'POST', '/renew', { form: renewal })).status, 400)
    const renewed = await ask(keys, 'POST', '/renew', { form: renewal })
    assert.equal(renewed.status, 200, renewed.text)
    const next = JSON.parse(renewed.text).access_token
    assert.equal((await ask(keys, 'GET', '/orders', { token: next })).status, 200)
    console.log(`dpop ${algorithm}: ok`)
  }
} finally {
  server.kill()
}
