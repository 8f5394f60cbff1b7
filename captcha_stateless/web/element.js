// <captcha-stateless>: the smallest element with the interface that the compat scripts and forms rely on.
//
// attributes  sitekey, action, cdata, endpoint (the server's base URL; without it, where the script came from), name (of the form field), size ("invisible": nothing
//             is shown before execute()), theme, lang
// property    value: the pass, or "" before one is earned
// methods     execute(): a promise of the pass; reset()
// events      captcha-pass (detail.token), captcha-expired, captcha-error (detail.error)
//
// It writes no markup from text and no inline style, and paints pictures on canvas, so that it works under
// default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; require-trusted-types-for 'script'.

const captchaHome = document.currentScript ? new URL(".", document.currentScript.src).href : document.baseURI;

const captchaStyle = `
  :host { display: inline-block; font: 1rem/1.4 system-ui, sans-serif; color-scheme: light dark; }
  :host([theme="light"]) { color-scheme: light; }
  :host([theme="dark"]) { color-scheme: dark; }
  :host([size="invisible"]) .start { display: none; }
  [hidden] { display: none; }
  button { font: inherit; min-height: 2.75rem; padding: .5rem 1rem; }
  dialog { border: 1px solid; border-radius: .5rem; padding: 1rem; }
  fieldset { border: 0; margin: 0; padding: 0; }
  .tiles { display: grid; grid-template-columns: repeat(3, max-content); gap: .5rem; margin: .5rem 0; }
  label { position: relative; border: 3px solid transparent; border-radius: .25rem; }
  label:has(:checked) { border-color: AccentColor; }
  label:focus-within { outline: 3px solid AccentColor; }
  input { position: absolute; inset-inline-end: 0; width: 1.5rem; height: 1.5rem; margin: 0; }
  canvas { display: block; width: 6rem; height: 6rem; }
  [role="status"] { min-height: 1.4em; }
`;

function captchaMake(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// A picture on canvas: the page's policy need not allow images from data: URLs.
async function captchaPaint(canvas, url) {
  const bytes = Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  Object.assign(canvas, { width: picture.width, height: picture.height });
  canvas.getContext("2d").drawImage(picture, 0, 0);
}

class CaptchaStateless extends HTMLElement {
  static formAssociated = true;

  #internals = this.attachInternals();
  #run = null; // what execute() promised, while it is not kept
  #token = "";
  #challenge = null;
  #timer = 0;
  #start;
  #expected;
  #tiles;
  #status;
  #dialog;

  constructor() {
    super();
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(captchaStyle);
    const root = this.attachShadow({ mode: "closed" });
    root.adoptedStyleSheets = [sheet];
    this.#start = captchaMake("button", { type: "button", className: "start", textContent: "I am human" });
    this.#expected = captchaMake("canvas", { role: "img", ariaLabel: "the expected character" });
    this.#tiles = captchaMake("div", { className: "tiles" });
    this.#status = captchaMake("p", { role: "status" });
    const legend = captchaMake("legend", {}, "Choose every picture that shows the same character as this one:", this.#expected);
    const check = captchaMake("button", { type: "submit", textContent: "Check" });
    const form = captchaMake("form", {}, captchaMake("fieldset", {}, legend, this.#tiles), check, this.#status);
    this.#dialog = captchaMake("dialog", {}, form);
    root.append(this.#start, this.#dialog);
    this.#start.addEventListener("click", () => this.execute().catch(() => {}));
    form.addEventListener("submit", (event) => (event.preventDefault(), this.#answer()));
    this.#dialog.addEventListener("cancel", () => this.#fail("challenge-closed"));
  }

  get value() {
    return this.#token;
  }

  execute() {
    if (this.#token) return Promise.resolve(this.#token);
    if (!this.#run) {
      this.#run = Promise.withResolvers ? Promise.withResolvers() : captchaDeferred();
      const { promise } = this.#run;
      promise.catch(() => {});
      this.#begin();
      return promise;
    }
    return this.#run.promise;
  }

  reset() {
    this.#forget();
    this.#fail("reset");
  }

  async #begin(note = "") {
    const query = new URLSearchParams();
    for (const name of ["sitekey", "action", "cdata"]) {
      if (this.getAttribute(name)) query.set(name, this.getAttribute(name));
    }
    await this.#show(await this.#call(`?${query}`), note);
  }

  async #answer() {
    const answer = [...this.#tiles.querySelectorAll("input")].map((box) => box.checked);
    const headers = { "Content-Type": "application/json", "X-Captcha-Challenge": this.#challenge };
    const reply = await this.#call("", { headers, body: JSON.stringify({ answer }) });
    if (reply.error === "Incorrect" || reply.error === "Challenge expired") return this.#begin("Not quite. Another one:");
    await this.#show(reply);
  }

  async #call(query, init = {}) {
    const base = this.getAttribute("endpoint") || captchaHome;
    try {
      const reply = await fetch(new URL(`api/challenge${query}`, base), { method: "POST", ...init });
      return await reply.json();
    } catch {
      return { error: "network-error" };
    }
  }

  async #show(reply, note = "") {
    if (!this.#run) return;
    if (reply.error) return this.#fail(reply.error);
    if (reply.done) return this.#keep(reply.flag);
    this.#challenge = reply.challenge;
    this.#status.textContent = note;
    await captchaPaint(this.#expected, reply.expected);
    this.#tiles.replaceChildren(...(await Promise.all(reply.images.map(this.#tile))));
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  async #tile(url, index) {
    const canvas = document.createElement("canvas");
    await captchaPaint(canvas, url);
    return captchaMake("label", {}, captchaMake("input", { type: "checkbox", ariaLabel: `Picture ${index + 1} of 9` }), canvas);
  }

  #keep(token) {
    this.#token = token;
    this.#internals.setFormValue(token);
    this.#start.textContent = "✓ Solved";
    this.#dialog.close();
    this.#timer = setTimeout(() => this.#expire(), captchaLife(token) * 1000);
    const run = this.#run;
    this.#run = null;
    this.#tell("captcha-pass", { token });
    run.resolve(token);
  }

  #expire() {
    this.#forget();
    this.#tell("captcha-expired");
  }

  #forget() {
    clearTimeout(this.#timer);
    this.#token = "";
    this.#internals.setFormValue(null);
    this.#start.textContent = "I am human";
  }

  #fail(error) {
    if (this.#dialog.open) this.#dialog.close();
    const run = this.#run;
    this.#run = null;
    if (!run) return;
    run.reject(new Error(error));
    if (error !== "reset") this.#tell("captcha-error", { error });
  }

  #tell(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

function captchaDeferred() {
  const deferred = {};
  deferred.promise = new Promise((resolve, reject) => Object.assign(deferred, { resolve, reject }));
  return deferred;
}

// How many seconds a pass counts, as it says itself: this clock may be wrong, the difference is not.
function captchaLife(token) {
  try {
    const claims = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    return claims.exp - claims.iat;
  } catch {
    return 300;
  }
}

if (!customElements.get("captcha-stateless")) customElements.define("captcha-stateless", CaptchaStateless);
