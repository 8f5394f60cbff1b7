import { flushSync, mount } from "svelte";
import Captchas from "./Captchas.svelte";
import { shown } from "./page.js";

let setCount;
mount(Captchas, { target: document.getElementById("root"), props: { counted: (set) => { setCount = set; } } });
shown((count) => flushSync(() => setCount(count)));
