// The form field: the pass, the hidden fields that hold it, and a form that waits for it.

import { isShown, make } from "./parts.js";

const FIELDS = { recaptcha: "g-recaptcha", hcaptcha: "h-captcha", turnstile: "cf-turnstile" };

// How many seconds a pass counts, as it says itself: this clock may be wrong, the difference is not.
function lifetime(pass) {
  try {
    const { exp, iat } = JSON.parse(atob(pass.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    return exp - iat;
  } catch {
    return 300;
  }
}

export class Field {
  token = "";
  #until = 0; // when the pass has expired, by this clock
  #timer;
  #sends = false; // a form waits for the pass
  #element; #internals; #trigger; #words; #expire;

  constructor(element, internals, trigger, words, expire) {
    [this.#element, this.#internals, this.#trigger, this.#words, this.#expire] = [element, internals, trigger, words, expire];
  }

  get value() { return Date.now() < this.#until ? this.token : ""; }

  listen(change) {
    change("click", this.judge, true);
    change("submit", this.#submitted, true);
    change("formdata", this.#read, true);
    change("visibilitychange", this.wake, true);
    change("focus", this.wake);
  }

  hold(token) {
    const seconds = token && lifetime(token);
    this.token = token;
    this.#until = Date.now() + seconds * 1000;
    clearTimeout(this.#timer);
    if (token) this.#timer = setTimeout(this.#expire, seconds * 1000);
    this.fill();
  }

  // Hidden fields, for whoever collects a form by its elements; what a copy of the page brought along is dropped.
  fill() {
    const element = this.#element, value = this.token, form = element.getAttribute("form");
    for (const old of element.querySelectorAll(":scope > [data-pass]")) old.remove();
    if (value && !element.matches(":disabled")) {
      element.append(...this.#names.map((name) =>
        make("input", { type: "hidden", "data-pass": true, name, value, ...(form && { form }) })));
    }
    this.judge();
  }

  // Browsers keep a form back without a word where they cannot show why: there, see #submitted.
  judge = () => {
    const missing = this.#element.required && !this.token && isShown(this.#trigger);
    this.#internals.setValidity(missing ? { valueMissing: true } : {}, missing ? this.#words.required : "", this.#trigger);
  };

  // Timers sleep with the tab.
  wake = () => { if (this.token && !this.value) this.#expire(); };

  get #names() {
    const words = (this.#element.getAttribute("fields") ?? "").split(/\s+/).filter((word) => Object.hasOwn(FIELDS, word));
    return [...new Set([this.#element.name, ...words.map((word) => `${FIELDS[word]}-response`)])];
  }

  // A form that lacks the pass waits for it.
  #submitted = (event) => {
    const { target: form, submitter } = event, element = this.#element;
    this.wake();
    if (form !== element.form || !element.required || this.token || element.matches(":disabled")) return;
    if (form.noValidate || submitter?.formNoValidate) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (this.#sends) return;
    this.#sends = true;
    element.execute().then(
      () => (this.#sends = false, form.requestSubmit(submitter)),
      ({ code }) => {
        this.#sends = false;
        if (code !== "closed" && !isShown(element)) alert(this.#words[code]);
      },
    );
  };

  // A page that is morphed loses the hidden fields.
  #read = ({ target, formData }) => {
    if (target !== this.#element.form || !this.value || this.#element.matches(":disabled")) return;
    for (const name of this.#names) if (!formData.getAll(name).includes(this.token)) formData.append(name, this.token);
  };
}
