// Prints what registries say, as one JSON object.
//   view NPMRC CA REGISTRY NAME     of one package: its versions, their times, its maintainers
//   lock NPMRC CA REGISTRY… -- FOLDER CACHE REGISTRY NAME
//                                   of every package of a lock file, as npm's cache has it, the keys
//                                   that the registries publish, and the attestations of one package
// CA is a file or "".
"use strict"
const fs = require("fs"), path = require("path"), https = require("https"), http = require("http")
const [what, npmrc, ca, ...words] = process.argv.slice(2)

// get answers undefined if the registry does not say.
function get(url, accept, limit) {
  return new Promise(done => {
    const headers = {accept}
    const auth = authorization(url)
    if (auth) headers.authorization = auth
    const options = {timeout: 20000, headers}
    if (ca) options.ca = [...require("tls").rootCertificates, fs.readFileSync(ca)]
    const request = (url.protocol === "http:" ? http.get : https.get)(url, options, answer => {
      const chunks = []
      let size = 0
      answer.on("data", d => { if ((size += d.length) < limit) chunks.push(d) })
      answer.on("error", () => done())
      answer.on("end", () => {
        try {
          done(answer.statusCode === 200 ? JSON.parse(Buffer.concat(chunks)) : undefined)
        } catch { done() }
      })
    })
    request.on("error", () => done())
    request.on("timeout", () => request.destroy())
  })
}

// The credentials of the longest path that the npmrc has for a URL.
function authorization(url) {
  let best = "", found
  for (const line of fs.readFileSync(npmrc, "utf8").split("\n")) {
    const m = line.match(/^(\/\/[^:]*(?::\d+)?[^:]*):(_authToken|_auth)=(.*)$/)
    if (!m || !("//" + url.host + url.pathname).startsWith(m[1]) || m[1].length < best.length) continue
    const value = m[3].replace(/\$\{(\w+)\}/g, (_, name) => process.env[name] || "")
    best = m[1]
    found = (m[2] === "_auth" ? "Basic " : "Bearer ") + value
  }
  return found
}

// The registry of the npmrc that a package comes from.
function registryOf(name) {
  const found = {}
  for (const line of fs.readFileSync(npmrc, "utf8").split("\n")) {
    const m = line.match(/^(@[^:]+:)?registry=(.*)$/)
    if (m) found[m[1] || ""] = m[2]
  }
  return found[name.split("/")[0] + ":"] || found[""]
}

const below = (registry, rest) => new URL(rest, registry.replace(/\/*$/, "/"))

async function view(registry, name) {
  const doc = await get(below(registry, name.replace("/", "%2f")), "application/json", 256 << 20)
  return doc && {time: doc.time, maintainers: doc.maintainers, versions: Object.keys(doc.versions || {})}
}

async function looked(registries, folder, cache, registry, main) {
  const lock = JSON.parse(fs.readFileSync(path.join(folder, "package-lock.json")))
  const wanted = new Map()
  for (const [where, p] of Object.entries(lock.packages)) {
    const name = p.name || where.slice(where.lastIndexOf("node_modules/") + "node_modules/".length)
    if (where && p.version && !p.inBundle) wanted.set(name, [...(wanted.get(name) || []), p.version])
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

  const out = {packages: [], keys: {}}, seen = new Set()
  function add(name, version, p) {
    const hashes = [p.dist.integrity,
      p.dist.shasum && "sha1-" + Buffer.from(p.dist.shasum, "hex").toString("base64")]
    seen.add(name + "@" + version)
    out.packages.push({name, version, integrity: hashes.filter(h => h).join(" "),
      signatures: p.dist.signatures || [], attested: !!p.dist.attestations,
      deprecated: typeof p.deprecated === "string" ? p.deprecated : ""})
  }
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
      add(full, version, p)
    }
  })
  // A package may bring its own lock file. Then npm asks the registry for archives only.
  const all = [...wanted].flatMap(([name, versions]) => versions.map(v => [name, v]))
  const unseen = all.filter(([name, version]) => !seen.has(name + "@" + version)).slice(0, 2000)
  await Promise.all([...Array(16)].map(async () => {
    for (let one; (one = unseen.pop());) {
      const [name, version] = one
      const p = await get(below(registryOf(name), name.replace("/", "%2f") + "/" + version),
        "application/json", 16 << 20)
      if (p && p.name === name && p.version === version && p.dist) add(name, version, p)
    }
  }))
  await Promise.all(registries.map(async registry => {
    const said = await get(below(registry, "-/npm/v1/keys"), "application/json", 1 << 20)
    if (said) out.keys[registry] = said.keys
  }).concat((wanted.get(main) || []).slice(0, 1).map(async version => {
    const spec = main.replace("/", "%2f") + "@" + version
    const said = await get(below(registry, "-/npm/v1/attestations/" + spec), "application/json",
      4 << 20)
    out.attestations = said && said.attestations
  })))
  return out
}

const at = words.indexOf("--")
const done = what === "view" ? view(...words) : looked(words.slice(0, at), ...words.slice(at + 1))
done.then(said => process.stdout.write(JSON.stringify(said || {})))
