// Does the work of ALTCHA's and Cap's challenges, as their widgets do, and packs it as they do.
const bytesOf = (text) => new TextEncoder().encode(text);
const unhex = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const hash = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
const joined = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));
const packed = (document) => btoa(JSON.stringify(document));

async function found(derive, prefix) {
  for (let number = 0; ; number++) {
    const key = hexOf(await derive(number));
    if (key.startsWith(prefix)) return [number, key];
  }
}

async function altchaOne({ algorithm, challenge, salt, signature }) {
  const [number] = await found((guess) => hash(bytesOf(salt + guess)), challenge);
  return packed({ algorithm, challenge, number, salt, signature, took: 0 });
}

async function altchaTwo({ parameters, signature }) {
  const { algorithm, cost, keyPrefix, nonce, salt } = parameters;
  if (algorithm !== "SHA-256") throw new Error(`${algorithm} is derived by ALTCHA's widget, not here`);
  const start = joined(unhex(salt), unhex(nonce));
  const [counter, derivedKey] = await found(async (guess) => {
    let key = joined(start, [guess >>> 24, guess >>> 16 & 255, guess >>> 8 & 255, guess & 255]);
    for (let round = 0; round < cost; round++) key = await hash(key);
    return key;
  }, keyPrefix);
  return packed({ challenge: { parameters, signature }, solution: { counter, derivedKey, time: 0 } });
}

function drawn(text, length) {
  let state = 2166136261;
  for (const character of bytesOf(text)) state = Math.imul(state ^ character, 16777619);
  let digits = "";
  while (digits.length < length) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    digits += (state >>> 0).toString(16).padStart(8, "0");
  }
  return digits.slice(0, length);
}

async function cap({ token, challenge: { c, s, d } }) {
  const solutions = [];
  for (let at = 1; at <= c; at++) {
    const salt = drawn(`${token}${at}`, s);
    solutions.push((await found((guess) => hash(bytesOf(salt + guess)), drawn(`${token}${at}d`, d)))[0]);
  }
  return JSON.stringify(solutions);
}

// Which field takes what comes of a document's work; none where there is no work in it.
export async function workOf(document) {
  if (document.parameters) return { payload: await altchaTwo(document) };
  if (document.maxnumber !== undefined) return { payload: await altchaOne(document) };
  return document.challenge?.c ? { solutions: await cap(document) } : {};
}
