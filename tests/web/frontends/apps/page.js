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

/** Lets the test choose how many widgets there are. */
export function shown(show) {
  window.show = show;
  show(1);
}
