// Judges passes offline: node jose.mjs URL TOKEN... prints a JSON array of verdicts.
import { createRemoteJWKSet, jwtVerify } from "jose";

const [, , url, ...tokens] = process.argv;
const keys = createRemoteJWKSet(new URL(`${url}/.well-known/jwks.json`));
const expected = { issuer: "captcha-stateless", audience: "dev-site", typ: "captcha-pass+jwt", algorithms: ["ES256"] };
const kinds = ["grid", "text", "audio"];
const judge = (token) => jwtVerify(token, keys, expected).then(({ payload }) => kinds.includes(payload.kind) && !/^wall\/[^/]/.test(payload.action), () => false);
console.log(JSON.stringify(await Promise.all(tokens.map(judge))));
