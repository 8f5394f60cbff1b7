// An issuer of private tokens and a device, as Cloudflare's library has both:
//   node privatetokens.mjs issuer FOLDER        makes the issuer's key, and the directory that it would publish
//   node privatetokens.mjs device FOLDER URL    asks, has a token issued, and brings it; prints how each try ended
import { readFile, writeFile } from "node:fs/promises";
import { AuthorizationHeader, publicVerif, TOKEN_TYPES, WWWAuthenticateHeader } from "@cloudflare/privacypass-ts";

const { BlindRSAMode, Client, Issuer, getPublicKeyBytes } = publicVerif;
const RSA = { name: "RSA-PSS", hash: "SHA-384" };
const [, , role, folder, url] = process.argv;

const generated = () =>
  Issuer.generateKey(BlindRSAMode.PSS, { modulusLength: 2048, publicExponent: Uint8Array.from([1, 0, 1]) });
const base64url = (bytes) => Buffer.from(bytes).toString("base64url");

async function publish() {
  const { privateKey, publicKey } = await generated();
  const key = base64url(await getPublicKeyBytes(publicKey));
  const directory = {
    "issuer-request-uri": "/token-request",
    "token-keys": [
      { "token-type": 1, "token-key": "AAAA" },
      { "token-type": TOKEN_TYPES.BLIND_RSA.value, "token-key": key, "not-before": 0 },
    ],
  };
  await writeFile(`${folder}/directory.json`, JSON.stringify(directory));
  await writeFile(`${folder}/private.json`, JSON.stringify(await crypto.subtle.exportKey("jwk", privateKey)));
  await writeFile(`${folder}/public.json`, JSON.stringify(await crypto.subtle.exportKey("jwk", publicKey)));
}

async function held() {
  const read = async (name, use) =>
    crypto.subtle.importKey("jwk", JSON.parse(await readFile(`${folder}/${name}.json`)), RSA, true, [use]);
  return { privateKey: await read("private", "sign"), publicKey: await read("public", "verify") };
}

async function ask(authorization, path = "api/challenge?device=ask") {
  const headers = authorization ? { Authorization: authorization } : {};
  const reply = await fetch(new URL(path, url), { method: "POST", headers });
  const body = await reply.json();
  return { status: reply.status, wanted: reply.headers.get("WWW-Authenticate"), images: body.images?.length, flag: body.flag };
}

async function token(header, { privateKey, publicKey }, bytes) {
  const [wanted] = WWWAuthenticateHeader.parse(header);
  const issuer = new Issuer(BlindRSAMode.PSS, "issuer.example", privateKey, publicKey, { supportsRSARAW: false });
  const device = new Client(BlindRSAMode.PSS);
  const request = await device.createTokenRequest(wanted.challenge, bytes ?? wanted.tokenKey);
  const made = await device.finalize(await issuer.issue(request));
  return new AuthorizationHeader(made).toString(true);
}

async function device() {
  const first = await ask(), pair = await held(), stranger = await generated();
  const good = await token(first.wanted, pair);
  const foreign = await token(first.wanted, stranger, await getPublicKeyBytes(stranger.publicKey));
  const [wanted] = WWWAuthenticateHeader.parse(first.wanted);
  console.log(JSON.stringify({
    asked: first,
    challenge: { ...wanted.challenge, redemptionContext: wanted.challenge.redemptionContext.length },
    foreign: await ask(foreign),
    elsewhere: await ask(good, url.replace("127.0.0.1", "localhost") + "/api/challenge?device=ask"),
    brought: await ask(good),
    again: await ask(good),
  }));
}

await (role === "issuer" ? publish() : device());
