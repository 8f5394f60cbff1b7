// The programming interface of reCAPTCHA, hCaptcha or Turnstile over the <captcha-stateless> element, of which it knows no
// more than attributes, events, value, execute(), reset() and, where there is one, close(). What differs between the three is in
// the dialect.

const THEMES = ["auto", "light", "dark"];
const SIZES = ["normal", "compact", "flexible", "invisible"];
const OURS = "data-captcha-compat"; // marks what we put into a container, for whoever meets a copy of it
const JOIN = Symbol.for("captcha-stateless.join"); // how a script that is loaded twice finds the first of it

const oneOf = (words, value) => (words.includes(value) ? value : undefined);

function call(callback, ...args) {
  const target = typeof callback === "string" ? window[callback] : callback;
  if (typeof target === "function") target(...args);
}

// data-expired-callback becomes expired-callback, as render() takes it.
const paramsOf = (place) =>
  Object.fromEntries([...place.attributes].filter(({ name }) => name.startsWith("data-"))
    .map(({ name, value }) => [name.slice("data-".length), value]));

// Frameworks name every parameter there is, most of them without a value.
const given = (params) => Object.fromEntries(Object.entries(params ?? {}).filter(([, value]) => value != null));

const found = (place) =>
  typeof place === "string" ? document.getElementById(place) ?? document.querySelector(place) : place;

// hCaptcha's key of a response: what the pass calls itself.
function keyOf(token, otherwise) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).jti ?? otherwise;
  } catch {
    return otherwise;
  }
}

// One widget of a page: the element, the fields beside it, and what its events call.
class Widget {
  token = "";
  isOpen = false;

  constructor(id, number, params, { dialect, endpoint, options, fields }) {
    this.id = id;
    this.params = params;
    this.dialect = dialect;
    this.element = this.#element(endpoint, options);
    this.areas = this.#areas(number, fields);
    for (const [name, act] of Object.entries(this.#acts)) this.element.addEventListener(name, ({ detail }) => act(detail));
  }

  get parts() { return [this.element, ...this.areas]; }

  // A pass that was handed out may be used up by now: whoever asks again wants another.
  execute(action) {
    if (this.element.value) this.element.reset();
    if (action) this.element.setAttribute("action", action);
    const running = this.element.execute();
    running.catch(() => {}); // whoever does not wait need not hear of it
    return running;
  }

  close() {
    if (!this.isOpen) return;
    if (this.element.close) return this.element.close();
    this.element.reset();
    this.#acts.error({ code: "closed" });
  }

  #element(endpoint, options) {
    const { dialect, params } = this, made = document.createElement("captcha-stateless");
    const expired = params["refresh-expired"] ?? dialect.refresh;
    const attributes = {
      [OURS]: "true", src: endpoint, sitekey: params.sitekey, kind: params.kind, action: params.action,
      cdata: params.cdata ?? params.cData, tabindex: params.tabindex, theme: oneOf(THEMES, params.theme),
      size: params.appearance === "execute" ? "invisible" : oneOf(SIZES, params.size),
      lang: [params.language, params.hl, options.get("hl")].find((tag) => tag && tag !== "auto"),
      "refresh-expired": expired === "never" ? "manual" : expired,
    };
    for (const [name, value] of Object.entries(attributes)) if (value) made.setAttribute(name, value);
    return made;
  }

  #areas(number, fields) {
    const { params } = this, own = params["response-field-name"];
    if (String(params["response-field"]) === "false") return [];
    return (own ? [own] : fields).map((name) => {
      const area = document.createElement("textarea");
      area.setAttribute(OURS, "true");
      // Pages look a lonely widget's field up by its bare name.
      const id = document.getElementById(name) ? `${name}-${number}` : name;
      return Object.assign(area, { id, name, className: name, hidden: true, autocomplete: "off" });
    });
  }

