package proxy

import (
	"github.com/reeveproxy/reeve/internal/config"
	"github.com/reeveproxy/reeve/proxy/balance"
)

// Config is the section proxy.builtin.
type Config struct {
	Name        string                `yaml:"name" default:"reeve" doc:"Name of this proxy on its status page and, as %v, in its access log."`
	Hosts       []string              `yaml:"hosts" doc:"Host names that are this site's own, without a port; requests for others are refused. Empty: any name in a Host header, and in absolute-form targets only the address that the client connected to."`
	Pools       map[string]PoolConfig `yaml:"pools" doc:"Groups of members that serve the same thing, by name."`
	Routes      []RouteConfig         `yaml:"routes" doc:"Which request goes to which pool; the first that matches wins, and what none matches is refused with 403."`
	MaxRequests int                   `yaml:"max_requests" default:"4096" min:"64" max:"1048576" doc:"Requests in flight at most; more are refused with 503. Takes effect at the next start."`
	StatusPath  string                `yaml:"status_path" default:"/reeve-status" doc:"Path of the status page, which is never forwarded; empty for none."`
	StatusFrom  []string              `yaml:"status_from" doc:"Addresses and networks that may see the status page. Empty: loopback."`
	AccessLog   AccessLogConfig       `yaml:"access_log" doc:"The line written for each request, but for those that the status page served."`
	Times       TimesConfig           `yaml:"times" doc:"How long things may take."`
	KeepAlive   KeepAliveConfig       `yaml:"keep_alive" doc:"Limits on a client's connection."`
	Forwarded   ForwardedConfig       `yaml:"forwarded" doc:"Whose word about the client is taken."`
	Drain       config.Duration       `yaml:"drain" default:"5s" min:"0s" max:"1h" doc:"How long requests may go on when the proxy stops; then they are cut."`
}

// AccessLogConfig says what the access log looks like.
type AccessLogConfig struct {
	Format string `yaml:"format" default:"delegation" doc:"delegation, common, combined, json, or a template in the notation of Apache's LogFormat; empty writes no access log."`
}

// TimesConfig bounds the phases of a request.
type TimesConfig struct {
	Header config.Duration `yaml:"header" default:"10s" min:"100ms" max:"1h" doc:"How long a client may take to send its request's head. Takes effect at the next start."`
	Idle   config.Duration `yaml:"idle" default:"15s" min:"100ms" max:"1h" doc:"How long a client's connection may wait for its next request. Takes effect at the next start."`
	Total  config.Duration `yaml:"total" default:"400s" min:"0s" max:"168h" doc:"How long a request may take from its head to the last byte of its reply, where its route does not say; 0 for no limit."`
	Tunnel config.Duration `yaml:"tunnel" default:"24h" min:"0s" max:"720h" doc:"How long an upgraded connection (WebSocket) may last, from its request; 0 for no limit."`
}

// KeepAliveConfig bounds a client's connection.
type KeepAliveConfig struct {
	Requests int `yaml:"requests" default:"100" min:"1" max:"1000000" doc:"Requests on one connection; the last reply closes it."`
}

// ForwardedConfig says which peers are proxies of ours.
type ForwardedConfig struct {
	Trust []string `yaml:"trust" doc:"Addresses and networks whose X-Forwarded-For, -Host and -Proto are believed; from others these are replaced."`
}

// PoolConfig describes a pool.
type PoolConfig struct {
	Method         string          `yaml:"method" default:"byrequests" enum:"byrequests,random" doc:"How a member is chosen."`
	Members        []MemberConfig  `yaml:"members" doc:"The servers; their order decides ties."`
	Host           string          `yaml:"host" default:"member" enum:"member,client" doc:"Host header sent to members: their own address, or what the client sent."`
	ConnectTimeout config.Duration `yaml:"connect_timeout" default:"5s" min:"10ms" max:"10m" doc:"How long a connect to a member may take, TLS included."`
	FirstByte      config.Duration `yaml:"first_byte" default:"0s" min:"0s" max:"1h" doc:"How long a member may take to begin its reply, then 504; 0: as long as the request may."`
	Retry          int             `yaml:"retry" default:"1" min:"0" max:"10" doc:"How often a GET, HEAD or OPTIONS without a body goes to another member when one breaks off before its reply. Connects that fail are not counted: they are retried once on every other member."`
	Check          CheckConfig     `yaml:"check" doc:"When a member is taken out because it cannot be reached."`
}

// CheckConfig is the passive check of a pool's members.
type CheckConfig struct {
	Fails int             `yaml:"fails" default:"1" min:"1" max:"1000" doc:"Failed connects in a row that take a member out."`
	Retry config.Duration `yaml:"retry" default:"60s" min:"0s" max:"24h" doc:"How long until one request tries it again; 0 for at once."`
}

// MemberConfig describes one server.
type MemberConfig struct {
	Name   string         `yaml:"name" doc:"Name in the log, on the status page and in events, unique in the pool. Empty: host:port of its URL."`
	URL    string         `yaml:"url" doc:"Its address: http://host:port or https://host:port, with a path under which the site lives there, if any."`
	Weight balance.Weight `yaml:"weight" default:"1" doc:"Its share of the pool's requests, a decimal from 1 to 100 with at most two places."`
	State  string         `yaml:"state" default:"active" enum:"active,disabled,drain" doc:"Whether it takes requests: active, disabled, or drain (finish what it has)."`
}

// RouteConfig sends a class of requests to a pool, or refuses it. What is empty
// matches everything.
type RouteConfig struct {
	Host    string            `yaml:"host" doc:"Host name, without a port; *.example.org stands for every name below it."`
	Methods []string          `yaml:"methods" doc:"Methods; GET implies HEAD."`
	Prefix  string            `yaml:"prefix" doc:"Beginning of the path, by whole segments: /a matches /a and /a/b, not /ab."`
	Path    string            `yaml:"path" doc:"Regular expression (RE2) somewhere in the path; the query is no part of it."`
	Headers map[string]string `yaml:"headers" doc:"Regular expressions, by header; every one must match one of that header's values."`
	Pool    string            `yaml:"pool" doc:"The pool that serves it."`
	Deny    int               `yaml:"deny" min:"0" max:"599" doc:"Refuse with this status, 400 to 599, instead of serving; 0 to serve."`
	Total   config.Duration   `yaml:"total" min:"0s" max:"168h" doc:"How long such a request may take in all; 0: as times.total says."`
}
