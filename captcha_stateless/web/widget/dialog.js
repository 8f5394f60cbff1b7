// The dialog: it shows a challenge, tells in time that the time is running out, and knows what was chosen or typed.

import { about, button, icon, isShown, make, painted, say, shade, status } from "./parts.js";

const WARN_SECONDS = 30;

export class Dialog {
  note = status();
  legend = make("div", { class: "ask", part: "legend", tabindex: -1, id: "legend" });
  #ask = make("span");
  #round = make("small");
  #tiles = make("div", { class: "tiles" });
  #input = make("input", { class: "input", part: "input", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
    maxlength: 64, "aria-labelledby": "legend" });
  buttons = {};
  #words; #group; #panel;
  #insists = false; // nothing was chosen, and once was asked whether that is meant
  #layer = null; // holds the dialog where the element itself is hidden
  #timers = [];

  constructor(words, acts) {
    const { buttons } = this, input = this.#input, tiles = this.#tiles;
    this.#words = words;
    for (const [name, act] of Object.entries(acts)) buttons[name] = button(name, act);
    const { check, more, play, slow, other, listen, look, device, close } = buttons;
    check.className = "main";
    this.#group = make("div", { role: "group", "aria-labelledby": "legend" }, this.legend,
      make("div", { class: "told" }, this.note, more), make("div", { class: "sound" }, play, slow), tiles, input);
    this.#panel = make("div", {}, this.#group, check, make("div", { class: "tools" }, other, listen, look, device, about()), close);
    this.root = make("dialog", { part: "dialog", "aria-labelledby": "legend" }, this.#panel);

    // No form: a frame that may send none must do, too.
    input.addEventListener("keydown", ({ key, isComposing }) => key === "Enter" && !isComposing && check.click());
    tiles.addEventListener("keydown", (event) => this.#move(event));
    tiles.addEventListener("focusin", ({ target }) => this.#rove(target));
    // The focus is delegated for the sake of labels and validation; a click on the instruction must not move it.
    this.root.addEventListener("mousedown", (event) => event.target.closest("button, input, label, a") || event.preventDefault());
    this.root.addEventListener("cancel", (event) => (event.preventDefault(), acts.close()));
  }

  // Within the element, so that a page's own dialogs take it for their own; where that is hidden, from the page's body.
  open(host) {
    if (this.root.open) return;
    if (!isShown(host)) {
      this.#layer = make("div", { "data-layer": true, theme: host.getAttribute("theme") ?? "" });
      shade(this.#layer, false, this.root);
      document.body.append(this.#layer);
    }
    this.root.showModal();
  }

  shut(host) {
    this.#rest();
    this.root.close();
    if (!this.#layer) return;
    host.shadowRoot.append(this.root);
    this.#layer.remove();
    this.#layer = null;
  }

  // Moved with its element, it is no longer on top.
  lift() { if (this.root.open && !this.#layer) (this.root.close(), this.root.showModal()); }

  busy(isBusy) {
    this.#group.setAttribute("aria-busy", isBusy);
    for (const one of this.#panel.querySelectorAll("button:not(.close)")) one.disabled = isBusy;
  }

  // The pictures of a challenge: what stands beside the instruction, and the tiles.
  pictures({ expected, image, images = [] }) {
    const beside = [["sample", expected], ["line", image]].filter(([, url]) => url);
    return Promise.all([
      Promise.all(beside.map(([name, url]) => painted(url, { class: name, role: "img", "aria-label": this.#words.sample }))),
      Promise.all(images.map((url, index) => this.#tile(url, index))),
    ]);
  }

  lay({ kind, stage, stages }, kinds, base, [beside, tiles]) {
    const { buttons } = this, words = this.#words, input = this.#input, isSound = kind === "audio";
    this.#insists = false;
    this.#panel.dataset.kind = kind;
    this.#ask.textContent = { grid: words.choose, text: words.read, audio: words.hear }[kind];
    this.#round.textContent = stages > 1 ? words.round.replace("#", stage + 1).replace("%", stages) : "";
    this.#ask.append(this.#round);
    this.legend.replaceChildren(this.#ask, ...beside);
    this.#tiles.replaceChildren(...tiles);
    this.#tiles.hidden = kind !== "grid";
    input.hidden = kind === "grid";
    input.value = "";
    input.inputMode = isSound ? "numeric" : "text";
    for (const name of ["check", "more", "play", "slow"]) buttons[name].textContent = words[name];
    for (const name of ["other", "listen", "look", "device"]) buttons[name].replaceChildren(icon(name), words[name]);
    if (isSound) buttons.other.lastChild.data = words.sound;
    buttons.close.replaceChildren(icon("close"));
    buttons.play.hidden = buttons.slow.hidden = !isSound;
    buttons.listen.hidden = isSound || !kinds.includes("audio");
    buttons.look.hidden = !isSound || !kinds.includes(base);
    buttons.device.hidden = !kinds.includes("work");
    buttons.check.disabled = false;
  }

  // What was chosen or typed. Nothing may be right, and then is said twice.
  answer() {
    const boxes = this.#boxes(), chosen = boxes.map(({ checked }) => checked), typed = this.#input.value.trim();
    if (boxes[0] ? this.#insists || chosen.includes(true) : typed) return boxes[0] ? chosen : typed;
    this.#insists = true;
    say(this.note, this.#words.none, "warn");
    this.resume();
  }

  // Back to where the visitor's task goes on.
  resume() { (this.#boxes().find(({ tabIndex }) => !tabIndex) ?? this.#input).focus(); }

  // Tell in time that the time is running out, and then that it is over; and see that the dialog is not hidden with the page's own.
  watch(seconds, over) {
    const { check, close, more, other } = this.buttons, left = Math.min(WARN_SECONDS, Math.floor(seconds / 2));
    this.#rest();
    more.hidden = true;
    this.#later(seconds - left, () => {
      more.hidden = this.#panel.dataset.kind === "text"; // a new picture is free
      say(this.note, this.#words.left.replace("#", left), "warn");
    });
    this.#later(seconds, () => {
      if (check.matches(":focus") || more.matches(":focus")) other.focus();
      check.disabled = more.hidden = true;
      say(this.note, this.#words.over, "bad");
      over();
    });
    this.#timers.push(setInterval(() => isShown(this.root) || close.click(), 250));
  }

  #later(seconds, act) { this.#timers.push(setTimeout(act, seconds * 1000)); }
  #rest() { this.#timers.splice(0).forEach(clearTimeout); }

  async #tile(url, index) {
    const name = this.#words.image.replace("#", index + 1);
    const box = make("input", { type: "checkbox", "aria-label": name, tabindex: index ? -1 : 0 });
    return make("label", { class: "tile", part: "tile" }, box, await painted(url));
  }

  #boxes() { return [...this.#tiles.querySelectorAll("input")]; }

  #rove(box) { for (const other of this.#boxes()) other.tabIndex = other === box ? 0 : -1; }

  // Arrows move as on a grid, mirrored where text runs from right to left; Enter chooses, for sending it all is Check's.
  #move(event) {
    const boxes = this.#boxes(), at = boxes.indexOf(event.target), { key } = event;
    if (event.ctrlKey || event.altKey || event.metaKey || at < 0) return;
    const forward = this.root.dir === "rtl" ? -1 : 1;
    const step = { ArrowRight: forward, ArrowLeft: -forward, ArrowDown: 3, ArrowUp: -3, Home: -at, End: 8 - at, Enter: 0 }[key];
    if (step === undefined) return;
    event.preventDefault();
    if (key === "Enter") boxes[at].click();
    else boxes[at + step]?.focus();
  }
}
