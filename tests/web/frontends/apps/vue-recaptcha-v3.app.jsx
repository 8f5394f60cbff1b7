import { VueReCaptcha, useReCaptcha } from "vue-recaptcha-v3";
import { h } from "vue";
import { CAPTCHA, SITE_KEY, say } from "./page.js";
import { vuePage } from "./vue.js";

const Button = {
  props: ["at"],
  setup({ at }) {
    const { executeRecaptcha, recaptchaLoaded } = useReCaptcha();
    const run = async () => {
      await recaptchaLoaded();
      await executeRecaptcha(`button_${at}`).then((token) => say(at, "solved", token), () => say(at, "closed"));
    };
    return () => h("button", { type: "button", onClick: run }, `Run ${at}`);
  },
};
const loaderOptions = { customUrl: `${CAPTCHA}/recaptcha/api.js` };
vuePage(Button, {}, {}, (app) => app.use(VueReCaptcha, { siteKey: SITE_KEY, loaderOptions }));
