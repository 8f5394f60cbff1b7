// What every page of these tests has in common: how many widgets it shows, what they said, and what can be done to them.

export const SITE_KEY = "dev-site";
export const PARAMS = new URLSearchParams(location.search);
// Where our server is: another origin than the page's.
export const CAPTCHA = PARAMS.get("captcha");

window.heard = [];
// The widgets' own methods, by number; a library that has none leaves them out.
window.widgets = [];

/** Notes an event of a widget. */
export const say = (at, name, detail) => { window.heard.push({ at, name, detail }); };

/** Notes that our own element's run ended without a pass: to give up is no error. */
export const ended = (at, code) => say(at, code === "closed" ? "closed" : "error", code);

/** Lets the test choose how many widgets there are. */
export function shown(show) {
  window.show = show;
  show(1);
}
