// <captcha-stateless>: a form field whose value is a pass.
//
// attributes  sitekey, action, cdata; src (the server's address; without it, where this script came from); kind (grid, text,
//             audio, work or auto); theme (auto, light, dark); size (normal, compact, flexible, invisible: nothing is shown
//             before execute()); lang; name (of the form field, captcha-response without it); fields (words of recaptcha,
//             hcaptcha, turnstile: their fields too); required; disabled; refresh-expired (auto: work is done again by itself)
// property    value: the pass, or "" before one is earned
// methods     execute(): a promise of the pass; close(); reset(); getResponse(); and those of form fields
// events      challenge (detail.kind, stage, stages), verified (detail.token), expired, reset,
//             error (detail.code, one of CODES)
// parts       box, trigger, about, status, progress, cancel, dialog, legend, tile, input, button
// variables   --captcha-accent, --captcha-background, --captcha-text, --captcha-border, --captcha-radius, --captcha-font
// static      home: where code and, without src, all else comes from: this script's own address, which a page that inlines it sets
//
// It writes no markup from text and no style attribute, paints pictures on canvas and plays sounds from bytes, so that it works under
// default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; worker-src 'self'; require-trusted-types-for 'script'.
// What it is made of stands in widget/parts.js, how it looks in widget/box.css and widget/dialog.css; the server joins them.

// network: no answer; unavailable: come back later; refused: not for this site or page; timeout: a challenge was not answered
// in time; failed: this device could not do it; closed: the visitor gave up.
const CODES = "network unavailable refused timeout failed closed".split(" ");

const ATTRIBUTES = "sitekey src kind theme size lang action cdata fields refresh-expired".split(" ");
const ANSWER_SECONDS = 20;
const WARN_SECONDS = 30;
const MOST_WORKERS = 4;

class CaptchaStateless extends HTMLElement {
  static formAssociated = true;
  static observedAttributes = "lang required name fields form sitekey kind action".split(" ");
  static CODES = Object.freeze(CODES);
  static home = HOME;

