// Package balance chooses which member of a pool serves the next request.
//
// A [Method] is pure: it sees seats (weight, status, whether the member takes
// part) and returns an index. It reads no clock, draws no random number of its
// own and takes no lock; who owns the seats guards them.
//
// # Guarantees
//
//  1. byrequests is the request-counting rule, to the bit: each seat that takes
//     part gains its weight, the highest status wins (the first on a tie), and
//     the winner pays the sum of the weights that took part. From a zero start,
//     after n choices, status = n·weight − sum·count for every seat, so no
//     member is ever ahead of its share by a whole request, and the schedule
//     repeats after sum/gcd choices.
//  2. A seat that takes no part is frozen: when it returns it owes, and is
//     owed, only what it was.
//  3. random chooses in proportion to the weights, without memory.
//
// Weights are counted in hundredths so that 2.25 is exact. The schedules
// depend on the ratio of the weights alone.
//
// Why not floats: a schedule that drifts cannot be compared with a table.
package balance
