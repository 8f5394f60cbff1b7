import HCaptcha from "@hcaptcha/react-hcaptcha";
import { CAPTCHA, SITE_KEY, say } from "./page.js";
import { keep, reactPage } from "./react.jsx";

reactPage(({ at }) => (
  <HCaptcha
    ref={keep(at)}
    sitekey={SITE_KEY}
    apihost={CAPTCHA}
    onVerify={(token, key) => say(at, "solved", token, say(at, "key", key))}
    onOpen={() => say(at, "opened")}
    onClose={() => say(at, "closed")}
    onError={(error) => say(at, "error", error)}
    onExpire={() => say(at, "expired")}
  />
));
