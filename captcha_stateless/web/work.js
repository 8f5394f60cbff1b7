// Finds a solution to a proof of work: a text whose hash, together with the nonce, begins with enough zeros.
//
// Runs as a dedicated worker, in a browser or under Node. It is told {nonce, algorithm, unit, difficulty} and says
// {hashes, seconds} about ten times a second, then {solution, hashes, seconds}; {cancel: true} makes it stop and say
// {cancelled: true, hashes, seconds}; what it cannot do is an {error}. With {start, step} several workers share one search.
//
// The hashes are computed here and not by WebCrypto, whose every digest is a promise and a trip to another thread:
// benchmarks/hashes.py measures both.
"use strict";

(() => {
  const UNIT_BITS = { hex: 4, bits: 1 };
  const CHUNK_MS = 100;
  const HASHES_A_LOOK = 256;
  // The nonce, the colon, the digits and the padding must fit one block of SHA-256.
  const MAX_NONCE_BYTES = 38;
  const MAX_DIGITS = 16;

  // FIPS 180-4, sections 4.2 and 5.3: the constants are the fractions of roots of the first primes, computed exactly.
  const primes = [];
  for (let n = 2; primes.length < 80; n++) if (primes.every((p) => n % p)) primes.push(n);

  function fraction(prime, power) {
    const target = BigInt(prime) << BigInt(64 * power);
    let low = 0n, high = 1n << 72n;
    while (high - low > 1n) {
      const middle = (low + high) >> 1n;
      if (middle ** BigInt(power) <= target) low = middle; else high = middle;
    }
    return low & 0xffffffffffffffffn;
  }

  const high = (word) => Number(word >> 32n) | 0;
  const low = (word) => Number(word & 0xffffffffn) | 0;
  const cubes = primes.map((prime) => fraction(prime, 3));
  const squares = primes.slice(0, 16).map((prime) => fraction(prime, 2));
  const K_HIGH = Int32Array.from(cubes, high), K_LOW = Int32Array.from(cubes, low);
  const START = {
    "sha-256": squares.slice(0, 8),
    "sha-384": squares.slice(8),
    "sha-512": squares.slice(0, 8),
  };

  // Each hash is a function of one padded block, given as big-endian 32-bit words; it leaves the first two words of the
  // digest in `first`, which hold as many zeros as anyone asks for.
  const first = new Int32Array(2);

  function sha256() {
    const W = new Int32Array(64), K = K_HIGH;
    const H = START["sha-256"].map(high);
    const [H0, H1, H2, H3, H4, H5, H6, H7] = H;
    return (block) => {
      for (let t = 0; t < 16; t++) W[t] = block[t];
      for (let t = 16; t < 64; t++) {
        const x = W[t - 15], y = W[t - 2];
        const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
        const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
        W[t] = (W[t - 16] + s0 + W[t - 7] + s1) | 0;
      }
      let a = H0, b = H1, c = H2, d = H3, e = H4, f = H5, g = H6, h = H7;
      for (let t = 0; t < 64; t++) {
        const S1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
        const t1 = (h + S1 + ((e & f) ^ (~e & g)) + K[t] + W[t]) | 0;
        const S0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
        const t2 = (S0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        h = g; g = f; f = e; e = (d + t1) | 0;
        d = c; c = b; b = a; a = (t1 + t2) | 0;
      }
      first[0] = (H0 + a) | 0;
      first[1] = (H1 + b) | 0;
    };
  }

  // 64-bit words as two halves: BigInt would take about fifty times as long.
  function sha512(start) {
    const WH = new Int32Array(80), WL = new Int32Array(80), KH = K_HIGH, KL = K_LOW;
    const HH = Int32Array.from(start, high), HL = Int32Array.from(start, low);
    return (block) => {
      for (let t = 0; t < 16; t++) { WH[t] = block[2 * t]; WL[t] = block[2 * t + 1]; }
      for (let t = 16; t < 80; t++) {
        const xh = WH[t - 15], xl = WL[t - 15], yh = WH[t - 2], yl = WL[t - 2];
        const s0h = ((xh >>> 1) | (xl << 31)) ^ ((xh >>> 8) | (xl << 24)) ^ (xh >>> 7);
        const s0l = ((xl >>> 1) | (xh << 31)) ^ ((xl >>> 8) | (xh << 24)) ^ ((xl >>> 7) | (xh << 25));
        const s1h = ((yh >>> 19) | (yl << 13)) ^ ((yl >>> 29) | (yh << 3)) ^ (yh >>> 6);
        const s1l = ((yl >>> 19) | (yh << 13)) ^ ((yh >>> 29) | (yl << 3)) ^ ((yl >>> 6) | (yh << 26));
        const l = (WL[t - 16] >>> 0) + (s0l >>> 0) + (WL[t - 7] >>> 0) + (s1l >>> 0);
        WL[t] = l | 0;
        WH[t] = (WH[t - 16] + s0h + WH[t - 7] + s1h + ((l / 0x100000000) | 0)) | 0;
      }
      let ah = HH[0], bh = HH[1], ch = HH[2], dh = HH[3], eh = HH[4], fh = HH[5], gh = HH[6], hh = HH[7];
      let al = HL[0], bl = HL[1], cl = HL[2], dl = HL[3], el = HL[4], fl = HL[5], gl = HL[6], hl = HL[7];
      for (let t = 0; t < 80; t++) {
        const S1h = ((eh >>> 14) | (el << 18)) ^ ((eh >>> 18) | (el << 14)) ^ ((el >>> 9) | (eh << 23));
        const S1l = ((el >>> 14) | (eh << 18)) ^ ((el >>> 18) | (eh << 14)) ^ ((eh >>> 9) | (el << 23));
        const u = (hl >>> 0) + (S1l >>> 0) + (((el & fl) ^ (~el & gl)) >>> 0) + (KL[t] >>> 0) + (WL[t] >>> 0);
        const t1l = u | 0;
        const t1h = (hh + S1h + ((eh & fh) ^ (~eh & gh)) + KH[t] + WH[t] + ((u / 0x100000000) | 0)) | 0;
        const S0h = ((ah >>> 28) | (al << 4)) ^ ((al >>> 2) | (ah << 30)) ^ ((al >>> 7) | (ah << 25));
        const S0l = ((al >>> 28) | (ah << 4)) ^ ((ah >>> 2) | (al << 30)) ^ ((ah >>> 7) | (al << 25));
        const v = (S0l >>> 0) + (((al & bl) ^ (al & cl) ^ (bl & cl)) >>> 0);
        const t2h = (S0h + ((ah & bh) ^ (ah & ch) ^ (bh & ch)) + ((v / 0x100000000) | 0)) | 0;
        hh = gh; hl = gl; gh = fh; gl = fl; fh = eh; fl = el;
        const p = (dl >>> 0) + (t1l >>> 0);
        el = p | 0;
        eh = (dh + t1h + ((p / 0x100000000) | 0)) | 0;
        dh = ch; dl = cl; ch = bh; cl = bl; bh = ah; bl = al;
        const q = (t1l >>> 0) + ((v | 0) >>> 0);
        al = q | 0;
        ah = (t1h + t2h + ((q / 0x100000000) | 0)) | 0;
      }
      const r = (HL[0] >>> 0) + (al >>> 0);
      first[1] = r | 0;
      first[0] = (HH[0] + ah + ((r / 0x100000000) | 0)) | 0;
    };
  }

  const HASHES = {
    "sha-256": [sha256, 16],
    "sha-384": [() => sha512(START["sha-384"]), 32],
    "sha-512": [() => sha512(START["sha-512"]), 32],
  };

  // A block with the nonce in its place, in which the counter's digits are written over as it goes.
  class Block {
    constructor(prefix, words) {
      this.words = new Int32Array(words);
      this.end = prefix.length;
      this.digits = 0;
      prefix.forEach((byte, at) => this.put(at, byte));
    }

    put(at, byte) {
      const shift = 24 - 8 * (at & 3);
      this.words[at >> 2] = (this.words[at >> 2] & ~(0xff << shift)) | (byte << shift);
    }

    write(number) {
      const text = String(number);
      for (let i = 0; i < text.length; i++) this.put(this.end + i, text.charCodeAt(i));
      if (text.length === this.digits) return;
      // FIPS 180-4, section 5.1: a one bit, zeros, and the length in bits. Numbers grow, so nothing need be wiped.
      this.digits = text.length;
      this.put(this.end + text.length, 0x80);
      this.words[this.words.length - 1] = 8 * (this.end + text.length);
    }
  }

  function enough(bits) {
    if (bits <= 32) return () => first[0] >>> (32 - bits) === 0;
    return () => first[0] === 0 && first[1] >>> (64 - bits) === 0;
  }

  function planned({ nonce, algorithm = "sha-256", unit = "hex", difficulty, start = 0, step = 1 }) {
    const name = String(algorithm).replace(/^hash-/, "");
    const bits = typeof difficulty === "number" ? difficulty * (UNIT_BITS[unit] ?? NaN) : NaN;
    if (!Object.hasOwn(HASHES, name)) throw new Error("unknown algorithm");
    if (!Number.isInteger(bits) || bits < 1 || bits > 63) throw new Error("unknown unit or difficulty");
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(step) || start < 0 || step < 1) {
      throw new Error("start and step must be whole numbers");
    }
    const prefix = new TextEncoder().encode(`${nonce}:`);
    if (prefix.length > MAX_NONCE_BYTES + 1) throw new Error("nonce is too long");
    const [make, words] = HASHES[name];
    return { hash: make(), block: new Block([...prefix], words), right: enough(bits), next: start, step };
  }

  function search(work, milliseconds) {
    const { hash, block, right, step } = work, end = performance.now() + milliseconds;
    let tried = 0;
    do {
      for (let i = 0; i < HASHES_A_LOOK; i++, work.next += step) {
        block.write(work.next);
        hash(block.words);
        tried++;
        if (right()) return { tried, solution: String(work.next) };
      }
      if (work.next >= 10 ** MAX_DIGITS) throw new Error("no solution");
    } while (performance.now() < end);
    return { tried };
  }

  function serve(say, listen) {
    let running = null;

    function go(job) {
      if (job !== running) return;
      try {
        const { tried, solution } = search(job.work, CHUNK_MS);
        job.hashes += tried;
        say({ ...report(job), ...(solution === undefined ? {} : { solution }) });
        // The pause lets a cancel in.
        if (solution === undefined) setTimeout(go, 0, job); else running = null;
      } catch (error) {
        running = null;
        say({ error: error.message });
      }
    }

    function report(job) {
      return { hashes: job.hashes, seconds: (performance.now() - job.began) / 1000 };
    }

    listen((message) => {
      if (message?.cancel) {
        if (running) say({ cancelled: true, ...report(running) });
        running = null;
        return;
      }
      try {
        running = { work: planned(message ?? {}), hashes: 0, began: performance.now() };
        go(running);
      } catch (error) {
        running = null;
        say({ error: error.message });
      }
    });
  }

  if (typeof WorkerGlobalScope === "function") {
    serve((message) => self.postMessage(message), (take) => self.addEventListener("message", (event) => take(event.data)));
  } else {
    const { parentPort } = require("node:worker_threads");
    serve((message) => parentPort.postMessage(message), (take) => parentPort.on("message", take));
  }
})();
