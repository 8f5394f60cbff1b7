// What box and dialog are made of: elements, icons, pictures, and their looks.

import { called } from "./transport.js";

// The rest comes with the dialog.
const ICONS = { about: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM8.5 12l2.5 2.5 4.5-5" };

const SHEETS = [new CSSStyleSheet(), new CSSStyleSheet()];
SHEETS[0].replaceSync(LOOKS);
let dressed = null;

// What only the dialog needs, looks, icons and the rest of the English words, comes when the first one opens: nothing of it is code.
export function dress(home) {
  dressed ??= called("widget/dialog.json", home).then(({ looks, icons, words }) => {
    SHEETS[1].replaceSync(looks);
    Object.assign(ICONS, icons);
    Object.assign(ENGLISH, words);
  });
  dressed.catch(() => { dressed = null; });
  return dressed;
}

// A shadow of an element, in our looks.
export function shade(host, delegatesFocus, ...children) {
  const root = host.attachShadow({ mode: "open", delegatesFocus });
  root.adoptedStyleSheets = SHEETS;
  root.append(...children);
}

// By attributes, for ARIA's properties came late to some browsers.
export function make(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) made.setAttribute(key, value === true ? "" : value);
  made.append(...children);
  return made;
}

export function button(name, act, more, ...children) {
  const made = make("button", { type: "button", part: "button", class: name, ...more }, ...children);
  made.addEventListener("click", act);
  return made;
}

export function icon(name) {
  const [svg, path] = ["svg", "path"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name] ?? "");
  svg.append(path);
  return svg;
}

// The link to privacy and help, and a live region.
export const about = () => make("a", { class: "about", part: "about", target: "_blank" }, icon("about"));
export const status = () => make("p", { part: "status", role: "status" });
export const say = (status, text, tone) => { [status.textContent, status.className] = [text, tone]; };

// Nothing hides it: neither display, visibility and content-visibility, nor a closed <details>.
export const isShown = (node) => node.checkVisibility({ visibilityProperty: true });

// A picture on canvas: the page's policy need not allow images from data: URLs.
export async function painted(url, attributes) {
  const bytes = Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const canvas = make("canvas", { ...attributes, width: picture.width, height: picture.height });
  canvas.getContext("2d").drawImage(picture, 0, 0);
  return canvas;
}
