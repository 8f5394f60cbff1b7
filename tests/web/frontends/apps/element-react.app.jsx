import { SITE_KEY, ended, say } from "./page.js";
import { keep, reactPage } from "./react.jsx";

reactPage(({ at }) => (
  <captcha-stateless
    ref={keep(at)}
    sitekey={SITE_KEY}
    onverified={({ detail }) => say(at, "solved", detail.token)}
    onerror={({ detail }) => ended(at, detail.code)}
  />
));
