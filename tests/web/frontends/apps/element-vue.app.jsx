import { h } from "vue";
import { SITE_KEY, ended, say } from "./page.js";
import { vuePage } from "./vue.js";

const Captcha = {
  props: ["at"],
  methods: { reset() { this.$el.reset(); } },
  render() {
    return h("captcha-stateless", {
      sitekey: SITE_KEY,
      onVerified: ({ detail }) => say(this.at, "solved", detail.token),
      onError: ({ detail }) => ended(this.at, detail.code),
    });
  },
};
vuePage(Captcha, {}, {});
