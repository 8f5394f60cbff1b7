// Joins the files of the widget to the one that is served. Usage: node widget.mjs OUTFILE
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

await build({
  entryPoints: [fileURLToPath(new URL("../../../captcha_stateless/web/widget/places.js", import.meta.url))],
  outfile: process.argv[2],
  bundle: true,
  minify: true,
  format: "esm", // the server closes it, with its words and looks
  target: ["chrome128", "firefox128", "safari17.6"],
  charset: "utf8",
  banner: { js: "// Made of the files in widget/ by `make widget`." },
});
