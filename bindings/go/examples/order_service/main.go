// order_service INSTANCE PORT: is registered as long as it runs, and prints which ones come and go.
package main

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"coord/bindings/go/coord"
	pb "coord/bindings/go/coord/v1"
)

const name, directory = "order-service", "/services/order-service"
const createID, closeID, watchID, listID = 1, 2, 3, 4 // of requests; of the writes their seqs too

// A session, which one stream at a time carries.
type session struct {
	path                     string // of its instance
	hello                    *pb.Hello
	resume                   *pb.ResumeSession
	unanswered               []*pb.Request // writes
	stop                     chan os.Signal
	welcomed, stale, listing bool
	instances, found         []coord.ServiceInstance
}

// attend opens the session on the stream, or goes on with it, until it is closed or the stream lost.
func (s *session) attend(stream *coord.Stream) error {
	for s.welcomed = false; ; {
		select {
		case <-s.stop:
			if s.resume.SessionId == 0 {
				return coord.ErrClosed
			}
			request := &pb.Request{Id: closeID, Seq: closeID, Op: &pb.Request_Close{}}
			s.unanswered, s.stop = append(s.unanswered, request), nil // once
			if s.welcomed {
				stream.Ask(request)
			}
		case frame, open := <-stream.Frames:
			if !open {
				return stream.Err()
			}
			if err := s.take(stream, frame); err != nil {
				return err
			}
		}
	}
}

func (s *session) take(stream *coord.Stream, frame *pb.ServerFrame) error {
	var err error
	if frame.Welcome != nil {
		err = s.greet(stream, frame.Welcome)
	}
	for i := 0; err == nil && i < len(frame.Items); i++ {
		switch told := frame.Items[i].Item.(type) {
		case *pb.Item_Reply:
			err = s.answer(stream, told.Reply)
		case *pb.Item_Event, *pb.Item_Resync:
			s.stale = true
		case *pb.Item_GoAway, *pb.Item_NoLeader, *pb.Item_Lagged: // another stream puts it right
			err = fmt.Errorf("the replica says %v", frame.Items[i])
		}
	}
	if err == nil && s.stale && !s.listing {
		s.found, s.stale, s.listing = nil, false, true
		s.list(stream, nil)
	}
	return err
}

func (s *session) greet(stream *coord.Stream, welcome *pb.Welcome) error {
	if err := coord.Outcome("the session", welcome); err != nil {
		return err
	}
	resumed := s.resume.SessionId != 0
	s.resume.SessionId, s.hello.Session = welcome.SessionId, &pb.Hello_Resume{Resume: s.resume}
	s.hello.ClusterId, s.hello.Generation = welcome.ClusterId, welcome.Generation
	tree := &pb.TreeWatch{Path: directory, Scope: pb.WatchScope_WATCH_SCOPE_CHILDREN}
	watch := &pb.WatchRequest{WatchId: 1, Target: &pb.WatchRequest_Tree{Tree: tree}}
	requests := []*pb.Request{{Id: watchID, Op: &pb.Request_Watch{Watch: watch}}}
	stream.Send(&pb.ClientFrame{Requests: append(requests, s.unanswered...), RearmDone: resumed})
	s.welcomed, s.stale, s.listing = true, true, false
	return nil
}

func (s *session) answer(stream *coord.Stream, reply *pb.Reply) error {
	if err := coord.Outcome(s.path, reply); err != nil {
		return err
	}
	s.hello.LastSeenZxid = max(s.hello.LastSeenZxid, reply.Zxid)
	s.unanswered = slices.DeleteFunc(s.unanswered, func(r *pb.Request) bool { return r.Id == reply.Id })
	switch reply.Id {
	case createID:
		fmt.Println("registered", s.path)
	case closeID:
		return coord.ErrClosed
	case listID:
		page := reply.GetChildren()
		s.found = append(s.found, coord.ServiceInstances(name, page.Children)...)
		if len(page.Cursor) > 0 {
			s.list(stream, page.Cursor)
			return nil
		}
		for _, gone := range coord.Without(s.instances, s.found) {
			fmt.Println("left", gone.ID)
		}
		for _, come := range coord.Without(s.found, s.instances) {
			fmt.Println("joined", come)
		}
		s.instances, s.listing = s.found, false
	}
	return nil
}

func (s *session) list(stream *coord.Stream, cursor []byte) {
	children := &pb.ChildrenRequest{Path: directory, WithData: true, Cursor: cursor}
	stream.Ask(&pb.Request{Id: listID, AfterSeq: createID, Op: &pb.Request_Children{Children: children}})
}

func main() {
	instance, err := coord.LocalInstance(name, os.Args[1:])
	environment, wrong := coord.ReadEnvironment()
	if err := errors.Join(err, wrong); err != nil {
		fmt.Fprintln(os.Stderr, "order_service:", err)
		os.Exit(2)
	}
	secret := make([]byte, 16)
	rand.Read(secret)
	hash := sha256.Sum256(secret)
	open := &pb.OpenSession{SecretHash: hash[:], TimeoutMs: environment.SessionMs}
	create := &pb.CreateRequest{Path: instance.Path(), Data: instance.Data(), Parents: true,
		Kind: pb.NodeKind_NODE_KIND_EPHEMERAL, ParentsKind: pb.NodeKind_NODE_KIND_CONTAINER}
	s := &session{path: instance.Path(), stop: make(chan os.Signal, 1),
		resume:     &pb.ResumeSession{Secret: secret, Attach: 1},
		hello:      &pb.Hello{Client: "order-service/0.1.0", Session: &pb.Hello_Open{Open: open}},
		unanswered: []*pb.Request{{Id: createID, Seq: createID, Op: &pb.Request_Create{Create: create}}}}
	signal.Notify(s.stop, os.Interrupt, syscall.SIGTERM)
	if err := environment.Carry(s.hello, s.attend); err != nil {
		fmt.Fprintln(os.Stderr, "order_service:", err)
		os.Exit(1)
	}
	fmt.Println("closed")
}
