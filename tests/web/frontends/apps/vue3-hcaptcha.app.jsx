import VueHcaptcha from "@hcaptcha/vue3-hcaptcha";
import { CAPTCHA, SITE_KEY } from "./page.js";
import { vuePage } from "./vue.js";

const events = { verify: "solved", opened: "opened", closed: "closed", error: "error", expired: "expired" };
vuePage(VueHcaptcha, { sitekey: SITE_KEY, apiEndpoint: `${CAPTCHA}/1/api.js` }, events);
