// <captcha-stateless>: a form field whose value is a pass.
//
// attributes  sitekey, action, cdata; src (the server's address; without it, where this script came from); kind (grid, text,
//             audio, work or auto); theme (auto, light, dark); size (normal, compact, flexible, invisible: nothing is shown
//             before execute()); lang; name (of the form field, captcha-response without it); fields (words of recaptcha,
//             hcaptcha, turnstile: their fields too); required; disabled; refresh-expired (auto: work is done again by itself)
// property    value: the pass, or "" before one is earned
// methods     execute(): a promise of the pass; reset(); getResponse(); and those of form fields
// events      challenge (detail.kind, stage, stages), verified (detail.token), expired, reset,
//             error (detail.code, one of CODES)
// parts       box, trigger, status, progress, cancel, dialog, legend, tile, input, button
// variables   --captcha-accent, --captcha-background, --captcha-text, --captcha-border, --captcha-radius, --captcha-font
//
// It writes no markup from text and no style attribute, paints pictures on canvas and plays sounds from bytes, so that it works under
// default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; worker-src 'self'; require-trusted-types-for 'script'.

// network: no answer; unavailable: come back later; refused: not for this site or page; timeout: a challenge was not answered
// in time; failed: this device could not do it; closed: the visitor gave up.
const CODES = ["network", "unavailable", "refused", "timeout", "failed", "closed"];

const FIELDS = { recaptcha: "g-recaptcha-response", hcaptcha: "h-captcha-response", turnstile: "cf-turnstile-response" };
const ATTRIBUTES = ["sitekey", "src", "kind", "theme", "size", "lang", "action", "cdata", "name", "fields", "refresh-expired"];
const ANSWER_SECONDS = 20;
const WARN_SECONDS = 30;
const MOST_WORKERS = 4;

const script = document.currentScript
  || [...document.scripts].find(({ src }) => /\/(widget(-\w+)?|captcha)\.js(\?|$)/.test(src));
const HOME = script ? new URL(".", script.src).href : document.baseURI;

// A worker's address is code to a page that requires Trusted Types; ours is always the server's own work.js. The policy is made when
// it is needed: a page that lists policies lets each be made once, and may load this script under two of its names.
let policy;
const trusted = {
  createScriptURL(url) {
    policy ??= window.trustedTypes?.createPolicy("captcha-stateless", { createScriptURL: (text) => text }) ?? { createScriptURL: String };
    return policy.createScriptURL(url);
  },
};

