#!/usr/bin/env node
// Verifies deltad's proofs and bundles with Node.js's standard library alone, independently of deltad.
//   verify.mjs proof FILE POLICY         a value, by the public keys in POLICY; FILE.operator stands beside FILE
//   verify.mjs bundle FILE CLUSTER_ID    all that a node holds: deltactl bundle export --all
// Exit 0: everything holds. 1: something does not, a log is forked, or a file cannot be read. 2: wrong usage.
// What is checked and what is not: README.md beside this file. The rules: proto/PROTOCOL.md.
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

// ---- hashes, text and base64 ----
const sha256 = (...parts) => parts.reduce((h, part) => h.update(part), createHash("sha256")).digest();
const utf8 = (raw) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
const require = (condition, what) => { if (!condition) throw new Error(what); };
const number = (text) => require(/^(0|[1-9][0-9]{0,12})$/.test(text), `not a number: ${text}`) ?? Number(text);

function unbase64(text, size) {
  const raw = Buffer.from(text, "base64");
  require(raw.toString("base64") === text && (size === undefined || raw.length === size), `not base64: ${text}`);
  return raw;
}

// ---- Ed25519: OpenSSL's rule, and what the protocol refuses besides: small order, A not below p ----
const P = 2n ** 255n - 19n;
const ORDER_8 = 55188659117513257062467267217118295137698188065244968500265048394206261417927n;
const SMALL_ORDER = new Set([0n, 1n, ORDER_8, P - ORDER_8, P - 1n, P, P + 1n]);
const DER = Buffer.from("302a300506032b6570032100", "hex"); // SubjectPublicKeyInfo of an Ed25519 key
const yOf = (point) => BigInt("0x" + Buffer.from(point).reverse().toString("hex")) & (2n ** 255n - 1n);

export function ed25519Verify(key, message, signature) {
  if (key.length !== 32 || signature.length !== 64 || yOf(key) >= P) return false;
  if (SMALL_ORDER.has(yOf(key)) || SMALL_ORDER.has(yOf(signature.subarray(0, 32)))) return false;
  const spki = createPublicKey({ key: Buffer.concat([DER, key]), format: "der", type: "spki" });
  return verify(null, message, spki, signature);
}

// ---- signed notes: C2SP signed-note, tlog-checkpoint, tlog-cosignature ----
function noteOf(raw) {
  const whole = utf8(raw);
  const at = whole.lastIndexOf("\n\n");
  require(at > 0 && whole.endsWith("\n") && whole.length > at + 2, "a note without signatures");
  const lines = whole.slice(at + 2, -1).split("\n").map((line) => line.split(" "));
  require(lines.every((w) => w.length === 3 && w[0] === "—"), "a note with a line that is no signature");
  return { text: whole.slice(0, at + 1), lines: lines.map(([, name, b]) => ({ name, blob: unbase64(b) })) };
}

// Is there a line of this key? One that does not verify is an error.
function signed(note, name, kind, key) {
  const id = sha256(name, "\n", Buffer.from([kind]), key).subarray(0, 4);
  const own = note.lines.filter((l) => l.name === name && id.equals(l.blob.subarray(0, 4)));
  for (const { blob } of own) {
    const time = kind === 4 ? blob.readBigUInt64BE(4) : 1n;
    const text = (kind === 4 ? `cosignature/v1\ntime ${time}\n` : "") + note.text;
    require(time > 0n && time < 2n ** 63n && ed25519Verify(key, Buffer.from(text), blob.subarray(kind === 4 ? 12 : 4)),
      `the signature of ${name} does not verify`);
  }
  return own.length > 0;
}

function checkpointOf(note) {
  const [origin, size, root, rest, more] = note.text.split("\n");
  require(origin && rest === "" && more === undefined, "a head is an origin, a size and a root");
  return { origin, size: number(size), root: unbase64(root, 32) };
}

function vkeyOf(text = "", kind = 1) {
  const [name, id, ...key] = text.split("+");
  const raw = unbase64(key.join("+"), 33);
  require(sha256(name, "\n", raw).toString("hex", 0, 4) === id && raw[0] === kind && /^\S+$/.test(name), `key ${name}`);
  return { name, id: `key ${raw.toString("hex")}`, key: raw.subarray(1) };
}

// ---- Merkle trees: RFC 6962 2.1; sizes go beyond 32 bits, so no shifts ----
const node = (left, right) => sha256("\x01", left, right);
// The roots over m and n leaves that a path gives: of inclusion from leaf m - 1 (its hash), or of consistency.
function climb(hash, m, n, path) {
  if (n === 1 || (m === n && !hash)) return Array(2).fill(hash ?? path.pop());
  let k = 1;
  while (2 * k < n) k *= 2;
  require(path.length > 0, "the path is too short");
  const top = path.pop(), [old, now] = m <= k ? climb(hash, m, k, path) : climb(hash, m - k, n - k, path);
  return m <= k ? [old, node(now, top)] : [node(top, old), node(top, now)];
}

