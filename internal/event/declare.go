package event

import "sync"

// Declaration is what is known about a kind of event before any happens.
type Declaration struct {
	Prototype Event    // a zero value of the event's type
	Severity  Severity //
	Pages     bool     // opens an incident: people are told at once
	Ends      []string // kinds whose incidents of the same subject this event ends
	EndsAll   bool     // Ends applies to every subject
	Meaning   string   // one sentence: what happened
	Do        string   // one sentence: what an operator should do; "" for nothing
}

// Kind is the prototype's kind.
func (d Declaration) Kind() string { return d.Prototype.Kind() }

// Lookup returns the declaration of a kind.
func Lookup(kind string) (Declaration, bool) {
	d, ok := byKind()[kind]
	return d, ok
}

var byKind = sync.OnceValue(func() map[string]Declaration {
	m := map[string]Declaration{}
	for _, d := range Declarations() {
		m[d.Kind()] = d
	}
	return m
})

// Declarations returns every kind of event, grouped by room, in the order in
// which the README prints them.
func Declarations() []Declaration {
	var all []Declaration
	all = append(all, lifeDeclarations()...)
	all = append(all, watchDeclarations()...)
	all = append(all, proxyDeclarations()...)
	all = append(all, logDeclarations()...)
	return append(all, officeDeclarations()...)
}

func lifeDeclarations() []Declaration {
	return []Declaration{
		{Prototype: ReeveStarted{}, Meaning: "reeve began to run"},
		{Prototype: ReeveStopping{}, Meaning: "reeve was told to stop and takes the child down first"},
		{Prototype: ReeveStopped{}, Meaning: "reeve ended; the last event of a clean stop"},
		{Prototype: ChildLaunched{}, Meaning: "a life of the child began; it is not known to be healthy yet"},
		{Prototype: ChildReady{}, Ends: []string{"child_unready"}, Meaning: "the life is ready to serve"},
		{Prototype: ChildUnready{}, Severity: Warning, Meaning: "a ready life stopped being ready while it still runs",
			Do: "see the probe that failed: `reeve status`"},
		{Prototype: ChildHealthy{}, Ends: []string{"child_rested", "child_launch_failed", "child_given_up", "limit_mismatched", "child_overloaded"}, EndsAll: true,
			Meaning: "the life stayed ready for the whole reset time; the restart budget is full again"},
		{Prototype: ChildCondemned{}, Severity: Warning, Meaning: "a guard decided that the life must end",
			Do: "read the reason and the post-mortem; one healed restart needs nobody at night"},
		{Prototype: ChildStopping{}, Meaning: "the stop signal went to the child's process group"},
		{Prototype: ChildKilled{}, Severity: Warning, Meaning: "the child did not end in time and was killed",
			Do: "raise supervisor.stop_timeout if its requests need longer to drain"},
		{Prototype: ChildStopped{}, Meaning: "a life ended because reeve ended it"},
		{Prototype: ChildDied{}, Severity: Warning, Meaning: "a life ended by itself",
			Do: "read its post-mortem: exit cause, last words and the requests in flight"},
		{Prototype: ChildLaunchFailed{}, Severity: Urgent, Pages: true, Meaning: "the child could not be started",
			Do: "mend the command, its permissions or the limit that the error names; reeve keeps trying"},
		{Prototype: ChildBackedOff{}, Severity: Warning, Meaning: "reeve waits before the next life"},
		{Prototype: ChildRested{}, Severity: Critical, Pages: true, Meaning: "quick restarts did not help; reeve now tries slowly",
			Do: "the service is down: read the last words, mend the cause, then `reeve restart`"},
		{Prototype: ChildGivenUp{}, Severity: Critical, Pages: true, Meaning: "the configured number of failures is reached and reeve exits 10",
			Do: "the service is down: mend the cause and start reeve again"},
		{Prototype: TreeSurvived{}, Severity: Urgent, Pages: true, Meaning: "processes of a dead life could not be ended",
			Do: "look at the named processes: they are stuck in the kernel or belong to another user"},
		{Prototype: OrphanReaped{}, Meaning: "reeve collected a process that nobody waited for"},
		{Prototype: SignalForwarded{}, Meaning: "an operator's signal was handed to the child"},
		{Prototype: NotifyRefused{}, Severity: Warning, Meaning: "a message on the notify socket was not from the child's tree, or made no sense"},
		{Prototype: LimitsVerified{}, Ends: []string{"limit_mismatched"}, EndsAll: true, Meaning: "the kernel holds every wanted limit for this life"},
		{Prototype: LimitMismatched{}, Severity: Urgent, Pages: true, Meaning: "the kernel holds another limit than the one wanted",
			Do: "something changed the limit after reeve set it: look at the child's own start-up and its configuration"},
		{Prototype: GuardPanicked{}, Severity: Urgent, Pages: true, Meaning: "a part of reeve that watches the child panicked and was restarted",
			Do: "report it with the value; the child was not touched"},
	}
}

