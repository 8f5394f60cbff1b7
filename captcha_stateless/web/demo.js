// The playground: requests as they are sent, with what comes back, for every protocol that is served.
"use strict";

const byId = (id) => document.getElementById(id);
const home = new URL(".", document.currentScript.src);

function make(name, properties = {}, ...children) {
  const { role, ...rest } = properties;
  const made = Object.assign(document.createElement(name), rest);
  if (role) made.setAttribute("role", role);
  made.append(...children);
  return made;
}

// Where the clipboard is out of reach, as without HTTPS, the text is at least chosen.
const copyOf = (pre) => { getSelection().selectAllChildren(pre); navigator.clipboard?.writeText(pre.textContent); };
const log = (place, line) => { place.textContent = `${line}\n${place.textContent}`.slice(0, 4000); };
const pretty = (value) => JSON.stringify(value, (_, text) =>
  typeof text === "string" && text.length > 120 ? `${text.slice(0, 60)}… (${text.length} characters)` : text, 2);

async function painted(source) {
  const blob = source instanceof Blob ? source
    : new Blob([Uint8Array.from(atob(source.slice(source.indexOf(",") + 1)), (letter) => letter.charCodeAt(0))]);
  const picture = await createImageBitmap(blob);
  const canvas = make("canvas", { role: "img", ariaLabel: "picture", width: picture.width, height: picture.height });
  canvas.getContext("2d").drawImage(picture, 0, 0);
  return canvas;
}

const policy = window.trustedTypes?.createPolicy("captcha-demo", { createScriptURL: (url) => url }) ?? { createScriptURL: (url) => url };

function worked(work) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(policy.createScriptURL(new URL("work.js", home).href));
    worker.onerror = () => reject(new Error("no worker"));
    worker.onmessage = ({ data }) => {
      if (data.solution === undefined && !data.error) return;
      worker.terminate();
      if (data.error) reject(new Error(data.error));
      else resolve(data.solution);
    };
    worker.postMessage(work);
  });
}

// {name} stands for a field; `keep` says which field takes what of the answer; `tiles` are the numbers of the chosen ones.
const PROTOCOLS = {
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
  "Text or sound": [
    { title: "Begin", method: "POST", path: "/api/challenge?sitekey={sitekey}&kind=text", keep: { challenge: "challenge" } },
    { title: "Listen", method: "GET", path: "/api/audio?token={challenge}" },
    { title: "Answer", method: "POST", path: "/api/challenge", headers: { "X-Captcha-Challenge": "{challenge}" },
      json: { answer: "{answer}" }, keep: { pass: "flag" } },
  ],
};

const PLACEHOLDER = /\{(\w+)[^}]*\}/g;
const filled = (text, values, encode = String) => text.replace(PLACEHOLDER, (_, name) => encode(values[name] ?? ""));
const namesIn = (step) => [...new Set([...JSON.stringify([step.path, step.headers, step.json, step.form]).matchAll(PLACEHOLDER)].map(([, name]) => name))];

