// Asks through one of the npm clients: node verify.cjs CLIENT URL SECRET TOKEN prints {"success": …, "codes": …}.
const [, , client, url, secret, token] = process.argv;
// What was asked for is known then, though Friendly Captcha's library has a timer of 20 seconds left.
const tell = (success, codes = []) => process.stdout.write(`${JSON.stringify({ success, codes })}\n`, () => process.exit());

const clients = {
  "google-recaptcha"() {
    const GoogleRecaptcha = require("google-recaptcha");
    const recaptcha = new GoogleRecaptcha({ secret, apiUrl: `${url}/recaptcha/api/siteverify` });
    recaptcha.verify({ response: token }, (error, body) => tell(!error && body.success, body && body["error-codes"]));
  },
  recaptcha2() {
    const Recaptcha2 = require("recaptcha2");
    const recaptcha = new Recaptcha2({ siteKey: "dev-site", secretKey: secret });
    recaptcha.apiEndpoint = `${url}/recaptcha/api/siteverify`;
    recaptcha.validate(token).then(() => tell(true), (codes) => tell(false, codes));
  },
  async "fetch with FormData"() {
    const body = new FormData();
    body.append("secret", secret);
    body.append("response", token);
    const reply = await (await fetch(`${url}/turnstile/v0/siteverify`, { method: "POST", body })).json();
    tell(reply.success, reply["error-codes"]);
  },
  async "fetch with JSON"() {
    const init = {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ secret, response: token }),
    };
    const reply = await (await fetch(`${url}/turnstile/v0/siteverify`, init)).json();
    tell(reply.success, reply["error-codes"]);
  },
  async "friendly captcha"() {
    const { FriendlyCaptchaClient } = await import("@friendlycaptcha/server-sdk");
    const client = new FriendlyCaptchaClient({ apiKey: secret, sitekey: "dev-site", apiEndpoint: url, strict: true });
    const result = await client.verifyCaptchaResponse(token);
    tell(result.shouldAccept(), [result.getResponseError()?.error_code ?? ""]);
  },
  async jose() {
    const { createRemoteJWKSet, jwtVerify } = await import("jose");
    const keys = createRemoteJWKSet(new URL(`${url}/.well-known/jwks.json`));
    const expected = { issuer: "captcha-stateless", audience: "dev-site", typ: "captcha-pass+jwt", algorithms: ["ES256"] };
    await jwtVerify(token, keys, expected).then(({ payload }) => tell(payload.kind === "grid"), (error) => tell(false, [error.code]));
  },
};

clients[client]();
