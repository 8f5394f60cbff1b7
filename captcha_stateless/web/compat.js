// The programming interface of reCAPTCHA, hCaptcha or Turnstile over the <captcha-stateless> element, of which it knows no
// more than attributes, events, value, execute() and reset(). What differs between the three is in the dialect.

function captchaCompat(dialect) {
  const script = new URL(document.currentScript.src);
  const endpoint = new URL(`${script.pathname.slice(0, -dialect.path.length)}/`, script).href;
  const options = script.searchParams;
  const mode = options.get("render");
  const widgets = new Map();
  const bound = new WeakSet();

  const call = (callback, ...args) => {
    const target = typeof callback === "string" ? window[callback] : callback;
    if (typeof target === "function") target(...args);
  };

  // data-expired-callback becomes expired-callback, as render() takes it.
  const paramsOf = (container) =>
    Object.fromEntries(
      [...container.attributes]
        .filter(({ name }) => name.startsWith("data-"))
        .map(({ name, value }) => [name.slice("data-".length), value]),
    );

  const found = (container) =>
    typeof container === "string"
      ? document.getElementById(container) || document.querySelector(container)
      : container;

  const element = (params) => {
    const made = document.createElement("captcha-stateless");
    const attributes = { ...params, src: endpoint, lang: params.language || params.hl || options.get("hl") };
    if (params["refresh-expired"] === "never") attributes["refresh-expired"] = "manual";
    for (const name of ["src", "sitekey", "kind", "action", "theme", "size", "tabindex", "lang", "refresh-expired"]) {
      if (attributes[name]) made.setAttribute(name, attributes[name]);
    }
    if (params.cdata || params.cData) made.setAttribute("cdata", params.cdata || params.cData);
    return made;
  };

  const render = (container, given = {}) => {
    const place = found(container);
    if (!place) throw new Error(`${dialect.global}: no such container`);
    if (bound.has(place)) throw new Error(`${dialect.global}: already rendered in this container`);
    bound.add(place);
    const params = { ...paramsOf(place), ...given };
    const isButton = place.matches("button, input");
    const id = dialect.numbered ? widgets.size : `${dialect.global}-${widgets.size}`;
    const made = element(isButton ? { ...params, size: "invisible" } : params);
    const field = document.createElement("textarea");
    Object.assign(field, { name: params["response-field-name"] || dialect.field, hidden: true });
    if (isButton) place.after(made, field);
    else place.append(made, field);
    made.addEventListener("verified", ({ detail }) => {
      field.value = detail.token;
      call(params.callback, detail.token);
    });
    made.addEventListener("expired", () => {
      field.value = "";
      call(params["expired-callback"]);
    });
    made.addEventListener("error", ({ detail }) => call(params["error-callback"], detail.code));
    if (isButton) {
      place.addEventListener("click", (event) => {
        event.preventDefault();
        made.execute().catch(() => {});
      });
    }
    widgets.set(String(id), { made, field, place, sitekey: params.sitekey });
    return id;
  };

  // Without an id, or with a container instead of one, the widget that is meant.
  const widget = (id) => {
    if (id === undefined || id === null) return widgets.values().next().value;
    const place = widgets.has(String(id)) ? null : found(id);
    return place ? [...widgets.values()].find((known) => known.place === place) : widgets.get(String(id));
  };

  // The third version: no widget, a site key and an action.
  const executeForSite = (sitekey, params) => {
    const made = element({ ...params, sitekey, size: "invisible" });
    document.body.append(made);
    return made.execute().finally(() => made.remove());
  };

  const execute = (id, params = {}) => {
    const known = typeof id === "string" && !widgets.has(id) && !/^[#.]/.test(id) ? null : widget(id);
    if (known && params.action) known.made.setAttribute("action", params.action);
    const run = known ? known.made.execute() : executeForSite(id, params);
    if (!dialect.wrapped) return run;
    return run.then((response) => ({ response, key: id ?? widgets.keys().next().value }));
  };

  const reset = (id) => {
    const known = widget(id);
    if (!known) return;
    known.field.value = "";
    known.made.reset();
  };

  const remove = (id) => {
    const known = widget(id);
    if (!known) return;
    reset(id);
    known.made.remove();
    known.field.remove();
    bound.delete(known.place);
    for (const [key, value] of widgets) if (value === known) widgets.delete(key);
  };

  const isReady = () => document.readyState !== "loading";
  const ready = (callback) => {
    if (isReady()) queueMicrotask(callback);
    else document.addEventListener("DOMContentLoaded", () => callback());
  };

  const api = {
    render,
    execute,
    reset,
    remove,
    ready,
    getResponse: (id) => widget(id)?.field.value ?? "",
    isExpired: (id) => !widget(id)?.made.value,
  };
  api.enterprise = api;
  window[dialect.global] = api;

  ready(() => {
    if (mode === null || mode === "onload") {
      for (const place of document.querySelectorAll(`.${dialect.class}`)) if (!bound.has(place)) render(place);
    }
    call(options.get("onload"));
  });
}
