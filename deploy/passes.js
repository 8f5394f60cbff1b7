// Verifies a pass of captcha_stateless: ES256 under one of the published keys, the right type, issuer, site, kind and time.
import fs from 'fs';

const COOKIE = /(?:^|;\s*)__Host-captcha-pass=([A-Za-z0-9_.-]+)/;
const MOST = 2048;
let keys = null;

async function imported(path) {
    if (keys === null) {
        const found = {};
        const set = JSON.parse(fs.readFileSync(path)).keys;
        for (let i = 0; i < set.length; i++) {  // older njs knows no for...of
            const jwk = set[i];
            found[jwk.kid] = await crypto.subtle.importKey('spki', spki(jwk), {name: 'ECDSA', namedCurve: 'P-256'}, false, ['verify']);
        }
        keys = found;
    }
    return keys;
}

// Older njs imports no JWK: the same point as SubjectPublicKeyInfo (RFC 5480), whose head is the same for every P-256 key.
function spki(jwk) {
    const head = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex');
    return Buffer.concat([head, Buffer.from(jwk.x, 'base64url'), Buffer.from(jwk.y, 'base64url')]);
}

function given(r) {
    const header = r.headersIn['X-Captcha-Pass'];
    const cookie = COOKIE.exec(r.headersIn['Cookie'] || '');
    return header || (cookie && cookie[1]) || '';
}

async function judge(r, pass) {
    const parts = pass.split('.');
    if (pass.length > MOST || parts.length !== 3 || !/^[A-Za-z0-9_.-]+$/.test(pass)) return false;
    const head = JSON.parse(Buffer.from(parts[0], 'base64url').toString());
    if (head.alg !== 'ES256' || head.typ !== 'captcha-pass+jwt' || head.crit !== undefined) return false;
    const known = await imported(r.variables.captcha_jwks);
    if (!Object.keys(known).includes(head.kid)) return false;
    const signature = Buffer.from(parts[2], 'base64url');
    if (signature.length !== 64 || signature.toString('base64url') !== parts[2]) return false;
    const text = Buffer.from(parts[0] + '.' + parts[1]);
    if (!await crypto.subtle.verify({name: 'ECDSA', hash: 'SHA-256'}, known[head.kid], signature, text)) return false;
    const claims = JSON.parse(Buffer.from(parts[1], 'base64url').toString());
    if (/^wall\/[^/]/.test(claims.action)) return false;  // for the wall alone: a rule of it may ask less than the site does
    return claims.iss === r.variables.captcha_issuer && claims.aud === r.variables.captcha_site
        && r.variables.captcha_kinds.split(' ').includes(claims.kind) && claims.exp > Date.now() / 1000;
}

async function verify(r) {
    let good = false;
    try {
        good = await judge(r, given(r));
    } catch (e) {
        good = false;
    }
    r.return(good ? 204 : 401);
}

export default {verify};
