// The box: what is always there. It says how far things are, and a press on it begins.

import { about, button, make, status } from "./parts.js";

export class Box {
  note = status();
  progress = make("progress", { part: "progress", hidden: true });
  #mark = make("span", { class: "mark", "aria-hidden": "true" });
  #label = make("span");
  #words;

  constructor(words, { trigger, cancel }) {
    this.#words = words;
    this.trigger = button("trigger", trigger, { part: "trigger" }, this.#mark, this.#label);
    this.cancel = button("cancel", cancel, { part: "cancel", hidden: true });
    this.root = make("div", { part: "box" }, this.trigger, about(), this.progress, this.note, this.cancel);
  }

  state(state) {
    const isWork = state === "work";
    this.root.dataset.state = state;
    this.root.className = `box ${isWork ? "busy" : state}`;
    this.#mark.textContent = state === "done" ? "✓" : "";
    this.trigger.setAttribute("aria-disabled", ["busy", "work", "done"].includes(state));
    this.progress.hidden = this.cancel.hidden = !isWork;
    if (isWork) this.progress.value = 0;
    this.name();
  }

  name() {
    const { human, verified, wait, working, close } = this.#words;
    this.#label.textContent = { busy: wait, work: working, done: verified }[this.root.dataset.state] ?? human;
    this.cancel.textContent = close;
    this.progress.setAttribute("aria-label", working);
  }
}
