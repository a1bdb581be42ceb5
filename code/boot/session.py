def session():
    # Runs the snippets of a session one after another in one namespace (prestart.go). Package pool says how
    # a turn begins and ends. Descriptor 0 is each snippet's own standard input; the turns come on another one.
    import fcntl, linecache, os, sys, traceback

    control = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 100)
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)

    def read(n):
        parts = []
        while n:
            part = os.read(control, min(n, 1 << 20))
            if not part:
                os._exit(0)
            parts.append(part)
            n -= len(part)
        return b"".join(parts)

    def word():
        text = b""
        while not text.endswith(b"\n"):
            text += read(1)
        return text[:-1]

    def write(name, data):
        os.makedirs(os.path.dirname(name), exist_ok=True)
        with open(name, "wb") as f:
            f.write(data)

    def stdin(data):
        path = "/tmp/.mcpbox-stdin"
        write(path, data)
        fd = os.open(path, os.O_RDONLY)
        os.unlink(path)
        os.dup2(fd, 0, inheritable=True)
        os.close(fd)
        sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)

    def turn(n):
        mark = word()
        head = read(int(read(8), 16)).split(b"\0")
        count = int(head[0])
        args, files = head[1:1 + count], head[1 + count:]
        main, ending = os.path.splitext(files[0].decode())
        main += ("_%d" % n if n > 1 else "") + ending
        source = None
        code = 0
        for name, size in zip(files[::2], files[1::2]):
            data = read(int(size))
            if source is None:
                source, name = data, main.encode()
            if name:
                write(name, data)
            else:
                stdin(data)
        linecache.checkcache(main)
        sys.argv[:] = [main] + [os.fsdecode(a) for a in args]
        space["__file__"] = main
        try:
            exec(compile(source, main, "exec", 0, True), space)
        except SystemExit as e:
            code = e.code if isinstance(e.code, int) else 0 if e.code is None else 1
            if code == 1 and not isinstance(e.code, int):
                print(e.code, file=sys.stderr)
        except BaseException as e:
            code = 1
            trace = e.__traceback__.tb_next
            sys.excepthook(type(e), e.with_traceback(trace), trace)
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                pass
        os.write(2, b"\0" + mark + b"\n")
        os.write(1, b"\0" + mark + b" %d\n" % (code & 255))

    sys.modules["__main__"] = module = type(sys)("__main__")
    space = module.__dict__
    space.update(__annotations__={}, __builtins__=sys.modules["builtins"])
    n = 0
    os.write(1, b"\0")
    while True:
        n += 1
        turn(n)


session()
