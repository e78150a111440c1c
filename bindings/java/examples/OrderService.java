import com.google.protobuf.ByteString;
import io.coord.*;
import io.coord.v1.*;
import io.grpc.*;
import io.grpc.stub.BlockingClientCall;
import java.io.IOException;
import java.security.*;
import java.util.*;
import java.util.concurrent.*;

/** OrderService INSTANCE PORT: is registered while it runs, and prints which ones come and go. */
public final class OrderService {
  static final String NAME = "order-service", DIRECTORY = "/services/" + NAME;
  static final int CREATE = 1, CLOSE = 2, WATCH = 3, LIST = 4; // ids; of the writes their seqs too
  static volatile boolean closing; // Ctrl-C
  final Environment environment = Environment.read();
  final ByteString secret = ByteString.copyFrom(SecureRandom.getSeed(16));
  final Hello.Builder hello = Hello.newBuilder().setClient("order-service/0.1.0");
  final Request.Builder create = Request.newBuilder().setId(CREATE).setSeq(CREATE);
  long timeout = TimeUnit.SECONDS.toNanos(10), end = System.nanoTime() + timeout; // of the lease
  Set<ServiceInstance> instances = Set.of(), listed; // listed: so far; null when no list is due
  boolean registered, stale, closed;
  BlockingClientCall<ClientFrame, ServerFrame> stream;
  SentFrames sent; // on it

  /** Goes from replica to replica until the session is closed. */
  void run(ServiceInstance instance) throws Exception {
    byte[] hash = MessageDigest.getInstance("SHA-256").digest(secret.toByteArray());
    hello.getOpenBuilder().setSecretHash(ByteString.copyFrom(hash))
        .setTimeoutMs(environment.sessionMs());
    create.getCreateBuilder().setPath(DIRECTORY + "/" + instance.id()).setData(instance.data())
        .setKind(NodeKind.NODE_KIND_EPHEMERAL)
        .setParents(true).setParentsKind(NodeKind.NODE_KIND_CONTAINER);
    for (int turn = 0; !closed && (!closing || hello.hasResume()); turn++) {
      ManagedChannel channel = environment.connect(turn);
      try {
        attend(CoordinationGrpc.newBlockingV2Stub(channel).session());
      } catch (StatusException | TimeoutException | IOException e) {
        if (end < System.nanoTime()) throw environment.unreachable(hello.hasResume(), timeout, e);
        Thread.sleep(100);
      } finally {
        channel.shutdownNow();
      }
    }
  }

  /** Opens the session on this stream, or goes on with it, until it is closed. */
  void attend(BlockingClientCall<ClientFrame, ServerFrame> opened) throws Exception {
    stream = opened;
    sent = new SentFrames();
    if (hello.hasResume()) hello.getResumeBuilder().setAttach(hello.getResume().getAttach() + 1);
    send(ClientFrame.newBuilder().setHello(hello));
    for (boolean asked = false; !closed; ) {
      try {
        take(stream.read(100, TimeUnit.MILLISECONDS));
      } catch (TimeoutException silence) {
        if (System.nanoTime() - Math.max(end - timeout, sent.began()) > timeout / 2) throw silence;
      }
      if (sent.count() == 1) continue; // no Welcome yet
      if (closing && !asked) {
        Request.Builder close = Request.newBuilder().setId(CLOSE).setSeq(CLOSE);
        send(ClientFrame.newBuilder().addRequests(close.setClose(CloseRequest.newBuilder())));
        asked = true;
      } else if (stale && listed == null) {
        stale = false;
        listed = new LinkedHashSet<>();
        list(ByteString.EMPTY);
      } else if (System.nanoTime() - sent.last() > timeout / 6) {
        send(ClientFrame.newBuilder());
      }
    }
  }

  void send(ClientFrame.Builder frame) throws Exception {
    stream.write(frame.setNumber(sent.next()).build(), timeout / 3, TimeUnit.NANOSECONDS);
  }

  void list(ByteString cursor) throws Exception {
    Request.Builder list = Request.newBuilder().setId(LIST).setAfterSeq(CREATE);
    list.getChildrenBuilder().setPath(DIRECTORY).setWithData(true).setCursor(cursor);
    send(ClientFrame.newBuilder().addRequests(list));
  }

  void take(ServerFrame frame) throws Exception {
    if (frame == null) throw new IOException("the replica ended the stream");
    if (frame.hasWelcome()) take(frame.getWelcome());
    sent.confirm(frame.getConfirmed()).ifPresent(at -> end = at + timeout);
    for (Item item : frame.getItemsList()) {
      switch (item.getItemCase()) {
        case REPLY -> take(item.getReply());
        case EVENT, RESYNC -> stale = true;
        case BOOKMARK -> {}
        default -> throw new IOException("told to go: " + item); // LAGGED too: all begins anew
      }
    }
  }

  void take(Welcome welcome) throws Exception {
    Outcomes.check("the session", welcome.getCode(), welcome.getMessage());
    ClientFrame.Builder frame = ClientFrame.newBuilder().setRearmDone(hello.hasResume());
    timeout = TimeUnit.MILLISECONDS.toNanos(welcome.getTimeoutMs());
    hello.setClusterId(welcome.getClusterId()).setGeneration(welcome.getGeneration());
    hello.getResumeBuilder().setSecret(secret)
        .setSessionId(welcome.getSessionId()).setAttach(welcome.getAttach());
    frame.addRequestsBuilder().setId(WATCH).getWatchBuilder().setWatchId(WATCH)
        .getTreeBuilder().setPath(DIRECTORY).setScope(WatchScope.WATCH_SCOPE_CHILDREN);
    send(registered ? frame : frame.addRequests(create));
    stale = true;
    listed = null;
  }

  void take(Reply reply) throws Exception {
    Outcomes.check(create.getCreate().getPath(), reply.getCode(), reply.getMessage());
    hello.setLastSeenZxid(Math.max(hello.getLastSeenZxid(), reply.getZxid()));
    registered |= reply.getId() == CREATE;
    closed |= reply.getId() == CLOSE;
    if (reply.getId() == CREATE) System.out.println("registered " + reply.getCreate().getPath());
    if (reply.getId() != LIST) return;
    for (Child it : reply.getChildren().getChildrenList()) {
      ServiceInstance.parse(NAME, it.getName(), it.getData()).ifPresent(listed::add);
    }
    if (!reply.getChildren().getCursor().isEmpty()) {
      list(reply.getChildren().getCursor());
      return;
    }
    for (var it : instances) if (!listed.contains(it)) System.out.println("left " + it.id());
    for (var it : listed) if (!instances.contains(it)) System.out.println("joined " + it);
    instances = listed;
    listed = null;
  }

  public static void main(String[] args) {
    CompletableFuture<Integer> code = new CompletableFuture<>();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> { // at Ctrl-C and SIGTERM too
      closing = true;
      Runtime.getRuntime().halt(code.completeOnTimeout(1, 5, TimeUnit.SECONDS).join());
    }));
    try {
      if (args.length != 2) throw new IllegalArgumentException("usage: OrderService INSTANCE PORT");
      new OrderService().run(ServiceInstance.local(NAME, args[0], args[1]));
      System.out.println("closed");
      code.complete(0);
    } catch (Exception wrong) {
      System.err.println("OrderService: " + wrong.getMessage());
      code.complete(wrong instanceof IllegalArgumentException ? 2 : 1);
    }
    System.exit(code.join());
  }
}
