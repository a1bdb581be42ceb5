#include "textflag.h"

// func cloneShared(args *cloneArgs, size uintptr, c *child) (pid uintptr, errno syscall.Errno)
TEXT ·cloneShared(SB), NOSPLIT, $0-40
	MOVQ args+0(FP), DI
	MOVQ size+8(FP), SI
	MOVQ c+16(FP), R12 // the kernel keeps it
	MOVQ $435, AX      // clone3
	SYSCALL
	TESTQ AX, AX
	JEQ  child
	CMPQ AX, $0xfffffffffffff001
	JLS  parent
	NEGQ AX
	MOVQ $-1, pid+24(FP)
	MOVQ AX, errno+32(FP)
	RET

parent:
	MOVQ AX, pid+24(FP)
	MOVQ $0, errno+32(FP)
	RET

child: // on the stack of args
	XORL BP, BP
	SUBQ $16, SP
	MOVQ R12, 0(SP)
	CALL ·sharedMain(SB)
	INT  $3
