// Package member keeps the pools: who serves, who is out, and what each did.
//
// A [Pool] is a table of members behind one short mutex. A request asks it for
// a member with Pick, says how that went (Worked or Failed) and that it is over
// (Done). The clock is the caller's: every method that needs a time takes one.
//
// # Guarantees
//
//  1. Members that are disabled, draining or in error take no part in a choice
//     and keep their balancing status meanwhile.
//  2. A member that could not be reached as often in a row as the pool allows
//     is in error for the pool's retry time. Then one request at a time tries
//     it; the first that works brings it back, the first that fails renews the
//     error. MemberDown and MemberUp are told once per outage.
//  3. The last member is never lost for good: where every active member is in
//     error, they all are tried again, whatever their retry time.
//  4. Busy returns to zero: each successful Pick is matched by one Done.
//  5. An update keeps what is known about members by name: counters, balancing
//     status and error, the latter only while the address stays the same.
//
// Hazard: a Member handed out by Pick may have left its pool by the time it is
// reported on. Reports about it are then ignored, except for its counters.
//
// The package knows nothing of HTTP; addresses are strings to it.
package member
