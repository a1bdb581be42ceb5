"""Runs pip in mcpbox's sandbox, and prints what it did as one JSON object.

argv[1] is a JSON object: specs, name, site (folder), indexes (${NAME} stands for a variable), ca
(file or ""), build (bool).
"""
import concurrent.futures
import html.parser
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import urllib.parse
import urllib.request

ACCEPT = ("application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, "
          "text/html;q=0.1")
asked = json.loads(sys.argv[1])
site = asked["site"]
indexes = [re.sub(r"\$\{(\w+)\}", lambda m: os.environ[m.group(1)], i) for i in asked["indexes"]]


def pip():
    report = "/tmp/report.json"
    words = [sys.executable, "-I", "-m", "pip", "install", "--target", site, "--report", report,
             "--no-input", "--disable-pip-version-check", "--no-cache-dir", "--no-compile",
             "--progress-bar", "off", "--no-warn-script-location", "--retries", "1",
             "--timeout", "60"]
    if not asked["build"]:
        words += ["--only-binary", ":all:"]
    done = subprocess.run(words + ["--"] + asked["specs"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          env={**os.environ, "PIP_INDEX_URL": indexes[0],
                               "PIP_EXTRA_INDEX_URL": " ".join(indexes[1:])})
    said = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        return None, said
    with open(report) as f:
        return json.load(f), said


class Page(html.parser.HTMLParser):
    """The links of an index page (PEP 503)."""

    def __init__(self):
        super().__init__()
        self.files, self.link = [], None

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            attrs = dict(attrs)
            url, _, hashed = (attrs.get("href") or "").partition("#")
            kind, _, value = hashed.partition("=")
            self.files.append({
                "filename": urllib.parse.unquote(url.rsplit("/", 1)[-1]),
                "hashes": {kind: value} if value else {},
                "yanked": attrs.get("data-yanked", False),
                "provenance": attrs.get("data-provenance")})


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(name):
    return plain(name) == plain(asked["name"])


def provenance(known):
    """What the index says of a file's origin (PEP 740), if the index itself has it."""
    url = known.get("provenance")
    hosts = [urllib.parse.urlsplit(i).netloc.rpartition("@")[2] for i in indexes]
    if not isinstance(url, str) or urllib.parse.urlsplit(url).netloc not in hosts:
        return None
    trust = ssl.create_default_context(cafile=asked["ca"] or None)
    try:
        with urllib.request.urlopen(url, timeout=30, context=trust) as answer:
            return json.loads(answer.read(4 << 20))
    except (OSError, ValueError):
        return {}


def page(name):
    """What the indexes say of a package's files."""
    name = plain(name)
    trust = ssl.create_default_context(cafile=asked["ca"] or None)
    files, versions = [], []
    for index in indexes:
        parts = urllib.parse.urlsplit(index)
        host = parts.netloc.rpartition("@")[2]
        url = urllib.parse.urlunsplit(parts._replace(
            netloc=host, path=parts.path.rstrip("/") + "/" + name + "/"))
        request = urllib.request.Request(url, headers={"Accept": ACCEPT})
        if parts.username:
            import base64
            login = urllib.parse.unquote(parts.username) + ":" + \
                urllib.parse.unquote(parts.password or "")
            request.add_header("Authorization",
                               "Basic " + base64.b64encode(login.encode()).decode())
        found = []
        try:
            with urllib.request.urlopen(request, timeout=30, context=trust) as answer:
                text = answer.read(64 << 20).decode("utf-8", "replace")
                if "json" in answer.headers.get("Content-Type", ""):
                    found = json.loads(text).get("files", [])
                else:
                    reader = Page()
                    reader.feed(text)
                    found = reader.files
        except (OSError, ValueError) as e:
            if getattr(e, "code", 0) in (401, 403):
                result["refused"] = True
        files += [{**f, "index": url} for f in found]
    return files


def versions(name):
    """The versions that the indexes have, with the reason why each was withdrawn."""
    found = {}
    for f in page(name):
        file = f.get("filename", "")
        if file.endswith(".whl"):
            version = file.split("-")[1]
        else:
            version = re.sub(r"(\.tar\.\w+|\.zip)$", "", file).rpartition("-")[2]
        yanked = f.get("yanked", False)
        if yanked is not False and yanked is not None:
            found.setdefault(version, yanked if isinstance(yanked, str) and yanked
                             else "no reason given")
        else:
            found[version] = ""
    return found


def compile_all():
    """Compiles without time stamps: the files get new ones outside. Shipped ones are removed."""
    import compileall
    import py_compile
    for folder, folders, _ in os.walk(site):
        if "__pycache__" in folders:
            folders.remove("__pycache__")
            shutil.rmtree(os.path.join(folder, "__pycache__"))
    # compiled paths are those of the run
    compileall.compile_dir(site, quiet=2, workers=0, stripdir=site, prependdir=asked["final"],
                           invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)


result = {"packages": []}
report, said = pip()
result["said"] = said[-20000:]
if report is None:
    result["failed"] = True
    result["source"] = any(
        not f.get("filename", "").endswith(".whl") for f in page(asked["name"]))
else:
    def one(item):
        meta, info = item["metadata"], item["download_info"]
        archive = info.get("archive_info", {})
        hashes = archive.get("hashes") or dict([archive.get("hash", "=").split("=", 1)])
        file = urllib.parse.unquote(info["url"].rsplit("/", 1)[-1])
        sha256 = hashes.get("sha256", "")
        every = page(meta["name"])
        known = [f for f in every if f.get("filename") == file]
        same = [f for f in known if (f.get("hashes") or {}).get("sha256", "").lower() == sha256]
        have = {f["index"] for f in same or known}
        known = (same or known or [{}])[0]
        return {"name": meta["name"], "version": meta["version"], "file": file,
                "sha256": sha256, "indexed": known.get("hashes", {}),
                "yanked": known.get("yanked", False), "published": known.get("upload-time") or "",
                "provenance": provenance(known) if wanted(meta["name"]) else None,
                "elsewhere": sorted({f["index"] for f in every} - have),
                "requested": bool(item.get("requested")), "author": meta.get("author_email")
                or meta.get("author") or "", "maintainer": meta.get("maintainer_email") or ""}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        result["packages"] = list(pool.map(one, report["install"]))
    result["versions"] = versions(asked["name"])
    compile_all()
json.dump(result, sys.stdout)
