// Proof of work, by workers that run the server's work.js.

import { own } from "./home.js";

const MOST_WORKERS = 4;

// A worker's address is code to a page that requires Trusted Types; ours is always the server's own work.js. The policy is made when
// it is needed: a page that lists policies lets each be made once, and may load this script under two of its names.
let policy;
function trusted(url) {
  policy ??= window.trustedTypes?.createPolicy("captcha-stateless", { createScriptURL: (text) => text }) ?? { createScriptURL: String };
  return policy.createScriptURL(url);
}

// Code comes from where this script came from, whatever src says. Browsers start workers from the page's own origin only; from
// elsewhere the script is fetched, and its copy started.
async function workerURL() {
  const url = new URL("work.js", own.home);
  if (url.origin === location.origin) return url.href;
  const copy = URL.createObjectURL(await (await fetch(url)).blob());
  setTimeout(() => URL.revokeObjectURL(copy), 60_000);
  return copy;
}

export const most = () => Math.max(1, Math.min(MOST_WORKERS, navigator.hardwareConcurrency - 1 || 1));

// Without anything to see: the solution, or nothing.
export const solved = (work) => search(work, 1).catch(() => {});

// So many workers share one search, until it is solved or stopped.
export async function search(work, step, signal, tell) {
  const hands = [], done = Array(step).fill(0), { difficulty, unit } = work;
  try {
    const url = await workerURL();
    return await new Promise((solved, failed) => {
      signal?.throwIfAborted();
      signal?.addEventListener("abort", failed);
      for (let start = 0; start < step; start++) {
        const hand = new Worker(trusted(url));
        hands.push(hand);
        hand.onerror = failed;
        hand.onmessage = ({ data }) => {
          if (data.error) return failed();
          done[start] = data.hashes;
          // Nobody knows how long it takes; this is how likely it was to be over by now.
          tell?.(1 - Math.exp(-done.reduce((sum, one) => sum + one) / 2 ** (difficulty * (unit === "hex" ? 4 : 1))));
          if (data.solution !== undefined) solved(data.solution);
        };
        hand.postMessage({ ...work, start, step });
      }
    });
  } finally {
    for (const hand of hands) hand.terminate();
  }
}
