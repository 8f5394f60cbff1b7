// The page to try it: says what became of the challenge, and where this server is.

const message = document.getElementById("message");
const element = document.querySelector("captcha-stateless");

element.addEventListener("verified", () => { message.textContent = "Solved. You are let through."; });
element.addEventListener("expired", () => { message.textContent = "The pass has expired."; });
element.addEventListener("reset", () => { message.textContent = ""; });

const home = new URL(".", import.meta.url).href;
for (const place of document.querySelectorAll("[data-home]")) place.textContent = home;
