// Two replicas side by side: what one hands out the other takes, and both give the same reply to the same answer.
import { byId, home, log, make, pretty, worked } from "./document.js";

export function replicas(config) {
  const places = [["This server", home.href], ["The other replica", config.replica || home.href]];
  byId("alone").hidden = Boolean(config.replica);
  const ledger = byId("ledger"), held = {};
  const call = async (where, headers, body) => {
    const base = new URL(`${where.replace(/\/*$/, "")}/`);
    const query = body ? "" : `?kind=work&sitekey=${encodeURIComponent(config.sitekey)}`;
    const reply = await fetch(new URL(`api/challenge${query}`, base), { method: "POST", headers, body });
    return reply.json();
  };
  const acts = {
    "Issue here": async (where) => {
      const reply = await call(where, {});
      Object.assign(held, { token: reply.challenge, solution: reply.work && await worked(reply.work) });
      return reply;
    },
    "Answer here": (where) => call(where, { "Content-Type": "application/json", "X-Captcha-Challenge": held.token ?? "" },
      JSON.stringify({ answer: held.solution ?? "" })),
  };
  byId("sides").append(...places.map(([name, where]) => {
    const buttons = Object.entries(acts).map(([title, act]) => {
      const button = make("button", { type: "button", textContent: title, ariaLabel: `${title}: ${name}` });
      button.addEventListener("click", async () => {
        const told = await act(where).catch((error) => ({ error: String(error) }));
        log(ledger, `${name}, ${title.toLowerCase()}: ${pretty(told)}`);
      });
      return button;
    });
    return make("div", {}, make("h3", { textContent: name }), make("p", {}, make("code", { textContent: where })), ...buttons);
  }));
}
