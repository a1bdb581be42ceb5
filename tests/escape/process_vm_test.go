package escape

import (
	"fmt"
	"testing"
)

const readMemory = `
	char secret[] = "secret", got[sizeof secret] = "";
	struct iovec from = {secret, sizeof secret}, to = {got, sizeof got};
	TRY(process_vm_%sv(getpid(), &to, 1, &from, 1, 0));`

// The calls act on the caller itself here: which process it is does not matter to the filter.
func TestCannotReadTheMemoryOfAProcess(t *testing.T) {
	hold(t, claim{attack: fmt.Sprintf(readMemory, "read"), events: []string{"process_vm_readv"}})
}

func TestCannotWriteTheMemoryOfAProcess(t *testing.T) {
	hold(t, claim{attack: fmt.Sprintf(readMemory, "write"), events: []string{"process_vm_writev"}})
}
