// Package status folds the timeline into what holds now: the life that runs,
// whether it is ready, the incidents that are open, and the last records.
//
// Guarantees:
//
//  1. Ready is false from the moment on which the child is told to have died,
//     to stop, or to be unready, and true only after child_ready of the life
//     that runs. There is no grace: an orchestrator must stop routing at once.
//  2. An event of an earlier life never changes the state of a later one.
//  3. A snapshot is a copy: it does not change under its reader.
//
// The fold is a pure function of the records; the handlers only read it.
package status
