import { GoogleReCaptchaProvider, useGoogleReCaptcha } from "react-google-recaptcha-v3";
import { SITE_KEY, say } from "./page.js";
import { reactPage } from "./react.jsx";

function Button({ at }) {
  const { executeRecaptcha } = useGoogleReCaptcha();
  const run = () => executeRecaptcha(`button_${at}`).then((token) => say(at, "solved", token), () => say(at, "closed"));
  return <button type="button" disabled={!executeRecaptcha} onClick={run}>{`Run ${at}`}</button>;
}

// Not in strict mode: unmounted, the provider takes the page's own script away, and would load Google's in its stead.
reactPage(Button, ({ children }) => (
  <GoogleReCaptchaProvider reCaptchaKey={SITE_KEY} scriptProps={{ id: "recaptcha-script" }}>{children}</GoogleReCaptchaProvider>
));
