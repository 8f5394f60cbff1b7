// A Worker (workerd, Cloudflare) that verifies passes of captcha_stateless itself: no call to it but for its public keys.
//
// Variables: ORIGIN, the site behind; JWKS, the address of /.well-known/jwks.json; ISSUER, its CAPTCHA_ISSUER; SITE, the site
// key whose passes count; KINDS, the kinds of challenge that count, such as "grid text audio". Multi-use: the same pass opens until it expires.

const COOKIE = /(?:^|;\s*)__Host-captcha-pass=([A-Za-z0-9_.-]+)/;
const SHAPE = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}$/;
const MOST = 2048;
const KEPT_MS = 300_000; // as long as the keys' own max-age says
const CURVE = { name: "ECDSA", namedCurve: "P-256" };

let kept = { keys: new Map(), until: 0 };

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const document = (text) => JSON.parse(new TextDecoder().decode(bytes(text)));

async function published(address) {
  if (Date.now() < kept.until) return kept.keys;
  const { keys } = await (await fetch(address)).json();
  const imported = await Promise.all(keys.map(({ kty, crv, x, y, kid }) =>
    crypto.subtle.importKey("jwk", { kty, crv, x, y }, CURVE, false, ["verify"]).then((key) => [kid, key])));
  kept = { keys: new Map(imported), until: Date.now() + KEPT_MS };
  return kept.keys;
}

async function judge(pass, { JWKS, ISSUER, SITE, KINDS }) {
  if (pass.length > MOST || !SHAPE.test(pass)) return false;
  const [head, payload, signature] = pass.split(".");
  const { alg, typ, kid, crit } = document(head);
  if (alg !== "ES256" || typ !== "captcha-pass+jwt" || crit !== undefined) return false;
  const key = (await published(JWKS)).get(kid);
  if (key === undefined) return false;
  const text = new TextEncoder().encode(`${head}.${payload}`);
  if (!await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, bytes(signature), text)) return false;
  const { iss, aud, exp, kind, action } = document(payload);
  if (/^wall\/[^/]/.test(action)) return false; // for the wall alone: a rule of it may ask less than the site does
  return iss === ISSUER && aud === SITE && KINDS.split(" ").includes(kind) && exp > Date.now() / 1000;
}

export default {
  async fetch(request, env) {
    const given = request.headers.get("X-Captcha-Pass") ?? COOKIE.exec(request.headers.get("Cookie") ?? "")?.[1] ?? "";
    if (!await judge(given, env).catch(() => false)) return new Response("Solve the CAPTCHA first\n", { status: 401 });
    const { pathname, search } = new URL(request.url);
    return fetch(new Request(env.ORIGIN + pathname + search, request));
  },
};
