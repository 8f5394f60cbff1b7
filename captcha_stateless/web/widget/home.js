// Where this script came from. Its own name tells; inlined, or joined with others, it came from nowhere, and nothing is guessed.
const OWN = /^(https?:\/\/\S+?\/)(?:widget(?:-[0-9a-f]{16})?|captcha|recaptcha\/(?:api|enterprise)|1\/api|turnstile\/v0\/api)\.js(?=$|[?#:)])/;
const CAME_FROM = document.currentScript?.src ?? new Error().stack?.match(/https?:[^\s)]+/)?.[0] ?? "";

// Code comes from here, and without src all else; a page that inlines the script sets it, as a static of the element.
export const own = { home: CAME_FROM.match(OWN)?.[1] ?? "" };
