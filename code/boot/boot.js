// Runs before a snippet, in a node that was started ahead of it with `-r`: it says that it waits, reads one
// message from standard input (prestart.go), makes the files, and leaves no trace. Then node goes on to run its
// main file, as ever.
'use strict';
{
  const fs = require('fs');
  const read = (n) => {
    const out = Buffer.allocUnsafe(n);
    for (let at = 0; at < n;) {
      const got = fs.readSync(0, out, at, n - at, null);
      if (got === 0) process.reallyExit(0); // nobody wants this node any more
      at += got;
    }
    return out;
  };
  fs.writeFileSync(__filename, ''); // workers load it again
  fs.writeSync(1, '\0');
  const head = read(parseInt(read(8).toString('latin1'), 16)).toString().split('\0');
  const count = Number(head[0]);
  const mask = process.umask(0);
  for (let i = 1 + count; i < head.length; i += 2) {
    const data = read(Number(head[i + 1]));
    for (let at = head[i].indexOf('/', 6); at > 0; at = head[i].indexOf('/', at + 1)) {
      fs.mkdirSync(head[i].slice(0, at), {recursive: true, mode: 0o755});
    }
    fs.writeFileSync(head[i], data, {flag: 'wx', mode: 0o644});
  }
  process.umask(mask);
  process.argv.push(...head.slice(1, 1 + count));
  process.execArgv.splice(process.execArgv.indexOf('-r'), 2);
  delete require.cache[__filename];
}
