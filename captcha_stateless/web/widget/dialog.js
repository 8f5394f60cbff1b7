// The dialog: it shows a challenge, tells in time that the time is running out, and knows what was chosen or typed.

const WARN_SECONDS = 30;

class Dialog {
  note = status();
  legend = make("div", { class: "ask", part: "legend", tabindex: -1, id: "legend" });
  #ask = make("span");
  #round = make("small");
  #tiles = make("div", { class: "tiles" });
  #input = make("input", { class: "input", part: "input", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
    maxlength: 64, "aria-labelledby": "legend" });
  #buttons = {};
  #words;
  #insists = false; // nothing was chosen, and once was asked whether that is meant
  #layer = null; // holds the dialog where the element itself is hidden
  #timers = [];

  constructor(words, acts) {
    const buttons = this.#buttons, input = this.#input, tiles = this.#tiles;
    this.#words = words;
    for (const [name, act] of Object.entries(acts)) buttons[name] = button(name, act);
    const { check, more, play, slow, other, listen, look, device, close } = buttons;
    check.className = "main";
    this.group = make("div", { role: "group", "aria-labelledby": "legend" }, this.legend,
      make("div", { class: "told" }, this.note, more), make("div", { class: "sound" }, play, slow), tiles, input);
    this.panel = make("div", {}, this.group, check, make("div", { class: "tools" }, other, listen, look, device, about()), close);
    this.root = make("dialog", { part: "dialog", "aria-labelledby": "legend" }, this.panel);

    // No form: a frame that may send none must do, too.
    input.addEventListener("keydown", ({ key, isComposing }) => key === "Enter" && !isComposing && check.click());
    tiles.addEventListener("keydown", (event) => this.#move(event));
    tiles.addEventListener("focusin", ({ target }) => this.#rove(target));
    // The focus is delegated for the sake of labels and validation; a click on the instruction must not move it.
    this.root.addEventListener("mousedown", (event) => event.target.closest("button, input, label, a") || event.preventDefault());
    this.root.addEventListener("cancel", (event) => (event.preventDefault(), acts.close()));
  }
}
