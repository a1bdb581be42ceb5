package escape

import "testing"

func TestCannotSwitchOffAddressRandomisation(t *testing.T) {
	hold(t, claim{
		attack:  `TRY(personality(ADDR_NO_RANDOMIZE));`,
		presets: without("basic"), // it weakens the tool itself, nobody else
		events:  []string{"personality"},
	})
}
