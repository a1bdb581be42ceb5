package escape

import "testing"

func TestCannotSeeTheDevicesOfTheHostInSys(t *testing.T) {
	hold(t, claim{attack: `TRY(open("/sys/class", O_RDONLY | O_DIRECTORY));`})
}
