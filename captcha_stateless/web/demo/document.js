// What the playground's parts have in common: elements, pictures, work, and text as code.

export const home = new URL("../", import.meta.url);
export const byId = (id) => document.getElementById(id);

export function make(name, properties = {}, ...children) {
  const { role, ...rest } = properties;
  const made = Object.assign(document.createElement(name), rest);
  if (role) made.setAttribute("role", role);
  made.append(...children);
  return made;
}

// Where the clipboard is out of reach, as without HTTPS, the text is at least chosen.
export const copyOf = (pre) => { getSelection().selectAllChildren(pre); navigator.clipboard?.writeText(pre.textContent); };
export const log = (place, line) => { place.textContent = `${line}\n${place.textContent}`.slice(0, 4000); };
export const pretty = (value) => JSON.stringify(value, (_, text) =>
  typeof text === "string" && text.length > 120 ? `${text.slice(0, 60)}… (${text.length} characters)` : text, 2);

const WORDS = {
  html: { tag: /<\/?[\w-]+|\/?>/, string: /"[^"]*"/, name: /[\w-]+(?==)/ },
  shell: { string: /'(?:[^']|'\\'')*'/, name: /(?<=\s)-\w+/, tag: /^curl/ },
  json: { name: /"[^"]*"(?=:)/, string: /"[^"]*"/, tag: /\b(?:true|false|null)\b/, number: /-?\b\d[\d.]*/ },
};

// Show text with its words coloured; what is copied of it is the text.
export function colour(place, text, language) {
  const words = Object.entries(WORDS[language]);
  const pattern = new RegExp(words.map(([name, { source }]) => `(?<${name}>${source})`).join("|"), "g");
  const nodes = [];
  let at = 0;
  for (const { index, 0: word, groups } of text.matchAll(pattern)) {
    nodes.push(text.slice(at, index), make("span", { className: words.find(([name]) => groups[name])[0], textContent: word }));
    at = index + word.length;
  }
  place.replaceChildren(...nodes, text.slice(at));
}

export async function painted(source) {
  const blob = source instanceof Blob ? source
    : new Blob([Uint8Array.from(atob(source.slice(source.indexOf(",") + 1)), (letter) => letter.charCodeAt(0))]);
  const picture = await createImageBitmap(blob);
  const canvas = make("canvas", { role: "img", ariaLabel: "picture", width: picture.width, height: picture.height });
  canvas.getContext("2d").drawImage(picture, 0, 0);
  return canvas;
}

const policy = window.trustedTypes?.createPolicy("captcha-demo", { createScriptURL: (url) => url }) ?? { createScriptURL: (url) => url };

export function worked(work) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(policy.createScriptURL(new URL("work.js", home).href));
    worker.onerror = () => reject(new Error("no worker"));
    worker.onmessage = ({ data }) => {
      if (data.solution === undefined && !data.error) return;
      worker.terminate();
      if (data.error) reject(new Error(data.error));
      else resolve(data.solution);
    };
    worker.postMessage(work);
  });
}
