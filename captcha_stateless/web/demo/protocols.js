// Every protocol that is served, step by step: the request as it is sent, and what comes back.
import { colour, copyOf, home, make, painted, pretty, worked } from "./document.js";
import { workOf } from "./puzzles.js";

// {name} stands for a field; `keep` says which field takes what of the answer; `tiles` are the numbers of the chosen ones.
export const PROTOCOLS = {
  "1Captcha": [
    { title: "Begin", method: "POST", path: "/api/challenge?sitekey={sitekey}", keep: { challenge: "challenge" } },
    { title: "Answer", method: "POST", path: "/api/challenge", headers: { "X-Captcha-Challenge": "{challenge}" },
      json: { answer: "{tiles, e.g. 1 5 9}" }, keep: { challenge: "challenge", pass: "flag" } },
    { title: "More time", method: "POST", path: "/api/extend", headers: { "X-Captcha-Challenge": "{challenge}" },
      keep: { challenge: "challenge" } },
  ],
  miniCAP: [
    { title: "Generate", method: "POST", path: "/api/captcha/generate/", keep: { id: "Captcha-Id" } },
    { title: "Validate", method: "POST", path: "/api/captcha/validate/", json: { id: "{id}", text: "{text}" } },
  ],
  RelaySMS: [
    { title: "New", method: "POST", path: "/v1/new", json: { client_id: "{sitekey}" }, keep: { challenge_id: "challenge_id" } },
    { title: "Solve", method: "POST", path: "/v1/solve",
      json: { client_id: "{sitekey}", challenge_id: "{challenge_id}", answer: "{answer}" }, keep: { token: "token" } },
    { title: "Verify", method: "POST", path: "/v1/verify", json: { client_secret: "{secret}", token: "{token}" } },
  ],
  RESTCaptcha: [
    { title: "Challenge (and work)", method: "GET", path: "/v1/challenge?siteKey={sitekey}", keep: { token: "token" } },
    { title: "Verify", method: "POST", path: "/v1/verify?siteKey={sitekey}",
      json: { siteSecret: "{secret}", token: "{token}", solution: "{solution}", callerIp: "203.0.113.7" } },
    { title: "Reset", method: "POST", path: "/v1/reset?siteKey={sitekey}", json: { siteSecret: "{secret}", token: "{token}" } },
    { title: "Health", method: "GET", path: "/health" },
  ],
  Tornevall: [
    { title: "getCaptcha", method: "GET", path: "/3.0/captcha/getCaptcha", keep: { hash: "response.getCaptchaResponse.imageHash" } },
    { title: "getImage", method: "GET", path: "/3.0/captcha/getImage/hash/{hash}" },
    { title: "testCaptcha", method: "POST", path: "/3.0/captcha/testCaptcha", json: { hash: "{hash}", response: "{response}" } },
  ],
  "siteverify (reCAPTCHA, hCaptcha, Turnstile)": [
    { title: "reCAPTCHA", method: "POST", path: "/recaptcha/api/siteverify", form: { secret: "{secret}", response: "{pass}" } },
    { title: "hCaptcha", method: "POST", path: "/siteverify", form: { secret: "{secret}", response: "{pass}" } },
    { title: "Turnstile", method: "POST", path: "/turnstile/v0/siteverify", form: { secret: "{secret}", response: "{pass}" } },
  ],
  ALTCHA: [
    { title: "Challenge for widgets 1 and 2 (and work)", method: "GET", path: "/altcha/v1/challenge?apiKey={sitekey}" },
    { title: "Challenge for widget 3 (and work)", method: "GET", path: "/altcha/v2/challenge?apiKey={sitekey}" },
    { title: "Challenge with a code (and work)", method: "GET", path: "/altcha/v2/challenge?apiKey={sitekey}&kind=text" },
    { title: "Verify", method: "POST", path: "/altcha/v2/verify?apiKey={sitekey}", json: { payload: "{payload}", code: "{code}" },
      keep: { earned: "payload" } },
    { title: "Signature", method: "POST", path: "/altcha/v1/verify/signature", json: { payload: "{earned}", secret: "{secret}" } },
  ],
  "Cap, hashes behind salts": [
    { title: "Challenge (and work)", method: "POST", path: "/{sitekey}/challenge", keep: { cap: "token" } },
    { title: "Redeem", method: "POST", path: "/{sitekey}/redeem", json: { token: "{cap}", solutions: "{solutions}" }, keep: { pass: "token" } },
    { title: "siteverify", method: "POST", path: "/{sitekey}/siteverify", json: { secret: "{secret}", response: "{pass}" } },
  ],
  "Friendly Captcha and Private Captcha": [
    { title: "Friendly Captcha", method: "POST", path: "/api/v2/captcha/siteverify", headers: { "X-API-Key": "{secret}" },
      json: { response: "{pass}", sitekey: "{sitekey}" } },
    { title: "Private Captcha", method: "POST", path: "/verify", headers: { "X-Api-Key": "{secret}", "X-PC-Sitekey": "{sitekey}" },
      text: "{pass}" },
  ],
  "Text or sound": [
    { title: "Begin (and work)", method: "POST", path: "/api/challenge?sitekey={sitekey}&kind=text", keep: { challenge: "challenge" } },
    { title: "Picture", method: "POST", path: "/api/challenge?sitekey={sitekey}&kind=text",
      headers: { "X-Captcha-Challenge": "{challenge}" }, json: { answer: "{solution}" }, keep: { challenge: "challenge" } },
    { title: "Listen", method: "GET", path: "/api/audio?token={challenge}" },
    { title: "Answer", method: "POST", path: "/api/challenge", headers: { "X-Captcha-Challenge": "{challenge}" },
      json: { answer: "{answer}" }, keep: { pass: "flag" } },
  ],
};

