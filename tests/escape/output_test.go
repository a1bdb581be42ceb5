package escape

import "testing"

func TestAFloodOfOutputEndsAtItsLimit(t *testing.T) {
	hold(t, claim{
		attack: `
	char block[65536];
	memset(block, '\n', sizeof block);
	for (int i = 0; i < 64; i++) TRY(write(1, block, sizeof block));`,
		flags: []string{"--output", "1MiB"}, ends: "output_limit",
		events: []string{"output"},
	})
}