// frontier: the complete subtrees, largest first.
function append(frontier, leaf) {
  let sub = { size: 1, hash: sha256("\x00", leaf) };
  while (frontier.length > 0 && frontier.at(-1).size === sub.size)
    sub = { size: 2 * sub.size, hash: node(frontier.pop().hash, sub.hash) };
  frontier.push(sub);
}

const sizeOf = (frontier) => frontier.reduce((sum, sub) => sum + sub.size, 0);
const rootOf = (f) => f.slice(0, -1).reduceRight((root, sub) => node(sub.hash, root), f.at(-1).hash);

// ---- messages (protobuf) and signed bodies (DSSE's PAE), PROTOCOL 2 ----
function fields(raw) { // number -> [values]
  const out = new Map();
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      require(at < raw.length && shift < 70n, "a message that is cut off");
      value |= BigInt(raw[at] & 127) << shift;
      if (raw[at++] < 128) return Number(value);
    }
  };
  while (at < raw.length) {
    const tag = varint();
    const value = varint(), number = Math.floor(tag / 8), values = out.get(number) ?? out.set(number, []).get(number);
    require(tag % 8 === 0 || (tag % 8 === 2 && at + value <= raw.length), "a message of another form");
    values.push(tag % 8 === 2 ? raw.subarray(at, (at += value)) : value);
  }
  return out;
}
const one = (message, n, otherwise = Buffer.alloc(0)) => message.get(n)?.at(-1) ?? otherwise;

