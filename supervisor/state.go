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
