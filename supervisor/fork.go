package supervisor

import "runtime"

// forker makes every fork on one thread that lives as long as any child: the
// kernel takes the end of the forking thread for the death of the parent, and
// Go ends and makes threads as it likes.
type forker struct {
	jobs chan func()   // unbuffered: a job handed over is a job done
	quit chan struct{} // closed by stop
	gone chan struct{} // closed when the thread is given up
}

func newForker() *forker {
	f := &forker{jobs: make(chan func()), quit: make(chan struct{}), gone: make(chan struct{})}
	go f.run()
	return f
}

func (f *forker) run() {
	defer close(f.gone)
	runtime.LockOSThread() // for ever: the thread ends with this goroutine
	for {
		select {
		case job := <-f.jobs:
			job()
		case <-f.quit:
			return
		}
	}
}

// do runs job on the thread and waits for it.
func (f *forker) do(job func()) {
	done := make(chan struct{})
	f.jobs <- func() { defer close(done); job() }
	<-done
}

// stop gives the thread up. No child may live any more.
func (f *forker) stop() {
	close(f.quit)
	<-f.gone
}
