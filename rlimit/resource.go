package rlimit

// Resource is a limit's name as in the file and on the command line.
type Resource string

// The resources, as setrlimit(2) explains them.
const (
	CPU        Resource = "cpu"        // processor time since the start, in seconds
	AS         Resource = "as"         // address space, in bytes
	Data       Resource = "data"       // private writable memory, in bytes
	Stack      Resource = "stack"      // main thread's stack, in bytes
	FSize      Resource = "fsize"      // largest file written, in bytes
	Core       Resource = "core"       // largest core file, in bytes; 0 = none
	NoFile     Resource = "nofile"     // file descriptors, one above the largest
	NProc      Resource = "nproc"      // processes and threads of the real user, not enforced for root
	MemLock    Resource = "memlock"    // memory locked in RAM, in bytes
	RSS        Resource = "rss"        // no effect on Linux since 2.4.30
	MsgQueue   Resource = "msgqueue"   // POSIX message queues of the real user, in bytes
	Nice       Resource = "nice"       // 20 minus the lowest nice value allowed, 0 to 40
	RTPrio     Resource = "rtprio"     // highest real-time priority allowed, 0 to 99
	SigPending Resource = "sigpending" // signals queued for the real user
	Locks      Resource = "locks"      // file locks; no effect on Linux since 2.4.25
	RTTime     Resource = "rttime"     // real-time processor time without a blocking call, in microseconds
)

// unit says how a resource's numbers are written.
type unit int

const (
	count   unit = iota // 4096
	bytes               // 64MiB or a number
	seconds             // 2m or a number
	micros              // 200ms or a number
)

// about is what is known of a resource apart from its kernel number.
type about struct {
	resource Resource
	unit     unit
	proc     string // first column of /proc/PID/limits
	least    uint64 // under it no program can start
	most     uint64 // above it (and not infinity) the number means nothing; 0 = no bound
	noun     string // "address space", for messages
}

// table returns all resources in the order in which they are applied. NOFILE is
// first and the memory limits last, for the reasons in the package doc.
func table() []about {
	return []about{
		{NoFile, count, "Max open files", 4, 0, "open files"},
		{CPU, seconds, "Max cpu time", 1, 0, "processor time"},
		{FSize, bytes, "Max file size", 0, 0, "file size"},
		{Core, bytes, "Max core file size", 0, 0, "core file size"},
		{NProc, count, "Max processes", 0, 0, "processes"},
		{MemLock, bytes, "Max locked memory", 0, 0, "locked memory"},
		{RSS, bytes, "Max resident set", 0, 0, "resident set"},
		{MsgQueue, bytes, "Max msgqueue size", 0, 0, "message queues"},
		{Nice, count, "Max nice priority", 0, 40, "nice ceiling"},
		{RTPrio, count, "Max realtime priority", 0, 99, "real-time priority"},
		{SigPending, count, "Max pending signals", 0, 0, "pending signals"},
		{Locks, count, "Max file locks", 0, 0, "file locks"},
		{RTTime, micros, "Max realtime timeout", 0, 0, "real-time run"},
		{AS, bytes, "Max address space", 1 << 20, 0, "address space"},
		{Data, bytes, "Max data size", 64 << 10, 0, "data"},
		{Stack, bytes, "Max stack size", 16 << 10, 0, "stack"},
	}
}

// Names returns all names in the order in which limits are applied.
func Names() []Resource {
	all := table()
	names := make([]Resource, len(all))
	for i, a := range all {
		names[i] = a.resource
	}
	return names
}

func lookup(r Resource) (about, bool) {
	for _, a := range table() {
		if a.resource == r {
			return a, true
		}
	}
	return about{}, false
}
