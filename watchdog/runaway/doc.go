// Package runaway ends requests that take too long, one request at a time.
//
// A [Hunter] looks at the requests in flight every poll, through a [Source]:
// the shared scoreboard of the built-in proxy ([Board]), or what another server
// tells of itself. It climbs a ladder: warn with evidence, kill the request,
// condemn the life.
//
// # Guarantees
//
//  1. The right request is killed or none: a kill names a request, and one that
//     ended between the look and the kill is not harmed, nor is its successor.
//  2. A kill comes at most one poll after the timeout.
//  3. A killed request that goes within its grace condemns nothing. One that is
//     still there condemns its life, also where the kill could not be sent.
//  4. A source that cannot be read is never silence: after three times in a row
//     it is an event, and its return is another.
//  5. What is remembered is bounded by the requests in flight at the last look.
//
// # Hazards
//
// The timeout is a ceiling: it also ends a request whose own limit is longer.
// Raise it above the longest total time that a route allows, or exempt the path.
//
// It is total time, not idle time: a reply that drips one byte a second is a
// runaway, and so is a large download over a slow line.
package runaway