const PLACEHOLDER = /\{(\w+)[^}]*\}/g;
const filled = (text, values, encode = String) => text.replace(PLACEHOLDER, (_, name) => encode(values[name] ?? ""));
const namesIn = (step) => [...new Set([...JSON.stringify([step.path, step.headers, step.json, step.form, step.text]).matchAll(PLACEHOLDER)].map(([, name]) => name))];

function bodyOf(step, values) {
  const of = (template) => Object.fromEntries(Object.entries(template).map(([name, text]) => [name, filled(text, values)]));
  if (step.form) return new URLSearchParams(of(step.form)).toString();
  if (step.text) return filled(step.text, values);
  if (!step.json) return undefined;
  const body = of(step.json);
  if ("solutions" in body) body.solutions = JSON.parse(body.solutions || "[]");
  if (namesIn(step).includes("tiles")) {
    const chosen = new Set((values.tiles ?? "").split(/\D+/).map(Number));
    body.answer = Array.from({ length: 9 }, (_, tile) => chosen.has(tile + 1));
  }
  return JSON.stringify(body);
}

function requestOf(step, values) {
  const headers = Object.fromEntries(Object.entries(step.headers ?? {}).map(([name, text]) => [name, filled(text, values)]));
  if (step.json) headers["Content-Type"] = "application/json";
  if (step.form) headers["Content-Type"] = "application/x-www-form-urlencoded";
  if (step.text) headers["Content-Type"] = "text/plain";
  const url = new URL(filled(step.path, values, encodeURIComponent).slice(1), home).href;
  return { url, init: { method: step.method, headers, body: bodyOf(step, values) } };
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
function curlOf({ url, init }) {
  const words = ["curl", ...(init.method === "POST" && init.body === undefined ? ["-X POST"] : []), quoted(url)];
  for (const [name, value] of Object.entries(init.headers)) words.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (init.body !== undefined) words.push(`-d ${quoted(init.body)}`);
  return words.join(" \\\n  ");
}

export function protocol(name, steps, values) {
  const fieldsets = steps.map((step) => make("fieldset", {}, make("legend", { textContent: step.title })));
  const block = make("details", {}, make("summary", { textContent: name }));
  const draws = [];
  const redraw = () => draws.forEach((draw) => draw());
  steps.forEach((step, at) => {
    const request = make("pre", { tabIndex: 0, role: "region", ariaLabel: `${name}, ${step.title}: request` });
    const answer = make("pre", { tabIndex: 0, role: "region", ariaLabel: `${name}, ${step.title}: answer`, ariaLive: "polite" });
    const pictures = make("div");
    const inputs = namesIn(step).map((field) => {
      const input = make("input", { name: field, autocomplete: "off" });
      input.addEventListener("input", () => { values[field] = input.value; redraw(); });
      draws.push(() => { if (input.value !== (values[field] ?? "")) input.value = values[field] ?? ""; });
      return make("label", {}, field === "tiles" ? "numbers of the tiles, e.g. 1 5 9" : field, input);
    });
    draws.push(() => colour(request, curlOf(requestOf(step, values)), "shell"));
    const send = make("button", { textContent: "Send" });
    const copy = make("button", { type: "button", textContent: "Copy" });
    copy.addEventListener("click", () => copyOf(request));
    const form = make("form", {}, ...inputs, request, send, " ", copy, pictures, answer);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (form.ariaBusy) return;
      form.ariaBusy = "true";
      await perform(step, values, { answer, pictures, redraw });
      form.ariaBusy = null;
    });
    fieldsets[at].append(form);
  });
  block.append(...fieldsets);
  redraw();
  return block;
}

