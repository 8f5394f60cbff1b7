// Where it stands: as an element, and as a <div class="captcha-stateless"> that becomes one.

import { CaptchaStateless } from "./element.js";

const ATTRIBUTES = "sitekey src kind theme size lang action cdata fields refresh-expired".split(" ");

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
