package rotate

import "bytes"

// What a template shows in place of the parts that change.
const (
	anyNumber = "#" // decimal or hex
	anyUUID   = "<uuid>"
	anyIP     = "<ip>"
	anyString = "*" // between its quotes
)

// collapse appends the template of a line to dst, up to dst's capacity.
func collapse(dst, line []byte, quotes bool) []byte {
	for i := 0; i < len(line) && len(dst) < cap(dst); {
		c := line[i]
		inWord := i > 0 && isWord(line[i-1])
		switch {
		case quotes && (c == '"' || c == '\'' && !inWord):
			dst, i = collapseQuoted(dst, line, i)
		case inWord || !isWord(c) && c != ':':
			dst = put(dst, line[i:i+1])
			i++
		default:
			dst, i = collapseWord(dst, line, i)
		}
	}
	return dst
}

// put appends what fits.
func put(dst, b []byte) []byte { return append(dst, b[:min(len(b), cap(dst)-len(dst))]...) }

func putString(dst []byte, s string) []byte {
	return append(dst, s[:min(len(s), cap(dst)-len(dst))]...)
}

// collapseQuoted handles the quote at i. Keys of JSON stay, and so does the
// text of messages: without them all lines of a JSON log would be alike.
func collapseQuoted(dst, line []byte, i int) ([]byte, int) {
	n := quotedLen(line[i:])
	if n == 0 {
		return put(dst, line[i:i+1]), i + 1
	}
	quote, inner, after := line[i:i+1], line[i+1:i+n-1], i+n
	dst = put(dst, quote)
	switch {
	case after < len(line) && line[after] == ':' && quote[0] == '"':
		dst = put(dst, inner)
	case saysWhat(line[:i]):
		dst = collapse(dst, inner, false)
	default:
		dst = putString(dst, anyString)
	}
	return put(dst, quote), after
}

// quotedLen is the length of the quoted string that b begins with; 0 where its
// quote is not closed, or is an apostrophe.
func quotedLen(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch {
		case b[i] == '\\':
			i++
		case b[i] == b[0] && (b[0] == '"' || i+1 == len(b) || !isWord(b[i+1])):
			return i + 1
		}
	}
	return 0
}

// saysWhat reports whether text ends with the key of a field that tells what
// happened, as in `"msg":` or `error=`.
func saysWhat(text []byte) bool {
	text = bytes.TrimRight(text, " ")
	if len(text) == 0 || text[len(text)-1] != ':' && text[len(text)-1] != '=' {
		return false
	}
	text = bytes.TrimSuffix(text[:len(text)-1], []byte{'"'})
	start := len(text)
	for start > 0 && isWord(text[start-1]) {
		start--
	}
	switch string(text[start:]) {
	case "msg", "message", "error", "err", "level", "severity", "event", "logger", "kind", "reason":
		return true
	}
	return false
}

// collapseWord handles the word, or the address, that begins at i.
func collapseWord(dst, line []byte, i int) ([]byte, int) {
	rest := line[i:]
	if rest[0] == ':' || isHex(rest[0]) {
		if n := uuidLen(rest); n > 0 {
			return putString(dst, anyUUID), i + n
		}
		if n := max(ipv4Len(rest), ipv6Len(rest)); n > 0 {
			return putString(dst, anyIP), i + n
		}
	}
	if rest[0] == ':' {
		return put(dst, rest[:1]), i + 1
	}
	n, hex, digit := 0, true, false
	for n < len(rest) && isWord(rest[n]) {
		hex = hex && (isHex(rest[n]) || n == 1 && rest[0] == '0' && rest[n]|0x20 == 'x')
		digit = digit || isDigit(rest[n])
		n++
	}
	switch {
	case !digit:
		dst = put(dst, rest[:n])
	case hex && n >= leastHex, hex && n > 2 && rest[1]|0x20 == 'x':
		dst = putString(dst, anyNumber)
	default:
		dst = collapseDigits(dst, rest[:n])
	}
	return dst, i + n
}

// leastHex is how long a word must be to be a hex number for its digits alone:
// "a1" or "db8f" may be a name.
const leastHex = 6

func collapseDigits(dst, word []byte) []byte {
	for i := 0; i < len(word); {
		if !isDigit(word[i]) {
			dst = put(dst, word[i:i+1])
			i++
			continue
		}
		for i < len(word) && isDigit(word[i]) {
			i++
		}
		dst = putString(dst, anyNumber)
	}
	return dst
}

func uuidLen(b []byte) int {
	const n = 36
	if len(b) < n || len(b) > n && isWord(b[n]) {
		return 0
	}
	for i, c := range b[:n] {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return 0
			}
		} else if !isHex(c) {
			return 0
		}
	}
	return n
}

func ipv4Len(b []byte) int {
	i := 0
	for group := range 4 {
		if group > 0 {
			if i >= len(b) || b[i] != '.' {
				return 0
			}
			i++
		}
		start := i
		for i < len(b) && i < start+3 && isDigit(b[i]) {
			i++
		}
		if i == start {
			return 0
		}
	}
	if i < len(b) && isWord(b[i]) {
		return 0
	}
	return i
}

// ipv6Len takes hex groups between colons for an address where there is a
// double colon or there are eight groups: 12:30:59 is a time.
func ipv6Len(b []byte) int {
	n := 0
	for n < len(b) && n < 40 && (isHex(b[n]) || b[n] == ':') {
		n++
	}
	if n < len(b) && isWord(b[n]) {
		return 0
	}
	if n > 1 && b[n-1] == ':' && b[n-2] != ':' {
		n-- // the colon of the sentence
	}
	colons, double, group := 0, false, 0
	for i := range n {
		if b[i] != ':' {
			if group++; group > 4 {
				return 0
			}
			continue
		}
		colons, group = colons+1, 0
		double = double || i > 0 && b[i-1] == ':'
	}
	if colons == 7 || double && colons >= 2 && n > 2 {
		return n
	}
	return 0
}

func isDigit(c byte) bool { return c-'0' < 10 }
func isHex(c byte) bool   { return isDigit(c) || c|0x20-'a' < 6 }
func isWord(c byte) bool  { return isDigit(c) || c|0x20-'a' < 26 || c == '_' }
