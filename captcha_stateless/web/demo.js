// The playground: the widget with all its switches, every protocol, two replicas, samples, and tokens looked into.
import { byId, colour, copyOf, home, make, pretty } from "./demo/document.js";
import { PROTOCOLS, protocol } from "./demo/protocols.js";
import { replicas } from "./demo/replicas.js";
import { widget } from "./demo/widget.js";

// A few sheets of each sort, one after the other.
function samples({ samples: names, sheets }) {
  let sheet = 0;
  const draw = () => {
    const address = (name) => new URL(`demo/samples/${name}.png?sheet=${sheet}`, home).href;
    byId("sheets").replaceChildren(...names.map((name) =>
      make("figure", {}, make("img", { src: address(name), alt: `Samples: ${name}` }), make("figcaption", { textContent: name }))));
    sheet = (sheet + 1) % sheets;
  };
  byId("draw").addEventListener("click", draw);
  draw();
}

function segment(text) {
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0))));
}

async function inspected(token) {
  const parts = token.split(".");
  if (parts.length === 3) return { header: segment(parts[0]), claims: segment(parts[1]) };
  const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ token }) };
  return (await fetch(new URL("demo/inspect", home), init)).json();
}

byId("inspect").addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = new FormData(event.target).get("token").trim();
  colour(byId("claims"), pretty(await inspected(token).catch(() => ({ error: "Not a token" }))), "json");
});

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", () => copyOf(byId(button.dataset.copy)));
}

const config = await (await fetch(new URL("demo/config.json", home))).json();
widget(config);
const values = { sitekey: config.sitekey, secret: config.secret };
byId("protocols").append(...Object.entries(PROTOCOLS).map(([name, steps]) => protocol(name, steps, values)));
replicas(config);
samples(config);
document.body.dataset.ready = "";
