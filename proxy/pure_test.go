package proxy

import (
	"go/parser"
	"go/token"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/proxy/member"
)

func mustURL(t testing.TB, s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestPolicyKnowsNoWire: these files outlive the wire code.
func TestPolicyKnowsNoWire(t *testing.T) {
	for _, file := range []string{
		"balance/method.go", "balance/weight.go", "member/address.go", "member/health.go", "member/member.go", "member/pool.go",
		"manage/status.go", "manage/render.go", "target.go", "forwarded.go", "route.go", "reverse.go", "headers.go",
		"template.go", "line.go", "accesslog.go", "flight.go", "scan.go", "config.go", "validate.go",
	} {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			if strings.HasPrefix(i.Path.Value, `"net/http`) {
				t.Errorf("%s imports %s", file, i.Path.Value)
			}
		}
	}
}

func TestCanonicalPath(t *testing.T) {
	for raw, want := range map[string]string{
		"/": "/", "/a/b": "/a/b", "/a//b": "/a//b", "//evil": "//evil", "/a/./b": "/a/b", "/a/../b": "/b", "/a/..": "/", "/a/.": "/a/",
		"/%7euser": "/~user", "/a%2fb": "/a%2Fb", "/a%2Eb": "/a.b", "/%2e%2e/": "", "/..": "", "/a/../..": "", "/a%": "", "/a%2": "", "/a%zz": "",
		"/a%00b": "", "/a b": "", "/a\tb": "", "/a#b": "", "/a?b": "", "": "", "a": "", "/a\\b": "/a%5Cb", "/ä": "/%C3%A4", "/a\"b": "/a%22b",
		"/.well-known/x": "/.well-known/x", "/...": "/...", "/a;v=1/b,c": "/a;v=1/b,c", "/[x]": "/%5Bx%5D", "/%25%32%65": "/%252e",
	} {
		got, err := canonicalPath(raw)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q = %q, %v, want %q", raw, got, err, want)
		}
	}
}

func FuzzTarget(f *testing.F) {
	for _, s := range []string{"/a/%2e%2e/b?c", "http://h:80/x?y", "*", "//x", "ftp://h", "/a/./b/..", "http://[::1]:8/%41"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		got, err := parseTarget(uri)
		if err != nil || got.asterisk {
			return
		}
		if again, err := canonicalPath(got.path); err != nil || again != got.path {
			t.Fatalf("%q: %q is not canonical: %q, %v", uri, got.path, again, err)
		}
		for s := range strings.SplitSeq(got.path, "/") {
			if s == "." || s == ".." {
				t.Fatalf("%q: dot segment in %q", uri, got.path)
			}
		}
		// A member gets this form to the byte.
		var u url.URL
		setPath(&u, "/base"+got.path)
		if u.EscapedPath() != "/base"+got.path {
			t.Fatalf("%q: %q goes out as %q", uri, got.path, u.EscapedPath())
		}
		if got.scheme != "" {
			if name, _, err := splitHost(got.host); err != nil || strings.ContainsAny(name, "/@ %?#") {
				t.Fatalf("%q: host %q", uri, got.host)
			}
		}
	})
}

func TestClientOf(t *testing.T) {
	trust, err := parseNetworks([]string{"10.0.0.0/8", "::1", "192.0.2.7"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		peer string
		xff  []string
		want string
	}{
		{"203.0.113.9", []string{"1.2.3.4"}, "203.0.113.9"},
		{"10.1.1.1", nil, "10.1.1.1"},
		{"10.1.1.1", []string{"1.2.3.4"}, "1.2.3.4"},
		{"10.1.1.1", []string{"6.6.6.6, 1.2.3.4, 10.2.2.2"}, "1.2.3.4"},
		{"10.1.1.1", []string{"6.6.6.6", "1.2.3.4", "192.0.2.7, ::1"}, "1.2.3.4"},
		{"10.1.1.1", []string{"1.2.3.4, nonsense, 10.2.2.2"}, "10.2.2.2"},
		{"10.1.1.1", []string{"10.3.3.3, 10.2.2.2"}, "10.3.3.3"},
		{"10.1.1.1", []string{"1.2.3.4:5678"}, "1.2.3.4"},
		{"10.1.1.1", []string{"[2001:db8::1]:5678"}, "2001:db8::1"},
		{"10.1.1.1", []string{"::ffff:1.2.3.4"}, "1.2.3.4"},
		{"10.1.1.1", []string{"1.2.3.4, "}, "10.1.1.1"},
	} {
		if got := clientOf(netip.MustParseAddr(tt.peer), tt.xff, trust); got.String() != tt.want {
			t.Errorf("%s %q = %s, want %s", tt.peer, tt.xff, got, tt.want)
		}
	}
	for _, bad := range []string{"", "10.0.0.0/33", "x", "fe80::1%eth0", "10.0.0"} {
		if _, err := parseNetworks([]string{bad}); err == nil {
			t.Errorf("network %q was taken", bad)
		}
	}
}

func FuzzClientOf(f *testing.F) {
	f.Add("1.2.3.4, [::1]:80,10.0.0.1")
	trust, _ := parseNetworks([]string{"10.0.0.0/8"})
	peer := netip.MustParseAddr("10.9.9.9")
	f.Fuzz(func(t *testing.T, xff string) {
		got := clientOf(peer, []string{xff}, trust)
		if !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Fatalf("%q = %v", xff, got)
		}
		if other := clientOf(netip.MustParseAddr("192.0.2.1"), []string{xff}, trust); other.String() != "192.0.2.1" {
			t.Fatalf("%q made an untrusted peer %v", xff, other)
		}
	})
}

