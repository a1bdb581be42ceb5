package escape

import "testing"

func TestCannotStoreAKey(t *testing.T) {
	hold(t, claim{
		attack: `TRY(syscall(SYS_add_key, "user", "mcpbox", "x", 1, -2));`,
		// the process's own keyring
		events: []string{"add_key"},
	})
}

func TestCannotReadTheKeyringOfItsCaller(t *testing.T) {
	hold(t, claim{attack: `TRY(syscall(SYS_keyctl, 0, -4, 1));`,
		events: []string{"keyctl"}}) // KEYCTL_GET_KEYRING_ID of the user
}

func TestCannotAskForAKey(t *testing.T) {
	hold(t, claim{
		attack: `TRY(syscall(SYS_request_key, "user", "mcpbox:none", NULL, 0));`,
		bare:   "ENOKEY",
		events: []string{"request_key"},
	})
}
