// The wall: a solved challenge's pass goes into the cookie, and then on to the page that was asked for. Whether the cookie was kept
// is looked at on the way there.

const wall = document.getElementById("wall"), { auth, next } = wall.dataset;
const element = wall.querySelector("captcha-stateless"), trouble = wall.querySelector("[role=alert]");

element.addEventListener("verified", async ({ detail }) => {
  const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ response: detail.token }) };
  const reply = await fetch(auth, init).catch(() => null);
  if (reply?.ok) return location.replace(next + location.hash);
  trouble.hidden = false;
  element.reset();
});

// What is said is what is: as long as the device works by itself, nothing is to be done.
const say = (unasked) => {
  document.getElementById("unasked").hidden = !unasked;
  document.getElementById("asked").hidden = unasked;
};
element.addEventListener("challenge", ({ detail }) => say(detail.kind === "work"));
for (const name of ["error", "reset"]) element.addEventListener(name, () => say(false));

// What the device can do by itself it does; but whoever was here a moment ago, and is again, is asked first, or it would never end.
const before = document.referrer.split("#")[0] === location.href.split("#")[0];
if ("unasked" in wall.dataset && !before) {
  say(true);
  customElements.whenDefined("captcha-stateless").then(() => element.execute()).catch(() => say(false));
}
