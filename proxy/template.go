package proxy

import (
	"fmt"
	"net/textproto"
	"strings"
)

// The presets. delegation begins with the line of the first site that this
// proxy's kind of balancing was written for; what it appends is the member's
// share and the total in milliseconds, the status and how the request ended.
const (
	formatDelegation = `%{%v/%T}t %h -> %{SERVER}e URL: %U %{MEMBER_MS}e/%{TOTAL_MS}e %>s %{OUTCOME}e`
	formatCommon     = `%h %l %u %t "%r" %>s %b`
	formatCombined   = formatCommon + ` "%{Referer}i" "%{User-Agent}i"`
	formatJSON       = `{"time":"%{rfc3339}t","id":%{ID}e,"client":"%h","method":"%m","host":"%V","path":"%U","query":"%q",` +
		`"proto":"%H","status":%>s,"bytes":%B,"pool":"%{POOL}e","member":"%{SERVER}e","tries":%{TRIES}e,` +
		`"member_ms":%{MEMBER_MS}e,"total_ms":%{TOTAL_MS}e,"outcome":"%{OUTCOME}e"}`
)

// op says what a piece of a template prints.
type op uint8

const (
	opText op = iota
	opTime
	opEpoch
	opClient
	opMethod
	opPath
	opQuery
	opProto
	opLine
	opStatus
	opBytes
	opBytesOrDash
	opHost
	opName
	opDash
	opRequestHeader
	opReplyHeader
	opMember
	opPool
	opOutcome
	opID
	opTries
	opTotal
	opMemberTime
)

// piece is a step of a template. text is a literal, a time layout or a
// header's name; unit divides microseconds or seconds.
type piece struct {
	op   op
	unit int64
	text string
}

// template is an access line's format, compiled.
type template struct {
	pieces []piece
	json   bool // values are escaped for JSON strings
	server string
}

// parseTemplate compiles a preset or a format in the notation of Apache's
// LogFormat. server is what %v prints.
func parseTemplate(format, server string) (*template, error) {
	t := &template{server: server}
	switch format {
	case "delegation":
		format = formatDelegation
	case "common":
		format = formatCommon
	case "combined":
		format = formatCombined
	case "json":
		format = formatJSON
	}
	t.json = strings.HasPrefix(format, "{\"")
	for format != "" {
		lit, rest, found := strings.Cut(format, "%")
		t.literal(lit)
		if !found {
			return t, nil
		}
		n, err := t.directive(rest)
		if err != nil {
			return nil, err
		}
		format = rest[n:]
	}
	return t, nil
}

func (t *template) literal(s string) {
	if s != "" {
		t.pieces = append(t.pieces, piece{op: opText, text: s})
	}
}

// directive compiles what follows a percent sign and returns its length.
func (t *template) directive(s string) (int, error) {
	i, arg := 0, ""
	for i < len(s) && (s[i] == '>' || s[i] == '<') {
		i++
	}
	if i < len(s) && s[i] == '{' {
		end := strings.IndexByte(s[i:], '}')
		if end < 0 {
			return 0, fmt.Errorf("access log template: no } after %%{ in %q", "%"+s)
		}
		arg = s[i+1 : i+end]
		i += end + 1
	}
	if i >= len(s) {
		return 0, fmt.Errorf("access log template: %q ends inside a directive", "%"+s)
	}
	if err := t.letter(s[i], arg); err != nil {
		return 0, err
	}
	return i + 1, nil
}

func (t *template) letter(c byte, arg string) error {
	switch c {
	case '%':
		t.literal("%")
	case 't':
		return t.time(arg)
	case 'i', 'o':
		o := opRequestHeader
		if c == 'o' {
			o = opReplyHeader
		}
		if arg == "" {
			return fmt.Errorf("access log template: %%%c needs a header's name, as in %%{User-Agent}%c", c, c)
		}
		t.pieces = append(t.pieces, piece{op: o, text: textproto.CanonicalMIMEHeaderKey(arg)})
	case 'e':
		return t.variable(arg)
	case 'D':
		t.pieces = append(t.pieces, piece{op: opTotal, unit: 1})
	case 'T':
		unit, ok := map[string]int64{"": 1e6, "s": 1e6, "ms": 1e3, "us": 1}[arg]
		if !ok {
			return fmt.Errorf("access log template: %%{%s}T, want s, ms or us", arg)
		}
		t.pieces = append(t.pieces, piece{op: opTotal, unit: unit})
	default:
		o, ok := plainOps()[c]
		if !ok {
			return fmt.Errorf("access log template: unknown directive %%%c", c)
		}
		t.pieces = append(t.pieces, piece{op: o})
	}
	return nil
}

func plainOps() map[byte]op {
	return map[byte]op{
		'h': opClient, 'a': opClient, 'l': opDash, 'u': opDash, 'r': opLine, 's': opStatus,
		'b': opBytesOrDash, 'B': opBytes, 'O': opBytes, 'U': opPath, 'q': opQuery, 'm': opMethod,
		'H': opProto, 'v': opName, 'V': opHost,
	}
}

// variable compiles %{NAME}e, the names that this proxy sets.
func (t *template) variable(name string) error {
	p := piece{}
	switch name {
	case "SERVER", "MEMBER":
		p.op = opMember
	case "POOL":
		p.op = opPool
	case "OUTCOME":
		p.op = opOutcome
	case "ID":
		p.op = opID
	case "TRIES":
		p.op = opTries
	case "MEMBER_MS":
		p = piece{op: opMemberTime}
	case "TOTAL_MS":
		p = piece{op: opTotal}
	default:
		return fmt.Errorf("access log template: unknown variable %%{%s}e, want SERVER, POOL, OUTCOME, ID, TRIES, MEMBER_MS or TOTAL_MS", name)
	}
	t.pieces = append(t.pieces, p)
	return nil
}

// time compiles %t and %{strftime}t into layouts of package time, one a
// directive, so that literal text can never be taken for a layout.
func (t *template) time(format string) error {
	switch format {
	case "":
		t.pieces = append(t.pieces, piece{op: opTime, text: "[02/Jan/2006:15:04:05 -0700]"})
		return nil
	case "rfc3339":
		t.pieces = append(t.pieces, piece{op: opTime, text: "2006-01-02T15:04:05.000Z07:00"})
		return nil
	case "sec", "msec", "usec":
		unit := map[string]int64{"sec": 1e6, "msec": 1e3, "usec": 1}[format]
		t.pieces = append(t.pieces, piece{op: opEpoch, unit: unit})
		return nil
	}
	for format != "" {
		lit, rest, found := strings.Cut(format, "%")
		t.literal(lit)
		if !found {
			return nil
		}
		if rest == "" {
			return fmt.Errorf("access log template: time format ends with %%")
		}
		switch layout, ok := strftime()[rest[0]]; {
		case rest[0] == '%':
			t.literal("%")
		case rest[0] == 's':
			t.pieces = append(t.pieces, piece{op: opEpoch, unit: 1e6})
		case ok:
			t.pieces = append(t.pieces, piece{op: opTime, text: layout})
		default:
			return fmt.Errorf("access log template: unknown time directive %%%c", rest[0])
		}
		format = rest[1:]
	}
	return nil
}

func strftime() map[byte]string {
	return map[byte]string{
		'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'h': "Jan", 'd': "02", 'e': "_2", 'j': "002",
		'm': "01", 'y': "06", 'Y': "2006", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM",
		'Z': "MST", 'z': "-0700", 'T': "15:04:05", 'R': "15:04", 'F': "2006-01-02", 'D': "01/02/06",
		'v': "_2-Jan-2006",
	}
}
