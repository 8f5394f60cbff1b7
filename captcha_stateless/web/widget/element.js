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
// The files beside this one are what it is made of: scripts that the server joins to one, and how box and dialog look.

import { Box } from "./box.js";
import { Dialog } from "./dialog.js";
import { Field } from "./field.js";
import { own } from "./home.js";
import { dress, isShown, say, shade } from "./parts.js";
import { SLOW, Sound } from "./sound.js";
import { Transport } from "./transport.js";
import { spoken, wordsOf } from "./words.js";
import { most, search } from "./workers.js";

// network: no answer; unavailable: come back later; refused: not for this site or page; timeout: a challenge was not answered
// in time; failed: this device could not do it; closed: the visitor gave up.
const CODES = "network unavailable refused timeout failed closed".split(" ");

export class CaptchaStateless extends HTMLElement {
  static formAssociated = true;
  static observedAttributes = "lang required name fields form sitekey kind action".split(" ");
  static CODES = Object.freeze(CODES);
  static get home() { return own.home; }
  static set home(home) { own.home = home; }

  #words = Object.create(ENGLISH); // its prototype is the language's
  #language = "en";
  #translated = null; // what shows words of a language waits for them
  #run = null; // what execute() promised, while it is not kept
  #turn = 0; // answers that belong to an earlier turn are dropped
  #challenge = null;
  #kinds = [];
  #base = ""; // the kind to come back to from sound and work
  #stop = () => {}; // ends the work or the sound that is under way
  #internals = this.attachInternals();
  #server = new Transport(this);
  #box = new Box(this.#words, { trigger: () => this.execute(), cancel: () => this.#close() });
  #dialog = new Dialog(this.#words, {
    check: () => this.#answer(this.#dialog.answer()), more: () => this.#extend(),
    play: () => this.#play(1), slow: () => this.#play(SLOW),
    other: () => this.#another(this.#challenge.kind), listen: () => this.#another("audio"),
    look: () => this.#another(this.#base), device: () => this.#another("work"), close: () => this.#close(),
  });
  #field = new Field(this, this.#internals, this.#box.trigger, this.#words, () => this.#expire());
  #roots = [this.#box.root, this.#dialog.root];

  constructor() {
    super();
    shade(this, true, ...this.#roots);
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
    this.#dialog.lift();
    this.#scheme();
    this.#translated = this.#translate();
    this.#field.fill();
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
    this.#field.listen(change);
  }

  attributeChangedCallback(name, before, after) {
    if (before === after) return;
    if (name === "lang") this.#translated = this.#translate();
    else if (["sitekey", "kind", "action"].includes(name)) (this.#kinds = [], this.#server.forget());
    else this.#field.fill();
  }

  formResetCallback() { this.reset(); }
  formDisabledCallback(disabled) {
    this.#box.trigger.disabled = disabled;
    this.#field.fill();
  }

  get form() { return this.#internals.form; }
  get validity() { return this.#internals.validity; }
  get validationMessage() { return this.#internals.validationMessage; }
  get willValidate() { return this.#internals.willValidate; }
  // As of a box that is never checked: who collects a form's elements takes the hidden field, and not the pass twice.
  get type() { return "checkbox"; }
  get name() { return this.getAttribute("name") || "captcha-response"; }
  set name(name) { this.setAttribute("name", name); }
  get value() { return this.#field.value; }
  get required() { return this.hasAttribute("required"); }
  set required(on) { this.toggleAttribute("required", Boolean(on)); }
  get disabled() { return this.hasAttribute("disabled"); }
  set disabled(on) { this.toggleAttribute("disabled", Boolean(on)); }
  checkValidity() { return this.#internals.checkValidity(); }
  reportValidity() { return this.#internals.reportValidity(); }
  getResponse() { return this.value; }

  execute() {
    this.#field.wake();
    if (this.#field.token) return Promise.resolve(this.#field.token);
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

  #ahead() { if (!this.#field.token && !this.#dialog.root.open) this.#server.ahead(this.#asked()); }

  async #another(kind, note = "") {
    const turn = this.#begin(), reply = await this.#server.challenge(kind);
    if (turn === this.#turn) await this.#show(reply, note, turn);
  }

  async #answer(answer) {
    if (answer === undefined) return;
    const { kind, challenge } = this.#challenge;
    const turn = this.#begin(), reply = await this.#server.answer(challenge, answer);
    if (turn !== this.#turn) return;
    if (reply.code === "wrong") return this.#another(kind, this.#words.again);
    if (reply.code === "timeout") return this.#another(kind, this.#words.over);
    await this.#show(reply, this.#words.next, turn);
  }

  async #extend() {
    const turn = this.#begin(), reply = await this.#server.extend(this.#challenge.challenge);
    if (turn !== this.#turn) return;
    this.#state("open");
    this.#dialog.resume();
    if (reply.code === "refused") {
      this.#dialog.buttons.more.hidden = true;
      return this.#say(this.#words.refused, "bad");
    }
    if (reply.code) return this.#trouble(reply.code);
    this.#challenge.challenge = reply.challenge;
    this.#watch(reply.time);
    this.#say(this.#words.left.replace("#", reply.time), "good");
  }

  #begin() {
    const { cancel, trigger } = this.#box;
    this.#stop();
    if (cancel.matches(":focus")) trigger.focus();
    this.#state(this.#dialog.root.open ? "wait" : "busy", this.#words.wait);
    return ++this.#turn;
  }

  async #show(reply, note, turn) {
    if (reply.code) return this.#trouble(reply.code);
    if (reply.done) return this.#keep(reply.flag);
    this.#challenge = { kind: "grid", ...reply };
    this.#kinds = reply.kinds ?? this.#kinds;
    const { kind, stage, stages, time, work } = this.#challenge, dialog = this.#dialog;
    if (kind === "work") {
      this.#tell("challenge", { kind, stage, stages });
      return this.#work(work);
    }
    try {
      await Promise.all([this.#translated, dress(own.home || this.#server.home)]);
    } catch {
      return turn === this.#turn && this.#trouble("network");
    }
    if (turn !== this.#turn) return;
    this.#base = kind === "audio" ? this.#base || "grid" : kind;
    const pictures = await dialog.pictures(reply);
    if (turn !== this.#turn) return;
    dialog.lay(this.#challenge, this.#kinds, this.#base, pictures);
    this.#state("open");
    dialog.open(this);
    dialog.legend.focus();
    this.#say(note, note === this.#words.next ? "good" : "bad");
    this.#watch(time);
    this.#tell("challenge", { kind, stage, stages });
  }

  #watch(seconds) { this.#dialog.watch(seconds, () => this.#tell("error", { code: "timeout" })); }

  async #play(rate) {
    this.#stop();
    const turn = this.#turn, sound = new Sound();
    this.#stop = sound.stop;
    try {
      await sound.play(await this.#server.sound(this.#challenge.challenge, this.#language), rate);
      if (turn === this.#turn) this.#dialog.resume();
    } catch {
      sound.stop();
      if (turn === this.#turn) this.#say(this.#words.network, "bad");
    }
  }

  async #work(work) {
    const { cancel, progress } = this.#box, turn = this.#turn, fromDialog = this.#dialog.root.open, stopped = new AbortController();
    this.#dialog.shut(this);
    this.#state("work", this.#words.working);
    if (fromDialog) cancel.focus();
    this.#stop = () => stopped.abort();
    try {
      const solution = await search(work, most(), stopped.signal, (likely) => { progress.value = likely; });
      if (turn === this.#turn) this.#answer(solution);
    } catch {
      if (turn === this.#turn) this.#trouble("failed");
    }
  }

  #trouble(code) {
    const { root, buttons } = this.#dialog;
    this.#stop();
    if (code === "failed") this.#base = "failed";
    if (!root.open || code === "refused") return this.#fail(code);
    this.#state("open", this.#words[code] ?? this.#words.over, "bad");
    if (!root.querySelector("input:focus")) buttons.check.focus();
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
    const run = this.#run, { cancel, trigger } = this.#box;
    const inside = this.#dialog.root.open || cancel.matches(":focus");
    this.#run = null;
    this.#turn++;
    this.#stop();
    this.#dialog.shut(this);
    this.#state(state, note, tone);
    this.#field.hold(token);
    if (inside && isShown(trigger)) trigger.focus();
    return run;
  }

  #abandon() {
    this.#end("")?.reject(Object.assign(new Error("captcha-stateless: reset"), { code: "closed" }));
  }

  // "": nothing begun; busy: asking, nothing shown; work: the device works; open: the visitor's turn; wait: judged; done.
  #state(state, note = "", tone = "") {
    this.#box.state(state);
    this.#dialog.busy(state === "wait");
    this.#scheme();
    this.#say(note, tone);
  }

  // Where the page has chosen no scheme, the visitor's browser has.
  #scheme() {
    const isUnsaid = this.isConnected && getComputedStyle(this).colorScheme === "normal";
    for (const one of this.#roots) one.classList.toggle("auto", isUnsaid);
  }

  // To whichever of the two live regions is within reach.
  #say(text, tone) {
    const box = this.#box.note, dialog = this.#dialog.note, isOpen = this.#dialog.root.open;
    say(isOpen ? dialog : box, text, tone);
    say(isOpen ? box : dialog, "", "");
  }

  async #translate() {
    const tag = this.getAttribute("lang") || this.parentElement?.closest("[lang]")?.lang || navigator.language;
    const { home } = this.#server, language = this.#language = spoken(tag), words = await wordsOf(language, home);
    if (language !== this.#language) return;
    Object.setPrototypeOf(this.#words, words);
    for (const root of this.#roots) {
      const link = root.querySelector(".about");
      [root.lang, root.dir] = [language, ["ar", "he", "fa"].includes(language) ? "rtl" : "ltr"];
      link.title = words.about;
      link.setAttribute("aria-label", words.about);
      if (home) link.href = new URL(`widget/help?lang=${language}`, home);
    }
    this.#dialog.buttons.close.setAttribute("aria-label", words.close);
    this.#box.name();
    this.#field.judge();
  }

  // Back from the cache of visited pages: what was earned then may have been used up.
  #shownAgain = (event) => { if (event.persisted) this.reset(); };

  // First of all within our dialog, so that the page's own stays; elsewhere, to stop work, when nobody else wants the key.
  #escaped = (event) => {
    if (event.key !== "Escape" || event.isComposing || event.defaultPrevented || !this.#run) return;
    const { root } = this.#dialog, path = event.composedPath();
    const ours = path.includes(this) || path.includes(root) || (root.open && path.indexOf(document.documentElement) < 2);
    if (!ours && (root.open || event.eventPhase === Event.CAPTURING_PHASE)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.#close();
  };

  #tell(name, detail = {}) { this.dispatchEvent(new CustomEvent(name, { detail })); }
}
