// Prints, as JSON, the CPU microseconds (user and system, all threads) of one challenge of each npm peer: the least of several rounds.
import { createChallenge } from "altcha-lib";
import captcha from "svg-captcha";

const ROUNDS = 5;

async function least(times, work) {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let time = 0; time < times; time++) await work();
    const spent = process.cpuUsage(before);
    rounds.push((spent.user + spent.system) / times);
  }
  return Math.min(...rounds);
}

const picture = { width: 600, height: 200, size: 6, noise: 3 };
const work = { hmacKey: "a key of the benchmark", maxNumber: 50_000 };
console.log(
  JSON.stringify({
    "svg-captcha (npm): SVG paths": await least(100, () => captcha.create(picture)),
    "altcha-lib (npm): proof of work": await least(500, () => createChallenge(work)),
  }),
);
