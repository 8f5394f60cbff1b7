// What is asked of the server, and what it answers: a reply, or the code of what went wrong.

import { own } from "./home.js";
import { solved } from "./workers.js";

const ANSWER_SECONDS = 20;
// Apple's browsers can bring a token of their system's instead of an answer: told 401, they send the request again with it.
const DEVICE = navigator.vendor.startsWith("Apple") ? "&device=ask" : "";

// Every request of ours: none waits for ever.
const asked = (path, home, init) =>
  fetch(new URL(path, home), { ...init, signal: AbortSignal.timeout(ANSWER_SECONDS * 1000) });

export async function called(path, home) {
  const reply = await asked(path, home);
  if (!reply.ok) throw reply;
  return reply.json();
}

export class Transport {
  #element;
  #first = null; // work done ahead of the visitor

  constructor(element) { this.#element = element; }

  get home() {
    const home = this.#element.getAttribute("src") || own.home;
    if (!home) console.error("captcha-stateless: set src to the server's address");
    return home && new URL(`${home.replace(/\/*$/, "")}/`, document.baseURI).href;
  }

  // The work that a server may ask before it draws anything is done while the page loads, so that nobody waits for it.
  async ahead(kind) {
    if (kind === "work" || this.#first) return;
    const { work, challenge, time } = await this.#call(`api/work?${this.#query(kind, "sitekey", "action")}`);
    if (work) this.#first = { challenge, until: Date.now() + time * 1000, solution: solved(work) };
  }

  forget() { this.#first = null; }

  async challenge(kind) {
    const ahead = this.#first?.until > Date.now() && kind !== "work" ? this.#first : null;
    const path = `api/challenge?${this.#query(kind, "sitekey", "action", "cdata")}${DEVICE}`;
    if (ahead) this.#first = null;
    let reply = ahead ? await this.#worked(path, ahead) : await this.#call(path);
    if (ahead && ["timeout", "wrong", "failed"].includes(reply.code)) reply = await this.#call(path);
    return reply.first ? this.#worked(path, { ...reply, solution: solved(reply.work) }) : reply;
  }

  answer(challenge, answer, path = "api/challenge") {
    const headers = { "Content-Type": "application/json", "X-Captcha-Challenge": challenge };
    return this.#call(path, headers, JSON.stringify({ answer }));
  }

  extend(challenge) { return this.#call("api/extend", { "X-Captcha-Challenge": challenge }); }

  async sound(token, language) {
    const query = new URLSearchParams({ token });
    const reply = await fetch(new URL(`api/audio?${query}`, this.home), { headers: { "Accept-Language": language } });
    if (!reply.ok) throw reply;
    return reply.arrayBuffer();
  }

  #query(kind, ...names) {
    const query = new URLSearchParams({ kind });
    for (const name of names) if (this.#element.getAttribute(name)) query.set(name, this.#element.getAttribute(name));
    return query;
  }

  // A lost answer costs nothing: what carries a token is sent again, once and to the letter, and gets the same reply.
  async #call(path, headers, body, again = headers !== undefined) {
    try {
      const answer = await asked(path, this.home, { method: "POST", headers, body });
      if (answer.status >= 500 || answer.status === 429) return { code: "unavailable" };
      const reply = await answer.json().catch((error) => {
        if (error.name === "SyntaxError") return {}; // between us stands who speaks no JSON
        throw error;
      });
      if (reply.challenge || reply.done) return reply; // with 401, too: a device that brings no token goes on as ever
      if (answer.ok) return { code: "network" };
      if (reply.error === "Incorrect") return { code: "wrong" };
      return { code: /expired|already answered/.test(reply.error) ? "timeout" : "refused" };
    } catch {
      return again ? this.#call(path, headers, body, false) : { code: "network" };
    }
  }

  async #worked(path, { challenge, solution }) {
    const answer = await solution;
    return answer === undefined ? { code: "failed" } : this.answer(challenge, answer, path);
  }
}