// The body's key and fields, its signature verified.
function bodyOf(part, what, clusterId) {
  const [key, signature, body] = [1, 2, 3].map((n) => one(part, n));
  const type = `application/vnd.deltad.${what}.v1+protobuf; cluster=${clusterId}`;
  const pae = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${body.length} `), body]);
  require(ed25519Verify(key, pae, signature), `the signature of a ${what} does not verify`);
  return { key, body: fields(body) };
}

// ---- a proof, PROTOCOL 13.1, by a policy: C2SP tlog-policy, PROTOCOL 13.2 ----
export function policyOf(raw) {
  const p = { logs: new Map(), nodes: new Map(), roots: new Map(), quorum: undefined, cluster: undefined };
  const grouped = new Set(), seen = new Set(["none"]), text = raw.toString(), once = (k) => !seen.has(k) && seen.add(k);
  require(raw.length <= 2 ** 16 && text.endsWith("\n") && /^[^\x00-\x08\x0b-\x1f\x7f]*$/.test(text), "no policy");
  for (const line of text.split("\n")) {
    const [what = "#", ...words] = line.split(/[ \t]+/).filter((w) => w !== ""), [first, second, ...of] = words;
    const fact = line.startsWith("#deltad ") && ["cluster", "root", "log"].includes(first) && first;
    let fits = what.startsWith("#"), v;
    if (fact === "cluster") fits = !p.cluster && /^[0-9a-f]{64}$/.test(p.cluster = second);
    else if (fact && (v = vkeyOf(second))) p.roots.set(v.name, p.roots.get(v.name) ?? v.key);
    else if (what === "log" && (v = vkeyOf(first))) fits = words.length < 3 && once(v.id) && p.logs.set(v.name, v.key);
    else if (what === "witness" && (v = vkeyOf(second, 4)))
      fits = words.length < 4 && once(first) && once(v.id) && p.nodes.set(first, v);
    else if (what === "group") {
      const need = second === "any" ? 1 : second === "all" ? of.length : number(second ?? "");
      fits = of.every((w) => p.nodes.has(w) && !grouped.has(w) && grouped.add(w)) && 1 <= need && need <= of.length &&
        once(first) && p.nodes.set(first, { of, need });
    } else if (what === "quorum")
      fits = !p.quorum && words.length === 1 && (first === "none" || p.nodes.has(first)) && (p.quorum = first);
    require(fits, `the policy says ${line}`);
  }
  require(p.quorum && p.logs.size <= 64 && p.nodes.size <= 96, "a policy has a quorum, and no end of keys");
  return p;
}

// The leaf stands under the head; who signed that is open.
function placeOf(raw) {
  const at = raw.indexOf("\n\n");
  const [first, extra, position, ...path] = raw.subarray(0, at).toString("latin1").split("\n");
  require(first === "c2sp.org/tlog-proof@v1" && extra?.startsWith("extra ") && position?.startsWith("index "),
    "not a proof with a leaf");
  const note = noteOf(raw.subarray(at + 2)), leaf = unbase64(extra.slice(6)), index = number(position.slice(6));
  const { origin, size, root } = checkpointOf(note), hashes = path.map((h) => unbase64(h, 32));
  require(index < size && climb(sha256("\x00", leaf), index + 1, size, hashes)[1].equals(root) && hashes.length === 0,
    "the leaf does not stand under the head");
  const parts = fields(leaf);
  require(one(parts, 1, 0) === 1 && one(parts, 2, 0) === index, "the leaf states another version or index");
  return { origin, index, leaf: parts, note };
}

function checkProof(raw, rawOperator, policy) {
  const { origin, index, leaf, note } = placeOf(raw);
  require(policy.logs.has(origin), `the proof is of the log ${origin}, the policy of ${[...policy.logs.keys()]}`);
  require(signed(note, origin, 1, policy.logs.get(origin)), `the log ${origin} did not sign the head`);
  const met = new Map([["none", true]]);
  for (const [name, n] of policy.nodes)
    met.set(name, n.key ? signed(note, n.name, 4, n.key) : n.of.filter((w) => met.get(w)).length >= n.need);
  require(met.get(policy.quorum), "the policy's quorum is not met");
  const owner = origin.slice(0, origin.lastIndexOf("/") + 1);
  require(policy.cluster && policy.roots.has(`${owner}root`), "the policy names no cluster or root key");
  const { key, body: change } = bodyOf(fields(one(leaf, 4)), "change", policy.cluster);
  const member = one(change, 2), task = one(change, 5);
  require(owner.split("/")[1] === utf8(member), "the change was signed for another member's log");
  const began = placeOf(rawOperator), logs = [...policy.logs.values(), policy.roots.get(began.origin) ?? ""];
  require(began.origin.startsWith(owner) && logs.some((k) => signed(began.note, began.origin, 1, k)),
    "the delegation is of no log of the policy");
  const epoch = (o) => Number(o.slice(owner.length).split("-")[0]), same = began.origin === origin;
  require(same ? began.index < index : epoch(began.origin) < epoch(origin), "the delegation stands after the change");
  const { key: root, body: d } = bodyOf(fields(one(began.leaf, 5)), "delegate", policy.cluster);
  require(root.equals(policy.roots.get(`${owner}root`)), "the delegation is not signed by the root key");
  require(one(d, 2).equals(member) && one(d, 4).equals(key), "the delegation is of another key or member");
  require(!d.has(6) || d.get(6).some((t) => t.equals(task)), "the delegation does not cover the task");
  require(!d.has(7) || (same && index <= one(d, 7)), "the delegation had ended");
  return `${utf8(member)} on ${utf8(task) || "plan"}, signed by ${utf8(one(d, 5))}, leaf ${index} of ${origin}`;
}

// ---- a bundle, PROTOCOL 10: every signature and root; what follows from them is for deltactl audit ----
function* recordsOf(raw) {
  let at = 16, count = 0;
  for (let n; (n = raw.readUInt32BE(at)) !== 0; at += 4 + n, count++) {
    require(n <= 2 ** 20, `record ${count + 1} is too long`);
    yield fields(raw.subarray(at + 4, at + 4 + n));
  }
  require(raw.subarray(0, 16).equals(Buffer.from("deltad-bundle/1\n")) && raw.length === at + 44 &&
    raw.readBigUInt64BE(at + 4) === BigInt(count) && raw.subarray(at + 12).equals(sha256(raw.subarray(0, at + 12))),
    "the bundle is cut off, or its count or SHA-256 is another");
}

// The next version of the roster by the one before it, the first by the cluster id.
function rosterOf(note, before, clusterId) {
  const r = { text: note.text, members: new Map(), gone: new Map() };
  for (const [what, first, ...rest] of note.text.split("\n").map((line) => line.split(" "))) {
    const f = Object.fromEntries([first ?? "", ...rest].map((w) => w.split(/=(.*)/s, 2)));
    if (what === "member") r.members.set(first, { role: rest[0], root: vkeyOf(f.root).key,
      log: unbase64(f.log, 32), cosign: unbase64(f.cosign, 32) });
    else if (what === "retire") r.gone.set(f.origin, { log: unbase64(f.log, 32), root: unbase64(f.authority, 32),
      end: `${f["valid-below"]} ${f.root}` }); // there the line is the head
    else if (what !== "former") r[what] = first;
  }
  require(before ? r.prev === sha256(before.text).toString("hex") : sha256(note.text).toString("hex") === clusterId,
    "the roster does not follow the one before it, or is of another cluster");
  const by = (slug, what, key) => signed(note, `${r.cluster}/${slug}/${what}`, 1, key);
  for (const [slug, m] of r.members)
    for (const what of before ? ["root", "log", "cosign"] : ["log", "cosign"])
      require(before?.members.get(slug)?.[what].equals(m[what]) || by(slug, what, m[what]),
        `${slug}: its ${what} key did not sign`);
  const judge = before ?? r, signers = [...judge.members].filter(([slug, m]) => by(slug, "root", m.root));
  const count = (list, role) => list.filter(([, m]) => m.role === role).length;
  const provinces = count(signers, "province"), all = count([...judge.members], "province");
  require((provinces >= number(judge.quorum.split("+")[1]) && count(signers, "regional") === 1) ||
    (before && provinces === all), "too few have signed the roster");
  return r;
}

function checkBundle(raw, clusterId) {
  let logs = new Map(), final = new Map(), forks = [], roster, signatures = 0;
  const head = (bytes, inEvidence) => {
    require(roster, "a head stands before the first roster");
    const note = noteOf(bytes), h = checkpointOf(note), [cluster, owner] = h.origin.split("/");
    const keys = roster.gone.get(h.origin) ?? roster.members.get(owner);
    const end = !inEvidence && keys?.end === `${h.size} ${h.root.toString("base64")}`;
    require(cluster === roster.cluster && keys && (end || signed(note, h.origin, 1, keys.log)),
      `${h.origin}: not its owner's head`);
    const id = `${h.origin} ${h.size} ${h.root.toString("hex")}`;
    const by = final.get(id) ?? final.set(id, { ...h, by: new Set() }).get(id);
    for (const [slug, m] of roster.members)
      if (slug !== owner && !inEvidence && signed(note, `${cluster}/${slug}/cosign`, 4, m.cosign)) by.by.add(slug);
    return { ...h, root_key: keys.root };
  };
  const evidence = (e) => { // PROTOCOL 4.3: two heads by the owner that cannot both be
    const [a, b] = [1, 2].map((n) => head(one(e, n), true)), path = [...e.get(3) ?? []];
    require(a.origin === b.origin && 0 < a.size && a.size <= b.size && path.every((h) => h.length === 32),
      `${a.origin}: evidence of nothing`);
    const [was, now] = a.size < b.size ? climb(undefined, a.size, b.size, path) : [b.root, b.root];
    require(path.length === 0 && now.equals(b.root) && !was.equals(a.root), `${a.origin}: evidence of nothing`);
    forks.push(`the log ${a.origin} is forked: its owner signed sizes ${a.size} and ${b.size} of two histories\n`);
  };
  const leaves = (batch) => {
    const { origin, size, root, root_key } = head(one(batch, 4));
    const frontier = logs.get(origin) ?? logs.set(origin, []).get(origin);
    require(sizeOf(frontier) === one(batch, 2, 0), `${origin}: not from its beginning`);
    for (const leaf of batch.get(3)) {
      append(frontier, leaf);
      for (const [n, what] of [[4, "change"], [5, "delegate"], [6, "revoke"]])
        for (const part of fields(leaf).get(n) ?? []) {
          const { key } = bodyOf(fields(part), what, clusterId);
          require(n === 4 || key.equals(root_key), `${origin}: a ${what} that is not by the member's root key`);
          signatures++;
        }
    }
    require(sizeOf(frontier) === size && rootOf(frontier).equals(root),
      `${origin}: the leaves do not give the root of the head`);
  };
  for (const record of recordsOf(raw)) {
    if (record.has(2)) roster = rosterOf(noteOf(one(fields(one(record, 2)), 1)), roster, clusterId);
    for (const kind of [3, 6]) if (record.has(kind)) head(one(fields(one(record, kind)), 1));
    for (const [kind, take] of [[5, leaves], [7, evidence]]) if (record.has(kind)) take(fields(one(record, kind)));
  }
  const lines = [...logs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([origin, frontier]) => {
    const done = [...final.values()].filter((h) => h.origin === origin && h.by.size >= number(roster.final));
    return `\n${origin}: ${sizeOf(frontier)} leaves, final below ${Math.max(0, ...done.map((h) => h.size))}`;
  });
  const said = `${final.size} heads, ${logs.size} roots, ${signatures} signatures in leaves${lines.join("")}`;
  require(forks.length === 0, `${forks.join("")}all the rest holds: ${said}`);
  return said;
}

function main([mode, path, given]) {
  if (given === undefined || !["proof", "bundle"].includes(mode))
    return console.error(readFileSync(new URL(import.meta.url), "utf8").split("\n").slice(1, 6).join("\n")) ?? 2;
  const say = (text) => console.log(text.replace(/[^\P{C}\n]/gu, "?")); // nothing that a terminal would obey
  try {
    const said = mode === "bundle" ? checkBundle(readFileSync(path), given.replace(/^sha256:/, ""))
      : checkProof(readFileSync(path), readFileSync(`${path}.operator`), policyOf(readFileSync(given)));
    return say(`holds: ${said}`) ?? 0;
  } catch (e) {
    say(`DOES NOT HOLD: ${e.message}`);
    return 1;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) process.exitCode = main(process.argv.slice(2));
