package coord

import (
	"errors"
	"fmt"
	"strings"

	pb "coord/bindings/go/coord/v1"
)

// ErrRefused is in the errors after which no other replica, and no later try, would do better.
var ErrRefused = errors.New("refused")

// ErrClosed is what ends the carrying of a session that was closed.
var ErrClosed = errors.New("the session is closed")

// Outcome is nil where the code of a Welcome or a Reply is OK. what: the path or the like that it is about.
func Outcome(what string, told interface {
	GetCode() pb.Code
	GetMessage() string
}) error {
	code, message := told.GetCode(), told.GetMessage()
	name := strings.TrimPrefix(code.String(), "CODE_")
	switch code {
	case pb.Code_CODE_OK:
		return nil
	case pb.Code_CODE_NO_LEADER, pb.Code_CODE_BUSY, pb.Code_CODE_BEHIND, pb.Code_CODE_SHUTTING_DOWN,
		pb.Code_CODE_NOT_BORN, pb.Code_CODE_LIMIT_TIME, pb.Code_CODE_CURSOR_EXPIRED:
		return fmt.Errorf("%s %s", name, message)
	case pb.Code_CODE_NODE_EXISTS:
		message = "another session has it; choose another name, or wait until that session is over"
	}
	return fmt.Errorf("%w: %s: %s: %s", ErrRefused, what, name, message)
}
