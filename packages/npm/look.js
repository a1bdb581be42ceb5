// Prints what the registry said of every package of a lock file, as npm's cache has it, and the
// keys that registries publish. argv: the folder of the lock, npm's cache, a CA file or "", then
// the registries.
"use strict"
const fs = require("fs"), path = require("path"), https = require("https"), http = require("http")
const [folder, cache, ca, ...registries] = process.argv.slice(2)

const lock = JSON.parse(fs.readFileSync(path.join(folder, "package-lock.json")))
const wanted = new Map()
for (const [where, p] of Object.entries(lock.packages)) {
  const name = p.name || where.slice(where.lastIndexOf("node_modules/") + "node_modules/".length)
  if (where && p.version) wanted.set(name, [...(wanted.get(name) || []), p.version])
}

// The cache has one index file for a request: lines of a hash, a tab, and an object.
function walk(dir, each) {
  let entries = []
  try { entries = fs.readdirSync(dir, {withFileTypes: true}) } catch { return }
  for (const e of entries) {
    const file = path.join(dir, e.name)
    e.isDirectory() ? walk(file, each) : each(file)
  }
}

const out = {packages: [], keys: {}}
walk(path.join(cache, "_cacache", "index-v5"), file => {
  const line = fs.readFileSync(file, "utf8").trim().split("\n").pop()
  let entry
  try { entry = JSON.parse(line.slice(line.indexOf("\t") + 1)) } catch { return }
  if (!entry.key || !entry.integrity) return
  const url = entry.key.replace(/^make-fetch-happen:request-cache:/, "")
  const name = decodeURIComponent(url.slice(url.lastIndexOf("/") + 1))
  const full = wanted.has(name) ? name
    : [...wanted.keys()].find(n => n[0] === "@" && decodeURIComponent(url).endsWith("/" + n))
  if (!full) return
  const [algorithm, sum] = [entry.integrity.split("-")[0], entry.integrity.split("-")[1]]
  const hex = Buffer.from(sum, "base64").toString("hex")
  let doc
  try {
    doc = JSON.parse(fs.readFileSync(path.join(cache, "_cacache", "content-v2", algorithm,
      hex.slice(0, 2), hex.slice(2, 4), hex.slice(4))))
  } catch { return }
  for (const version of wanted.get(full)) {
    const p = doc.versions && doc.versions[version]
    if (!p || !p.dist) continue
    out.packages.push({name: full, version, integrity: p.dist.integrity || "",
      signatures: p.dist.signatures || [], attested: !!p.dist.attestations,
      deprecated: typeof p.deprecated === "string" ? p.deprecated : ""})
  }
})

function keys(registry) {
  return new Promise(done => {
    const url = new URL("-/npm/v1/keys", registry.replace(/\/*$/, "/"))
    const options = {timeout: 10000}
    if (ca) options.ca = [...require("tls").rootCertificates, fs.readFileSync(ca)]
    const get = url.protocol === "http:" ? http.get : https.get
    const request = get(url, options, answer => {
      let text = ""
      answer.on("data", d => { if (text.length < 1 << 20) text += d })
      answer.on("end", () => {
        try { if (answer.statusCode === 200) out.keys[registry] = JSON.parse(text).keys } catch {}
        done()
      })
    })
    request.on("error", done)
    request.on("timeout", () => request.destroy())
  })
}
Promise.all(registries.map(keys)).then(() => process.stdout.write(JSON.stringify(out)))
