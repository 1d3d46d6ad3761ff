package control

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
)

// Error is a refusal that the client sees.
type Error struct {
	Status  int    `json:"status"` // an HTTP status, 400 to 599
	Message string `json:"message"`
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// refuse sends an error as JSON.
func refuse(w http.ResponseWriter, err error) {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Status: http.StatusInternalServerError, Message: err.Error()}
	}
	if e.Status < 400 || e.Status > 599 {
		e = &Error{Status: http.StatusInternalServerError, Message: e.Message}
	}
	text, _ := json.Marshal(e) // a number and a string always encode
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.Status)
	_, _ = w.Write(append(text, '\n'))
}

// inner takes off the layers that would say the path a second time.
func inner(err error) error {
	for {
		var op *net.OpError
		var path *fs.PathError
		var call *os.SyscallError
		switch {
		case errors.As(err, &op):
			err = op.Err
		case errors.As(err, &path):
			err = path.Err
		case errors.As(err, &call):
			err = call.Err
		default:
			return err
		}
	}
}

func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// quiet keeps net/http from writing to our standard error by itself.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
