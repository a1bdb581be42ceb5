package semver

import (
	"math/rand/v2"
	"strings"
	"testing"

	oracle "github.com/Masterminds/semver/v3"
)

// Masterminds/semver reads the same language of ranges. Both must agree on generated versions and
// ranges, except for the differences in excused.
func TestAgreesWithMastermindsSemver(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var compared, excusedN, inside int
	for range 60_000 {
		text, version := randomRange(r), randomVersion(r)
		ours, err := ParseRange(text)
		theirs, theirErr := oracle.NewConstraint(text)
		if err != nil || theirErr != nil {
			if (err == nil) != (theirErr == nil) {
				t.Fatalf("%q: ours %v, oracle %v", text, err, theirErr)
			}
			continue
		}
		v, err := Parse(version)
		if err != nil {
			t.Fatalf("%s: %v", version, err)
		}
		w := oracle.MustParse(version)
		got, want := ours.Contains(v), theirs.Check(w)
		if got != want && excused(text, version, got) {
			excusedN++
			continue
		}
		if got != want {
			t.Fatalf("%s in %q: ours %v, oracle %v", version, text, got, want)
		}
		compared++
		if got {
			inside++
		}
	}
	if compared < 20_000 || inside < compared/10 {
		t.Errorf("%d compared, %d of them inside: too little to prove anything", compared, inside)
	}
	t.Logf("%d agree, %d of them inside; %d differ as they should", compared, inside, excusedN)
}

func TestOrdersAsMastermindsSemverDoes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		a, b := randomVersion(r), randomVersion(r)
		va, err := Parse(a)
		if err != nil {
			t.Fatal(err)
		}
		vb, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := va.Compare(vb), oracle.MustParse(a).Compare(
			oracle.MustParse(b)); got != want {
			t.Fatalf("Compare(%s, %s): ours %d, oracle %d", a, b, got, want)
		}
	}
}

func pick(r *rand.Rand, list ...string) string { return list[r.IntN(len(list))] }

func randomNumbers(r *rand.Rand, n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = pick(r, "0", "0", "1", "2", "3")
	}
	return strings.Join(parts, ".")
}

func randomVersion(r *rand.Rand) string {
	return randomNumbers(r, 3) + pick(r, "", "", "", "-0", "-alpha", "-alpha.1", "-rc.2", "-rc.10")
}

func randomRange(r *rand.Rand) string {
	var alternatives []string
	for range 1 + r.IntN(2) {
		var bounds []string
		for range 1 + r.IntN(2) {
			n := 1 + r.IntN(3)
			text := randomNumbers(r, n)
			if n == 3 {
				text += pick(r, "", "", "", "-alpha", "-rc.2")
			} else if r.IntN(3) == 0 {
				text += ".x"
			}
			bounds = append(bounds, pick(r, "", "=", "!=", ">", ">=", "<", "<=", "~", "^")+text)
		}
		alternatives = append(alternatives, strings.Join(bounds, pick(r, " ", ", ")))
	}
	return strings.Join(alternatives, " || ")
}

// excused reports known differences. In these, our package does what npm does.
func excused(text, version string, ours bool) bool {
	switch {
	case strings.Contains(version, "-") && strings.Contains(text, "-") && !ours:
		// If a range names a pre-release, ours accepts only pre-releases of the same numbers. The
		// oracle accepts every pre-release.
		return true
	case strings.Contains(text, "~0.0.0") && !ours:
		// The oracle takes ~0.0.0 for every version, npm for >=0.0.0 <0.1.0.
		return true
	}
	return false
}