  #acts = {
    challenge: ({ kind }) => {
      if (this.isOpen || kind === "work") return;
      this.isOpen = true;
      this.#call("before-interactive-callback");
      this.#call("open-callback");
    },
    verified: ({ token }) => {
      this.#fill(token);
      this.#shut();
      this.#call("callback", token);
    },
    expired: () => {
      const { token } = this;
      this.#fill("");
      this.#call("expired-callback", token);
    },
    reset: () => {
      this.#fill("");
      this.isOpen = false;
    },
    error: ({ code }) => {
      const { errors, expiry } = this.dialect;
      if (code === "closed") {
        this.#shut();
        this.#call("close-callback");
      } else if (code === "timeout" && expiry) this.#call(expiry);
      else this.#call("error-callback", ...(errors ? [errors[code] ?? code] : []));
    },
  };

  #shut() {
    if (this.isOpen) this.#call("after-interactive-callback");
    this.isOpen = false;
  }

  #fill(token) {
    this.token = token;
    for (const area of this.areas) area.value = token;
  }

  #call(name, ...args) { call(this.params[name], ...args); }
}

// Every widget of a page. An id is never given twice; what is known of a widget lives as long as its container, since frameworks
// throw containers away without a word.
class Widgets {
  #places = new Map();
  #known = new WeakMap();
  #count = 0;

  constructor(page) { this.page = page; }