func TestReverseMapping(t *testing.T) {
	var rv reverser
	for _, u := range []string{"http://www1.foo.dom:8081", "http://10.0.0.2", "http://app.internal:9000/app"} {
		a, err := member.ParseAddress(u)
		if err != nil {
			t.Fatal(err)
		}
		rv.members = append(rv.members, a)
	}
	to := public{scheme: "http", host: "www.foo.dom:8080"}
	for _, tt := range []struct {
		self     int
		in, want string
	}{
		{0, "http://www1.foo.dom:8081/x?y#z", "http://www.foo.dom:8080/x?y#z"},
		{0, "http://WWW1.FOO.DOM:8081/x", "http://www.foo.dom:8080/x"},
		{0, "http://www1.foo.dom:8081", "http://www.foo.dom:8080/"},
		{0, "http://www1.foo.dom:8081?q", "http://www.foo.dom:8080/?q"},
		{0, "//www1.foo.dom:8081/x", "http://www.foo.dom:8080/x"},
		{0, "http://10.0.0.2/of/another/member", "http://www.foo.dom:8080/of/another/member"},
		{0, "http://10.0.0.2:80/", "http://www.foo.dom:8080/"},
		{0, "http://10.0.0.2:81/", "http://10.0.0.2:81/"},
		{0, "https://10.0.0.2/", "https://10.0.0.2/"},
		{0, "http://www1.foo.dom.evil:8081/", "http://www1.foo.dom.evil:8081/"},
		{0, "http://elsewhere/", "http://elsewhere/"},
		{0, "/x", "/x"}, {0, "x", "x"}, {0, "", ""}, {0, "mailto:a@b", "mailto:a@b"},
		{2, "/app/x", "/x"}, {2, "/app", "/"}, {2, "/apple", "/apple"},
		{2, "http://app.internal:9000/app/x", "http://www.foo.dom:8080/x"},
		{2, "http://app.internal:9000/other", "http://app.internal:9000/other"},
	} {
		if got := rv.location(tt.in, &rv.members[tt.self], to); got != tt.want {
			t.Errorf("Location %q = %q, want %q", tt.in, got, tt.want)
		}
	}
	for in, want := range map[string]string{
		"5; url=http://www1.foo.dom:8081/n":       "5; url=http://www.foo.dom:8080/n",
		"0;URL='http://10.0.0.2/n'":               "0;URL='http://www.foo.dom:8080/n'",
		`0; url="http://10.0.0.2/n"; x`:           `0; url="http://www.foo.dom:8080/n"; x`,
		"5":                                       "5",
		"5; url=/n":                               "5; url=/n",
		`0; url="http://10.0.0.2/unclosed`:        `0; url="http://www.foo.dom:8080/unclosed`,
		"5; url=http://elsewhere/":                "5; url=http://elsewhere/",
		"5; url=http://www1.foo.dom:8081/?url=/x": "5; url=http://www.foo.dom:8080/?url=/x",
	} {
		if got := rv.refresh(in, &rv.members[0], to); got != want {
			t.Errorf("Refresh %q = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"a=b; Domain=www1.foo.dom; Path=/app/x; Secure": "a=b; Domain=www.foo.dom; Path=/x; Secure",
		"a=b; domain=.APP.internal":                     "a=b; domain=www.foo.dom",
		"a=b; Domain=foo.dom; Path=/apple":              "a=b; Domain=foo.dom; Path=/apple",
		"domain=www1.foo.dom; HttpOnly":                 "domain=www1.foo.dom; HttpOnly",
	} {
		if got := rv.cookie(in, &rv.members[2], to); got != want {
			t.Errorf("Set-Cookie %q = %q, want %q", in, got, want)
		}
	}
}

func TestRoutes(t *testing.T) {
	var routes []route
	for _, c := range []RouteConfig{
		{Host: "api.foo.dom", Pool: "api"},
		{Host: "*.img.foo.dom", Pool: "img"},
		{Methods: []string{"get"}, Prefix: "/read", Pool: "read"},
		{Headers: map[string]string{"x-beta": "^(1|yes)$"}, Pool: "beta"},
		{Path: `\.(cgi|shtml)$`, Pool: "dynamic"},
		{Prefix: "/s/", Pool: "slash"},
	} {
		r, err := compileRoute(c)
		if err != nil {
			t.Fatal(err)
		}
		routes = append(routes, r)
	}
	for _, tt := range []struct {
		q    question
		want string
	}{
		{question{method: "GET", host: "api.foo.dom", path: "/x.cgi"}, "api"},
		{question{method: "GET", host: "a.img.foo.dom", path: "/"}, "img"},
		{question{method: "GET", host: "img.foo.dom", path: "/"}, ""},
		{question{method: "HEAD", path: "/read/x"}, "read"},
		{question{method: "POST", path: "/read/x"}, ""},
		{question{method: "GET", path: "/", headers: headers{"X-Beta": {"no", "yes"}}}, "beta"},
		{question{method: "GET", path: "/", headers: headers{"X-Beta": {"no"}}}, ""},
		{question{method: "GET", path: "/a.cgi"}, "dynamic"},
		{question{method: "GET", path: "/a.cgi/extra"}, ""},
		{question{method: "GET", path: "/s/x"}, "slash"},
		{question{method: "GET", path: "/s"}, ""},
	} {
		got := ""
		if r := matchRoute(routes, &tt.q); r != nil {
			got = r.pool
		}
		if got != tt.want {
			t.Errorf("%+v = %q, want %q", tt.q, got, tt.want)
		}
	}
}

func FuzzRoutePath(f *testing.F) {
	r, err := compileRoute(RouteConfig{Prefix: "/private", Path: "."})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("/private/%2e%2e/x")
	f.Add("//private")
	f.Fuzz(func(t *testing.T, uri string) {
		got, err := parseTarget(uri)
		if err != nil || got.asterisk {
			return
		}
		plain, err := url.PathUnescape(got.path)
		if err != nil {
			t.Fatalf("%q: %q does not unescape: %v", uri, got.path, err)
		}
		// No spelling of a private path gets past its route.
		if (plain == "/private" || strings.HasPrefix(plain, "/private/") && !strings.Contains(got.path, "%2F")) &&
			!r.matches(&question{method: "GET", path: got.path}) {
			t.Fatalf("%q as %q passed the route by", uri, got.path)
		}
	})
}

func TestConfigProblems(t *testing.T) {
	c := config.Default[Config]()
	c.Hosts = []string{"ok.dom", "bad:80"}
	c.StatusPath = "/a/../b"
	c.StatusFrom = []string{"10.0.0.0/99"}
	c.AccessLog.Format = "%y"
	c.MaxRequests = 3
	c.Pools = map[string]PoolConfig{
		"empty": {},
		"p":     {Method: "roundrobin", Members: []MemberConfig{{URL: "http://a"}, {URL: "http://a"}, {URL: "ftp://b", State: "off", Weight: 5}}},
	}
	c.Routes = []RouteConfig{{Pool: "none"}, {}, {Deny: 200}, {Pool: "p", Path: "("}, {Pool: "p", Prefix: "a"}, {Pool: "p", Headers: map[string]string{"a_b": "["}}, {Pool: "p", Host: "*x"}}
	var keys []string
	for _, p := range config.List(c.Validate()) {
		keys = append(keys, p.Key)
	}
	want := "max_requests hosts[1] status_path status_from[0] access_log.format pools.empty.members pools.p.method pools.p.members[1].name " +
		"pools.p.members[2].url pools.p.members[2].state pools.p.members[2].weight routes[0].pool routes[1].pool routes[2].deny routes[3].path routes[4].prefix " +
		"routes[5].headers.a_b routes[5].headers.a_b routes[6].host"
	if got := strings.Join(keys, " "); got != want {
		t.Errorf("problems of\n%s\nwant\n%s", got, want)
	}
	if err := config.Default[Config]().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}
