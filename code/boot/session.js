// Runs the snippets of a session one after another in one global scope (prestart.go). Package pool says how a
// turn begins and ends. A turn ends when node has nothing left to wait for.
'use strict';
{
  const fs = require('fs'), vm = require('vm'), path = require('path');
  const read = (n) => {
    const out = Buffer.allocUnsafe(n);
    for (let at = 0; at < n;) {
      const got = fs.readSync(0, out, at, n - at, null);
      if (got === 0) process.reallyExit(0);
      at += got;
    }
    return out;
  };
  const exit = process.reallyExit.bind(process);
  let mark = '', n = 0, code = 0;
  const failed = (e) => {
    code = 1;
    fs.writeSync(2, 'Uncaught ' + (e && e.stack ? e.stack : require('util').inspect(e)) + '\n');
  };
  const turn = () => {
    mark = '';
    for (let c; (c = read(1).toString('latin1')) !== '\n';) mark += c;
    const head = read(parseInt(read(8).toString('latin1'), 16)).toString().split('\0');
    const count = Number(head[0]);
    const ending = path.extname(head[1 + count]);
    const main = head[1 + count].slice(0, -ending.length) + (++n > 1 ? '_' + n : '') + ending;
    let source = null;
    for (let i = 1 + count; i < head.length; i += 2) {
      const data = read(Number(head[i + 1]));
      const name = source === null ? main : head[i];
      if (source === null) source = data.toString();
      fs.mkdirSync(path.dirname(name), {recursive: true});
      fs.writeFileSync(name, data);
    }
    process.argv = [process.execPath, main, ...head.slice(1, 1 + count)];
    code = 0;
    process.exitCode = undefined;
    globalThis.require = require('module').createRequire(main);
    globalThis.__filename = main;
    globalThis.__dirname = path.dirname(main);
    try {
      new vm.Script(source, {filename: main}).runInThisContext();
    } catch (e) {
      if (e !== leave) failed(e);
    }
  };
  const leave = {};
  process.exit = (status) => {
    if (status !== undefined) process.exitCode = status;
    throw leave;
  };
  process.on('uncaughtException', (e) => { if (e !== leave) failed(e); });
  process.on('unhandledRejection', failed);
  process.on('beforeExit', () => {
    const status = code || Number(process.exitCode || 0);
    fs.writeSync(2, '\0' + mark + '\n');
    fs.writeSync(1, '\0' + mark + ' ' + (status & 255) + '\n');
    turn();
    setImmediate(() => {}); // so that node looks again whether there is anything to wait for
  });
  fs.writeSync(1, '\0');
  turn();
}
