// The page that an edge shows to a visitor without clearance: a solved challenge's pass goes into the cookie, and the page
// that was asked for is loaded again. Of several sites it is the element's own whose pass counts.

const auth = new URL("auth", document.currentScript.src);

addEventListener("verified", async ({ detail, target }) => {
  const key = target.getAttribute("sitekey");
  if (key) auth.searchParams.set("sitekey", key);
  const init = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ response: detail.token }),
  };
  if ((await fetch(auth, init)).ok) location.reload();
}, true);
