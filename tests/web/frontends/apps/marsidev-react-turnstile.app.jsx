import { Turnstile } from "@marsidev/react-turnstile";
import { SITE_KEY, say } from "./page.js";
import { keep, reactPage } from "./react.jsx";

reactPage(({ at }) => (
  <Turnstile
    ref={keep(at)}
    id={`widget-${at}`}
    siteKey={SITE_KEY}
    onSuccess={(token) => say(at, "solved", token)}
    onBeforeInteractive={() => say(at, "opened")}
    onAfterInteractive={() => say(at, "closed")}
    onError={(error) => say(at, "error", error)}
    onExpire={() => say(at, "expired")}
  />
));
