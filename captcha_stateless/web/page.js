// The page to try it: asks for a grid, shows it, sends the answer, until the run is done.

const byId = (id) => document.getElementById(id);
const form = byId("run"), tiles = byId("tiles"), message = byId("message");
let token = null;
let deadline = 0;

async function call(path, init = {}) {
  const headers = { "Content-Type": "application/json", ...(token && { "X-Captcha-Challenge": token }) };
  try {
    const response = await fetch(path, { method: "POST", headers, ...init });
    return await response.json();
  } catch {
    return { error: "The server cannot be reached. Try again." };
  }
}

function tile(source, index) {
  const label = document.createElement("label");
  const box = document.createElement("input");
  const picture = document.createElement("img");
  box.type = "checkbox";
  box.setAttribute("aria-label", `Picture ${index + 1} of 9`);
  picture.src = source;
  picture.alt = "";
  label.append(box, picture);
  return label;
}

function show(challenge) {
  token = challenge.challenge;
  deadline = Date.now() + challenge.time * 1000;
  byId("expected").src = challenge.expected;
  tiles.replaceChildren(...challenge.images.map(tile));
  byId("progress").dataset.stage = `Round ${challenge.stage + 1} of ${challenge.stages}`;
  form.hidden = false;
  tick();
}

function tick() {
  const seconds = Math.max(0, Math.ceil((deadline - Date.now()) / 1000));
  const progress = byId("progress");
  progress.textContent = `${progress.dataset.stage}, ${seconds} seconds left`;
}

function end(text) {
  token = null;
  form.hidden = true;
  const again = document.createElement("button");
  again.textContent = "Start again";
  again.addEventListener("click", start);
  message.replaceChildren(text, document.createElement("br"), again);
  again.focus();
}

async function start() {
  token = null;
  const reply = await call("api/challenge");
  if (reply.error) return end(reply.error);
  message.replaceChildren();
  show(reply);
  byId("legend").focus();
}

async function check(event) {
  event.preventDefault();
  const answer = [...tiles.querySelectorAll("input")].map((box) => box.checked);
  const reply = await call("api/challenge", { body: JSON.stringify({ answer }) });
  if (reply.error) return end(reply.error === "Incorrect" ? "Not quite. Another one?" : reply.error);
  if (reply.done) return end("Solved. You are let through.");
  show(reply);
  message.textContent = "Right. Next round.";
  byId("legend").focus();
}

async function more() {
  const reply = await call("api/extend");
  if (reply.error) {
    message.textContent = reply.error;
    return;
  }
  token = reply.challenge;
  deadline = Date.now() + reply.time * 1000;
  message.textContent = `You have ${reply.time} seconds now.`;
  tick();
}

// Arrow keys move between the tiles as on a grid; Tab and Space work as in any form.
tiles.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -3, ArrowDown: 3 }[event.key];
  const boxes = [...tiles.querySelectorAll("input")];
  const target = boxes[boxes.indexOf(event.target) + step];
  if (step === undefined || target === undefined) return;
  event.preventDefault();
  target.focus();
});

form.addEventListener("submit", check);
byId("more").addEventListener("click", more);
byId("other").addEventListener("click", start);
setInterval(() => token && tick(), 1000);
start();