  isKnown(place) { return this.#known.has(place); }
  hasId(id) { return this.#places.has(String(id)); }

  add(place, params) {
    const { dialect } = this.page, number = this.#count++;
    const widget = new Widget(dialect.numbered ? number : `${dialect.global}-${number}`, number, params, this.page);
    this.#known.set(place, widget);
    this.#places.set(String(widget.id), new WeakRef(place));
    return widget;
  }

  remove(widget) {
    const place = this.#places.get(String(widget.id)).deref();
    this.#places.delete(String(widget.id));
    this.#known.delete(place);
    widget.element.reset();
    for (const part of widget.parts) part.remove();
  }

  // By its id, its container, or its container's id or selector; without any, the first one that is on the page.
  get(id) {
    if (id != null) return this.#known.get(this.#places.get(String(id))?.deref() ?? found(id));
    const all = [...this.#places.values()].map((place) => this.#known.get(place.deref())).filter(Boolean);
    return all.find(({ element }) => element.isConnected) ?? all[0];
  }

  // The same, or what the system says where there is none; Turnstile says nothing.
  need(id) {
    const widget = this.get(id), { missing } = this.page.dialect;
    if (!widget && missing) throw new Error(id == null ? missing.none : missing.invalid.replace("#", id));
    return widget;
  }
}

function interfaceOf(widgets) {
  const { dialect } = widgets.page;

  function render(container, params) {
    // reCAPTCHA's third version renders without a container.
    if (params === undefined && container?.sitekey && !(container instanceof Element)) return headless(container).id;
    const place = found(container);
    if (!place) throw new Error(`${dialect.global}: no such container`);
    if (widgets.isKnown(place)) throw new Error(`${dialect.global}: already rendered in this container`);
    for (const copy of place.querySelectorAll(`:scope > [${OURS}]`)) copy.remove();
    const isButton = place.matches("button, input");
    const all = { ...paramsOf(place), ...given(params), ...(isButton && { size: "invisible" }) };
    const widget = widgets.add(place, all);
    if (isButton) place.after(...widget.parts);
    else place.append(...widget.parts);
    if (isButton) place.addEventListener("click", (event) => (event.preventDefault(), widget.execute()));
    // Work is nobody's task but the device's: it begins at once.
    if (dialect.eager && all.kind === "work" && all.execution !== "execute") widget.execute();
    return widget.id;
  }

  function headless(params) {
    const place = document.createElement("div");
    const widget = widgets.add(place, { ...given(params), size: "invisible", "response-field": false });
    place.append(...widget.parts);
    document.body.append(place);
    return widget;
  }

  function execute(id, params) {
    if (id && typeof id === "object" && !(id instanceof Element)) return execute(undefined, id);
    if (dialect.numbered && typeof id === "string" && !widgets.hasId(id)) return executeForSite(id, params);
    if (dialect.promises !== "async") {
      const running = widgets.need(id)?.execute(params?.action);
      return dialect.promises === "never" ? undefined : running;
    }
    if (params?.async) return promised(id);
    widgets.need(id).execute();
  }

  // The third version: no widget, a site key and an action.
  function executeForSite(sitekey, params) {
    const widget = headless({ ...params, sitekey });
    const running = widget.execute().finally(() => { if (widgets.hasId(widget.id)) widgets.remove(widget); });
    running.catch(() => {});
    return running;
  }

  // hCaptcha's promise, which is broken with a word, also where there is nothing to run.
  function promised(id) {
    const widget = widgets.get(id);
    if (!widget) return Promise.reject(id == null ? "missing-captcha" : "invalid-captcha-id");
    return widget.execute().then(
      (response) => ({ response, key: keyOf(response, widget.id) }),
      ({ code }) => Promise.reject(dialect.rejections[code] ?? "internal-error"),
    );
  }

  const more = {
    grecaptcha: {},
    hcaptcha: {
      close: (id) => widgets.need(id).close(),
      getRespKey: (id) => { const { token, id: own } = widgets.need(id); return token && keyOf(token, own); },
      setData: (id) => { widgets.need(typeof id === "object" ? undefined : id); },
    },
    turnstile: { isExpired: (id) => !widgets.need(id)?.token },
  };
  return {
    render, execute, ready,
    reset: (id) => widgets.need(id)?.element.reset(),
    remove: (id) => { const widget = widgets.need(id); if (widget) widgets.remove(widget); },
    getResponse: (id) => widgets.need(id)?.token || dialect.none,
    ...more[dialect.global],
  };
}

// Deferred scripts, which may hold what is called, run when the document is no longer loading, and before this event.
function ready(callback) {
  const isOver = performance.getEntriesByType("navigation")[0]?.domContentLoadedEventStart || document.readyState === "complete";
  if (isOver) setTimeout(call, 0, callback);
  else document.addEventListener("DOMContentLoaded", () => call(callback), { once: true });
}

// Into what is there already: pages put a `ready` of their own there while they wait.
function publish(name, api, join) {
  const global = window[name] ??= {};
  Object.assign(global, api, { enterprise: Object.assign(global.enterprise ?? {}, api) });
  Object.defineProperty(global, JOIN, { value: join });
}

// What waits in the queue of reCAPTCHA's snippet is called, and what comes later at once.
function drain(queue) {
  const config = window[queue] ??= {};
  for (const callback of config.fns ?? []) ready(callback);
  config.fns = { push: (...callbacks) => callbacks.forEach(ready) };
}

// Turbo, htmx and their like put in pages, and copies of pages, at any time.
function watching(selector, widgets, render) {
  const renderAll = (within) => {
    const places = [...within.querySelectorAll(selector), ...(within.matches?.(selector) ? [within] : [])];
    for (const place of places) if (!widgets.isKnown(place)) render(place);
  };
  const observer = new MutationObserver((changes) => {
    const added = changes.flatMap(({ addedNodes }) => [...addedNodes]);
    for (const node of added) if (node instanceof Element && node.isConnected && !node.hasAttribute(OURS)) renderAll(node);
  });
  return () => {
    renderAll(document);
    observer.observe(document, { childList: true, subtree: true });
  };
}

function captchaCompat(dialect) {
  const script = document.currentScript
    ?? [...document.scripts].find(({ src }) => src && new URL(src).pathname.endsWith(dialect.path));
  if (!script?.src) return console.error(`captcha-stateless: load ${dialect.path} by its address, as a script of its own`);
  const address = new URL(script.src), options = address.searchParams;
  const earlier = window[dialect.global]?.[JOIN];
  if (earlier) return earlier(script, options);

  const endpoint = new URL(`${address.pathname.slice(0, -dialect.path.length)}/`, address).href;
  const { option, off, on, ...compat } = dialect.compat ?? {};
  const isCompat = option && (on ? options.get(option) === on : options.get(option) !== off);
  const both = (name) => [dialect[name], ...(isCompat ? [compat[name]] : [])];
  const widgets = new Widgets({ dialect, endpoint, options, fields: both("field") });
  const api = interfaceOf(widgets);
  const watch = watching(both("class").map((name) => `.${name}`).join(), widgets, api.render);

  // Loaders note in the script's own load event that it is there; what `onload` names must find that done.
  function join(from, asked) {
    const begin = () => ready(() => {
      if (["onload", null].includes(asked.get("render"))) watch();
      call(asked.get("onload"));
    });
    if (from === document.currentScript) from.addEventListener("load", begin, { once: true });
    else setTimeout(begin);
  }
  publish(dialect.global, api, join);
  if (isCompat && !window[compat.global]?.render) publish(compat.global, api, join);
  if (dialect.queue) drain(dialect.queue);
  join(script, options);
}
