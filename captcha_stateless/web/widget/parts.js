// What the element is made of: its own address, its elements and icons, its pictures, its words.

// Where this script came from. Its own name tells; inlined, or joined with others, it came from nowhere, and nothing is guessed.
const OWN = /^(https?:\/\/\S+?\/)(?:widget(?:-[0-9a-f]{16})?|captcha|recaptcha\/(?:api|enterprise)|1\/api|turnstile\/v0\/api)\.js(?=$|[?#:)])/;
const CAME_FROM = document.currentScript?.src ?? new Error().stack?.match(/https?:[^\s)]+/)?.[0] ?? "";
const HOME = CAME_FROM.match(OWN)?.[1] ?? "";

const FIELDS = { recaptcha: "g-recaptcha", hcaptcha: "h-captcha", turnstile: "cf-turnstile" };

// The rest comes with the dialog.
const ICONS = { about: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM8.5 12l2.5 2.5 4.5-5" };

// A worker's address is code to a page that requires Trusted Types; ours is always the server's own work.js. The policy is made when
// it is needed: a page that lists policies lets each be made once, and may load this script under two of its names.
let policy;
const trusted = {
  createScriptURL(url) {
    policy ??= window.trustedTypes?.createPolicy("captcha-stateless", { createScriptURL: (text) => text }) ?? { createScriptURL: String };
    return policy.createScriptURL(url);
  },
};

const SHEET = new CSSStyleSheet(), DIALOG = new CSSStyleSheet();
SHEET.replaceSync(LOOKS);
let dressed = null;

// What only the dialog needs, looks, icons and the rest of the English words, comes when the first one opens: nothing of it is code.
function dress(home) {
  dressed ??= called("widget/dialog.json", home).then(({ looks, icons, words }) => {
    DIALOG.replaceSync(looks);
    Object.assign(ICONS, icons);
    Object.assign(ENGLISH, words);
  });
  dressed.catch(() => { dressed = null; });
  return dressed;
}

async function called(path, home) {
  const reply = await fetch(new URL(path, home), { signal: AbortSignal.timeout(ANSWER_SECONDS * 1000) });
  if (!reply.ok) throw reply;
  return reply.json();
}

// By attributes, for ARIA's properties came late to some browsers.
function make(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) made.setAttribute(key, value === true ? "" : value);
  made.append(...children);
  return made;
}

function icon(name) {
  const [svg, path] = ["svg", "path"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name] ?? "");
  svg.append(path);
  return svg;
}

// Nothing hides it: neither display, visibility and content-visibility, nor a closed <details>.
const isShown = (node) => node.checkVisibility({ visibilityProperty: true });

// A picture on canvas: the page's policy need not allow images from data: URLs.
async function painted(url, attributes) {
  const bytes = Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const canvas = make("canvas", { ...attributes, width: picture.width, height: picture.height });
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
    const coming = called(`widget/${language}.json`, home);
    loaded.set(language, coming.catch(() => (loaded.delete(language), ENGLISH)));
  }
  return loaded.get(language);
}