  #internals = this.attachInternals();
  #words = ENGLISH;
  #language = "en";
  #translated = null; // what shows words of a language waits for them
  #run = null; // what execute() promised, while it is not kept
  #turn = 0; // answers that belong to an earlier turn are dropped
  #token = "";
  #until = 0; // when the pass has expired, by this clock
  #challenge = null;
  #kinds = [];
  #first = null; // work done ahead of the visitor
  #base = ""; // the kind to come back to from sound and work
  #insists = false; // nothing was chosen, and once was asked whether that is meant
  #sends = false; // a form waits for the pass
  #layer = null; // holds the dialog where the element itself is hidden
  #timers = [];
  #stop = () => {}; // ends the work or the sound that is under way
  #ui = {};

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    root.adoptedStyleSheets = [SHEET, DIALOG];
    const ui = this.#ui;
    const button = (name, act, more, ...children) => {
      ui[name] = make("button", { type: "button", part: "button", class: name, ...more }, ...children);
      ui[name].addEventListener("click", act);
      return ui[name];
    };
    const about = () => make("a", { class: "about", part: "about", target: "_blank" }, icon("about"));
    ui.mark = make("span", { class: "mark", "aria-hidden": "true" });
    ui.label = make("span");
    ui.note = make("p", { part: "status", role: "status" });
    ui.progress = make("progress", { part: "progress", hidden: true });
    ui.box = make("div", { part: "box" },
      button("trigger", () => this.execute(), { part: "trigger" }, ui.mark, ui.label), about(),
      ui.progress, ui.note, button("cancel", () => this.#close(), { part: "cancel", hidden: true }));

    ui.ask = make("span");
    ui.round = make("small");
    ui.legend = make("div", { class: "ask", part: "legend", tabindex: -1, id: "legend" });
    ui.tiles = make("div", { class: "tiles" });
    ui.input = make("input", { class: "input", part: "input", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
      maxlength: 64, "aria-labelledby": "legend" });
    ui.say = make("p", { part: "status", role: "status" });
    ui.group = make("div", { role: "group", "aria-labelledby": "legend" }, ui.legend,
      make("div", { class: "told" }, ui.say, button("more", () => this.#extend())),
      button("play", () => this.#play()), ui.tiles, ui.input);
    ui.panel = make("div", {}, ui.group, button("check", () => this.#answer(), { class: "main" }),
      make("div", { class: "tools" },
        button("other", () => this.#another(this.#challenge.kind)),
        button("listen", () => this.#another("audio")),
        button("look", () => this.#another(this.#base)),
        button("device", () => this.#another("work")), about()),
      button("close", () => this.#close()));
    ui.dialog = make("dialog", { part: "dialog", "aria-labelledby": "legend" }, ui.panel);
    ui.abouts = [ui.box, ui.panel].map((one) => one.querySelector(".about"));
    root.append(ui.box, ui.dialog);

    // No form: a frame that may send none must do, too.
    ui.input.addEventListener("keydown", ({ key, isComposing }) => key === "Enter" && !isComposing && ui.check.click());
    ui.tiles.addEventListener("keydown", (event) => this.#move(event));
    ui.tiles.addEventListener("focusin", ({ target }) => this.#rove(target));
    // The focus is delegated for the sake of labels and validation; a click on the instruction must not move it.
    ui.dialog.addEventListener("mousedown", (event) => event.target.closest("button, input, label, a") || event.preventDefault());
    ui.dialog.addEventListener("cancel", (event) => (event.preventDefault(), this.#close()));
    this.#state("");
  }

  connectedCallback() {
    this.#listen(addEventListener);
    // What a framework set before this script was there hides the property that it was meant for.
    for (const [name, value] of Object.entries(this)) {
      if (!Object.getOwnPropertyDescriptor(CaptchaStateless.prototype, name)?.set) continue;
      delete this[name];
      this[name] = value;
    }
    const { dialog } = this.#ui;
    if (dialog.open && !this.#layer) (dialog.close(), dialog.showModal()); // moved: it is no longer on top
    this.#scheme();
    this.#translated = this.#translate();
    this.#fill();
    this.#ahead();
  }

  disconnectedCallback() {
    this.#listen(removeEventListener);
    // Frameworks take an element out to put it elsewhere: only what stays away is over.
    queueMicrotask(() => this.isConnected || this.#abandon());
  }

  #listen(change) {
    change("pageshow", this.#shownAgain);
    change("keydown", this.#escaped, true);
    change("keydown", this.#escaped);
    change("click", this.#judged, true);
    change("submit", this.#submitted, true);
    change("formdata", this.#read, true);
    change("visibilitychange", this.#slept, true);
    change("focus", this.#slept);
  }

  attributeChangedCallback(name, before, after) {
    if (before === after) return;
    if (name === "lang") this.#translated = this.#translate();
    else if (["sitekey", "kind", "action"].includes(name)) [this.#kinds, this.#first] = [[], null];
    else this.#fill();
  }

  formResetCallback() { this.reset(); }
  formDisabledCallback(disabled) {
    this.#ui.trigger.disabled = disabled;
    this.#fill();
  }

  get form() { return this.#internals.form; }
  get validity() { return this.#internals.validity; }
  get validationMessage() { return this.#internals.validationMessage; }
  get willValidate() { return this.#internals.willValidate; }
  // As of a box that is never checked: who collects a form's elements takes the hidden field, and not the pass twice.
  get type() { return "checkbox"; }
  get name() { return this.getAttribute("name") || "captcha-response"; }
  set name(name) { this.setAttribute("name", name); }
  get value() { return Date.now() < this.#until ? this.#token : ""; }
  get required() { return this.hasAttribute("required"); }
  set required(on) { this.toggleAttribute("required", Boolean(on)); }
  get disabled() { return this.hasAttribute("disabled"); }
  set disabled(on) { this.toggleAttribute("disabled", Boolean(on)); }
  checkValidity() { return this.#internals.checkValidity(); }
  reportValidity() { return this.#internals.reportValidity(); }
  getResponse() { return this.value; }

  execute() {
    this.#slept();
    if (this.#token) return Promise.resolve(this.#token);
    if (this.#run) return this.#run.promise;
    this.#run = Promise.withResolvers();
    const { promise } = this.#run;
    promise.catch(() => {}); // whoever does not wait need not hear of it
    this.#another(this.#asked());
    return promise;
  }

  close() { if (this.#run) this.#close(); }

  reset() {
    this.#abandon();
    this.#tell("reset");
  }

  // Where the visitor's device could not finish its work, the next try shows images, if the site lets them count.
  #asked() {
    const kind = this.getAttribute("kind") || "grid";
    return this.#base === "failed" && this.#kinds.includes("grid") ? "grid" : kind;
  }

  get #home() {
    const home = this.getAttribute("src") || CaptchaStateless.home;
    if (!home) console.error("captcha-stateless: set src to the server's address");
    return home && new URL(`${home.replace(/\/*$/, "")}/`, document.baseURI).href;
  }

  // A lost answer costs nothing: what carries a token is sent again, once and to the letter, and gets the same reply.
  async #call(path, headers, body, again = headers !== undefined) {
    try {
      const signal = AbortSignal.timeout(ANSWER_SECONDS * 1000);
      const init = { method: "POST", headers, body, signal };
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
    const { kind } = this.#challenge, { input } = this.#ui, boxes = this.#boxes();
    const answer = given ?? (kind === "grid" ? boxes.map(({ checked }) => checked) : input.value.trim());
    if (answer === "" || (kind === "grid" && !this.#insists && !answer.includes(true))) {
      this.#insists = true; // nothing may be right, and then is said twice
      this.#say(this.#words.none, "warn");
      return this.#resume();
    }
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
    this.#resume();
    if (reply.code === "refused") {
      this.#ui.more.hidden = true;
      return this.#say(this.#words.refused, "bad");
    }
    if (reply.code) return this.#trouble(reply.code);
    this.#challenge.challenge = reply.challenge;
    this.#watch(reply.time);
    this.#say(this.#words.left.replace("#", reply.time), "good");
  }

  // Back to where the visitor's task goes on.
  #resume() { (this.#boxes().find(({ tabIndex }) => !tabIndex) ?? this.#ui.input).focus(); }

  #begin() {
    const { cancel, dialog, trigger } = this.#ui;
    this.#stop();
    if (cancel.matches(":focus")) trigger.focus();
    this.#state(dialog.open ? "wait" : "busy", this.#words.wait);
    return ++this.#turn;
  }

  async #show(reply, note, turn) {
    if (reply.code) return this.#trouble(reply.code);
    if (reply.done) return this.#keep(reply.flag);
    this.#challenge = { kind: "grid", ...reply };
    this.#kinds = reply.kinds ?? this.#kinds;
    const { kind, stage, stages, time } = this.#challenge;
    if (kind === "work") {
      this.#tell("challenge", { kind, stage, stages });
      return this.#work(this.#challenge.work);
    }
    try {
      await Promise.all([this.#translated, dress(CaptchaStateless.home || this.#home)]);
    } catch {
      return turn === this.#turn && this.#trouble("network");
    }
    if (turn !== this.#turn) return;
    this.#base = kind === "audio" ? this.#base || "grid" : kind;
    const pictures = [["sample", reply.expected], ["line", reply.image]].filter(([, url]) => url);
    const shown = await Promise.all(pictures.map(([name, url]) =>
      painted(url, { class: name, role: "img", "aria-label": this.#words.sample })));
    const tiles = await Promise.all((reply.images ?? []).map((url, index) => this.#tile(url, index)));
    if (turn !== this.#turn) return;
    this.#lay(kind, stage, stages, shown, tiles);
    this.#state("open");
    this.#open();
    this.#ui.legend.focus();
    this.#say(note, note === this.#words.next ? "good" : "bad");
    this.#watch(time);
    this.#tell("challenge", { kind, stage, stages });
  }

  // Within the element, so that a page's own dialogs take it for their own; where that is hidden, from the page's body.
  #open() {
    const { dialog } = this.#ui;
    if (dialog.open) return;
    if (!isShown(this)) {
      this.#layer = make("div", { "data-layer": true, theme: this.getAttribute("theme") ?? "" });
      const root = this.#layer.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [SHEET, DIALOG];
      root.append(dialog);
      document.body.append(this.#layer);
    }
    dialog.showModal();
  }

  #shut() {
    this.#ui.dialog.close();
    if (!this.#layer) return;
    this.shadowRoot.append(this.#ui.dialog);
    this.#layer.remove();
    this.#layer = null;
  }

  #lay(kind, stage, stages, pictures, tiles) {
    const ui = this.#ui, words = this.#words;
    this.#insists = false;
    ui.panel.dataset.kind = kind;
    ui.ask.textContent = { grid: words.choose, text: words.read, audio: words.hear }[kind];
    ui.round.textContent = stages > 1 ? words.round.replace("#", stage + 1).replace("%", stages) : "";
    ui.ask.append(ui.round);
    ui.legend.replaceChildren(ui.ask, ...pictures);
    ui.tiles.replaceChildren(...tiles);
    ui.tiles.hidden = kind !== "grid";
    ui.input.hidden = kind === "grid";
    ui.input.value = "";
    ui.input.inputMode = kind === "audio" ? "numeric" : "text";
    ui.play.hidden = kind !== "audio";
    ui.listen.hidden = kind === "audio" || !this.#kinds.includes("audio");
    for (const name of ["check", "more", "play"]) ui[name].textContent = words[name];
    for (const name of ["other", "listen", "look", "device"]) ui[name].replaceChildren(icon(name), words[name]);
    if (kind === "audio") ui.other.lastChild.data = words.sound;
    ui.close.replaceChildren(icon("close"));
    ui.look.hidden = kind !== "audio" || !this.#kinds.includes(this.#base);
    ui.device.hidden = !this.#kinds.includes("work");
    ui.check.disabled = false;
  }

  async #tile(url, index) {
    const name = this.#words.image.replace("#", index + 1);
    const box = make("input", { type: "checkbox", "aria-label": name, tabindex: index ? -1 : 0 });
    return make("label", { class: "tile", part: "tile" }, box, await painted(url));
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
      const reply = await fetch(new URL(`api/audio?${query}`, this.#home), { headers: { "Accept-Language": this.#language } });
      if (!reply.ok) throw reply;
      const buffer = await context.decodeAudioData(await reply.arrayBuffer());
      if (turn !== this.#turn) return ended();
      const source = Object.assign(new AudioBufferSourceNode(context, { buffer }), { onended: ended });
      source.connect(context.destination);
      source.start();
      this.#ui.input.focus();
    } catch {
      ended();
      if (turn === this.#turn) this.#say(this.#words.network, "bad");
    }
  }

  async #work({ difficulty, unit, ...work }) {
    const ui = this.#ui, turn = this.#turn, most = 2 ** (difficulty * (unit === "hex" ? 4 : 1));
    const fromDialog = ui.dialog.open;
    this.#rest();
    this.#shut();
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

  // Code comes from where this script came from, whatever src says. Browsers start workers from the page's own origin only; from
  // elsewhere the script is fetched, and its copy started.
  async #workerURL() {
    const url = new URL("work.js", CaptchaStateless.home);
    if (url.origin === location.origin) return url.href;
    const copy = URL.createObjectURL(await (await fetch(url)).blob());
    setTimeout(() => URL.revokeObjectURL(copy), 60_000);
    return copy;
  }

  // Tell in time that the time is running out, and then that it is over; and see that the dialog is not hidden with the page's own.
  #watch(seconds) {
    const { check, dialog, more, other } = this.#ui, left = Math.min(WARN_SECONDS, Math.floor(seconds / 2));
    this.#rest();
    more.hidden = true;
    this.#later(seconds - left, () => {
      more.hidden = this.#challenge.kind === "text"; // a new picture is free
      this.#say(this.#words.left.replace("#", left), "warn");
    });
    this.#later(seconds, () => {
      if (check.matches(":focus") || more.matches(":focus")) other.focus();
      check.disabled = more.hidden = true;
      this.#say(this.#words.over, "bad");
      this.#tell("error", { code: "timeout" });
    });
    this.#timers.push(setInterval(() => isShown(dialog) || this.#close(), 250));
  }

  #later(seconds, act) { this.#timers.push(setTimeout(act, seconds * 1000)); }
  #rest() { this.#timers.splice(0).forEach(clearTimeout); }

  #trouble(code) {
    this.#stop();
    if (code === "failed") this.#base = "failed";
    if (!this.#ui.dialog.open || code === "refused") return this.#fail(code);
    this.#state("open", this.#words[code] ?? this.#words.over, "bad");
    if (!this.#ui.dialog.querySelector("input:focus")) this.#ui.check.focus();
    this.#tell("error", { code });
  }

  #fail(code) {
    const run = this.#end("", code === "closed" ? "" : this.#words[code], "bad");
    if (!run) return;
    this.#tell("error", { code });
    run.reject(Object.assign(new Error(`captcha-stateless: ${code}`), { code }));
  }

  #close() { this.#fail("closed"); }

  #keep(token) {
    const run = this.#end("done", "", "", token);
    this.#later(lifetime(token), () => this.#expire());
    this.#tell("verified", { token });
    run?.resolve(token);
  }

  #expire() {
    this.#end("", this.#words.expired, "warn");
    this.#tell("expired");
    if (this.getAttribute("refresh-expired") === "auto" && this.#challenge?.kind === "work") this.execute();
  }

  // The run is over, whatever came of it: the focus goes back to where it began.
  #end(state, note, tone, token = "") {
    const run = this.#run, ui = this.#ui;
    const inside = ui.dialog.open || ui.cancel.matches(":focus");
    this.#run = null;
    this.#token = token;
    this.#until = token ? Date.now() + lifetime(token) * 1000 : 0;
    this.#turn++;
    this.#stop();
    this.#rest();
    this.#shut();
    this.#state(state, note, tone);
    this.#fill();
    if (inside && isShown(ui.trigger)) ui.trigger.focus();
    return run;
  }

  #abandon() {
    this.#end("")?.reject(Object.assign(new Error("captcha-stateless: reset"), { code: "closed" }));
  }

  get #fields() {
    const words = (this.getAttribute("fields") ?? "").split(/\s+/).filter((word) => Object.hasOwn(FIELDS, word));
    return [...new Set([this.name, ...words.map((word) => `${FIELDS[word]}-response`)])];
  }

  // Hidden fields, for whoever collects a form by its elements; what a copy of the page brought along is dropped.
  #fill() {
    for (const old of this.querySelectorAll(":scope > [data-pass]")) old.remove();
    if (this.#token && !this.matches(":disabled")) {
      const value = this.#token, form = this.getAttribute("form");
      this.append(...this.#fields.map((name) =>
        make("input", { type: "hidden", "data-pass": true, name, value, ...(form && { form }) })));
    }
    this.#judged();
  }

  // Browsers keep a form back without a word where they cannot show why: there, see #submitted.
  #judged = () => {
    const missing = this.required && !this.#token && isShown(this.#ui.trigger);
    this.#internals.setValidity(missing ? { valueMissing: true } : {}, missing ? this.#words.required : "", this.#ui.trigger);
  };

  // A form that lacks the pass waits for it.
  #submitted = (event) => {
    const { target: form, submitter } = event;
    this.#slept();
    if (form !== this.form || !this.required || this.#token || this.matches(":disabled")) return;
    if (form.noValidate || submitter?.formNoValidate) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (this.#sends) return;
    this.#sends = true;
    this.execute().then(
      () => (this.#sends = false, form.requestSubmit(submitter)),
      ({ code }) => {
        this.#sends = false;
        if (code !== "closed" && !isShown(this)) alert(this.#words[code]);
      },
    );
  };

  // A page that is morphed loses the hidden fields.
  #read = ({ target, formData }) => {
    if (target !== this.form || !this.value || this.matches(":disabled")) return;
    for (const name of this.#fields) if (!formData.getAll(name).includes(this.#token)) formData.append(name, this.#token);
  };

  // "": nothing begun; busy: asking, nothing shown; work: the device works; open: the visitor's turn; wait: judged; done.
  #state(state, note = "", tone = "") {
    const ui = this.#ui;
    ui.box.dataset.state = state;
    ui.box.className = `box ${state === "work" ? "busy" : state}`;
    this.#scheme();
    ui.mark.textContent = state === "done" ? "✓" : "";
    this.#name();
    ui.trigger.setAttribute("aria-disabled", ["busy", "work", "done"].includes(state));
    ui.progress.hidden = ui.cancel.hidden = state !== "work";
    if (state === "work") ui.progress.value = 0;
    ui.group.setAttribute("aria-busy", state === "wait");
    for (const one of ui.panel.querySelectorAll("button:not(.close)")) one.disabled = state === "wait";
    this.#say(note, tone);
  }

  // Where the page has chosen no scheme, the visitor's browser has.
  #scheme() {
    const isUnsaid = this.isConnected && getComputedStyle(this).colorScheme === "normal";
    for (const one of [this.#ui.box, this.#ui.dialog]) one.classList.toggle("auto", isUnsaid);
  }

  #name() {
    const { box, label } = this.#ui, { human, verified, wait, working } = this.#words;
    label.textContent = { busy: wait, work: working, done: verified }[box.dataset.state] ?? human;
  }

  // To whichever of the two live regions is within reach.
  #say(text, tone) {
    const { dialog, say, note } = this.#ui, [heard, mute] = dialog.open ? [say, note] : [note, say];
    [heard.textContent, heard.className, mute.textContent, mute.className] = [text, tone, "", ""];
  }

  async #translate() {
    const tag = this.getAttribute("lang") || this.parentElement?.closest("[lang]")?.lang || navigator.language;
    const ui = this.#ui, home = this.#home, language = this.#language = spoken(tag), words = await wordsOf(language, home);
    if (language !== this.#language) return;
    this.#words = words;
    for (const one of [ui.box, ui.dialog]) [one.lang, one.dir] = [language, ["ar", "he", "fa"].includes(language) ? "rtl" : "ltr"];
    for (const one of ui.abouts) {
      one.title = words.about;
      one.setAttribute("aria-label", words.about);
      if (home) one.href = new URL(`widget/help?lang=${language}`, home);
    }
    ui.cancel.textContent = words.close;
    ui.close.setAttribute("aria-label", words.close);
    ui.progress.setAttribute("aria-label", words.working);
    this.#name();
    this.#judged();
  }

  // Back from the cache of visited pages: what was earned then may have been used up.
  #shownAgain = (event) => { if (event.persisted) this.reset(); };

  // Timers sleep with the tab.
  #slept = () => { if (this.#token && !this.value) this.#expire(); };

  // First of all within our dialog, so that the page's own stays; elsewhere, to stop work, when nobody else wants the key.
  #escaped = (event) => {
    if (event.key !== "Escape" || event.isComposing || event.defaultPrevented || !this.#run) return;
    const { dialog } = this.#ui, path = event.composedPath();
    const ours = path.includes(this) || path.includes(dialog) || (dialog.open && path.indexOf(document.documentElement) < 2);
    if (!ours && (dialog.open || event.eventPhase === Event.CAPTURING_PHASE)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.#close();
  };

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

if (!customElements.get("captcha-stateless")) customElements.define("captcha-stateless", CaptchaStateless);

// <div class="captcha-stateless" data-sitekey="…"> becomes the element, with its data-* as attributes, but none that is not ours:
// whoever may write data-* may write no code. What stands in it is for browsers without scripts.
const PLACES = "div.captcha-stateless[data-sitekey]";
const DATA = [...ATTRIBUTES, "name", "required", "disabled"];

function render(place) {
  if (place.querySelector("captcha-stateless")) return;
  const made = document.createElement("captcha-stateless");
  for (const name of DATA) {
    const value = place.getAttribute(`data-${name}`);
    if (value !== null) made.setAttribute(name, value);
  }
  made.append(...place.childNodes);
  place.append(made);
}

// Turbo, htmx and their like put in pages, and copies of pages, at any time.
new MutationObserver((changes) => {
  for (const node of changes.flatMap(({ addedNodes }) => [...addedNodes])) {
    if (node.matches?.(PLACES)) render(node);
    node.querySelectorAll?.(PLACES).forEach(render);
  }
}).observe(document, { childList: true, subtree: true });
document.querySelectorAll(PLACES).forEach(render);
