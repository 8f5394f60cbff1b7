// Runs deploy/worker.mjs in workerd: node worker.mjs PORT BINDINGS, with the Worker's variables as JSON; ends on SIGTERM.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { Miniflare } = createRequire(here("../clients/package.json"))("miniflare");
const [, , port, bindings] = process.argv;

const worker = new Miniflare({
  modules: true,
  scriptPath: here("../../deploy/worker.mjs"),
  compatibilityDate: "2025-01-01",
  host: "127.0.0.1",
  port: Number(port),
  bindings: JSON.parse(bindings),
  cf: false, // or it would ask its makers where we are
  telemetry: { enabled: false },
});
await worker.ready;
process.on("SIGTERM", () => worker.dispose().then(() => process.exit(0)));
