package initproto

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"testing"
)

// layout is the hash of all messages' fields in Version. A change of a message changes both.
const layout = "e452c9c222acc9f2"

func TestAChangedMessageHasANewVersion(t *testing.T) {
	h := sha256.New()
	for _, v := range []any{Message{}, SetupBody{}, NetworkBody{}, WatchBody{}, SpawnBody{}} {
		describe(reflect.TypeOf(v), func(s string) { h.Write([]byte(s + "\n")) })
	}
	for s := StepNone; s <= StepDied; s++ {
		h.Write([]byte(s.String() + "\n"))
	}
	if got := hex.EncodeToString(h.Sum(nil))[:16]; got != layout {
		t.Errorf("the messages have changed: raise Version (%s), and set layout to %q", Version,
			got)
	}
}

func describe(t reflect.Type, say func(string)) {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			say(t.Name() + "." + t.Field(i).Name)
			describe(t.Field(i).Type, say)
		}
	case reflect.Pointer, reflect.Slice:
		say(t.Kind().String())
		describe(t.Elem(), say)
	default:
		say(t.Kind().String())
	}
}
