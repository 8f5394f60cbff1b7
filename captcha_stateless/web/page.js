// The page to try it: says what became of the challenge.

const message = document.getElementById("message");
const element = document.querySelector("captcha-stateless");

element.addEventListener("verified", () => { message.textContent = "Solved. You are let through."; });
element.addEventListener("expired", () => { message.textContent = "The pass has expired."; });
element.addEventListener("reset", () => { message.textContent = ""; });
