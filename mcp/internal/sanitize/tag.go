package sanitize

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// DefuseTag takes the meaning from every opening or closing tag of the given name inside a text: its first bracket
// becomes "&lt;". Case, spaces, invisible characters, combining marks, full-width and look-alike letters make no
// difference: what a model could read as the tag is taken for it.
func DefuseTag(s, tag string) string {
	if strings.IndexByte(s, '<') < 0 && (PrintableASCII(s) || strings.IndexFunc(s, isBracket) < 0) {
		return s
	}
	want := []rune(strings.ToLower(tag))
	var b strings.Builder
	done := 0
	for i, r := range s {
		if isBracket(r) && startsTag(s[i+utf8.RuneLen(r):], want) {
			b.WriteString(s[done:i])
			b.WriteString("&lt;")
			done = i + utf8.RuneLen(r)
		}
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

const maxFiller = 64 // ignorable characters in a row that are looked across

// startsTag reports whether s goes on with the name, after at most slashes and what doesn't count.
func startsTag(s string, want []rune) bool {
	n, filler := 0, 0
	for _, r := range s {
		f := fold(r)
		switch {
		case n < len(want) && f == want[n]:
			if n++; n == len(want) {
				return true
			}
			filler = 0
		case isIgnorable(r) || n == 0 && (isSlash(r) || isBracket(r)):
			if filler++; filler > maxFiller {
				return false
			}
		default:
			return false
		}
	}
	return false
}

func isBracket(r rune) bool {
	switch r {
	case '<', '＜', '﹤', '‹', '«', 0x3008, 0x2329, '⟨', '❬', '❮', '❰', '˂', 'ᐸ', '𝈶', '≺', '⧼', '《':
		return true
	}
	return false
}

func isSlash(r rune) bool {
	switch r {
	case '/', '／', '∕', '⁄', '⧸', '╱', '⟋', '\\', '＼', '﹨', '⧵', '∖', '⼃', 'ノ', '〳', '𝈺', '丿':
		return true
	}
	return false
}

func isIgnorable(r rune) bool {
	return unicode.IsSpace(r) || IsHidden(r) || IsJoiner(r) || unicode.Is(unicode.M, r) || r == 0x2028 || r == 0x2029
}

// fold maps a character to the small ASCII letter that it is or looks like.
func fold(r rune) rune {
	switch {
	case r >= 'A' && r <= 'Z':
		return r + 'a' - 'A'
	case r < 0x80:
		return r
	case r >= 0xFF01 && r <= 0xFF5E: // full-width
		return fold(r - 0xFEE0)
	case r >= 0x1D400 && r <= 0x1D6A3: // mathematical alphanumerics, alphabet after alphabet
		n := (r - 0x1D400) % 52
		return 'a' + n%26
	case r >= 0x1D7CE && r <= 0x1D7FF:
		return '0' + (r-0x1D7CE)%10
	case r >= 0x24B6 && r <= 0x24CF: // circled
		return 'a' + r - 0x24B6
	case r >= 0x24D0 && r <= 0x24E9:
		return 'a' + r - 0x24D0
	case r >= 0x249C && r <= 0x24B5:
		return 'a' + r - 0x249C
	case r >= 0x1F130 && r <= 0x1F149, r >= 0x1F150 && r <= 0x1F169, r >= 0x1F170 && r <= 0x1F189: // squared, negative
		return 'a' + (r-0x1F130)%32
	case r >= 0x1F1E6 && r <= 0x1F1FF: // regional indicators
		return 'a' + r - 0x1F1E6
	}
	if l := lookalike(unicode.ToLower(r)); l != 0 {
		return l
	}
	return withoutDiacritic(r)
}

// lookalike knows the letters of other scripts that look like Latin ones.
func lookalike(r rune) rune {
	switch r {
	case 'а', 'α', 'ɑ', 'ᴀ', 'ª', 'ᵃ', 'ₐ':
		return 'a'
	case 'ь', 'ʙ', 'ᵇ':
		return 'b'
	case 'с', 'ϲ', 'ᴄ', 'ᶜ':
		return 'c'
	case 'ԁ', 'ɗ', 'ᴅ', 'ᵈ', 'đ', 'ժ', 'ḍ':
		return 'd'
	case 'е', 'є', 'ε', 'ҽ', 'ᴇ', 'ℯ', 'ᵉ', 'ₑ', 'ɛ', 'ǝ', 'ə', '℮':
		return 'e'
	case 'ᵍ', 'ɡ', 'ց':
		return 'g'
	case 'һ', 'հ', 'ʰ', 'ₕ', 'ʜ', 'н':
		return 'h'
	case 'і', 'ι', 'ı', 'ɪ', 'ⁱ', 'ᵢ', 'ⅰ':
		return 'i'
	case 'ј', 'ʲ':
		return 'j'
	case 'κ', 'к', 'ᴋ', 'ᵏ':
		return 'k'
	case 'ӏ', 'ʟ', 'ˡ', 'ₗ', 'ⅼ':
		return 'l'
	case 'м', 'ᴍ', 'ᵐ', 'ₘ', 'ⅿ':
		return 'm'
	case 'η', 'п', 'ո', 'ռ', 'ɴ', 'ⁿ', 'ₙ', 'ŋ':
		return 'n'
	case 'о', 'ο', 'օ', 'ᴏ', 'º', 'ᵒ', 'ₒ':
		return 'o'
	case 'р', 'ρ', 'ᴘ', 'ᵖ', 'ₚ':
		return 'p'
	case 'г', 'ʀ', 'ʳ', 'ᵣ', 'ɼ', 'ɾ', 'ᴦ', 'я':
		return 'r'
	case 'ѕ', 'ꜱ', 'ˢ', 'ₛ', 'ʂ', 'ſ', 'ƨ':
		return 's'
	case 'т', 'τ', 'ᴛ', 'ᵗ', 'ₜ', 'ŧ', 'ƭ', 'ț':
		return 't'
	case 'υ', 'ս', 'ц', 'ᴜ', 'ᵘ', 'ᵤ', 'ʋ', 'μ', 'µ', 'ʊ':
		return 'u'
	case 'ν', 'ѵ', 'ᴠ', 'ᵛ', 'ᵥ', 'ⅴ':
		return 'v'
	case 'ԝ', 'ѡ', 'ω', 'ᴡ', 'ʷ':
		return 'w'
	case 'х', 'χ', 'ˣ', 'ₓ', 'ⅹ':
		return 'x'
	case 'у', 'γ', 'ү', 'ʏ', 'ʸ':
		return 'y'
	case 'ᴢ', 'ᶻ':
		return 'z'
	}
	return 0
}

// withoutDiacritic takes the diacritic off the precomposed Latin letters.
func withoutDiacritic(r rune) rune {
	const letters = "aaaaaa\x00ceeeeiiii\x00nooooo\x00ouuuuy\x00\x00aaaaaa\x00ceeeeiiii\x00nooooo\x00ouuuuy\x00y" + // U+00C0
		"aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii\x00\x00jjkkkllllllllllnnnnnnnnnoooooo\x00\x00rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs" // U+0100
	if r >= 0xC0 && int(r-0xC0) < len(letters) && letters[r-0xC0] != 0 {
		return rune(letters[r-0xC0])
	}
	switch {
	case r >= 0x1E00 && r <= 0x1EFF: // Latin Extended Additional, in the order of the alphabet
		const more = "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnooooooooppppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwya"
		if i := int(r - 0x1E00); i < len(more) {
			return rune(more[i])
		}
		switch {
		case r >= 0x1EA0 && r <= 0x1EB7:
			return 'a'
		case r >= 0x1EB8 && r <= 0x1EC7:
			return 'e'
		case r >= 0x1EC8 && r <= 0x1ECB:
			return 'i'
		case r >= 0x1ECC && r <= 0x1EE3:
			return 'o'
		case r >= 0x1EE4 && r <= 0x1EF1:
			return 'u'
		}
	case r == 0x01D3 || r == 0x01D4, r >= 0x01D5 && r <= 0x01DC, r >= 0x0214 && r <= 0x0217, r == 0x01AF, r == 0x01B0:
		return 'u'
	case r == 0x01F8 || r == 0x01F9:
		return 'n'
	case r >= 0x0210 && r <= 0x0213:
		return 'r'
	case r >= 0x0204 && r <= 0x0207, r == 0x0228, r == 0x0229:
		return 'e'
	}
	return r
}

// Attribute makes a name fit to stand between quotes in a tag.
func Attribute(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '"' || r == '\'' || r == '&' || r == '\n' || r == '\t' || r == '\r' || isBracket(r) || r == '>' || isIgnorable(r):
			return '_'
		}
		return r
	}, Strip(s))
	if len(s) > 128 {
		s = strings.ToValidUTF8(s[:128], "")
	}
	return s
}
