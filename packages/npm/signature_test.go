package npm

import "testing"

// The signatures are those of npm's registry.
func TestNPMsOwnSignatureHolds(t *testing.T) {
	keys := BundledKeys()[DefaultRegistry].Keys
	for _, said := range []Said{
		{Name: "@anthropic-ai/claude-code", Version: "2.1.97",
			Integrity: "sha512-8lKM/rFctBl+82bQ+0g0Lkbt9tJU/zYKAjWisNUq436/386n" +
				"/VZQbnyjnibGkyqqB6mr" +
				"X/3ub/cpFlpCu4FXLg==",
			Signatures: []Signature{{KeyID: "SHA256:DhQ8wR5APBvFHLF/+Tc+AYvPOdTpcIDqOhxsBHRwC7U",
				Sig: "MEUCICG6rML8JBFMxvrHFFDhofBztC5mvsOLqHbO7G4bdU4MAiEA/TuR" +
					"+/HzSBvE2e/5XokcLHWO" +
					"Law604eahZ4Hy+IFTew="}}},
		{Name: "@anthropic-ai/claude-code", Version: "2.1.98",
			Integrity: "sha512-qecREauMWXHplkpjqsuDuUv4ww+NprMl71k9sMuLkZU7qwjL" +
				"MkTPxRBjuKvZWWMrAPvZ" +
				"WdGZE9LljUTfCQ1lWQ==",
			Signatures: []Signature{{KeyID: "SHA256:DhQ8wR5APBvFHLF/+Tc+AYvPOdTpcIDqOhxsBHRwC7U",
				Sig: "MEQCIGvolW/eLJuocfuN94cinl0Vz9arMrshmIhulXk/9JEBAiAW18Cs" +
					"kQ+uEkWf90x4Dc0TqDoR" +
					"BQ7lmCAXhpXpqbEJDA=="}}},
	} {
		if known, holds := said.Verify(said.Integrity, keys); !known || !holds {
			t.Errorf("%s: known %v, holds %v", said.Version, known, holds)
		}
		if _, holds := said.Verify("sha512-other", keys); holds {
			t.Errorf("%s: it holds over another archive", said.Version)
		}
		other := said
		other.Version = "9.9.9"
		if _, holds := other.Verify(said.Integrity, keys); holds {
			t.Error("it holds over another version")
		}
	}
}

func TestKeysAreRead(t *testing.T) {
	for _, bad := range []string{"", "[]", `{"https://r/": {"keys": [{"key": "AAAA"}]}}`} {
		if _, err := ParseKeys([]byte(bad)); err == nil {
			t.Errorf("%q is taken for keys", bad)
		}
	}
}
