// A React page of one widget or more, in the strict mode that mounts everything twice.
import { StrictMode, useState } from "react";
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";
import { shown } from "./page.js";

export function reactPage(Widget, Around = StrictMode) {
  function Page() {
    const [count, setCount] = useState(1);
    window.setCount = setCount;
    return <form>{Array.from({ length: count }, (_, at) => <Widget key={at} at={at} />)}</form>;
  }
  const root = createRoot(document.getElementById("root"));
  flushSync(() => root.render(<Around><Page /></Around>));
  shown((count) => flushSync(() => window.setCount(count)));
}

/** Keeps a widget's methods where the test finds them. */
export const keep = (at) => (instance) => { window.widgets[at] = instance; };
