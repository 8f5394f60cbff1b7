// Bundles every page of apps/ as its author would: with the libraries as npm brings them. Usage: node build.mjs FOLDER
import { readdirSync, readFileSync } from "node:fs";
import { build } from "esbuild";
import { compile } from "svelte/compiler";

const svelte = {
  name: "svelte",
  setup(building) {
    building.onLoad({ filter: /\.svelte$/ }, ({ path }) =>
      ({ contents: compile(readFileSync(path, "utf8"), { filename: path, generate: "client" }).js.code }));
  },
};
const apps = new URL("apps/", import.meta.url);

await build({
  entryPoints: readdirSync(apps).filter((name) => name.endsWith(".app.jsx")).map((name) => new URL(name, apps).pathname),
  bundle: true,
  outdir: process.argv[2],
  format: "iife",
  jsx: "automatic",
  conditions: ["browser"],
  logLevel: "warning",
  plugins: [svelte],
  define: {
    "process.env.NODE_ENV": '"development"', __VUE_OPTIONS_API__: "true", __VUE_PROD_DEVTOOLS__: "false",
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false",
  },
});
