package sanitize

import (
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold maps a character beyond ASCII to the lower-case letters and digits that it looks like, or to
// "". Compatibility decomposition (Unicode's NFKD) removes accents and splits ligatures, circled
// letters and other styles. lookalike covers the rest.
func fold(r rune) string {
	if l := lookalike(unicode.ToLower(r)); l != 0 {
		return string(l)
	}
	if l := enclosed(r); l != 0 {
		return string(l)
	}
	var letters string
	for _, part := range string(norm.NFKD.PropertiesString(string(r)).Decomposition()) {
		part = unicode.ToLower(part)
		if l := lookalike(part); l != 0 {
			part = l
		}
		if part < 0x80 && part != '(' && part != ')' { // brackets of ⒜
			letters += ascii(part)
		}
	}
	return letters
}

func ascii(r rune) string {
	if r == '-' || r == '.' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
		return string(r)
	}
	return ""
}

// enclosed maps squared and circled letters that Unicode treats as symbols, and regional
// indicators. It also maps the code points that the mathematical alphabets leave unassigned.
func enclosed(r rune) rune {
	switch {
	case r >= 0x1F130 && r <= 0x1F149, r >= 0x1F150 && r <= 0x1F169, r >= 0x1F170 && r <= 0x1F189:
		return 'a' + (r-0x1F130)%32
	case r >= 0x1F1E6 && r <= 0x1F1FF:
		return 'a' + r - 0x1F1E6
	case r >= 0x1D400 && r <= 0x1D6A3:
		return 'a' + (r-0x1D400)%26
	}
	return 0
}

// lookalike maps letters that look like Latin ones and have no decomposition: letters of other
// scripts, small capitals, turned and barred letters. It returns 0 for other characters.
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
	case 'һ', 'հ', 'ʰ', 'ₕ', 'ʜ', 'н', 'ħ':
		return 'h'
	case 'і', 'ι', 'ı', 'ɪ', 'ⁱ', 'ᵢ', 'ⅰ':
		return 'i'
	case 'ј', 'ʲ':
		return 'j'
	case 'κ', 'к', 'ᴋ', 'ᵏ', 'ĸ':
		return 'k'
	case 'ӏ', 'ʟ', 'ˡ', 'ₗ', 'ⅼ', 'ł':
		return 'l'
	case 'м', 'ᴍ', 'ᵐ', 'ₘ', 'ⅿ':
		return 'm'
	case 'η', 'п', 'ո', 'ռ', 'ɴ', 'ⁿ', 'ₙ', 'ŋ', 'ŉ':
		return 'n'
	case 'о', 'ο', 'օ', 'ᴏ', 'º', 'ᵒ', 'ₒ', 'ø':
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
