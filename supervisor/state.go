package supervisor

// State is where the supervisor is with its child.
type State string

// The states.
const (
	Launching State = "launching" // a process is being made
	Starting  State = "starting"  // it runs and is not ready yet
	Running   State = "running"   // it has been ready
	Stopping  State = "stopping"  // the stop signal was sent
	Killing   State = "killing"   // KILL was sent
	Sweeping  State = "sweeping"  // it is dead and what it left behind is being ended
	Waiting   State = "backoff"   // waits before the next life
	Resting   State = "resting"   // waits long, because quick restarts did not help
	Stopped   State = "stopped"   // nothing runs and nothing will
)

var states = [...]State{Launching, Starting, Running, Stopping, Killing, Sweeping, Waiting, Resting, Stopped}

// then is what follows the end of the current life.
type then string

const (
	retry then = "retry" // count a failure and back off
	again then = "again" // launch at once
	end   then = "end"   // nothing
)

// spot is a state and what follows the life that is in it. Where no life is in
// it, then is retry and means nothing.
type spot struct {
	state State
	then  then
}

type input string

const (
	launched     input = "launched"     // the child's program runs
	launchFailed input = "launchFailed" // no process, or no program in it
	ready        input = "ready"        // the life serves
	unready      input = "unready"      // the life runs and does not serve
	exited       input = "exited"       // the main process is dead
	swept        input = "swept"        // and nothing is left of its tree
	condemned    input = "condemned"    // a guard wants the life ended
	restartAsked input = "restartAsked" // an operator wants another life
	stopAsked    input = "stopAsked"    // an operator wants none
	hurried      input = "hurried"      // and has no patience left
	deadline     input = "deadline"     // the state's timer
	exhausted    input = "exhausted"    // the budget says rest
	gaveUp       input = "gaveUp"       // the budget says no further life
)

var inputs = [...]input{launched, launchFailed, ready, unready, exited, swept, condemned, restartAsked, stopAsked, hurried, deadline, exhausted, gaveUp}

type action string

const (
	doNothing action = "-"
	doLaunch  action = "launch"  // make a process
	doWatch   action = "watch"   // start waiter, guards and the ready timer
	doReady   action = "ready"   // tell it, start the health timer
	doUnready action = "unready" // tell it, stop the health timer
	doHealthy action = "healthy" // refill the budget
	doTerm    action = "term"    // stop signal, start the stop timer
	doKill    action = "kill"    // KILL, start the timer after which it is sent again
	doSweep   action = "sweep"   // end what is left, write the post-mortem
	doAccount action = "account" // count a failure, ask the budget, start the backoff timer
	doRest    action = "rest"    // start the long timer
	doFinish  action = "finish"  // return from Run
)

// next is the whole policy of the loop. A pair that it does not name is ignored:
// the golden table in testdata shows which those are.
func next(at spot, in input) (spot, action) {
	switch at.state {
	case Launching:
		return nextLaunching(at, in)
	case Starting, Running:
		return nextAlive(at, in)
	case Stopping, Killing:
		return nextDying(at, in)
	case Sweeping:
		return nextSweeping(at, in)
	case Waiting, Resting:
		return nextIdle(at, in)
	default:
		return at, doNothing
	}
}

func nextLaunching(at spot, in input) (spot, action) {
	switch {
	case in == launched && at.then == retry:
		return spot{Starting, retry}, doWatch
	case in == launched:
		return spot{Stopping, at.then}, doTerm
	case in == launchFailed && at.then == end:
		return spot{Stopped, retry}, doFinish
	case in == launchFailed:
		return spot{Waiting, retry}, doAccount
	case in == stopAsked:
		return spot{Launching, end}, doNothing
	}
	return at, doNothing
}

func nextAlive(at spot, in input) (spot, action) {
	switch in {
	case ready:
		return spot{Running, retry}, doReady
	case exited:
		return spot{Sweeping, retry}, doSweep
	case condemned:
		return spot{Stopping, retry}, doTerm
	case restartAsked:
		return spot{Stopping, again}, doTerm
	case stopAsked:
		return spot{Stopping, end}, doTerm
	}
	switch {
	case at.state == Starting && in == deadline: // not ready in time
		return spot{Stopping, retry}, doTerm
	case at.state == Running && in == deadline: // ready for long enough
		return at, doHealthy
	case at.state == Running && in == unready:
		return at, doUnready
	}
	return at, doNothing
}

func nextDying(at spot, in input) (spot, action) {
	switch in {
	case exited:
		return spot{Sweeping, at.then}, doSweep
	case deadline:
		return spot{Killing, at.then}, doKill
	case hurried:
		if at.state == Stopping {
			return spot{Killing, at.then}, doKill
		}
	case restartAsked, stopAsked:
		return redirect(at, in), doNothing
	}
	return at, doNothing
}

func nextSweeping(at spot, in input) (spot, action) {
	switch in {
	case swept:
		switch at.then {
		case again:
			return spot{Launching, retry}, doLaunch
		case end:
			return spot{Stopped, retry}, doFinish
		default:
			return spot{Waiting, retry}, doAccount
		}
	case restartAsked, stopAsked:
		return redirect(at, in), doNothing
	}
	return at, doNothing
}

// redirect changes what follows a life that is ending anyway. A stop outweighs
// a restart, whichever came first.
func redirect(at spot, in input) spot {
	if in == stopAsked {
		return spot{at.state, end}
	}
	if at.then == retry {
		return spot{at.state, again}
	}
	return at
}

func nextIdle(at spot, in input) (spot, action) {
	switch in {
	case deadline, restartAsked:
		return spot{Launching, retry}, doLaunch
	case stopAsked, gaveUp:
		return spot{Stopped, retry}, doFinish
	case exhausted:
		return spot{Resting, retry}, doRest
	}
	return at, doNothing
}
