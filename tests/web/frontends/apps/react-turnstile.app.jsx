import Turnstile from "react-turnstile";
import { SITE_KEY, say } from "./page.js";
import { reactPage } from "./react.jsx";

reactPage(({ at }) => (
  <Turnstile
    sitekey={SITE_KEY}
    onLoad={(_, bound) => { window.widgets[at] = bound; }}
    onVerify={(token) => say(at, "solved", token)}
    onBeforeInteractive={() => say(at, "opened")}
    onAfterInteractive={() => say(at, "closed")}
    onError={(error) => say(at, "error", error)}
    onExpire={() => say(at, "expired")}
  />
));
