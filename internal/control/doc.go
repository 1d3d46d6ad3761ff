// Package control is how an operator's command reaches a running reeve: HTTP
// and JSON over a unix socket in the state folder, and the lock that keeps a
// second reeve off that folder.
//
// Guarantees:
//
//  1. Only root and the user that reeve runs as are served. The kernel names
//     the peer of each connection; the mode 0600 of the socket is the second
//     fence, not the first.
//  2. A socket file is replaced only when nobody answers on it.
//  3. A panic or an error of one command ends that command, not the server.
//  4. A client that stops reading a stream loses its stream after a bounded
//     time and holds nothing else up.
//  5. One process holds the lock of a state folder. The kernel gives it back at
//     death, however that came, so a stale lock needs no cleaning.
//
// Hazard: the path of a unix socket has at most 104 bytes on the systems that
// reeve knows; a longer one is refused with that number.
//
// Why not TCP on loopback: it cannot tell who calls.
package control
