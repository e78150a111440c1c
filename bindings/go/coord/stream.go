package coord

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	pb "coord/bindings/go/coord/v1"
)

// Stream is one stream of a session. It numbers the frames, sends an empty one where nothing else went out
// for a sixth of the session's timeout, and ends where the replica says nothing for half of it.
type Stream struct {
	Frames <-chan *pb.ServerFrame // closed when the stream ends; Err says why

	stream pb.Coordination_SessionClient
	cancel context.CancelFunc
	err    error // written before Frames is closed

	mutex     sync.Mutex // guards what follows
	timeout   time.Duration
	silence   *time.Timer
	beat      *time.Timer // nil before the session is welcome
	number    uint64
	sent      map[uint64]time.Time
	confirmed time.Time
}

// Carry calls attend with one stream after the other, of one replica after the other, each of which has
// said hello already. It goes on until attend returns ErrClosed, which is no error, or ErrRefused, or until
// no replica has confirmed a frame for the session's timeout, or to begin with for 10 s. attend may change
// the hello, but for its number of attachments, which are counted here.
func (e *Environment) Carry(hello *pb.Hello, attend func(*Stream) error) error {
	since, patience := time.Now(), 10*time.Second
	for turn := 0; ; turn++ {
		if resume := hello.GetResume(); resume != nil {
			resume.Attach++
		}
		stream, err := e.open(hello, turn)
		if err == nil {
			err = attend(stream)
			if confirmed, timeout := stream.close(); !confirmed.IsZero() {
				since, patience = confirmed, timeout
			}
		}
		switch {
		case errors.Is(err, ErrClosed):
			return nil
		case errors.Is(err, ErrRefused):
			return err
		}
		if time.Since(since) > patience {
			return e.unreachable(patience, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (e *Environment) open(hello *pb.Hello, turn int) (*Stream, error) {
	connection, err := e.connect(turn)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	frames := make(chan *pb.ServerFrame)
	s := &Stream{Frames: frames, sent: map[uint64]time.Time{}}
	s.timeout = time.Duration(e.SessionMs) * time.Millisecond
	s.cancel = func() { cancel(); connection.Close() }
	s.silence = time.AfterFunc(s.timeout/2, cancel)
	if s.stream, err = pb.NewCoordinationClient(connection).Session(ctx); err != nil {
		err = explain(ctx, err)
		s.close()
		return nil, err
	}
	s.Send(&pb.ClientFrame{Hello: hello})
	go s.receive(ctx, frames)
	return s, nil
}

// close gives when the newest confirmed frame was sent, zero where none was, and the session's timeout.
func (s *Stream) close() (time.Time, time.Duration) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.silence.Stop()
	if s.beat != nil {
		s.beat.Stop()
	}
	s.cancel()
	return s.confirmed, s.timeout
}

// Err is why Frames was closed.
func (s *Stream) Err() error {
	return s.err
}

// Ask sends requests in a frame of their own.
func (s *Stream) Ask(requests ...*pb.Request) {
	s.Send(&pb.ClientFrame{Requests: requests})
}

// Send numbers the frame and sends it. Where that fails, Frames is closed.
func (s *Stream) Send(frame *pb.ClientFrame) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.number++
	frame.Number = s.number
	s.sent[s.number] = time.Now()
	if s.beat != nil {
		s.beat.Reset(s.timeout / 6)
	}
	_ = s.stream.Send(frame) // Recv gives the reason
}

func (s *Stream) receive(ctx context.Context, frames chan<- *pb.ServerFrame) {
	defer close(frames)
	for {
		frame, err := s.stream.Recv()
		if err != nil {
			s.err = explain(ctx, err)
			return
		}
		s.take(frame)
		select {
		case frames <- frame:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Stream) take(frame *pb.ServerFrame) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if frame.GetWelcome().GetSessionId() != 0 {
		s.timeout = time.Duration(frame.Welcome.TimeoutMs) * time.Millisecond
		s.beat = time.AfterFunc(s.timeout/6, func() { s.Send(&pb.ClientFrame{}) })
	}
	s.silence.Reset(s.timeout / 2)
	if at, ok := s.sent[frame.Confirmed]; ok {
		s.confirmed = at
		maps.DeleteFunc(s.sent, func(number uint64, _ time.Time) bool { return number <= frame.Confirmed })
	}
}

func explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("the replica is silent")
	}
	return err
}
