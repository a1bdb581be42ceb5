package escape

import "testing"

func TestDoesNotInheritTheSecretsOfTheEnvironment(t *testing.T) {
	hold(t, claim{attack: `if (!getenv("MCPBOX_TEST_TOKEN")) held("not set");`})
}
