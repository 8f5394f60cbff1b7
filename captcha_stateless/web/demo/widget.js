// The widget, with a switch for each attribute, and the code that a page and its back end need for what is shown.
import { byId, colour, home, log, make, pretty } from "./document.js";

const EVENTS = ["challenge", "verified", "expired", "error", "reset"];
const named = new Intl.DisplayNames("en", { type: "language" });

// What each attribute can be, in words.
const choices = (languages) => ({
  kind: ["What visitors do", {
    grid: "Choose images", text: "Read characters", audio: "Listen to digits", work: "Nothing: their device works",
    auto: "What the policy says",
  }],
  size: ["Size", {
    normal: "Normal", compact: "Compact", flexible: "As wide as the form", invisible: "Nothing to see before it runs",
  }],
  theme: ["Colours", { auto: "The page's", light: "Light", dark: "Dark" }],
  lang: ["Language", { "": "The page's", ...Object.fromEntries(languages.map((tag) => [tag, named.of(tag)])) }],
  "refresh-expired": ["When a pass expires", { manual: "Ask again", auto: "The device works again" }],
  fields: ["Other systems' fields, too", {
    "": "None", recaptcha: "reCAPTCHA's", hcaptcha: "hCaptcha's", turnstile: "Turnstile's", "recaptcha hcaptcha turnstile": "All three",
  }],
});
const TEXTS = { action: "What it is for", cdata: "A note that comes back", name: "Name of the field" };

const labelled = (words, name, ...rest) => make("label", {}, make("span", { textContent: words }), make("code", { textContent: name }), ...rest);

export function widget(config) {
  const attributes = { sitekey: config.sitekey };
  const set = (name, value) => { attributes[name] = value; renew(config, attributes); };
  const selects = Object.entries(choices(config.languages)).map(([name, [words, values]]) => {
    const options = Object.entries(values).map(([value, textContent]) => make("option", { value, textContent }));
    const select = make("select", { name }, ...options);
    select.addEventListener("change", () => set(name, select.value));
    return labelled(words, name, select);
  });
  const texts = Object.entries(TEXTS).map(([name, words]) => {
    const input = make("input", { name, autocomplete: "off" });
    input.addEventListener("change", () => set(name, input.value));
    return labelled(words, name, input);
  });
  const required = make("input", { type: "checkbox", name: "required" });
  required.addEventListener("change", () => set("required", required.checked));
  byId("switches").append(...selects, ...texts, labelled("The form cannot go without it", "required", required));

  byId("try").addEventListener("submit", (event) => {
    event.preventDefault();
    log(byId("events"), `form ${pretty(Object.fromEntries(new FormData(event.target)))}`);
  });
  byId("run").addEventListener("click", () => byId("place").firstChild.execute().catch(() => {}));
  colour(byId("verify"), `curl ${new URL("siteverify", home)} -d 'secret=${config.secret}' -d 'response=…'`, "shell");
  renew(config, attributes);
}

function renew(config, attributes) {
  const made = document.createElement("captcha-stateless");
  for (const [name, value] of Object.entries(attributes)) if (value) made.setAttribute(name, value === true ? "" : value);
  for (const name of EVENTS) made.addEventListener(name, ({ detail }) => log(byId("events"), `${name} ${pretty(detail ?? {})}`));
  byId("place").replaceChildren(made);
  byId("run").hidden = attributes.size !== "invisible";
  const tag = `<script src="${new URL("widget.js", home)}" async></${"script"}>`;
  const element = made.cloneNode().outerHTML.replace(/ required=""/, " required");
  colour(byId("snippet"), `${tag}\n<form method="post">\n  ${element}\n  <button>Send</button>\n</form>`, "html");
}