const SHEET = new CSSStyleSheet();
SHEET.replaceSync(`
  :host { display: inline-block; max-width: 100%; vertical-align: top; color-scheme: light dark; text-align: start;
    --accent: var(--captcha-accent, light-dark(#0b57d0, #a8c7fa)); --back: var(--captcha-background, light-dark(#fff, #202124));
    --text: var(--captcha-text, light-dark(#1f1f1f, #e8eaed)); --line: var(--captcha-border, light-dark(#747775, #8e918f));
    --round: var(--captcha-radius, .5rem); font: var(--captcha-font, 1rem/1.4 system-ui, sans-serif); }
  :host([theme="light"]) { color-scheme: light; }
  :host([theme="dark"]) { color-scheme: dark; }
  :host([size="flexible"]) { display: block; }
  :host([hidden]), [hidden] { display: none !important; }
  * { box-sizing: border-box; }
  .box, dialog { background: var(--back); color: var(--text); border: 1px solid var(--line); border-radius: var(--round); }
  .box { inline-size: 19rem; max-inline-size: 100%; padding: .5rem; }
  :host([size="compact"]) .box { inline-size: 11rem; }
  :host([size="flexible"]) .box { inline-size: 100%; }
  :host([size="invisible"]) .box { inline-size: auto; border: 0; padding: 0; background: none; }
  :host([size="invisible"]) .trigger { display: none; }
  button, .input { font: inherit; color: inherit; min-block-size: 2.75rem; border: 1px solid var(--line); border-radius: var(--round);
    background: transparent; padding: .25rem .75rem; }
  button { cursor: pointer; }
  button:disabled { opacity: .6; cursor: default; }
  .buttons button { flex: 1 1 40%; font-size: .9375rem; min-block-size: 2.5rem; }
  .buttons .main { background: var(--accent); color: var(--back); border-color: var(--accent); font-weight: 600; }
  .trigger { display: flex; align-items: center; gap: .75rem; inline-size: 100%; border-color: transparent; padding: .25rem; text-align: start; }
  .trigger:disabled { opacity: 1; }
  .mark { flex: none; display: grid; place-items: center; inline-size: 1.75rem; block-size: 1.75rem; border: 2px solid var(--line);
    border-radius: .25rem; font-weight: 700; }
  .busy .mark { border-radius: 50%; border-block-start-color: var(--accent); animation: turn 1s linear infinite; }
  .done .mark { border-color: var(--accent); background: var(--accent); color: var(--back); }
  @keyframes turn { to { rotate: 1turn; } }
  :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
  p { margin: .25rem; }
  p:empty { margin: 0; }
  progress { inline-size: 100%; accent-color: var(--accent); }
  dialog { max-inline-size: min(24rem, calc(100vw - 1rem)); max-block-size: calc(100vh - 1rem); padding: .75rem; overflow: auto; }
  dialog::backdrop { background: rgb(0 0 0 / .5); }
  fieldset { border: 0; margin: 0; padding: 0; min-inline-size: 0; }
  legend { padding: 0; font-weight: 600; }
  legend small { display: block; font-weight: 400; }
  canvas { display: block; max-inline-size: 100%; border-radius: .25rem; }
  .sample { inline-size: 4.5rem; margin-block: .5rem; }
  .line { inline-size: 100%; margin-block: .5rem; }
  .tiles { display: grid; grid-template-columns: repeat(3, minmax(64px, 1fr)); gap: .375rem; margin-block: .5rem; }
  .tile { position: relative; min-block-size: 64px; border: 4px solid transparent; border-radius: var(--round); cursor: pointer; }
  .tile:has(:checked) { border-color: var(--accent); }
  .tile:focus-within { outline: 3px solid var(--accent); outline-offset: 1px; }
  .tile input { position: absolute; inset-block-start: .125rem; inset-inline-end: .125rem; inline-size: 1.5rem; block-size: 1.5rem;
    margin: 0; accent-color: var(--accent); outline: none; }
  .tile canvas { inline-size: 100%; }
  .input { inline-size: 100%; margin-block: .5rem; background: var(--back); letter-spacing: .15em; }
  .buttons { display: flex; flex-wrap: wrap; gap: .375rem; margin-block: .5rem; }
  [role="status"] { min-block-size: 1.4em; }
  .box [role="status"] { min-block-size: 0; }
  @media (max-height: 30rem) and (min-width: 34rem) {
    dialog { max-inline-size: min(36rem, 100vw - 1rem); }
    form { display: grid; grid-template-columns: 1fr 10rem; column-gap: .75rem; }
    .buttons { position: sticky; inset-block-start: 0; align-self: start; margin: 0; }
    .buttons button { flex-basis: 100%; }
    .tiles { max-inline-size: 17rem; }
    [role="status"] { grid-row: 2; grid-column: 1 / -1; }
  }
  @media (forced-colors: active) {
    .tile { border-color: Canvas; }
    .tile:has(:checked) { border-color: Highlight; }
    .done .mark { border-color: Highlight; }
    .main { border-width: 3px; }
  }
  @media (prefers-reduced-motion: reduce) { .busy .mark { animation: none; } }
`);

function make(name, properties, ...children) {
  const { part = "", ...rest } = properties ?? {};
  const made = Object.assign(document.createElement(name), rest);
  if (part) made.setAttribute("part", part);
  made.append(...children);
  return made;
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  made.promise.catch(() => {}); // whoever does not wait need not hear of it
  return made;
}

// A picture on canvas: the page's policy need not allow images from data: URLs.
async function painted(url, properties) {
  const bytes = Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const canvas = make("canvas", { ...properties, width: picture.width, height: picture.height });
  canvas.getContext("2d").drawImage(picture, 0, 0);
  return canvas;
}