func watchDeclarations() []Declaration {
	return []Declaration{
		{Prototype: ProbeFailed{}, Severity: Warning, Meaning: "a probe reached its failure threshold",
			Do: "ask the same thing by hand: `reeve status` shows the last answer"},
		{Prototype: ChildOverloaded{}, Severity: Urgent, Pages: true, Meaning: "a liveness probe fails while requests are still completed: out of service, not restarted",
			Do: "it has more to do than it can: shed load or add capacity; a restart would lose what it still serves"},
		{Prototype: ProbeRecovered{}, Ends: []string{"probe_failed", "child_overloaded"}, Meaning: "a failed probe passes again"},
		{Prototype: RequestWarned{}, Severity: Warning, Meaning: "a request has used most of the time it may take"},
		{Prototype: RequestKilled{}, Severity: Warning, Meaning: "a request that took too long was ended; others on the process were not touched",
			Do: "look at the member and the path: what does that request wait for?"},
		{Prototype: RequestStuck{}, Severity: Urgent, Meaning: "a killed request was still there after its grace, so its life is condemned"},
		{Prototype: SourceUnreadable{}, Severity: Urgent, Pages: true, Meaning: "a scoreboard could not be read three times in a row, so runaways are not seen",
			Do: "check the address and that the server still answers it"},
		{Prototype: SourceReadable{}, Ends: []string{"source_unreadable"}, Meaning: "the scoreboard can be read again"},
		{Prototype: ConditionRaised{}, Severity: Urgent, Pages: true, Meaning: "a configured condition held for its whole duration",
			Do: "see the metric in `reeve status`; the action that follows is in the event"},
		{Prototype: ConditionCleared{}, Ends: []string{"condition_raised"}, Meaning: "a raised condition no longer holds"},
	}
}

func proxyDeclarations() []Declaration {
	return []Declaration{
		{Prototype: MemberDown{}, Severity: Warning, Meaning: "the proxy stopped sending requests to a member",
			Do: "the pool goes on without it; look at the member"},
		{Prototype: MemberUp{}, Ends: []string{"member_down"}, Meaning: "the member takes requests again"},
		{Prototype: PoolEmpty{}, Severity: Critical, Pages: true, Meaning: "no member of a pool can take a request",
			Do: "clients get 503: bring a member back"},
		{Prototype: PoolServing{}, Ends: []string{"pool_empty"}, Meaning: "an empty pool has a member again"},
		{Prototype: ScoreboardFull{}, Severity: Urgent, Meaning: "a request was refused because every slot was taken",
			Do: "raise proxy.builtin.max_requests, or find what holds the requests"},
	}
}

func logDeclarations() []Declaration {
	return []Declaration{
		{Prototype: LogRotated{}, Meaning: "a log turned; the archive's name is final"},
		{Prototype: LogRotateFailed{}, Severity: Urgent, Pages: true, Meaning: "a log could not be turned, or something that is not its file is in its place; its lines are kept",
			Do: "look at what the error names: permissions, space, or a foreign file to move away"},
		{Prototype: LogReopened{}, Severity: Warning, Meaning: "somebody removed or replaced the live file; it was opened anew",
			Do: "rotate with `reeve rotate`, not with another tool"},
		{Prototype: ArchiveCompressed{}, Meaning: "an archive was compressed"},
		{Prototype: ArchiveFailed{}, Severity: Warning, Meaning: "an archive could not be compressed or removed; it is kept as it is"},
		{Prototype: ArchivesRemoved{}, Meaning: "old archives were removed by the retention rules or to reclaim space"},
		{Prototype: LogSurged{}, Severity: Warning, Meaning: "a log grows much faster than it normally does"},
		{Prototype: LogStormed{}, Severity: Urgent, Pages: true, Meaning: "a log grows like an emergency",
			Do: "look at the repeating line in the page: whoever writes it is the cause"},
		{Prototype: LogCalmed{}, Ends: []string{"log_stormed", "log_surged"}, Meaning: "a surge or storm is over"},
		{Prototype: DiskLow{}, Severity: Urgent, Pages: true, Meaning: "the space left for logs fell below the reserve",
			Do: "free space: reeve removes only its own old archives"},
		{Prototype: DiskFull{}, Severity: Critical, Pages: true, Meaning: "a log could not be written for want of space; the child is not stalled",
			Do: "free space now: lines are kept in memory, then dropped and counted"},
		{Prototype: DiskRecovered{}, Ends: []string{"disk_full", "disk_low"}, Meaning: "there is space again and writes succeed"},
		{Prototype: LinesDropped{}, Severity: Urgent, Meaning: "lines were lost while a log could not be written; the log carries a gap line with the same numbers"},
		{Prototype: LogRotateRecovered{}, Ends: []string{"log_rotate_failed"}, Meaning: "a log that could not be turned was turned"},
	}
}

func officeDeclarations() []Declaration {
	return []Declaration{
		{Prototype: PageSent{}, Meaning: "a receiver took a page"},
		{Prototype: PageFailed{}, Severity: Urgent, Meaning: "a receiver could not be reached; the page stays in the spool",
			Do: "check the receiver's address: `reeve page test`"},
		{Prototype: PageDropped{}, Severity: Urgent, Meaning: "a page left the spool unsent"},
		{Prototype: PageTested{}, Severity: Urgent, Pages: true, Meaning: "an operator asked for a test page",
			Do: "nothing: this is a test"},
		{Prototype: ConfigReloaded{}, Ends: []string{"config_refused"}, Meaning: "a new configuration is in force"},
		{Prototype: ConfigRefused{}, Severity: Urgent, Meaning: "a new configuration has problems; the old one stays in force",
			Do: "run `reeve check`"},
		{Prototype: CommandTaken{}, Meaning: "an operator's command changed something"},
		{Prototype: EventsMissed{}, Severity: Warning, Meaning: "a consumer of the timeline fell behind and lost records"},
	}
}
