// Verifies one token a line of a file: node_peer.mjs LIBRARY TOKENS PUBLIC_PEM ISSUER AUDIENCE.
// Prints how many were good.
import { readFileSync } from 'node:fs';

const [library, tokens, pem, issuer, audience] = process.argv.slice(2);
const key = readFileSync(pem, 'utf8');
const lines = readFileSync(tokens, 'utf8').split('\n').filter((line) => line !== '');
let good = 0;

if (library === 'fast-jwt') {
    const { createVerifier } = await import('fast-jwt');
    const verify = createVerifier({
        key,
        algorithms: ['EdDSA'],
        allowedIss: issuer,
        allowedAud: audience,
        requiredClaims: ['exp', 'iss', 'aud'],
        // A cache would answer for the same token only, and each comes once.
        cache: false,
    });
    for (const line of lines) {
        try {
            verify(line);
            good += 1;
        } catch {}
    }
} else {
    const { importSPKI, jwtVerify } = await import('jose');
    const imported = await importSPKI(key, 'EdDSA');
    const options = {
        issuer,
        audience,
        algorithms: ['EdDSA'],
        requiredClaims: ['exp', 'iss', 'aud'],
    };
    // Several at a time, as a server would have.
    for (let at = 0; at < lines.length; at += 64) {
        const some = lines.slice(at, at + 64);
        const settled = await Promise.allSettled(some.map((line) => jwtVerify(line, imported, options)));
        good += settled.filter((one) => one.status === 'fulfilled').length;
    }
}
console.log(good);
