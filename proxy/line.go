package proxy

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// entry is what an access line can tell about a request.
type entry struct {
	start   time.Time
	total   time.Duration // from the request's head to the end of its reply
	member  time.Duration // of it, the share of the member that answered
	id      uint64
	client  string
	method  string
	host    string
	path    string // as the client sent it, without the query
	query   string // with its question mark, or empty
	proto   string
	status  int // 0 where nothing was answered
	bytes   uint64
	pool    string
	server  string // the member's name
	tries   int    // members asked
	outcome outcome
	request headers
	reply   headers
}

// append adds the entry's line to dst. It does not allocate where dst has room.
func (t *template) append(dst []byte, e *entry) []byte {
	for i := range t.pieces {
		dst = t.piece(dst, &t.pieces[i], e)
	}
	return append(dst, '\n')
}

func (t *template) piece(dst []byte, p *piece, e *entry) []byte {
	switch p.op {
	case opText:
		return append(dst, p.text...)
	case opTime:
		return e.start.AppendFormat(dst, p.text)
	case opEpoch:
		return strconv.AppendInt(dst, e.start.UnixMicro()/p.unit, 10)
	case opStatus:
		return strconv.AppendInt(dst, int64(e.status), 10)
	case opBytes:
		return strconv.AppendUint(dst, e.bytes, 10)
	case opBytesOrDash:
		if e.bytes == 0 {
			return append(dst, '-')
		}
		return strconv.AppendUint(dst, e.bytes, 10)
	case opID:
		return strconv.AppendUint(dst, e.id, 10)
	case opTries:
		return strconv.AppendInt(dst, int64(e.tries), 10)
	case opTotal:
		return appendSpan(dst, e.total, p.unit)
	case opMemberTime:
		return appendSpan(dst, e.member, p.unit)
	case opDash:
		return append(dst, '-')
	case opLine:
		dst = t.escape(dst, e.method)
		dst = append(dst, ' ')
		dst = t.escape(dst, e.path)
		dst = t.escape(dst, e.query)
		dst = append(dst, ' ')
		return t.escape(dst, e.proto)
	case opQuery:
		return t.escape(dst, e.query)
	}
	return t.text(dst, t.value(p, e))
}

// value is the text of the pieces that are one.
func (t *template) value(p *piece, e *entry) string {
	switch p.op {
	case opClient:
		return e.client
	case opMethod:
		return e.method
	case opPath:
		return e.path
	case opProto:
		return e.proto
	case opHost:
		return e.host
	case opName:
		return t.server
	case opMember:
		return e.server
	case opPool:
		return e.pool
	case opOutcome:
		return string(e.outcome)
	case opRequestHeader:
		return first(e.request[p.text])
	case opReplyHeader:
		return first(e.reply[p.text])
	}
	return ""
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// appendSpan prints whole units of microseconds, or milliseconds with three
// places where unit is 0.
func appendSpan(dst []byte, d time.Duration, unit int64) []byte {
	us := max(0, d.Microseconds())
	if unit > 0 {
		return strconv.AppendInt(dst, us/unit, 10)
	}
	dst = strconv.AppendInt(dst, us/1000, 10)
	rest := us % 1000
	return append(dst, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
}

// text escapes a value, and says "-" for an empty one, so that lines keep
// their number of fields.
func (t *template) text(dst []byte, s string) []byte {
	if s == "" && !t.json {
		return append(dst, '-')
	}
	return t.escape(dst, s)
}

// escape makes sure that no value can end a line, a field in quotes or a JSON
// string, or steer a terminal.
func (t *template) escape(dst []byte, s string) []byte {
	plain := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		size := 1
		if t.json && c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
		}
		dst = append(dst, s[plain:i]...)
		dst = t.escapeByte(dst, c)
		i += size
		plain = i
	}
	return append(dst, s[plain:]...)
}

func (t *template) escapeByte(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch {
	case c == '"' || c == '\\':
		return append(dst, '\\', c)
	case !t.json:
		return append(dst, '\\', 'x', hex[c>>4], hex[c&15])
	case c >= utf8.RuneSelf:
		return append(dst, `\ufffd`...)
	default:
		return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	}
}
