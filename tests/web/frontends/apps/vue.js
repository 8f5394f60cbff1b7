// A Vue page of one widget or more.
import { createApp, h, nextTick, ref } from "vue";
import { say, shown } from "./page.js";

/** Shows components whose events are told by the names that `events` gives them. */
export function vuePage(component, props, events, prepare = () => {}) {
  const count = ref(1);
  const listeners = (at) => Object.fromEntries(Object.entries(events).map(([name, word]) =>
    [`on${name[0].toUpperCase()}${name.slice(1)}`, (detail) => say(at, word, detail)]));
  const app = createApp({
    render: () => h("form", {}, Array.from({ length: count.value }, (_, at) =>
      h(component, { key: at, at, ref: (instance) => { window.widgets[at] = instance; }, ...props, ...listeners(at) }))),
  });
  prepare(app);
  app.mount("#root");
  shown((number) => { count.value = number; return nextTick(); });
}
