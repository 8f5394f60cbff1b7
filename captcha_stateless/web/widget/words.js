// What it says: English comes with it, any other language when it is spoken.

import { called } from "./transport.js";

// BCP 47: the tag itself, its language, or the script that Chinese is written in there.
export function spoken(tag) {
  const [language, ...rest] = tag.toLowerCase().split(/[-_]/);
  if (language === "zh") return rest.some((part) => ["tw", "hk", "mo", "hant"].includes(part)) ? "zh-TW" : "zh-CN";
  const known = language === "no" || language === "nn" ? "nb" : language === "iw" ? "he" : language;
  return LANGUAGES.includes(known) ? known : "en";
}

const loaded = new Map([["en", Promise.resolve(ENGLISH)]]);

export function wordsOf(language, home) {
  if (!loaded.has(language)) {
    const coming = called(`widget/${language}.json`, home);
    loaded.set(language, coming.catch(() => (loaded.delete(language), ENGLISH)));
  }
  return loaded.get(language);
}
