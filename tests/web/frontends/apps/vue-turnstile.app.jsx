import VueTurnstile from "vue-turnstile";
import { SITE_KEY } from "./page.js";
import { vuePage } from "./vue.js";

const events = { "update:modelValue": "solved", "before-interactive": "opened", "after-interactive": "closed", error: "error" };
vuePage(VueTurnstile, { siteKey: SITE_KEY, modelValue: "" }, events);