// How many seconds a pass counts, as it says itself: this clock may be wrong, the difference is not.
function lifetime(pass) {
  try {
    const { exp, iat } = JSON.parse(atob(pass.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    return exp - iat;
  } catch {
    return 300;
  }
}

// BCP 47: the tag itself, its language, or the script that Chinese is written in there.
function spoken(tag) {
  const [language, ...rest] = tag.toLowerCase().split(/[-_]/);
  if (language === "zh") return rest.some((part) => ["tw", "hk", "mo", "hant"].includes(part)) ? "zh-TW" : "zh-CN";
  const known = language === "no" || language === "nn" ? "nb" : language === "iw" ? "he" : language;
  return LANGUAGES.includes(known) ? known : "en";
}

const loaded = new Map([["en", Promise.resolve(ENGLISH)]]);

function wordsOf(language, home) {
  if (!loaded.has(language)) {
    const init = { credentials: "omit", signal: AbortSignal.timeout(ANSWER_SECONDS * 1000) };
    const coming = fetch(new URL(`widget/${language}.json`, home), init).then((reply) => reply.json());
    loaded.set(language, coming.catch(() => (loaded.delete(language), ENGLISH)));
  }
  return loaded.get(language);
}

class CaptchaStateless extends HTMLElement {
  static formAssociated = true;
  static observedAttributes = ["lang", "required", "name", "fields", "sitekey", "kind", "action"];

  #internals = this.attachInternals();
  #words = ENGLISH;
  #language = "en";
  #translated = null; // what shows words of a language waits for them
  #run = null; // what execute() promised, while it is not kept
  #turn = 0; // answers that belong to an earlier turn are dropped
  #token = "";
  #challenge = null;
  #kinds = [];
  #first = null; // work done ahead of the visitor
  #base = ""; // the kind to come back to from sound and work
  #timers = [];
  #stop = () => {}; // ends the work or the sound that is under way
  #ui = {};

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    root.adoptedStyleSheets = [SHEET];
    const button = (name, act, more) => {
      this.#ui[name] = make("button", { type: "button", part: "button", ...more });
      if (act) this.#ui[name].addEventListener("click", act);
      return this.#ui[name];
    };
    const ui = this.#ui;
    ui.mark = make("span", { className: "mark", ariaHidden: "true" });
    ui.label = make("span");
    ui.note = make("p", { part: "status", role: "status" });
    ui.progress = make("progress", { part: "progress", hidden: true, max: 1 });
    ui.box = make("div", { className: "box", part: "box" },
      button("trigger", () => this.execute(), { part: "trigger", className: "trigger" }),
      ui.progress, ui.note, button("cancel", () => this.#close(), { part: "cancel", hidden: true }));
    ui.trigger.append(ui.mark, ui.label);

    ui.ask = make("span");
    ui.round = make("small");
    ui.legend = make("legend", { part: "legend", tabIndex: -1, id: "legend" }, ui.ask, ui.round);
    ui.tiles = make("div", { className: "tiles" });
    ui.input = make("input", { className: "input", part: "input", type: "text", autocomplete: "off", autocapitalize: "off",
      spellcheck: false, maxLength: 64 });
    ui.input.setAttribute("aria-labelledby", "legend");
    ui.say = make("p", { part: "status", role: "status" });
    ui.group = make("fieldset", { role: "group" }, ui.legend, button("play", () => this.#play()), ui.tiles, ui.input);
    ui.form = make("form", { noValidate: true }, ui.group,
      make("div", { className: "buttons" },
        button("check", null, { type: "submit", className: "main" }),
        button("more", () => this.#extend()),
        button("other", () => this.#another(this.#challenge.kind)),
        button("listen", () => this.#another("audio")),
        button("look", () => this.#another(this.#base)),
        button("device", () => this.#another("work")),
        button("close", () => this.#close())),
      ui.say);
    ui.dialog = make("dialog", { part: "dialog" }, ui.form);
    ui.dialog.setAttribute("aria-labelledby", "legend");
    root.append(ui.box, ui.dialog);

    ui.form.addEventListener("submit", (event) => (event.preventDefault(), this.#answer()));
    ui.tiles.addEventListener("keydown", (event) => this.#move(event));
    ui.tiles.addEventListener("focusin", ({ target }) => this.#rove(target));
    // The focus is delegated for the sake of labels and validation; a click on the instruction must not move it.
    ui.dialog.addEventListener("mousedown", (event) => event.target.closest("button, input, label") || event.preventDefault());
    ui.dialog.addEventListener("cancel", (event) => (event.preventDefault(), this.#close()));
    this.#state("");
  }

  connectedCallback() {
    addEventListener("pageshow", this.#shownAgain);
    addEventListener("keydown", this.#escaped);
    // What a framework set before this script was there hides the property that it was meant for.
    for (const [name, value] of Object.entries(this)) {
      if (!Object.getOwnPropertyDescriptor(CaptchaStateless.prototype, name)?.set) continue;
      delete this[name];
      this[name] = value;
    }
    const { dialog } = this.#ui;
    if (dialog.open) (dialog.close(), dialog.showModal()); // moved: it is no longer on top
    this.#translated = this.#translate();
    this.#ahead();
  }

  disconnectedCallback() {
    removeEventListener("pageshow", this.#shownAgain);
    removeEventListener("keydown", this.#escaped);
    // Frameworks take an element out to put it elsewhere: only what stays away is over.
    queueMicrotask(() => this.isConnected || this.#abandon());
  }

  attributeChangedCallback(name, before, after) {
    if (before === after) return;
    if (name === "lang") this.#translated = this.#translate();
    else if (["sitekey", "kind", "action"].includes(name)) [this.#kinds, this.#first] = [[], null];
    else this.#fill();
  }

  formResetCallback() { this.reset(); }
  formDisabledCallback(disabled) { this.#ui.trigger.disabled = disabled; }

  get form() { return this.#internals.form; }
  get validity() { return this.#internals.validity; }
  get validationMessage() { return this.#internals.validationMessage; }
  get willValidate() { return this.#internals.willValidate; }
  get type() { return this.localName; }
  get value() { return this.#token; }
  get required() { return this.hasAttribute("required"); }
  set required(on) { this.toggleAttribute("required", Boolean(on)); }
  get disabled() { return this.hasAttribute("disabled"); }
  set disabled(on) { this.toggleAttribute("disabled", Boolean(on)); }
  checkValidity() { return this.#internals.checkValidity(); }
  reportValidity() { return this.#internals.reportValidity(); }
  getResponse() { return this.#token; }

  execute() {
    if (this.#token) return Promise.resolve(this.#token);
    if (this.#run) return this.#run.promise;
    this.#run = deferred();
    const { promise } = this.#run;
    this.#another(this.#asked());
    return promise;
  }

  reset() {
    this.#abandon();
    this.#tell("reset");
  }

  // Where the visitor's device could not finish its work, the next try shows images, if the site lets them count.
  #asked() {
    const kind = this.getAttribute("kind") || "grid";
    return this.#base === "failed" && this.#kinds.includes("grid") ? "grid" : kind;
  }

  get #home() { return new URL(`${(this.getAttribute("src") || HOME).replace(/\/*$/, "")}/`, document.baseURI); }

  // A lost answer costs nothing: what carries a token is sent again, once and to the letter, and gets the same reply.
  async #call(path, headers, body, again = headers !== undefined) {
    try {
      const signal = AbortSignal.timeout(ANSWER_SECONDS * 1000);
      const init = { method: "POST", headers, body, signal, credentials: "omit" };
      const answer = await fetch(new URL(path, this.#home), init);
      if (answer.status >= 500 || answer.status === 429) return { code: "unavailable" };
      const reply = await answer.json().catch((error) => {
        if (error.name === "SyntaxError") return {}; // between us stands who speaks no JSON
        throw error;
      });
      if (answer.ok) return reply.challenge || reply.done ? reply : { code: "network" };
      if (reply.error === "Incorrect") return { code: "wrong" };
      return { code: /expired|already answered/.test(reply.error) ? "timeout" : "refused" };
    } catch {
      return again ? this.#call(path, headers, body, false) : { code: "network" };
    }
  }

  async #another(kind, note = "") {
    const turn = this.#begin();
    const query = new URLSearchParams({ kind });
    for (const name of ["sitekey", "action", "cdata"]) if (this.getAttribute(name)) query.set(name, this.getAttribute(name));
    const reply = await this.#drawn(`api/challenge?${query}`, kind);
    if (turn === this.#turn) await this.#show(reply, note, turn);
  }

  // The work that a server may ask before it draws anything is done while the page loads, so that nobody waits for it.
  async #ahead() {
    const kind = this.#asked(), query = new URLSearchParams({ kind });
    if (kind === "work" || this.#token || this.#first || this.#ui.dialog.open) return;
    if (this.getAttribute("sitekey")) query.set("sitekey", this.getAttribute("sitekey"));
    const { work, challenge, time } = await this.#call(`api/work?${query}`);
    if (work) this.#first = { challenge, until: Date.now() + time * 1000, solution: this.#solve(work) };
  }

  async #drawn(path, kind) {
    const ahead = this.#first?.until > Date.now() && kind !== "work" ? this.#first : null;
    if (ahead) this.#first = null;
    let reply = ahead ? await this.#worked(path, ahead) : await this.#call(path);
    if (ahead && ["timeout", "wrong", "failed"].includes(reply.code)) reply = await this.#call(path);
    return reply.first ? this.#worked(path, { ...reply, solution: this.#solve(reply.work) }) : reply;
  }

  async #worked(path, { challenge, solution }) {
    const answer = await solution, headers = { "Content-Type": "application/json", "X-Captcha-Challenge": challenge };
    return answer === undefined ? { code: "failed" } : this.#call(path, headers, JSON.stringify({ answer }));
  }

  async #solve(work) {
    let hand;
    try {
      hand = new Worker(trusted.createScriptURL(await this.#workerURL()));
      return await new Promise((solved, failed) => {
        hand.onerror = failed;
        hand.onmessage = ({ data }) => (data.error ? failed() : data.solution !== undefined && solved(data.solution));
        hand.postMessage({ ...work, start: 0, step: 1 });
      });
    } catch {
      return undefined;
    } finally {
      hand?.terminate();
    }
  }

  async #answer(given) {
    const { kind } = this.#challenge;
    const answer = given ?? (kind === "grid" ? this.#boxes().map(({ checked }) => checked) : this.#ui.input.value);
    if (answer === "") return this.#ui.input.focus();
    const turn = this.#begin();
    const headers = { "Content-Type": "application/json", "X-Captcha-Challenge": this.#challenge.challenge };
    const reply = await this.#call("api/challenge", headers, JSON.stringify({ answer }));
    if (turn !== this.#turn) return;
    if (reply.code === "wrong") return this.#another(kind, this.#words.again);
    if (reply.code === "timeout") return this.#another(kind, this.#words.over);
    await this.#show(reply, this.#words.next, turn);
  }

  async #extend() {
    const turn = this.#begin();
    const reply = await this.#call("api/extend", { "X-Captcha-Challenge": this.#challenge.challenge });
    if (turn !== this.#turn) return;
    this.#state("open");
    this.#ui.more.focus();
    if (reply.code === "refused") {
      this.#ui.check.focus();
      this.#ui.more.disabled = true;
      return this.#say(this.#words.refused);
    }
    if (reply.code) return this.#trouble(reply.code);
    this.#challenge.challenge = reply.challenge;
    this.#watch(reply.time);
    this.#say(this.#words.left.replace("#", reply.time));
  }

  #begin() {
    this.#stop();
    if (this.shadowRoot.activeElement === this.#ui.cancel) this.#ui.trigger.focus();
    this.#state(this.#ui.dialog.open ? "wait" : "busy", this.#words.wait);
    return ++this.#turn;
  }

  async #show(reply, note, turn) {
    if (reply.code) return this.#trouble(reply.code);
    if (reply.done) return this.#keep(reply.flag);
    await this.#translated;
    if (turn !== this.#turn) return;
    this.#challenge = { kind: "grid", ...reply };
    this.#kinds = reply.kinds ?? this.#kinds;
    const { kind, stage, stages, time } = this.#challenge;
    if (kind === "work") {
      this.#tell("challenge", { kind, stage, stages });
      return this.#work(this.#challenge.work);
    }
    this.#base = kind === "audio" ? this.#base || "grid" : kind;
    const sample = reply.expected && await painted(reply.expected, { className: "sample", role: "img", ariaLabel: this.#words.sample });
    const line = reply.image && await painted(reply.image, { className: "line", role: "img", ariaLabel: this.#words.sample });
    const tiles = await Promise.all((reply.images ?? []).map((url, index) => this.#tile(url, index)));
    if (turn !== this.#turn) return;
    this.#lay(kind, stage, stages, [sample, line].filter(Boolean), tiles);
    this.#state("open");
    if (!this.#ui.dialog.open) this.#ui.dialog.showModal();
    this.#ui.legend.focus();
    this.#say(note);
    this.#watch(time);
    this.#tell("challenge", { kind, stage, stages });
  }

  #lay(kind, stage, stages, pictures, tiles) {
    const ui = this.#ui, words = this.#words;
    ui.ask.textContent = { grid: words.choose, text: words.read, audio: words.hear }[kind];
    ui.round.textContent = stages > 1 ? words.round.replace("#", stage + 1).replace("%", stages) : "";
    ui.legend.replaceChildren(ui.ask, ui.round, ...pictures);
    ui.tiles.replaceChildren(...tiles);
    ui.tiles.hidden = kind !== "grid";
    ui.input.hidden = kind === "grid";
    ui.input.value = "";
    ui.input.inputMode = kind === "audio" ? "numeric" : "text";
    ui.play.hidden = kind !== "audio";
    ui.more.hidden = kind === "text"; // a new picture is free
    ui.listen.hidden = kind === "audio" || !this.#kinds.includes("audio");
    ui.other.textContent = kind === "audio" ? words.sound : words.other;
    ui.look.hidden = kind !== "audio" || !this.#kinds.includes(this.#base);
    ui.device.hidden = !this.#kinds.includes("work");
    ui.check.disabled = false;
  }

  async #tile(url, index) {
    const box = make("input", { type: "checkbox", ariaLabel: this.#words.image.replace("#", index + 1), tabIndex: index ? -1 : 0 });
    return make("label", { className: "tile", part: "tile" }, box, await painted(url));
  }

  #boxes() { return [...this.#ui.tiles.querySelectorAll("input")]; }

  #rove(box) { for (const other of this.#boxes()) other.tabIndex = other === box ? 0 : -1; }

  // Arrows move as on a grid, mirrored where text runs from right to left; Enter chooses, for sending it all is Check's.
  #move(event) {
    const boxes = this.#boxes(), at = boxes.indexOf(event.target), { key } = event;
    if (event.ctrlKey || event.altKey || event.metaKey || at < 0) return;
    const forward = this.#ui.box.dir === "rtl" ? -1 : 1;
    const step = { ArrowRight: forward, ArrowLeft: -forward, ArrowDown: 3, ArrowUp: -3, Home: -at, End: 8 - at, Enter: 0 }[key];
    if (step === undefined) return;
    event.preventDefault();
    if (key === "Enter") boxes[at].click();
    else boxes[at + step]?.focus();
  }

  // The sound is played from its bytes: the page's policy need not allow media.
  async #play() {
    this.#stop();
    const turn = this.#turn, context = new AudioContext(), ended = () => context.state === "closed" || context.close();
    this.#stop = ended;
    try {
      const query = new URLSearchParams({ token: this.#challenge.challenge });
      const init = { credentials: "omit", headers: { "Accept-Language": this.#language } };
      const reply = await fetch(new URL(`api/audio?${query}`, this.#home), init);
      if (!reply.ok) throw new Error("no sound");
      const buffer = await context.decodeAudioData(await reply.arrayBuffer());
      if (turn !== this.#turn) return ended();
      const source = Object.assign(new AudioBufferSourceNode(context, { buffer }), { onended: ended });
      source.connect(context.destination);
      source.start();
      this.#ui.input.focus();
    } catch {
      ended();
      if (turn === this.#turn) this.#say(this.#words.network);
    }
  }

  async #work({ difficulty, unit, ...work }) {
    const ui = this.#ui, turn = this.#turn, most = 2 ** (difficulty * (unit === "hex" ? 4 : 1));
    const fromDialog = ui.dialog.open;
    ui.dialog.close();
    this.#state("work", this.#words.working);
    if (fromDialog) ui.cancel.focus();
    const hands = [];
    this.#stop = () => hands.splice(0).forEach((hand) => hand.terminate());
    try {
      const step = Math.max(1, Math.min(MOST_WORKERS, navigator.hardwareConcurrency - 1 || 1));
      const done = Array(step).fill(0), url = await this.#workerURL();
      if (turn !== this.#turn) return;
      for (let start = 0; start < step; start++) {
        const hand = new Worker(trusted.createScriptURL(url));
        hands.push(hand);
        hand.onerror = () => turn === this.#turn && this.#trouble("failed");
        hand.onmessage = ({ data }) => {
          if (turn !== this.#turn) return;
          if (data.error) return this.#trouble("failed");
          done[start] = data.hashes;
          // Nobody knows how long it takes; this is how likely it was to be over by now.
          ui.progress.value = 1 - Math.exp(-done.reduce((sum, one) => sum + one) / most);
          if (data.solution !== undefined) this.#answer(data.solution);
        };
        hand.postMessage({ ...work, unit, difficulty, start, step });
      }
    } catch {
      if (turn === this.#turn) this.#trouble("failed");
    }
  }

  // Browsers start workers from the page's own origin only; from elsewhere the script is fetched, and its copy started.
  async #workerURL() {
    const url = new URL("work.js", this.#home);
    if (url.origin === location.origin) return url.href;
    const copy = URL.createObjectURL(await (await fetch(url, { credentials: "omit" })).blob());
    setTimeout(() => URL.revokeObjectURL(copy), 60_000);
    return copy;
  }

  // Tell in time that the time is running out, and then that it is over.
  #watch(seconds) {
    this.#rest();
    const left = Math.min(WARN_SECONDS, Math.floor(seconds / 2));
    this.#later(seconds - left, () => {
      this.#say(this.#words.left.replace("#", left));
    });
    this.#later(seconds, () => {
      const { check, more, other } = this.#ui;
      if ([check, more].includes(this.shadowRoot.activeElement)) other.focus();
      check.disabled = more.disabled = true;
      this.#say(this.#words.over);
      this.#tell("error", { code: "timeout" });
    });
  }

  #later(seconds, act) { this.#timers.push(setTimeout(act, seconds * 1000)); }
  #rest() { this.#timers.splice(0).forEach(clearTimeout); }

  #trouble(code) {
    this.#stop();
    if (code === "failed") this.#base = "failed";
    if (!this.#ui.dialog.open || code === "refused") return this.#fail(code);
    this.#state("open", this.#words[code] ?? this.#words.over);
    if (!this.shadowRoot.activeElement?.matches("input")) this.#ui.check.focus();
    this.#tell("error", { code });
  }

  #fail(code) {
    const run = this.#end("", this.#words[code] ?? "");
    if (!run) return;
    this.#tell("error", { code });
    run.reject(Object.assign(new Error(`captcha-stateless: ${code}`), { code }));
  }

  #close() { this.#fail("closed"); }

  #keep(token) {
    this.#token = token;
    const run = this.#end("done");
    this.#later(lifetime(token), () => this.#expire());
    this.#tell("verified", { token });
    run?.resolve(token);
  }

  #expire() {
    this.#token = "";
    this.#end("", this.#words.expired);
    this.#tell("expired");
    if (this.getAttribute("refresh-expired") === "auto" && this.#challenge?.kind === "work") this.execute();
  }

  // The run is over, whatever came of it: the focus goes back to where it began.
  #end(state, note) {
    const run = this.#run, ui = this.#ui;
    const inside = ui.dialog.open || this.shadowRoot.activeElement === ui.cancel;
    this.#run = null;
    this.#turn++;
    this.#stop();
    this.#rest();
    ui.dialog.close();
    this.#state(state, note);
    this.#fill();
    if (inside && this.getAttribute("size") !== "invisible") ui.trigger.focus();
    return run;
  }

  #abandon() {
    this.#token = "";
    this.#end("")?.reject(Object.assign(new Error("captcha-stateless: reset"), { code: "closed" }));
  }

  #fill() {
    const names = [this.getAttribute("name") || "captcha-response",
      ...(this.getAttribute("fields") ?? "").split(/\s+/).map((word) => FIELDS[word]).filter(Boolean)];
    const data = new FormData();
    for (const name of names) data.append(name, this.#token);
    this.#internals.setFormValue(this.#token ? data : null);
    const missing = this.required && !this.#token;
    this.#internals.setValidity(missing ? { valueMissing: true } : {}, missing ? this.#words.required : "", this.#ui.trigger);
  }

  // "": nothing begun; busy: asking, nothing shown; work: the device works; open: the visitor's turn; wait: judged; done.
  #state(state, note = "") {
    const ui = this.#ui, words = this.#words;
    ui.box.className = `box ${state === "work" ? "busy" : state}`;
    ui.box.dataset.state = state;
    ui.mark.textContent = state === "done" ? "✓" : "";
    ui.label.textContent = state === "done" ? words.verified : words.human;
    ui.trigger.ariaDisabled = ["busy", "work", "done"].includes(state) ? "true" : null;
    ui.progress.hidden = ui.cancel.hidden = state !== "work";
    if (state === "work") ui.progress.value = 0;
    ui.group.ariaBusy = state === "wait" ? "true" : null;
    for (const button of [ui.check, ui.more, ui.other, ui.listen, ui.look, ui.device]) button.disabled = state === "wait";
    this.#say(note);
  }

  // To whichever of the two live regions is within reach.
  #say(text) {
    const { dialog, say, note } = this.#ui;
    say.textContent = dialog.open ? text : "";
    note.textContent = dialog.open ? "" : text;
  }

  async #translate() {
    const tag = this.getAttribute("lang") || this.parentElement?.closest("[lang]")?.lang || navigator.language;
    const ui = this.#ui, language = this.#language = spoken(tag), words = await wordsOf(language, this.#home);
    if (language !== this.#language) return;
    this.#words = words;
    ui.box.lang = ui.dialog.lang = language;
    ui.box.dir = ui.dialog.dir = ["ar", "he", "fa"].includes(language) ? "rtl" : "ltr";
    for (const name of ["check", "more", "listen", "look", "device", "close", "play"]) ui[name].textContent = words[name];
    ui.cancel.textContent = words.close;
    ui.progress.ariaLabel = words.working;
    ui.label.textContent = this.#token ? words.verified : words.human;
    this.#fill();
  }

  // Back from the cache of visited pages: what was earned then may have been used up.
  #shownAgain = (event) => { if (event.persisted) this.reset(); };

  #escaped = (event) => { if (event.key === "Escape" && this.#run) this.#close(); };

  #tell(name, detail = {}) { this.dispatchEvent(new CustomEvent(name, { detail })); }
}

// Frameworks that set properties find one for every attribute.
for (const name of ATTRIBUTES) {
  const property = name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
  if (property === "lang") continue;
  Object.defineProperty(CaptchaStateless.prototype, property, {
    configurable: true,
    get() { return this.getAttribute(name) ?? ""; },
    set(value) { if (value == null) this.removeAttribute(name); else this.setAttribute(name, value); },
  });
}
Object.freeze(Object.assign(CaptchaStateless, { CODES: Object.freeze(CODES) }));

if (!customElements.get("captcha-stateless")) customElements.define("captcha-stateless", CaptchaStateless);

// <div class="captcha-stateless" data-sitekey="…"> becomes the element, with data-* as its attributes.
function renderAll() {
  for (const place of document.querySelectorAll("div.captcha-stateless[data-sitekey]:empty")) {
    const made = document.createElement("captcha-stateless");
    for (const { name, value } of place.attributes) if (name.startsWith("data-")) made.setAttribute(name.slice(5), value);
    place.append(made);
  }
}
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", renderAll);
else renderAll();