function bodyOf(step, values) {
  const of = (template) => Object.fromEntries(Object.entries(template).map(([name, text]) => [name, filled(text, values)]));
  if (step.form) return new URLSearchParams(of(step.form)).toString();
  if (!step.json) return undefined;
  const body = of(step.json);
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

function protocol(name, steps, values) {
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
    draws.push(() => { request.textContent = curlOf(requestOf(step, values)); });
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
      for (const source of [document.expected, ...(document.images ?? []), document.image].filter(Boolean)) {
        pictures.append(await painted(source));
      }
      redraw();
      answer.textContent = `${head}\n${pretty(document)}`;
      if (document.challengeType) await solve(document, values, { answer, redraw });
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

async function solve({ token, challengeType: { algorithm, difficulty } }, values, { answer, redraw }) {
  values.solution = await worked({ nonce: token.split(":")[0], algorithm, difficulty, unit: "hex" });
  redraw();
  answer.textContent += `\nsolution found: ${values.solution}`;
}

// The widget, with a switch for each attribute.
function widget(config) {
  const choices = {
    kind: ["grid", "text", "audio", "work", "auto"], theme: ["auto", "light", "dark"],
    size: ["normal", "compact", "flexible", "invisible"], lang: ["", ...config.languages],
    "refresh-expired": ["manual", "auto"], fields: ["", "recaptcha", "hcaptcha", "turnstile", "recaptcha hcaptcha turnstile"],
  };
  const attributes = { sitekey: config.sitekey };
  const form = byId("switches");
  const set = (name, value) => { attributes[name] = value; renew(); };
  for (const [name, values] of Object.entries(choices)) {
    const select = make("select", { name }, ...values.map((value) => make("option", { value, textContent: value || "(the page's)" })));
    select.addEventListener("change", () => set(name, select.value));
    form.append(make("label", {}, name, select));
  }
  for (const name of ["action", "cdata", "name"]) {
    const input = make("input", { name, autocomplete: "off" });
    input.addEventListener("change", () => set(name, input.value));
    form.append(make("label", {}, name, input));
  }
  const required = make("input", { type: "checkbox", name: "required" });
  required.addEventListener("change", () => set("required", required.checked));
  form.append(make("label", {}, required, " required"));

  function renew() {
    const made = document.createElement("captcha-stateless");
    for (const [name, value] of Object.entries(attributes)) {
      if (value) made.setAttribute(name, value === true ? "" : value);
    }
    for (const name of ["challenge", "verified", "expired", "error", "reset"]) {
      made.addEventListener(name, ({ detail }) => log(byId("events"), `${name} ${pretty(detail)}`));
    }
    byId("place").replaceChildren(made);
    const tag = `<script src="${new URL("widget.js", home)}" async></${"script"}>`;
    byId("snippet").textContent = `${tag}\n${made.outerHTML}`;
  }

  byId("try").addEventListener("submit", (event) => {
    event.preventDefault();
    log(byId("events"), `form ${pretty(Object.fromEntries(new FormData(event.target)))}`);
  });
  renew();
}

function replicas(config) {
  const places = [["This server", home.href], ["The other replica", config.replica || home.href]];
  byId("alone").hidden = Boolean(config.replica);
  const ledger = byId("ledger"), held = {};
  const call = async (where, headers, body) => {
    const base = new URL(`${where.replace(/\/*$/, "")}/`);
    const query = body ? "" : `?kind=work&sitekey=${encodeURIComponent(config.sitekey)}`;
    const reply = await fetch(new URL(`api/challenge${query}`, base), { method: "POST", headers, body });
    return reply.json();
  };
  const acts = {
    "Issue here": async (where) => {
      const reply = await call(where, {});
      Object.assign(held, { token: reply.challenge, solution: reply.work && await worked(reply.work) });
      return reply;
    },
    "Answer here": (where) => call(where, { "Content-Type": "application/json", "X-Captcha-Challenge": held.token ?? "" },
      JSON.stringify({ answer: held.solution ?? "" })),
  };
  byId("sides").append(...places.map(([name, where]) => {
    const buttons = Object.entries(acts).map(([title, act]) => {
      const button = make("button", { type: "button", textContent: title, ariaLabel: `${title}: ${name}` });
      button.addEventListener("click", async () => {
        const told = await act(where).catch((error) => ({ error: String(error) }));
        log(ledger, `${name}, ${title.toLowerCase()}: ${pretty(told)}`);
      });
      return button;
    });
    return make("div", {}, make("h3", { textContent: name }), make("p", {}, make("code", { textContent: where })), ...buttons);
  }));
}

function samples(config) {
  const draw = () => byId("sheets").replaceChildren(...config.samples.map((name) =>
    make("figure", {}, make("img", { src: new URL(`demo/samples/${name}.png?${Date.now()}`, home).href, alt: `Samples: ${name}` }),
      make("figcaption", { textContent: name }))));
  byId("draw").addEventListener("click", draw);
  draw();
}

function segment(text) {
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0))));
}

async function inspected(token) {
  const parts = token.split(".");
  if (parts.length === 3) return { header: segment(parts[0]), claims: segment(parts[1]) };
  const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ token }) };
  return (await fetch(new URL("demo/inspect", home), init)).json();
}

byId("inspect").addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = new FormData(event.target).get("token").trim();
  byId("claims").textContent = pretty(await inspected(token).catch(() => ({ error: "Not a token" })));
});

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", () => copyOf(byId(button.dataset.copy)));
}

fetch(new URL("demo/config.json", home)).then((reply) => reply.json()).then((config) => {
  widget(config);
  const values = { sitekey: config.sitekey, secret: config.secret };
  byId("protocols").append(...Object.entries(PROTOCOLS).map(([name, steps]) => protocol(name, steps, values)));
  replicas(config);
  samples(config);
  document.body.dataset.ready = "";
});
