import ReCAPTCHA from "react-google-recaptcha";
import { SITE_KEY, say } from "./page.js";
import { keep, reactPage } from "./react.jsx";

reactPage(({ at }) => (
  <ReCAPTCHA
    ref={keep(at)}
    sitekey={SITE_KEY}
    onChange={(token) => say(at, "solved", token)}
    onErrored={() => say(at, "error")}
    onExpired={() => say(at, "expired")}
  />
));
