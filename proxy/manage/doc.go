// Package manage shows a proxy's state to people and programs: as a page, as
// JSON, and as "Key: value" lines that shell scripts can read.
//
// It renders a [Status] and knows neither HTTP nor the proxy; who may see the
// page is decided by its caller. Everything that came from a client (paths,
// methods) is escaped for the form that it is printed in.
package manage
