// Solves challenges and verifies them with altcha-lib: node altcha.mjs URL SECRET HMAC-SECRET HMAC-KEY-SECRET prints what came of each.
import { deriveKey } from "altcha-lib/algorithms/sha";
import { solveChallenge, verifyServer, verifyServerSignature, verifySolution } from "altcha-lib";
import * as v1 from "altcha-lib/v1";

const [, , url, secret, hmacSignatureSecret, hmacKeySignatureSecret] = process.argv;
const base64 = (document) => Buffer.from(JSON.stringify(document)).toString("base64");
const unpacked = (text) => JSON.parse(Buffer.from(text, "base64").toString());
const told = {};

async function begin(version) {
  return (await fetch(`${url}/altcha/${version}/challenge?apiKey=dev-site`)).json();
}

async function verified(version, payload) {
  const body = JSON.stringify({ payload });
  const reply = await fetch(`${url}/altcha/${version}/verify?apiKey=dev-site`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  return reply.json();
}

async function judged(version, earned) {
  const signed = await verifyServerSignature({ payload: unpacked(earned), hmacSecret: hmacSignatureSecret });
  const forged = await verifyServerSignature({ payload: unpacked(earned), hmacSecret: hmacKeySignatureSecret });
  const options = { payload: earned, secret, url: `${url}/altcha/${version}/verify/signature` };
  const answers = [await verifyServer({ ...options, secret: "wrong" }), await verifyServer(options), await verifyServer(options)];
  return { signed: [signed.verified, forged.verified], remote: answers.map(({ verified, reason }) => [verified, reason ?? null]) };
}

const second = await begin("v2");
const challenge = { parameters: second.parameters, signature: second.signature };
const solution = await solveChallenge({ challenge, deriveKey });
const offline = [
  await verifySolution({ challenge, solution, deriveKey, hmacSignatureSecret }),
  await verifySolution({ challenge, solution, deriveKey, hmacSignatureSecret, hmacKeySignatureSecret }),
  await verifySolution({ challenge, solution, deriveKey, hmacSignatureSecret: "wrong" }),
];
const reply = await verified("v2", base64({ challenge, solution }));
told.v2 = { offline: offline.map(({ verified }) => verified), verified: reply.verified, ...(await judged("v2", reply.payload)) };

const first = await begin("v1");
const { number } = await v1.solveChallenge(first.challenge, first.salt, first.algorithm, first.maxnumber).promise;
const payload = base64({ algorithm: first.algorithm, challenge: first.challenge, number, salt: first.salt, signature: first.signature });
const locally = [await v1.verifySolution(payload, hmacSignatureSecret), await v1.verifySolution(payload, "wrong")];
const answer = await verified("v1", payload);
told.v1 = { offline: locally, verified: answer.verified, ...(await judged("v1", answer.payload)) };

console.log(JSON.stringify(told));