// What is shown of an answer is shown last: by then the next step is filled in.
async function perform(step, values, { answer, pictures, redraw }) {
  const { url, init } = requestOf(step, values);
  pictures.replaceChildren();
  try {
    const reply = await fetch(url, init);
    const type = reply.headers.get("Content-Type") ?? "";
    const head = `HTTP ${reply.status} ${type}`;
    const id = reply.headers.get("Captcha-Id");
    if (id) values.id = id;
    if (type.startsWith("image/")) {
      pictures.append(await painted(await reply.blob()));
      redraw();
      answer.textContent = head;
    } else if (type.startsWith("audio/")) {
      await sounded(await reply.arrayBuffer());
      answer.textContent = head;
    } else {
      const text = await reply.text();
      const document = type.includes("json") ? JSON.parse(text) : text;
      take(step, document, values);
      for (const source of [document.expected, ...(document.images ?? []), document.image, document.codeChallenge?.image].filter(Boolean)) {
        pictures.append(await painted(source));
      }
      redraw();
      colour(answer, `${head}\n${pretty(document)}`, "json");
      if (document.challengeType) await solve(document, values, { answer, redraw });
      if (document.first) await foundIn(document.work, values, { answer, redraw });
      for (const [field, value] of Object.entries(await workOf(document))) {
        values[field] = value;
        redraw();
        answer.textContent += `\nwork done: ${value}`;
      }
    }
  } catch (error) {
    answer.textContent = String(error);
  }
}

async function sounded(bytes) {
  const context = new AudioContext();
  const source = new AudioBufferSourceNode(context, { buffer: await context.decodeAudioData(bytes) });
  source.onended = () => context.close();
  source.connect(context.destination);
  source.start();
}

function take(step, document, values) {
  for (const [field, path] of Object.entries(step.keep ?? {})) {
    const value = path.split(".").reduce((at, name) => at?.[name], document);
    if (value !== undefined) values[field] = value;
  }
}

function solve({ token, challengeType: { algorithm, difficulty } }, values, shown) {
  return foundIn({ nonce: token.split(":")[0], algorithm, difficulty, unit: "hex" }, values, shown);
}

async function foundIn(work, values, { answer, redraw }) {
  values.solution = await worked(work);
  redraw();
  answer.textContent += `\nsolution found: ${values.solution}`;
}
