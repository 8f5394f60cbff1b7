import "@hcaptcha/vanilla-hcaptcha";
import { CAPTCHA, SITE_KEY, say, shown } from "./page.js";

function widget(at) {
  const made = Object.assign(document.createElement("h-captcha"));
  made.setAttribute("site-key", SITE_KEY);
  made.setAttribute("jsapi", `${CAPTCHA}/1/api.js`);
  made.addEventListener("verified", ({ token }) => say(at, "solved", token));
  for (const name of ["opened", "closed", "error", "expired"]) made.addEventListener(name, () => say(at, name));
  window.widgets[at] = made;
  return made;
}

const form = document.createElement("form");
document.getElementById("root").append(form);
shown((count) => {
  while (form.children.length > count) form.lastChild.remove();
  while (form.children.length < count) form.append(widget(form.children.length));
});
