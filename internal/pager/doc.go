// Package pager tells people what they must act on, once, until it is over.
//
// It reads the timeline. A kind that is declared to page opens an incident; a
// kind that is declared to end it resolves it. In between the incident is
// updated in place and repeated to those who must be reminded.
//
// Guarantees:
//
//  1. One incident per dedup key reeve/<host>/<service>/<kind>/<subject>, however
//     many events confirm it. An incident that opens again and again is held
//     open until it is quiet.
//  2. News of an incident is kept on disk until the receiver took it, up to a
//     bounded number and age. What leaves unsent is told by page_dropped.
//  3. The incidents that are open survive a restart of reeve, so that their end
//     is told too.
//  4. A receiver that is down delays no other, and its outage is told once.
//  5. A disk that is full or read-only costs the survival of a restart, nothing
//     else: the news is then held in memory.
//  6. No secret of a receiver (the path, query and user of its URL, its headers)
//     is in an event, an error or the status.
//  7. The pager never pages about itself: page_* events open nothing.
//
// Delivery is at least once: a receiver that took a page and lost the
// connection before it said so gets it again, under the same key.
//
// Why no grouping and routing by team: Alertmanager does that well.
package pager
